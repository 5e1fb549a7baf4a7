//! The door from outside: guests, logins and operations over a small tree, as a server would use them.
#![allow(clippy::disallowed_methods, reason = "tests look at files and clocks themselves")]

mod audit;
mod door;
mod files;
mod messages;
mod open;
mod properties;
mod reload;
mod tree;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use types::{Credentials, LoginError, Secret, VPath};

use crate::{Access, Gate, Guest, ListenerRules, Mount, Password, Permissions, PlainLogin, Rules, UserRules};
pub(crate) use tree::Tree;

pub(crate) fn path(s: &str) -> VPath {
    VPath::parse(s.as_bytes()).unwrap()
}

pub(crate) fn words(s: &str) -> Permissions {
    Permissions::parse(s).unwrap()
}

pub(crate) fn peer(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 50_000)
}

/// A real hash that costs next to nothing.
pub(crate) fn cheap_hash(password: &str) -> Password {
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    Password::Argon2(hasher.hash_password(password.as_bytes()).unwrap().to_string().into())
}

pub(crate) fn plain(password: &str) -> Password {
    Password::Plain(Secret::new(password.into()))
}

/// A user who sees the mount `main` at `/`.
pub(crate) fn user(name: &str, password: Password) -> UserRules {
    let mut user = UserRules::new(name, password);
    user.own.mounts = vec![(path("/"), "main".into())];
    user
}

pub(crate) fn add(rules: &mut Rules, user: UserRules) {
    rules.users.insert(user.name.clone(), user);
}

/// Rules with two listeners (`open`, where everything goes, and `strict`) and one mount `main` over `tree`.
pub(crate) fn rules(tree: &Tree) -> Rules {
    let mut rules = Rules::default();
    rules
        .listeners
        .insert("open".into(), ListenerRules { plain_login: PlainLogin::Allow, anonymous: true, ..ListenerRules::default() });
    rules.listeners.insert("strict".into(), ListenerRules::default());
    rules.mounts.insert("main".into(), Mount { storage: Arc::new(tree.clone()), read_only: false });
    rules.limits.delay = Duration::ZERO;
    rules
}

pub(crate) fn credentials(user: &str, password: &str) -> Credentials {
    Credentials::Password {
        user: user.into(),
        password: Secret::new(password.as_bytes().into()),
        account: None,
        names: Vec::new(),
    }
}

pub(crate) fn admit(gate: &Arc<Gate>) -> Guest {
    gate.admit("open", peer("192.0.2.7"), peer("198.51.100.1")).unwrap()
}

pub(crate) async fn login(guest: &Guest, user: &str, password: &str) -> Result<Access, LoginError> {
    guest.login(credentials(user, password), false).await.map(|(access, _)| access)
}

/// A gate with one user `bob` (password `b`) with these rules, and bob logged in.
pub(crate) async fn bob(tree: &Tree, permissions: &[(&str, &str)], more: impl FnOnce(&mut Rules)) -> (Arc<Gate>, Guest, Access) {
    let mut rules = rules(tree);
    let mut bob = user("bob", plain("b"));
    bob.own.permissions = permissions.iter().map(|(at, what)| (path(at), words(what))).collect();
    add(&mut rules, bob);
    more(&mut rules);
    let gate = Gate::new(rules).unwrap();
    let guest = admit(&gate);
    let access = login(&guest, "bob", "b").await.unwrap();
    (gate, guest, access)
}
