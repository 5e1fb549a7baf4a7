//! What can be said to the commands that look through whole trees, and at what a place holds?

use std::str::FromStr;

use clap::{ArgAction, Args, ValueEnum};
use client::checksum::Algorithm;
use globset::Glob;
use types::Kind;

use super::client::{EXIT_CODES, Options};
use crate::commands::client::when::Moment;

/// `carrack du`.
#[derive(Args, Debug)]
#[command(disable_help_flag = true, after_help = EXIT_CODES)]
pub(crate) struct Du {
    /// URLs and paths; this folder without any
    #[arg(value_name = "PLACE")]
    pub(crate) places: Vec<String>,

    /// One line for each place
    #[arg(long, short, conflicts_with = "max_depth")]
    pub(crate) summarize: bool,

    /// Lines for folders so many steps below a place, and no deeper; what is deeper is counted all the same
    #[arg(long, short = 'd', value_name = "STEPS")]
    pub(crate) max_depth: Option<usize>,

    /// Sizes as people say them: 1.2 MiB; bytes without this
    #[arg(long, short = 'h')]
    pub(crate) human: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,

    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub(crate) help: Option<bool>,
}

/// `carrack find`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Find {
    /// URLs and paths; this folder without any
    #[arg(value_name = "PLACE")]
    pub(crate) places: Vec<String>,

    /// Names like this: "*.iso", "img-[0-9]?"; of several, one will do
    #[arg(long, short, value_name = "GLOB")]
    pub(crate) name: Vec<Glob>,

    /// The same, and capitals are as good as small letters
    #[arg(long, value_name = "GLOB")]
    pub(crate) iname: Vec<Glob>,

    /// Of this type; of several, one will do
    #[arg(long, short, value_name = "TYPE")]
    pub(crate) r#type: Vec<FileType>,

    /// Files of this size: +10M for more, -10k for less, 0 for empty ones; given twice, both must be so
    #[arg(long, short, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) size: Vec<SizeTest>,

    /// Changed since then: 2026-11-21, 2d for the last two days
    #[arg(long, value_name = "TIME")]
    pub(crate) newer: Option<Moment>,

    /// Not changed since then
    #[arg(long, value_name = "TIME")]
    pub(crate) older: Option<Moment>,

    /// No deeper than so many steps below a place; 0 is the place itself
    #[arg(long, short = 'd', value_name = "STEPS")]
    pub(crate) max_depth: Option<usize>,

    /// Names as they are, each ended by a NUL, for xargs -0
    #[arg(long, short = '0', conflicts_with = "json")]
    pub(crate) print0: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `--type`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileType {
    /// A file
    #[value(name = "f", alias = "file")]
    File,
    /// A folder
    #[value(name = "d", alias = "folder")]
    Folder,
    /// A link
    #[value(name = "l", alias = "link")]
    Link,
}

impl FileType {
    /// The kind it is.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::File => Kind::File,
            Self::Folder => Kind::Dir,
            Self::Link => Kind::Link,
        }
    }
}

/// `--size`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SizeTest {
    /// More than so many bytes.
    More(u64),
    /// Fewer.
    Less(u64),
    /// So many.
    Just(u64),
}

impl SizeTest {
    /// Whether a size is so.
    pub(crate) const fn holds(self, bytes: u64) -> bool {
        match self {
            Self::More(than) => bytes > than,
            Self::Less(than) => bytes < than,
            Self::Just(size) => bytes == size,
        }
    }
}

impl FromStr for SizeTest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (test, number): (fn(u64) -> Self, _) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(number), _) => (Self::More, number),
            (_, Some(number)) => (Self::Less, number),
            _ => (Self::Just, text),
        };
        bytes(number)
            .map(test)
            .ok_or_else(|| "expected bytes such as 512, 10k, 5M, 2G or 1T, with + for more and - for less".to_owned())
    }
}

/// `10M`, `10MiB`: in steps of 1024.
fn bytes(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(at)?;
    let shift = match unit.to_ascii_lowercase().trim_end_matches("ib") {
        "" | "b" | "c" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// `carrack hash`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Hash {
    /// URLs and paths of files; without any, a password is read and its hash is printed
    #[arg(value_name = "PLACE")]
    pub(crate) places: Vec<String>,

    /// Which digest: sha256, sha512, sha1, md5 or crc32
    #[arg(long, short, value_name = "NAME", default_value = "sha256", value_parser = algorithm)]
    pub(crate) algorithm: Algorithm,

    /// Read the files, even where the server could tell
    #[arg(long, requires = "places")]
    pub(crate) read: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::meant(name).ok_or_else(|| {
        let known: Vec<String> = Algorithm::ALL.iter().map(|known| known.name().to_ascii_lowercase()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// `carrack df`.
#[derive(Args, Debug)]
#[command(disable_help_flag = true, after_help = EXIT_CODES)]
pub(crate) struct Df {
    /// URLs and paths; this folder without any
    #[arg(value_name = "PLACE")]
    pub(crate) places: Vec<String>,

    /// Sizes as people say them: 1.2 GiB; bytes without this
    #[arg(long, short = 'h')]
    pub(crate) human: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,

    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub(crate) help: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_more_less_or_just_so() {
        for (text, test) in [
            ("0", SizeTest::Just(0)),
            ("+10k", SizeTest::More(10_240)),
            ("-5M", SizeTest::Less(5 << 20)),
            ("2GiB", SizeTest::Just(2 << 30)),
            ("+1T", SizeTest::More(1 << 40)),
            ("7c", SizeTest::Just(7)),
        ] {
            assert_eq!(text.parse(), Ok(test), "{text}");
        }
        for text in ["", "+", "x", "1x", "--1", "99999999T", "1 k", "é"] {
            assert!(text.parse::<SizeTest>().is_err(), "{text}");
        }
        assert!(SizeTest::More(5).holds(6) && !SizeTest::More(5).holds(5) && SizeTest::Less(5).holds(4));
    }
}
