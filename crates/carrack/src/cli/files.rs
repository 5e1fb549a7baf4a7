//! What can be said to the commands that look at files and change them, one place at a time?

use clap::{ArgAction, Args, ValueEnum};

use super::client::{EXIT_CODES, Options};
use super::form::TypeOption;

/// `carrack ls`.
#[derive(Args, Debug)]
#[command(disable_help_flag = true, after_help = EXIT_CODES)]
pub(crate) struct Ls {
    /// URLs and paths; this folder without any
    #[arg(value_name = "PLACE")]
    pub(crate) places: Vec<String>,

    /// Permission bits, size and time besides the name
    #[arg(long, short)]
    pub(crate) long: bool,

    /// Names that begin with a dot, too
    #[arg(long, short)]
    pub(crate) all: bool,

    /// Folders below, too
    #[arg(long, short = 'R')]
    pub(crate) recursive: bool,

    /// The folder itself and not what is in it
    #[arg(long, short = 'd')]
    pub(crate) directory: bool,

    /// Sizes as people say them: 1.2 MiB
    #[arg(long, short = 'h')]
    pub(crate) human: bool,

    /// A slash behind folders, an @ behind links
    #[arg(long, short = 'F')]
    pub(crate) classify: bool,

    /// One name on each line, as where the output is no terminal
    #[arg(short = '1', conflicts_with = "long")]
    pub(crate) one: bool,

    /// Whether folders, links and programs have colours [default: at a terminal, unless NO_COLOR is set]
    #[arg(long, value_name = "WHEN")]
    pub(crate) color: Option<When>,

    /// By what to sort; `none` shows entries as they come, however many there are
    #[arg(long, value_name = "BY", default_value = "name")]
    pub(crate) sort: Sort,

    /// The newest first: --sort time
    #[arg(short = 't', conflicts_with = "by_size")]
    pub(crate) by_time: bool,

    /// The largest first: --sort size
    #[arg(short = 'S')]
    pub(crate) by_size: bool,

    /// The other way round
    #[arg(long, short)]
    pub(crate) reverse: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,

    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub(crate) help: Option<bool>,
}

impl Ls {
    /// The order that was asked for.
    pub(crate) const fn sort(&self) -> Sort {
        match (self.by_time, self.by_size) {
            (true, _) => Sort::Time,
            (_, true) => Sort::Size,
            _ => self.sort,
        }
    }
}

/// `--color`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// At a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `--sort`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    /// By name
    Name,
    /// The largest first
    Size,
    /// The newest first
    Time,
    /// As they come
    None,
}

/// `carrack stat`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Stat {
    /// URLs and paths
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// What a link leads to, not the link itself
    #[arg(long, short = 'L')]
    pub(crate) dereference: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack cat`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cat {
    /// URLs and paths of files, one after the other
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// Begin at this byte of each
    #[arg(long, value_name = "BYTES", default_value = "0", hide_default_value = true)]
    pub(crate) offset: u64,

    /// No more than so many bytes of each
    #[arg(long, value_name = "BYTES")]
    pub(crate) length: Option<u64>,

    /// What files are
    #[command(flatten)]
    pub(crate) form: TypeOption,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack rm`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Rm {
    /// URLs and paths
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// Folders and all that is in them, too
    #[arg(long, short, visible_short_alias = 'R')]
    pub(crate) recursive: bool,

    /// What is not there is as good as removed
    #[arg(long, short)]
    pub(crate) force: bool,

    /// Say what would be removed, and remove nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack quote`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Quote {
    /// The server
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Lines to send as they are, one after the other: "SITE HELP"
    #[arg(value_name = "LINE", required = true)]
    pub(crate) lines: Vec<String>,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}
