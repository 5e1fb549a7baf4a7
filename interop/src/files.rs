//! Which files are moved, and are they the same afterwards? Trees with odd names, compared by checksum.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Names that trip programs: what each is made of is in its letters.
pub const ODD_NAMES: [&str; 12] = [
    "plain.txt",
    "with space.txt",
    "two  spaces",
    "quo\"te.txt",
    "apo'strophe.txt",
    "ümläut-日本-🚚.txt",
    "-dash.txt",
    "percent%20.txt",
    "semi;colon.txt",
    "br[ack]et.txt",
    "back\\slash.txt",
    "#hash&and.txt",
];

/// `length` bytes without a pattern, the same for the same seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = vec![0; length];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// Writes a file of so many bytes of [`noise`].
///
/// # Panics
/// If the file cannot be written.
pub fn make(path: &Path, length: usize, seed: u64) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("create the folder");
    fs::write(path, noise(length, seed)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
}

/// A tree: every odd name, an empty file, a nested folder with a space in its name.
pub fn make_tree(top: &Path) {
    for (seed, name) in ODD_NAMES.iter().enumerate() {
        make(&top.join(name), 1000 + seed * 777, seed as u64 + 1);
    }
    make(&top.join("empty"), 0, 1);
    make(&top.join("a folder/below/deep.bin"), 300_000, 99);
    make(&top.join("a folder/ümlaut/x"), 1, 98);
}

/// The checksum of a file's bytes and its length.
///
/// # Panics
/// If it cannot be read.
pub fn checksum(path: &Path) -> (u64, u64) {
    let mut file = fs::File::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let (mut hasher, mut length) = (DefaultHasher::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).expect("read") {
            0 => return (length, hasher.finish()),
            n => {
                hasher.write(&buffer[..n]);
                length += n as u64;
            }
        }
    }
}

/// Every file below a folder with its checksum, by its path from there.
///
/// # Panics
/// If something cannot be read.
pub fn checksums(top: &Path) -> BTreeMap<Vec<u8>, (u64, u64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())).flatten() {
            let path = entry.path();
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).expect("below the top").as_os_str().as_bytes().to_vec();
                found.insert(name, checksum(&path));
            }
        }
    }
    found
}

/// Both files hold the same bytes.
///
/// # Panics
/// If they do not.
#[track_caller]
pub fn assert_same(one: &Path, other: &Path) {
    assert_eq!(checksum(one), checksum(other), "{} and {} differ (length, checksum)", one.display(), other.display());
}

/// Both folders hold the same files under the same names.
///
/// # Panics
/// If they do not.
#[track_caller]
pub fn assert_same_trees(one: &Path, other: &Path) {
    let readable = |top: &Path| -> BTreeMap<String, (u64, u64)> {
        checksums(top).into_iter().map(|(name, sum)| (String::from_utf8_lossy(&name).into_owned(), sum)).collect()
    };
    assert_eq!(readable(one), readable(other), "{} and {} differ", one.display(), other.display());
}

/// A name as it stands in a URL.
pub fn url_encoded(name: &str) -> String {
    name.bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
