//! `Tftp`: a TFTP server as a storage of whole files. It lists nothing; a file's size is all it tells, where it knows
//! `tsize` (RFC 2349).

use std::sync::Arc;

use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use io::udp::Feed;
use proto::ftp::client::Welcome;
use proto::tftp::netascii;
use proto::tftp::packet::Mode;
use tokio::sync::oneshot;
use types::{Attr, AttrChange, Error, Kind, Reason, Space, VPath, WriteHow};
use vfs::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

use super::transfer::{Job, Task};
use super::{Inner, Tftp};
use crate::bridge::{self, Download, Work, wait_for_begin};
use crate::remote::Remote;

/// Files at once: each is a transfer of its own, and servers have their limits.
const AT_ONCE: usize = 4;

impl Inner {
    /// A name as the server is asked for it.
    fn wire(&self, path: &VPath) -> Result<Box<[u8]>, Error> {
        if path.is_root() {
            return Err(bare("a file's name is needed"));
        }
        Ok(if self.absolute { path.as_bytes().into() } else { path.relative().into() })
    }

    fn job(&self, path: &VPath, what: Task) -> Result<Job, Error> {
        Ok(Job { name: self.wire(path)?, what, begun: None })
    }

    fn feed(&self, source: Source) -> Feed {
        match self.dial.mode {
            Mode::Netascii => Feed::turned(source, netascii::encode),
            _ => Feed::new(source),
        }
    }

    /// A job as work of its own, and word of its beginning.
    fn begin(self: &Arc<Self>, mut job: Job) -> (Work, oneshot::Receiver<Option<u64>>) {
        let (begun, begins) = oneshot::channel();
        job.begun = Some(begun);
        let inner = self.clone();
        (Box::pin(async move { inner.run(&mut job, &Meter::default()).await.map(drop) }), begins)
    }
}

fn bare(words: &'static str) -> Error {
    Error::with(Reason::TftpBare, words)
}

fn file(size: Option<u64>) -> Attr {
    Attr::new(Kind::File, size.unwrap_or(0))
}

/// TFTP's WRQ replaces or makes, as the server likes.
fn replaces(how: WriteHow) -> Result<(), Error> {
    match how {
        WriteHow::Replace | WriteHow::At(0) => Ok(()),
        WriteHow::Append | WriteHow::At(_) => Err(Error::with(Reason::NoRestart, "TFTP sends whole files only")),
        WriteHow::New | WriteHow::Unique => Err(bare("it cannot tell whether a file is there")),
    }
}

impl Tftp {
    async fn look(&self, path: &VPath) -> Result<Option<u64>, Error> {
        let mut job = self.0.job(path, Task::Look(None))?;
        self.0.run(&mut job, &Meter::default()).await?;
        match job.what {
            Task::Look(size) => Ok(size),
            _ => Ok(None),
        }
    }

    async fn open_read(&self, path: &VPath, at: u64) -> Result<(Attr, Source), Error> {
        if at > 0 {
            return Err(Error::with(Reason::NoRestart, "TFTP sends whole files only"));
        }
        let (sink, pieces) = bridge::download();
        let (work, begins) = self.0.begin(self.0.job(path, Task::Get { sink: Some(sink), expected: None })?);
        let (size, work) = wait_for_begin(work, begins).await?;
        Ok((file(size), Source::from_chunks(Download { pieces, work })))
    }

    async fn open_write(&self, path: &VPath, how: WriteHow) -> Result<Opened, Error> {
        replaces(how)?;
        let (source, outlet) = bridge::upload();
        let (work, begins) = self.0.begin(self.0.job(path, Task::Put { feed: self.0.feed(source), expected: None })?);
        let (_, work) = wait_for_begin(work, begins).await?;
        Ok(Opened { sink: bridge::outlet(outlet, work)?, path: path.clone(), at: 0, before: 0 })
    }
}

impl Storage for Tftp {
    fn capability(&self) -> Capability {
        Capability { bare: true, rename_dir: false, write_at: false, set_times: false, modes: false, links: false, open: false }
    }

    /// Asks for the file and lets it be once its size is told: 0 where the server does not tell it.
    fn stat<'a>(&'a self, path: &'a VPath, _follow: bool, _owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Ok(Attr::new(Kind::Dir, 0));
            }
            self.look(path).await.map(file)
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, _owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(self.open_read(path, at))
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.open_write(path, order.how))
    }

    fn list<'a>(&'a self, _path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async { Err(bare("it tells no names")) })
    }

    fn make_dir<'a>(&'a self, _path: &'a VPath, _mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it makes no folders")) })
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
        Box::pin(async { Err(bare("it keeps neither times nor permissions")) })
    }

    fn link<'a>(&'a self, _path: &'a VPath, _target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(bare("it makes no links")) })
    }

    fn space<'a>(&'a self, _path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async { Err(bare("it does not tell what fits")) })
    }
}

impl Remote for Tftp {
    fn welcome(&self) -> &Welcome {
        &self.0.welcome
    }

    fn noop(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Err(bare("nothing asks whether a server is there but a request for a file")) })
    }

    fn quote<'a>(&'a self, _line: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async { Err(bare("it has no commands")) })
    }

    fn receive<'a>(
        &'a self,
        path: &'a VPath,
        at: u64,
        expected: Option<u64>,
        sink: Sink,
        meter: Meter,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            if at > 0 {
                return Err(Error::with(Reason::NoRestart, "TFTP sends whole files only"));
            }
            let mut job = self.0.job(path, Task::Get { sink: Some(sink), expected })?;
            let result = self.0.run(&mut job, &meter).await;
            if let Task::Get { sink: Some(sink), .. } = job.what {
                sink.abandon().await;
            }
            result
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
        Box::pin(async move {
            replaces(how)?;
            let mut job = self.0.job(path, Task::Put { feed: self.0.feed(source), expected })?;
            self.0.run(&mut job, &meter).await
        })
    }

    /// What comes is measured against what the server announces with it; asking before is a transfer of its own.
    fn size<'a>(&'a self, _path: &'a VPath) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
