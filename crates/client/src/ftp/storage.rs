//! `Ftp`: an FTP server as a storage, over one connection or many.
//!
//! What FTP cannot do in one step is done in two, and another client may come between: [`WriteHow::New`],
//! [`WriteHow::Unique`] and a renaming that replaces nothing look first and act then.

use std::sync::Arc;
use std::time::Duration;

use io::CancellationToken;
use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use proto::ftp::client::{Failure, Features, Operation, Outcome, PutHow, Stat, Welcome};
use proto::ftp::data::{Form, Mode};
use tokio::sync::oneshot;
use types::{Attr, AttrChange, Error, Kind, Reason, Space, Time, VPath, WriteHow};
use vfs::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

use super::call::Body;
use super::exchange::{End, exchange};
use super::lane::Lane;
use super::listing::{Pages, Reading};
use super::zone::Zone;
use super::{Connection, Dial, Get, Put};
use crate::bridge::{self, Download, wait_for_begin};
use crate::checksum::{Algorithm, Checksum};
use crate::failure;
use crate::pool::Pool;
use crate::remote::{Remote, Small};

/// The most names that are tried for [`WriteHow::Unique`].
const TRIES: u32 = 1_000;

/// A server as a storage.
pub struct Ftp {
    pool: Arc<Pool>,
    welcome: Welcome,
    /// What stands before each path: nothing for the server's own root.
    base: Box<[u8]>,
    /// How files travel (TYPE, STRU, MODE).
    form: Form,
    /// Nobody said which MODE it is to be: the best may be taken.
    is_mode_free: bool,
    reading: Reading,
    lane: Lane,
}

/// Where a storage begins on its server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    /// At the server's root.
    Server,
    /// In the folder the login leads to.
    Home,
}

impl Ftp {
    /// Opens a first session, and more as they are needed, `most` of them at once.
    ///
    /// # Errors
    /// Those of [`Connection::open`], and of asking for the folder the login leads to.
    pub async fn open(
        dial: Dial,
        root: Root,
        most: usize,
        wait_within: Duration,
        parent: &CancellationToken,
    ) -> Result<Self, Error> {
        let (form, is_mode_free) = (dial.settings.form, dial.is_mode_free);
        let reading = Reading { charset: dial.charset, zone: Zone::said(dial.ahead) };
        let pool = Pool::new(dial, most, wait_within, parent);
        let lease = pool.lease().await?;
        let welcome = lease.connection()?.welcome().clone();
        let base = match root {
            Root::Server => Box::default(),
            Root::Home => {
                let home = home(lease.connection()?).await?;
                home.strip_suffix(b"/").unwrap_or(&home).into()
            }
        };
        drop(lease);
        Ok(Self { pool, welcome, base, reading, form, is_mode_free, lane: Lane::default() })
    }

    /// Whether files are stored otherwise than they stand here: as text or in records.
    fn is_converted(&self) -> bool {
        !self.form.is_image()
    }

    /// How many bytes will move, where that can be known.
    fn expected(&self, bytes: Option<u64>) -> Option<u64> {
        bytes.filter(|_| !self.is_converted())
    }

    /// Refuses to begin within a text: its bytes are counted otherwise on the wire.
    fn may_begin_at(&self, at: u64) -> Result<(), Error> {
        let words = match (self.is_converted(), self.form.mode) {
            _ if at == 0 => return Ok(()),
            (true, _) => "text and records are transferred whole",
            (_, Mode::Block | Mode::Compressed) => "in MODE B and C files are transferred whole",
            _ => return Ok(()),
        };
        Err(Error::with(Reason::NoRestart, words))
    }

    /// Has a file go straight to another server, from byte `at` on; its size, where both tell it.
    ///
    /// # Errors
    /// Those of [`exchange`], [`Reason::NoExchange`] among them: then it may go through this machine.
    pub async fn exchange(&self, path: &VPath, other: &Self, there: &VPath, at: u64) -> Result<Option<u64>, Error> {
        if self.is_converted() || other.is_converted() {
            return Err(Error::with(Reason::NoExchange, "line ends are converted here"));
        }
        let (from, to) = (self.pool.lease().await?, other.pool.lease().await?);
        let (path, there) = (self.wire(path)?, other.wire(there)?);
        let (from, to) = (from.connection()?, to.connection()?);
        exchange(End { connection: from, path: &path }, End { connection: to, path: &there }, at).await
    }

    /// A path as the server knows it.
    fn wire(&self, path: &VPath) -> Result<Box<[u8]>, Error> {
        let name = match self.reading.charset {
            Some(charset) => charset.encode(path.as_bytes())?,
            None => path.as_bytes().into(),
        };
        Ok(match (path.is_root(), self.base.is_empty()) {
            (true, true) => (*b"/").into(),
            (true, false) => self.base.clone(),
            (false, _) => [&*self.base, &*name].concat().into(),
        })
    }

    /// What a server told of a name.
    fn attr_of(&self, stat: &Stat) -> Attr {
        let size = if stat.kind == Kind::Dir { 0 } else { stat.size.unwrap_or(0) };
        let modified = stat.modified.and_then(|stamp| self.reading.zone.time(stamp));
        Attr { mode: stat.mode, modified, unique: stat.unique, ..Attr::new(stat.kind, size) }
    }

    async fn run(&self, operation: Operation) -> Result<Outcome, Error> {
        let lease = self.pool.lease().await?;
        lease.connection()?.run(operation).await
    }

    async fn look(&self, connection: &Connection, path: &VPath) -> Result<Stat, Error> {
        match connection.run(Operation::Stat(self.wire(path)?)).await? {
            Outcome::Stat(stat) => Ok(stat),
            _ => Err(Error::new(Reason::NotTheProtocol)),
        }
    }

    /// As [`Ftp::look`]; `None` where nothing is.
    async fn look_for(&self, connection: &Connection, path: &VPath) -> Result<Option<Stat>, Error> {
        match self.look(connection, path).await {
            Ok(stat) => Ok(Some(stat)),
            Err(e) if e.reason == Reason::NotFound => Ok(None),
            // Servers that cannot tell a folder from nothing say 550 and no more.
            Err(e) if e.reason == Reason::ServerRefused => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn open_read(&self, path: &VPath, at: u64) -> Result<(Attr, Source), Error> {
        self.may_begin_at(at)?;
        let lease = self.pool.lease().await?;
        let stat = self.look(lease.connection()?, path).await?;
        if stat.kind == Kind::Dir {
            return Err(Reason::IsAFolder.into());
        }
        if stat.size.is_some_and(|size| at > size) {
            return Err(Reason::BeyondEnd.into());
        }
        let wire = self.wire(path)?;
        let get = Get { path: &wire, at, expected: self.expected(stat.size.map(|size| size - at)), ascii: false };
        let (sink, pieces) = bridge::download();
        let (begun, begins) = oneshot::channel();
        let body = Body::Into(sink, Meter::default());
        let running = lease.connection()?.call(get.operation(), body, Some(begun)).await?;
        let ((), work) = wait_for_begin(running.keeping(lease), begins).await?;
        Ok((self.attr_of(&stat), Source::from_chunks(Download { pieces, work })))
    }

    async fn open_write(&self, path: &VPath, how: WriteHow) -> Result<Opened, Error> {
        let lease = self.pool.lease().await?;
        let connection = lease.connection()?;
        let (path, found) = match how {
            WriteHow::Unique => (self.free_name(connection, path).await?, None),
            _ => (path.clone(), self.look_for(connection, path).await?),
        };
        if path.is_root() {
            return Err(Reason::IsAFolder.into());
        }
        match &found {
            Some(_) if how == WriteHow::New => return Err(Reason::Exists.into()),
            Some(stat) if stat.kind == Kind::Dir => return Err(Reason::IsAFolder.into()),
            _ => {}
        }
        let before = found.and_then(|stat| stat.size).unwrap_or(0);
        let (at, how) = match how {
            WriteHow::Append => (before, PutHow::Append),
            WriteHow::At(at) if at > before => return Err(Reason::BeyondEnd.into()),
            WriteHow::At(at) => (at, PutHow::At(at)),
            _ => (0, PutHow::Replace),
        };
        self.may_begin_at(at)?;
        let wire = self.wire(&path)?;
        let put = Put { path: &wire, how, expected: None, ascii: false };
        let (source, outlet) = bridge::upload();
        let (begun, begins) = oneshot::channel();
        let body = Body::From(source, Meter::default());
        let work = connection.call(put.operation(), body, Some(begun)).await?.keeping(lease);
        let ((), work) = wait_for_begin(work, begins).await?;
        Ok(Opened { sink: bridge::outlet(outlet, work)?, path, at, before })
    }

    async fn free_name(&self, connection: &Connection, path: &VPath) -> Result<VPath, Error> {
        for number in 0..TRIES {
            let name = if number == 0 {
                path.clone()
            } else {
                VPath::parse(&[path.as_bytes(), format!(".{number}").as_bytes()].concat())?
            };
            if self.look_for(connection, &name).await?.is_none() {
                return Ok(name);
            }
        }
        Err(Reason::Exists.into())
    }

    async fn change(&self, path: &VPath, change: &AttrChange) -> Result<Attr, Error> {
        if change.owner.is_some() || change.group.is_some() || change.created.is_some() || change.accessed.is_some() {
            return Err(Error::with(
                Reason::Unsupported,
                "FTP sets permission bits and the time of the last change, and no more",
            ));
        }
        let lease = self.pool.lease().await?;
        let connection = lease.connection()?;
        if let Some(mode) = change.mode {
            connection.run(Operation::Chmod(self.wire(path)?, mode)).await?;
        }
        if let Some(time) = change.modified {
            connection.run(Operation::SetModified(self.wire(path)?, time)).await?;
        }
        Ok(self.attr_of(&self.look(connection, path).await?))
    }

    /// SITE SYMLINK, with a blank between the two names: what has one in it cannot be said.
    async fn make_link(&self, path: &VPath, target: &[u8]) -> Result<(), Error> {
        let target = match self.reading.charset {
            Some(charset) => charset.encode(target)?,
            None => target.into(),
        };
        if target.is_empty() || target.iter().any(|b| matches!(b, b' ' | 0 | b'\r' | b'\n')) {
            return Err(Error::with(Reason::Unsupported, "FTP cannot say where that link leads: there is a blank in it"));
        }
        let wire = proto::ftp::name::encode(&self.wire(path)?).into_owned();
        let line = [b"SITE SYMLINK ", &*target, b" ", &wire].concat();
        match self.run(Operation::Quote(line.into())).await? {
            Outcome::Reply(reply) if (200..300).contains(&reply.code) => Ok(()),
            Outcome::Reply(reply) => Err(failure::error(&Failure::refused(reply))),
            _ => Err(Error::new(Reason::NotTheProtocol)),
        }
    }

    /// Tells what stands at the end of a link, where MLST tells of the link itself.
    async fn look_behind(&self, path: &VPath) -> Result<Attr, Error> {
        let lease = self.pool.lease().await?;
        let (connection, wire) = (lease.connection()?, self.wire(path)?);
        let stat = self.look(connection, path).await?;
        if stat.kind != Kind::Link {
            return Ok(self.attr_of(&stat));
        }
        if let Ok(Outcome::Size(size)) = connection.run(Operation::Size(wire.clone())).await {
            let modified = match connection.run(Operation::Modified(wire)).await {
                Ok(Outcome::Modified(time)) => Some(time),
                _ => None,
            };
            return Ok(Attr { modified, ..Attr::new(Kind::File, size) });
        }
        // What can be entered is a folder. Where one is is of no account: names are said in full.
        connection.run(Operation::Cwd(wire)).await.map(|_| Attr::new(Kind::Dir, 0))
    }

    /// AVBL (draft-peterson-streamlined-ftp-command-extensions): the bytes that may be written.
    async fn available(&self, path: &VPath) -> Result<Space, Error> {
        if !self.welcome.features.has("AVBL") {
            return Err(Reason::Unsupported.into());
        }
        let line = [b"AVBL ", &*self.wire(path)?].concat();
        let Outcome::Reply(reply) = self.run(Operation::Quote(line.into())).await? else {
            return Err(Error::new(Reason::NotTheProtocol));
        };
        if reply.code != 213 {
            return Err(failure::error(&Failure::refused(reply)));
        }
        let bytes = std::str::from_utf8(&reply.text).ok().and_then(|text| text.split_whitespace().next()?.parse().ok());
        match bytes {
            Some(bytes) => Ok(Space { free: Some(bytes), total: None }),
            None => Err(failure::error(&Failure::said(proto::ftp::client::Kind::Protocol, reply))),
        }
    }
}

/// Whether FEAT has SITE SYMLINK: in one line with the others, or in one of its own.
fn can_link(features: &Features) -> bool {
    let sites = features.lines.iter().filter(|(name, _)| &**name == "SITE");
    sites.flat_map(|(_, words)| words.split([';', ' '])).any(|word| word.eq_ignore_ascii_case("SYMLINK"))
}

/// The folder a session begins in.
async fn home(connection: &Connection) -> Result<Box<[u8]>, Error> {
    match connection.run(Operation::Pwd).await? {
        Outcome::Path(home) if home.first() == Some(&b'/') => Ok(home),
        Outcome::Path(home) => {
            let words = format!("the server calls its folder {}", String::from_utf8_lossy(&home).escape_debug());
            Err(Error::with(Reason::Unsupported, words))
        }
        _ => Err(Error::new(Reason::NotTheProtocol)),
    }
}

/// Whether a session's TLS could be resumed no more: the pool has let it go, and the next try has a new one.
fn is_spent(error: &Error) -> bool {
    error.reason == Reason::DataNotProtected
}

impl Storage for Ftp {
    fn capability(&self) -> Capability {
        let features = &self.welcome.features;
        Capability {
            bare: false,
            rename_dir: true,
            write_at: features.may("REST"),
            set_times: features.has("MFMT"),
            modes: features.get("MLST").is_some_and(|facts| facts.to_ascii_lowercase().contains("unix.mode")),
            links: can_link(features),
            open: false,
        }
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, _owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(async move {
            if follow {
                return self.look_behind(path).await;
            }
            let lease = self.pool.lease().await?;
            Ok(self.attr_of(&self.look(lease.connection()?, path).await?))
        })
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, _owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            match self.open_read(path, at).await {
                Err(e) if is_spent(&e) => self.open_read(path, at).await,
                result => result,
            }
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            match self.open_write(path, order.how).await {
                Err(e) if is_spent(&e) => self.open_write(path, order.how).await,
                result => result,
            }
        })
    }

    fn list<'a>(&'a self, path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move {
            let open = async || Pages::open(self.pool.lease().await?, self.wire(path)?, self.reading.clone()).await;
            let pages = match open().await {
                Err(e) if is_spent(&e) => open().await,
                result => result,
            };
            pages.map(|pages| Box::new(pages) as Box<dyn Listing>)
        })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, _mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Reason::Exists.into());
            }
            self.run(Operation::MakeDir(self.wire(path)?)).await.map(drop)
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Reason::MountPoint.into());
            }
            self.run(Operation::RemoveDir(self.wire(path)?)).await.map(drop)
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Reason::IsAFolder.into());
            }
            self.run(Operation::Remove(self.wire(path)?)).await.map(drop)
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if from.is_root() || to.is_root() {
                return Err(Reason::MountPoint.into());
            }
            let lease = self.pool.lease().await?;
            let connection = lease.connection()?;
            if !replace && self.look_for(connection, to).await?.is_some() {
                return Err(Reason::Exists.into());
            }
            connection.run(Operation::Rename(self.wire(from)?, self.wire(to)?)).await.map(drop)
        })
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(self.change(path, change))
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.make_link(path, target))
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(self.available(path))
    }
}

impl Remote for Ftp {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn noop(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.run(Operation::Noop).await.map(drop) })
    }

    fn quote<'a>(&'a self, line: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            match self.run(Operation::Quote(line.as_bytes().into())).await? {
                Outcome::Reply(reply) => Ok(format!("{} {}", reply.code, String::from_utf8_lossy(&reply.text))),
                _ => Err(Error::new(Reason::NotTheProtocol)),
            }
        })
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
            self.may_begin_at(at)?;
            let lease = self.pool.lease().await?;
            let (wire, expected) = (self.wire(path)?, self.expected(expected));
            lease.connection()?.receive(Get { path: &wire, at, expected, ascii: false }, sink, meter).await
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
            let how = match how {
                WriteHow::Replace => PutHow::Replace,
                WriteHow::Append => PutHow::Append,
                WriteHow::At(at) => PutHow::At(at),
                WriteHow::New | WriteHow::Unique => return Err(Reason::Unsupported.into()),
            };
            if let PutHow::At(at) = how {
                self.may_begin_at(at)?;
            }
            let lease = self.pool.lease().await?;
            let (wire, expected) = (self.wire(path)?, self.expected(expected));
            lease.connection()?.send(Put { path: &wire, how, expected, ascii: false }, source, meter).await
        })
    }

    fn together(&self) -> usize {
        if self.is_converted() || !self.is_mode_free { 0 } else { self.lane.at_once(&self.welcome.features) }
    }

    fn receive_together<'a>(&'a self, path: &'a VPath, size: u64, sink: Sink, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move { self.lane.receive(&self.pool, self.wire(path)?, size, sink, meter).await })
    }

    fn send_together<'a>(&'a self, file: Small<'a>, source: Source, meter: Meter) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let Small { path, size, modified } = file;
            let operation = Operation::Kept { path: self.wire(path)?, size, store: true, modified };
            self.lane.send(&self.pool, operation, source, meter).await
        })
    }

    fn size<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move {
            let lease = self.pool.lease().await?;
            Ok(self.look(lease.connection()?, path).await?.size)
        })
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, time: Time) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.run(Operation::SetModified(self.wire(path)?, time)).await.map(drop) })
    }

    fn publish<'a>(&'a self, from: &'a VPath, to: &'a VPath, modified: Option<Time>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (from, to) = (self.wire(from)?, self.wire(to)?);
            self.run(Operation::Publish { from, to, modified }).await.map(drop)
        })
    }

    fn checksum<'a>(&'a self, path: &'a VPath, wanted: &'a [Algorithm]) -> BoxFuture<'a, Result<Option<Checksum>, Error>> {
        Box::pin(async move {
            let lease = self.pool.lease().await?;
            lease.connection()?.checksum(&self.wire(path)?, wanted).await
        })
    }

    fn ftp(&self) -> Option<&Ftp> {
        Some(self)
    }

    fn home(&self) -> BoxFuture<'_, Result<VPath, Error>> {
        Box::pin(async {
            let lease = self.pool.lease().await?;
            VPath::parse(&home(lease.connection()?).await?).map_err(|e| Error::with(Reason::BadName, e.to_string()))
        })
    }

    fn lost(&self) -> usize {
        self.pool.lost()
    }

    fn at_once(&self) -> usize {
        self.pool.most()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}
