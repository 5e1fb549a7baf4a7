//! What runs in the background, how is it waited for, and how is it broken off?

use io::{CancellationToken, task};
use tokio::sync::watch;

use super::super::output::Sink;
use super::Shell;
use super::catalog::Entry;
use super::words::{Goes, Word};
use crate::cli::Exit;
use crate::say;

/// As many jobs may run at once; each has a thread.
const MOST: usize = 32;

/// Everything in the background.
#[derive(Default)]
pub(super) struct Jobs {
    list: Vec<Job>,
    /// Where it is told what becomes of jobs, where that is not standard error: above the line being typed.
    pub(super) said: Option<Sink>,
}

/// One command in the background.
struct Job {
    number: usize,
    typed: String,
    kill: CancellationToken,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<Exit>>,
}

impl Job {
    fn is_running(&self) -> bool {
        self.ended.borrow().is_none() && self.ended.has_changed().is_ok()
    }
}

impl Jobs {
    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.list.iter().filter(|job| job.is_running()).count()
    }

    /// Breaks all off.
    pub(super) fn kill_all(&self) {
        for job in &self.list {
            job.kill.cancel();
        }
    }

    /// The smallest number that no job has that runs; those that ended make room.
    fn next_number(&mut self) -> usize {
        self.list.retain(Job::is_running);
        (1..).find(|number| self.list.iter().all(|job| job.number != *number)).unwrap_or(usize::MAX)
    }

    fn of_number(&self, typed: &str) -> Option<&Job> {
        let number: usize = typed.trim_start_matches('%').parse().ok()?;
        self.list.iter().find(|job| job.number == number)
    }
}

/// How a job ended, in words.
fn told(exit: Exit) -> String {
    match exit {
        Exit::Well => "done".to_owned(),
        Exit::Code(130) => "broken off".to_owned(),
        Exit::Code(code) => format!("failed (exit code {code})"),
        _ => "failed".to_owned(),
    }
}

fn say_to(sink: Option<&Sink>, text: &str) {
    match sink {
        Some(sink) => drop(sink.line(text)),
        None => say::err(format_args!("{text}")),
    }
}

impl Shell {
    /// Begins a command that goes on in the background. Its names are found before, its output comes as it comes.
    pub(super) fn in_background(&mut self, entry: &Entry, rest: &[Word], goes: &Goes, typed: &str) -> Exit {
        if self.jobs.running() >= MOST {
            return self.wrong("&", &format!("{MOST} jobs are running already; wait for one"));
        }
        let out = match goes {
            Goes::Out => self.jobs.said.clone(),
            Goes::File { name, append } => match super::local::file(name, *append) {
                Ok(sink) => Some(sink),
                Err(e) => return self.wrong(&name.text, &e.to_string()),
            },
            Goes::Pipe(_) => return self.wrong("&", "a command whose output goes to another waits for it"),
        };
        let command = match self.arguments(entry, rest).and_then(|arguments| super::parsed(&arguments)) {
            Ok(command) => command,
            Err(exit) => return exit,
        };
        let number = self.jobs.next_number();
        let kill = CancellationToken::new();
        let (tell, ended) = watch::channel(None);
        let mut within = self.within.clone();
        (within.out, within.aside, within.kill) = (out, self.jobs.said.clone(), Some(kill.clone()));
        let (said, name) = (self.jobs.said.clone(), types::text::printable(typed));
        let typed = name.clone();
        let entered = self.within.runtime.enter();
        // Its end is heard through the channel.
        drop(task::blocking(move || {
            let exit = within.lend(|| crate::commands::run(command));
            say_to(said.as_ref(), &format!("[{number}] {}: {name}", told(exit)));
            let _ = tell.send(Some(exit));
        }));
        drop(entered);
        self.jobs.list.push(Job { number, typed, kill, ended });
        if self.is_interactive {
            say::err(format_args!("[{number}]"));
        }
        Exit::Well
    }

    pub(super) fn list_jobs(&self) -> Exit {
        let lines: Vec<String> = self
            .jobs
            .list
            .iter()
            .map(|job| {
                let state = job.ended.borrow().map_or_else(|| "running".to_owned(), told);
                format!("[{}] {state}: {}", job.number, job.typed)
            })
            .collect();
        if lines.is_empty() { Exit::Well } else { self.print(&lines.join("\n")) }
    }

    /// `wait [JOB]`. Ctrl-C ends the waiting, and not the jobs.
    pub(super) fn wait(&mut self, typed: Option<&str>) -> Exit {
        let Some(typed) = typed else { return self.wait_for_all() };
        let Some(job) = self.jobs.of_number(typed) else { return self.no_job("wait", typed) };
        self.wait_for(job.ended.clone(), &format!("[{}] {}", job.number, job.typed))
    }

    /// Waits for all; gives the first end that was not well.
    pub(super) fn wait_for_all(&mut self) -> Exit {
        let all = self.jobs.list.iter().map(|job| (job.ended.clone(), format!("[{}] {}", job.number, job.typed)));
        let all: Vec<_> = all.collect();
        let mut first = Exit::Well;
        for (ended, name) in all {
            let exit = self.wait_for(ended, &name);
            if first == Exit::Well {
                first = exit;
            }
            if exit == Exit::Code(130) {
                break;
            }
        }
        self.jobs.list.retain(Job::is_running);
        first
    }

    fn wait_for(&self, mut ended: watch::Receiver<Option<Exit>>, name: &str) -> Exit {
        let waited = self.ask("wait", async |_| {
            if self.is_interactive && ended.borrow().is_none() {
                say::err(format_args!("waiting for {name}; Ctrl-C ends the waiting"));
            }
            let exit = ended.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
            Ok(exit.unwrap_or(Exit::Failed))
        });
        waited.unwrap_or_else(|exit| exit)
    }

    pub(super) fn kill(&self, words: &[Word]) -> Exit {
        let [word] = words else { return self.wrong("kill", "kill JOB; jobs lists them") };
        if word.text == "all" {
            self.jobs.kill_all();
            return Exit::Well;
        }
        match self.jobs.of_number(&word.text) {
            Some(job) => {
                job.kill.cancel();
                Exit::Well
            }
            None => self.no_job("kill", &word.text),
        }
    }

    fn no_job(&self, command: &str, typed: &str) -> Exit {
        self.wrong(command, &format!("there is no job {typed}; jobs lists them"))
    }
}
