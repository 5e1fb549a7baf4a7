//! How is mail kept? In one Maildir a user (cr.yp.to/proto/maildir.html) below the root of a storage: written under
//! `tmp`, then moved to `new`, so that whoever reads there finds whole messages alone.

use bytes::Bytes;
use types::{Error, Message, Reason, Time, VPath, WriteHow};
use vfs::storage::{Owner, Storage, WriteOrder};

/// Permission bits of its folders and of the messages in them: mail is nobody else's.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;
/// How many names are tried before one is free: other programs may put mail there, too.
const TRIES: u32 = 16;

/// Keeps a message for a user. `most` is how many unread ones there may be; `name` makes names, each another.
///
/// # Errors
/// [`Reason::MailboxFull`]; [`Reason::BadName`] where the user's name is no name of a folder; the storage's.
pub(crate) async fn keep(
    storage: &dyn Storage,
    user: &str,
    most: u32,
    letter: Vec<u8>,
    mut name: impl FnMut() -> String + Send,
) -> Result<(), Error> {
    if user.starts_with('.') || user.contains('/') {
        return Err(Error::with(Reason::BadName, "the user's name is no name of a folder"));
    }
    let home = VPath::root().join(user.as_bytes())?;
    let [tmp, new, cur] = [home.join(b"tmp")?, home.join(b"new")?, home.join(b"cur")?];
    if storage.stat(&new, true, &Owner(None)).await.is_err() {
        for folder in [&home, &tmp, &cur, &new] {
            match storage.make_dir(folder, FOLDER).await {
                Err(e) if e.reason != Reason::Exists => return Err(e),
                _ => {}
            }
        }
    }
    if unread(storage, &new, most).await? >= most {
        return Err(Reason::MailboxFull.into());
    }
    let letter = Bytes::from(letter);
    for _ in 0..TRIES {
        let name = name();
        let (at, to) = (tmp.join(name.as_bytes())?, new.join(name.as_bytes())?);
        match put(storage, &at, &to, letter.clone()).await {
            Err(e) if e.reason == Reason::Exists => {}
            result => return result,
        }
    }
    Err(Reason::Busy.into())
}

/// How many messages lie there, counted no further than `most`.
async fn unread(storage: &dyn Storage, new: &VPath, most: u32) -> Result<u32, Error> {
    let mut listing = storage.list(new, &Owner(None)).await?;
    listing.names_only();
    let mut count = 0u32;
    while count < most {
        let page = listing.next_page().await?;
        if page.is_empty() {
            break;
        }
        count = count.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
    }
    Ok(count)
}

async fn put(storage: &dyn Storage, at: &VPath, to: &VPath, letter: Bytes) -> Result<(), Error> {
    let nobody = Owner(None);
    let order = WriteOrder { how: WriteHow::New, mode: FILE, owner: &nobody };
    let mut sink = storage.write(at, order).await?.sink;
    sink.write_all(letter).await?;
    sink.commit().await?;
    let moved = storage.rename(at, to, false).await;
    if moved.is_err() {
        let _ = storage.remove(at, &nobody).await; // what is left in tmp is taken for rubbish by all who read there
    }
    moved
}

/// A message as it lies in a mailbox (RFC 5322). Where its text begins with a header of its own, as mail by FTP did, that
/// one stays.
pub(crate) fn letter(message: &Message, to: &str) -> Vec<u8> {
    let (from, to) = (address(&message.from), address(to));
    let date = date(message.at);
    let mut letter = format!("Return-Path: <{from}>\nReceived: by carrack with FTP; {date}\n");
    if !has_header(&message.text) {
        letter += &format!("From: {from}\nTo: {to}\nDate: {date}\nSubject: Message from {from}\nMIME-Version: 1.0\n");
        letter += "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n";
    }
    let mut letter = letter.into_bytes();
    letter.extend_from_slice(&message.text);
    if !letter.ends_with(b"\n") {
        letter.push(b'\n');
    }
    letter
}

/// A user's name in a header: nothing in it may end a line or mean anything else there.
fn address(user: &str) -> String {
    user.chars().map(|c| if c.is_control() || "<>()[],;:\\\" ".contains(c) { '_' } else { c }).collect()
}

/// Whether the text begins with `Name: value` and has an empty line later on.
fn has_header(text: &[u8]) -> bool {
    let first = text.split(|&b| b == b'\n').next().unwrap_or_default();
    let name = first.iter().position(|&b| b == b':').and_then(|at| first.get(..at));
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-'))
        && text.windows(2).any(|two| two == b"\n\n")
}

/// `Sat, 21 Nov 2026 20:58:50 +0000` (RFC 5322 §3.3).
fn date(at: Time) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let c = at.civil();
    let day = DAYS.get(at.seconds.div_euclid(86_400).rem_euclid(7) as usize).unwrap_or(&"");
    let month = MONTHS.get(c.month.saturating_sub(1) as usize).unwrap_or(&"");
    format!("{day}, {:02} {month} {:04} {:02}:{:02}:{:02} +0000", c.day, c.year, c.hour, c.minute, c.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(from: &str, to: &str, text: &str) -> String {
        let at = Time::from_seconds(1_795_294_730);
        String::from_utf8(letter(&Message { from: from.into(), at, text: text.as_bytes().into() }, to)).unwrap()
    }

    #[test]
    fn a_letter_has_a_header_and_keeps_the_one_it_came_with() {
        assert_eq!(
            written("anna", "bob", "Hello: there"),
            "Return-Path: <anna>\nReceived: by carrack with FTP; Sat, 21 Nov 2026 20:58:50 +0000\nFrom: anna\nTo: bob\n\
             Date: Sat, 21 Nov 2026 20:58:50 +0000\nSubject: Message from anna\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nHello: there\n"
        );
        assert_eq!(
            written("a\nb <x>", "bob", "Subject: ships\n\nTwo of them.\n"),
            "Return-Path: <a_b__x_>\nReceived: by carrack with FTP; Sat, 21 Nov 2026 20:58:50 +0000\n\
             Subject: ships\n\nTwo of them.\n"
        );
    }
}
