//! The server's end of an SFTP session: bytes and answers in, replies and wishes out.

mod answers;
mod claims;
mod exchange;
mod handles;
mod requests;
mod session;

pub use exchange::{Done, FileId, Input, Output, Settings, Work};
pub use session::Session;
