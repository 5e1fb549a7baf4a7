//! How does somebody log in (RFC 4252, RFC 4256)? With the keys that were named, the agent's, the password, and what the
//! server asks for, in that order, as far as the server takes each.

use std::path::Path;
use std::sync::Arc;

use io::task;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, load_secret_key};
use russh::{MethodKind, MethodSet};
use types::{Error, Reason, Secret};

use super::Dial;
use super::transport::{Guard, lost};

/// How often a passphrase, or what the server asks for, may be tried.
const TRIES: u32 = 3;
/// The most keys of the agent that are tried: servers close connections that try too many.
const AGENT_KEYS: usize = 5;

/// Logs in.
///
/// # Errors
/// [`Reason::LoginRefused`] once nothing is left to try.
pub(super) async fn login(handle: &mut Handle<Guard>, dial: &Dial) -> Result<(), Error> {
    let mut attempt = Attempt { handle, dial, methods: MethodSet::empty(), tried: Vec::new() };
    let first = attempt.handle.authenticate_none(&*dial.user).await.map_err(lost)?;
    if attempt.settle(first, "nothing") {
        return Ok(());
    }
    let done = attempt.files().await? || attempt.agent().await? || attempt.password().await? || attempt.questions().await?;
    if done {
        return Ok(());
    }
    let ways: Vec<String> = attempt.methods.iter().map(|method| <&str>::from(method).to_owned()).collect();
    let tried = attempt.tried.join(", ");
    let words = format!("{}@{} takes: {}; tried: {tried}", dial.user, dial.host, ways.join(", "));
    Err(Error::with(Reason::LoginRefused, words))
}

struct Attempt<'a> {
    handle: &'a mut Handle<Guard>,
    dial: &'a Dial,
    /// What the server says it would take.
    methods: MethodSet,
    tried: Vec<String>,
}

impl Attempt<'_> {
    fn settle(&mut self, result: AuthResult, what: &str) -> bool {
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, .. } => {
                self.methods = remaining_methods;
                if what != "nothing" {
                    self.tried.push(what.into());
                }
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

    async fn files(&mut self) -> Result<bool, Error> {
        for file in &self.dial.identities {
            if !self.takes(MethodKind::PublicKey) {
                return Ok(false);
            }
            let Some(key) = private_key(self.dial, file).await? else { continue };
            let hash = self.rsa_hash().await;
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            let result = self.handle.authenticate_publickey(&*self.dial.user, key).await.map_err(lost)?;
            if self.settle(result, &format!("the key {}", file.display())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn agent(&mut self) -> Result<bool, Error> {
        if !self.dial.agent || !self.takes(MethodKind::PublicKey) {
            return Ok(false);
        }
        let Ok(mut agent) = AgentClient::connect_env().await else { return Ok(false) };
        let Ok(identities) = agent.request_identities().await else { return Ok(false) };
        for identity in identities.into_iter().take(AGENT_KEYS) {
            if !self.takes(MethodKind::PublicKey) {
                break;
            }
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            let hash = if key.algorithm().is_rsa() { self.rsa_hash().await } else { None };
            // An agent that does not sign after all is no reason to give up.
            let signed = self.handle.authenticate_publickey_with(&*self.dial.user, key, hash, &mut agent).await;
            if let Ok(result) = signed
                && self.settle(result, &format!("the agent's key {comment}"))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn password(&mut self) -> Result<bool, Error> {
        if !self.takes(MethodKind::Password) {
            return Ok(false);
        }
        let password = match &self.dial.password {
            Some(password) => password.clone(),
            None => match self.ask(format!("Password of {} at {}: ", self.dial.user, self.dial.host)).await? {
                Some(password) => password,
                None => return Ok(false),
            },
        };
        let result = self.handle.authenticate_password(&*self.dial.user, &**password.reveal()).await.map_err(lost)?;
        Ok(self.settle(result, "the password"))
    }

    async fn questions(&mut self) -> Result<bool, Error> {
        if !self.takes(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let user = &*self.dial.user;
        let start = self.handle.authenticate_keyboard_interactive_start(user, None);
        let mut answer = start.await.map_err(lost)?;
        let mut password = self.dial.password.clone();
        for _ in 0..=TRIES * 2 {
            match answer {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    let refused = AuthResult::Failure { remaining_methods, partial_success };
                    return Ok(self.settle(refused, "answers to its questions"));
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let mut answers = Vec::with_capacity(prompts.len());
                    for prompt in prompts {
                        // A password that was given is the answer to the first hidden question.
                        let known = if prompt.echo { None } else { password.take() };
                        let said = match known {
                            Some(password) => Some(password),
                            None => self.ask(types::text::printable(&prompt.prompt)).await?,
                        };
                        let Some(said) = said else { return Ok(false) };
                        answers.push(said.reveal().to_string());
                    }
                    let respond = self.handle.authenticate_keyboard_interactive_respond(answers);
                    answer = respond.await.map_err(lost)?;
                }
            }
        }
        Ok(false)
    }

    async fn ask(&self, prompt: String) -> Result<Option<Secret<Box<str>>>, Error> {
        let questions = self.dial.questions.clone();
        task::blocking(move || questions.secret(&prompt)).await
    }
}

/// A key out of a file; the passphrase is asked for where there is one. `None` where there is no such file, or no passphrase.
async fn private_key(dial: &Dial, file: &Path) -> Result<Option<PrivateKey>, Error> {
    let (questions, file) = (dial.questions.clone(), file.to_owned());
    task::blocking(move || {
        let unread = |e: &dyn std::fmt::Display| Error::with(Reason::SshFailed, format!("{}: {e}", file.display()));
        match load_secret_key(&file, None) {
            Ok(key) => return Ok(Some(key)),
            Err(russh::keys::Error::KeyIsEncrypted) => {}
            Err(russh::keys::Error::IO(e)) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unread(&e)),
        }
        for _ in 0..TRIES {
            let Some(phrase) = questions.secret(&format!("Passphrase of the key {}: ", file.display())) else { return Ok(None) };
            if let Ok(key) = load_secret_key(&file, Some(phrase.reveal())) {
                return Ok(Some(key));
            }
        }
        Err(unread(&"the passphrase is wrong"))
    })
    .await?
}
