//! SCP, the old copy protocol: its messages, its command line, and what a server does for both directions. No draft has
//! it; it is what rcp and OpenSSH's `scp -O` speak. The client's part is in `fetch` and `give`.

pub mod command;
pub mod fetch;
pub mod give;
pub mod message;
pub mod sink;
pub mod source;

pub use command::{Command, Way};
pub use fetch::Fetch;
pub use give::Give;
pub use sink::Sink;
pub use source::Source;

/// The longest message, in bytes: a letter, two numbers and a name, or words for people.
pub const MOST_MESSAGE: usize = 8 * 1_024;

/// How deep folders may lie in each other.
pub const MOST_DEPTH: usize = 128;
