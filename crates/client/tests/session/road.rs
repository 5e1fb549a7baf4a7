//! What becomes of a copy when the way to the server is long, or cut again and again?

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carrack_client::copy::{Plan, Settings, Side, Wishes, run};
use carrack_client::ftp::{Dial, Ftp, Root};
use io::CancellationToken;
use io::meter::Bucket;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use types::VPath;

use super::copies::{copy_plan, here, put, shown};
use super::own_server::{content, memory, sample};
use super::server::{Server, dial, path};

/// A way to a server's control port that takes its time and can be cut. Data connections go straight.
struct Road {
    address: SocketAddr,
    cuts: Arc<Mutex<CancellationToken>>,
    turns: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    _life: tokio_util::sync::DropGuard,
}

impl Road {
    async fn to(server: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let life = CancellationToken::new();
        let cuts = Arc::new(Mutex::new(life.child_token()));
        let (turns, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (all, token, counted, opened) = (cuts.clone(), life.clone(), turns.clone(), connections.clone());
        let accept = async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(server).await else { continue };
                opened.fetch_add(1, Ordering::SeqCst);
                let (cut, counted) = (all.lock().unwrap().clone(), counted.clone());
                drop(io::task::spawn("road", &cut.clone(), carry(near, far, delay, counted)));
            }
        };
        drop(io::task::spawn("road", &token, accept));
        Self { address, cuts, turns, connections, _life: life.drop_guard() }
    }

    /// Cuts all that is connected by now.
    fn cut(&self) {
        let mut token = self.cuts.lock().unwrap();
        let next = CancellationToken::new();
        std::mem::replace(&mut *token, next).cancel();
    }
}

/// Carries bytes both ways, each piece a little later, and counts how often the client speaks after it has heard something.
async fn carry(near: TcpStream, far: TcpStream, delay: Duration, turns: Arc<AtomicUsize>) {
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let heard = Arc::new(AtomicUsize::new(1));
    let answered = heard.clone();
    let there = async move {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = near_in.read(&mut piece).await {
            if heard.swap(0, Ordering::SeqCst) > 0 {
                turns.fetch_add(1, Ordering::SeqCst);
            }
            tokio::time::sleep(delay).await;
            if far_out.write_all(&piece[..n]).await.is_err() {
                break;
            }
        }
    };
    let back = async move {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = far_in.read(&mut piece).await {
            tokio::time::sleep(delay).await;
            answered.fetch_add(1, Ordering::SeqCst);
            if near_out.write_all(&piece[..n]).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(there, back);
}

/// `each` file over a data connection of its own, not many over one.
async fn over(road: &Road, most: usize, each: bool) -> Side {
    let life = CancellationToken::new();
    let dial = Dial { is_mode_free: !each, ..dial(road.address, "ann") };
    let ftp = Ftp::open(dial, Root::Home, most, Duration::from_secs(60), &life);
    Side::there(Arc::new(ftp.await.unwrap()), VPath::root())
}

const FILES: usize = 48;

#[tokio::test]
async fn small_files_take_few_turns_and_share_connections() {
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    for n in 0..FILES {
        put(&mine.storage, &format!("/{n}"), &sample(4096), 1_000_000_000).await;
    }
    for (each, connections) in [(true, 4), (false, 1)] {
        take_few_turns(&mine, each, connections).await;
    }
}

async fn take_few_turns(mine: &Side, each: bool, connections: usize) {
    let server = Server::over(memory());
    let road = Road::to(server.address, Duration::from_millis(10)).await;
    let back = tempfile::tempdir().unwrap();
    let back = here(back.path());
    let settings = Settings { at_once: Some(4), ..Settings::default() };
    let remote = over(&road, 4, each).await;
    for (source, target, most, way) in [(mine, &remote, 4, "up"), (&remote, &back, 1, "down")] {
        let plan = copy_plan(source, target, &Wishes::default()).await;
        let before = road.turns.load(Ordering::SeqCst);
        let report = run(&plan, source, target, &settings, &(), &CancellationToken::new()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        let turns = road.turns.load(Ordering::SeqCst) - before;
        // What is left over is what sessions need to begin.
        assert!(turns <= most * FILES + 40, "{way}: {turns} turns for {FILES} files");
    }
    assert_eq!(road.connections.load(Ordering::SeqCst), connections);
    assert_eq!(shown(mine).await, shown(&back).await);
    for n in 0..FILES {
        let name = format!("/{n}");
        let whole = content(&mine.storage, &name).await;
        assert!(whole == content(&server.storage, &name).await && whole == content(&back.storage, &name).await, "{name}");
    }
}

/// Each segment has a connection of its own, and none asks more often than a file needs that comes whole.
#[tokio::test]
async fn segments_of_a_large_file_take_few_turns() {
    let server = Server::over(memory());
    let body = sample(12_000_000);
    put(&server.storage, "/f", &body, 1_000_000_000).await;
    let road = Road::to(server.address, Duration::from_millis(50)).await;
    let back = tempfile::tempdir().unwrap();
    let back = here(back.path());
    let remote = over(&road, 4, false).await;
    let plan = copy_plan(&remote, &back, &Wishes::default()).await;
    let before = road.turns.load(Ordering::SeqCst);
    let settings = Settings { segments: Some(4), ..Settings::default() };
    let report = run(&plan, &remote, &back, &settings, &(), &CancellationToken::new()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert!(content(&back.storage, "/f").await == body);
    assert_eq!(road.connections.load(Ordering::SeqCst), 4);
    let turns = road.turns.load(Ordering::SeqCst) - before;
    // Three sessions begin, and each of four files' parts is asked for, cut at its end and cleared away.
    assert!(turns <= 60, "{turns} turns");
}

#[tokio::test]
async fn trees_are_equal_although_the_way_was_cut_again_and_again() {
    let seed: Option<u64> = std::env::var("CARRACK_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut random: u64 = seed.unwrap_or_else(|| u64::from(io::clock::wall().nanos)) | 1;
    let seed = random;
    let mut below = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    let folder = tempfile::tempdir().unwrap();
    let mine = here(folder.path());
    for n in 0..30 {
        let size = if n % 10 == 0 { 3_000_000 } else { below(30_000) as usize };
        put(&mine.storage, &format!("/{n}"), &sample(size), 1_000_000_000).await;
    }
    let server = Server::over(memory());
    let road = Road::to(server.address, Duration::ZERO).await;
    let back = tempfile::tempdir().unwrap();
    let back = here(back.path());
    let remote = over(&road, 3, false).await;
    for (source, target) in [(&mine, &remote), (&remote, &back)] {
        let plan: Plan = copy_plan(source, target, &Wishes::default()).await;
        let settings = Settings {
            tries: 1_000,
            pause: Duration::from_millis(5),
            segments: Some(2),
            rates: vec![Arc::new(Bucket::new(8_000_000))],
            ..Settings::default()
        };
        let token = CancellationToken::new();
        let mut copying = Box::pin(run(&plan, source, target, &settings, &(), &token));
        let mut cuts = 0;
        let report = loop {
            tokio::select! {
                report = &mut copying => break report,
                () = tokio::time::sleep(Duration::from_millis(20 + below(150))), if cuts < 25 => {
                    cuts += 1;
                    road.cut();
                }
            }
        };
        assert!(report.failed.is_empty(), "CARRACK_SEED={seed}: {:?}", report.failed);
    }
    assert_eq!(shown(&mine).await, shown(&back).await, "CARRACK_SEED={seed}");
    for n in 0..30 {
        let name = format!("/{n}");
        let whole = content(&mine.storage, &name).await;
        assert!(
            whole == content(&server.storage, &name).await && whole == content(&back.storage, &name).await,
            "{name}, CARRACK_SEED={seed}"
        );
    }
    assert!(server.storage.stat(&path("/.0.carrack-part"), true, &vfs::Owner::default()).await.is_err(), "a part is left");
}
