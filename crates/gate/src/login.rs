//! Who somebody is: passwords, the slow-down and ban of those who guess, and one cost for right and wrong names.

use std::sync::Arc;
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use subtle::ConstantTimeEq;
use types::{Credentials, Error, LoginError, ProvedKey, Reason, Welcome};

use crate::access::Access;
use crate::audit::Entry;
use crate::force::{InForce, View};
use crate::guest::Guest;
use crate::keys;
use crate::presence::address;
use crate::rules::{Certificate, Password, PlainLogin, Principal};

/// Makes the hash of a password as a configuration holds it: argon2id, salted, in PHC form.
///
/// # Errors
/// [`Reason::Io`] when the system gives no random bytes.
pub fn hash_password(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|e| Error::with(Reason::Io, e.to_string()))
}

/// Whether a hash can be used, and what it costs (memory times passes).
pub(crate) fn check_hash(hash: &str) -> Result<u64, Error> {
    let wrong =
        |what: &str| Error::with(Reason::Config, format!("the password is no argon2 hash ({what}); `carrack hash` makes one"));
    let parsed = PasswordHash::new(hash).map_err(|e| wrong(&e.to_string()))?;
    if !parsed.algorithm.as_str().starts_with("argon2") || parsed.hash.is_none() || parsed.salt.is_none() {
        return Err(wrong("it names another algorithm, or has no salt or hash"));
    }
    let params = Params::try_from(&parsed).map_err(|e| wrong(&e.to_string()))?;
    Ok(u64::from(params.m_cost()) * u64::from(params.t_cost()))
}

fn fits(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// Why a login failed, for ourselves; the peer hears less.
enum Failure {
    /// Name or password wrong, user disabled, or not known here: all one to the peer, slowed down and counted.
    Guess,
    /// The password is right; this is not.
    Told(LoginError),
}

impl Guest {
    /// Logs in. `secure` says that nobody can have listened to the password on its way.
    ///
    /// A wrong password and a wrong name get the same answer after the same time and the same work, and later
    /// with each failure of the address. Dropping the future gives up.
    ///
    /// # Errors
    /// [`LoginError`]: what the session tells the peer.
    pub async fn login(&self, credentials: Credentials, secure: bool) -> Result<(Access, Welcome), LoginError> {
        let began = io::clock::now();
        let session = &self.0;
        let gate = &session.gate;
        let force = gate.force.load_full();
        let host = session.state().host.clone();
        let name: Box<str> = match &credentials {
            Credentials::Password { user, .. }
            | Credentials::Certificate { user, .. }
            | Credentials::Ticket { user, .. }
            | Credentials::Key { user, .. } => user.clone(),
            Credentials::None => force.guest(&session.listener, session.peer.ip()).unwrap_or_else(|| "anonymous".into()),
        };
        let ticket = matches!(credentials, Credentials::Ticket { .. });
        let keyed = matches!(credentials, Credentials::Key { .. });
        let place = match force.audit.reserve(&gate.counters).await {
            Ok(place) => place,
            Err(reason) => return Err(self.refuse(LoginError::Refused(reason))),
        };
        let result = self.try_login(&force, host.as_deref(), &name, credentials, secure, began).await;
        let (end, reason) = match &result {
            Ok(_) => ("done", None),
            Err(LoginError::Wrong) if keyed => ("failed", Some(Reason::KeyRefused)),
            Err(LoginError::Wrong) => ("failed", Some(Reason::LoginWrong)),
            Err(LoginError::PasswordNeeded) if keyed => ("failed", Some(Reason::KeyNotEnough)),
            Err(LoginError::PasswordNeeded) if ticket => ("failed", Some(Reason::PrincipalRefused)),
            Err(LoginError::AccountNeeded) => ("failed", Some(Reason::AccountWrong)),
            Err(LoginError::PasswordNeeded) => ("failed", Some(Reason::TlsCertificateRefused)),
            Err(LoginError::Refused(reason) | LoginError::Closing(reason)) => ("failed", Some(*reason)),
        };
        place.write(|| Entry {
            at: io::clock::wall(),
            session: session.id,
            user: if result.is_ok() { name.as_ref().into() } else { "".into() },
            peer: session.peer,
            op: "login",
            path: types::text::printable(&name).into(),
            to: None,
            end,
            reason,
            bytes: None,
            took: io::clock::now().saturating_duration_since(began),
        });
        match result {
            Ok(in_) => {
                gate.counters.login(true);
                Ok(in_)
            }
            // Half a login: the account or the password is still to come.
            Err(half @ (LoginError::AccountNeeded | LoginError::PasswordNeeded)) => Err(half),
            Err(e) => Err(self.refuse(e)),
        }
    }

    fn refuse(&self, e: LoginError) -> LoginError {
        let counters = &self.0.gate.counters;
        counters.login(false);
        counters.refused(match e {
            LoginError::Wrong => Reason::LoginWrong,
            LoginError::PasswordNeeded => Reason::TlsCertificateRefused,
            LoginError::AccountNeeded => Reason::AccountWrong,
            LoginError::Refused(reason) | LoginError::Closing(reason) => reason,
        });
        e
    }

    async fn try_login(
        &self,
        force: &Arc<InForce>,
        host: Option<&str>,
        name: &str,
        credentials: Credentials,
        secure: bool,
        began: Instant,
    ) -> Result<(Access, Welcome), LoginError> {
        let session = &self.0;
        if session.token().is_cancelled() {
            return Err(LoginError::Closing(session.why().unwrap_or(Reason::Kicked)));
        }
        if session.gate.stopping() {
            return Err(LoginError::Closing(Reason::ShuttingDown));
        }
        if session.gate.failures.banned(address(session.peer.ip()), began) {
            return Err(LoginError::Closing(Reason::Banned));
        }
        let found = force.find(&session.listener, host, name);
        let anonymous = found.as_ref().is_some_and(|view| view.who.anonymous);
        // Before the password is looked at: one that came in clear is not even tried. The anonymous user's is no
        // secret, and its name tells nobody anything.
        let shows = !matches!(credentials, Credentials::None);
        if shows && !secure && !anonymous && !self.may_speak_plainly(force) {
            return Err(LoginError::Refused(Reason::PlainLogin));
        }
        let account = match &credentials {
            Credentials::Password { account, .. }
            | Credentials::Certificate { account, .. }
            | Credentials::Ticket { account, .. } => account.clone(),
            Credentials::Key { .. } | Credentials::None => None,
        };
        let verified = self.prove(force, found, credentials, secure).await?;
        let checked = verified.ok_or(Failure::Guess).and_then(|view| {
            self.check(&view.who, account.as_deref()).map_err(Failure::Told)?;
            Ok(view)
        });
        match checked {
            // Many connections may guess at the same time: whichever is right after the ban came too late.
            Ok(_) if session.gate.failures.banned(address(session.peer.ip()), io::clock::now()) => {
                Err(LoginError::Closing(Reason::Banned))
            }
            Ok(view) => self.enter(view, host),
            Err(Failure::Told(e)) => Err(e),
            Err(Failure::Guess) => Err(self.failed(force, began).await),
        }
    }

    /// The user, if what was shown proves to be theirs; `None` is a guess that failed.
    async fn prove(
        &self,
        force: &Arc<InForce>,
        found: Option<Arc<View>>,
        credentials: Credentials,
        secure: bool,
    ) -> Result<Option<Arc<View>>, LoginError> {
        Ok(match (found, credentials) {
            (found, Credentials::Password { password, names, .. }) => {
                let names = if secure { names } else { Vec::new() };
                self.verify(force, found, password.reveal(), &names, false).await
            }
            (found, Credentials::Key { user, key, password }) => {
                let found = found.filter(|view| self.key_fits(force, view, &user, &key));
                match (found, password) {
                    (Some(view), None) if view.who.ways.key => Some(view),
                    (Some(view), None) if view.who.ways.key_and_password => return Err(LoginError::PasswordNeeded),
                    // A key is proved and cannot be guessed: one that fits nobody is no failure that counts.
                    (_, None) => return Err(LoginError::Wrong),
                    (found, Some(password)) => self.verify(force, found, password.reveal(), &[], true).await,
                }
            }
            (found, Credentials::Certificate { names, .. }) => {
                // Nobody guesses here, since the handshake has proved the names; so a name it does not fit is no
                // failure, and looks like one that nobody has.
                let enough = |view: &Arc<View>| {
                    view.who.certificate == Certificate::Enough && !view.who.disabled && view.who.is_named(&names)
                };
                Some(found.filter(|view| secure && enough(view)).ok_or(LoginError::PasswordNeeded)?)
            }
            (found, Credentials::Ticket { principal, .. }) => {
                // As with certificates: the exchange has proved the principal, and nobody guesses.
                let enough = |view: &Arc<View>| !view.who.disabled && view.who.principals.contains(&principal);
                Some(found.filter(|view| secure && enough(view)).ok_or(LoginError::PasswordNeeded)?)
            }
            // Nothing was shown: only who needs to show nothing is let in, or who the address says it is.
            (found, Credentials::None) => {
                let is_guest = force.guest(&self.0.listener, self.0.peer.ip()).is_some();
                found.filter(|view| (view.who.anonymous || is_guest) && !view.who.disabled)
            }
        })
    }

    fn may_speak_plainly(&self, force: &InForce) -> bool {
        match force.listener(&self.0.listener).plain_login {
            PlainLogin::Allow => true,
            PlainLogin::Refuse => false,
            PlainLogin::LoopbackOnly => self.0.peer.ip().to_canonical().is_loopback(),
        }
    }

    /// The user, if the password is right. Where any user has a hash, every wrong answer costs exactly one hash:
    /// for a name nobody has, for a user without one, for one that is disabled, and for one whose certificate or key is
    /// missing. `keyed`: a key of the user's was proved before.
    async fn verify(
        &self,
        force: &Arc<InForce>,
        found: Option<Arc<View>>,
        password: &[u8],
        names: &[Box<str>],
        keyed: bool,
    ) -> Option<Arc<View>> {
        let (hash, mut right) = match found.as_ref().map(|view| &view.who.password) {
            Some(Password::Argon2(hash)) => (Some(hash.clone()), false),
            Some(Password::Plain(secret)) => (None, secret.reveal().as_bytes().ct_eq(password).into()),
            Some(Password::None) => (None, true),
            Some(Password::Never) | None => (None, false),
        };
        let known = hash.is_some();
        let otherwise = found.as_ref().is_some_and(|view| {
            let ways = view.who.ways;
            let enough = ways.password || (keyed && ways.key_and_password);
            enough && !view.who.disabled && (view.who.certificate != Certificate::WithPassword || view.who.is_named(names))
        });
        right &= otherwise;
        if !right && let Some(hash) = hash.or_else(|| force.dummy.clone()) {
            let fits = self.hash(hash, password.into()).await;
            right = fits && known && otherwise;
        }
        found.filter(|_| right)
    }

    fn key_fits(&self, force: &InForce, view: &View, user: &str, key: &ProvedKey) -> bool {
        let (who, rules) = (&view.who, &force.rules);
        let keys = who.keys.iter().chain(&rules.authorities);
        let fits = keys::fits(keys, &rules.revoked, user, key, self.0.peer.ip(), io::clock::wall().seconds);
        fits && !who.disabled && !who.anonymous
    }

    /// Whether it is worth the while of the owner of this key to prove it (RFC 4252 section 7): nothing is counted.
    /// Where authorities are trusted any key may be certified by one, which is seen only when it is proved.
    pub fn knows_key(&self, user: &str, blob: &[u8]) -> bool {
        let force = self.0.gate.force.load_full();
        let host = self.0.state().host.clone();
        if self.0.gate.failures.banned(address(self.0.peer.ip()), io::clock::now()) {
            return false;
        }
        let proved = ProvedKey { blob: blob.into(), certified: None };
        let view = force.find(&self.0.listener, host.as_deref(), user);
        let known = view.is_some_and(|view| self.key_fits(&force, &view, user, &proved));
        known || force.certifiable
    }

    /// Runs argon2 off the reactor, a few at once so that logins cannot take all memory.
    async fn hash(&self, hash: Box<str>, password: Box<[u8]>) -> bool {
        let gate = &self.0.gate;
        let Ok(turn) = gate.hashing.clone().acquire_owned().await else { return false };
        gate.counters.hashed();
        io::task::blocking(move || {
            let fits = fits(&hash, &password);
            // The turn ends with the work and not with whoever waited for it.
            drop(turn);
            fits
        })
        .await
        .unwrap_or(false)
    }

    /// What a right password still has to meet. Told openly: only who knows the password hears it.
    fn check(&self, who: &Principal, account: Option<&str>) -> Result<(), LoginError> {
        let ip = self.0.peer.ip();
        if who.allow_from.as_ref().is_some_and(|nets| !nets.iter().any(|net| net.contains(ip))) {
            return Err(LoginError::Refused(Reason::AddressNotAllowed));
        }
        match account {
            None if who.account_required => Err(LoginError::AccountNeeded),
            Some(account) if !who.accounts.is_empty() && !who.accounts.iter().any(|known| **known == *account) => {
                Err(LoginError::Refused(Reason::AccountWrong))
            }
            _ => Ok(()),
        }
    }

    fn enter(&self, view: Arc<View>, host: Option<&str>) -> Result<(Access, Welcome), LoginError> {
        let Some(place) = view.share.sessions.take(view.who.sessions) else {
            return Err(LoginError::Refused(Reason::TooManyOfUser));
        };
        let who = &view.who;
        let welcome = Welcome {
            user: who.name.as_ref().into(),
            home: who.home.clone(),
            message: who.welcome.clone(),
            fxp: who.fxp,
            idle: who.idle_seconds,
        };
        Ok((Access::new(&self.0, view, host, place), welcome))
    }

    /// Takes down a failure and answers when it is time: counted from the question, so that the work done for the
    /// answer does not show in it.
    async fn failed(&self, force: &InForce, began: Instant) -> LoginError {
        let limits = &force.rules.limits;
        let verdict = self.0.gate.failures.note(address(self.0.peer.ip()), limits, io::clock::now());
        let tries = {
            let mut state = self.0.state();
            state.tries = state.tries.saturating_add(1);
            state.tries
        };
        let passed = io::clock::now().saturating_duration_since(began);
        if let Some(rest) = verdict.delay.checked_sub(passed) {
            tokio::time::sleep(rest).await;
        }
        if verdict.banned {
            LoginError::Closing(Reason::Banned)
        } else if limits.tries > 0 && tries >= limits.tries {
            LoginError::Closing(Reason::TooManyTries)
        } else {
            LoginError::Wrong
        }
    }
}
