//! Which sockets are listened on? Those handed over at start (systemd), and new ones for all other addresses. Opened
//! before the process gives up its rights and kept without a reactor until there is one.

use std::net::{SocketAddr, TcpListener};

use types::Reason;

use super::Refused;
use crate::config::Listener;

/// Sockets by the address that the configuration names.
pub(super) struct Sockets {
    open: Vec<(SocketAddr, TcpListener)>,
    /// Addresses of sockets that were handed over and that nothing was said of.
    pub(super) unused: Vec<SocketAddr>,
}

impl Sockets {
    /// Opens one for each listener. Needs a runtime, which may end afterwards.
    pub(super) fn open(listeners: &[Listener]) -> Result<Self, Refused> {
        let inherited =
            io::listen::inherited().map_err(|e| Refused::new("the sockets handed over at start", Reason::Bind, e.to_string()))?;
        let mut given = Vec::new();
        for (_, socket) in inherited {
            let socket = socket.into_std().map_err(|e| Refused::new("a socket handed over", Reason::Bind, e.to_string()))?;
            given.extend(socket.local_addr().ok().map(|at| (at, socket)));
        }
        let mut open = Vec::new();
        for listener in listeners {
            let socket = match given.iter().position(|(at, _)| *at == listener.address) {
                Some(i) => given.swap_remove(i).1,
                None => bind(listener)?,
            };
            open.push((listener.address, socket));
        }
        Ok(Self { open, unused: given.into_iter().map(|(at, _)| at).collect() })
    }

    /// The socket for an address: one that is open, or a new one.
    pub(super) fn take(&mut self, listener: &Listener) -> Result<TcpListener, Refused> {
        match self.open.iter().position(|(at, _)| *at == listener.address) {
            Some(i) => Ok(self.open.swap_remove(i).1),
            None => bind(listener),
        }
    }

    /// None yet: what a reload begins with.
    pub(super) const fn none() -> Self {
        Self { open: Vec::new(), unused: Vec::new() }
    }
}

fn bind(listener: &Listener) -> Result<TcpListener, Refused> {
    io::listen::bind_tcp(listener.address)
        .and_then(tokio::net::TcpListener::into_std)
        .map_err(|e| Refused::new(format!("cannot listen on {}", listener.address), Reason::Bind, e.to_string()))
}
