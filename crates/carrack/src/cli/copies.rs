//! What can be said to the commands that copy?

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::client::{EXIT_CODES, Options};
use super::form::TypeOption;

/// `carrack get`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Get {
    /// What to fetch, and behind it where to: a file, a folder, or - for standard output [default: this folder]
    #[arg(value_name = "URL", required = true)]
    pub(crate) places: Vec<String>,

    /// How it is copied
    #[command(flatten)]
    pub(crate) copies: CopyOptions,
}

/// `carrack put`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Put {
    /// What to send, - for standard input, and behind it where to
    #[arg(value_name = "LOCAL... URL", required = true, num_args = 2..)]
    pub(crate) places: Vec<String>,

    /// How it is copied
    #[command(flatten)]
    pub(crate) copies: CopyOptions,
}

/// `carrack cp`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cp {
    /// What to copy, and behind it where to: each a URL or a path
    #[arg(value_name = "FROM... TO", required = true, num_args = 2..)]
    pub(crate) places: Vec<String>,

    /// How it is copied
    #[command(flatten)]
    pub(crate) copies: CopyOptions,
}

/// How files and folders are copied.
#[derive(Args, Debug, Clone)]
pub(crate) struct CopyOptions {
    /// Folders, too, with all that is in them
    #[arg(long, short)]
    pub(crate) recursive: bool,

    /// What is done
    #[command(flatten)]
    pub(crate) what: WhatOptions,

    /// How it moves
    #[command(flatten)]
    pub(crate) how: HowOptions,

    /// What files are
    #[command(flatten)]
    pub(crate) form: TypeOption,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Two folders, and in what the second shall become like the first.
#[derive(Args, Debug)]
pub(crate) struct Folders {
    /// The folder that is copied: a URL or a path
    pub(crate) from: String,

    /// The folder that becomes like it
    pub(crate) to: String,

    /// What is removed
    #[command(flatten)]
    pub(crate) delete: DeleteOptions,

    /// What is done
    #[command(flatten)]
    pub(crate) what: WhatOptions,

    /// What files are
    #[command(flatten)]
    pub(crate) form: TypeOption,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `carrack mirror`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Mirror {
    /// Which
    #[command(flatten)]
    pub(crate) folders: Folders,

    /// How it moves
    #[command(flatten)]
    pub(crate) how: HowOptions,
}

/// `carrack plan`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PlanArgs {
    /// Which
    #[command(flatten)]
    pub(crate) folders: Folders,

    /// The file the plan goes into [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `carrack apply`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Apply {
    /// A file that carrack plan has written; - for standard input
    pub(crate) plan: PathBuf,

    /// How it moves
    #[command(flatten)]
    pub(crate) how: HowOptions,

    /// What files are
    #[command(flatten)]
    pub(crate) form: TypeOption,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What is removed.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "What is removed")]
pub(crate) struct DeleteOptions {
    /// Remove what only the target has, once all is copied. What is left out by a filter stays
    #[arg(long)]
    pub(crate) delete: bool,

    /// Do nothing at all where more entries than this would be removed
    #[arg(long, value_name = "NUMBER", requires = "delete")]
    pub(crate) max_delete: Option<usize>,
}

/// Which files are meant, and when they are the same.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "What is copied")]
pub(crate) struct WhatOptions {
    /// Only files that are newer than the target's, or that it does not have
    #[arg(long, short)]
    pub(crate) update: bool,

    /// Files of equal size are the same, whatever their times
    #[arg(long, conflicts_with_all = ["ignore_existing", "ignore_times"])]
    pub(crate) size_only: bool,

    /// What the target has stays as it is
    #[arg(long, conflicts_with = "ignore_times")]
    pub(crate) ignore_existing: bool,

    /// Copy all files, even those that are the same
    #[arg(long)]
    pub(crate) ignore_times: bool,

    /// Copy links as links, where both sides can (this machine, SFTP, FTP servers with SITE SYMLINK); without this and
    /// --copy-links they are left out
    #[arg(long, short = 'l', conflicts_with = "copy_links")]
    pub(crate) links: bool,

    /// Copy what links lead to in their place
    #[arg(long, short = 'L')]
    pub(crate) copy_links: bool,

    /// Take only what fits: *.jpg at any depth, /a/*.jpg from the top, ** across folders; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,

    /// Leave out what fits, even if it is included; a slash at the end means folders alone
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,

    /// A rule as rclone has them: "+ PATTERN" takes, "- PATTERN" leaves out; the first that fits decides, before all others
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    pub(crate) filter: Vec<String>,

    /// A file of patterns to take
    #[arg(long, value_name = "FILE")]
    pub(crate) include_from: Vec<PathBuf>,

    /// A file of patterns to leave out
    #[arg(long, value_name = "FILE")]
    pub(crate) exclude_from: Vec<PathBuf>,

    /// A file of rules as rclone has them
    #[arg(long, value_name = "FILE")]
    pub(crate) filter_from: Vec<PathBuf>,

    /// A file of patterns as git has them: .gitignore
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore_file: Vec<PathBuf>,

    /// Letters of either case fit each other in patterns
    #[arg(long)]
    pub(crate) ignore_case: bool,

    /// Leave out smaller files: 100, 10k, 5M, 1.5G
    #[arg(long, value_name = "SIZE")]
    pub(crate) min_size: Option<Bytes>,

    /// Leave out larger files
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_size: Option<Bytes>,

    /// Leave out files that changed within this time: 30s, 10m, 12h, 7d, 2w, 1y
    #[arg(long, value_name = "TIME")]
    pub(crate) min_age: Option<Age>,

    /// Leave out files that have not changed for longer
    #[arg(long, value_name = "TIME")]
    pub(crate) max_age: Option<Age>,

    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How bytes move.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "How it moves")]
pub(crate) struct HowOptions {
    /// So many files at once, each over a connection of its own [default: 4, and 16 over SFTP, where they share one]
    #[arg(long, short, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,

    /// Fetch each large file in so many segments at once; 1 for none [default: large files that come alone]
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) segments: Option<u16>,

    /// As many bytes a second as all files together may take: 500k, 2M
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_rate: Option<Bytes>,

    /// As many bytes a second as all files together may take on their way to a server
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_rate_up: Option<Bytes>,

    /// As many bytes a second as all files together may take on their way from a server
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_rate_down: Option<Bytes>,

    /// Let two FTP servers send files straight to each other (FXP): both must allow it, and the bytes are not seen here;
    /// where they do not, files pass through this machine, as without this; with --fxp=only that is a failure
    #[arg(long, value_name = "WHEN", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "try")]
    pub(crate) fxp: Option<Fxp>,

    /// Compare checksums after each file: the server's own where it has HASH or its like, else by reading the file back
    #[arg(long, short)]
    pub(crate) checksum: bool,

    /// Begin again rather than go on with what an interrupted copy has left
    #[arg(long)]
    pub(crate) no_resume: bool,

    /// Leave the times of copies as they come
    #[arg(long)]
    pub(crate) no_times: bool,

    /// Write uploads under their own names at once, for servers that let nobody rename
    #[arg(long)]
    pub(crate) no_temporary: bool,
}

/// Whether files may pass through this machine where two servers do not exchange them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Fxp {
    /// Where the servers do not exchange files, they pass through this machine
    Try,
    /// Where the servers do not exchange files, they are not copied
    Only,
}

/// A number of bytes: 100, 10k, 5M, 1.5G, with k = 1024 and kB = 1000.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = text.get(digits.len()..).unwrap_or_default().to_ascii_lowercase();
        let (power, base) = match unit.as_str() {
            "" | "b" => (0, 1024_f64),
            "k" | "ki" | "kib" => (1, 1024.0),
            "m" | "mi" | "mib" => (2, 1024.0),
            "g" | "gi" | "gib" => (3, 1024.0),
            "t" | "ti" | "tib" => (4, 1024.0),
            "kb" => (1, 1000.0),
            "mb" => (2, 1000.0),
            "gb" => (3, 1000.0),
            "tb" => (4, 1000.0),
            _ => return Err(WANTED_BYTES.to_owned()),
        };
        match digits.parse::<f64>() {
            Ok(number) if number >= 0.0 && number * base.powi(power) < 9.0e18 => Ok(Self((number * base.powi(power)) as u64)),
            _ => Err(WANTED_BYTES.to_owned()),
        }
    }
}

const WANTED_BYTES: &str = "expected a number of bytes such as 100, 10k, 5M or 1.5G (k is 1024, kB is 1000)";

/// How long ago: 30s, 10m, 12h, 7d, 2w, 1y; days without a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Age(pub(crate) Duration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match text.get(digits.len()..).unwrap_or_default() {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "" | "d" => 86_400.0,
            "w" => 7.0 * 86_400.0,
            "y" => 365.0 * 86_400.0,
            _ => return Err(WANTED_AGE.to_owned()),
        };
        match digits.parse::<f64>() {
            Ok(number) if number >= 0.0 && number * seconds < 1.0e12 => Ok(Self(Duration::from_secs_f64(number * seconds))),
            _ => Err(WANTED_AGE.to_owned()),
        }
    }
}

const WANTED_AGE: &str = "expected a time such as 30s, 10m, 12h, 7d, 2w or 1y";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("0", 0), ("100", 100), ("10k", 10_240), ("10kB", 10_000), ("5M", 5 << 20), ("1.5G", 3 << 29), ("2TiB", 2 << 40)]
        {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "k", "-1", "1x", "1e30", "nan", "inf", "1 k"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn ages_have_units() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("12h", 43_200), ("7d", 604_800), ("1", 86_400), ("1y", 31_536_000)] {
            assert_eq!(text.parse(), Ok(Age(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "d", "-1d", "1M", "1e30d", "nan"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
