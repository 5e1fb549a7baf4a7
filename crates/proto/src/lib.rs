//! Floor 1: bytes, messages and pure protocol sessions. No I/O, no clock, no log: bytes and times in, decisions out.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod authorized_keys;
pub mod base64;
pub mod ftp;
pub mod line;
pub mod proxy;
pub mod scp;
pub mod sftp;
pub mod tftp;
