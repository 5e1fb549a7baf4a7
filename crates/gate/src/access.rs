//! `Access`: what somebody who is logged in may ask of the files. Every operation goes the same way:
//! resolve, permission, limits, (quota), act on the storage, settle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use io::body::{Sink, Source};
use tokio_util::sync::CancellationToken;
use types::{Attr, AttrChange, Direction, Error, Kind, Op, Presence, Reason, SessionId, Space, VPath, WriteHow, Yield};
use vfs::storage::{Owner, Storage, WriteOrder};

use crate::Gate;
use crate::audit::Place;
use crate::folder::Folder;
use crate::force::View;
use crate::limits::{self, Taken};
use crate::permission::Permissions;
use crate::permit::{Outcome, Permit};
use crate::presence::{Moving, Session};
use crate::verdict::{Need, may_link, may_rename, permitted, still_good, unmounted};
use crate::walk::Progress;

/// The only way to the files: one login's. Cheap to clone; the user's place is given back with the last clone.
#[derive(Clone)]
pub struct Access(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    session: Arc<Session>,
    /// What the user sees, as of the last operation; looked up again when the rules have changed.
    view: ArcSwap<View>,
    host: Option<Box<str>>,
    owner: Owner,
    login: u32,
    /// The session's own umask; [`NO_UMASK`] where it has none.
    umask: AtomicU32,
    _place: Taken,
}

const NO_UMASK: u32 = u32::MAX;

impl Drop for Inner {
    fn drop(&mut self) {
        let mut state = self.session.state();
        if state.login == self.login {
            state.user = None;
            state.letterbox = None;
        }
    }
}

/// A file open for reading.
pub struct Reading {
    /// Its attributes.
    pub attr: Attr,
    /// Its bytes.
    pub source: Source,
    /// To be settled when they have moved.
    pub permit: Permit,
}

/// A file open for writing.
pub struct Writing {
    /// The name that will stand in the end.
    pub path: VPath,
    /// The byte writing starts at.
    pub at: u64,
    /// Where bytes go.
    pub sink: Sink,
    /// To be settled when they have moved and the sink is committed.
    pub permit: Permit,
}

/// What is asked, for the checks that all operations share.
pub(crate) struct Ask<'a> {
    verb: &'static str,
    path: &'a VPath,
    need: Need,
    /// The second path of a renaming.
    to: Option<(&'a VPath, Need)>,
    flow: Option<Flow>,
}

/// What will move.
#[derive(Clone, Copy)]
pub(crate) enum Flow {
    /// A listing: it has a meter and takes no place among the transfers.
    Listing,
    /// A file.
    Body(Direction),
}

/// A passed check: steps one to four are behind it.
pub(crate) struct Pass {
    pub(crate) view: Arc<View>,
    /// The path in the user's own tree.
    pub(crate) path: VPath,
    to: Option<VPath>,
    pub(crate) permit: Permit,
}

impl Pass {
    /// The last step of an operation that is over when the storage has answered.
    pub(crate) fn settle<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Ok(value) => {
                self.permit.settle(Outcome::Done);
                Ok(value)
            }
            Err(e) => Err(self.permit.fail(e)),
        }
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.view.tree.storage
    }

    fn other(&self) -> &VPath {
        self.to.as_ref().unwrap_or(&self.path)
    }
}

impl<'a> Ask<'a> {
    pub(crate) const fn new(verb: &'static str, path: &'a VPath, need: Need) -> Self {
        Self { verb, path, need, to: None, flow: None }
    }

    /// With bytes that move.
    pub(crate) const fn moving(self, flow: Flow) -> Self {
        Self { flow: Some(flow), ..self }
    }
}

impl Access {
    pub(crate) fn new(session: &Arc<Session>, view: Arc<View>, host: Option<&str>, place: Taken) -> Self {
        let mut state = session.state();
        state.login = state.login.wrapping_add(1);
        state.user = Some(view.who.name.clone());
        let login = state.login;
        // What waited was for who was here before.
        state.letterbox = None;
        drop(state);
        let owner = Owner((!view.who.anonymous).then(|| view.who.name.clone()));
        Self(Arc::new(Inner {
            session: session.clone(),
            view: ArcSwap::new(view),
            host: host.map(Into::into),
            owner,
            login,
            umask: AtomicU32::new(NO_UMASK),
            _place: place,
        }))
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.session.gate
    }

    pub(crate) fn own(&self) -> &Arc<Session> {
        &self.0.session
    }

    /// Which of the session's logins this is.
    pub(crate) fn login(&self) -> u32 {
        self.0.login
    }

    /// The virtual host this login went through.
    pub(crate) fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// The session this belongs to.
    pub fn session(&self) -> SessionId {
        self.0.session.id
    }

    /// Cancelled when the session is to end: kicked, its user removed, disabled or given another password, or the
    /// server going down. Every transfer's own token is cancelled with it.
    pub fn revoked(&self) -> CancellationToken {
        self.0.session.token().clone()
    }

    /// Why it is to end, once it is.
    pub fn why(&self) -> Option<Reason> {
        self.0.session.why()
    }

    /// Permission bits that new files and folders of this session do not get (SITE UMASK).
    pub fn umask(&self) -> u32 {
        match self.0.umask.load(Ordering::Relaxed) {
            NO_UMASK => self.0.view.load().who.umask,
            mask => mask,
        }
    }

    /// Sets it for the rest of this session.
    pub fn set_umask(&self, mask: u32) {
        self.0.umask.store(mask & 0o777, Ordering::Relaxed);
    }

    /// What the user sees now.
    fn view(&self) -> Result<Arc<View>, Error> {
        let session = &self.0.session;
        if session.token().is_cancelled() {
            return Err(session.why().unwrap_or(Reason::Kicked).into());
        }
        let force = session.gate.force.load();
        let view = self.0.view.load_full();
        if view.version == force.version {
            return Ok(view);
        }
        let new = force.find(&session.listener, self.0.host.as_deref(), &view.who.name);
        match still_good(&view, new.as_deref(), session) {
            Ok(new) => {
                let new = Arc::new(View { base: view.base.clone(), ..new.clone() });
                self.0.view.store(new.clone());
                Ok(new)
            }
            Err(reason) => {
                session.end(reason);
                Err(reason.into())
            }
        }
    }

    /// Steps one to four: resolve, permission, limits, quota. What comes back is settled in the end.
    pub(crate) async fn enter(&self, ask: Ask<'_>) -> Result<Pass, Error> {
        let session = &self.0.session;
        let gate = &session.gate;
        gate.counters.operation();
        let view = self.view()?;
        let force = gate.force.load_full();
        let place = force.audit.reserve(&gate.counters).await.inspect_err(|reason| gate.counters.refused(*reason))?;
        let written = !matches!(place, Place::Off);
        let text = |path: &VPath| -> Box<str> { path.to_string().into() };
        let mut permit = Permit {
            session: session.clone(),
            user: view.who.name.clone(),
            verb: ask.verb,
            about: if written { (text(ask.path), ask.to.map(|(to, _)| text(to))) } else { Default::default() },
            place,
            since: io::clock::now(),
            moving: None,
            taken: None,
            limit: None,
            settled: false,
        };
        match self.check(&ask, &view, &mut permit) {
            Ok((path, to)) => Ok(Pass { view, path, to, permit }),
            Err(e) => Err(permit.fail(e)),
        }
    }

    fn check(&self, ask: &Ask<'_>, view: &View, permit: &mut Permit) -> Result<(VPath, Option<VPath>), Error> {
        let path = view.place(ask.path)?;
        view.may(&path, ask.need)?;
        let to = match ask.to {
            Some((to, need)) => {
                let to = view.place(to)?;
                view.may(&to, need)?;
                Some(to)
            }
            None => None,
        };
        if let Some(flow) = ask.flow {
            self.begin(flow, ask, view, &path, permit)?;
        }
        // The fourth step, reserving quota, comes with the ledger.
        Ok((path, to))
    }

    /// The third step: a place among the transfers, and the meter.
    fn begin(&self, flow: Flow, ask: &Ask<'_>, view: &View, path: &VPath, permit: &mut Permit) -> Result<(), Error> {
        let session = &self.0.session;
        let gate = &session.gate;
        let force = gate.force.load();
        let direction = match flow {
            Flow::Listing => Direction::Out,
            Flow::Body(direction) => {
                let mine = view.share.transfers.take(view.who.transfers);
                let all = gate.transfers.take(Some(force.rules.limits.transfers));
                let (Some(mine), Some(all)) = (mine, all) else { return Err(Reason::TooManyTransfers.into()) };
                permit.taken = Some([mine, all]);
                gate.counters.transfer();
                direction
            }
        };
        let meter = limits::meter(session.token(), direction, [&view.rates, &force.rates]);
        let moving = Arc::new(Moving { verb: ask.verb, path: path.clone(), need: ask.need, direction, meter });
        session.state().moving.push(moving.clone());
        permit.moving = Some(moving);
        Ok(())
    }

    /// Opens a file for reading from byte `at` on.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn read(&self, path: &VPath, at: u64) -> Result<Reading, Error> {
        let flow = Some(Flow::Body(Direction::Out));
        let pass = self.enter(Ask { flow, ..Ask::new("read", path, Need::All(Permissions::READ)) }).await?;
        match pass.storage().read(&pass.path, at, &self.0.owner).await {
            Ok((attr, source)) => Ok(Reading { attr, source, permit: pass.permit }),
            Err(e) => Err(pass.permit.fail(e)),
        }
    }

    /// Opens a file for writing. `expected` is how many bytes the client said it will send.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn write(&self, path: &VPath, how: WriteHow, expected: Option<u64>) -> Result<Writing, Error> {
        self.write_as(&self.0.owner, path, how, expected).await
    }

    /// As [`Access::write`], but nothing of it is kept where it is interrupted.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn write_unkept(&self, path: &VPath, how: WriteHow, expected: Option<u64>) -> Result<Writing, Error> {
        self.write_as(&Owner(None), path, how, expected).await
    }

    async fn write_as(&self, owner: &Owner, path: &VPath, how: WriteHow, expected: Option<u64>) -> Result<Writing, Error> {
        let writing = Permissions::WRITE | Permissions::OVERWRITE | Permissions::APPEND;
        let verb = if matches!(how, WriteHow::Append) { "append" } else { "write" };
        let flow = Some(Flow::Body(Direction::In));
        let mut pass = self.enter(Ask { flow, ..Ask::new(verb, path, Need::Any(writing)) }).await?;
        match self.begin_write(owner, &pass, how, expected).await {
            Ok((path, at, sink)) => {
                pass.permit.limit = pass.view.who.file_size.map(|most| most.saturating_sub(at));
                Ok(Writing { path, at, sink, permit: pass.permit })
            }
            Err(e) => Err(pass.permit.fail(e)),
        }
    }

    async fn begin_write(
        &self,
        owner: &Owner,
        pass: &Pass,
        how: WriteHow,
        expected: Option<u64>,
    ) -> Result<(VPath, u64, Sink), Error> {
        let fits = |at: u64| match pass.view.who.file_size {
            Some(most) if at.saturating_add(expected.unwrap_or(0)) > most => Err(Error::new(Reason::TooLarge)),
            _ => Ok(()),
        };
        fits(if let WriteHow::At(at) = how { at } else { 0 })?;
        let narrow = self.narrow(pass, how).await?;
        let order = WriteOrder { how: narrow, mode: 0o666 & !self.umask(), owner };
        let opened = pass.storage().write(&pass.path, order).await.map_err(|e| {
            // Replacing was narrowed to making new because only that is allowed: then the name is taken.
            if narrow != how && e.reason == Reason::Exists {
                Error::with(Reason::Denied, "replacing needs: overwrite")
            } else {
                e
            }
        })?;
        fits(opened.at)?;
        let path = opened.path.below(&pass.view.base).unwrap_or(opened.path);
        Ok((path, opened.at, opened.sink))
    }

    /// Which kind of writing the user may do here. Replacing without the permission to overwrite becomes "only if
    /// nothing has the name", so that it is the storage that decides, in one step with the making.
    async fn narrow(&self, pass: &Pass, how: WriteHow) -> Result<WriteHow, Error> {
        let allowed = pass.view.allowed(&pass.path);
        let (new, over, more) =
            (allowed.has(Permissions::WRITE), allowed.has(Permissions::OVERWRITE), allowed.has(Permissions::APPEND));
        let denied = |what: &str| Err(Error::with(Reason::Denied, format!("{} needs: {what}", pass.path)));
        match how {
            WriteHow::New | WriteHow::Unique => return if new { Ok(how) } else { denied("write") },
            WriteHow::Replace if new => return Ok(if over { how } else { WriteHow::New }),
            _ if new && over && more => return Ok(how),
            _ => {}
        }
        // As a stranger, who sees no unfinished uploads: going on with one's own is still making a new file.
        let need = match pass.storage().stat(&pass.path, true, &Owner(None)).await {
            Ok(attr) => match how {
                WriteHow::Replace => Permissions::OVERWRITE,
                WriteHow::At(at) if at < attr.size => Permissions::OVERWRITE,
                _ => Permissions::APPEND,
            },
            Err(e) if e.reason == Reason::NotFound => Permissions::WRITE,
            Err(e) => return Err(e),
        };
        if allowed.has(need) { Ok(how) } else { denied(&need.to_string()) }
    }

    /// Opens a folder for listing.
    ///
    /// # Errors
    /// The door's and the storage's.
    pub async fn list(&self, path: &VPath) -> Result<Folder, Error> {
        let flow = Some(Flow::Listing);
        let pass = self.enter(Ask { flow, ..Ask::new("list", path, Need::All(Permissions::LIST)) }).await?;
        match pass.storage().list(&pass.path, &self.0.owner).await {
            Ok(listing) => Ok(Folder::new(listing, pass)),
            Err(e) => Err(pass.permit.fail(e)),
        }
    }

    /// Does anything that needs no body.
    ///
    /// # Errors
    /// The door's and the storage's; [`Reason::Unsupported`] for [`Op::Read`], [`Op::Write`], [`Op::Open`] and [`Op::List`],
    /// which have their own calls because something stays open.
    pub async fn act(&self, op: &Op) -> Result<Yield, Error> {
        match op {
            Op::Read { .. } | Op::Write { .. } | Op::Open { .. } | Op::List { .. } => {
                Err(Error::with(Reason::Unsupported, "bodies are opened by read, write and list"))
            }
            Op::Stat { path, follow } => self.stat(path, *follow).await.map(Yield::Attr),
            Op::MakeDir { path, mode } => self.make_dir(path, *mode).await.map(|()| Yield::Done),
            Op::RemoveDir { path } => self.remove_dir(path).await.map(|()| Yield::Done),
            Op::RemoveTree { path } => {
                self.remove_tree(path, &Progress::default()).await.map(|entries| Yield::Removed { entries })
            }
            Op::Remove { path } => self.remove(path).await.map(|()| Yield::Done),
            Op::Rename { from, to, replace } => self.rename(from, to, *replace).await.map(|()| Yield::Done),
            Op::Copy { from, to } => self.copy(from, to).await.map(|bytes| Yield::Copied { bytes }),
            Op::Join { to, parts } => self.join(to, parts).await.map(|bytes| Yield::Copied { bytes }),
            Op::SetAttr { path, change } => self.set_attr(path, change).await.map(Yield::Attr),
            Op::Link { path, target } => self.link(path, target).await.map(|()| Yield::Done),
            Op::ReadLink { path } => self.read_link(path).await.map(Yield::Target),
            Op::HardLink { path, to } => self.hard_link(path, to).await.map(|()| Yield::Done),
            Op::Usage { path } => self.usage(path, &Progress::default()).await.map(Yield::Usage),
            Op::Space { path } => self.space(path).await.map(Yield::Space),
            Op::Reserve { path, bytes } => self.reserve(path, *bytes).await.map(|()| Yield::Done),
            Op::Mount { name } => self.mount(name).await.map(|()| Yield::Done),
            Op::Umask { mask } => {
                self.set_umask(*mask);
                Ok(Yield::Done)
            }
            Op::Who => self.who().await.map(Yield::Who),
            Op::Recipient { to, delivery } => self.recipient(to, *delivery).await.map(|()| Yield::Done),
            Op::Message { to, delivery, text } => self.message(to, *delivery, text).await.map(Yield::Delivered),
        }
    }

    async fn stat(&self, path: &VPath, follow: bool) -> Result<Attr, Error> {
        let pass = self.enter(Ask::new("stat", path, Need::Look)).await?;
        let result = pass.storage().stat(&pass.path, follow, &self.0.owner).await;
        pass.settle(result)
    }

    async fn make_dir(&self, path: &VPath, mode: Option<u32>) -> Result<(), Error> {
        let pass = self.enter(Ask::new("mkdir", path, Need::All(Permissions::MAKE_DIR))).await?;
        let result = pass.storage().make_dir(&pass.path, mode.unwrap_or(0o777) & 0o777 & !self.umask()).await;
        pass.settle(result)
    }

    async fn remove_dir(&self, path: &VPath) -> Result<(), Error> {
        let pass = self.enter(Ask::new("rmdir", path, Need::All(Permissions::REMOVE_DIR))).await?;
        let result = match unmounted(&pass.view, &pass.path) {
            Ok(()) => pass.storage().remove_dir(&pass.path).await,
            Err(e) => Err(e),
        };
        pass.settle(result)
    }

    pub(crate) async fn remove(&self, path: &VPath) -> Result<(), Error> {
        let pass = self.enter(Ask::new("remove", path, Need::All(Permissions::DELETE))).await?;
        let result = match unmounted(&pass.view, &pass.path) {
            Ok(()) => pass.storage().remove(&pass.path, &self.0.owner).await,
            Err(e) => Err(e),
        };
        pass.settle(result)
    }

    async fn rename(&self, from: &VPath, to: &VPath, replace: bool) -> Result<(), Error> {
        let need = Need::All(Permissions::RENAME);
        let pass = self.enter(Ask { to: Some((to, need)), ..Ask::new("rename", from, need) }).await?;
        let result = match may_rename(&pass.view, &pass.path, pass.other()) {
            Ok(()) => {
                let over = pass.view.allowed(pass.other()).has(Permissions::OVERWRITE);
                let done = pass.storage().rename(&pass.path, pass.other(), replace && over).await;
                done.map_err(|e| match e.reason {
                    Reason::Exists if replace && !over => Error::with(Reason::Denied, "replacing needs: overwrite"),
                    _ => e,
                })
            }
            Err(e) => Err(e),
        };
        pass.settle(result)
    }

    async fn set_attr(&self, path: &VPath, change: &AttrChange) -> Result<Attr, Error> {
        let pass = self.enter(Ask::new("set", path, Need::All(Permissions::SET_ATTR))).await?;
        let result = if change.mode.is_some_and(|mode| mode & 0o6000 != 0) {
            Err(Error::with(Reason::Denied, "set-user-id and set-group-id bits are not set from outside"))
        } else {
            pass.storage().set_attr(&pass.path, change).await
        };
        pass.settle(result)
    }

    async fn link(&self, path: &VPath, target: &[u8]) -> Result<(), Error> {
        let pass = self.enter(Ask::new("link", path, Need::All(Permissions::LINK))).await?;
        let result = match may_link(&pass.view, target) {
            Ok(()) => pass.storage().link(&pass.path, target).await,
            Err(e) => Err(e),
        };
        pass.settle(result)
    }

    async fn read_link(&self, path: &VPath) -> Result<Box<[u8]>, Error> {
        let pass = self.enter(Ask::new("readlink", path, Need::Look)).await?;
        let result = pass.storage().read_link(&pass.path).await;
        pass.settle(result)
    }

    /// A second name lets its holder do with the file what the rules of the second place allow, so both places must
    /// allow reading and writing: the door would be passed by otherwise.
    async fn hard_link(&self, path: &VPath, to: &VPath) -> Result<(), Error> {
        let need = Need::All(Permissions::LINK | Permissions::READ | Permissions::WRITE | Permissions::OVERWRITE);
        let pass = self.enter(Ask { to: Some((to, need)), ..Ask::new("hardlink", path, need) }).await?;
        let result = match may_rename(&pass.view, &pass.path, pass.other()) {
            Ok(()) => pass.storage().hard_link(&pass.path, pass.other()).await,
            Err(e) => Err(e),
        };
        pass.settle(result)
    }

    async fn space(&self, path: &VPath) -> Result<Space, Error> {
        let pass = self.enter(Ask::new("space", path, Need::Look)).await?;
        let result = pass.storage().space(&pass.path).await;
        pass.settle(result)
    }

    async fn reserve(&self, path: &VPath, bytes: u64) -> Result<(), Error> {
        let writing = Permissions::WRITE | Permissions::OVERWRITE | Permissions::APPEND;
        let pass = self.enter(Ask::new("reserve", path, Need::Any(writing))).await?;
        let result = if pass.view.who.file_size.is_some_and(|most| bytes > most) {
            Err(Reason::TooLarge.into())
        } else {
            let space = pass.storage().space(&pass.path).await;
            space.and_then(|space| if space.free.is_some_and(|free| bytes > free) { Err(Reason::NoSpace.into()) } else { Ok(()) })
        };
        pass.settle(result)
    }

    /// Another mount of the user's table becomes the session's root; the one at `/` leads back.
    async fn mount(&self, name: &[u8]) -> Result<(), Error> {
        let pass = self.enter(Ask::new("mount", &VPath::root(), Need::Look)).await?;
        let place = pass.view.tree.called(name).filter(|place| pass.view.may(place, Need::Look).is_ok()).cloned();
        let result = match place {
            Some(base) => {
                self.0.view.store(Arc::new(View { base, ..View::clone(&pass.view) }));
                Ok(())
            }
            None => Err(Error::with(Reason::UnknownMount, String::from_utf8_lossy(name))),
        };
        pass.settle(result)
    }

    /// Everybody for those who may see all, else the user's own sessions; of an anonymous user only this one.
    async fn who(&self) -> Result<Vec<Presence>, Error> {
        let pass = self.enter(Ask::new("who", &VPath::root(), Need::Look)).await?;
        let who = &pass.view.who;
        let all = match (who.sees_all, who.anonymous) {
            (true, _) => self.gate().who(),
            (false, false) => self.gate().who_as(Some(&who.name)),
            (false, true) => self.0.session.alone(),
        };
        pass.settle(Ok(all))
    }

    /// What is allowed at a path that is known to be a file or a folder: for MLSx `perm` facts. Nothing is asked,
    /// counted or written down.
    pub fn permitted(&self, path: &VPath, kind: Kind) -> Permissions {
        let view = self.0.view.load();
        let Ok(place) = view.place(path) else { return Permissions::NONE };
        permitted(&view, &place, kind)
    }
}
