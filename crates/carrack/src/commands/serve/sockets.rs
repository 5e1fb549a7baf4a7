//! Which sockets are listened on? Those handed over at start (systemd), and new ones for all other addresses. Opened
//! before the process gives up its rights and kept without a reactor until there is one.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use types::Reason;

use super::Refused;
use crate::config::Listener;

/// Sockets by the address that the configuration names.
pub(super) struct Sockets {
    open: Vec<(SocketAddr, TcpListener)>,
    /// Sockets that were handed over and that nobody has taken yet.
    given: Vec<(SocketAddr, TcpListener)>,
    /// The same for UDP.
    datagrams: Vec<(SocketAddr, UdpSocket)>,
}

impl Sockets {
    /// Opens one for each listener. Needs a runtime, which may end afterwards.
    pub(super) fn open(listeners: &[Listener]) -> Result<Self, Refused> {
        let inherited =
            io::listen::inherited().map_err(|e| Refused::new("the sockets handed over at start", Reason::Bind, e.to_string()))?;
        let mut given = Vec::new();
        for (_, socket) in inherited.tcp {
            let socket = socket.into_std().map_err(|e| Refused::new("a socket handed over", Reason::Bind, e.to_string()))?;
            given.extend(socket.local_addr().ok().map(|at| (at, socket)));
        }
        let datagrams = inherited.udp.into_iter().filter_map(|socket| Some((socket.local_addr().ok()?, socket))).collect();
        let mut open = Vec::new();
        for listener in listeners {
            let socket = match given.iter().position(|(at, _)| *at == listener.address) {
                Some(i) => given.swap_remove(i).1,
                None => bind(listener.address)?,
            };
            open.push((listener.address, socket));
        }
        Ok(Self { open, given, datagrams })
    }

    /// The socket for an address: one that is open, or a new one.
    pub(super) fn take(&mut self, listener: &Listener) -> Result<TcpListener, Refused> {
        match self.open.iter().position(|(at, _)| *at == listener.address) {
            Some(i) => Ok(self.open.swap_remove(i).1),
            None => self.take_at(listener.address),
        }
    }

    /// The socket for an address: one that was handed over, or a new one.
    pub(super) fn take_at(&mut self, address: SocketAddr) -> Result<TcpListener, Refused> {
        match self.given.iter().position(|(at, _)| *at == address) {
            Some(i) => Ok(self.given.swap_remove(i).1),
            None => bind(address),
        }
    }

    /// The UDP socket for an address, where one was handed over.
    pub(super) fn take_udp(&mut self, address: SocketAddr) -> Option<UdpSocket> {
        let i = self.datagrams.iter().position(|(at, _)| *at == address)?;
        Some(self.datagrams.swap_remove(i).1)
    }

    /// Addresses of sockets that were handed over and that nothing was said of.
    pub(super) fn unused(&self) -> Vec<SocketAddr> {
        self.given.iter().map(|(at, _)| *at).chain(self.datagrams.iter().map(|(at, _)| *at)).collect()
    }

    /// None yet: what a reload begins with.
    pub(super) const fn none() -> Self {
        Self { open: Vec::new(), given: Vec::new(), datagrams: Vec::new() }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Refused> {
    io::listen::bind_tcp(address)
        .and_then(tokio::net::TcpListener::into_std)
        .map_err(|e| Refused::new(format!("cannot listen on {address}"), Reason::Bind, e.to_string()))
}
