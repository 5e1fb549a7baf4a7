//! Which TYPE, STRU and MODE hold for a body (RFC 959 §3.1 and §3.4).

use super::ebcdic::CodePage;

/// How the bytes of a file stand for characters (TYPE).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Type {
    /// A: NVT-ASCII, lines end with CRLF (RFC 959 §3.1.1.1).
    #[default]
    Ascii,
    /// E: EBCDIC, lines end with NL (RFC 959 §3.1.1.2).
    Ebcdic,
    /// I, and L 8: bytes as they are (RFC 959 §3.1.1.3 and §3.1.1.4).
    Image,
}

/// What moves the paper (RFC 959 §3.1.1.5). A file here keeps its controls as they came and sends them so again:
/// whichever is named, what was stored comes back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Control {
    /// N: nothing in the file.
    #[default]
    NonPrint,
    /// T: CR, LF, NL, VT and FF.
    Telnet,
    /// C: the first character of each line, as FORTRAN has it (ASA).
    Asa,
}

/// How a file is made up (STRU; RFC 959 §3.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Structure {
    /// F: a run of bytes.
    #[default]
    File,
    /// R: records. A record is a line of the file here; the LF that ends it does not travel.
    Record,
    /// P: numbered pages.
    Page,
}

/// How a body travels (MODE; RFC 959 §3.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// S: as it is; its end is the end of the data connection.
    #[default]
    Stream,
    /// B: in blocks with headers, which mark the end themselves.
    Block,
    /// C: in strings, repeated bytes shortened.
    Compressed,
    /// Z: as in S, deflated (draft-preston-ftpext-deflate).
    Deflate,
}

/// All that decides what a body's bytes become on their way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Form {
    /// TYPE.
    pub kind: Type,
    /// The second word of TYPE A and E.
    pub control: Control,
    /// STRU.
    pub structure: Structure,
    /// MODE.
    pub mode: Mode,
    /// Which EBCDIC is meant by TYPE E.
    pub page: CodePage,
    /// How hard MODE Z tries.
    pub level: Level,
    /// In MODE B the next body may follow at once (OPTS MODE B BODIES): what stands behind the end is no part of this one.
    pub ahead: bool,
}

/// How hard MODE Z tries: 1 is fast, 9 is small.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Level(u8);

impl Level {
    /// A level, from 0 (no compression) to 9.
    pub const fn new(level: u8) -> Option<Self> {
        if level <= 9 { Some(Self(level)) } else { None }
    }

    /// As a number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    fn default() -> Self {
        Self(6)
    }
}

impl Form {
    /// Bytes as they are, in MODE S.
    pub const IMAGE: Self = Self { kind: Type::Image, ..Self::ASCII };
    /// TYPE A in MODE S, as a session begins (RFC 959 §5.1).
    pub const ASCII: Self = Self {
        kind: Type::Ascii,
        control: Control::NonPrint,
        structure: Structure::File,
        mode: Mode::Stream,
        page: CodePage::Ibm1047,
        level: Level(6),
        ahead: false,
    };

    /// Whether what travels is the file, byte by byte.
    pub const fn is_plain(&self) -> bool {
        matches!((self.kind, self.structure, self.mode), (Type::Image, Structure::File, Mode::Stream))
    }

    /// Whether what is stored is the file, byte by byte, however it travels.
    pub const fn is_image(&self) -> bool {
        matches!((self.kind, self.structure), (Type::Image, Structure::File))
    }

    /// Whether the body marks its end itself, so that the data connection can stay (RFC 959 §3.3).
    pub const fn keeps_connection(&self) -> bool {
        matches!(self.mode, Mode::Block | Mode::Compressed)
    }

    /// Whether restart markers travel in the body (RFC 959 §3.5). Pages carry numbers that only count from the start.
    pub const fn has_markers(&self) -> bool {
        self.keeps_connection() && !matches!(self.structure, Structure::Page)
    }

    /// Whether REST names a byte of the representation, as RFC 3659 §5 has it for MODE S.
    pub const fn has_offsets(&self) -> bool {
        !self.keeps_connection() && matches!(self.structure, Structure::File)
    }
}
