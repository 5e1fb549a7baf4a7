//! The program's tests from outside: the architecture, the tidiness of the tree, and the binary as a user runs it.
#![allow(clippy::disallowed_methods, reason = "tests stand outside of the house")]

mod awake;
mod bounds;
mod cli;
mod door;
mod floors;
mod harness;
mod ports;
mod resume;
mod serve;
mod tidy;
mod virtual_hosts;
