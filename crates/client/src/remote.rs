//! `Remote`: a storage that happens to be at the other end of a connection.

use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use proto::ftp::client::Welcome;
use types::{AttrChange, Error, Time, VPath, WriteHow};
use vfs::Storage;

use crate::checksum::{Algorithm, Checksum};
use crate::ftp::Ftp;

/// A small file that is sent beside others.
#[derive(Clone, Copy, Debug)]
pub struct Small<'a> {
    /// Where it is sent.
    pub path: &'a VPath,
    /// How many bytes it has, exactly.
    pub size: u64,
    /// When it last changed, where that is to be kept.
    pub modified: Option<Time>,
}

/// A file that is sent, and what is known of it beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Where it is sent.
    pub path: &'a VPath,
    /// Anew, or from a byte on.
    pub how: WriteHow,
    /// How many bytes are sent, exactly.
    pub expected: Option<u64>,
    /// The permission bits it shall have from its first byte on.
    pub mode: Option<u32>,
    /// When it last changed, where that is to be kept.
    pub modified: Option<Time>,
}

/// A server as a storage, and what can be asked of a server besides.
pub trait Remote: Storage {
    /// What the server told of itself when the first session began.
    fn welcome(&self) -> &Welcome;

    /// Asks whether the server is still there.
    fn noop(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Sends a line as it is, and gives the reply as text, code and all.
    fn quote<'a>(&'a self, line: &'a str) -> BoxFuture<'a, Result<String, Error>>;

    /// Receives a file from byte `at` on straight into `sink`, and commits it once the server has confirmed it and, where
    /// `expected` is known, that many bytes came. Faster than [`Storage::read`]: nothing is handed from task to task.
    fn receive<'a>(
        &'a self,
        path: &'a VPath,
        at: u64,
        expected: Option<u64>,
        sink: Sink,
        meter: Meter,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Sends a file straight from `source`; it is there once this returns. Where `expected` is known, any other number of
    /// bytes is a failure.
    fn send<'a>(
        &'a self,
        path: &'a VPath,
        how: WriteHow,
        expected: Option<u64>,
        source: Source,
        meter: Meter,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// As [`Remote::send`]; the file has its mode from the first byte on, and with the last its time, where the server can.
    fn upload<'a>(&'a self, upload: Upload<'a>, source: Source, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        self.send(upload.path, upload.how, upload.expected, source, meter)
    }

    /// How many bytes of an unfinished upload, of which so many seem to be there, are there without a gap.
    fn sure_of(&self, there: u64) -> u64 {
        there
    }

    /// Whether [`Remote::upload`] keeps times, which nothing else can then.
    fn dates_with_the_bytes(&self) -> bool {
        false
    }

    /// How many small files can be under way at once over one connection that stays open from file to file; 0 where the server
    /// does not say that it does that well, and once it has failed.
    fn together(&self) -> usize {
        0
    }

    /// As [`Remote::receive`], a small file of exactly `size` bytes beside [`Remote::together`] others. What fails so may work
    /// the common way.
    fn receive_together<'a>(&'a self, path: &'a VPath, size: u64, sink: Sink, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        self.receive(path, 0, Some(size), sink, meter)
    }

    /// As [`Remote::send`], a small file beside [`Remote::together`] others, with the time of its last change once it is there.
    /// Nobody sees it before.
    fn send_together<'a>(&'a self, file: Small<'a>, source: Source, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let bytes = self.send(file.path, WriteHow::Replace, Some(file.size), source, meter).await?;
            if let Some(modified) = file.modified {
                self.set_modified(file.path, modified).await?;
            }
            Ok(bytes)
        })
    }

    /// How large a file is, exactly; `None` where the server does not tell.
    fn size<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// Sets the time of the last change, and asks for nothing else: [`Storage::set_attr`] looks at the file afterwards.
    fn set_modified<'a>(&'a self, path: &'a VPath, time: Time) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let change = AttrChange { modified: Some(time), ..AttrChange::default() };
            self.set_attr(path, &change).await.map(drop)
        })
    }

    /// Gives a file its name, whatever is called that, and before that the time of its last change, where one is told.
    fn publish<'a>(&'a self, from: &'a VPath, to: &'a VPath, modified: Option<Time>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if let Some(time) = modified {
                self.set_modified(from, time).await?;
            }
            self.rename(from, to, true).await
        })
    }

    /// Whether a file that takes another's place can be given the mode that one has.
    fn keeps_modes(&self) -> bool {
        false
    }

    /// The digest of a file by one of these algorithms, as the server tells it; `None` where it can make none of them.
    fn checksum<'a>(&'a self, _path: &'a VPath, _wanted: &'a [Algorithm]) -> BoxFuture<'a, Result<Option<Checksum>, Error>> {
        Box::pin(async { Ok(None) })
    }

    /// The same as an FTP server, where it is one: two of them can move a file between themselves.
    fn ftp(&self) -> Option<&Ftp> {
        None
    }

    /// The folder the login leads to; the root where the protocol knows none.
    fn home(&self) -> BoxFuture<'_, Result<VPath, Error>> {
        Box::pin(async { Ok(VPath::root()) })
    }

    /// How many connections ended that nobody ended: since then, others were made where they were needed.
    fn lost(&self) -> usize {
        0
    }

    /// How many files can move at once: fewer once the server has said that it allows fewer.
    fn at_once(&self) -> usize;

    /// How many connections those have: a large file alone is fetched over all of them. One, where one fills the path.
    fn connections(&self) -> usize {
        self.at_once()
    }

    /// Whether listings tell sizes to the byte.
    fn tells_sizes(&self) -> bool {
        self.welcome().features.facts()
    }

    /// Says good-bye in every session that is idle. Those that work end with their work.
    fn close(&self) -> BoxFuture<'_, ()>;
}
