//! The client's end of an FTP session: replies, wishes and times in, lines and wishes out. Pure: it never waits, never reads
//! a clock and never touches a socket or a file.
//!
//! [`Session::handle`] takes one [`Input`], then [`Session::poll`] is drained, and [`Session::deadline`] says when to come
//! back. Operations run one after the other; each ends with one [`Output::Done`]. A session ends with one
//! [`Output::Close`], and what was still to be done has had its `Done` before.

mod beyond;
mod data;
mod exchange;
mod failure;
mod features;
mod lane;
mod list;
mod operations;
mod publish;
mod replies;
mod session;
mod setup;
mod shape;
#[cfg(test)]
mod tests;
mod transfer;

pub use exchange::{
    DataFault, DataId, DataTls, Flow, Form, Input, Line, Login, Note, OpId, Operation, Outcome, Output, PutHow, Settings, Stat,
    Tls, Unshaken, Welcome,
};
pub use failure::{Failure, Kind, Limits, Wait, connection_limit};
pub use features::Features;
pub use lane::AT_ONCE as KEPT_AT_ONCE;
pub use replies::{MAX_REPLY, MAX_REPLY_LINE, ReplyDecoder, ReplyError};
pub use session::Session;
