//! What can be typed after `carrack`? The arguments, their help, and the exit codes; manual page and completions are
//! made from this.

mod address;
pub(crate) mod change;
pub(crate) mod client;
pub(crate) mod copies;
mod exit;
pub(crate) mod files;
pub(crate) mod form;
pub(crate) mod search;
pub(crate) mod shell;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use address::{ListenAddress, PassivePorts};
pub(crate) use exit::Exit;

/// Carrack serves and fetches files over FTP, FTPS, SFTP, SCP and TFTP.
#[derive(Parser, Debug)]
#[command(
    name = "carrack",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Try it:  carrack serve            share this folder with programs on this machine\n\
                  \x20        carrack serve --help     every way to say how\n\n\
                  Exit codes: 0 all went well, 1 it failed while running, 2 the command line is wrong, 3 the configuration is wrong."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve a folder at once, or whatever a configuration file says
    #[command(
        long_about = "Serves a folder at once, without a configuration: on 127.0.0.1, over FTP and FTPS at port 2121, SFTP and SCP \
                      at 2222 and TFTP at 6969, to the user `carrack` with a password made for this run. It prints what to \
                      paste into a client. With --config it serves what the file says instead.",
        after_long_help = "Examples:\n  \
            carrack serve                                    this folder, to programs on this machine\n  \
            carrack serve --anonymous --ftp :2121 ~/pub      to everybody on the network, to read\n  \
            carrack serve --ftp :2121 ~/pub                  with a password, to FTPS programs on the network\n  \
            carrack serve --plain-login --ftp :2121 ~/pub    to all programs; the password crosses the network in clear\n  \
            carrack serve --tftp :6969 ~/boot                to machines that boot from the network, too\n  \
            carrack serve --config carrack.toml              the real thing"
    )]
    Serve(Box<Serve>),
    /// Read a configuration file and say what it would serve, or what is wrong with it
    Check(Check),
    /// Ask what the TFTP server would make of a name
    #[command(subcommand)]
    Tftp(TftpCommand),
    /// List a folder on a server or on this machine
    Ls(Box<files::Ls>),
    /// Show what is known of a file or a folder
    Stat(Box<files::Stat>),
    /// Write files to standard output
    Cat(Box<files::Cat>),
    /// Find files by name, type, size and time
    Find(Box<search::Find>),
    /// Count what is in folders, with all that is below them
    Du(Box<search::Du>),
    /// Show how much fits at a place
    Df(Box<search::Df>),
    /// Make folders
    Mkdir(Box<change::Mkdir>),
    /// Remove empty folders
    Rmdir(Box<change::Rmdir>),
    /// Rename files and folders, or move them to another folder
    Mv(Box<change::Mv>),
    /// Change permission bits
    Chmod(Box<change::Chmod>),
    /// Set the time of the last change, or make empty files
    Touch(Box<change::Touch>),
    /// Remove files, and with -r folders and all that is in them
    Rm(Box<files::Rm>),
    /// Fetch files from a server
    Get(Box<copies::Get>),
    /// Send files to a server
    Put(Box<copies::Put>),
    /// Copy files between any two places
    Cp(Box<copies::Cp>),
    /// Make one folder like another, and copy only what differs
    Mirror(Box<copies::Mirror>),
    /// Write down what mirror would do (docs/plan.md)
    Plan(Box<copies::PlanArgs>),
    /// Do what a plan says, exactly, or nothing where something has changed since
    Apply(Box<copies::Apply>),
    /// Take commands one after the other over a session that stays open; `carrack URL` does the same
    #[command(visible_alias = "open")]
    Shell(Box<shell::Shell>),
    /// Send lines to a server as they are, and show its replies
    Quote(Box<files::Quote>),
    /// Show the digests of files; without any, turn a password into the hash that a configuration holds
    Hash(Box<search::Hash>),
    /// Keep names for places: after `bookmark add work URL`, `work:` and `work:folder/file` are places
    #[command(subcommand)]
    Bookmark(BookmarkCommand),
    /// Explain a code such as CRK-301; without a code, list them all
    Why(Why),
    /// Print completions for a shell
    Completions(Completions),
    /// Print the manual page (carrack man | man -l -)
    Man,
}

/// `carrack serve`.
#[derive(Args, Debug, Default, Clone)]
pub(crate) struct Serve {
    /// The folder to serve
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = false)]
    pub(crate) dir: PathBuf,

    /// Serve what this file says instead (see carrack.example.toml)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "way_in", "door", "protection", "place"])]
    pub(crate) config: Option<PathBuf>,

    /// Who may log in
    #[command(flatten)]
    pub(crate) way_in: WayIn,

    /// Where clients reach it
    #[command(flatten)]
    pub(crate) door: Door,

    /// How connections are protected
    #[command(flatten)]
    pub(crate) protection: Protection,

    /// How the folder is served
    #[command(flatten)]
    pub(crate) place: Place,

    /// What it says
    #[command(flatten)]
    pub(crate) say: Say,
}

/// Who may log in, without a configuration.
#[derive(Args, Debug, Default, Clone)]
#[group(id = "way_in", multiple = true)]
#[command(next_help_heading = "Who may log in")]
pub(crate) struct WayIn {
    /// The user's name [default: carrack]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// The user's password; others on this machine can see it. Better: the variable CARRACK_PASSWORD, or
    /// --password-file. Without any, one is made for this run
    #[arg(long, value_name = "PASSWORD", conflicts_with = "password_file")]
    pub(crate) password: Option<String>,

    /// A file whose first line is the user's password
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Let everybody in without a password, to read; no other user then, unless --user names one
    #[arg(long)]
    pub(crate) anonymous: bool,

    /// Let everybody write, too
    #[arg(long, requires = "anonymous")]
    pub(crate) anonymous_write: bool,

    /// Take passwords in clear from other machines too: whoever listens on the network can read them
    #[arg(long)]
    pub(crate) plain_login: bool,
}

/// Where clients reach it, without a configuration.
#[derive(Args, Debug, Default, Clone)]
#[group(id = "door", multiple = true)]
#[command(next_help_heading = "Where clients reach it")]
pub(crate) struct Door {
    /// Where to listen: 2121 or :2121 for all of this machine's addresses, 127.0.0.1:2121, `[::1]:2121`; port 0 takes a free
    /// one. May be given several times [default: 127.0.0.1:2121]
    #[arg(long, value_name = "ADDR:PORT", action = ArgAction::Append)]
    pub(crate) ftp: Vec<ListenAddress>,

    /// Where to listen for SFTP and SCP, over SSH. May be given several times [default: 127.0.0.1:2222, where that is free]
    #[arg(long, value_name = "ADDR:PORT", action = ArgAction::Append)]
    pub(crate) sftp: Vec<ListenAddress>,

    /// Speak no SFTP
    #[arg(long, conflicts_with = "sftp")]
    pub(crate) no_sftp: bool,

    /// Where to listen for TFTP, over UDP: whoever reaches it reads without a password. May be given several times
    /// [default: 127.0.0.1:6969, where that is free]
    #[arg(long, value_name = "ADDR:PORT", action = ArgAction::Append)]
    pub(crate) tftp: Vec<ListenAddress>,

    /// Speak no TFTP
    #[arg(long, conflicts_with = "tftp")]
    pub(crate) no_tftp: bool,

    /// Ports for passive data connections, to be opened in a firewall: 50000-50009, or one port [default: free ones]
    #[arg(long, value_name = "FROM-TO")]
    pub(crate) passive_ports: Option<PassivePorts>,

    /// The address or name by which clients reach this machine, if it stands behind NAT or in a container
    #[arg(long, value_name = "ADDR|NAME")]
    pub(crate) public_address: Option<String>,
}

/// How connections are protected, without a configuration.
#[derive(Args, Debug, Default, Clone)]
#[group(id = "protection", multiple = true)]
#[command(next_help_heading = "How connections are protected (TLS)")]
pub(crate) struct Protection {
    /// The server's certificate and those between it and its issuer, in PEM. Without it one is made, signed by nobody,
    /// and kept for the next time
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Where to listen for implicit FTPS, which begins with TLS (explicit FTPS needs no address of its own). May be given
    /// several times
    #[arg(long, value_name = "ADDR:PORT", action = ArgAction::Append)]
    pub(crate) ftps: Vec<ListenAddress>,

    /// Speak no TLS at all
    #[arg(long, conflicts_with_all = ["cert", "key", "ftps"])]
    pub(crate) no_tls: bool,
}

/// How the folder is served, without a configuration.
#[derive(Args, Debug, Default, Clone)]
#[group(id = "place", multiple = true)]
#[command(next_help_heading = "How the folder is served")]
pub(crate) struct Place {
    /// Nobody may change anything
    #[arg(long)]
    pub(crate) read_only: bool,

    /// When an upload is confirmed: once a power cut cannot take it back, or once the system has it [default: commit]
    #[arg(long, value_name = "WHEN")]
    pub(crate) durability: Option<Durability>,
}

/// What it says while it runs.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "What it says")]
pub(crate) struct Say {
    /// Lines for people, or one JSON object a line [default: text]
    #[arg(long, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,

    /// Say nothing but failures
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Draw every session as a ladder of control and data connections when it ends
    #[arg(long)]
    pub(crate) trace: bool,
}

/// `--durability`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Durability {
    /// Data, name and folder are synced first
    Commit,
    /// As soon as the operating system has it
    Os,
}

/// `--log`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogForm {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// `carrack check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The configuration file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `carrack tftp`.
#[derive(Subcommand, Debug)]
pub(crate) enum TftpCommand {
    /// Show which rule makes what of a name that a client asks for, and the file that it would get
    Map(TftpMap),
}

/// `carrack tftp map`.
#[derive(Args, Debug)]
pub(crate) struct TftpMap {
    /// The name as the client asks for it
    #[arg(value_name = "NAME")]
    pub(crate) name: OsString,

    /// The client's address
    #[arg(long, value_name = "ADDR")]
    pub(crate) from: std::net::IpAddr,

    /// Its hardware address, where the neighbour table of this machine does not know it
    #[arg(long, value_name = "MAC")]
    pub(crate) mac: Option<types::Mac>,

    /// The configuration that says what is served; this folder alone where there is none
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The listener that is asked; the first that speaks TFTP, unless told
    #[arg(long, value_name = "NAME")]
    pub(crate) listener: Option<String>,
}

/// `carrack bookmark`.
#[derive(Subcommand, Debug)]
pub(crate) enum BookmarkCommand {
    /// Add a bookmark, or replace the one of that name
    Add {
        /// Its name: two or more letters, digits, `-`, `_` and `.`
        #[arg(value_name = "NAME")]
        name: String,
        /// The place, with the user where one is needed; passwords are not kept here, but in ~/.netrc or a keyring
        #[arg(value_name = "URL")]
        url: String,
        /// Ask for the password (or take CARRACK_PASSWORD) and keep it in the desktop's keyring
        #[arg(long)]
        save_password: bool,
        /// What to say each time besides: `--active`, `--fingerprint …`
        #[arg(value_name = "OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// List all bookmarks
    #[command(visible_alias = "ls")]
    List,
    /// Show one bookmark's place
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove bookmarks
    #[command(visible_alias = "rm")]
    Remove {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

/// `carrack why`.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The code, as a log line or a reply shows it: CRK-301, or 301
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `carrack completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Reads what was typed. A place alone is a shell there: `carrack URL`, `carrack NAME:`.
pub(crate) fn parse() -> Cli {
    Cli::parse_from(with_command(std::env::args_os().collect()))
}

fn with_command(mut words: Vec<OsString>) -> Vec<OsString> {
    // No command has a colon in its name.
    if words.get(1).and_then(|word| word.to_str()).is_some_and(|word| !word.starts_with('-') && word.contains(':')) {
        words.insert(1, "shell".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_place_alone_is_a_shell_there() {
        let words = |line: &str| with_command(line.split(' ').map(OsString::from).collect());
        assert_eq!(words("carrack ftp://h/ -e"), ["carrack", "shell", "ftp://h/", "-e"]);
        assert_eq!(words("carrack work:"), ["carrack", "shell", "work:"]);
        for line in ["carrack", "carrack ls ftp://h/", "carrack -x:y"] {
            assert_eq!(words(line), line.split(' ').collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_configuration_excludes_what_it_says_itself() {
        for other in [
            "dir",
            "--user=a",
            "--password=a",
            "--password-file=a",
            "--anonymous",
            "--plain-login",
            "--ftp=2121",
            "--tftp=6969",
            "--no-tftp",
            "--sftp=2222",
            "--no-sftp",
            "--passive-ports=1-2",
            "--public-address=a",
            "--cert=a",
            "--key=a",
            "--ftps=990",
            "--no-tls",
            "--read-only",
            "--durability=os",
        ] {
            let parsed = Cli::try_parse_from(["carrack", "serve", "--config", "c.toml", other]);
            assert!(parsed.is_err(), "--config with {other}");
        }
        for other in ["--log=json", "--quiet", "--trace"] {
            assert!(Cli::try_parse_from(["carrack", "serve", "--config", "c.toml", other]).is_ok(), "--config with {other}");
        }
    }
}
