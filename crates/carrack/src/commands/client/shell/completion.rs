//! What does Tab complete? Commands, their options, names on the server and on this machine, bookmarks.

use std::time::Duration;

use clap::CommandFactory;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use types::{Error, Kind, VPath};

use super::super::Client;
use super::super::within::Within;
use super::catalog::{self, Entry, Names, Verb};
use super::folder::Folder;
use super::words::{Before, Word, before, typed};
use crate::bookmarks::Bookmarks;
use crate::cli::Cli;

/// Nobody waits longer for names.
const WITHIN: Duration = Duration::from_secs(5);
/// More names than these are shown to nobody.
const MOST: usize = 5_000;

/// Completes what is being typed.
#[derive(Default)]
pub(super) struct Completion {
    stands: Option<(Option<Folder>, Within)>,
}

/// What a word may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    Nothing,
    Command,
    Bookmark,
    Switch,
    There { folders: bool },
    Here { folders: bool },
}

impl Completion {
    /// Where one is now.
    pub(super) fn stand(&mut self, folder: Option<Folder>, within: Within) {
        self.stands = Some((folder, within));
    }

    /// All that a word may become: as it is shown, and as it is typed.
    fn candidates(&self, line: &str) -> (usize, Vec<Pair>) {
        let read = before(line);
        let name = &read.open.word.text;
        let plain = |word: &str, display: String| Pair { display, replacement: format!("{word} ") };
        let list = |words: &mut dyn Iterator<Item = String>| -> Vec<Pair> {
            let mut found: Vec<String> = words.filter(|word| word.starts_with(name.as_str())).collect();
            found.sort_unstable();
            found.into_iter().map(|word| plain(&word, word.clone())).collect()
        };
        let found = match wanted(&read) {
            Wanted::Nothing => Vec::new(),
            Wanted::Command => list(&mut catalog::names().map(str::to_owned)),
            Wanted::Switch => list(&mut ["on", "off"].into_iter().map(str::to_owned)),
            Wanted::Bookmark => {
                let all = Bookmarks::load().map(|bookmarks| bookmarks.all().to_vec()).unwrap_or_default();
                list(&mut all.iter().map(|bookmark| format!("{}:", bookmark.name)))
            }
            Wanted::There { .. } | Wanted::Here { .. } if name.starts_with('-') && read.open.quote.is_none() => {
                let options = read.words.first().and_then(|word| catalog::find(&word.text).ok()).map(entry_options);
                list(&mut options.unwrap_or_default().into_iter().map(|(option, _)| option))
            }
            wanted => self.names(&read, wanted).unwrap_or_default(),
        };
        (read.start, found)
    }

    /// Names in the folder that the word names up to its last slash.
    fn names(&self, read: &Before, wanted: Wanted) -> Option<Vec<Pair>> {
        let (stands, within) = self.stands.as_ref()?;
        let client = Client::within(within, "complete", &within.options.say);
        let listed = within
            .runtime
            .block_on(async { tokio::time::timeout(WITHIN, entries(&client, stands.as_ref(), &read.open.word, wanted)).await });
        let (folders, hidden) = match wanted {
            Wanted::There { folders } | Wanted::Here { folders } => (folders, last(&read.open.word.text).starts_with('.')),
            _ => return None,
        };
        let begin = last(&read.open.word.text);
        let above = read.open.word.text.get(..read.open.word.text.len() - begin.len()).unwrap_or_default();
        let mut found: Vec<(String, Kind)> = listed
            .ok()?
            .ok()?
            .into_iter()
            .filter_map(|(name, kind)| Some((String::from_utf8(name).ok()?, kind)))
            // What acts on a terminal cannot be typed at it.
            .filter(|(name, _)| name.starts_with(begin) && !name.chars().any(types::text::acts))
            .filter(|(name, kind)| (hidden || !name.starts_with('.')) && (!folders || *kind != Kind::File))
            .take(MOST)
            .collect();
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let quote = read.open.quote;
        Some(
            found
                .into_iter()
                .map(|(name, kind)| pair(above, &name, kind == Kind::Dir, quote, read.open.word.has_tilde))
                .collect(),
        )
    }
}

/// A name as it is shown and typed: a folder's goes on behind its slash, any other is at its end.
fn pair(above: &str, name: &str, is_folder: bool, quote: Option<char>, has_tilde: bool) -> Pair {
    let full = format!("{above}{name}");
    let mut replacement = typed(&full, quote);
    if has_tilde && quote.is_none() {
        replacement = replacement.trim_start_matches('\\').to_owned();
    }
    if is_folder {
        replacement.push('/');
    } else {
        replacement.extend(quote);
        replacement.push(' ');
    }
    Pair { display: if is_folder { format!("{name}/") } else { name.to_owned() }, replacement }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

async fn entries(client: &Client, folder: Option<&Folder>, word: &Word, wanted: Wanted) -> Result<Vec<(Vec<u8>, Kind)>, Error> {
    let above = word.text.get(..word.text.len() - last(&word.text).len()).unwrap_or_default();
    let (root, path) = match (wanted, folder) {
        (Wanted::There { .. }, Some(folder)) => {
            let path = if word.has_tilde { folder.path_of(above)? } else { join(&folder.here, above)? };
            (client.open_url(&folder.url_of(&VPath::root()), &client.options).await?, path)
        }
        (Wanted::There { .. }, None) => return Ok(Vec::new()),
        _ => {
            let (root, here) = super::plain::local_root(client).await?;
            let word = Word { text: above.to_owned(), ..word.clone() };
            let path = super::local::path_of(&word);
            (root, join(&here, &path.to_string_lossy())?)
        }
    };
    let entries = root.entries(&path).await?;
    Ok(entries.into_iter().map(|entry| (entry.name.to_vec(), entry.attr.kind)).collect())
}

fn join(folder: &VPath, name: &str) -> Result<VPath, Error> {
    folder.join(name.as_bytes()).map_err(|e| Error::with(types::Reason::BadName, e.to_string()))
}

/// What the word at the cursor may be.
fn wanted(read: &Before) -> Wanted {
    let Some((name, rest)) = read.words.split_first() else { return Wanted::Command };
    let Ok(entry) = catalog::find(&name.text) else { return Wanted::Nothing };
    let at = rest.iter().filter(|word| !word.text.starts_with('-')).count();
    let (there, here) = (Wanted::There { folders: false }, Wanted::Here { folders: false });
    match entry.verb {
        Verb::Plain(_, _, Names::Get) if at > 0 => here,
        Verb::Plain(_, _, Names::Put) if at > 0 => there,
        Verb::Plain(_, _, Names::Put | Names::PutMany) => here,
        Verb::Plain(_, _, Names::WordThenRemote) if at == 0 => Wanted::Nothing,
        Verb::Plain(_, _, Names::Mirror) => {
            let is_up = rest.iter().any(|word| word.text == "-R" || word.text == "--reverse");
            if is_up == (at > 0) { Wanted::There { folders: true } } else { Wanted::Here { folders: true } }
        }
        Verb::Plain("mkdir" | "rmdir", ..) | Verb::Cd => Wanted::There { folders: true },
        Verb::Plain(..) | Verb::More => there,
        Verb::LocalCd => Wanted::Here { folders: true },
        Verb::LocalList => here,
        Verb::Help => Wanted::Command,
        Verb::Open => Wanted::Bookmark,
        Verb::Modes(_) => Wanted::Switch,
        _ => Wanted::Nothing,
    }
}

fn entry_options(entry: &Entry) -> Vec<(String, String)> {
    match entry.verb {
        Verb::Plain(command, ..) => options(command),
        Verb::LocalList => options("ls"),
        _ => Vec::new(),
    }
}

/// The options that a command of the program has of its own, as they are typed, and what they do. Those that say how a
/// server is reached are the shell's.
pub(super) fn options(command: &str) -> Vec<(String, String)> {
    let definition = Cli::command();
    let shared: Vec<String> = definition
        .find_subcommand("shell")
        .map(|shell| shell.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect())
        .unwrap_or_default();
    let Some(command) = definition.find_subcommand(command) else { return Vec::new() };
    let own = command.get_arguments().filter(|arg| !arg.is_positional());
    let mut found: Vec<(String, String)> = own
        .filter(|arg| !arg.get_long().is_some_and(|long| long == "help" || long == "version" || shared.iter().any(|s| s == long)))
        .filter_map(|arg| {
            let does = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let option = match (arg.get_long(), arg.get_short()) {
                (Some(long), _) => format!("--{long}"),
                (None, Some(short)) => format!("-{short}"),
                (None, None) => return None,
            };
            Some((option, does.lines().next().unwrap_or_default().to_owned()))
        })
        .collect();
    found.sort();
    found
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}

impl Hinter for Completion {
    type Hint = String;
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self.candidates(line.get(..pos).unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_depends_on_the_command_and_the_place() {
        let (there, here) = (Wanted::There { folders: false }, Wanted::Here { folders: false });
        for (line, what) in [
            ("", Wanted::Command),
            ("ge", Wanted::Command),
            ("ls; ge", Wanted::Command),
            ("get ", there),
            ("get a ", here),
            ("put ", here),
            ("put a ", there),
            ("mput a ", here),
            ("cd ", Wanted::There { folders: true }),
            ("lcd ", Wanted::Here { folders: true }),
            ("mirror -R ", Wanted::Here { folders: true }),
            ("mirror ", Wanted::There { folders: true }),
            ("chmod ", Wanted::Nothing),
            ("chmod 644 ", there),
            ("help ", Wanted::Command),
            ("open ", Wanted::Bookmark),
            ("trace ", Wanted::Switch),
            ("xyzzy ", Wanted::Nothing),
        ] {
            assert_eq!(wanted(&before(line)), what, "{line}");
        }
    }

    #[test]
    fn a_name_is_typed_so_that_it_means_itself() {
        for (above, name, is_folder, quote, replacement) in [
            ("", "a", false, None, "a "),
            ("", "a b", false, None, "a\\ b "),
            ("x/", "a b", false, Some('"'), "\"x/a b\" "),
            ("x/", "d", true, Some('\''), "'x/d/"),
            ("", "it's", true, None, "it\\'s/"),
        ] {
            assert_eq!(pair(above, name, is_folder, quote, false).replacement, replacement);
        }
        assert_eq!(pair("~/", "a", false, None, true).replacement, "~/a ");
    }

    #[test]
    fn commands_and_their_options_are_completed() {
        let all = |line: &str| {
            let (start, found) = Completion::default().candidates(line);
            (start, found.into_iter().map(|pair| pair.replacement).collect::<Vec<_>>())
        };
        assert_eq!(all("mi"), (0, vec!["mirror ".to_owned()]));
        assert_eq!(all("ls; lc"), (4, vec!["lcd ".to_owned()]));
        let (start, options) = all("ls --re");
        assert!(
            start == 3 && options.contains(&"--recursive ".to_owned()) && options.contains(&"--reverse ".to_owned()),
            "{options:?}"
        );
        assert!(!all("ls --").1.contains(&"--user ".to_owned()), "how a server is reached is the shell's");
    }
}
