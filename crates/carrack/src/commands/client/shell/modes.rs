//! What can be switched while the shell runs: how bytes are copied, how data connections are made, and what is shown?

use std::sync::Arc;

use super::Shell;
use super::catalog::Mode;
use crate::cli::Exit;
use crate::say;

impl Shell {
    /// Switches something on or off; without a word, to what it was not.
    pub(super) fn switch(&mut self, mode: Mode, word: Option<&str>) -> Exit {
        let network = &self.within.options.network;
        let was_on = match mode {
            Mode::Binary | Mode::Ascii | Mode::Active => false,
            Mode::Passive => !network.active,
            Mode::Verbose => self.within.ladders.tells_lines(),
            Mode::Trace => self.within.ladders.draws(),
        };
        let is_on = match word {
            None => !was_on,
            Some("on" | "yes" | "1") => true,
            Some("off" | "no" | "0") => false,
            Some(other) => return self.wrong(other, "on or off"),
        };
        match mode {
            Mode::Binary => self.ascii = !is_on,
            Mode::Ascii => self.ascii = is_on,
            Mode::Passive => return self.reach(!is_on),
            Mode::Active => return self.reach(is_on),
            Mode::Verbose => self.within.ladders.tell_lines(is_on),
            Mode::Trace => self.within.ladders.draw_each(is_on),
        }
        let what = match mode {
            Mode::Binary | Mode::Ascii if self.ascii => "files are copied as text (TYPE A)",
            Mode::Binary | Mode::Ascii => "files are copied as they are (TYPE I)",
            Mode::Verbose if is_on => "each line is shown: > to the server, < from it",
            Mode::Verbose => "lines are not shown",
            _ if is_on => "each command's session is drawn",
            _ => "sessions are not drawn",
        };
        self.note(what);
        Exit::Well
    }

    /// Makes data connections the one way or the other from now on.
    fn reach(&mut self, active: bool) -> Exit {
        if self.jobs.running() > 0 {
            return self.wrong("passive", "jobs are running over the connections there are; wait, or kill them");
        }
        let mut options = (*self.within.options).clone();
        (options.network.active, options.network.passive) = (active, !active);
        if !active {
            options.network.active_ports = None;
        }
        self.within.options = Arc::new(options);
        self.note(if active { "active: the server connects for data" } else { "passive: the server is connected to for data" });
        self.again()
    }

    fn note(&self, what: &str) {
        if self.is_interactive && !self.within.options.say.quiet {
            say::err(format_args!("{what}"));
        }
    }

    /// `status`.
    pub(super) fn status(&self) -> Exit {
        let on = |is_on| if is_on { "on" } else { "off" };
        let server = match &self.folder {
            Some(folder) => format!("{} {}", folder.server(), folder.here),
            None => "none".to_owned(),
        };
        let local = std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default();
        let network = &self.within.options.network;
        let data = match (network.active, network.passive) {
            (true, _) => "active",
            (_, true) => "passive",
            _ => "passive, and active where that fails",
        };
        self.print(&format!(
            "server   {server}\nhere     {}\ncopies   {}\ndata     {data}\nverbose  {}\ntrace    {}\njobs     {}",
            types::text::printable(&local),
            if self.ascii { "as text (ascii)" } else { "as they are (binary)" },
            on(self.within.ladders.tells_lines()),
            on(self.within.ladders.draws()),
            self.jobs.running(),
        ))
    }
}
