//! `Message`: what one user tells another: shown in the other's sessions, or kept as mail (RFC 737, RFC 765, SITE MSG).

use crate::Time;

/// Where a message is to go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Delivery {
    /// To the sessions that are there (SITE MSG, XSEN, MSND).
    Sessions,
    /// To the sessions, and kept as mail where there are none (XSEM, MSOM).
    SessionsOrMail,
    /// To the sessions where there are any, and kept as mail besides (XMAS, MSAM).
    SessionsAndMail,
    /// Kept as mail (MAIL).
    Mail,
}

impl Delivery {
    /// Whether it may be kept as mail.
    pub const fn mails(self) -> bool {
        !matches!(self, Self::Sessions)
    }

    /// Whether it is shown in sessions.
    pub const fn shows(self) -> bool {
        !matches!(self, Self::Mail)
    }
}

/// A message that waits to be shown in a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who sent it: a user's name.
    pub from: Box<str>,
    /// When.
    pub at: Time,
    /// Its lines, without their ends. They are another user's words: nothing in them is fit to be printed as it is.
    pub text: Box<[u8]>,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Delivered {
    /// How many sessions will show it.
    pub sessions: u32,
    /// Whether it was kept as mail.
    pub mailed: bool,
}
