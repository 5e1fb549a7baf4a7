//! Which TYPE, STRU and MODE hold on the server, and what is sent so that others do (RFC 959 §4.1.2)?

use super::failure::Failure;
use super::session::{Session, is_positive};
use crate::ftp::data::{Form, Mode, Structure, Type};
use crate::ftp::verb::Verb;

/// What comes behind the last of those commands.
type Then = Box<dyn FnOnce(&mut Session, Result<(), Failure>) + Send>;

/// What holds, or shall hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    /// TYPE; unknown before it was set, and none is wished for where it does not matter.
    pub(super) kind: Option<Type>,
    pub(super) structure: Structure,
    pub(super) mode: Mode,
}

impl Shape {
    /// As a session begins (RFC 959 §5.1), for bytes of this TYPE.
    pub(super) const fn plain(kind: Option<Type>) -> Self {
        Self { kind, structure: Structure::File, mode: Mode::Stream }
    }

    pub(super) const fn of(form: Form) -> Self {
        Self { kind: Some(form.kind), structure: form.structure, mode: form.mode }
    }

    /// The next command that is needed to come to `wanted`, and what holds then.
    fn towards(self, wanted: Self) -> Option<(Verb, &'static [u8], Self)> {
        if self.mode != wanted.mode {
            let word: &[u8] = match wanted.mode {
                Mode::Stream => b"S",
                Mode::Block => b"B",
                Mode::Compressed => b"C",
                Mode::Deflate => b"Z",
            };
            return Some((Verb::Mode, word, Self { mode: wanted.mode, ..self }));
        }
        if self.structure != wanted.structure {
            let word: &[u8] = match wanted.structure {
                Structure::File => b"F",
                Structure::Record => b"R",
                Structure::Page => b"P",
            };
            return Some((Verb::Stru, word, Self { structure: wanted.structure, ..self }));
        }
        let kind = wanted.kind.filter(|kind| self.kind != Some(*kind))?;
        let word: &[u8] = match kind {
            Type::Ascii => b"A",
            Type::Ebcdic => b"E",
            Type::Image => b"I",
        };
        Some((Verb::Type, word, Self { kind: Some(kind), ..self }))
    }
}

impl Session {
    /// Sets what is not set yet before `then`, and leaves the data connection that many files share where MODE B ends.
    pub(super) fn with_shape(&mut self, wanted: Shape, then: impl FnOnce(&mut Self, Result<(), Failure>) + Send + 'static) {
        let Some((verb, word, next)) = self.shape.towards(wanted) else { return then(self, Ok(())) };
        let then: Then = Box::new(then);
        self.send(verb, word, move |session, reply| {
            if !is_positive(&reply) {
                if verb == Verb::Type {
                    session.shape.kind = None;
                }
                return then(session, Err(Failure::refused(reply)));
            }
            session.shape = next;
            if verb == Verb::Mode {
                session.end_lane();
            }
            session.with_shape(wanted, then);
        });
    }
}
