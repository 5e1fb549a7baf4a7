//! What is in a TFTP packet (RFC 1350 §5, RFC 2347)? Parsed without a copy, printed alike by both ends.

use std::fmt;

use memchr::memchr;

use super::errors::Code;

/// The longest request that is read: what one Ethernet packet holds. RFC 2347 says 512, but only of requests with
/// options, and paths may be long.
pub const MOST_REQUEST: usize = 1_468;

/// Bytes before the data of a DATA packet.
pub const HEADER: usize = 4;

/// A packet, as it lies in the datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    /// RRQ: the peer wants to read a file.
    Read(Request<'a>),
    /// WRQ: the peer wants to write a file.
    Write(Request<'a>),
    /// DATA: a block's number and its bytes.
    Data(u16, &'a [u8]),
    /// ACK: a block's number.
    Ack(u16),
    /// ERROR: why the peer ends the transfer.
    Error(Code, &'a [u8]),
    /// OACK: the options the peer agrees to.
    Options(Pairs<'a>),
}

/// What RRQ and WRQ hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// The file's name, as it came.
    pub name: &'a [u8],
    /// How its bytes stand on the wire.
    pub mode: Mode,
    /// The options asked for.
    pub options: Pairs<'a>,
}

/// How a file's bytes stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As they are.
    Octet,
    /// As text of the network virtual terminal.
    Netascii,
    /// To a person instead of a file: obsolete, and refused.
    Mail,
}

impl Mode {
    /// The name in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Octet => "octet",
            Self::Netascii => "netascii",
            Self::Mail => "mail",
        }
    }

    fn parse(name: &[u8]) -> Option<Self> {
        [Self::Octet, Self::Netascii, Self::Mail].into_iter().find(|mode| name.eq_ignore_ascii_case(mode.name().as_bytes()))
    }
}

/// Names and values of options, each ended by a NUL. What is in it was checked when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pairs<'a>(&'a [u8]);

impl<'a> Pairs<'a> {
    /// The options in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (name, after) = text(rest)?;
            let (value, after) = text(after)?;
            rest = after;
            (!name.is_empty()).then_some((name, value))
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let mut rest = bytes;
        let mut seen: Vec<&[u8]> = Vec::new();
        // Boot ROMs fill requests up with NULs: an option without a name ends the list.
        while rest.first().is_some_and(|&b| b != 0) {
            let (name, after) = text(rest).ok_or(PacketError::Unterminated)?;
            let (_, after) =
                text(after).ok_or(if after.is_empty() { PacketError::Unpaired } else { PacketError::Unterminated })?;
            if seen.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(PacketError::Repeated);
            }
            seen.push(name);
            rest = after;
        }
        Ok(Self(bytes))
    }
}

/// Why bytes are no packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketError {
    /// Too few bytes for its kind.
    Short,
    /// No such kind.
    Opcode(u16),
    /// A text has no NUL behind it.
    Unterminated,
    /// No such mode.
    Mode,
    /// An option has no value.
    Unpaired,
    /// An option stands there twice (RFC 2347: "may only be specified once").
    Repeated,
    /// A request of more bytes than are read.
    TooLong,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the packet is too short",
            Self::Opcode(code) => return write!(f, "there is no operation {code}"),
            Self::Unterminated => "a NUL is missing at the end of a text",
            Self::Mode => "the mode is neither octet nor netascii",
            Self::Unpaired => "an option has no value",
            Self::Repeated => "an option is given twice",
            Self::TooLong => "the request is too long",
        })
    }
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`PacketError`]; what it is answered with, [`super::errors::unreadable`] says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let (opcode, rest) = number(bytes).ok_or(PacketError::Short)?;
        match opcode {
            1 => Ok(Self::Read(request(rest)?)),
            2 => Ok(Self::Write(request(rest)?)),
            3 => number(rest).map(|(block, data)| Self::Data(block, data)).ok_or(PacketError::Short),
            // Bytes behind an ACK mean nothing, and old programs leave some there.
            4 => number(rest).map(|(block, _)| Self::Ack(block)).ok_or(PacketError::Short),
            5 => {
                let (code, rest) = number(rest).ok_or(PacketError::Short)?;
                // An ERROR counts with a broken text too: its sender has gone in any case.
                Ok(Self::Error(Code(code), text(rest).map_or(rest, |(text, _)| text)))
            }
            6 => Ok(Self::Options(Pairs::parse(rest)?)),
            other => Err(PacketError::Opcode(other)),
        }
    }

    /// The packet's bytes.
    pub fn print(&self) -> Vec<u8> {
        match self {
            Self::Read(request) => print_request(1, request),
            Self::Write(request) => print_request(2, request),
            Self::Data(block, data) => [&header(*block)[..], data].concat(),
            Self::Ack(block) => ack(*block).to_vec(),
            Self::Error(code, text) => super::errors::error_as_it_is(*code, text),
            Self::Options(pairs) => print_options(pairs.iter()),
        }
    }
}

/// The four bytes before a block's data.
pub const fn header(block: u16) -> [u8; HEADER] {
    let [high, low] = block.to_be_bytes();
    [0, 3, high, low]
}

/// An ACK.
pub const fn ack(block: u16) -> [u8; 4] {
    let [high, low] = block.to_be_bytes();
    [0, 4, high, low]
}

/// An OACK.
pub fn print_options<N: AsRef<[u8]>, V: AsRef<[u8]>>(options: impl IntoIterator<Item = (N, V)>) -> Vec<u8> {
    let mut packet = vec![0, 6];
    add_options(&mut packet, options);
    packet
}

/// A request with options that are not in a packet yet.
pub fn print_asking<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    writing: bool,
    name: &[u8],
    mode: Mode,
    options: impl IntoIterator<Item = (N, V)>,
) -> Vec<u8> {
    let mut packet = vec![0, if writing { 2 } else { 1 }];
    packet.extend(name.iter().copied().filter(|&b| b != 0));
    packet.push(0);
    packet.extend_from_slice(mode.name().as_bytes());
    packet.push(0);
    add_options(&mut packet, options);
    packet
}

fn print_request(opcode: u8, request: &Request<'_>) -> Vec<u8> {
    print_asking(opcode == 2, request.name, request.mode, request.options.iter())
}

fn add_options<N: AsRef<[u8]>, V: AsRef<[u8]>>(packet: &mut Vec<u8>, options: impl IntoIterator<Item = (N, V)>) {
    for (name, value) in options {
        packet.extend_from_slice(name.as_ref());
        packet.push(0);
        packet.extend_from_slice(value.as_ref());
        packet.push(0);
    }
}

fn request(bytes: &[u8]) -> Result<Request<'_>, PacketError> {
    if bytes.len() + 2 > MOST_REQUEST {
        return Err(PacketError::TooLong);
    }
    let (name, rest) = text(bytes).ok_or(PacketError::Unterminated)?;
    let (mode, rest) = text(rest).ok_or(PacketError::Unterminated)?;
    let mode = Mode::parse(mode).ok_or(PacketError::Mode)?;
    Ok(Request { name, mode, options: Pairs::parse(rest)? })
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*number), rest))
}

/// The bytes before and after the first NUL.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, after) = bytes.split_at_checked(memchr(0, bytes)?)?;
    Some((before, after.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_as_they_come() {
        let Ok(Packet::Read(request)) = Packet::parse(b"\0\x01boot/pxe.0\0OcTeT\0blksize\x001428\0tsize\x000\0") else {
            panic!("a request")
        };
        assert_eq!((request.name, request.mode), (&b"boot/pxe.0"[..], Mode::Octet));
        let options: Vec<_> = request.options.iter().collect();
        assert_eq!(options, [(&b"blksize"[..], &b"1428"[..]), (b"tsize", b"0")]);
        // Filled up with NULs, as some ROMs send it.
        let Ok(Packet::Write(request)) = Packet::parse(b"\0\x02x\0netascii\0\0\0\0\0") else { panic!("a request") };
        assert!(request.options.is_empty() && request.mode == Mode::Netascii);
        // The multicast option has an empty value.
        let Ok(Packet::Read(request)) = Packet::parse(b"\0\x01x\0octet\0multicast\0\0blksize\x008\0") else {
            panic!("a request")
        };
        assert_eq!(request.options.iter().count(), 2);
    }

    #[test]
    fn what_is_no_packet() {
        for (bytes, error) in [
            (&b""[..], PacketError::Short),
            (b"\0", PacketError::Short),
            (b"\0\x03\0", PacketError::Short),
            (b"\0\x04\0", PacketError::Short),
            (b"\0\x05", PacketError::Short),
            (b"\0\0", PacketError::Opcode(0)),
            (b"\0\x07abc", PacketError::Opcode(7)),
            (b"\x01\x01abc", PacketError::Opcode(257)),
            (b"\0\x01abc", PacketError::Unterminated),
            (b"\0\x01abc\0octet", PacketError::Unterminated),
            (b"\0\x01abc\0image\0", PacketError::Mode),
            (b"\0\x01abc\0octet\0blksize\0", PacketError::Unpaired),
            (b"\0\x01abc\0octet\0blksize\x0012", PacketError::Unterminated),
            (b"\0\x06tsize\x001\0TSIZE\x002\0", PacketError::Repeated),
        ] {
            assert_eq!(Packet::parse(bytes), Err(error), "{bytes:?}");
        }
        let long = [b"\0\x01", &vec![b'a'; 10_000][..], b"\0octet\0"].concat();
        assert_eq!(Packet::parse(&long), Err(PacketError::TooLong));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_each_others_reverse(bytes in proptest::collection::vec(0u8..8, 0..40)) {
            let _ = Packet::parse(&bytes);
            let mut framed = vec![0];
            framed.extend(&bytes);
            if let Ok(packet) = Packet::parse(&framed) {
                let printed = packet.print();
                let again = Packet::parse(&printed).unwrap();
                prop_assert_eq!(again.print(), printed);
            }
        }

        #[test]
        fn requests_come_back(name in "[a-z/\\\\.]{0,40}", text in any::<bool>(), size in 0u32..100_000) {
            let mode = if text { Mode::Netascii } else { Mode::Octet };
            let packet = print_asking(text, name.as_bytes(), mode, [("blksize", size.to_string())]);
            let parsed = Packet::parse(&packet).unwrap();
            prop_assert_eq!(parsed.print(), packet);
        }
    }
}
