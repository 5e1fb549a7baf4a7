//! SFTP version 3: its packets and both ends' sessions (draft-ietf-secsh-filexfer-02, OpenSSH's PROTOCOL file).

pub mod attrs;
pub mod client;
pub mod digest;
pub mod errors;
pub mod extension;
pub mod frame;
pub mod reply;
pub mod request;
pub mod server;
pub mod wire;

/// The version both ends speak; later drafts were given up by those who wrote them.
pub const VERSION: u32 = 3;

/// The longest packet that is taken, in bytes without its length field: what OpenSSH takes.
pub const MOST_PACKET: usize = 256 * 1_024;

/// The most bytes of a file in one READ or WRITE: a packet less room for what stands around them.
pub const MOST_DATA: usize = MOST_PACKET - 1_024;

/// The longest handle there may be, in bytes (draft-ietf-secsh-filexfer-02 §6.3).
pub const MOST_HANDLE: usize = 256;
