//! How do many sessions that publish files in one folder share its syncs?

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::fsync;
use types::Error;

use super::hop;
use super::resolve::call_error;

/// Device and inode of a folder.
pub(super) type FolderKey = (u64, u64);

/// Those who wait for each folder's sync.
#[derive(Default)]
pub(super) struct FolderSyncs {
    folders: Mutex<HashMap<FolderKey, Weak<Turn>>>,
}

#[derive(Default)]
struct Turn {
    /// How many syncs of this folder have begun.
    begun: AtomicU64,
    /// The last one that went well, by its number; whoever holds the lock syncs.
    done: tokio::sync::Mutex<u64>,
}

impl FolderSyncs {
    /// Syncs a folder after a change of names in it. A sync that began after the change covers it, whoever began it.
    pub(super) async fn sync(&self, key: FolderKey, folder: OwnedFd) -> Result<(), Error> {
        let turn = self.turn(key);
        let before = turn.begun.load(Ordering::SeqCst);
        let mut done = turn.done.lock().await;
        if *done > before {
            return Ok(());
        }
        let number = turn.begun.fetch_add(1, Ordering::SeqCst) + 1;
        hop(move || fsync(&folder).map_err(call_error)).await?;
        *done = number;
        Ok(())
    }

    fn turn(&self, key: FolderKey) -> Arc<Turn> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = folders.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        folders.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::default());
        folders.insert(key, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::FolderSyncs;

    #[tokio::test]
    async fn those_who_wait_share_one_sync_and_those_who_come_later_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let open = || std::fs::File::open(folder.path()).unwrap().into();
        let syncs = Arc::new(FolderSyncs::default());
        let turn = syncs.turn((1, 1));
        let held = turn.done.lock().await;
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let (syncs, folder) = (Arc::clone(&syncs), open());
                tokio::spawn(async move { syncs.sync((1, 1), folder).await })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(held);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert_eq!(turn.begun.load(Ordering::SeqCst), 1, "fifty waited before one began");
        syncs.sync((1, 1), open()).await.unwrap();
        assert_eq!(turn.begun.load(Ordering::SeqCst), 2, "a sync of the past covers nobody");
        syncs.sync((1, 2), open()).await.unwrap();
        assert_eq!(turn.begun.load(Ordering::SeqCst), 2, "folders are apart");
    }
}
