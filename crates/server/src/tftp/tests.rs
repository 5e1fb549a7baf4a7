//! The TFTP server as clients meet it, over loopback.

mod bad_input;
mod multicast;
mod uploads;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gate::{ListenerRules, Mount, Password, Permissions, Rules, UserRules};
use proto::tftp::Failure;
use proto::tftp::options::{Terms, Wishes};
use proto::tftp::packet::{ack, header, print_asking};
use proto::tftp::receiver::Receiver;
use proto::tftp::sender::{Opening, Sender};
use trace::record::SessionInfo;
use trace::ring::Ring;
use types::{Attr, Event, VPath, WriteHow};
use vfs::{MemorySettings, MemoryStorage, Owner, Storage, WriteOrder};

use super::*;

/// Hears all events, each with its session.
#[derive(Default)]
struct Ears(Mutex<Vec<String>>);

impl Observer for Ears {
    fn opened(&self, _: &SessionInfo) {}

    fn event(&self, _: &SessionInfo, event: &Event) {
        self.0.lock().unwrap().push(format!("{:?}", event.what));
    }

    fn closed(&self, _: &SessionInfo, _: &Ring) {
        self.0.lock().unwrap().push("end".into());
    }
}

struct Server {
    at: SocketAddr,
    storage: Arc<dyn Storage>,
    ears: Arc<Ears>,
    stop: Stop,
    _listener: watch::Sender<Arc<Listener>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.now.cancel();
    }
}

fn path(s: &str) -> VPath {
    VPath::parse(s.as_bytes()).unwrap()
}

impl Server {
    async fn start(at: &str, change: impl FnOnce(&mut Listener)) -> Self {
        Self::over(Arc::new(MemoryStorage::new(MemorySettings::default())), at, change)
    }

    /// A server of what is in a storage.
    fn over(storage: Arc<dyn Storage>, at: &str, change: impl FnOnce(&mut Listener)) -> Self {
        let mut rules = Rules::default();
        let mut nobody = UserRules::new("anonymous", Password::None);
        nobody.own.mounts = vec![(path("/"), "main".into())];
        nobody.own.permissions = vec![(path("/"), Permissions::ALL)];
        rules.anonymous = Some(nobody);
        rules.listeners.insert("tftp".into(), ListenerRules { anonymous: true, ..ListenerRules::default() });
        rules.mounts.insert("main".into(), Mount { storage: storage.clone(), read_only: false });
        let mut listener = Listener::new("tftp");
        listener.receiving.dally = Duration::from_millis(50);
        change(&mut listener);
        let socket = Datagrams::bind(at.parse().unwrap(), listener.cutting).unwrap();
        let at = socket.local();
        let (sender, receiver) = watch::channel(Arc::new(listener));
        let stop = Stop { gentle: CancellationToken::new(), now: CancellationToken::new(), drain_within: Duration::from_secs(5) };
        let workers = Workers::start(0, &stop.now).unwrap();
        let ears = Arc::new(Ears::default());
        let serving = serve(socket, receiver, Gate::new(rules).unwrap(), ears.clone(), workers, stop.clone());
        io::task::spawn("tftp", &stop.now, serving);
        Self { at, storage, ears, stop, _listener: sender }
    }

    async fn put(&self, name: &str, bytes: &[u8]) {
        let order = WriteOrder { how: WriteHow::Replace, owner: &Owner::default(), mode: 0o644 };
        let mut sink = self.storage.write(&path(name), order).await.unwrap().sink;
        sink.write_all(bytes.to_vec().into()).await.unwrap();
        sink.commit().await.unwrap();
    }

    async fn content(&self, name: &str) -> Option<Vec<u8>> {
        let (_, source) = self.storage.read(&path(name), 0, &Owner::default()).await.ok()?;
        Some(source.read_to_end().await.unwrap())
    }

    async fn attr(&self, name: &str) -> Option<Attr> {
        self.storage.stat(&path(name), true, &Owner::default()).await.ok()
    }

    /// Waits until an event with this text was heard.
    async fn heard(&self, text: &str) {
        for _ in 0..3_000 {
            if self.ears.0.lock().unwrap().iter().any(|e| e.contains(text)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{text:?} in {:#?}", self.ears.0.lock().unwrap());
    }
}

/// A client with its socket.
struct Client {
    socket: Datagrams,
    inbox: Inbox,
    server: SocketAddr,
    /// Where answers came from.
    other: Option<SocketAddr>,
    began: std::time::Instant,
}

impl Client {
    fn new(server: SocketAddr) -> Self {
        let own = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = Datagrams::bind(own.parse().unwrap(), false).unwrap();
        Self { socket, inbox: Inbox::new(8, LARGEST), server, other: None, began: clock::now() }
    }

    fn now(&self) -> Duration {
        clock::now() - self.began
    }

    async fn say(&self, packets: &[u8], size: usize) {
        let to = self.other.unwrap_or(self.server);
        self.socket.send(&self.socket.route(to, None), packets, size).await.unwrap();
    }

    /// The packets that come within a time.
    async fn listen(&mut self, within: Duration) -> Vec<Vec<u8>> {
        let Ok(received) = tokio::time::timeout(within, self.socket.receive(&mut self.inbox)).await else { return Vec::new() };
        received.unwrap();
        let mut packets = Vec::new();
        for datagram in self.inbox.iter() {
            self.other.get_or_insert(datagram.from);
            packets.push(datagram.bytes.to_vec());
        }
        packets
    }

    async fn one(&mut self) -> Vec<u8> {
        self.listen(Duration::from_secs(5)).await.remove(0)
    }

    async fn fetch(&mut self, name: &str, mode: Mode, wishes: &Wishes) -> Result<(Vec<u8>, Terms), Failure> {
        let request = print_asking(false, name.as_bytes(), mode, wishes.pairs());
        let asking = Opening::Asking(request, wishes.clone());
        let mut receiver =
            Receiver::new(asking, Terms::default(), Patience { dally: Duration::ZERO, ..Patience::receiver() }, self.now());
        let mut file = Vec::new();
        loop {
            if receiver.is_holding() || receiver.is_whole() {
                file.extend(receiver.take());
            }
            if receiver.is_whole() {
                receiver.stands(self.now());
            }
            while let Some(packet) = receiver.transmit(self.now()).map(<[u8]>::to_vec) {
                self.say(&packet, packet.len()).await;
            }
            if let Some(end) = receiver.ended() {
                return end.map(|()| (file, *receiver.terms())).map_err(Clone::clone);
            }
            let wait = receiver.deadline().map_or(Duration::from_secs(5), |d| d.saturating_sub(self.now()));
            for packet in self.listen(wait).await {
                receiver.hear(&Packet::parse(&packet).unwrap(), self.now());
            }
            receiver.tick(self.now());
        }
    }

    async fn store(&mut self, name: &str, mode: Mode, wishes: &Wishes, file: &[u8]) -> Result<(), Failure> {
        let request = print_asking(true, name.as_bytes(), mode, wishes.pairs());
        let mut sender = Sender::new(Opening::Asking(request, wishes.clone()), Terms::default(), Patience::sender(), self.now());
        let mut at = 0;
        loop {
            at += sender.push(&file[at..]);
            if at == file.len() && sender.wanted() > 0 {
                sender.end();
            }
            while let Some(batch) = sender.transmit(self.now()) {
                let (packets, size) = (batch.packets.to_vec(), batch.size);
                self.say(&packets, size).await;
            }
            if let Some(end) = sender.ended() {
                return end.map_err(Clone::clone);
            }
            let wait = sender.deadline().map_or(Duration::from_secs(5), |d| d.saturating_sub(self.now()));
            for packet in self.listen(wait).await {
                sender.hear(&Packet::parse(&packet).unwrap(), self.now());
            }
            sender.tick(self.now());
        }
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn wishes(blksize: u16, windowsize: u16) -> Wishes {
    Wishes { blksize: Some(blksize), windowsize: Some(windowsize), tsize: Some(0), ..Wishes::default() }
}

fn code<T>(result: Result<T, Failure>) -> Option<u16> {
    match result {
        Err(Failure::Peer(code, _)) => Some(code.0),
        _ => None,
    }
}

/// All three places transfers can be at.
fn places() -> [Place; 3] {
    [Place::Ephemeral, Place::Range(Arc::new(Ports::new(42_000..=60_000).unwrap())), Place::Single]
}

#[tokio::test]
async fn files_are_read_from_every_place_in_every_size() {
    let file = bytes(300_000);
    for place in places() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let server = Server::start(at, |l| l.place = place.clone()).await;
            server.put("/f", &file).await;
            server.put("/empty", b"").await;
            for asked in [Wishes::default(), wishes(1428, 1), wishes(1428, 64), wishes(65_464, 16), wishes(8, 64)] {
                let mut client = Client::new(server.at);
                let (came, terms) = client.fetch("\\f", Mode::Octet, &asked).await.unwrap();
                assert!(came == file, "{place:?} {at} {asked:?}");
                assert_eq!(terms.blksize, asked.blksize.unwrap_or(512));
                assert_eq!(terms.tsize, asked.tsize.map(|_| 300_000));
                assert_eq!(client.other == Some(server.at), matches!(place, Place::Single), "{place:?}");
                let (came, _) = Client::new(server.at).fetch("/empty", Mode::Octet, &asked).await.unwrap();
                assert!(came.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn the_ladder_tells_a_transfer() {
    let server = Server::start("127.0.0.1:0", |_| {}).await;
    server.storage.make_dir(&path("/boot"), 0o755).await.unwrap();
    server.put("/boot/a.txt", b"hello\nworld\n").await;
    let (came, _) = Client::new(server.at).fetch("boot/a.txt", Mode::Netascii, &wishes(1000, 2)).await.unwrap();
    assert_eq!(came, b"hello\r\nworld\r\n");
    server.heard("end").await;
    let events = server.ears.0.lock().unwrap().join("\n");
    for said in [
        "Accepted(127.0.0.1",
        "Command(\"RRQ boot/a.txt netascii blksize=1000 tsize=0 windowsize=2\")",
        "Ask(\"login\")",
        "Ask(\"read /boot/a.txt\")",
        "Answer(\"file 12",
        "Reply(\"OACK blksize=1000 windowsize=2\")",
        "Started(Out)",
        "Moved(Out, 14",
        "Closed(None)",
    ] {
        assert!(events.contains(said), "{said} in\n{events}");
    }
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let server = Server::start("127.0.0.1:0", |_| {}).await;
    server.put("/f", b"x").await;
    let fetch = async |name: &str| code(Client::new(server.at).fetch(name, Mode::Octet, &Wishes::default()).await);
    assert_eq!(fetch("nothing").await, Some(1));
    assert_eq!(fetch("../../../etc/passwd").await, Some(1), "below the root");
    assert_eq!(fetch("/").await, Some(2), "a folder");
    assert_eq!(fetch(&"n".repeat(300)).await, Some(2), "too long");
    let stored = Client::new(server.at).store("new", Mode::Octet, &Wishes::default(), b"x").await;
    assert_eq!(code(stored), Some(2), "writing is off");
    for (raw, expected) in [
        (&b"\0\x01f\0mail\0"[..], 4),
        (b"\0\x01f\0image\0", 4),
        (b"\0\x01f", 4),
        (b"\0\x01f\0octet\0blksize\0", 8),
        (b"\0\x02f\0octet\0tsize\x001\0tsize\x002\0", 8),
        (b"\0\x04\0\x01", 5),
        (b"\0\x03\0\x01abc", 5),
    ] {
        let mut client = Client::new(server.at);
        client.say(raw, raw.len()).await;
        assert_eq!(client.one().await[..4], [0, 5, 0, expected], "{raw:?}");
    }
    for raw in [&b""[..], b"\0", b"\0\x05\0\0stop\0", b"\xff\xff\xff", b"\0\x07"] {
        let mut client = Client::new(server.at);
        client.say(raw, raw.len().max(1)).await;
        assert!(client.listen(Duration::from_millis(100)).await.is_empty(), "{raw:?}");
    }
    assert_eq!(fetch("f").await, None, "the rest is served on");
}

#[tokio::test]
async fn uploads_stand_whole_or_not_at_all() {
    let file = bytes(100_000);
    for place in places() {
        let server = Server::start("127.0.0.1:0", |l| {
            l.uploads = Uploads::New;
            l.place = place.clone();
        })
        .await;
        for (name, asked) in [("a", Wishes::default()), ("b", wishes(1428, 16)), ("c", wishes(65_464, 4))] {
            let asked = Wishes { tsize: Some(file.len() as u64), ..asked };
            let stored = Client::new(server.at).store(name, Mode::Octet, &asked, &file).await;
            assert_eq!(stored, Ok(()), "{place:?} {name}");
            assert!(server.content(&format!("/{name}")).await.unwrap() == file, "{place:?} {name}");
        }
        let again = Client::new(server.at).store("a", Mode::Octet, &Wishes::default(), b"other").await;
        assert_eq!(code(again), Some(6));
        let lying = Wishes { tsize: Some(5), ..Wishes::default() };
        let short = Client::new(server.at).store("d", Mode::Octet, &lying, b"four").await;
        assert_eq!(code(short), Some(0), "fewer bytes than were announced");
        assert!(server.attr("/d").await.is_none());
        Client::new(server.at).store("text", Mode::Netascii, &Wishes::default(), b"a\r\nb\r\0c").await.unwrap();
        assert_eq!(server.content("/text").await.unwrap(), b"a\nb\rc");
    }
}

#[tokio::test]
async fn an_upload_that_is_broken_off_leaves_the_old_file() {
    let server = Server::start("127.0.0.1:0", |l| l.uploads = Uploads::Replace).await;
    server.put("/f", b"old").await;
    let mut client = Client::new(server.at);
    let request = b"\0\x02f\0octet\0";
    client.say(request, request.len()).await;
    assert_eq!(client.one().await, ack(0));
    let block = [&header(1)[..], &[7; 512]].concat();
    client.say(&block, block.len()).await;
    assert_eq!(client.one().await, ack(1));
    client.say(b"\0\x05\0\0enough\0", 11).await;
    server.heard("ERROR 0 enough").await;
    server.heard("end").await;
    assert_eq!(server.content("/f").await.unwrap(), b"old");
}

#[tokio::test]
async fn a_repeated_request_is_one_transfer() {
    for place in places() {
        let server = Server::start("127.0.0.1:0", |l| l.place = place.clone()).await;
        server.put("/f", &bytes(2000)).await;
        let mut client = Client::new(server.at);
        let request = b"\0\x01f\0octet\0";
        let mut blocks = 0;
        let mut transfer = None;
        for _ in 0..3 {
            client.other = None;
            client.say(request, request.len()).await;
            blocks += client.listen(Duration::from_millis(100)).await.len();
            transfer = transfer.or(client.other);
        }
        client.other = transfer;
        assert_eq!(blocks, 1, "{place:?}");
        // Begun, given up, and begun again from the same port, as ROMs do.
        client.say(&ack(1), 4).await;
        assert_eq!(client.one().await[..4], header(2));
        client.other = None;
        client.say(request, request.len()).await;
        assert_eq!(client.one().await[..4], header(1), "{place:?}");
    }
}

#[tokio::test]
async fn clients_with_ways_of_their_own() {
    let server = Server::start("127.0.0.1:0", |l| {
        let known = |name: &str, from: &str| quirks::Known {
            quirk: quirks::named(name).unwrap(),
            from: vec![from.parse().unwrap()],
            mac: Vec::new(),
        };
        l.quirks = vec![known("blksize-1024", "127.0.0.0/8"), known("no-options", "192.0.2.0/24")];
    })
    .await;
    server.put("/f", &bytes(5_000)).await;
    let (came, terms) = Client::new(server.at).fetch("f", Mode::Octet, &wishes(1428, 4)).await.unwrap();
    assert_eq!((came.len(), terms.blksize, terms.windowsize), (5_000, 1024, 4));
    server.heard("Note(TftpQuirk, \"a client of blksize-1024\")").await;
    // The size alone is wanted, and the transfer ended, as UEFI does.
    let mut probe = Client::new(server.at);
    probe.say(b"\0\x01f\0octet\0tsize\x000\0", 18).await;
    assert_eq!(probe.one().await, b"\0\x06tsize\x005000\0");
    probe.say(b"\0\x05\0\x08User aborted the transfer\0", 30).await;
    server.heard("Note(TftpQuirk, \"size-probe").await;
    server.heard("Moved(Out, 0,").await;
}

#[tokio::test]
async fn strangers_are_told_and_the_transfer_goes_on() {
    let server = Server::start("127.0.0.1:0", |_| {}).await;
    server.put("/f", &bytes(1000)).await;
    let mut client = Client::new(server.at);
    client.say(b"\0\x01f\0octet\0", 10).await;
    assert_eq!(client.one().await[..4], header(1));
    let mut stranger = Client::new(client.other.unwrap());
    stranger.say(&ack(1), 4).await;
    assert_eq!(stranger.one().await[..4], [0, 5, 0, 5]);
    stranger.say(b"\0\x05\0\0die\0", 8).await;
    client.say(&ack(1), 4).await;
    assert_eq!(client.one().await[..4], header(2));
}

#[tokio::test]
async fn answers_come_from_the_address_that_was_asked() {
    for place in places() {
        let server = Server::start("0.0.0.0:0", |l| l.place = place.clone()).await;
        server.put("/f", b"hello").await;
        let asked = SocketAddr::new("127.0.0.99".parse().unwrap(), server.at.port());
        let mut client = Client::new(asked);
        assert_eq!(client.fetch("f", Mode::Octet, &Wishes::default()).await.unwrap().0, b"hello");
        assert_eq!(client.other.unwrap().ip(), asked.ip(), "{place:?}");
    }
}

#[tokio::test]
async fn a_flood_of_requests_takes_only_the_places_there_are() {
    let server = Server::start("127.0.0.1:0", |l| {
        l.transfers = 3;
        l.sending.first = Duration::from_millis(50);
        l.sending.unanswered = 2;
    })
    .await;
    server.put("/f", &bytes(1000)).await;
    let mut answers: HashMap<usize, usize> = HashMap::new();
    let mut clients: Vec<Client> = (0..20).map(|_| Client::new(server.at)).collect();
    for client in &clients {
        client.say(b"\0\x01f\0octet\0", 10).await;
    }
    for (i, client) in clients.iter_mut().enumerate() {
        for _ in 0..3 {
            *answers.entry(i).or_default() += client.listen(Duration::from_millis(60)).await.len();
        }
    }
    assert_eq!(answers.values().filter(|&&n| n > 0).count(), 3);
    assert!(answers.values().all(|&n| n <= 2), "no more than was allowed for strangers: {answers:?}");
    for _ in 0..3 {
        server.heard("Cut(Out, 0, DataNeverCame)").await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(Client::new(server.at).fetch("f", Mode::Octet, &Wishes::default()).await.is_ok(), "places were given back");
}

#[tokio::test]
async fn a_gentle_stop_lets_transfers_end_and_takes_no_more() {
    let server = Server::start("127.0.0.1:0", |l| l.place = Place::Single).await;
    server.put("/f", &bytes(1000)).await;
    let mut client = Client::new(server.at);
    client.say(b"\0\x01f\0octet\0", 10).await;
    assert_eq!(client.one().await[..4], header(1));
    server.stop.gentle.cancel();
    tokio::task::yield_now().await;
    client.say(&ack(1), 4).await;
    assert_eq!(client.one().await[..4], header(2));
    let mut late = Client::new(server.at);
    late.say(b"\0\x01f\0octet\0", 10).await;
    assert!(late.listen(Duration::from_millis(100)).await.is_empty());
}
