//! How is a connection sealed by what a security exchange agreed on? Buffers of a mechanism of GSS-API behind their
//! length (RFC 2228 §3, PROT; RFC 2743).
//!
//! A mechanism is behind a trait: Kerberos is the one there is, a feature of the build since it needs the system's library.

mod frame;
#[cfg(feature = "gssapi")]
pub mod kerberos;
mod layer;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use frame::{Deframer, FrameError};
pub use layer::Layer;

/// Why a mechanism does not do what it was asked for: what it says itself, for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure(pub Box<str>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Whether reading failed because a buffer was not sealed as it must be.
pub(crate) fn is_unsealed(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Failure>() || inner.is::<FrameError>())
}

/// How far a token has brought an exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// The other end must go on with this.
    More(Vec<u8>),
    /// It is over.
    Done {
        /// What the other end must see at last.
        token: Option<Vec<u8>>,
        /// Who the other end is.
        principal: Box<str>,
    },
}

/// What can begin exchanges.
pub trait Mechanism: Send + Sync {
    /// Begins one, as the side that is called. May read files.
    ///
    /// # Errors
    /// Why not: no key is there to be had.
    fn begin(&self) -> Result<Box<dyn Context>, Failure>;
}

/// One exchange, and what it agreed on (a security context, RFC 2743 §1.1.3).
pub trait Context: Send {
    /// Takes the other end's next token. May read files.
    ///
    /// # Errors
    /// The token does not hold; the exchange is over then.
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, Failure>;

    /// Protects a message, from reading too where `private`.
    ///
    /// # Errors
    /// The context is not there yet, or not any more (its ticket has run out).
    fn wrap(&mut self, plain: &[u8], private: bool) -> Result<Vec<u8>, Failure>;

    /// Takes the protection off a message, and tells whether it was private.
    ///
    /// # Errors
    /// It was changed, came twice, or is none.
    fn unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), Failure>;
}

/// A context that the control connection and its data connections share. They belong to one task, so nobody waits here
/// for long; only the exchange itself goes elsewhere, and then nothing else is done.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Inner>>);

struct Inner {
    mechanism: Arc<dyn Mechanism>,
    context: Option<Box<dyn Context>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared") // no keys
    }
}

impl Shared {
    /// One that begins with its first token, so that files are read only then.
    pub fn new(mechanism: Arc<dyn Mechanism>) -> Self {
        Self(Arc::new(Mutex::new(Inner { mechanism, context: None })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut dyn Context) -> Result<T, Failure>) -> Result<T, Failure> {
        match &mut self.inner().context {
            Some(context) => act(context.as_mut()),
            None => Err(Failure("no exchange has begun".into())),
        }
    }

    /// [`Mechanism::begin`] with the first token, and [`Context::accept`].
    ///
    /// # Errors
    /// As there.
    pub fn accept(&self, token: &[u8]) -> Result<Accepted, Failure> {
        let Inner { mechanism, context } = &mut *self.inner();
        match context {
            Some(context) => context.accept(token),
            None => context.insert(mechanism.begin()?).accept(token),
        }
    }

    /// [`Context::wrap`].
    ///
    /// # Errors
    /// As there.
    pub fn wrap(&self, plain: &[u8], private: bool) -> Result<Vec<u8>, Failure> {
        self.with(|context| context.wrap(plain, private))
    }

    /// [`Context::unwrap`], where what is not private may be refused.
    ///
    /// # Errors
    /// As there; and what is not private where `private` asks for it.
    pub fn unwrap(&self, token: &[u8], private: bool) -> Result<Vec<u8>, Failure> {
        match self.with(|context| context.unwrap(token))? {
            (_, false) if private => Err(Failure("it is not encrypted".into())),
            (plain, _) => Ok(plain),
        }
    }
}
