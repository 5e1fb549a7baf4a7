//! Which commands does the shell know, by which names, and what does `help` say of them? Those that people type who know
//! ftp(1) or lftp are all here.

/// What stands behind a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    /// A command of the program, with words before what was typed, on places made of its names.
    Plain(&'static str, &'static [&'static str], Names),
    /// A line for the server, which begins with this.
    Line(&'static str),
    Open,
    Close,
    User,
    Pwd,
    Cd,
    CdUp,
    LocalPwd,
    LocalCd,
    LocalList,
    More,
    Modes(Mode),
    Status,
    Jobs,
    Wait,
    Kill,
    Help,
    /// Leave the shell.
    Quit,
    /// A word of ftp(1) that has nothing left to say here; the text says why.
    Idle(&'static str),
}

/// What can be switched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Binary,
    Ascii,
    Passive,
    Active,
    Verbose,
    Trace,
}

/// What a command's names mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Names {
    /// All stand on the server.
    Remote,
    /// All stand on the server; none is where one is.
    RemoteOrHere,
    /// As they are, and then on the server: `chmod MODE FILE`.
    WordThenRemote,
    /// `get FILE [LOCAL]`.
    Get,
    /// `mget FILE…`.
    GetMany,
    /// `put LOCAL [FILE]`.
    Put,
    /// `mput LOCAL…`.
    PutMany,
    /// `mirror [-R] [FROM] [TO]`.
    Mirror,
}

/// One command.
pub(super) struct Entry {
    /// Its name, and those that mean the same.
    pub(super) names: &'static [&'static str],
    pub(super) verb: Verb,
    /// How it is typed, behind its name.
    pub(super) form: &'static str,
    /// What it does.
    pub(super) does: &'static str,
}

const fn entry(names: &'static [&'static str], verb: Verb, form: &'static str, does: &'static str) -> Entry {
    Entry { names, verb, form, does }
}

/// All commands, as `help` shows them; groups have headings.
pub(super) const CATALOG: &[(&str, &[Entry])] = &[
    (
        "The server",
        &[
            entry(&["open"], Verb::Open, "[-u USER] URL | HOST [PORT]", "connect to a server, or a bookmark (NAME:)"),
            entry(&["close", "disconnect"], Verb::Close, "", "say good-bye to the server and stay in the shell"),
            entry(&["user", "login"], Verb::User, "NAME", "log in as somebody else; the password is asked for"),
            entry(&["status"], Verb::Status, "", "show where one is and what is switched on"),
            entry(&["quote", "literal"], Verb::Line(""), "LINE", "send a line as it is, and show the reply"),
            entry(&["site"], Verb::Line("SITE "), "WORDS", "send SITE and these words"),
            entry(&["system", "syst"], Verb::Line("SYST"), "", "show what system the server says it is"),
            entry(&["remotehelp", "rhelp"], Verb::Line("HELP "), "[COMMAND]", "show the server's own help"),
        ],
    ),
    (
        "Looking",
        &[
            entry(&["ls"], Verb::Plain("ls", &[], Names::RemoteOrHere), "[-laRthS] [NAME…]", "list a folder"),
            entry(
                &["ll", "dir", "mdir"],
                Verb::Plain("ls", &["-l"], Names::RemoteOrHere),
                "[NAME…]",
                "list with bits, sizes and times",
            ),
            entry(
                &["nlist", "nlst", "mls"],
                Verb::Plain("ls", &["-a"], Names::RemoteOrHere),
                "[NAME…]",
                "list names alone, all of them",
            ),
            entry(&["pwd"], Verb::Pwd, "", "show the folder on the server"),
            entry(
                &["cd", "cwd", "chdir"],
                Verb::Cd,
                "[FOLDER | - | ~]",
                "go to a folder; - is the one before, ~ and nothing the first",
            ),
            entry(&["cdup"], Verb::CdUp, "", "go to the folder above"),
            entry(&["cat"], Verb::Plain("cat", &[], Names::Remote), "FILE…", "show files"),
            entry(&["more", "less", "page"], Verb::More, "FILE…", "show files page by page ($PAGER)"),
            entry(
                &["stat", "size", "modtime"],
                Verb::Plain("stat", &[], Names::Remote),
                "NAME…",
                "show all that is known of files and folders",
            ),
            entry(&["du"], Verb::Plain("du", &[], Names::RemoteOrHere), "[-sh] [NAME…]", "show how much folders hold"),
            entry(
                &["find"],
                Verb::Plain("find", &[], Names::RemoteOrHere),
                "[NAME…] [--name PATTERN …]",
                "list what is below, by name, type, size and time",
            ),
            entry(&["df"], Verb::Plain("df", &[], Names::RemoteOrHere), "[NAME]", "show how much room is left"),
            entry(&["hash"], Verb::Plain("hash", &[], Names::Remote), "FILE…", "show files' digests (SHA-256)"),
        ],
    ),
    (
        "Copying",
        &[
            entry(
                &["get", "recv"],
                Verb::Plain("get", &[], Names::Get),
                "FILE [LOCAL]",
                "fetch a file, and go on with one that was broken off",
            ),
            entry(&["mget"], Verb::Plain("get", &[], Names::GetMany), "FILE…", "fetch files (*.txt)"),
            entry(&["reget"], Verb::Plain("get", &[], Names::Get), "FILE [LOCAL]", "the same as get, which goes on by itself"),
            entry(
                &["put", "send"],
                Verb::Plain("put", &[], Names::Put),
                "LOCAL [NAME]",
                "store a file, and go on with one that was broken off",
            ),
            entry(&["mput"], Verb::Plain("put", &[], Names::PutMany), "LOCAL…", "store files (*.txt)"),
            entry(&["reput"], Verb::Plain("put", &[], Names::Put), "LOCAL [NAME]", "the same as put, which goes on by itself"),
            entry(
                &["mirror"],
                Verb::Plain("mirror", &[], Names::Mirror),
                "[-R] [--delete] [FROM] [TO]",
                "make a folder here like one there; -R the other way round",
            ),
        ],
    ),
    (
        "Changing",
        &[
            entry(&["mkdir"], Verb::Plain("mkdir", &[], Names::Remote), "[-p] FOLDER…", "make folders"),
            entry(&["rmdir"], Verb::Plain("rmdir", &[], Names::Remote), "FOLDER…", "remove empty folders"),
            entry(
                &["rm", "delete", "mdelete", "mrm"],
                Verb::Plain("rm", &[], Names::Remote),
                "[-r] NAME…",
                "remove files, and with -r folders with all that is in them",
            ),
            entry(&["mv", "rename"], Verb::Plain("mv", &[], Names::Remote), "FROM TO", "rename or move"),
            entry(&["chmod"], Verb::Plain("chmod", &[], Names::WordThenRemote), "MODE NAME…", "change permission bits"),
            entry(
                &["touch"],
                Verb::Plain("touch", &[], Names::Remote),
                "NAME…",
                "make an empty file, or set a file's time to now",
            ),
        ],
    ),
    (
        "This machine",
        &[
            entry(&["lcd"], Verb::LocalCd, "[FOLDER]", "go to a folder of this machine"),
            entry(&["lpwd"], Verb::LocalPwd, "", "show the folder of this machine"),
            entry(&["lls", "ldir"], Verb::LocalList, "[-laRthS] [NAME…]", "list a folder of this machine"),
        ],
    ),
    (
        "Modes",
        &[
            entry(&["binary", "bin", "image"], Verb::Modes(Mode::Binary), "", "copy bytes as they are (TYPE I)"),
            entry(&["ascii"], Verb::Modes(Mode::Ascii), "", "convert line ends of text (TYPE A)"),
            entry(&["passive"], Verb::Modes(Mode::Passive), "[on|off]", "connect to the server for data; off: active"),
            entry(&["active"], Verb::Modes(Mode::Active), "", "let the server connect for data"),
            entry(&["verbose", "debug"], Verb::Modes(Mode::Verbose), "[on|off]", "show each line to the server and from it"),
            entry(&["trace"], Verb::Modes(Mode::Trace), "[on|off]", "draw each command's session as a ladder"),
        ],
    ),
    (
        "The shell",
        &[
            entry(&["jobs"], Verb::Jobs, "", "list what runs in the background; COMMAND & puts it there"),
            entry(&["wait"], Verb::Wait, "[JOB]", "wait for a job, or for all"),
            entry(&["kill"], Verb::Kill, "JOB", "break a job off"),
            entry(&["help", "?"], Verb::Help, "[COMMAND]", "show this, or more of one command"),
            entry(&["exit", "quit", "bye"], Verb::Quit, "[CODE]", "leave; Ctrl-D does the same"),
        ],
    ),
    (
        "Typed from habit",
        &[
            entry(
                &["prompt"],
                Verb::Idle("mget, mput and mdelete never ask here"),
                "",
                "nothing: nobody is asked before each file",
            ),
            entry(&["tick"], Verb::Idle("progress is shown by itself"), "", "nothing: progress is shown by itself"),
            entry(&["bell"], Verb::Idle("no bell rings here"), "", "nothing: no bell rings"),
        ],
    ),
];

/// All entries.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    CATALOG.iter().flat_map(|(_, entries)| *entries)
}

/// What a name stands for: itself, or the one command that begins with it.
///
/// # Errors
/// The commands that were meant, where that is none or more than one.
pub(super) fn find(typed: &str) -> Result<&'static Entry, Vec<&'static str>> {
    if let Some(entry) = entries().find(|entry| entry.names.contains(&typed)) {
        return Ok(entry);
    }
    let begins = |entry: &&Entry| entry.names.iter().any(|name| name.starts_with(typed));
    let mut starting = entries().filter(begins);
    match (starting.next(), starting.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(names().filter(|name| name.starts_with(typed)).collect()),
        (None, _) => Err(crate::config::nearest(typed, names()).into_iter().collect()),
    }
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    entries().flat_map(|entry| entry.names.iter().copied())
}

/// What `help` shows: all commands, by their groups.
pub(super) fn help() -> String {
    let mut text = String::new();
    let widest = entries().map(|entry| entry.names.join(", ").len()).max().unwrap_or(0).min(24);
    for (heading, entries) in CATALOG {
        text.push_str(&format!("{heading}:\n"));
        for entry in *entries {
            text.push_str(&format!("  {:widest$}  {}\n", entry.names.join(", "), entry.does));
        }
    }
    text.push_str(
        "\n  a; b   one after the other      a && b   b only if a went well    a || b   b only if it did not\n  \
           a &    in the background         a | cmd  to a command of this machine\n  \
           a > f  into a file of this machine        !cmd     a command of this machine\n  \
           Names with blanks stand in quotes; * ? [a-z] {a,b} mean the names that match.\n  \
           Ctrl-C breaks off what runs, and not the shell.  help COMMAND says more.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_name_means_one_command() {
        let mut seen = HashSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} twice");
        }
    }

    #[test]
    fn what_users_of_ftp_and_lftp_type_is_known() {
        let words = "open close user ls ll nlist dir cd lcd pwd lpwd get put mget mput reget reput mirror cat more mkdir rmdir rm \
                     mv chmod touch du find df hash stat quote site binary ascii passive active verbose trace jobs wait kill help \
                     delete mdelete rename bye quit exit prompt recv send system literal rhelp status lls disconnect cdup image";
        for word in words.split_whitespace() {
            assert!(find(word).is_ok(), "{word}");
        }
    }

    #[test]
    fn beginnings_are_enough_and_mistakes_are_guessed() {
        assert_eq!(find("mir").map(|e| e.names[0]).ok(), Some("mirror"));
        assert!(find("c").err().is_some_and(|near| near.contains(&"cd") && near.contains(&"cat")));
        assert_eq!(find("mkdri").err(), Some(vec!["mkdir"]));
        assert_eq!(find("xyzzy").err(), Some(vec![]));
    }
}
