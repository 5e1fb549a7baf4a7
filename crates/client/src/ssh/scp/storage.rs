//! What of a storage and a server can the old protocol of scp be?

use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use proto::ftp::client::Welcome;
use proto::scp::{fetch, give};
use std::sync::PoisonError;
use types::{Attr, AttrChange, Entry, Error, Kind, Reason, Space, VPath, WriteHow};
use vfs::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

use super::talk::Fetching;
use super::{AT_ONCE, Scp};
use crate::remote::{Remote, Upload};
use crate::ssh::moved;

/// So many names are a page.
const PAGE: usize = 500;

fn bare(words: &'static str) -> Error {
    Error::with(Reason::ScpBare, words)
}

fn no_restart() -> Error {
    Error::with(Reason::NoRestart, "the old protocol of scp sends whole files only")
}

/// The names of a folder, as they come.
struct Names(Fetching);

impl Listing for Names {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let mut page = Vec::new();
            while page.len() < PAGE {
                match self.0.next_found().await? {
                    Some(fetch::Output::Name(entry)) => page.push(entry),
                    Some(_) => {}
                    None => break,
                }
            }
            Ok(page)
        })
    }
}

impl Storage for Scp {
    fn capability(&self) -> Capability {
        Capability { bare: true, rename_dir: false, write_at: false, set_times: false, modes: true, links: false, open: false }
    }

    /// Links are followed: the protocol has none.
    fn stat<'a>(&'a self, path: &'a VPath, _follow: bool, _owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Ok(Attr::new(Kind::Dir, 0));
            }
            self.look(path).await
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, _owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            if at > 0 {
                return Err(no_restart());
            }
            let mut fetching = self.fetch(fetch::Wanted::File, path).await?;
            let attr = fetching.attr().await?;
            Ok((attr, Source::from_chunks(fetching)))
        })
    }

    fn write<'a>(&'a self, _path: &'a VPath, _order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async { Err(Reason::ScpSize.into()) })
    }

    fn list<'a>(&'a self, path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            let mut fetching = self.fetch(fetch::Wanted::Names, path).await?;
            fetching.attr().await?;
            Ok(Box::new(Names(fetching)) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match Storage::stat(self, path, true, &Owner::default()).await {
                Ok(_) => return Err(Reason::Exists.into()),
                Err(e) if e.reason == Reason::NotFound => {}
                Err(e) => return Err(e),
            }
            self.give(path, give::Given::Folder, mode & 0o777, None).await.map(drop)
        })
    }

    fn remove_dir<'a>(&'a self, _path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it removes nothing")) })
    }

    fn remove<'a>(&'a self, _path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it removes nothing")) })
    }

    fn rename<'a>(&'a self, _from: &'a VPath, _to: &'a VPath, _replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it renames nothing")) })
    }

    fn set_attr<'a>(&'a self, _path: &'a VPath, _change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async { Err(bare("times and permissions go with the bytes alone")) })
    }

    fn link<'a>(&'a self, _path: &'a VPath, _target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it makes no links")) })
    }

    fn space<'a>(&'a self, _path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async { Err(bare("it does not tell what fits")) })
    }
}

impl Remote for Scp {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn noop(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.look(&VPath::root()).await.map(drop) })
    }

    fn quote<'a>(&'a self, _line: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async { Err(bare("it has no lines of commands")) })
    }

    fn receive<'a>(
        &'a self,
        path: &'a VPath,
        at: u64,
        expected: Option<u64>,
        mut sink: Sink,
        meter: Meter,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let result = async {
                let (attr, source) = Storage::read(self, path, at, &Owner::default()).await?;
                // What is announced is known before the first byte: nothing else is waited for.
                if let Some(expected) = expected.filter(|expected| *expected != attr.size) {
                    let words = format!("the server announces {} bytes, and {expected} were expected", attr.size);
                    return Err(Error::with(Reason::TransferShort, words));
                }
                moved(source, &mut sink, expected.or(Some(attr.size)), &meter).await
            };
            match result.await {
                Ok(bytes) => sink.commit().await.map(|()| bytes),
                Err(e) => {
                    sink.abandon().await;
                    Err(e)
                }
            }
        })
    }

    fn send<'a>(
        &'a self,
        path: &'a VPath,
        how: WriteHow,
        expected: Option<u64>,
        source: Source,
        meter: Meter,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.upload(Upload { path, how, expected, mode: None, modified: None }, source, meter)
    }

    fn upload<'a>(&'a self, upload: Upload<'a>, source: Source, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            match upload.how {
                WriteHow::Replace | WriteHow::At(0) => {}
                WriteHow::Append | WriteHow::At(_) => return Err(no_restart()),
                WriteHow::New | WriteHow::Unique => return Err(bare("it cannot tell whether a name is free")),
            }
            let size = upload.expected.ok_or(Reason::ScpSize)?;
            let mode = upload.mode.unwrap_or(0o644);
            let giving = self.give(upload.path, give::Given::File(size), mode, upload.modified).await?;
            let mut sink = Sink::from_put(giving);
            let bytes = moved(source, &mut sink, Some(size), &meter).await?;
            sink.commit().await.map(|()| bytes)
        })
    }

    fn size<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move { self.look(path).await.map(|attr| Some(attr.size)) })
    }

    fn dates_with_the_bytes(&self) -> bool {
        true
    }

    fn keeps_modes(&self) -> bool {
        true
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    /// A file comes from its beginning, and so over one.
    fn connections(&self) -> usize {
        1
    }

    fn tells_sizes(&self) -> bool {
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear() })
    }
}
