//! Which group does a client join that wants to hear a file together with others (RFC 2090)? The groups there are, and the
//! address each has for itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use io::meter::Meter;
use io::task::{Children, Workers};
use io::udp::AnyPlace;
use ipnet::IpNet;
use proto::tftp::Failure;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use types::{Reason, Time, VPath};

use super::Listener;
use super::group::Driver;

/// The groups that a listener may make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Groups {
    /// Addresses for them: each file under way has one of its own, with a port.
    pub networks: Vec<IpNet>,
    /// Ports for them.
    pub ports: RangeInclusive<u16>,
    /// Fewer routers than this are passed.
    pub hops: u8,
    /// The interface they are on; where there is none, the one that has the address that was asked.
    pub interface: Option<Box<str>>,
}

/// No more addresses of one network are used: transfers are fewer.
const MOST_ADDRESSES: u128 = 65_536;

impl Groups {
    /// The place of this number, counted through all ports and addresses of a family; `None` where the family has none.
    fn place(&self, v4: bool, number: u64) -> Option<SocketAddr> {
        let networks = || self.networks.iter().filter(|net| net.addr().is_ipv4() == v4);
        let addresses: u128 = networks().map(addresses_of).sum();
        let ports = u128::from(self.ports.end().checked_sub(*self.ports.start())?) + 1;
        let number = u128::from(number).checked_rem(addresses * ports)?;
        let port = self.ports.start().checked_add(u16::try_from(number / addresses).ok()?)?;
        let mut left = number % addresses;
        for net in networks() {
            let here = addresses_of(net);
            if left < here {
                return Some(SocketAddr::new(add(net.network(), left), port));
            }
            left -= here;
        }
        None
    }
}

fn addresses_of(net: &IpNet) -> u128 {
    let bits = u32::from(net.max_prefix_len() - net.prefix_len());
    1_u128.checked_shl(bits).unwrap_or(u128::MAX).min(MOST_ADDRESSES)
}

fn add(ip: IpAddr, more: u128) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().saturating_add(u32::try_from(more).unwrap_or(u32::MAX))).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().saturating_add(more)).into(),
    }
}

/// What tells the group of one file from others: who hears it gets the same bytes in the same blocks, from the same address.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    /// The address that was asked.
    pub(super) local: IpAddr,
    pub(super) user: Box<str>,
    pub(super) path: VPath,
    pub(super) size: u64,
    pub(super) modified: Option<Time>,
    pub(super) unique: Option<(u64, u64)>,
    pub(super) blksize: u16,
}

/// A client that wants to hear a file.
pub(super) struct Member {
    /// The number of its transfer.
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    /// What it was granted besides.
    pub(super) options: Vec<(&'static str, String)>,
    pub(super) meter: Meter,
    /// What becomes of it.
    pub(super) words: mpsc::UnboundedSender<Word>,
}

/// What a group tells the transfer of a member.
#[derive(Debug)]
pub(super) enum Word {
    /// It was sent this OACK.
    Said(Box<str>),
    /// It has answered.
    Heard,
    /// It has left: how, and what of ours was at fault.
    Left(Result<(), Failure>, Option<Reason>),
}

/// What a group is told.
pub(super) enum Message {
    /// Somebody joins.
    Join(Member),
    /// Somebody asks again.
    Again(u64),
    /// A transfer has ended on our side; the client is told why, if it is told anything.
    Leave(u64, Option<Reason>),
}

/// A wish to join.
pub(super) struct Join {
    pub(super) key: Key,
    pub(super) source: AnyPlace,
    pub(super) listener: Arc<Listener>,
    pub(super) member: Member,
    /// Where the group is told of what comes; nothing comes where there is no group to be had.
    pub(super) place: oneshot::Sender<mpsc::UnboundedSender<Message>>,
}

/// A group that runs.
struct Running {
    at: SocketAddr,
    messages: mpsc::UnboundedSender<Message>,
}

/// The groups of one listener.
#[derive(Default)]
pub(super) struct Book {
    running: HashMap<Key, Running>,
    turn: u64,
}

impl Book {
    /// Has a client join the group of its file, which begins with the first.
    pub(super) fn join(&mut self, join: Join, children: &mut Children, workers: &Workers, stop: &CancellationToken) {
        // Those that have ended have closed their ears.
        self.running.retain(|_, group| !group.messages.is_closed());
        let Join { key, source, listener, member, place } = join;
        let mut message = Message::Join(member);
        if let Some(group) = self.running.get(&key) {
            match group.messages.send(message) {
                Ok(()) => {
                    let _ = place.send(group.messages.clone());
                    return;
                }
                Err(back) => message = back.0,
            }
        }
        let Some(at) = self.free(&listener, key.local.is_ipv4()) else { return };
        let (messages, inbox) = mpsc::unbounded_channel();
        let driver = Driver::new(listener, &key, at, source, inbox);
        if messages.send(message).is_ok() && place.send(messages.clone()).is_ok() {
            children.spawn_on("tftp group", &workers.turn(), stop, Box::pin(driver.run()));
            self.running.insert(key, Running { at, messages });
        }
    }

    /// An address and port that no group has; those just left rest longest.
    fn free(&mut self, listener: &Listener, v4: bool) -> Option<SocketAddr> {
        let groups = listener.groups.as_ref()?;
        for _ in 0..=self.running.len() {
            let at = groups.place(v4, self.turn)?;
            self.turn += 1;
            if self.running.values().all(|group| group.at != at) {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_an_address_or_a_port_of_its_own() {
        let groups = |networks: &[&str], ports| Groups {
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
            ports,
            hops: 1,
            interface: None,
        };
        let few = groups(&["239.1.2.4/31", "ff15::9/128", "239.9.9.9/32"], 1758..=1759);
        let all: Vec<String> = (0..7).map(|n| few.place(true, n).unwrap().to_string()).collect();
        let expected =
            ["239.1.2.4:1758", "239.1.2.5:1758", "239.9.9.9:1758", "239.1.2.4:1759", "239.1.2.5:1759", "239.9.9.9:1759"];
        assert_eq!(all[..6], expected);
        assert_eq!(all[6], expected[0]);
        assert_eq!(few.place(false, 1).unwrap().to_string(), "[ff15::9]:1759");
        assert_eq!(groups(&["ff15::/16"], 1..=65_535).place(true, 0), None);
        let wide = groups(&["ff15::/16"], 1..=65_535);
        assert_eq!(wide.place(false, u64::MAX).map(|at| at.is_ipv6()), Some(true));
    }
}
