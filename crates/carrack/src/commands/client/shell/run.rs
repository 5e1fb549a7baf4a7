//! What happens to one line? Its commands are found, joined as they were typed, and each is run with its output where it
//! was sent.

use super::super::output::Sink;
use super::Shell;
use super::catalog::{self, Entry, Verb};
use super::local;
use super::words::{Goes, Joint, Statement, Word, parse};
use crate::cli::Exit;
use crate::say;

impl Shell {
    /// Runs a line; with `fail` only to its first command that fails by itself.
    pub(super) fn line(&mut self, line: &str, fail: bool) -> Exit {
        let statements = match parse(line) {
            Ok(statements) => statements,
            Err(fault) => return self.wrong("shell", &fault.to_string()),
        };
        let (mut last, mut before) = (Exit::Well, Joint::Always);
        for statement in statements {
            let is_next = match before {
                Joint::Always | Joint::Background => true,
                Joint::IfWell => last == Exit::Well,
                Joint::IfNot => last != Exit::Well,
            };
            match statement {
                Statement::Local(command) if is_next => last = local::command(&command),
                Statement::Local(_) => {}
                Statement::Command { words, goes, joint, typed } => {
                    before = joint;
                    if is_next {
                        last = self.command(&words, &goes, joint == Joint::Background, &typed);
                        self.after(last);
                    }
                }
            }
            let is_judged = matches!(before, Joint::IfWell | Joint::IfNot);
            if self.leaves.is_some() || (fail && last != Exit::Well && !is_judged) {
                break;
            }
        }
        last
    }

    /// What is said once a command is over: what was drawn of it, and whether a connection was lost.
    fn after(&mut self, exit: Exit) {
        self.within.ladders.draw_so_far();
        let servers = self.within.servers.clone();
        let lost = self.within.runtime.block_on(async { servers.lock().await.iter().map(|server| server.lost()).sum() });
        if lost > std::mem::replace(&mut self.lost, lost) {
            let what = if exit == Exit::Well { "connected again" } else { "the next command connects again" };
            say::err(format_args!("the connection to the server was lost; {what}"));
        }
    }

    fn command(&mut self, words: &[Word], goes: &Goes, is_background: bool, typed: &str) -> Exit {
        let Some((name, rest)) = words.split_first() else { return Exit::Well };
        let entry = match catalog::find(&name.text) {
            Ok(entry) => entry,
            Err(near) => return self.unknown(&name.text, &near),
        };
        if is_background {
            return self.in_background(entry, rest, goes, typed);
        }
        match goes {
            Goes::Out => self.verb(entry, rest),
            Goes::File { name, append } => match local::file(name, *append) {
                Ok(sink) => self.sent_into(sink, entry, rest),
                Err(e) => {
                    say::err(format_args!("{}: {e}", types::text::printable(&name.text)));
                    Exit::Failed
                }
            },
            Goes::Pipe(command) => self.piped_into(command, entry, rest),
        }
    }

    /// Runs a command with its output going to a command of this machine.
    pub(super) fn piped_into(&mut self, command: &str, entry: &Entry, rest: &[Word]) -> Exit {
        let (mut child, sink) = match local::pipe(command) {
            Ok(both) => both,
            Err(e) => {
                say::err(format_args!("{command}: {e}"));
                return Exit::Failed;
            }
        };
        let exit = self.sent_into(sink, entry, rest);
        let ended = local::ended(&mut child);
        if exit == Exit::Well { ended } else { exit }
    }

    fn sent_into(&mut self, sink: Sink, entry: &Entry, rest: &[Word]) -> Exit {
        let before = self.within.out.replace(sink);
        let exit = self.verb(entry, rest);
        self.within.out = before;
        exit
    }

    fn verb(&mut self, entry: &Entry, rest: &[Word]) -> Exit {
        let name = entry.names.first().copied().unwrap_or_default();
        match entry.verb {
            Verb::Plain(..) | Verb::Line(_) => match self.arguments(entry, rest) {
                Ok(arguments) => self.program(&arguments),
                Err(exit) => exit,
            },
            Verb::Open => self.open_typed(rest),
            Verb::Close => self.close(),
            Verb::User => self.user(rest),
            Verb::Pwd => self.pwd(),
            Verb::Cd => self.cd(rest.first().map(|word| &*word.text), rest.len()),
            Verb::CdUp => self.cd(Some(".."), 1),
            Verb::LocalPwd => self.local_pwd(),
            Verb::LocalCd => self.local_cd(rest),
            Verb::LocalList => self.local_list(rest),
            Verb::More => self.more(rest),
            Verb::Modes(mode) => self.switch(mode, rest.first().map(|word| &*word.text)),
            Verb::Status => self.status(),
            Verb::Jobs => self.list_jobs(),
            Verb::Wait => self.wait(rest.first().map(|word| &*word.text)),
            Verb::Kill => self.kill(rest),
            Verb::Help => self.help(rest.first().map(|word| &*word.text)),
            Verb::Quit => self.quit(rest.first().map(|word| &*word.text)),
            Verb::Idle(why) => {
                say::err(format_args!("{name}: {why}"));
                Exit::Well
            }
        }
    }

    /// The command of the program that a command of the shell stands for.
    pub(super) fn arguments(&mut self, entry: &Entry, rest: &[Word]) -> Result<Vec<String>, Exit> {
        let name = entry.names.first().copied().unwrap_or_default();
        let Some(folder) = self.folder.clone() else {
            return Err(self.wrong(name, "there is no server yet; open URL connects to one"));
        };
        match entry.verb {
            Verb::Plain(command, before, names) => {
                let mut words: Vec<Word> = before.iter().map(|word| Word::plain(word)).collect();
                words.extend(rest.iter().cloned());
                let ascii = self.ascii && matches!(command, "get" | "put" | "cat");
                self.ask(name, async |client| {
                    let found = super::plain::arguments(client, &folder, command, names, &words, ascii).await;
                    found.map_err(|e| (String::new(), e))
                })
            }
            Verb::Line(begins) => {
                let words: Vec<&str> = rest.iter().map(|word| &*word.text).collect();
                let line = format!("{begins}{}", words.join(" "));
                if line.trim().is_empty() || (begins == "SITE " && words.is_empty()) {
                    return Err(self.wrong(name, "the line is missing: quote STAT, site HELP"));
                }
                let url = folder.url_of(&folder.here).to_string();
                Ok(["carrack", "quote", "--", &url, line.trim_end()].map(str::to_owned).to_vec())
            }
            _ => Err(self.wrong(name, "this is done at once; & is for what takes time")),
        }
    }

    fn unknown(&self, name: &str, near: &[&str]) -> Exit {
        let guess = match near {
            [] => "help lists all commands".to_owned(),
            [one] => format!("did you mean {one}?"),
            many => format!("it may be {}", many.join(", ")),
        };
        let what = if near.len() > 1 { "more than one command begins so" } else { "no such command" };
        say::err(format_args!("{}: {what}; {guess}", types::text::printable(name)));
        Exit::Usage
    }

    fn help(&self, about: Option<&str>) -> Exit {
        let Some(name) = about else { return self.print(catalog::help().trim_end()) };
        let entry = match catalog::find(name) {
            Ok(entry) => entry,
            Err(near) => return self.unknown(name, &near),
        };
        let mut text = format!("{} {}\n  {}", entry.names.first().unwrap_or(&""), entry.form, entry.does);
        if entry.names.len() > 1 {
            text.push_str(&format!("\n  Also: {}", entry.names.get(1..).unwrap_or_default().join(", ")));
        }
        if let Verb::Plain(command, ..) = entry.verb {
            let options = super::completion::options(command);
            if !options.is_empty() {
                text.push_str("\n\nOptions:\n");
                text.push_str(&options.iter().map(|(option, does)| format!("  {option:22}  {does}\n")).collect::<String>());
            }
        }
        self.print(text.trim_end())
    }

    fn quit(&mut self, code: Option<&str>) -> Exit {
        let exit = match code.map(str::parse::<u8>) {
            None | Some(Ok(0)) => Exit::Well,
            Some(Ok(code)) => Exit::Code(code),
            Some(Err(_)) => return self.wrong("exit", "a code is a number from 0 to 255"),
        };
        if self.may_leave() {
            self.leaves = Some(exit);
        }
        exit
    }

    /// Whether nothing is lost by leaving: somebody who leaves jobs behind is told once.
    pub(super) fn may_leave(&mut self) -> bool {
        let running = self.jobs.running();
        if running == 0 || !self.is_interactive || std::mem::replace(&mut self.was_warned, true) {
            return true;
        }
        let jobs = if running == 1 { "a job is".to_owned() } else { format!("{running} jobs are") };
        say::err(format_args!("{jobs} still running: wait waits; leave again to break off"));
        false
    }
}
