//! `Sftp`: an SFTP server as a storage, over one session that many calls and files share. A session that was lost is begun
//! anew with the next call.

use std::sync::Arc;

use bytes::Bytes;
use io::CancellationToken;
use io::body::{BoxFuture, Sink, Source};
use io::meter::Meter;
use proto::ftp::client::Welcome;
use proto::sftp::attrs::Attrs;
use proto::sftp::client::{Answer, Session};
use proto::sftp::extension::Extension;
use proto::sftp::request::{OpenFlags, Request};
use tokio::sync::{Mutex, mpsc};
use types::{Attr, AttrChange, Entry, Error, Kind, Reason, Space, Time, VPath, WriteHow};
use vfs::{Capability, Listing, Opened, Owner, Storage, WriteOrder};

use super::body::{Answers, Reading};
use super::session::{Connection, Outcome};
use super::write::{Writing, sure_of};
use super::{Dial, digest, moved, welcome};
use crate::checksum::{Algorithm, Checksum};
use crate::ftp::Root;
use crate::remote::{Remote, Upload};

/// Files at once: they share the session, and each fills the path by itself if it is large.
const AT_ONCE: usize = 16;
/// Pages of a folder that are asked for at once.
const PAGES: usize = 16;
/// Names of one folder that are taken: a server that lies may go on without end.
const NAMES: usize = 5_000_000;
/// How many pages may hold no name.
const EMPTY_PAGES: usize = 100;
/// The most names that are tried for [`WriteHow::Unique`].
const TRIES: u32 = 1_000;

/// An SFTP server as a storage.
pub struct Sftp {
    dial: Dial,
    life: CancellationToken,
    session: Mutex<Arc<Connection>>,
    /// What stands before each path: nothing for the server's own root.
    base: Box<[u8]>,
    welcome: Welcome,
}

impl Sftp {
    /// Connects, logs in and begins a session. It ends with `parent`.
    ///
    /// # Errors
    /// [`Reason::Unreachable`], [`Reason::HostKeyUnknown`], [`Reason::HostKeyChanged`], [`Reason::LoginRefused`],
    /// [`Reason::SshFailed`], and those of a server that does not speak SFTP.
    pub async fn open(dial: Dial, root: Root, parent: &CancellationToken) -> Result<Self, Error> {
        let connection = Connection::open(&dial, parent).await?;
        let base = match root {
            Root::Server => Box::default(),
            Root::Home => match connection.call(|session, call| session.call(call, &Request::Realpath { path: b"." })).await? {
                Answer::Path(home) if home.first() == Some(&b'/') => home.strip_suffix(b"/").unwrap_or(&home).into(),
                _ => return Err(Error::with(Reason::NotTheProtocol, "the server does not say where the login leads")),
            },
        };
        let session = Mutex::new(connection);
        Ok(Self { dial, life: parent.clone(), session, base, welcome: welcome() })
    }

    /// The session, a new one if the last was lost.
    async fn session(&self) -> Result<Arc<Connection>, Error> {
        let mut session = self.session.lock().await;
        if !session.is_open() {
            *session = Connection::open(&self.dial, &self.life).await?;
        }
        Ok(session.clone())
    }

    /// A path as the server knows it.
    fn wire(&self, path: &VPath) -> Box<[u8]> {
        match (path.is_root(), self.base.is_empty()) {
            (true, true) => (*b"/").into(),
            (true, false) => self.base.clone(),
            (false, _) => [&*self.base, path.as_bytes()].concat().into(),
        }
    }

    /// Calls with one path.
    async fn about(&self, path: &VPath, request: impl FnOnce(&[u8]) -> Request<'_> + Send + 'static) -> Outcome {
        let wire = self.wire(path);
        self.session().await?.call(move |session, call| session.call(call, &request(&wire))).await
    }

    async fn look(&self, path: &VPath, follow: bool) -> Result<Attr, Error> {
        let answer = if follow {
            self.about(path, |path| Request::Stat { path }).await?
        } else {
            self.about(path, |path| Request::Lstat { path }).await?
        };
        match answer {
            Answer::Attr(attr) => Ok(attr),
            _ => Err(Reason::NotTheProtocol.into()),
        }
    }

    /// As [`Sftp::look`]; `None` where nothing is.
    async fn look_for(&self, path: &VPath) -> Result<Option<Attr>, Error> {
        match self.look(path, true).await {
            Ok(attr) => Ok(Some(attr)),
            Err(e) if e.reason == Reason::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn open_file(&self, path: &VPath, flags: OpenFlags, mode: Option<u32>) -> Result<(Arc<Connection>, Bytes), Error> {
        let (connection, wire) = (self.session().await?, self.wire(path));
        let attrs = Attrs { mode, ..Attrs::default() };
        let opening = connection.call(move |session, call| session.call(call, &Request::Open { path: &wire, flags, attrs }));
        match opening.await? {
            Answer::Handle(handle) => Ok((connection, handle)),
            _ => Err(Reason::NotTheProtocol.into()),
        }
    }

    async fn open_read(&self, path: &VPath, at: u64) -> Result<(Attr, Source), Error> {
        let (connection, handle) = self.open_file(path, OpenFlags::READ, None).await?;
        let of = handle.clone();
        let asked = connection.call(move |session, call| session.call(call, &Request::Fstat { handle: &of })).await;
        let known = match asked {
            Ok(Answer::Attr(attr)) => Ok(attr),
            Ok(_) => Err(Error::new(Reason::NotTheProtocol)),
            Err(e) => Err(e),
        };
        let refused = match &known {
            Ok(attr) if attr.kind == Kind::Dir => Some(Reason::IsAFolder.into()),
            Ok(attr) if at > attr.size => Some(Reason::BeyondEnd.into()),
            Ok(_) => None,
            Err(e) => Some(e.clone()),
        };
        if let Some(error) = refused {
            connection.let_go(handle);
            return Err(error);
        }
        let attr = known?;
        let reading = Reading::new(connection, handle, at, Some(attr.size));
        Ok((attr, Source::from_chunks(reading)))
    }

    /// Opens a file that is replaced, without a look at what is there before. A new one has this mode from the first byte on, as
    /// far as the server's umask lets it: nobody else reads what is not for all while it comes.
    async fn open_anew(&self, path: &VPath, mode: Option<u32>, size: Option<u64>) -> Result<Sink, Error> {
        let flags = OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::TRUNCATE);
        match self.open_file(path, flags, mode).await {
            Ok((connection, handle)) => Ok(Sink::from_put(Writing::new(connection, handle, 0).by_many(self.wire(path), size))),
            Err(e) => Err(self.unless_folder(e, path).await),
        }
    }

    /// What a failure means where it may be a folder that was taken for a file: version 3 has no code for that.
    async fn unless_folder(&self, error: Error, path: &VPath) -> Error {
        match error.reason {
            Reason::ServerRefused if self.look(path, true).await.is_ok_and(|attr| attr.is_dir()) => Reason::IsAFolder.into(),
            _ => error,
        }
    }

    async fn open_write(&self, path: &VPath, how: WriteHow, mode: Option<u32>) -> Result<Opened, Error> {
        if path.is_root() {
            return Err(Reason::IsAFolder.into());
        }
        let write = OpenFlags::WRITE.and(OpenFlags::CREATE);
        if how == WriteHow::Unique {
            return self.open_unique(path, mode).await;
        }
        let found = self.look_for(path).await?;
        let before = match &found {
            Some(attr) if attr.kind == Kind::Dir => return Err(Reason::IsAFolder.into()),
            Some(_) if how == WriteHow::New => return Err(Reason::Exists.into()),
            Some(attr) => attr.size,
            None => 0,
        };
        let (at, flags) = match how {
            WriteHow::Append => (before, write),
            WriteHow::At(at) if at > before => return Err(Reason::BeyondEnd.into()),
            WriteHow::At(at) => (at, write),
            WriteHow::New => (0, write.and(OpenFlags::EXCLUSIVE)),
            _ => (0, write.and(OpenFlags::TRUNCATE)),
        };
        let (connection, handle) = self.open_file(path, flags, mode).await?;
        let sink = Sink::from_put(Writing::new(connection, handle, at));
        Ok(Opened { sink, path: path.clone(), at, before })
    }

    /// The first name that is free: the server decides it in one step.
    async fn open_unique(&self, path: &VPath, mode: Option<u32>) -> Result<Opened, Error> {
        let flags = OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::EXCLUSIVE);
        for number in 0..TRIES {
            let name = match number {
                0 => path.clone(),
                _ => VPath::parse(&[path.as_bytes(), format!(".{number}").as_bytes()].concat())?,
            };
            match self.open_file(&name, flags, mode).await {
                Ok((connection, handle)) => {
                    return Ok(Opened {
                        sink: Sink::from_put(Writing::new(connection, handle, 0)),
                        path: name,
                        at: 0,
                        before: 0,
                    });
                }
                // Version 3 has no code of its own for a name that is taken.
                Err(e) if self.look_for(&name).await?.is_none() => return Err(e),
                Err(_) => {}
            }
        }
        Err(Reason::Exists.into())
    }

    async fn change(&self, path: &VPath, change: &AttrChange) -> Result<Attr, Error> {
        if change.created.is_some() || change.owner.is_some() != change.group.is_some() {
            return Err(Error::with(Reason::Unsupported, "SFTP sets owner and group together, and no time of birth"));
        }
        let mut attrs = Attrs::from(change);
        // Both times go together: the one that was not asked for stays what it is as far as it is known.
        if let (Some((_, modified)), None) = (&mut attrs.times, change.modified) {
            let known = self.look(path, true).await?;
            *modified = Attrs::from(&known).times.map_or(*modified, |(_, modified)| modified);
        }
        self.about(path, move |path| Request::Setstat { path, attrs }).await?;
        self.look(path, true).await
    }

    async fn rename_to(&self, from: &VPath, to: &VPath, replace: bool) -> Result<(), Error> {
        if from.is_root() || to.is_root() {
            return Err(Reason::MountPoint.into());
        }
        let (connection, old, new) = (self.session().await?, self.wire(from), self.wire(to));
        let in_one_step = replace && connection.server.serves("posix-rename@openssh.com");
        if !in_one_step {
            match self.look_for(to).await? {
                Some(_) if !replace => return Err(Reason::Exists.into()),
                Some(attr) if attr.kind != Kind::Dir => self.about(to, |path| Request::Remove { path }).await.map(drop)?,
                _ => {}
            }
        }
        let renaming = connection.call(move |session, call| {
            let (from, to) = (&*old, &*new);
            let request = match in_one_step {
                true => Request::Extended(Extension::PosixRename { from, to }),
                false => Request::Rename { from, to },
            };
            session.call(call, &request);
        });
        renaming.await.map(drop)
    }

    /// What a failure means where the server could say no more than that it failed.
    async fn explained(&self, error: Error, path: &VPath, gone: bool) -> Error {
        if error.reason != Reason::ServerRefused {
            return error;
        }
        match (self.look(path, false).await, gone) {
            (Ok(_), false) => Error { reason: Reason::Exists, ..error },
            (Ok(attr), true) if attr.kind == Kind::Dir => match self.list_all(path).await {
                Ok(entries) if !entries.is_empty() => Error { reason: Reason::NotEmpty, ..error },
                _ => error,
            },
            (Ok(_), true) => Error { reason: Reason::NotAFolder, ..error },
            (Err(_), _) => error,
        }
    }

    async fn list_all(&self, path: &VPath) -> Result<Vec<Entry>, Error> {
        self.open_folder(path).await?.next_page().await
    }

    async fn open_folder(&self, path: &VPath) -> Result<Pages, Error> {
        let connection = self.session().await?;
        let wire = self.wire(path);
        match connection.call(move |session, call| session.call(call, &Request::Opendir { path: &wire })).await {
            Ok(Answer::Handle(handle)) => Ok(Pages::new(connection, handle)),
            Ok(_) => Err(Reason::NotTheProtocol.into()),
            Err(e) if matches!(e.reason, Reason::ServerRefused | Reason::NotFound) => match self.look(path, true).await {
                Ok(attr) if attr.kind != Kind::Dir => Err(Reason::NotAFolder.into()),
                _ => Err(e),
            },
            Err(e) => Err(e),
        }
    }
}

/// A folder, page by page. Servers put some hundred names in one: so several pages are asked for at once, more the longer
/// the folder turns out to be.
struct Pages {
    connection: Arc<Connection>,
    handle: Bytes,
    /// The end was told.
    done: bool,
    /// Pages that came, and that are asked for.
    came: usize,
    asked: usize,
    /// How many names came, and how many pages without one.
    names: usize,
    empty: usize,
    answers: Answers,
}

impl Pages {
    fn new(connection: Arc<Connection>, handle: Bytes) -> Self {
        Self { connection, handle, done: false, came: 0, asked: 0, names: 0, empty: 0, answers: mpsc::unbounded_channel() }
    }

    fn ask(&mut self) {
        let handle = self.handle.clone();
        let make = move |session: &mut Session, call| session.call(call, &Request::Readdir { handle: &handle });
        self.connection.call_many(&self.answers.0, 0, make);
        self.asked += 1;
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.connection.let_go(self.handle.clone());
    }
}

impl Listing for Pages {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            loop {
                while !self.done && self.asked < self.came.clamp(1, PAGES) {
                    self.ask();
                }
                if self.asked == 0 {
                    return Ok(Vec::new());
                }
                let Some((_, outcome)) = self.answers.1.recv().await else { return Err(Reason::Disconnected.into()) };
                self.asked -= 1;
                match outcome {
                    // A page of nothing but `.` and `..` is not the end; many of them are no folder.
                    Ok(Answer::Names(names)) if names.is_empty() => {
                        self.empty += 1;
                        if self.empty > EMPTY_PAGES {
                            return Err(Error::with(Reason::ListingUnsure, "the server goes on and on without a name"));
                        }
                    }
                    Ok(Answer::Names(names)) => {
                        self.came += 1;
                        self.names = self.names.saturating_add(names.len());
                        if self.names > NAMES {
                            return Err(Error::with(Reason::TooMany, format!("a folder of more than {NAMES} names")));
                        }
                        return Ok(names);
                    }
                    // Behind the end a server may say anything.
                    Err(e) if !self.done => return Err(e),
                    _ => self.done = true,
                }
            }
        })
    }
}

impl Storage for Sftp {
    fn capability(&self) -> Capability {
        Capability { bare: false, open: false, rename_dir: true, write_at: true, set_times: true, modes: true, links: true }
    }

    fn stat<'a>(&'a self, path: &'a VPath, follow: bool, _owner: &'a Owner) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(self.look(path, follow))
    }

    fn read<'a>(&'a self, path: &'a VPath, at: u64, _owner: &'a Owner) -> BoxFuture<'a, Result<(Attr, Source), Error>> {
        Box::pin(async move {
            match self.open_read(path, at).await {
                // Some servers open folders only to fail then, or will not open them at all.
                Err(e) if e.reason == Reason::ServerRefused => match self.look(path, true).await {
                    Ok(attr) if attr.kind == Kind::Dir => Err(Reason::IsAFolder.into()),
                    _ => Err(e),
                },
                result => result,
            }
        })
    }

    fn write<'a>(&'a self, path: &'a VPath, order: WriteOrder<'a>) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.open_write(path, order.how, Some(order.mode & 0o777)))
    }

    fn list<'a>(&'a self, path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<Box<dyn Listing>, Error>> {
        Box::pin(async move { self.open_folder(path).await.map(|pages| Box::new(pages) as Box<dyn Listing>) })
    }

    fn make_dir<'a>(&'a self, path: &'a VPath, mode: u32) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let attrs = Attrs { mode: Some(mode & 0o777), ..Attrs::default() };
            match self.about(path, move |path| Request::Mkdir { path, attrs }).await {
                Ok(_) => Ok(()),
                Err(e) => Err(self.explained(e, path, false).await),
            }
        })
    }

    fn remove_dir<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if path.is_root() {
                return Err(Reason::MountPoint.into());
            }
            match self.about(path, |path| Request::Rmdir { path }).await {
                Ok(_) => Ok(()),
                Err(e) => Err(self.explained(e, path, true).await),
            }
        })
    }

    fn remove<'a>(&'a self, path: &'a VPath, _owner: &'a Owner) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match self.about(path, |path| Request::Remove { path }).await {
                Ok(_) => Ok(()),
                Err(e) if e.reason == Reason::ServerRefused => match self.look(path, false).await {
                    Ok(attr) if attr.kind == Kind::Dir => Err(Reason::IsAFolder.into()),
                    _ => Err(e),
                },
                Err(e) => Err(e),
            }
        })
    }

    fn rename<'a>(&'a self, from: &'a VPath, to: &'a VPath, replace: bool) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.rename_to(from, to, replace))
    }

    fn set_attr<'a>(&'a self, path: &'a VPath, change: &'a AttrChange) -> BoxFuture<'a, Result<Attr, Error>> {
        Box::pin(self.change(path, change))
    }

    fn link<'a>(&'a self, path: &'a VPath, target: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (target, link): (Box<[u8]>, _) = (target.into(), self.wire(path));
            let request = move |session: &mut Session, call| {
                session.call(call, &Request::Symlink { target: &target, link: &link });
            };
            match self.session().await?.call(request).await {
                Ok(_) => Ok(()),
                Err(e) => Err(self.explained(e, path, false).await),
            }
        })
    }

    fn read_link<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Box<[u8]>, Error>> {
        Box::pin(async move {
            match self.about(path, |path| Request::Readlink { path }).await? {
                Answer::Path(target) => Ok(target),
                _ => Err(Reason::NotTheProtocol.into()),
            }
        })
    }

    fn hard_link<'a>(&'a self, path: &'a VPath, to: &'a VPath) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let (from, to) = (self.wire(path), self.wire(to));
            let linking = move |session: &mut Session, call| {
                session.call(call, &Request::Extended(Extension::Hardlink { from: &from, to: &to }));
            };
            self.session().await?.call(linking).await.map(drop)
        })
    }

    fn space<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Space, Error>> {
        Box::pin(async move {
            match self.about(path, |path| Request::Extended(Extension::Statvfs { path })).await? {
                Answer::Space(space) => Ok(space),
                _ => Err(Reason::NotTheProtocol.into()),
            }
        })
    }
}

impl Remote for Sftp {
    fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    fn noop(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let session = self.session().await?;
            session.call(|session, call| session.call(call, &Request::Realpath { path: b"." })).await.map(drop)
        })
    }

    fn quote<'a>(&'a self, _line: &'a str) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async { Err(Error::with(Reason::Unsupported, "SFTP has no lines of commands")) })
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
                let source = match expected {
                    // Its size is known: one question less for each of many files.
                    Some(size) if at == 0 => {
                        let (connection, handle) = self.open_file(path, OpenFlags::READ, None).await?;
                        Source::from_chunks(Reading::new(connection, handle, 0, Some(size)))
                    }
                    _ => Storage::read(self, path, at, &Owner::default()).await?.1,
                };
                moved(source, &mut sink, expected, &meter).await
            };
            match result.await {
                Ok(bytes) => sink.commit().await.map(|()| bytes),
                Err(e) => {
                    sink.abandon().await;
                    Err(self.unless_folder(e, path).await)
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
        let Upload { path, how, expected, mode, .. } = upload;
        Box::pin(async move {
            let mut sink = match how {
                WriteHow::Replace if !path.is_root() => self.open_anew(path, mode, expected).await?,
                _ => self.open_write(path, how, mode).await?.sink,
            };
            let bytes = moved(source, &mut sink, expected, &meter).await?;
            sink.commit().await.map(|()| bytes)
        })
    }

    fn size<'a>(&'a self, path: &'a VPath) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        Box::pin(async move { self.look(path, true).await.map(|attr| Some(attr.size)) })
    }

    fn set_modified<'a>(&'a self, path: &'a VPath, time: Time) -> BoxFuture<'a, Result<(), Error>> {
        let attrs = Attrs::from(&AttrChange { modified: Some(time), ..AttrChange::default() });
        Box::pin(async move { self.about(path, move |path| Request::Setstat { path, attrs }).await.map(drop) })
    }

    fn checksum<'a>(&'a self, path: &'a VPath, wanted: &'a [Algorithm]) -> BoxFuture<'a, Result<Option<Checksum>, Error>> {
        Box::pin(async move { digest::ask(&*self.session().await?, self.wire(path), wanted).await })
    }

    fn sure_of(&self, there: u64) -> u64 {
        sure_of(there)
    }

    fn keeps_modes(&self) -> bool {
        true
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn connections(&self) -> usize {
        1
    }

    fn tells_sizes(&self) -> bool {
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.session.lock().await.close() })
    }
}
