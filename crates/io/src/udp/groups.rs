//! How do datagrams reach a group of machines (RFC 1112; RFC 3493 §5.2)? Over which interface they leave, and how far they go.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use rustix::net::sockopt::{
    set_ip_multicast_if_with_ifindex, set_ip_multicast_ttl, set_ipv6_multicast_hops, set_ipv6_multicast_if,
};

use super::Datagrams;

impl Datagrams {
    /// Has datagrams to groups pass fewer than `hops` routers, and leave over the interface of this name; where none is
    /// named, over the one that has the socket's own address.
    ///
    /// # Errors
    /// The system's: above all that there is no such interface.
    pub fn speak_to_groups(&self, hops: u8, interface: Option<&str>) -> io::Result<()> {
        let own = self.local().ip();
        let index = match interface {
            Some(name) => Some(if_nametoindex(name)?),
            None => interface_of(own),
        };
        if own.is_ipv4() {
            set_ip_multicast_ttl(&self.socket, hops.into())?;
            if let Some(index) = index {
                let any = Ipv4Addr::UNSPECIFIED;
                set_ip_multicast_if_with_ifindex(&self.socket, &any, &any, index)?;
            }
        } else {
            set_ipv6_multicast_hops(&self.socket, hops.into())?;
            if let Some(index) = index {
                set_ipv6_multicast_if(&self.socket, index)?;
            }
        }
        Ok(())
    }
}

/// The interface that has an address.
fn interface_of(ip: IpAddr) -> Option<u32> {
    let has = |address: &nix::sys::socket::SockaddrStorage| match ip {
        IpAddr::V4(v4) => address.as_sockaddr_in().is_some_and(|a| a.ip() == v4),
        IpAddr::V6(v6) => address.as_sockaddr_in6().is_some_and(|a| a.ip() == v6),
    };
    let found = getifaddrs().ok()?.find(|i| i.address.as_ref().is_some_and(has))?;
    if_nametoindex(found.interface_name.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;
    use crate::udp::Inbox;

    #[tokio::test]
    async fn all_of_a_group_hear_what_is_sent_to_it() {
        let sender = Datagrams::bind("127.0.0.1:0".parse().unwrap(), true).unwrap();
        for interface in [None, Some("lo")] {
            sender.speak_to_groups(1, interface).unwrap();
            let listener = Datagrams::bind("0.0.0.0:0".parse().unwrap(), true).unwrap();
            let group = Ipv4Addr::new(239, 255, 77, 1);
            socket2::SockRef::from(&listener.socket).join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
            let to = SocketAddr::new(group.into(), listener.local().port());
            sender.send(&sender.route(to, None), b"hello", 5).await.unwrap();
            let mut inbox = Inbox::new(1, 100);
            tokio::time::timeout(Duration::from_secs(30), listener.receive(&mut inbox)).await.expect("a packet").unwrap();
            let came = inbox.iter().next().unwrap();
            assert_eq!((came.bytes, came.from), (&b"hello"[..], sender.local()));
        }
        assert!(sender.speak_to_groups(1, Some("no-such-one")).is_err());
        let six = Datagrams::bind("[::1]:0".parse().unwrap(), true).unwrap();
        six.speak_to_groups(3, None).unwrap();
        assert_eq!(rustix::net::sockopt::ipv6_multicast_hops(&six.socket).unwrap(), 3);
        assert_eq!(rustix::net::sockopt::ipv6_multicast_if(&six.socket).ok(), if_nametoindex("lo").ok());
    }
}
