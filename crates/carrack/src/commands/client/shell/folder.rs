//! Where is one on the server, and what do names mean from there?

use client::Url;
use proto::ftp::glob::{Glob, has_glob};
use types::{Error, Kind, Reason, VPath};

use super::super::{Client, Opened};
use super::words::Word;

/// As many names as a pattern may mean.
const MOST: usize = 100_000;

/// A folder on a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Folder {
    /// The server, and who is logged in; its path says nothing.
    pub(super) url: Url,
    /// The folder the login leads to.
    pub(super) home: VPath,
    /// Where one is.
    pub(super) here: VPath,
    /// Where one was before.
    pub(super) before: VPath,
}

impl Folder {
    /// `user@host`, and the port where it is not the usual one.
    pub(super) fn server(&self) -> String {
        let url = &self.url;
        let user = url.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = url.port.filter(|port| *port != url.scheme.port()).map(|port| format!(":{port}")).unwrap_or_default();
        types::text::printable(&format!("{user}{}{port}", url.host))
    }

    /// The URL of a place on this server.
    pub(super) fn url_of(&self, path: &VPath) -> Url {
        self.url.with_path(path.as_bytes())
    }

    /// The place a name means that was typed as it is.
    ///
    /// # Errors
    /// [`Reason::BadName`].
    pub(super) fn path_of(&self, name: &str) -> Result<VPath, Error> {
        let from = match name.strip_prefix("~/") {
            Some(below) => self.home.join(below.as_bytes()),
            None if name == "~" => Ok(self.home.clone()),
            None => self.here.join(name.as_bytes()),
        };
        from.map_err(|e| Error::with(Reason::BadName, e.to_string()))
    }

    /// The places that a word means: one, or as many as match its pattern.
    ///
    /// # Errors
    /// [`Reason::NotFound`] where nothing matches; those of listing.
    pub(super) async fn places(&self, client: &Client, word: &Word) -> Result<Vec<VPath>, Error> {
        if !has_glob(word.pattern.as_bytes()) {
            let path = if word.has_tilde { self.path_of(&word.text)? } else { join(&self.here, word.text.as_bytes())? };
            return Ok(vec![path]);
        }
        let root = client.open_url(&self.url_of(&VPath::root()), &client.options).await?;
        matching(&root, &self.here, word).await
    }
}

fn join(folder: &VPath, name: &[u8]) -> Result<VPath, Error> {
    folder.join(name).map_err(|e| Error::with(Reason::BadName, e.to_string()))
}

/// All places below a folder that match a word's pattern, by name. `root` is the root of what they stand in.
///
/// # Errors
/// [`Reason::NotFound`] where nothing matches, [`Reason::TooMany`]; those of listing the first folder.
pub(super) async fn matching(root: &Opened, folder: &VPath, word: &Word) -> Result<Vec<VPath>, Error> {
    let pattern = word.pattern.as_bytes();
    let start = if pattern.starts_with(b"/") { VPath::root() } else { folder.clone() };
    let parts: Vec<&[u8]> = pattern.split(|&b| b == b'/').filter(|part| !part.is_empty()).collect();
    let (mut found, mut is_sure) = (vec![start], true);
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        let mut next = Vec::new();
        for place in &found {
            if !has_glob(part) {
                next.push(join(place, &plain(part))?);
                continue;
            }
            let entries = match root.entries(place).await {
                Ok(entries) => entries,
                // Of the folders that match, some may be closed.
                Err(_) if !is_sure => continue,
                Err(e) => return Err(e),
            };
            let glob = Glob::new(part);
            for entry in entries {
                if glob.matches(&entry.name) && (is_last || entry.attr.kind != Kind::File) {
                    next.push(join(place, &entry.name)?);
                }
            }
        }
        // A name behind a pattern stands in some of the folders only.
        if !is_sure && !has_glob(part) {
            let mut there = Vec::new();
            for path in next {
                if root.storage.stat(&path, true, &root.owner).await.is_ok() {
                    there.push(path);
                }
            }
            next = there;
        }
        is_sure &= !has_glob(part);
        if next.len() > MOST {
            return Err(Error::with(Reason::TooMany, format!("more than {MOST} names match {}", word.text)));
        }
        found = next;
    }
    if found.is_empty() {
        return Err(Error::with(Reason::NotFound, format!("nothing matches {}", types::text::printable(&word.text))));
    }
    found.sort();
    Ok(found)
}

/// A part of a pattern that means one name.
fn plain(part: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(part.len());
    let mut bytes = part.iter().copied();
    while let Some(byte) = bytes.next() {
        name.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> Folder {
        let client::Place::Remote(url) = client::Place::parse("ftp://ana@h:2121/").unwrap() else { panic!() };
        let path = |text: &str| VPath::parse(text.as_bytes()).unwrap();
        Folder { url, home: path("/home/ana"), here: path("/srv"), before: path("/") }
    }

    #[test]
    fn names_are_seen_from_here() {
        let folder = folder();
        for (name, path) in
            [("a", "/srv/a"), ("..", "/"), ("/x/./y", "/x/y"), ("~", "/home/ana"), ("~/a", "/home/ana/a"), ("a~", "/srv/a~")]
        {
            assert_eq!(folder.path_of(name).unwrap().as_bytes(), path.as_bytes(), "{name}");
        }
        assert_eq!(folder.server(), "ana@h:2121");
        assert_eq!(folder.url_of(&folder.home).to_string(), "ftp://ana@h:2121/%2Fhome/ana");
    }

    #[test]
    fn what_was_quoted_in_a_pattern_is_itself() {
        assert_eq!(plain(b"a\\*b\\\\"), b"a*b\\");
        assert_eq!(plain(b"a"), b"a");
    }
}
