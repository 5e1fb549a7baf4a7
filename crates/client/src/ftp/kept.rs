//! How does one of many files go over a data connection that stays open for the next (MODE B)?

use std::time::Duration;

use io::body::{Sink, Source};
use io::meter::Meter;
use io::pump::{self, PumpError};
use io::stream::Stream;
use proto::ftp::client::OpId;
use proto::ftp::data::{Form, Mode};
use types::Direction;

use super::shape::{FromWire, ToWire};

const FORM: Form = Form { mode: Mode::Block, ahead: true, ..Form::IMAGE };

/// A file that is to move.
pub(super) struct Order {
    pub(super) op: OpId,
    pub(super) cargo: Cargo,
    pub(super) meter: Meter,
    /// How long no byte may move.
    pub(super) stall: Duration,
}

/// Where it comes from or goes to.
pub(super) enum Cargo {
    Into(Sink),
    From(Source),
}

impl Order {
    pub(super) const fn direction(&self) -> Direction {
        match self.cargo {
            Cargo::Into(_) => Direction::Out,
            Cargo::From(_) => Direction::In,
        }
    }

    /// Moves it and tells how many bytes of the file that were; the sink is the caller's again.
    pub(super) async fn carry(self, stream: &mut Stream) -> (Option<Sink>, Result<u64, PumpError>) {
        match self.cargo {
            Cargo::Into(mut sink) => {
                let mut blocks = FromWire::new(FORM);
                let came = pump::receive(stream, &mut sink, Some(&mut blocks), &self.meter, self.stall).await;
                (Some(sink), came.map(|_| blocks.bytes))
            }
            Cargo::From(source) => {
                let mut blocks = ToWire::new(FORM);
                let sent = pump::send(stream, source, Some(&mut blocks), &self.meter, self.stall).await;
                (None, sent.map(|_| blocks.bytes))
            }
        }
    }
}
