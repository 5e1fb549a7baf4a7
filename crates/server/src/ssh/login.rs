//! Who is there? What the client shows on its way through the door: keys, certificates, passwords, and both in turn.

use std::sync::Arc;

use types::{Credentials, LoginError, ProvedKey, Reason, Secret, What};

use super::state::State;
use crate::ftp::words;

/// What the door makes of it, for the transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Let in.
    In,
    /// Not so: another try, in whatever way.
    Again,
    /// Half of it: a password is wanted now.
    Password,
    /// No more tries: the connection ends.
    Over,
}

/// One connection's way in.
pub(super) struct Login {
    state: Arc<State>,
    /// A key that fits and is not enough, and whose it is.
    half: Option<(Box<str>, Box<ProvedKey>)>,
}

impl Login {
    pub(super) const fn new(state: Arc<State>) -> Self {
        Self { state, half: None }
    }

    /// Whether the owner of this key should prove that it is.
    pub(super) fn offered(&self, user: &str, blob: &[u8]) -> bool {
        self.state.listener.ways.key && self.state.guest.knows_key(user, blob)
    }

    /// A key was proved.
    pub(super) async fn key(&mut self, user: &str, key: ProvedKey, shown: &str) -> Verdict {
        self.half = None;
        if !self.state.listener.ways.key {
            return Verdict::Again;
        }
        self.state.note(|| [What::Command(types::text::printable(&format!("publickey {user} {shown}")).into())]);
        let key = Box::new(key);
        let verdict = self.ask(Credentials::Key { user: user.into(), key: key.clone(), password: None }).await;
        if verdict == Verdict::Password {
            self.half = Some((user.into(), key));
        }
        verdict
    }

    /// A password was said, by whatever way.
    pub(super) async fn password(&mut self, user: &str, password: &[u8]) -> Verdict {
        // Whoever changes the name in between has proved nothing for the new one (RFC 4252 section 5).
        let half = self.half.take().filter(|(of, _)| **of == *user);
        if !self.state.listener.ways.password && half.is_none() {
            return Verdict::Again;
        }
        self.state.note(|| [What::Command(types::text::printable(&format!("password {user} ***")).into())]);
        let password = Secret::new(password.into());
        let credentials = match &half {
            Some((user, key)) => Credentials::Key { user: user.clone(), key: key.clone(), password: Some(password) },
            None => Credentials::Password { user: user.into(), password, account: None, names: Vec::new() },
        };
        let verdict = self.ask(credentials).await;
        if verdict == Verdict::Again {
            self.half = half; // the key stays proved
        }
        verdict
    }

    /// Whether only a password is missing.
    pub(super) const fn is_half(&self) -> bool {
        self.half.is_some()
    }

    async fn ask(&self, credentials: Credentials) -> Verdict {
        let asked = words::login(&credentials);
        let keyed = matches!(credentials, Credentials::Key { password: None, .. });
        let result = self.state.guest.login(credentials, true).await;
        let told = match &result {
            Ok((_, welcome)) => words::welcome(&Ok(welcome.clone())),
            Err(LoginError::Wrong) if keyed => Reason::KeyRefused.to_string().into(),
            Err(e) => words::welcome(&Err(*e)),
        };
        self.state.note(|| [What::Ask(asked), What::Answer(told)]);
        match result {
            Ok((access, welcome)) => {
                self.state.enter(access, welcome);
                Verdict::In
            }
            Err(LoginError::Wrong) => Verdict::Again,
            Err(LoginError::PasswordNeeded) => Verdict::Password,
            // There is no way to name an account here.
            Err(LoginError::AccountNeeded) => {
                self.state.end(Reason::AccountWrong);
                Verdict::Over
            }
            Err(LoginError::Refused(reason) | LoginError::Closing(reason)) => {
                self.state.end(reason);
                Verdict::Over
            }
        }
    }
}
