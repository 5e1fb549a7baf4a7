//! Copying files without sending them anywhere: one to another (CPTO), or parts into a whole (COMB).

use io::body::Source;
use io::pump::{self, PumpError};
use types::{Error, Kind, Reason, VPath, WriteHow};

use crate::access::{Access, Ask, Writing};
use crate::permission::Permissions;
use crate::permit::Outcome;
use crate::verdict::Need;

impl Access {
    /// Makes a file out of another. Nobody sees a half of it, and one that stood there is replaced in one step.
    ///
    /// # Errors
    /// The door's, at both places, and the storages'.
    pub async fn copy(&self, from: &VPath, to: &VPath) -> Result<u64, Error> {
        let size = self.size(from, Permissions::READ).await.map_err(|e| about(from, e))?;
        self.make(to, size, std::slice::from_ref(from)).await
    }

    /// Puts files behind what stands at `to`, and removes them. All or nothing: what stood there is replaced in one
    /// step by the whole.
    ///
    /// # Errors
    /// The door's, at all places, and the storages'; [`Reason::BadParameter`] where a part is the whole or is named twice.
    pub async fn join(&self, to: &VPath, parts: &[VPath]) -> Result<u64, Error> {
        let twice = |(at, part): (usize, &VPath)| part == to || parts.iter().skip(at + 1).any(|other| other == part);
        if parts.iter().enumerate().any(twice) {
            return Err(Error::with(Reason::BadParameter, "a part is named twice"));
        }
        let mut from = Vec::with_capacity(parts.len() + 1);
        let mut size = match self.size(to, Permissions::READ).await {
            Ok(size) => {
                from.push(to.clone());
                size
            }
            Err(e) if e.reason == Reason::NotFound => 0,
            Err(e) => return Err(e),
        };
        for part in parts {
            size = size.saturating_add(self.part_size(part).await?);
            from.push(part.clone());
        }
        let bytes = self.make(to, size, &from).await?;
        for part in parts {
            self.remove(part).await.map_err(|e| about(part, e))?;
        }
        Ok(bytes)
    }

    async fn part_size(&self, part: &VPath) -> Result<u64, Error> {
        self.size(part, Permissions::READ | Permissions::DELETE).await.map_err(|e| about(part, e))
    }

    /// How large a file is that one may do so much with.
    async fn size(&self, path: &VPath, need: Permissions) -> Result<u64, Error> {
        let pass = self.enter(Ask::new("stat", path, Need::All(need))).await?;
        let attr = pass.storage().stat(&pass.path, true, self.owner()).await;
        match pass.settle(attr)? {
            attr if attr.kind == Kind::File => Ok(attr.size),
            attr if attr.kind == Kind::Dir => Err(Reason::IsAFolder.into()),
            _ => Err(Reason::NotRegular.into()),
        }
    }

    /// Writes a file out of others.
    async fn make(&self, to: &VPath, size: u64, from: &[VPath]) -> Result<u64, Error> {
        let mut writing = self.write(to, WriteHow::Replace, Some(size)).await?;
        let mut bytes = 0;
        for path in from {
            match self.relay(path, &mut writing).await {
                Ok(more) => bytes += more,
                Err(e) => {
                    writing.permit.settle(Outcome::Failed(e.reason));
                    return Err(e);
                }
            }
        }
        let committed = writing.sink.commit().await;
        writing.permit.settle(match &committed {
            Ok(()) => Outcome::Done,
            Err(e) => Outcome::Failed(e.reason),
        });
        committed.map(|()| bytes)
    }

    async fn relay(&self, from: &VPath, writing: &mut Writing) -> Result<u64, Error> {
        let meter = writing.permit.meter().cloned().unwrap_or_default();
        let left = writing.permit.limit().unwrap_or(u64::MAX).saturating_sub(meter.moved());
        let pass = self.enter(Ask::new("read", from, Need::All(Permissions::READ))).await.map_err(|e| about(from, e))?;
        let opened = pass.storage().read(&pass.path, 0, self.owner()).await;
        let (attr, source): (_, Source) = pass.settle(opened).map_err(|e| about(from, e))?;
        if attr.size > left {
            return Err(Reason::TooLarge.into());
        }
        pump::relay(source.first(attr.size), &mut writing.sink, &meter).await.map_err(|error| match error {
            PumpError::Storage(error) => error,
            other => other.reason().into(),
        })
    }
}

/// An error that is about a file which is read, not about the one that is made: its detail is that file's path.
fn about(path: &VPath, error: Error) -> Error {
    Error::with(error.reason, path.to_string())
}
