//! How does somebody log in (RFC 4252, RFC 4256)? With keys of the agent and in files, each behind its certificates, then with
//! a password or answers to what the server asks, as far as the server takes each.

use io::task;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Certificate, HashAlg, PublicKey};
use russh::{MethodKind, MethodSet, Signer};
use std::sync::PoisonError;
use types::{Error, Reason, Secret, What};

use super::keys::{self, ByAgent, ByFile, Identity};
use super::record::Record;
use super::transport::{Guard, lost};
use super::{Agent, Dial};

/// How often a password that is asked for, or what the server asks, may be tried.
const TRIES: u32 = 3;
/// How often a server may ask in one of those tries.
const ROUNDS: u32 = 16;
/// The most keys of the agent that are tried and stand in no file: servers close connections that try too many.
const AGENT_KEYS: usize = 5;

/// Logs in.
///
/// # Errors
/// [`Reason::LoginRefused`] once nothing is left to try.
pub(super) async fn login(handle: &mut Handle<Guard>, dial: &Dial, record: &Record) -> Result<(), Error> {
    let mut attempt = Attempt { handle, dial, record, methods: MethodSet::empty(), tried: Vec::new() };
    let first = attempt.handle.authenticate_none(&*dial.user).await.map_err(lost)?;
    if attempt.settle(first, None) || attempt.keys().await? || attempt.words().await? {
        return Ok(());
    }
    let ways: Vec<String> = attempt.methods.iter().map(|method| <&str>::from(method).to_owned()).collect();
    let tried = if attempt.tried.is_empty() { "nothing".to_owned() } else { attempt.tried.join(", ") };
    let words = format!("{}@{} takes: {}; tried: {tried}", dial.user, dial.host, ways.join(", "));
    Err(Error::with(Reason::LoginRefused, words))
}

struct Attempt<'a> {
    handle: &'a mut Handle<Guard>,
    dial: &'a Dial,
    record: &'a Record,
    /// What the server says it would take.
    methods: MethodSet,
    tried: Vec<String>,
}

/// The hash that a key signs with: only RSA has a choice.
fn hash_for(key: &PublicKey, rsa: Option<HashAlg>) -> Option<HashAlg> {
    rsa.filter(|_| key.algorithm().is_rsa())
}

impl Attempt<'_> {
    /// Whether that was enough.
    fn settle(&mut self, result: AuthResult, what: Option<&str>) -> bool {
        self.record.note(|| What::Command(format!("login of {} by {}", self.dial.user, what.unwrap_or("none")).into()));
        self.record.note(|| {
            What::Reply(match &result {
                AuthResult::Success => "success".into(),
                AuthResult::Failure { remaining_methods, partial_success } => {
                    let ways: Vec<&str> = remaining_methods.iter().map(<&str>::from).collect();
                    let how = if *partial_success { "taken, and not enough" } else { "failure" };
                    format!("{how}; it takes {}", ways.join(", ")).into()
                }
            })
        });
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.methods = remaining_methods;
                self.tried.extend(what.map(|what| if partial_success { format!("{what} (taken)") } else { what.to_owned() }));
                false
            }
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.methods.contains(&method)
    }

    /// RSA signatures of a kind that the server takes; never with SHA-1.
    async fn rsa_hash(&self) -> Option<HashAlg> {
        self.handle.best_supported_rsa_hash().await.ok().flatten().flatten().or(Some(HashAlg::Sha256))
    }

    /// Keys: those of the agent that stand in files, then its others, then those that stand in files alone.
    async fn keys(&mut self) -> Result<bool, Error> {
        if !self.takes(MethodKind::PublicKey) {
            return Ok(false);
        }
        let (dial, rsa) = (self.dial.clone(), self.rsa_hash().await);
        let (identities, certificates) = task::blocking(move || keys::read(&dial)).await?;
        let Some(held) = self.agent(&identities, &certificates, rsa).await? else { return Ok(true) };
        for identity in identities.iter().filter(|identity| identity.is_whole()) {
            // One whose public half is hidden, too, has to be opened to be shown.
            let public = match &identity.public {
                Some(public) => public.clone(),
                None => match identity.unlock(self.dial).await? {
                    Some(key) => key.public_key().clone(),
                    None => continue,
                },
            };
            if held.iter().any(|key| key.key_data() == public.key_data()) {
                continue;
            }
            let mut signer = ByFile { identity, dial: self.dial };
            let name = format!("the key {}", identity.file.display());
            if self.key(&public, &certificates, rsa, &name, &mut signer).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The agent's keys; gives those that were tried, and nothing once that was enough.
    async fn agent(
        &mut self,
        identities: &[Identity],
        certificates: &[Certificate],
        rsa: Option<HashAlg>,
    ) -> Result<Option<Vec<PublicKey>>, Error> {
        let none = Ok(Some(Vec::new()));
        let connected = match &self.dial.agent {
            Agent::Nobody => return none,
            Agent::Usual => AgentClient::connect_env().await,
            Agent::At(socket) => AgentClient::connect_uds(socket).await,
        };
        let Ok(mut agent) = connected else { return none };
        let Ok(found) = agent.request_identities().await else { return none };
        let mut certificates = certificates.to_vec();
        let mut keys = Vec::new();
        for identity in found {
            match identity {
                AgentIdentity::PublicKey { key, comment } => keys.push((key, comment)),
                AgentIdentity::Certificate { certificate, .. } => certificates.push(certificate),
            }
        }
        let is_named =
            |key: &PublicKey| identities.iter().filter_map(|one| one.public.as_ref()).any(|one| one.key_data() == key.key_data());
        let (mut keys, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(key, _)| is_named(key));
        if !self.dial.identities_only {
            keys.extend(others.into_iter().take(AGENT_KEYS));
        }
        let mut tried = Vec::new();
        for (key, comment) in keys {
            let name = format!("the agent's key {}", types::text::printable(&comment));
            if self.key(&key, &certificates, rsa, &name, &mut ByAgent(&mut agent)).await? {
                return Ok(None);
            }
            tried.push(key);
        }
        Ok(Some(tried))
    }

    /// One key: its certificates first, then itself. Whoever does not sign after all is no reason to give up.
    async fn key(
        &mut self,
        key: &PublicKey,
        certificates: &[Certificate],
        rsa: Option<HashAlg>,
        name: &str,
        signer: &mut impl Signer,
    ) -> Result<bool, Error> {
        let (user, hash) = (&*self.dial.user, hash_for(key, rsa));
        for certificate in certificates.iter().filter(|one| one.public_key() == key.key_data()) {
            if !self.takes(MethodKind::PublicKey) {
                return Ok(false);
            }
            let what = format!("{name} with the certificate \"{}\"", types::text::printable(certificate.key_id()));
            let shown = self.handle.authenticate_certificate_with(user, certificate.clone(), hash, signer).await;
            if let Ok(result) = shown
                && self.settle(result, Some(&what))
            {
                return Ok(true);
            }
        }
        if !self.takes(MethodKind::PublicKey) {
            return Ok(false);
        }
        match self.handle.authenticate_publickey_with(user, key.clone(), hash, signer).await {
            Ok(result) => Ok(self.settle(result, Some(name))),
            Err(_) if self.handle.is_closed() => Err(Reason::Disconnected.into()),
            Err(_) => {
                self.tried.push(format!("{name} (it did not sign)"));
                Ok(false)
            }
        }
    }

    /// What somebody knows: a password that was given first, else what the server asks for.
    async fn words(&mut self) -> Result<bool, Error> {
        let given = self.dial.password.is_some() || self.remembered().is_some();
        Ok(match given {
            true => self.password().await? || self.questions().await?,
            false => self.questions().await? || self.password().await?,
        })
    }

    fn remembered(&self) -> Option<Secret<Box<str>>> {
        self.dial.remembered.password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn password(&mut self) -> Result<bool, Error> {
        let mut given = self.dial.password.clone().or_else(|| self.remembered());
        for _ in 0..TRIES {
            if !self.takes(MethodKind::Password) {
                return Ok(false);
            }
            let is_given = given.is_some();
            let password = match given.take() {
                Some(password) => password,
                None => match self.ask(format!("Password of {} at {}: ", self.dial.user, self.dial.host)).await? {
                    Some(password) => password,
                    None => return Ok(false),
                },
            };
            let result = self.handle.authenticate_password(&*self.dial.user, &**password.reveal()).await.map_err(lost)?;
            // With a second factor, the password may have been right and the login not be over.
            let is_right = matches!(result, AuthResult::Success | AuthResult::Failure { partial_success: true, .. });
            if is_right {
                *self.dial.remembered.password.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
            }
            if self.settle(result, Some("the password")) {
                return Ok(true);
            }
            if is_given || is_right {
                return Ok(is_right && Box::pin(self.questions()).await?);
            }
        }
        Ok(false)
    }

    async fn questions(&mut self) -> Result<bool, Error> {
        let mut known = self.dial.password.clone();
        for _ in 0..TRIES {
            if !self.takes(MethodKind::KeyboardInteractive) {
                return Ok(false);
            }
            let Some(result) = self.asked(&mut known).await? else { return Ok(false) };
            if self.settle(result, Some("answers to its questions")) {
                return Ok(true);
            }
            if self.dial.password.is_some() {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// One dialogue; `None` where nobody answers.
    async fn asked(&mut self, known: &mut Option<Secret<Box<str>>>) -> Result<Option<AuthResult>, Error> {
        let start = self.handle.authenticate_keyboard_interactive_start(&*self.dial.user, None);
        let mut answer = start.await.map_err(lost)?;
        for _ in 0..ROUNDS {
            match answer {
                KeyboardInteractiveAuthResponse::Success => return Ok(Some(AuthResult::Success)),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    return Ok(Some(AuthResult::Failure { remaining_methods, partial_success }));
                }
                KeyboardInteractiveAuthResponse::InfoRequest { name, instructions, prompts } => {
                    for text in [name, instructions].into_iter().filter(|text| !text.trim().is_empty()) {
                        self.dial.questions.tell(&types::text::printable(text.trim()));
                    }
                    let mut answers = Vec::with_capacity(prompts.len());
                    for prompt in &prompts {
                        let Some(said) = self.answer(prompt, known).await? else { return Ok(None) };
                        answers.push(said);
                    }
                    let respond = self.handle.authenticate_keyboard_interactive_respond(answers);
                    answer = respond.await.map_err(lost)?;
                }
            }
        }
        Ok(None)
    }

    /// What is said to one question. A password that was given is the answer to the first hidden one.
    async fn answer(&self, prompt: &Prompt, known: &mut Option<Secret<Box<str>>>) -> Result<Option<String>, Error> {
        let text = format!("({}@{}) {}", self.dial.user, self.dial.host, types::text::printable(&prompt.prompt));
        if prompt.echo {
            let questions = self.dial.questions.clone();
            return task::blocking(move || questions.word(&text).map(Into::into)).await;
        }
        let said = match known.take() {
            Some(password) => Some(password),
            None => self.ask(text).await?,
        };
        Ok(said.map(|said| said.reveal().to_string()))
    }

    async fn ask(&self, prompt: String) -> Result<Option<Secret<Box<str>>>, Error> {
        let questions = self.dial.questions.clone();
        task::blocking(move || questions.secret(&prompt)).await
    }
}
