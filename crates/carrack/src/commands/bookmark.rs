//! `carrack bookmark`: names for places, added, listed, shown and removed.

use client::Place;
use types::{Error, Reason, text};

use crate::bookmarks::{Bookmark, Bookmarks};
use crate::cli::client::Options;
use crate::cli::{self, Exit};
use crate::{credentials, say};

/// Does what was asked.
pub(crate) fn run(args: &cli::BookmarkCommand) -> Exit {
    match act(args) {
        Ok(exit) => exit,
        Err(e) => {
            say::err(format_args!("carrack bookmark: {e}"));
            Exit::Failed
        }
    }
}

fn act(args: &cli::BookmarkCommand) -> Result<Exit, Error> {
    let mut bookmarks = Bookmarks::load()?;
    match args {
        cli::BookmarkCommand::Add { name, url, save_password, options } => {
            let options: Vec<Box<str>> = options.iter().map(|option| option.as_str().into()).collect();
            if *save_password {
                save(url, &options)?;
            }
            bookmarks.add(Bookmark { name: name.as_str().into(), url: url.as_str().into(), options, lines: 0..0 })?;
            Ok(Exit::Well)
        }
        cli::BookmarkCommand::List if bookmarks.all().is_empty() => {
            say::err(format_args!("no bookmarks yet; carrack bookmark add NAME URL makes one"));
            Ok(Exit::Well)
        }
        cli::BookmarkCommand::List => {
            let widest = bookmarks.all().iter().map(|b| b.name.chars().count()).max().unwrap_or(0);
            let lines: String = bookmarks.all().iter().map(|b| format!("{:widest$}  {}\n", b.name, line(b))).collect();
            Ok(say::out_bytes(lines.as_bytes()))
        }
        cli::BookmarkCommand::Show { name } => match bookmarks.get(name) {
            Some(bookmark) => Ok(say::out(format_args!("{}", line(bookmark)))),
            None => Err(bookmarks.unknown(name)),
        },
        cli::BookmarkCommand::Remove { names } => {
            for name in names {
                bookmarks.remove(name)?;
            }
            Ok(Exit::Well)
        }
    }
}

/// Keeps the password of a place's user in the keyring.
fn save(url: &str, options: &[Box<str>]) -> Result<(), Error> {
    let Place::Remote(url) = Place::parse(url)? else {
        return Err(Error::with(Reason::BadBookmark, "a place on this machine has no password"));
    };
    let options =
        Options::parse_words(options.iter().map(|word| &**word)).map_err(|why| Error::with(Reason::BadBookmark, why))?;
    let Some(user) = url.user.clone().or_else(|| options.login.user.as_deref().map(Into::into)) else {
        return Err(Error::with(Reason::BadBookmark, "whose password? Put the user into the URL: ftp://USER@HOST/"));
    };
    credentials::keep(&url, &user)
}

/// The URL, and the options behind it.
fn line(bookmark: &Bookmark) -> String {
    let words: Vec<String> = std::iter::once(&bookmark.url).chain(&bookmark.options).map(|word| text::printable(word)).collect();
    words.join(" ")
}
