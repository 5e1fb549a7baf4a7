//! Which places does somebody come back to? A file of names for URLs: `work:` and `work:charts/a.pdf` are read from it.
//! No password is ever in it.
#![allow(clippy::disallowed_methods, reason = "the owner of the bookmarks' file")]

mod file;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client::{Place, Url};
use types::{Error, Reason, text};

pub(crate) use file::Bookmark;

/// The file's name in the user's folder of configurations.
const FILE: &str = "bookmarks.toml";
/// The largest file.
const MOST: u64 = 1 << 20;

/// All bookmarks of the person who runs this, and where they are kept.
pub(crate) struct Bookmarks {
    folder: PathBuf,
    text: String,
    list: Vec<Bookmark>,
}

impl Bookmarks {
    /// Reads them: `carrack/bookmarks.toml` in `$XDG_CONFIG_HOME`, else in `~/.config`. A file that is missing holds none.
    ///
    /// # Errors
    /// [`Reason::BadBookmark`] with the place in the file.
    pub(crate) fn load() -> Result<Self, Error> {
        let folder = folder().ok_or_else(|| bad("neither XDG_CONFIG_HOME nor HOME says where bookmarks are kept"))?;
        Self::load_from(&folder)
    }

    fn load_from(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let shown = text::printable(&path.to_string_lossy());
        let text = match std::fs::metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(e) => return Err(bad(format!("{shown} cannot be read: {e}"))),
            Ok(m) if m.len() > MOST => return Err(bad(format!("{shown} is larger than {MOST} bytes"))),
            Ok(_) => std::fs::read_to_string(&path).map_err(|e| bad(format!("{shown} cannot be read: {e}")))?,
        };
        let list = file::parse(&shown, &text).map_err(bad)?;
        Ok(Self { folder: folder.to_owned(), text, list })
    }

    /// All of them, in the order of the file.
    pub(crate) fn all(&self) -> &[Bookmark] {
        &self.list
    }

    /// The one of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Bookmark> {
        self.list.iter().find(|bookmark| &*bookmark.name == name)
    }

    /// Adds one, or puts it in place of the one of its name.
    ///
    /// # Errors
    /// [`Reason::BadBookmark`] where the name or the URL cannot be used, or the file cannot be written.
    pub(crate) fn add(&mut self, bookmark: Bookmark) -> Result<(), Error> {
        check_name(&bookmark.name)?;
        place_of(&bookmark, None)?;
        let mut text = self.without(&bookmark.name);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&file::print(&bookmark));
        self.keep(text)
    }

    /// Removes one.
    ///
    /// # Errors
    /// [`Reason::BadBookmark`] where there is none of that name, or the file cannot be written.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Error> {
        if self.get(name).is_none() {
            return Err(self.unknown(name));
        }
        let text = self.without(name);
        self.keep(text)
    }

    /// That there is none of this name, and which was meant.
    pub(crate) fn unknown(&self, name: &str) -> Error {
        let near = crate::config::nearest(name, self.list.iter().map(|bookmark| &*bookmark.name));
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        bad(format!("there is no bookmark {}{near}", text::printable(name)))
    }

    /// The file without one bookmark; all else stays as it was written.
    fn without(&self, name: &str) -> String {
        let Some(gone) = self.get(name) else { return self.text.clone() };
        let mut text = self.text.clone();
        text.replace_range(gone.lines.clone(), "");
        text
    }

    fn keep(&mut self, text: String) -> Result<(), Error> {
        // What is written is read first: nothing unreadable gets into the file.
        self.list = file::parse(FILE, &text).map_err(bad)?;
        let shown = text::printable(&self.folder.join(FILE).to_string_lossy());
        let written = crate::secret::write(&self.folder, FILE, &[text.as_bytes()]);
        written.map_err(|e| bad(format!("{shown} cannot be written: {e}")))?;
        self.text = text;
        Ok(())
    }
}

/// What somebody typed for a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resolved {
    /// The place.
    pub(crate) place: Place,
    /// What the bookmark says besides: options of the command line.
    pub(crate) options: Vec<Box<str>>,
}

/// Reads a place as [`Place::parse`] does, and `NAME:` or `NAME:path` by the bookmarks: a path that begins with `/`
/// counts from the server's root, any other from the bookmark's folder. `user` is `--user`, which comes before what a
/// bookmark says. A file of this machine whose name looks like that is `./NAME:path`.
///
/// # Errors
/// Those of [`Place::parse`]; [`Reason::BadBookmark`].
pub(crate) fn resolve(typed: &str, user: Option<&str>) -> Result<Resolved, Error> {
    let Some((name, path)) = named(typed) else { return plain(typed) };
    let bookmarks = match Bookmarks::load() {
        Ok(bookmarks) => bookmarks,
        // Only who means a bookmark is bothered with a file that is broken.
        Err(_) if Path::new(typed).exists() => return plain(typed),
        Err(e) => return Err(e),
    };
    let Some(bookmark) = bookmarks.get(name) else {
        // `notes:old` may be a file; `work:` is none.
        return if path.is_empty() && !Path::new(typed).exists() { Err(bookmarks.unknown(name)) } else { plain(typed) };
    };
    let place = within(place_of(bookmark, user)?, path);
    Ok(Resolved { place, options: bookmark.options.clone() })
}

fn plain(typed: &str) -> Result<Resolved, Error> {
    Ok(Resolved { place: Place::parse(typed)?, options: Vec::new() })
}

/// `NAME:path`, where that is not a URL.
fn named(typed: &str) -> Option<(&str, &str)> {
    let (name, path) = typed.split_once(':')?;
    (check_name(name).is_ok() && !path.starts_with("//")).then_some((name, path))
}

/// The place a bookmark stands for.
fn place_of(bookmark: &Bookmark, user: Option<&str>) -> Result<Place, Error> {
    let refused = |what: String| bad(format!("{}: {what}", bookmark.name));
    match Place::parse(&bookmark.url).map_err(|e| refused(e.to_string()))? {
        Place::Remote(url) if url.password.is_some() => {
            Err(refused("its URL holds a password; keep that in ~/.netrc or the keyring".to_owned()))
        }
        Place::Remote(url) => {
            let user = user.map(Into::into).or(url.user);
            Ok(Place::Remote(Url { user, ..url }))
        }
        Place::Local(path) if path.is_absolute() => Ok(Place::Local(path)),
        Place::Local(_) => Err(refused(format!("{} is neither a URL nor a path from the root", text::printable(&bookmark.url)))),
    }
}

/// A place below another.
fn within(place: Place, path: &str) -> Place {
    if path.is_empty() {
        return place;
    }
    match place {
        Place::Local(base) => Place::Local(base.join(path)),
        Place::Remote(url) if path.starts_with('/') => Place::Remote(url.with_path(path.as_bytes())),
        Place::Remote(url) => {
            let base = url.path.strip_suffix(b"/").unwrap_or(&url.path);
            let path = if url.path.is_empty() { path.as_bytes().to_vec() } else { [base, b"/", path.as_bytes()].concat() };
            Place::Remote(url.with_path(&path))
        }
    }
}

/// What a bookmark may be called: what nobody takes for a scheme or a path.
fn check_name(name: &str) -> Result<(), Error> {
    const SCHEMES: [&str; 11] = ["ftp", "ftps", "ftpes", "sftp", "scp", "tftp", "file", "http", "https", "s3", "ssh"];
    let shown = text::printable(name);
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.chars().count() < 2 || !name.starts_with(char::is_alphanumeric) || !name.chars().all(is_plain) {
        return Err(bad(format!("\"{shown}\" cannot be a bookmark's name: two or more letters, digits, `-`, `_` and `.`")));
    }
    if SCHEMES.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(bad(format!("{shown} begins URLs; choose another name")));
    }
    Ok(())
}

fn bad(words: impl Into<Box<str>>) -> Error {
    Error::with(Reason::BadBookmark, words)
}

/// Where a user's programs keep their settings (XDG Base Directory Specification).
fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?.join("carrack"))
}

#[cfg(test)]
mod tests;
