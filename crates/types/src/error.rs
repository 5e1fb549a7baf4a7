//! `Error`: what went wrong in the tree.

use std::fmt;

use crate::path::PathError;
use crate::reason::Reason;

/// Why an [`Op`](crate::Op) failed: a [`Reason`], and what the system said where that helps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The reason; its code is stable.
    pub reason: Reason,
    /// More for the log (an OS message, the other name of a rename). Not for the peer.
    pub detail: Option<Box<str>>,
}

impl Error {
    /// An error that its reason tells wholly.
    pub const fn new(reason: Reason) -> Self {
        Self { reason, detail: None }
    }

    /// An error with more to tell the log.
    pub fn with(reason: Reason, detail: impl Into<Box<str>>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<PathError> for Error {
    fn from(e: PathError) -> Self {
        Self::new(match e {
            PathError::TooLong => Reason::NameTooLong,
            PathError::Nul => Reason::BadName,
        })
    }
}

impl From<std::io::Error> for Error {
    /// The reason an operating system's error means for a file tree; the message is kept as detail where the
    /// reason does not tell all.
    fn from(e: std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let reason = match e.kind() {
            K::NotFound => Reason::NotFound,
            K::AlreadyExists => Reason::Exists,
            K::NotADirectory => Reason::NotAFolder,
            K::IsADirectory => Reason::IsAFolder,
            K::DirectoryNotEmpty => Reason::NotEmpty,
            K::PermissionDenied => Reason::StorageDenied,
            K::ReadOnlyFilesystem => Reason::ReadOnly,
            K::StorageFull => Reason::NoSpace,
            K::QuotaExceeded => Reason::OverQuota,
            K::FileTooLarge => Reason::TooLarge,
            K::InvalidFilename => Reason::NameTooLong,
            K::CrossesDevices => Reason::CrossMount,
            K::ResourceBusy | K::ExecutableFileBusy => Reason::Busy,
            K::Unsupported => Reason::Unsupported,
            _ => return Self::with(Reason::Io, e.to_string()),
        };
        Self::with(reason, e.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
