//! The client's end of an SFTP session: calls and bytes in, packets and answers out.

mod exchange;
mod session;
mod told;
mod window;

pub use exchange::{Answer, CallId, Limits, Output, Server};
pub use session::Session;
pub use window::{Download, Window};
