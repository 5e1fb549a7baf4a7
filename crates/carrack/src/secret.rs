//! How is a secret kept in a file? Under its name in one step, so that whoever reads it finds all of it or what stood
//! there before, and for nobody's eyes but the owner's.
#![allow(clippy::disallowed_methods, reason = "the owner of files that hold keys")]

use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use types::Secret;

/// Makes a folder for secrets, and those above it that are missing.
pub(crate) fn folder(folder: &Path) -> Result<(), Error> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Reads a file that holds a key.
pub(crate) fn read(path: &Path) -> Result<Secret<String>, Error> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(Error::new(ErrorKind::InvalidData, "that is no file with a key"));
    }
    std::fs::read_to_string(path).map(Secret::new)
}

/// The most a file with a key may hold.
const MOST: u64 = 1 << 16;

/// Writes a file of these parts, one after the other. Makes the folder.
pub(crate) fn write(folder: &Path, name: &str, parts: &[&[u8]]) -> Result<(), Error> {
    self::folder(folder)?;
    let passing = folder.join(format!("{name}.{}", std::process::id()));
    // What another process of this number left behind.
    match std::fs::remove_file(&passing) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&passing)?;
    let written = parts
        .iter()
        .try_for_each(|part| open.write_all(part))
        .and_then(|()| open.sync_all())
        .and_then(|()| std::fs::rename(&passing, folder.join(name)))
        // The name lasts only once the folder does.
        .and_then(|()| std::fs::File::open(folder)?.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(&passing);
    }
    written
}
