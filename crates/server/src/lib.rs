//! Floor 4: sockets drive server sessions. A driver performs what a pure session wishes, through the gate, and
//! decides nothing itself.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod ask;
pub mod ftp;
pub mod listen;
pub mod ssh;
pub mod tftp;
