//! Which password does the desktop's keyring hold (Secret Service: GNOME Keyring, KWallet, KeePassXC)? Where no keyring
//! runs, none, and nothing is said of it.

use client::Url;
use types::Secret;

/// What the entries are called there.
const SERVICE: &str = "carrack";

/// The password kept for a user of a server: service `carrack`, user name `user@host:port`.
pub(super) fn password(url: &Url, user: &str) -> Option<Secret<Box<str>>> {
    // Without a bus none is started for this.
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    if !has_bus {
        return None;
    }
    let entry = keyring::Entry::new(SERVICE, &format!("{user}@{}:{}", url.host, url.port())).ok()?;
    super::usable(&entry.get_password().ok()?, "the keyring's password").ok()
}
