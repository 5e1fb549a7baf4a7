//! How does a data connection come about: EPSV, PASV, EPRT, PORT, and which of them is tried next (RFC 2428, RFC 959 §4.1.2)?

use std::net::{IpAddr, SocketAddr};

use super::exchange::{DataFault, DataId, Form, Note, Output};
use super::failure::{Failure, Kind};
use super::session::{Session, is_positive};
use super::transfer::Transfer;
use crate::ftp::address;
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

/// The ways to a data connection that may be tried, and how far one has come. Remembered for the whole session.
#[derive(Debug)]
pub(super) struct Ways {
    forms: Vec<Form>,
    at: usize,
    /// Those given up, and what each of them failed of.
    tried: Vec<(Form, Box<str>)>,
    /// One worked: it is not given up for a failure that may have any cause.
    pub(super) proven: bool,
}

impl Ways {
    pub(super) fn new(forms: &[Form], ipv4: bool) -> Self {
        let usable = forms.iter().copied().filter(|form| ipv4 || matches!(form, Form::Epsv | Form::Eprt | Form::Unsaid));
        Self { forms: usable.collect(), at: 0, tried: Vec::new(), proven: false }
    }

    pub(super) fn form(&self) -> Option<Form> {
        self.forms.get(self.at).copied()
    }

    /// The next way, now that the one at hand has failed. Behind the last one all begins anew, for the next transfer.
    fn next(&mut self, why: &str) -> Option<Form> {
        self.tried.extend(self.form().map(|form| (form, why.into())));
        self.at += 1;
        let next = self.form();
        if next.is_none() {
            self.at = 0;
        }
        next
    }

    /// What each of the ways failed of, for people; begun anew.
    fn told(&mut self) -> Option<String> {
        let tried = std::mem::take(&mut self.tried);
        (tried.len() > 1)
            .then(|| tried.iter().map(|(form, why)| format!("{}: {why}", form.name())).collect::<Vec<_>>().join("; "))
    }
}

impl Session {
    /// Asks for the data connection of the transfer at hand.
    pub(super) fn open_data(&mut self, mut transfer: Transfer) {
        let protected = self.welcome.data_protected;
        let Some(form) = self.ways.form() else {
            let detail = "no way to a data connection is left that this address family can use";
            return self.transfer_failed(transfer, Failure::because(Kind::DataNeverCame, detail));
        };
        let id = self.new_data();
        // Nothing of the answer to EPSV or PASV changes the command behind it, once they are known to work. REST must be
        // answered first: a transfer from the wrong byte on would do harm.
        let at_once = self.settings.pipeline && self.ways.proven && form.is_passive() && transfer.plan.rest == 0;
        (transfer.id, transfer.form, transfer.since) = (id, form, self.now);
        self.transfer = Some(transfer);
        match form.verb() {
            Some(verb @ (Verb::Epsv | Verb::Pasv)) => {
                self.send(verb, b"", move |session, reply| session.passive_told(id, form, reply));
                if at_once {
                    self.command();
                }
            }
            Some(_) => self.emit(Output::Listen(id, SocketAddr::new(self.local.ip(), 0), protected)),
            None => self.emit(Output::Listen(id, self.local, protected)),
        }
    }

    fn passive_told(&mut self, id: DataId, form: Form, reply: Reply) {
        let Some(transfer) = self.transfer.as_mut().filter(|t| t.id == id && !t.is_ending()) else { return };
        transfer.since = self.now;
        let Some(said) = self.told_address(form, &reply) else {
            let kind = if is_positive(&reply) { Kind::Protocol } else { Kind::DataNeverCame };
            return self.form_failed(Failure::said(kind, reply));
        };
        let used = self.believed(said);
        if used != said {
            self.note(Note::AddressReplaced { said, used });
        }
        let protected = self.welcome.data_protected;
        self.emit(Output::Connect(id, used, protected));
        if let Some(transfer) = self.transfer.as_mut() {
            transfer.connecting = true;
        }
        if self.ways.proven {
            self.command(); // the server may look for its file while we connect
        }
    }

    /// Where the server says that it listens, if it does.
    pub(super) fn told_address(&self, form: Form, reply: &Reply) -> Option<SocketAddr> {
        match (form, is_positive(reply)) {
            (Form::Epsv, true) => address::parse_229(&reply.text).ok().map(|port| SocketAddr::new(self.peer.ip(), port)),
            (_, true) => address::parse_227(&reply.text).ok().filter(|at| at.port() != 0).map(SocketAddr::V4),
            (_, false) => None,
        }
    }

    /// The address that is connected to, of the one that a 227 said. A server that names another host may be behind NAT and
    /// not know it, or wants us to knock on somebody's door.
    pub(super) fn believed(&self, said: SocketAddr) -> SocketAddr {
        let (peer, ip) = (self.peer.ip(), said.ip());
        let useless = ip.is_unspecified() || (types::address::is_private(ip) && !types::address::is_private(peer));
        if ip == peer || (self.settings.believe_passive_address && !useless) { said } else { SocketAddr::new(peer, said.port()) }
    }

    pub(super) fn listening(&mut self, id: DataId, at: SocketAddr) {
        let now = self.now;
        let wanted = |t: &&mut Transfer| t.id == id && !t.form.is_passive() && !t.told && !t.is_ending();
        let Some(transfer) = self.transfer.as_mut().filter(wanted) else { return };
        (transfer.since, transfer.told) = (now, true);
        let form = transfer.form;
        let Some(verb) = form.verb() else { return self.command() };
        let ip: IpAddr = self.settings.active_address.unwrap_or_else(|| at.ip().to_canonical());
        let argument = match (form, ip) {
            (Form::Port, IpAddr::V4(v4)) => address::print_port(std::net::SocketAddrV4::new(v4, at.port())),
            _ => address::print_eprt(SocketAddr::new(ip, at.port())),
        };
        self.send(verb, argument.as_bytes(), move |session, reply| {
            if session.transfer.as_ref().is_none_or(|t| t.id != id || t.is_ending()) {
                return;
            }
            if is_positive(&reply) { session.command() } else { session.form_failed(Failure::said(Kind::DataNeverCame, reply)) }
        });
    }

    /// This way came to nothing before a transfer began: the next one, unless this one has worked before.
    pub(super) fn form_failed(&mut self, failure: Failure) {
        let Some(transfer) = self.transfer.take() else { return };
        self.emit(Output::Cut(transfer.id));
        let form = transfer.form;
        let why = failure.in_brief();
        let next = if self.ways.proven { None } else { self.ways.next(&why) };
        let Some(next) = next else {
            let kind = if failure.kind == Kind::Timeout { Kind::DataNeverCame } else { failure.kind };
            let failure = match self.ways.told() {
                Some(all) => Failure::because(kind, all),
                None => Failure { kind, ..failure },
            };
            return self.transfer_failed(transfer, failure);
        };
        self.note(Note::FormFailed { form, next, why: why.into() });
        let again = Transfer::new(transfer.plan, self.now);
        self.open_data(again);
    }

    pub(super) fn fault(fault: &DataFault) -> Failure {
        let kind = match fault {
            DataFault::NotMade(_) => Kind::DataNeverCame,
            DataFault::Tls(_) => Kind::Tls,
            DataFault::Broken(_) => Kind::Cut,
            DataFault::Local(_) => Kind::Local,
        };
        Failure::because(kind, fault.to_string())
    }
}
