//! FTP: what its lines, names, addresses, listings and bodies look like, for both ends (RFC 959 and its successors).

pub mod address;
pub mod client;
pub mod command;
pub mod data;
pub mod digest;
pub mod errors;
pub mod glob;
pub mod listing;
pub mod name;
pub mod reply;
pub mod server;
pub mod timeval;
pub mod verb;
