//! Copies of files and trees between any two storages: looked at, planned, done, and each step told.

mod check;
pub mod filter;
pub mod join;
pub mod plan;
mod resume;
pub mod run;
mod segments;
mod small;
pub mod tree;
mod verify;

use std::sync::Arc;

use types::VPath;
use vfs::{Owner, SharedStorage};

use crate::remote::Remote;

pub use filter::{Filter, Manner};
pub use plan::{Plan, Same, Seen, Step, Wishes};
pub use run::{Exchange, Hearing, Report, Settings, publish, run, temporary_name};
pub use tree::{Links, Tree};

/// One end of a copy.
#[derive(Clone)]
pub struct Side {
    /// Where the files are.
    pub storage: SharedStorage,
    /// The same as a server, where it is one: then files go straight between socket and file.
    pub remote: Option<Arc<dyn Remote>>,
    /// What counts as the root.
    pub root: VPath,
    /// Whose unfinished files are gone on with.
    pub owner: Owner,
}

impl Side {
    /// A storage at hand. Whoever starts a copy goes on with its own unfinished ones only.
    pub const fn here(storage: SharedStorage, root: VPath, owner: Owner) -> Self {
        Self { storage, remote: None, root, owner }
    }

    /// A server.
    pub fn there<R: Remote>(remote: Arc<R>, root: VPath) -> Self {
        Self { storage: remote.clone(), remote: Some(remote), root, owner: Owner::default() }
    }
}
