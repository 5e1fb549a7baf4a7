//! What do all listeners have in common: how they are stopped, and the form in which they tell addresses?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How a listener is stopped.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Accept no more; sessions end after what they are doing.
    pub gentle: CancellationToken,
    /// End everything where it stands.
    pub now: CancellationToken,
    /// How long the gentle end may take.
    pub drain_within: Duration,
}

/// An IPv4 address mapped into IPv6 is an IPv4 address.
pub(crate) const fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => address, // with its scope
        },
        v4 @ SocketAddr::V4(_) => v4,
    }
}
