//! Which names are being uploaded to, so that no unique name is given twice?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::sync::FolderKey;

type Names = HashMap<(FolderKey, Box<[u8]>), usize>;

/// The names in which uploads will end, by their folder.
#[derive(Clone, Default)]
pub(super) struct PendingNames(Arc<Mutex<Names>>);

/// One upload's mark on its name; the mark goes with it.
pub(super) struct Pending {
    names: PendingNames,
    key: Option<(FolderKey, Box<[u8]>)>,
    folder: FolderKey,
}

impl PendingNames {
    /// Marks a name, whoever else has.
    pub(super) fn add(&self, folder: FolderKey, name: &[u8]) -> Pending {
        let key = (folder, Box::from(name));
        *self.lock().entry(key.clone()).or_insert(0) += 1;
        Pending { names: self.clone(), key: Some(key), folder }
    }

    /// Marks a name that nobody else has.
    pub(super) fn add_alone(&self, folder: FolderKey, name: &[u8]) -> Option<Pending> {
        let key = (folder, Box::from(name));
        let mut names = self.lock();
        if names.contains_key(&key) {
            return None;
        }
        names.insert(key.clone(), 1);
        drop(names);
        Some(Pending { names: self.clone(), key: Some(key), folder })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    pub(super) const fn folder(&self) -> FolderKey {
        self.folder
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut names = self.names.lock();
        if let Some(count) = names.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                names.remove(&key);
            }
        }
    }
}
