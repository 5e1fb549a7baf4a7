//! Floor 2: seeing what happened. Events of a session are kept in a bounded ring, drawn as a ladder between client,
//! control connection, data connection and storage, judged by small rules, and read back as test dialogues.

pub mod diagnose;
pub mod dialogue;
pub mod file;
mod frame;
pub mod ladder;
pub mod record;
pub mod ring;
pub mod row;
#[cfg(test)]
mod samples;
pub mod svg;
mod text;

pub use diagnose::{Finding, diagnose};
pub use dialogue::{Dialogue, ParseError, draw, parse};
pub use ladder::{LadderPrinter, Style, ladder};
pub use record::{Capacity, Fan, Nobody, Observer, Recorder, SessionInfo};
pub use ring::Ring;
pub use row::{Row, row};
pub use svg::svg;
