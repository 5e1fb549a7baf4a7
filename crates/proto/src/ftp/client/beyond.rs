//! How are two servers brought together, so that a file goes straight from one to the other (RFC 959 §5.2, "FXP")? One listens,
//! the other is told where, and both are given their command.

use std::net::SocketAddr;

use super::exchange::{Form, Line, Outcome};
use super::failure::{Failure, Kind, Wait};
use super::session::{Session, Then, is_positive};
use super::shape::Shape;
use super::transfer::wire;
use crate::ftp::address;
use crate::ftp::data::Type;
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

impl Session {
    /// PASV, or EPSV where addresses are IPv6.
    pub(super) fn have_listen(&mut self, as_client: bool) {
        let by_port = self.peer.is_ipv6();
        let then = move |session: &mut Self, reply: Reply| {
            if !is_positive(&reply) {
                return session.done(Err(Failure::refused(reply)));
            }
            let form = if by_port { Form::Epsv } else { Form::Pasv };
            let at = session.told_address(form, &reply).map(|said| session.believed(said));
            session.done(at.map(Outcome::Address).ok_or_else(|| Failure::said(Kind::Protocol, reply)));
        };
        match (as_client, by_port) {
            (true, _) => self.send_line(Line::raw(b"CPSV"), Wait::Reply, Then::Do(Box::new(then))),
            (false, true) => self.send(Verb::Epsv, b"", then),
            (false, false) => self.send(Verb::Pasv, b"", then),
        }
    }

    pub(super) fn tell_where(&mut self, at: SocketAddr) {
        match at {
            SocketAddr::V4(at) => self.send(Verb::Port, address::print_port(at).as_bytes(), Self::done_with),
            SocketAddr::V6(_) => self.send(Verb::Eprt, address::print_eprt(at).as_bytes(), Self::done_with),
        }
    }

    pub(super) fn move_beyond(&mut self, path: &[u8], offset: u64, store: bool) {
        let line = Line::new(if store { Verb::Stor } else { Verb::Retr }, &wire(path));
        self.with_shape(Shape::plain(Some(Type::Image)), move |session, set| match set {
            Err(failure) => session.done(Err(failure)),
            Ok(()) if offset == 0 => session.command_beyond(line),
            Ok(()) => session.send(Verb::Rest, offset.to_string().as_bytes(), move |session, reply| {
                if reply.code == 350 || is_positive(&reply) {
                    session.command_beyond(line);
                } else {
                    session.done(Err(Failure::said(Kind::NoRestart, reply)));
                }
            }),
        });
    }

    fn command_beyond(&mut self, line: Line) {
        self.beyond = true;
        self.send_line(line, Wait::Beyond, Then::Do(Box::new(Self::done_with)));
    }
}
