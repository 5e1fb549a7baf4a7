//! How is a line taken from a person: the prompt, the keys, what was typed before, and what Tab completes?

use std::io::IsTerminal;
use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use super::super::output::Sink;
use super::super::within::Within;
use super::completion::Completion;
use super::folder::Folder;
use super::history;

/// As many lines are kept.
const LINES: usize = 2_000;

/// What came of asking for a line.
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C: what was typed is thrown away.
    Interrupted,
    /// Ctrl-D.
    End,
    Failed(String),
}

/// Takes lines at a terminal.
pub(super) struct LineReader {
    editor: Editor<Completion, FileHistory>,
    file: Option<PathBuf>,
    colour: bool,
}

impl LineReader {
    pub(super) fn new() -> Result<Self, String> {
        let config = Config::builder()
            .history_ignore_space(true)
            .max_history_size(LINES)
            .map_err(|e| e.to_string())?
            .completion_type(CompletionType::List)
            .completion_prompt_limit(200)
            .build();
        let mut editor = Editor::with_default(config).map_err(|e| e.to_string())?;
        editor.set_helper(Some(Completion::default()));
        let file = history::file();
        if let Some(file) = &file {
            // The first time there is none.
            let _ = editor.load_history(file);
        }
        let colour = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()) && std::io::stdout().is_terminal();
        Ok(Self { editor, file, colour })
    }

    /// Where text goes that comes while somebody types: above the line.
    pub(super) fn printer(&mut self) -> Option<Sink> {
        let printer = self.editor.create_external_printer().ok()?;
        Some(Sink::new(Above { printer, begun: Vec::new() }))
    }

    pub(super) fn read(&mut self, folder: Option<&Folder>, within: &Within) -> Typed {
        if let Some(completion) = self.editor.helper_mut() {
            completion.stand(folder.cloned(), within.clone());
        }
        let (plain, styled) = prompt(folder, self.colour);
        match self.editor.readline(&(plain, styled)) {
            Ok(line) => {
                self.keep(&line);
                Typed::Line(line)
            }
            Err(ReadlineError::Interrupted) => Typed::Interrupted,
            Err(ReadlineError::Eof) => Typed::End,
            Err(e) => Typed::Failed(e.to_string()),
        }
    }

    /// Keeps a line for the next time, at once: a shell that is killed has lost none.
    fn keep(&mut self, line: &str) {
        if line.trim().is_empty() || history::may_hold_secret(line) {
            return;
        }
        let is_new = self.editor.add_history_entry(line).unwrap_or(false);
        if let Some(file) = self.file.as_deref().filter(|_| is_new) {
            // A history that cannot be kept is no reason not to work.
            let _ = self.editor.append_history(file);
        }
    }
}

/// `user@host:/folder> `, and the same in colour.
fn prompt(folder: Option<&Folder>, colour: bool) -> (String, String) {
    let Some(folder) = folder else { return ("carrack> ".to_owned(), "carrack> ".to_owned()) };
    let (server, place) = (folder.server(), folder.here.to_string());
    let plain = format!("{server}:{place}> ");
    let styled = if colour { format!("\x1b[1;32m{server}\x1b[0m:\x1b[1;34m{place}\x1b[0m> ") } else { plain.clone() };
    (plain, styled)
}

/// Hands on whole lines, so that no two are mixed.
struct Above<P> {
    printer: P,
    begun: Vec<u8>,
}

/// No longer line is waited for.
const LONGEST: usize = 64 * 1024;

impl<P: ExternalPrinter> std::io::Write for Above<P> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match self.begun.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => at + 1,
            None if self.begun.len() > LONGEST => self.begun.len(),
            None => return Ok(bytes.len()),
        };
        let rest = self.begun.split_off(whole);
        let lines = std::mem::replace(&mut self.begun, rest);
        self.printer.print(String::from_utf8_lossy(&lines).into_owned()).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::VPath;

    #[test]
    fn the_prompt_says_who_and_where_and_cannot_act_on_the_terminal() {
        let client::Place::Remote(url) = client::Place::parse("ftp://ana@h:2121/").unwrap() else { panic!() };
        let here = VPath::parse(b"/a\x1b[2Jb").unwrap();
        let folder = Folder { url, home: here.clone(), here: here.clone(), before: here };
        assert_eq!(prompt(Some(&folder), false).0, "ana@h:2121:/a\\x1b[2Jb> ");
        assert_eq!(prompt(None, true).0, "carrack> ");
    }
}
