//! Which password does the desktop's keyring hold (Secret Service: GNOME Keyring, KWallet, KeePassXC)? Where no keyring
//! runs, none, and nothing is said of it.

use client::Url;
use keyring::Entry;
use types::{Error, Reason, Secret};

/// What the entries are called there.
const SERVICE: &str = "carrack";

/// The password kept for a user of a server: service `carrack`, user name `user@host:port`.
pub(super) fn password(url: &Url, user: &str) -> Option<Secret<Box<str>>> {
    let entry = entry(url, user).ok()?;
    super::usable(&entry.get_password().ok()?, "the keyring's password").ok()
}

/// Keeps it there, in place of what was kept for that user before.
///
/// # Errors
/// [`Reason::NoKeyring`] with what it said.
pub(super) fn keep(url: &Url, user: &str, password: &Secret<Box<str>>) -> Result<(), Error> {
    entry(url, user)?.set_password(password.reveal()).map_err(|e| Error::with(Reason::NoKeyring, e.to_string()))
}

fn entry(url: &Url, user: &str) -> Result<Entry, Error> {
    // Without a bus none is started for this.
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    if !has_bus {
        return Err(Error::with(Reason::NoKeyring, "there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS)"));
    }
    let name = format!("{user}@{}:{}", url.host, url.port());
    Entry::new(SERVICE, &name).map_err(|e| Error::with(Reason::NoKeyring, e.to_string()))
}
