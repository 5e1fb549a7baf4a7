//! What can be said to the commands that change names, permission bits and times?

use clap::Args;

use super::client::{EXIT_CODES, Options};
use crate::commands::client::mode::ModeChange;
use crate::commands::client::when::Moment;

/// `carrack mkdir`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Mkdir {
    /// URLs and paths
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// Make what is missing above, too, and let be what is there
    #[arg(long, short)]
    pub(crate) parents: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack rmdir`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Rmdir {
    /// URLs and paths of empty folders
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack mv`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Mv {
    /// URLs and paths, and the last of them is the new name, or the folder they go to; all on one server or on this machine
    #[arg(value_name = "PLACE", required = true, num_args = 2..)]
    pub(crate) places: Vec<String>,

    /// Replace nothing
    #[arg(long, short = 'n')]
    pub(crate) no_clobber: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack chmod`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Chmod {
    /// Octal digits such as 644, or changes such as u+x,go-w
    #[arg(value_name = "MODE", allow_hyphen_values = true)]
    pub(crate) bits: ModeChange,

    /// URLs and paths
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// Folders and all that is in them, too; links are left alone
    #[arg(long, short = 'R')]
    pub(crate) recursive: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack touch`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Touch {
    /// URLs and paths; what is not there becomes an empty file
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,

    /// Make no file
    #[arg(long, short = 'c')]
    pub(crate) no_create: bool,

    /// The time to set: 2026-11-21, "2026-11-21 14:30", 2026-11-21T14:30:05Z, @SECONDS since 1970, or 3d for three days ago
    /// [default: now]
    #[arg(long, short, value_name = "TIME", conflicts_with = "stamp")]
    pub(crate) date: Option<Moment>,

    /// The time as touch(1) has it: `[[CC]YY]MMDDhhmm[.ss]`
    #[arg(short = 't', value_name = "STAMP", value_parser = Moment::parse_stamp)]
    pub(crate) stamp: Option<Moment>,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}
