//! How does a line of the shell become a command of the program? Its names become places on the server or on this
//! machine; its options stay as they are.

use clap::CommandFactory;
use types::{Error, Reason, VPath};

use super::super::{Client, Opened};
use super::catalog::Names;
use super::folder::{Folder, matching};
use super::words::Word;
use crate::cli::Cli;
use proto::ftp::glob::has_glob;

/// The words of a command: options and their values, and all else.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Options, with the values that stand behind them.
    pub(super) options: Vec<String>,
    /// Whatever is no option.
    pub(super) operands: Vec<Word>,
}

/// Sorts words by what the program's own definition of a command says.
pub(super) fn sort(command: &str, words: &[Word]) -> Sorted {
    let definition = Cli::command();
    let arguments = definition.find_subcommand(command);
    let takes_value = |is_it: &dyn Fn(&clap::Arg) -> bool| {
        arguments.is_some_and(|command| command.get_arguments().any(|arg| is_it(arg) && arg.get_action().takes_values()))
    };
    let mut sorted = Sorted::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = &word.text;
        // What was quoted is a name, whatever it begins with.
        let is_option = text.len() > 1 && text.starts_with('-') && word.pattern.starts_with('-');
        if !is_option {
            sorted.operands.push(word.clone());
            continue;
        }
        if text == "--" {
            sorted.operands.extend(rest.by_ref().cloned());
            break;
        }
        sorted.options.push(text.clone());
        let wants_value = match text.strip_prefix("--") {
            Some(long) => takes_value(&|arg| arg.get_long() == Some(long)),
            None => wants_value_behind(text, &|short| takes_value(&|arg| arg.get_short() == Some(short))),
        };
        if wants_value && let Some(value) = rest.next() {
            sorted.options.push(value.text.clone());
        }
    }
    sorted
}

/// Whether the last of `-abc` takes a value that is not in the word itself.
fn wants_value_behind(cluster: &str, takes_value: &dyn Fn(char) -> bool) -> bool {
    let shorts: Vec<char> = cluster.chars().skip(1).collect();
    match shorts.iter().position(|short| takes_value(*short)) {
        Some(at) => at + 1 == shorts.len(),
        None => false,
    }
}

/// The arguments of the program that a command of the shell stands for.
///
/// # Errors
/// [`Reason::NotFound`] where a pattern matches nothing, [`Reason::BadName`], [`Reason::BadLine`] where a name is missing.
pub(super) async fn arguments(
    client: &Client,
    folder: &Folder,
    command: &str,
    names: Names,
    words: &[Word],
    ascii: bool,
) -> Result<Vec<String>, Error> {
    let Sorted { options, operands } = sort(command, words);
    let is_up = options.iter().any(|option| option == "-R" || option == "--reverse");
    let places = match names {
        Names::Remote => remote(client, folder, &operands, ascii).await?,
        Names::RemoteOrHere if operands.is_empty() => vec![url(folder, &folder.here, false, true)],
        Names::RemoteOrHere => remote(client, folder, &operands, ascii).await?,
        Names::WordThenRemote => {
            let (word, others) = operands.split_first().ok_or_else(|| missing("a mode and a name"))?;
            [vec![word.text.clone()], remote(client, folder, others, ascii).await?].concat()
        }
        Names::Get => get(client, folder, &operands, ascii).await?,
        Names::GetMany => [remote(client, folder, &operands, ascii).await?, vec![here()]].concat(),
        Names::Put => put(client, folder, &operands, ascii).await?,
        Names::PutMany => [local(client, &operands).await?, vec![url(folder, &folder.here, ascii, true)]].concat(),
        // Options of the shell's own: the plain command is told the direction by the order of its places.
        Names::Mirror => mirror(folder, &operands, is_up)?,
    };
    let options = options.into_iter().filter(|option| names != Names::Mirror || (option != "-R" && option != "--reverse"));
    let mut all = vec!["carrack".to_owned(), command.to_owned()];
    all.extend(options);
    all.push("--".to_owned());
    all.extend(places);
    Ok(all)
}

/// `get FILE` into the folder here, `get FILE LOCAL` under that name, and more files than one into the folder here.
async fn get(client: &Client, folder: &Folder, operands: &[Word], ascii: bool) -> Result<Vec<String>, Error> {
    match operands {
        [] => Err(missing("a file")),
        [file, name] if !has_glob(file.pattern.as_bytes()) => {
            let from = remote(client, folder, std::slice::from_ref(file), ascii).await?;
            Ok([from, vec![local_name(name)]].concat())
        }
        files => Ok([remote(client, folder, files, ascii).await?, vec![here()]].concat()),
    }
}

/// `put LOCAL` into the folder there, `put LOCAL NAME` under that name, and more files than one into the folder there.
async fn put(client: &Client, folder: &Folder, operands: &[Word], ascii: bool) -> Result<Vec<String>, Error> {
    match operands {
        [] => Err(missing("a file of this machine")),
        [file, name] if !has_glob(file.pattern.as_bytes()) => {
            let to = folder.path_of(&name.text)?;
            let is_folder = name.text.ends_with('/');
            Ok(vec![local_name(file), url(folder, &to, ascii, is_folder)])
        }
        files => Ok([local(client, files).await?, vec![url(folder, &folder.here, ascii, true)]].concat()),
    }
}

/// `mirror [FROM] [TO]`: from there to here, and with -R from here to there.
fn mirror(folder: &Folder, operands: &[Word], is_up: bool) -> Result<Vec<String>, Error> {
    let there = |name: Option<&Word>| match name {
        Some(name) => folder.path_of(&name.text),
        None => Ok(folder.here.clone()),
    };
    let (from, to) = match operands {
        [] => (None, None),
        [from] => (Some(from), None),
        [from, to] => (Some(from), Some(to)),
        _ => return Err(Error::with(Reason::BadLine, "mirror takes two folders at most; names with blanks stand in quotes")),
    };
    // Without a second name the folder keeps its own.
    let own_name = |word: &Word| word.text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if is_up {
        let to = match (to, from) {
            (Some(to), _) => there(Some(to))?,
            (None, Some(from)) if !matches!(&*own_name(from), "" | "." | "..") => folder.path_of(&own_name(from))?,
            _ => folder.here.clone(),
        };
        return Ok(vec![from.map_or_else(here, local_name), url(folder, &to, false, true)]);
    }
    let local = match (to, from) {
        (Some(to), _) => local_name(to),
        (None, Some(from)) => match there(Some(from))?.name() {
            Some(name) => format!("./{}", String::from_utf8_lossy(name)),
            None => here(),
        },
        (None, None) => here(),
    };
    Ok(vec![url(folder, &there(from)?, false, true), local])
}

/// The URLs of places on the server.
async fn remote(client: &Client, folder: &Folder, words: &[Word], ascii: bool) -> Result<Vec<String>, Error> {
    if words.is_empty() {
        return Err(missing("a name"));
    }
    let mut places = Vec::new();
    for word in words {
        let is_folder = word.text.ends_with('/');
        places.extend(folder.places(client, word).await?.iter().map(|path| url(folder, path, ascii, is_folder)));
    }
    Ok(places)
}

fn url(folder: &Folder, path: &VPath, ascii: bool, is_folder: bool) -> String {
    let slash = if is_folder && !path.is_root() { "/" } else { "" };
    let form = if ascii && !is_folder { ";type=a" } else { "" };
    format!("{}{slash}{form}", folder.url_of(path))
}

/// Names of this machine.
pub(super) async fn local(client: &Client, words: &[Word]) -> Result<Vec<String>, Error> {
    if words.is_empty() {
        return Err(missing("a name of this machine"));
    }
    let mut names = Vec::new();
    for word in words {
        if !has_glob(word.pattern.as_bytes()) {
            names.push(local_name(word));
            continue;
        }
        let (root, folder) = local_root(client).await?;
        for path in matching(&root, &folder, word).await? {
            let name = std::str::from_utf8(path.as_bytes());
            names.push(name.map_err(|_| Error::with(Reason::BadName, format!("{path} is not UTF-8")))?.to_owned());
        }
    }
    Ok(names)
}

/// The root of this machine's files, and the folder one is in.
///
/// # Errors
/// Those of opening it.
pub(super) async fn local_root(client: &Client) -> Result<(Opened, VPath), Error> {
    let mut root = client.open(".").await?;
    let folder = std::mem::replace(&mut root.path, VPath::root());
    Ok((root, folder))
}

/// A name of this machine as the program takes it: never for a URL or an option.
fn local_name(word: &Word) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match word.text.strip_prefix('~') {
        Some(below) if word.has_tilde && !home.is_empty() && (below.is_empty() || below.starts_with('/')) => {
            format!("{home}{below}")
        }
        // Standard input and output.
        _ if word.text == "-" => "-".to_owned(),
        _ if word.text.starts_with('/') => word.text.clone(),
        _ => format!("./{}", word.text),
    }
}

fn here() -> String {
    "./".to_owned()
}

fn missing(what: &str) -> Error {
    Error::with(Reason::BadLine, format!("{what} is missing"))
}

#[cfg(test)]
mod tests {
    use super::super::words::{Statement, parse};
    use super::*;

    fn words(line: &str) -> Vec<Word> {
        match parse(line).unwrap().remove(0) {
            Statement::Command { words, .. } => words,
            Statement::Local(_) => Vec::new(),
        }
    }

    #[test]
    fn options_keep_their_values() {
        for (command, line, options, operands) in [
            ("ls", "-l a --sort size b", "-l --sort size", "a b"),
            ("ls", "--sort=size a", "--sort=size", "a"),
            ("ls", "-- -a", "", "-a"),
            ("ls", "'-a' -l", "-l", "-a"),
            ("ls", "-", "", "-"),
            ("cat", "--offset 5 a", "--offset 5", "a"),
        ] {
            let sorted = sort(command, &words(line));
            let names: Vec<&str> = sorted.operands.iter().map(|w| &*w.text).collect();
            assert_eq!((sorted.options.join(" "), names.join(" ")), (options.to_owned(), operands.to_owned()), "{line}");
        }
        assert!(wants_value_behind("-vn", &|c| c == 'n'));
        assert!(!wants_value_behind("-n5", &|c| c == 'n'));
    }

    #[test]
    fn names_of_this_machine_are_never_options_or_urls() {
        for (line, name) in [("-x", "./-x"), ("ftp://h/x", "./ftp://h/x"), ("/a", "/a"), ("a", "./a")] {
            assert_eq!(local_name(&words(line)[0]), name);
        }
    }

    #[test]
    fn mirror_keeps_the_name_of_what_it_mirrors() {
        let client::Place::Remote(url) = client::Place::parse("ftp://h/").unwrap() else { panic!() };
        let here = VPath::parse(b"/srv").unwrap();
        let folder = Folder { url, home: here.clone(), here: here.clone(), before: here };
        for (line, is_up, from, to) in [
            ("", false, "ftp://h/%2Fsrv/", "./"),
            ("a/b", false, "ftp://h/%2Fsrv/a/b/", "./b"),
            ("a x", false, "ftp://h/%2Fsrv/a/", "./x"),
            ("", true, "./", "ftp://h/%2Fsrv/"),
            ("a/b/", true, "./a/b/", "ftp://h/%2Fsrv/b/"),
            ("a x", true, "./a", "ftp://h/%2Fsrv/x/"),
            ("..", true, "./..", "ftp://h/%2Fsrv/"),
        ] {
            let words = if line.is_empty() { Vec::new() } else { words(line) };
            assert_eq!(mirror(&folder, &words, is_up).unwrap(), [from, to], "{line}");
        }
    }
}
