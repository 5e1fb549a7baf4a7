//! The server's end of an FTP session: lines, answers and times in, replies and wishes out. Pure: it never waits,
//! never reads a clock and never touches a socket or a file.

mod exchange;
mod language;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod verbs;

pub use exchange::{
    Accepted, Body, Channel, Cover, End, Flow, Gssapi, Input, Level, ListForm, Listed, Output, PassiveForm, Reserved, Seal,
    Settings, Thumbnail, ThumbnailFormat, Tls, Via,
};
pub use session::Session;
