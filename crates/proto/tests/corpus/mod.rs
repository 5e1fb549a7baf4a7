//! Files that say what shall come out: each is played, and what comes out must be the file itself.

use std::path::{Path, PathBuf};

/// The files of a folder beside the tests, in order; at least so many, or somebody has taken them away.
pub(crate) fn files(folder: &str, least: usize) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= least, "the files of {} are gone", folder.display());
    files
}

/// Plays each file; with `UPDATE=1` in the environment what comes out is written into it.
pub(crate) fn plays_as_written(folder: &str, least: usize, play: impl Fn(&Path, &str) -> Result<String, String>) {
    let mut broken = Vec::new();
    for file in files(folder, least) {
        let text = std::fs::read_to_string(&file).unwrap();
        let played = play(&file, &text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        if text == played {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &played).unwrap();
        } else {
            broken.push(format!("{}:\n--- written\n{text}\n--- played\n{played}", file.display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

/// `\xNN` in a file is that byte.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        if b == b'\\' && after.first() == Some(&b'x') && after.len() >= 3 {
            out.push(u8::from_str_radix(std::str::from_utf8(&after[1..3]).unwrap(), 16).unwrap());
            rest = &after[3..];
        } else {
            out.push(b);
            rest = after;
        }
    }
    out
}
