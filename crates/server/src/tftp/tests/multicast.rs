//! Files that clients hear together (RFC 2090), over loopback: the test plays the clients packet by packet.
#![allow(clippy::disallowed_methods, reason = "tests make files")]

use std::net::{Ipv4Addr, UdpSocket};

use tempfile::TempDir;
use vfs::{LocalSettings, LocalStorage};

use proto::tftp::packet::print_options;

use super::super::multicast::Groups;
use super::*;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 4);

/// A server of a file of 2500 bytes whose groups have this port, and a socket that hears them.
struct Stage {
    server: Server,
    ears: Datagrams,
    port: u16,
    file: Vec<u8>,
    _folder: TempDir,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Listener)) -> Self {
        let ears = UdpSocket::bind("0.0.0.0:0").unwrap();
        ears.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        ears.set_nonblocking(true).unwrap();
        let port = ears.local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let file = bytes(2_500);
        std::fs::write(folder.path().join("f"), &file).unwrap();
        let storage = LocalStorage::open(folder.path(), LocalSettings::default()).unwrap();
        let server = Server::over(Arc::new(storage), "127.0.0.1:0", |listener| {
            let networks = vec![ipnet::IpNet::from(IpAddr::from(GROUP))];
            listener.groups = Some(Groups { networks, ports: port..=port, hops: 1, interface: None });
            // Nobody is passed over because a busy machine let the test wait.
            listener.sending.give_up = Duration::from_secs(3_000);
            listener.sending.unanswered = 1_000;
            change(listener);
        });
        Self { server, ears: Datagrams::from_std(ears, true).unwrap(), port, file, _folder: folder }
    }

    fn oack(&self, master: bool) -> Vec<u8> {
        let value = format!("{GROUP},{},{}", self.port, u8::from(master));
        print_options([("blksize", "1000"), ("multicast", &value)])
    }

    /// The next block that the group hears, sent from where a client was answered. Those that were heard before may come
    /// once more, late: the server repeats what is not acknowledged in time.
    async fn block(&self, number: u16, client: &Client) {
        let mut inbox = Inbox::new(1, 2_000);
        loop {
            tokio::time::timeout(PATIENCE, self.ears.receive(&mut inbox)).await.expect("a block").unwrap();
            let came = inbox.iter().next().unwrap();
            assert_eq!(Some(came.from), client.other, "OACK and blocks have one source (RFC 2090)");
            let start = usize::from(number - 1) * 1_000;
            let expected = [&header(number)[..], &self.file[start..self.file.len().min(start + 1_000)]].concat();
            if came.bytes == expected {
                return;
            }
            let blocks = (1..=3).map(|block| header(block).to_vec());
            assert!(blocks.into_iter().any(|block| came.bytes.starts_with(&block)), "{:?}", &came.bytes[..4]);
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);

/// A request to hear the file with others.
const REQUEST: &[u8] = b"\0\x01f\0octet\0blksize\x001000\0multicast\0\0";

impl Client {
    async fn asks(&mut self) {
        self.say(REQUEST, REQUEST.len()).await;
    }

    async fn wants(&mut self, behind: u16) {
        self.say(&ack(behind), 4).await;
    }

    /// Waits for a packet; others may come before it, where the server repeats.
    async fn hears(&mut self, packet: &[u8]) {
        let mut before = Vec::new();
        loop {
            let came = self.listen(PATIENCE).await;
            assert!(!came.is_empty(), "no {packet:?}, but {before:?}");
            if came.iter().any(|p| p == packet) {
                return;
            }
            before.extend(came);
        }
    }
}

#[tokio::test]
async fn the_master_asks_and_the_next_fetches_what_it_missed() {
    let stage = Stage::new(|_| {});
    let (mut one, mut two) = (Client::new(stage.server.at), Client::new(stage.server.at));
    one.asks().await;
    one.hears(&stage.oack(true)).await;
    assert_ne!(one.other, Some(stage.server.at));
    two.asks().await;
    two.hears(&stage.oack(false)).await;
    // It has not heard, and asks again at the port that takes requests.
    let transfer = two.other.take();
    two.asks().await;
    two.hears(&stage.oack(false)).await;
    assert_eq!((two.other, one.other), (transfer, transfer), "one group");
    for (acked, block) in [(0, 1), (1, 2)] {
        one.wants(acked).await;
        stage.block(block, &one).await;
    }
    // Out of turn: it is told who it is.
    two.wants(2).await;
    two.hears(&stage.oack(false)).await;
    one.wants(2).await;
    stage.block(3, &one).await;
    one.wants(3).await;
    two.hears(&stage.oack(true)).await;
    two.wants(0).await;
    stage.block(1, &two).await;
    two.wants(3).await;
    stage.server.heard("end").await;
    for _ in 0..3_000 {
        if stage.server.ears.0.lock().unwrap().iter().filter(|e| *e == "end").count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let events = stage.server.ears.0.lock().unwrap().join("\n");
    assert_eq!(events.matches("Moved(Out, 2500").count(), 2, "{events}");
    assert!(events.contains(&format!("Reply(\"OACK blksize=1000 multicast={GROUP},{},1\")", stage.port)), "{events}");
}

#[tokio::test]
async fn a_master_that_vanishes_makes_place_and_may_come_back() {
    // A tenth of it is a turn.
    let stage = Stage::new(|listener| listener.sending.give_up = Duration::from_secs(60));
    let (mut one, mut two) = (Client::new(stage.server.at), Client::new(stage.server.at));
    one.asks().await;
    one.hears(&stage.oack(true)).await;
    two.asks().await;
    two.hears(&stage.oack(false)).await;
    two.hears(&stage.oack(true)).await;
    for (acked, block) in [(0, 1), (1, 2), (2, 3)] {
        two.wants(acked).await;
        stage.block(block, &two).await;
    }
    two.wants(3).await;
    // It was away, heard all the same what the second has asked for, and has its turn once more.
    one.hears(&stage.oack(true)).await;
    one.wants(3).await;
    stage.server.heard("Moved(Out, 2500").await;
}

#[tokio::test]
async fn what_cannot_go_to_a_group_goes_to_each_alone() {
    let small = b"\0\x01f\0octet\0multicast\0\0";
    for (request, answer) in [
        (&b"\0\x01f\0netascii\0multicast\0\0"[..], header(1).to_vec()),
        (b"\0\x01f\0octet\0multicast\x00239.1.1.1\0", header(1).to_vec()),
    ] {
        let stage = Stage::new(|_| {});
        let mut client = Client::new(stage.server.at);
        client.say(request, request.len()).await;
        assert_eq!(client.one().await[..4], answer, "{request:?}");
    }
    // No groups; and a storage whose files are read in order only.
    let stage = Stage::new(|listener| listener.groups = None);
    let mut client = Client::new(stage.server.at);
    client.say(small, small.len()).await;
    assert_eq!(client.one().await[..4], header(1));
    let memory = Server::start("127.0.0.1:0", |listener| {
        let networks = vec!["239.255.77.0/24".parse().unwrap()];
        listener.groups = Some(Groups { networks, ports: 1..=1, hops: 1, interface: None });
    })
    .await;
    memory.put("/f", b"hello").await;
    let mut client = Client::new(memory.at);
    client.say(small, small.len()).await;
    assert_eq!(client.one().await, b"\0\x03\0\x01hello");
    // All groups are in use by another file: the second asks for other blocks.
    let stage = Stage::new(|_| {});
    let (mut one, mut two) = (Client::new(stage.server.at), Client::new(stage.server.at));
    one.asks().await;
    one.hears(&stage.oack(true)).await;
    two.say(small, small.len()).await;
    assert_eq!(two.one().await[..4], header(1));
    // An interface that is not there.
    let stage = Stage::new(|listener| {
        listener.groups.as_mut().unwrap().interface = Some("no-such-one".into());
    });
    let mut client = Client::new(stage.server.at);
    client.say(small, small.len()).await;
    assert_eq!(client.one().await[..4], header(1));
}

#[tokio::test]
async fn an_error_ends_it_for_one_that_sent_it() {
    let stage = Stage::new(|_| {});
    let mut one = Client::new(stage.server.at);
    one.asks().await;
    one.hears(&stage.oack(true)).await;
    one.say(b"\0\x05\0\0enough\0", 10).await;
    stage.server.heard("end").await;
    stage.server.heard("Cut(Out, 0, Cancelled)").await;
}
