//! Does the client's `sftp://` work with other people's servers? One file for each matter.
#![allow(clippy::disallowed_methods, reason = "a test touches its own files")]

mod course;
mod files;
mod hosts;
mod lies;
mod logins;
mod record;
mod scp;
mod way;
