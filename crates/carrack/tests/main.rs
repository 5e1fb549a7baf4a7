//! The program's tests from outside: the architecture, the tidiness of the tree, and the binary as a user runs it.
#![allow(clippy::disallowed_methods, reason = "tests stand outside of the house")]

mod cli;
mod floors;
mod serve;
mod tidy;
