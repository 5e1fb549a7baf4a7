//! Which password does the desktop's keyring hold (Secret Service: GNOME Keyring, KWallet, KeePassXC)? Where no keyring
//! runs, none, and nothing is said of it.

use std::collections::HashMap;
use std::time::Duration;

use client::Url;
use secret_service::{Collection, EncryptionType, Error as Refusal, Item, SecretService};
use tokio::runtime::{Builder, Handle};
use types::{Error, Reason, Secret};

/// What the entries are called there.
const SERVICE: &str = "carrack";
/// How long a keyring that needs nobody's word may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a person may take to unlock it.
const PERSON: Duration = Duration::from_secs(120);

/// The password kept for a user of a server: service `carrack`, user name `user@host:port`.
pub(super) fn password(url: &Url, user: &str) -> Option<Secret<Box<str>>> {
    let found = wait(look_up(&name(url, user))).ok()??;
    super::usable(&String::from_utf8(found).ok()?, "the keyring's password").ok()
}

/// Keeps it there, in place of what was kept for that user before.
///
/// # Errors
/// [`Reason::NoKeyring`] with what it said.
pub(super) fn keep(url: &Url, user: &str, password: &Secret<Box<str>>) -> Result<(), Error> {
    wait(store(&name(url, user), password.reveal()))
}

fn name(url: &Url, user: &str) -> String {
    format!("{user}@{}:{}", url.host, url.port())
}

fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name)])
}

async fn look_up(name: &str) -> Result<Option<Vec<u8>>, Error> {
    let service = open().await?;
    let mut found = answered(service.search_items(attributes(name))).await?;
    let item = match (found.unlocked.pop(), found.locked.pop()) {
        (Some(item), _) => item,
        (None, Some(item)) => {
            unlocked(Item::unlock(&item)).await?;
            item
        }
        (None, None) => return Ok(None),
    };
    answered(item.get_secret()).await.map(Some)
}

async fn store(name: &str, password: &str) -> Result<(), Error> {
    let service = open().await?;
    // None but that: what a session's own collection holds is lost with the session.
    let collection = answered(service.get_default_collection()).await?;
    if answered(collection.is_locked()).await? {
        unlocked(Collection::unlock(&collection)).await?;
    }
    let label = format!("Password of {name} for carrack");
    // Its answer may be a question to the person, too.
    let made = collection.create_item(&label, attributes(name), password.as_bytes(), true, "text/plain");
    within(if has_screen() { PERSON } else { ANSWER }, made).await.map(drop)
}

async fn open() -> Result<SecretService<'static>, Error> {
    // Without a bus none is started for this.
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    if !has_bus {
        return Err(Error::with(Reason::NoKeyring, "there is no D-Bus session (DBUS_SESSION_BUS_ADDRESS)"));
    }
    answered(SecretService::connect(EncryptionType::Dh)).await
}

/// Whether the keyring has a screen to ask a person on.
fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Has a person asked for the keyring's own password.
async fn unlocked(work: impl Future<Output = Result<(), Refusal>>) -> Result<(), Error> {
    if !has_screen() {
        return Err(Error::with(Reason::NoKeyring, "the keyring is locked, and there is no screen to ask on for its password"));
    }
    within(PERSON, work).await
}

async fn answered<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Error> {
    within(ANSWER, work).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(why)) => Err(Error::with(Reason::NoKeyring, said(&why))),
        Err(_) => Err(Error::with(Reason::NoKeyring, format!("the keyring did not answer within {} s", limit.as_secs()))),
    }
}

/// What the keyring's refusal means, for people.
fn said(why: &Refusal) -> String {
    match why {
        Refusal::Unavailable => "no keyring runs in this D-Bus session, or the session is gone".to_owned(),
        Refusal::Locked => "the keyring is locked".to_owned(),
        Refusal::Prompt => "the keyring was not unlocked: its question was closed".to_owned(),
        Refusal::NoResult => "the keyring is empty and has no password of its own yet: open it once on the desktop".to_owned(),
        Refusal::Zbus(why) => format!("the D-Bus session cannot be used: {why}"),
        other => other.to_string(),
    }
}

/// Passwords are looked for where nothing else can go on, in commands with a reactor and in those without.
fn wait<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match Handle::try_current() {
        Ok(reactor) => tokio::task::block_in_place(|| reactor.block_on(work)),
        Err(_) => {
            let reactor = Builder::new_current_thread().enable_all().build();
            reactor.map_err(|e| Error::with(Reason::NoKeyring, e.to_string()))?.block_on(work)
        }
    }
}
