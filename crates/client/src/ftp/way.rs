//! Which way do connections to a server take: straight, or through a proxy? Data connections take the control connection's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use io::clock;
use tokio::net::TcpStream;
use types::Error;

use super::Dial;
use crate::connect::{Family, connect};
use crate::proxy::Proxy;

/// The way to one server.
#[derive(Clone)]
pub(super) enum Way {
    Straight(Family),
    Proxy {
        proxy: Arc<Proxy>,
        family: Family,
        /// The server as it was dialled.
        host: Box<str>,
        /// What the session takes for its address.
        stand_in: SocketAddr,
    },
}

impl Way {
    pub(super) fn new(dial: &Dial) -> Self {
        match &dial.proxy {
            None => Self::Straight(dial.family),
            Some(proxy) => Self::Proxy {
                proxy: proxy.clone(),
                family: dial.family,
                host: dial.host.clone(),
                // Only the proxy knows the address behind a name. None is needed: EPSV tells no address, and that of a 227
                // is replaced by the server's.
                stand_in: SocketAddr::new(dial.host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), dial.port),
            },
        }
    }

    pub(super) const fn is_by_proxy(&self) -> bool {
        matches!(self, Self::Proxy { .. })
    }

    /// The server's own address, of a connection whose peer is `peer`.
    pub(super) const fn far_end(&self, peer: SocketAddr) -> SocketAddr {
        match self {
            Self::Straight(_) => peer,
            Self::Proxy { stand_in, .. } => *stand_in,
        }
    }

    /// The control connection.
    pub(super) async fn connect(&self, host: &str, port: u16, within: Duration) -> Result<TcpStream, Error> {
        match self {
            Self::Straight(family) => connect(host, port, *family, within).await,
            Self::Proxy { proxy, family, .. } => proxy.connect(host, port, *family, within).await,
        }
    }

    /// A data connection; words on why not.
    pub(super) async fn connect_data(&self, to: SocketAddr, within: Duration) -> Result<TcpStream, String> {
        match self {
            Self::Straight(family) => match tokio::time::timeout_at((clock::now() + within).into(), family.connect(to)).await {
                Ok(Ok(tcp)) => Ok(tcp),
                Ok(Err(e)) => Err(format!("{to}: {e}")),
                Err(_) => Err(format!("{to} does not answer")),
            },
            Self::Proxy { proxy, family, host, stand_in } => {
                // The server is named as it was at first: a name may have many addresses, and the proxy chose one.
                let host = if to.ip() == stand_in.ip() { host.to_string() } else { to.ip().to_string() };
                proxy.connect(&host, to.port(), *family, within).await.map_err(|e| e.to_string())
            }
        }
    }
}
