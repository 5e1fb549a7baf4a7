//! The program's tests from outside: the architecture, the tidiness of the tree, and the binary as a user runs it.

mod cli;
mod floors;
mod serve;
mod tidy;
