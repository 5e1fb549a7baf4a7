//! Which address does a passive reply announce? A function of how the client came in (promise 3).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::watch;
use types::address::is_private;

/// The rule of a listener.
#[derive(Clone, Debug, Default)]
pub struct Announce {
    /// Clients from these networks are told these addresses; the longest network wins.
    pub table: Vec<(IpNet, IpAddr)>,
    /// Everybody else is told this one.
    pub public: Option<Public>,
}

/// A public address, as configured.
#[derive(Clone, Debug)]
pub enum Public {
    /// An address.
    Address(IpAddr),
    /// A name, looked up at start and again from time to time by its owner; `None` while it has no address.
    Name(Arc<str>, watch::Receiver<Option<IpAddr>>),
}

impl Announce {
    /// The address for a client at `peer` whose control connection came to `local`: the table's, else the public
    /// one, else the control connection's own. An announced address of the other family is passed over.
    pub fn to(&self, peer: IpAddr, local: IpAddr) -> IpAddr {
        let (peer, local) = (peer.to_canonical(), local.to_canonical());
        let row = self.table.iter().filter(|(net, ip)| net.contains(&peer) && ip.is_ipv4() == local.is_ipv4());
        if let Some((_, ip)) = row.max_by_key(|(net, _)| net.prefix_len()) {
            return *ip;
        }
        let public = match &self.public {
            Some(Public::Address(ip)) => Some(*ip),
            Some(Public::Name(_, found)) => *found.borrow(),
            None => None,
        };
        public.filter(|ip| ip.is_ipv4() == local.is_ipv4()).unwrap_or(local)
    }

    /// Whether a client is told an address that it cannot reach: private, while the client is not.
    pub fn is_unreachable(peer: SocketAddr, announced: IpAddr) -> bool {
        is_private(announced) && !is_private(peer.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(s: &str) -> IpAddr {
        s.parse().unwrap()
    }

    #[test]
    fn the_table_wins_then_the_public_address_then_the_local_one() {
        let announce = Announce {
            table: vec![("10.0.0.0/8".parse().unwrap(), ip("10.0.0.5")), ("10.1.0.0/16".parse().unwrap(), ip("10.1.0.5"))],
            public: Some(Public::Address(ip("203.0.113.7"))),
        };
        assert_eq!(announce.to(ip("10.2.3.4"), ip("172.17.0.2")), ip("10.0.0.5"));
        assert_eq!(announce.to(ip("10.1.3.4"), ip("172.17.0.2")), ip("10.1.0.5"), "the longest network");
        assert_eq!(announce.to(ip("198.51.100.9"), ip("172.17.0.2")), ip("203.0.113.7"));
        assert_eq!(announce.to(ip("2001:db8::1"), ip("2001:db8::2")), ip("2001:db8::2"), "another family");
        assert_eq!(Announce::default().to(ip("::ffff:10.0.0.1"), ip("::ffff:10.0.0.2")), ip("10.0.0.2"));
    }

    #[test]
    fn a_private_address_is_unreachable_from_outside_only() {
        let outside = "198.51.100.9:1".parse().unwrap();
        assert!(Announce::is_unreachable(outside, ip("10.0.0.5")));
        assert!(!Announce::is_unreachable(outside, ip("203.0.113.7")));
        assert!(!Announce::is_unreachable("10.0.0.9:1".parse().unwrap(), ip("10.0.0.5")));
    }
}
