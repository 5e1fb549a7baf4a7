//! The program's tests from outside: the architecture, the tidiness of the tree, and the binary as a user runs it.
#![allow(clippy::disallowed_methods, clippy::print_stderr, reason = "tests stand outside of the house, and say what they skip")]

mod acme;
mod awake;
mod balancer;
mod bookmark;
mod bounds;
mod cli;
mod client;
mod door;
mod floors;
mod harness;
mod limits;
mod messages;
mod modes;
mod ports;
mod resume;
mod serve;
mod sftp;
mod tftp;
mod thumbnails;
mod tidy;
mod tls;
mod virtual_hosts;
