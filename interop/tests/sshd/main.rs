//! Does the client's `sftp://` work with OpenSSH's server? One file for each matter.
#![allow(clippy::disallowed_methods, reason = "a test touches its own files")]

mod files;
mod hosts;
mod lies;
mod logins;
mod record;
mod way;
