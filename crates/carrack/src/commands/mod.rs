//! What does each command do? One file each.

mod bookmark;
mod check;
pub(crate) mod client;
mod hash;
mod paper;
mod serve;
mod tftp;
mod why;

use crate::cli::{Command, Exit};

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Exit {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Tftp(args) => tftp::run(&args),
        Command::Bookmark(args) => bookmark::run(&args),
        Command::Ls(args) => client::ls::run(&args),
        Command::Stat(args) => client::stat::run(&args),
        Command::Cat(args) => client::cat::run(&args),
        Command::Mkdir(args) => client::mkdir::run(&args),
        Command::Rmdir(args) => client::mkdir::run_remove(&args),
        Command::Mv(args) => client::mv::run(&args),
        Command::Chmod(args) => client::chmod::run(&args),
        Command::Touch(args) => client::touch::run(&args),
        Command::Du(args) => client::du::run(&args),
        Command::Find(args) => client::find::run(&args),
        Command::Df(args) => client::df::run(&args),
        Command::Rm(args) => client::rm::run(&args),
        Command::Get(args) => client::copies::get(&args),
        Command::Put(args) => client::copies::put(&args),
        Command::Cp(args) => client::copies::cp(&args),
        Command::Mirror(args) => client::copies::mirror(&args),
        Command::Plan(args) => client::copies::plan(&args),
        Command::Apply(args) => client::copies::apply(&args),
        Command::Shell(args) => client::shell::run(&args),
        Command::Quote(args) => client::quote::run(&args),
        Command::Hash(args) if args.places.is_empty() => hash::run(),
        Command::Hash(args) => client::hash::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Completions(args) => paper::completions(&args),
        Command::Man => paper::man(),
    }
}
