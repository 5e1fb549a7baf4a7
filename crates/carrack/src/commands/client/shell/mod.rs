//! `carrack shell`: how are commands taken one after the other, from a person, a script or the command line, over sessions
//! that stay open? Each line's commands are those of the program; the shell knows where one is.

mod catalog;
mod completion;
mod folder;
mod history;
mod jobs;
mod line;
mod local;
mod modes;
mod plain;
mod run;
mod session;
mod words;

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use clap::Parser;
use io::CancellationToken;
use types::Error;

use super::ladder::Ladders;
use super::within::Within;
use super::{AtInterrupt, Client, GOOD_BYE_WITHIN, Interrupts};
use crate::cli::{self, Cli, Exit};
use crate::say;
use folder::Folder;
use jobs::Jobs;
use line::{LineReader, Typed};

/// Takes commands until there are no more.
pub(crate) fn run(args: &cli::shell::Shell) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            say::err(format_args!("carrack shell: the reactor: {e}"));
            return Exit::Failed;
        }
    };
    // From here on Ctrl-C breaks off what runs, and not the shell.
    if let Err(e) = runtime.block_on(async { Interrupts::keys() }) {
        say::err(format_args!("carrack shell: signals: {e}"));
        return Exit::Failed;
    }
    let is_told = args.command.is_some();
    let within = Within {
        runtime: runtime.handle().clone(),
        life: CancellationToken::new(),
        servers: Arc::default(),
        logins: Arc::default(),
        ladders: Arc::new(Ladders::switchable(&args.options.say)),
        options: Arc::new(args.options.clone()),
        here: None,
        out: None,
        aside: None,
        kill: None,
    };
    let life = within.life.clone();
    let mut shell = Shell {
        within,
        folder: None,
        ascii: false,
        jobs: Jobs::default(),
        is_interactive: !is_told && std::io::stdin().is_terminal(),
        leaves: None,
        lost: 0,
        was_warned: false,
    };
    let exit = shell.live(args);
    shell.end();
    life.cancel();
    runtime.shutdown_timeout(GOOD_BYE_WITHIN);
    exit
}

/// A shell.
struct Shell {
    /// What commands borrow.
    within: Within,
    /// Where one is, where there is a server.
    folder: Option<Folder>,
    /// Whether files are copied as text.
    ascii: bool,
    jobs: Jobs,
    /// Whether a person types.
    is_interactive: bool,
    /// How it ends, once it is to end.
    leaves: Option<Exit>,
    /// How many connections had been lost when the last command ended.
    lost: usize,
    /// Whether somebody who wants to leave has been told of jobs that run.
    was_warned: bool,
}

impl Shell {
    fn live(&mut self, args: &cli::shell::Shell) -> Exit {
        if let Some(place) = &args.place {
            let exit = self.open(place, None);
            if exit != Exit::Well {
                return exit;
            }
        }
        match &args.command {
            Some(commands) => self.script(commands.lines().map(|line| Ok(line.to_owned())), args.fail),
            None if self.is_interactive => self.converse(),
            None => self.script(std::io::stdin().lock().lines(), args.fail),
        }
    }

    /// Takes lines from a script: to its end, or with `fail` to the first command that fails.
    fn script(&mut self, lines: impl Iterator<Item = std::io::Result<String>>, fail: bool) -> Exit {
        let mut last = Exit::Well;
        for line in lines {
            match line {
                Ok(line) => last = self.line(&line, fail),
                Err(e) => {
                    say::err(format_args!("carrack shell: standard input: {e}"));
                    return Exit::Failed;
                }
            }
            if let Some(exit) = self.leaves {
                return exit;
            }
            if fail && last != Exit::Well {
                break;
            }
        }
        let jobs = self.wait_for_all();
        if last == Exit::Well { jobs } else { last }
    }

    /// Takes lines from a person.
    fn converse(&mut self) -> Exit {
        let mut reader = match LineReader::new() {
            Ok(reader) => reader,
            Err(e) => {
                say::err(format_args!("carrack shell: the terminal cannot be used: {e}"));
                return Exit::Failed;
            }
        };
        self.within.aside = reader.printer();
        self.jobs.said = self.within.aside.take();
        let mut last = Exit::Well;
        loop {
            match reader.read(self.folder.as_ref(), &self.within) {
                Typed::Line(line) => last = self.line(&line, false),
                Typed::Interrupted => {}
                Typed::End if self.may_leave() => self.leaves = Some(last),
                Typed::End => {}
                Typed::Failed(e) => {
                    say::err(format_args!("carrack shell: the terminal cannot be read: {e}"));
                    return Exit::Failed;
                }
            }
            if let Some(exit) = self.leaves {
                return exit;
            }
        }
    }

    /// Runs something that needs servers. What fails is told, with the place it is about.
    fn ask<T>(&self, command: &'static str, work: impl AsyncFnOnce(&Client) -> Result<T, (String, Error)>) -> Result<T, Exit> {
        let mut found = None;
        let exit = self.within.lend(|| {
            super::run(command, &self.within.options, AtInterrupt::Drop, async |client: &Client| {
                match work(client).await {
                    Ok(value) => found = Some(value),
                    Err((place, error)) => client.failed(&place, &error),
                }
                Ok(())
            })
        });
        found.ok_or(exit)
    }

    /// Runs a command of the program as if it had been typed behind `carrack`.
    fn program(&self, arguments: &[String]) -> Exit {
        match parsed(arguments) {
            Ok(command) => self.within.lend(|| crate::commands::run(command)),
            Err(exit) => exit,
        }
    }

    /// Says good-bye to all servers, and breaks off what still runs.
    fn end(&mut self) {
        self.jobs.kill_all();
        let servers = self.within.servers.clone();
        let good_bye = async move {
            for server in servers.lock().await.drain(..) {
                server.good_bye().await;
            }
        };
        let _ = self.within.runtime.block_on(async { tokio::time::timeout(GOOD_BYE_WITHIN, good_bye).await });
    }

    /// A line of a command's result.
    fn print(&self, text: &str) -> Exit {
        match &self.within.out {
            None => say::out(format_args!("{text}")),
            Some(sink) => sink.line(text),
        }
    }

    /// That something is wrong with what was typed.
    fn wrong(&self, command: &str, what: &str) -> Exit {
        say::err(format_args!("{command}: {}", types::text::printable(what)));
        Exit::Usage
    }
}

/// The command that arguments stand for.
fn parsed(arguments: &[String]) -> Result<cli::Command, Exit> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(cli.command),
        Err(e) => {
            let text = e.render().to_string();
            if !e.use_stderr() {
                return Err(say::out(format_args!("{}", text.trim_end())));
            }
            // What follows is about the command line of the program.
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let name = arguments.get(1).map_or("", |name| name.as_str());
            say::err(format_args!("{name}: {what} (help {name})"));
            Err(Exit::Usage)
        }
    }
}
