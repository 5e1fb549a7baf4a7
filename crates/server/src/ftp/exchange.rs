//! The security exchange by GSSAPI (RFC 2228): whose tokens go to which context, commands with their protection taken
//! off, and replies that get one.

use std::sync::Arc;

use io::gss::{self, Failure, Mechanism, Shared};
use proto::ftp::reply;
use proto::ftp::server::{Accepted, Level};

/// What a control connection has of it.
#[derive(Default)]
pub(super) struct Exchange {
    mechanism: Option<Arc<dyn Mechanism>>,
    context: Option<Shared>,
    /// The exchange is over, and the context holds.
    done: bool,
    /// How replies go out.
    replies: Option<Level>,
}

impl Exchange {
    pub(super) fn new(mechanism: Option<Arc<dyn Mechanism>>) -> Self {
        Self { mechanism, ..Self::default() }
    }

    /// Forgets what there was.
    pub(super) fn begin(&mut self) {
        (self.context, self.done) = (None, false);
    }

    /// What gives a token to the mechanism; it may take a while.
    pub(super) fn accept(&mut self, token: Box<[u8]>) -> impl FnOnce() -> Result<gss::Accepted, Failure> + Send + use<> {
        let context = match (&self.context, &self.mechanism) {
            (Some(context), _) => Some(context.clone()),
            (None, Some(mechanism)) => Some(self.context.insert(Shared::new(mechanism.clone())).clone()),
            (None, None) => None,
        };
        move || context.ok_or_else(absent)?.accept(&token)
    }

    /// What the session hears of it.
    pub(super) fn accepted(&mut self, accepted: gss::Accepted) -> Accepted {
        match accepted {
            gss::Accepted::More(token) => Accepted::More(token.into()),
            gss::Accepted::Done { token, principal } => {
                self.done = true;
                Accepted::Done { token: token.map(Into::into), principal }
            }
        }
    }

    /// What seals data connections.
    pub(super) fn context(&self) -> Option<&Shared> {
        self.context.as_ref().filter(|_| self.done)
    }

    /// Takes the protection off a command.
    pub(super) fn unwrap(&self, level: Level, token: &[u8]) -> Result<Vec<u8>, Failure> {
        let context = self.context().ok_or_else(absent)?;
        context.unwrap(token, level.is_encrypted())
    }

    /// Replies go out so from now on.
    pub(super) const fn protect_replies(&mut self, level: Option<Level>) {
        self.replies = level;
    }

    /// Appends lines of a reply as they go out: each in a buffer of its own, and behind the code that tells how it is
    /// protected. The outer code is that of a reply of several lines for all but the last (RFC 2228 section 4).
    pub(super) fn print(&self, lines: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let Some(level) = self.replies else {
            out.extend_from_slice(lines);
            return Ok(());
        };
        let context = self.context().ok_or_else(absent)?;
        for line in lines.split_inclusive(|&b| b == b'\n') {
            let token = context.wrap(line, level.is_encrypted())?;
            let is_last = line.get(3) == Some(&b' ') && line.first().is_some_and(u8::is_ascii_digit);
            let mark = if is_last { ' ' } else { '-' };
            out.extend_from_slice(format!("{}{mark}{}\r\n", level.reply_code(), reply::token(&token)).as_bytes());
        }
        Ok(())
    }
}

fn absent() -> Failure {
    Failure("there was no exchange".into())
}
