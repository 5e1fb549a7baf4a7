//! The program: parse the arguments, run the command, give back its exit code.

mod acme;
mod bookmarks;
mod cli;
mod commands;
mod config;
mod confine;
mod credentials;
mod log;
mod prompt;
mod say;
mod secret;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(cli::parse().command).into()
}
