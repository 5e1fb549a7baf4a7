//! What is told of a session to who looks on? Requests and answers as lines; reads and writes, of which there may be thousands,
//! as one line for each run.

use std::collections::VecDeque;

use super::exchange::Output;
use crate::sftp::errors::Code;
use crate::sftp::extension::Extension;
use crate::sftp::reply::Reply;
use crate::sftp::request::Request;

/// Which requests are counted and not told one by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bulk {
    Read,
    Write,
}

/// A run of them: how many reads brought bytes, or writes were sent, and how many bytes.
#[derive(Clone, Copy, Default, Debug)]
struct Run {
    requests: u64,
    bytes: u64,
}

impl Run {
    const fn add(&mut self, length: u64) {
        self.requests += 1;
        self.bytes = self.bytes.saturating_add(length);
    }
}

/// What is told.
#[derive(Default, Debug)]
pub(super) struct Told {
    on: bool,
    reads: Run,
    writes: Run,
}

impl Told {
    pub(super) const fn turn_on(&mut self) {
        self.on = true;
    }

    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// A request was sent. A run ends where a file is synced or closed.
    pub(super) fn said(&mut self, request: &Request<'_>, out: &mut VecDeque<Output>) {
        if !self.on || matches!(request, Request::Read { .. }) {
            return;
        }
        if matches!(request, Request::Close { .. } | Request::Extended(Extension::Fsync { .. })) {
            self.end_runs(out);
        }
        out.push_back(Output::Said(request.to_string().into()));
    }

    /// A write of so many bytes was sent: the close behind it does not wait for the answer.
    pub(super) const fn wrote(&mut self, length: u64) {
        if self.on {
            self.writes.add(length);
        }
    }

    /// An answer came, and to what.
    pub(super) fn heard(&mut self, bulk: Option<Bulk>, reply: &Reply<'_>, out: &mut VecDeque<Output>) {
        if !self.on {
            return;
        }
        match (bulk, reply) {
            (Some(Bulk::Read), Reply::Data(data)) => self.reads.add(data.len() as u64),
            // The end of a file is looked for with each, and says nothing; nor does it that a write was done.
            (Some(Bulk::Read), Reply::Status(Code::EOF, _)) | (Some(Bulk::Write), Reply::Status(Code::OK, _)) => {}
            _ => out.push_back(Output::Heard(reply.to_string().into())),
        }
    }

    /// What the server says of itself.
    pub(super) fn version(&self, version: u32, extensions: &[Box<[u8]>], out: &mut VecDeque<Output>) {
        if !self.on {
            return;
        }
        let mut text = format!("VERSION {version}");
        for name in extensions {
            text.push(' ');
            text.push_str(&types::text::printable(&String::from_utf8_lossy(name)));
        }
        out.push_back(Output::Heard(text.into()));
    }

    pub(super) fn end_runs(&mut self, out: &mut VecDeque<Output>) {
        for (name, run) in [("READ", std::mem::take(&mut self.reads)), ("WRITE", std::mem::take(&mut self.writes))] {
            if run.requests > 0 {
                let times = if run.requests == 1 { "once".to_owned() } else { format!("{} times", run.requests) };
                out.push_back(Output::Said(format!("{name} {times}, {} bytes", run.bytes).into()));
            }
        }
    }
}
