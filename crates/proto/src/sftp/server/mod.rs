//! The server's end of an SFTP session: bytes and answers in, replies and wishes out.

mod exchange;

pub use exchange::{Done, FileId, Input, Output, Settings, Work};
