//! `Session`: calls go out as they come, many at once, and answers find their calls by their ids.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use types::{Entry, Error, Kind, Reason, Space};

use super::exchange::{Answer, CallId, Limits, Output, Server};
use super::told::{Bulk, Told};
use crate::sftp::attrs::Attrs;
use crate::sftp::errors::{Code, learned};
use crate::sftp::extension::Extension;
use crate::sftp::frame::Frames;
use crate::sftp::reply::{Names, Reply, parse_version};
use crate::sftp::request::{Request, put_init, put_write_head};
use crate::sftp::wire::Reader;
use crate::sftp::{MOST_HANDLE, VERSION};

/// The longest packet that is taken from a server, in bytes: some tell all names of a folder in one.
const MOST_ANSWER: usize = 1_024 * 1_024;

/// The most that is asked for in one READ, whatever the server allows.
const MOST_ASKED: u64 = crate::sftp::MOST_DATA as u64;

/// The client's end of one SFTP session.
#[derive(Debug)]
pub struct Session {
    frames: Frames,
    calls: HashMap<u32, (Option<CallId>, Expected)>,
    told: Told,
    /// The next id: the ids of calls under way are passed over.
    next: u32,
    server: Option<Server>,
    closed: bool,
    wire: BytesMut,
    out: VecDeque<Output>,
}

/// Which answer fits a request; a status always does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expected {
    Status,
    /// That of a WRITE.
    Written,
    Handle,
    /// That of a READ of so many bytes at most.
    Data(u32),
    Names,
    Path,
    Attrs,
    Space,
    Extended,
    /// The session's own question, before it is ready.
    Limits,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A session on a channel that was just opened: INIT is the first that comes out.
    pub fn new() -> Self {
        let mut wire = BytesMut::new();
        put_init(VERSION, &mut wire);
        Self {
            frames: Frames::new(MOST_ANSWER),
            calls: HashMap::new(),
            told: Told::default(),
            next: 0,
            server: None,
            closed: false,
            wire,
            out: VecDeque::new(),
        }
    }

    /// From now on, tells who looks on what is said and heard.
    pub const fn tell(&mut self) {
        self.told.turn_on();
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        // What is in the queue was said before what is still being gathered.
        self.out.pop_front().or_else(|| (!self.wire.is_empty()).then(|| Output::Send(self.wire.split().freeze())))
    }

    /// How many calls are under way.
    pub fn under_way(&self) -> usize {
        self.calls.len()
    }

    /// Calls the server. Only once it is ready ([`Output::Ready`]).
    pub fn call(&mut self, call: CallId, request: &Request<'_>) {
        if let Some(id) = self.begin(call, expected(request)) {
            self.told.said(request, &mut self.out);
            request.put(id, &mut self.wire);
        }
    }

    /// Calls the server with a WRITE whose data is not copied.
    pub fn write(&mut self, call: CallId, handle: &[u8], offset: u64, data: Bytes) {
        let Some(id) = self.begin(call, Expected::Written) else { return };
        self.told.wrote(data.len() as u64);
        put_write_head(id, handle, offset, u32::try_from(data.len()).unwrap_or(u32::MAX), &mut self.wire);
        self.out.push_back(Output::Send(self.wire.split().freeze()));
        self.out.push_back(Output::Send(data));
    }

    fn begin(&mut self, call: CallId, expected: Expected) -> Option<u32> {
        if self.closed || self.server.is_none() {
            self.out.push_back(Output::Answer(call, Err(Reason::Disconnected.into())));
            return None;
        }
        Some(self.number(Some(call), expected))
    }

    fn number(&mut self, call: Option<CallId>, expected: Expected) -> u32 {
        while self.calls.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.calls.insert(id, (call, expected));
        id
    }

    /// Takes bytes of the channel, cut anywhere.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !self.closed {
            match self.frames.next_packet(&mut bytes) {
                Ok(Some(packet)) => {
                    if let Err(error) = self.packet(&packet) {
                        self.end(error);
                    }
                }
                Ok(None) => return,
                Err(reason) => self.end(Error::with(Reason::NotTheProtocol, reason.cause())),
            }
        }
    }

    /// The channel is at its end, or will not be used any more: calls under way fail with this.
    pub fn end(&mut self, error: Error) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.told.end_runs(&mut self.out);
        let calls = std::mem::take(&mut self.calls);
        let mut lost: Vec<CallId> = calls.into_values().filter_map(|(call, _)| call).collect();
        lost.sort_unstable();
        self.out.extend(lost.into_iter().map(|call| Output::Answer(call, Err(error.clone()))));
        self.out.push_back(Output::Close(error));
    }

    fn packet(&mut self, packet: &Bytes) -> Result<(), Error> {
        if self.server.is_none() && self.calls.is_empty() {
            return self.version(packet);
        }
        let broken = |reason: Reason| Error::with(Reason::NotTheProtocol, reason.cause());
        let (id, reply) = Reply::parse(packet).map_err(broken)?;
        let (call, expected) =
            self.calls.remove(&id).ok_or_else(|| Error::with(Reason::NotTheProtocol, "it answers what was not asked"))?;
        if expected == Expected::Limits {
            let limits = match reply {
                Reply::Extended(body) => limits(body).unwrap_or_default(),
                _ => Limits::default(),
            };
            self.ready(limits);
            return Ok(());
        }
        if self.told.is_on() {
            let bulk = match expected {
                Expected::Data(_) => Some(Bulk::Read),
                Expected::Written => Some(Bulk::Write),
                _ => None,
            };
            self.told.heard(bulk, &reply, &mut self.out);
        }
        let (answer, end) = match answer(expected, reply, packet) {
            Ok(answer) => (answer, Ok(())),
            // Whoever asked hears what was wrong with it, too.
            Err(error) => (Err(error.clone()), Err(error)),
        };
        if let Some(call) = call {
            self.out.push_back(Output::Answer(call, answer));
        }
        end
    }

    fn version(&mut self, packet: &[u8]) -> Result<(), Error> {
        let version = parse_version(packet).map_err(|_| Error::with(Reason::NotTheProtocol, "it does not answer INIT"))?;
        if version.version != VERSION {
            return Err(Error::with(Reason::SftpVersion, format!("it speaks version {}", version.version)));
        }
        let extensions: Vec<Box<[u8]>> = version.extensions.iter().map(|&(name, _)| name.into()).collect();
        self.told.version(version.version, &extensions, &mut self.out);
        let server = Server { extensions, limits: Limits::default() };
        if server.serves("limits@openssh.com") {
            let id = self.number(None, Expected::Limits);
            Request::Extended(Extension::Limits).put(id, &mut self.wire);
        }
        self.server = Some(server);
        if self.calls.is_empty() {
            self.ready(Limits::default());
        }
        Ok(())
    }

    fn ready(&mut self, limits: Limits) {
        if let Some(server) = &mut self.server {
            server.limits = limits;
            self.out.push_back(Output::Ready(server.clone()));
        }
    }
}

const fn expected(request: &Request<'_>) -> Expected {
    match request {
        Request::Open { .. } | Request::Opendir { .. } => Expected::Handle,
        Request::Read { length, .. } => Expected::Data(*length),
        Request::Readdir { .. } => Expected::Names,
        Request::Realpath { .. } | Request::Readlink { .. } => Expected::Path,
        Request::Lstat { .. } | Request::Stat { .. } | Request::Fstat { .. } => Expected::Attrs,
        Request::Extended(extension) => match extension {
            Extension::Statvfs { .. } | Extension::Fstatvfs { .. } => Expected::Space,
            Extension::ExpandPath { .. } | Extension::HomeDirectory { .. } => Expected::Path,
            Extension::Limits
            | Extension::UsersGroups { .. }
            | Extension::CheckFileName { .. }
            | Extension::CheckFileHandle { .. }
            | Extension::SpaceAvailable { .. }
            | Extension::Other { .. } => Expected::Extended,
            _ => Expected::Status,
        },
        _ => Expected::Status,
    }
}

/// What a reply means to the one who called; an error of its own if it is none that the session can go on behind.
fn answer(expected: Expected, reply: Reply<'_>, packet: &Bytes) -> Result<Result<Answer, Error>, Error> {
    Ok(Ok(match (expected, reply) {
        (Expected::Status | Expected::Written, Reply::Status(Code::OK, _)) => Answer::Done,
        (Expected::Data(_) | Expected::Names, Reply::Status(Code::EOF, _)) => Answer::End,
        (_, Reply::Status(code, message)) if code != Code::OK => return Ok(Err(learned(code, message))),
        (Expected::Handle, Reply::Handle([])) => return Err(Error::with(Reason::NotTheProtocol, "a handle without a byte")),
        (Expected::Handle, Reply::Handle(handle)) if handle.len() <= MOST_HANDLE => Answer::Handle(packet.slice_ref(handle)),
        (Expected::Data(asked), Reply::Data(data)) if data.len() as u64 > u64::from(asked) => {
            let words = format!("{} bytes of a file where at most {asked} were asked for", data.len());
            return Err(Error::with(Reason::NotTheProtocol, words));
        }
        (Expected::Data(_), Reply::Data(data)) => Answer::Data(packet.slice_ref(data)),
        (Expected::Names, Reply::Name(names)) => return Ok(entries(names).map(Answer::Names)),
        (Expected::Path, Reply::Name(mut names)) => match names.next() {
            Some(Ok(name)) => Answer::Path(name.name.into()),
            _ => return Err(Error::with(Reason::NotTheProtocol, "it names nothing")),
        },
        (Expected::Attrs, Reply::Attrs(attrs)) => Answer::Attr(attrs.known(Kind::File)),
        (Expected::Space, Reply::Extended(body)) => match space(body) {
            Some(space) => Answer::Space(space),
            None => return Err(Error::with(Reason::NotTheProtocol, "it does not tell the room there is")),
        },
        (Expected::Extended, Reply::Extended(body)) => Answer::Extended(packet.slice_ref(body)),
        _ => return Err(Error::with(Reason::NotTheProtocol, "its answer does not fit the question")),
    }))
}

/// Names that stay in their folder. A server that tells others is believed in nothing.
fn entries(names: Names<'_>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for name in names {
        let name = name.map_err(|_| Error::with(Reason::NotTheProtocol, "its names are cut"))?;
        match name.name {
            b"." | b".." => continue,
            b"" => return Err(Error::with(Reason::ListingUnsure, "an empty name")),
            bytes if bytes.iter().any(|b| matches!(b, b'/' | 0)) => {
                return Err(Error::with(Reason::ListingUnsure, "a name with a slash or a NUL"));
            }
            bytes => {
                entries.push(Entry { name: bytes.into(), attr: name.attrs.known(kind(&name.attrs, name.long)), target: None })
            }
        }
    }
    Ok(entries)
}

/// Where the attributes do not tell the kind, the line for people does.
const fn kind(attrs: &Attrs, long: &[u8]) -> Kind {
    match (attrs.kind(), long.first()) {
        (Some(kind), _) => kind,
        (None, Some(b'd')) => Kind::Dir,
        (None, Some(b'l')) => Kind::Link,
        (None, Some(b'-') | None) => Kind::File,
        (None, Some(b'b' | b'c' | b'p' | b's')) => Kind::Other,
        (None, _) => Kind::File,
    }
}

fn limits(body: &[u8]) -> Option<Limits> {
    let mut r = Reader::new(body);
    let _packet = r.u64().ok()?;
    // 0 says that there is none.
    let most = |limit: u64| u32::try_from(if limit == 0 { MOST_ASKED } else { limit.min(MOST_ASKED) }).ok();
    Some(Limits { read: most(r.u64().ok()?)?, write: most(r.u64().ok()?)? })
}

fn space(body: &[u8]) -> Option<Space> {
    let mut r = Reader::new(body);
    let mut next = || r.u64().ok();
    let (_, fragment, total, _, free) = (next()?, next()?, next()?, next()?, next()?);
    Some(Space { free: Some(free.saturating_mul(fragment)), total: Some(total.saturating_mul(fragment)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a call that this is the answer to, and of its session.
    fn heard(request: &Request<'_>, answer: &[u8]) -> (Option<Reason>, Option<Reason>) {
        let packet = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
        let mut session = Session::new();
        session.take(&packet(b"\x02\0\0\0\x03"));
        session.call(CallId(1), request);
        session.take(&packet(answer));
        let (mut called, mut ended) = (None, None);
        while let Some(output) = session.poll() {
            match output {
                Output::Answer(CallId(1), result) => called = result.err().map(|e| e.reason),
                Output::Close(error) => ended = Some(error.reason),
                _ => {}
            }
        }
        (called, ended)
    }

    #[test]
    fn no_more_data_than_was_asked_for_and_no_handle_without_a_byte() {
        let wrong = (Some(Reason::NotTheProtocol), Some(Reason::NotTheProtocol));
        let read = Request::Read { handle: b"h", offset: 0, length: 3 };
        assert_eq!(heard(&read, b"\x67\0\0\0\0\0\0\0\x03abc"), (None, None));
        assert_eq!(heard(&read, b"\x67\0\0\0\0\0\0\0\x04abcd"), wrong);
        let folder = Request::Opendir { path: b"/" };
        assert_eq!(heard(&folder, b"\x66\0\0\0\0\0\0\0\x01h"), (None, None));
        assert_eq!(heard(&folder, b"\x66\0\0\0\0\0\0\0\0"), wrong);
        assert_eq!(heard(&folder, b"\x66\0\0\0\x01\0\0\0\x01h"), wrong);
    }
}
