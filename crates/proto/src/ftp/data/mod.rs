//! What TYPE, STRU and MODE do to the bytes of a body, exact across chunk borders (RFC 959 §3).

pub mod ascii;
mod block;
mod compressed;
mod decoder;
mod deflate;
mod ebcdic;
mod encoder;
mod event;
mod form;
mod pages;
mod stream;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, FULL, Mark, Progress};
pub use ebcdic::CodePage;
pub use encoder::Encoder;
pub use form::{Control, Form, Level, Mode, Structure, Type};

/// What MODE C's filler strings repeat (RFC 959 §3.4.3): a space in text, zero else.
const fn filler(kind: Type) -> u8 {
    match kind {
        Type::Ascii => b' ',
        Type::Ebcdic => 0x40,
        Type::Image => 0,
    }
}
