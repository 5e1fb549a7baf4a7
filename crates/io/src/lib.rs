//! Floor 1: everything that moves bytes or waits. No protocol is known here.

pub mod body;
pub mod buffer;
pub mod clock;
pub mod connect;
pub mod gss;
pub mod listen;
pub mod meter;
pub mod neighbour;
pub mod ports;
pub mod proxy;
pub mod pump;
pub mod stream;
pub mod task;
pub mod tls;
pub mod udp;

pub use tokio_util::sync::CancellationToken;
