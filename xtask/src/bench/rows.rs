//! What is measured? One function per row of the table; each is given a server that was just started.

use super::client::Client;
use super::processes::{self, HighWater};
use super::servers::{Kind, Running};
use super::table::Line;
use super::{Sizes, raw, ssh};
use crate::Result;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
pub(crate) enum Row {
    /// RETR of the large file, one connection.
    Retr1,
    /// RETR of the large file, four connections at a time.
    Retr4,
    /// STOR of the large file, one connection.
    Stor1,
    /// STOR of the large file, four connections at a time.
    Stor4,
    /// Small files fetched one after the other on one control connection.
    Get,
    /// Small files stored one after the other on one control connection, on tmpfs.
    Put,
    /// The same on the disk that holds the build folder.
    PutDisk,
    /// Connect, USER, PASS, QUIT.
    Logins,
    /// Memory of 1,000 idle sessions.
    Idle1000,
    /// Memory of 5,000 idle sessions.
    Idle5000,
    /// LIST of a large folder.
    List,
    /// MLSD of a large folder.
    Mlsd,
    /// RETR of the large file over TLS, one connection.
    Retr1Tls,
    /// STOR of the large file over TLS, one connection.
    Stor1Tls,
    /// Small files fetched one after the other, each over a TLS data connection of its own.
    GetTls,
    /// Small files stored so, on tmpfs.
    PutTls,
    /// Connect, AUTH TLS and a full handshake, USER, PASS, QUIT.
    LoginsTls,
    /// Memory of 1,000 idle TLS sessions.
    IdleTls,
    /// SFTP: the large file fetched, aes128-gcm.
    SftpGetAes128,
    /// The same with aes256-gcm.
    SftpGetAes256,
    /// The same with chacha20-poly1305.
    SftpGetChacha,
    /// SFTP: the large file sent, aes128-gcm.
    SftpPutAes128,
    /// The same with aes256-gcm.
    SftpPutAes256,
    /// The same with chacha20-poly1305.
    SftpPutChacha,
    /// SFTP: small files fetched one after the other in one session.
    SftpGet,
    /// SFTP: small files sent so.
    SftpPut,
    /// SFTP: `ls -1` of a large folder.
    SftpList,
    /// SFTP: connect, prove a key, begin a session, leave.
    SftpLogins,
    /// SFTP: memory of idle sessions.
    SftpIdle,
}

/// One figure of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Figure {
    pub(super) what: &'static str,
    pub(super) more_is_better: bool,
}

const fn more(what: &'static str) -> Figure {
    Figure { what, more_is_better: true }
}

pub(super) const fn less(what: &'static str) -> Figure {
    Figure { what, more_is_better: false }
}

pub(super) const THROUGHPUT: Figure = more("MiB/s");
pub(super) const CPU_BODY: Figure = less("CPU-s/GiB");
const FAIR: Figure = more("first/last finisher");
pub(super) const FILES: Figure = more("files/s");
const RESUMED: Figure = more("% resumed");
pub(super) const CPU_FILE: Figure = less("CPU-ms/file");
pub(super) const LOGINS: Figure = more("logins/s");
pub(super) const CPU_LOGIN: Figure = less("CPU-ms/login");
pub(super) const PSS: Figure = less("KiB/session (PSS)");
const OPEN: Figure = less("s to open all");
const FIRST: Figure = less("ms to first byte");
pub(super) const TOTAL: Figure = less("s in all");
const RISE: Figure = less("MiB above idle");
pub(super) const CPU_LIST: Figure = less("CPU-s");

impl Row {
    pub(crate) const ALL: [Self; 29] = [
        Self::Retr1,
        Self::Retr4,
        Self::Stor1,
        Self::Stor4,
        Self::Get,
        Self::Put,
        Self::PutDisk,
        Self::Logins,
        Self::Idle1000,
        Self::Idle5000,
        Self::List,
        Self::Mlsd,
        Self::Retr1Tls,
        Self::Stor1Tls,
        Self::GetTls,
        Self::PutTls,
        Self::LoginsTls,
        Self::IdleTls,
        Self::SftpGetAes128,
        Self::SftpGetAes256,
        Self::SftpGetChacha,
        Self::SftpPutAes128,
        Self::SftpPutAes256,
        Self::SftpPutChacha,
        Self::SftpGet,
        Self::SftpPut,
        Self::SftpList,
        Self::SftpLogins,
        Self::SftpIdle,
    ];

    /// Its title in the table.
    const fn words(self) -> &'static str {
        match self {
            Self::Retr1 => "RETR, one",
            Self::Retr4 => "RETR, four at a time",
            Self::Stor1 => "STOR to tmpfs, one",
            Self::Stor4 => "STOR to tmpfs, four at a time",
            Self::Get => "4 KiB files, get",
            Self::Put => "4 KiB files, put to tmpfs",
            Self::PutDisk => "4 KiB files, put to disk",
            Self::Logins => "logins",
            Self::Idle1000 => "1,000 idle sessions",
            Self::Idle5000 => "5,000 idle sessions",
            Self::List => "LIST of the large folder",
            Self::Mlsd => "MLSD of the large folder",
            Self::Retr1Tls => "RETR, one, TLS",
            Self::Stor1Tls => "STOR to tmpfs, one, TLS",
            Self::GetTls => "4 KiB files, get, TLS",
            Self::PutTls => "4 KiB files, put to tmpfs, TLS",
            Self::LoginsTls => "logins, TLS",
            Self::IdleTls => "1,000 idle sessions, TLS",
            Self::SftpGetAes128 => "get, aes128-gcm",
            Self::SftpGetAes256 => "get, aes256-gcm",
            Self::SftpGetChacha => "get, chacha20-poly1305",
            Self::SftpPutAes128 => "put, aes128-gcm",
            Self::SftpPutAes256 => "put, aes256-gcm",
            Self::SftpPutChacha => "put, chacha20-poly1305",
            Self::SftpGet => "4 KiB files, get",
            Self::SftpPut => "4 KiB files, put",
            Self::SftpList => "ls of the large folder",
            Self::SftpLogins => "logins",
            Self::SftpIdle => "idle sessions",
        }
    }

    /// Whether control and data connections are under TLS.
    pub(super) const fn is_secure(self) -> bool {
        matches!(self, Self::Retr1Tls | Self::Stor1Tls | Self::GetTls | Self::PutTls | Self::LoginsTls | Self::IdleTls)
    }

    /// Whether it is about SFTP, over SSH.
    pub(super) const fn is_ssh(self) -> bool {
        self as u8 >= Self::SftpGetAes128 as u8
    }

    /// How many bytes of tmpfs it fills.
    fn fills(self, sizes: &Sizes) -> u64 {
        match self {
            Self::Stor1 | Self::Stor1Tls => sizes.big * sizes.turns as u64,
            Self::Stor4 => sizes.big * 4,
            Self::SftpPutAes128 | Self::SftpPutAes256 | Self::SftpPutChacha => sizes.big,
            Self::Put | Self::SftpPut => sizes.small as u64 * 4096,
            Self::PutTls => sizes.small_tls as u64 * 4096,
            _ => 0,
        }
    }

    /// Whether the row says anything about this server.
    pub(super) const fn fits(self, kind: Kind) -> bool {
        match kind {
            Kind::Carrack => true,
            // The one in Debian 12 knows no ChaCha20.
            Kind::Proftpd => !matches!(self, Self::SftpGetChacha | Self::SftpPutChacha),
            Kind::Openssh => self.is_ssh(),
            _ if self.is_ssh() => false,
            Kind::Raw => matches!(self, Self::Retr1 | Self::Retr4 | Self::Stor1 | Self::Stor4),
            Kind::CarrackCommit => matches!(self, Self::Stor1 | Self::Put | Self::PutDisk),
            _ => true,
        }
    }
}

impl Line for Row {
    fn title(self) -> String {
        self.words().to_owned()
    }
}

/// The files served, made once for all servers.
pub(super) struct Ground {
    /// On tmpfs: `big`, `small/`, `many/`, and `up/` for uploads.
    pub(super) memory: PathBuf,
    /// On the disk: `up/`.
    pub(super) disk: PathBuf,
}

impl Ground {
    /// Makes the files below two empty folders.
    pub(super) fn lay(memory: &Path, disk: &Path, sizes: &Sizes) -> Result<Self> {
        let open = |path: &Path| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755));
        let ground = Self { memory: memory.join("root"), disk: disk.join("root") };
        open(memory)?;
        open(disk)?;
        for folder in ["small", "many", "up"] {
            fs::create_dir_all(ground.memory.join(folder))?;
        }
        fs::create_dir_all(ground.disk.join("up"))?;
        for root in [&ground.memory, &ground.disk] {
            fs::set_permissions(root.join("up"), std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        }
        let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
        let mut big = File::create(ground.memory.join("big"))?;
        let mut block = vec![0; 1 << 20];
        for _ in 0..sizes.big >> 20 {
            noise.fill(&mut block);
            big.write_all(&block)?;
        }
        for n in 0..sizes.small {
            noise.fill(&mut block[..4096]);
            fs::write(ground.memory.join(format!("small/{n:05}.bin")), &block[..4096])?;
        }
        for n in 0..sizes.many {
            File::create(ground.memory.join(format!("many/a-file-of-usual-name-{n:06}.dat")))?;
        }
        Ok(ground)
    }

    /// The folder a server is started over for this row.
    pub(super) fn root(&self, row: Row) -> &Path {
        if row == Row::PutDisk { &self.disk } else { &self.memory }
    }

    pub(super) fn big(&self) -> PathBuf {
        self.memory.join("big")
    }

    /// Touches as much memory as the row will fill: no server should pay for that.
    pub(super) fn warm(&self, row: Row, sizes: &Sizes) -> Result<()> {
        let bytes = row.fills(sizes);
        if bytes > 0 { super::touch(self.root(row), bytes) } else { Ok(()) }
    }

    fn small(&self, n: usize) -> PathBuf {
        self.memory.join(format!("small/{n:05}.bin"))
    }

    /// Compares what was uploaded with what was sent, and removes it.
    fn check(&self, row: Row, uploaded: &str, original: &Path) -> Result<()> {
        let path = self.root(row).join("up").join(uploaded);
        let (got, sent) = (fs::metadata(&path)?.len(), fs::metadata(original)?.len());
        if got != sent {
            return Err(format!("{uploaded}: {got} bytes arrived of {sent}").into());
        }
        Ok(fs::remove_file(path)?)
    }
}

/// Bytes without a pattern (xorshift).
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn fill(&mut self, to: &mut [u8]) {
        for chunk in to.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// What the row yields for this server; `None` if the server cannot do it.
pub(super) fn measure(
    row: Row,
    kind: Kind,
    server: &Running<'_>,
    ground: &Ground,
    sizes: &Sizes,
) -> Result<Option<Vec<(Figure, f64)>>> {
    let session = || server.session();
    if row.is_ssh() {
        return ssh::measure(row, server, ground, sizes).map(Some);
    }
    match row {
        Row::Retr1 | Row::Stor1 | Row::Retr4 | Row::Stor4 | Row::Retr1Tls | Row::Stor1Tls => {
            bodies(row, kind, server, ground, sizes).map(Some)
        }
        Row::Get => gets(session()?, ground, sizes.small).map(Some),
        Row::GetTls => gets(session()?, ground, sizes.small_tls).map(Some),
        Row::Put | Row::PutDisk => puts(row, session()?, ground, sizes.small).map(Some),
        Row::PutTls => puts(row, session()?, ground, sizes.small_tls).map(Some),
        Row::LoginsTls => logins(server, sizes.logins_tls).map(Some),
        Row::IdleTls => idle(server, sizes.idle.0).map(Some),
        Row::Logins => logins(server, sizes.logins).map(Some),
        Row::Idle1000 => idle(server, sizes.idle.0).map(Some),
        Row::Idle5000 => idle(server, sizes.idle.1).map(Some),
        Row::List => listing(session()?, "LIST", sizes.many).map(Some),
        Row::Mlsd => {
            let mut client = session()?;
            if client.knows("MLST")? { listing(client, "MLSD", sizes.many).map(Some) } else { Ok(None) }
        }
        _ => Ok(None), // over SSH
    }
}

/// Large files: one connection several times in turn, or four at once.
fn bodies(row: Row, kind: Kind, server: &Running<'_>, ground: &Ground, sizes: &Sizes) -> Result<Vec<(Figure, f64)>> {
    let lanes = if matches!(row, Row::Retr4 | Row::Stor4) { 4 } else { 1 };
    let turns = if lanes == 1 { sizes.turns } else { 1 };
    let storing = matches!(row, Row::Stor1 | Row::Stor4 | Row::Stor1Tls);
    let gate = Barrier::new(lanes + 1);
    let (ends, start, before) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..lanes)
            .map(|lane| {
                let gate = &gate;
                scope.spawn(move || -> Result<Instant> {
                    let ready = Lane::open(kind, server);
                    gate.wait();
                    let mut ready = ready?;
                    for turn in 0..turns {
                        let name = format!("big-{lane}-{turn}");
                        let bytes = if storing { ready.put(&ground.big(), &name)? } else { ready.get("big")? };
                        if bytes != sizes.big {
                            return Err(format!("{bytes} bytes instead of {}", sizes.big).into());
                        }
                    }
                    Ok(Instant::now())
                })
            })
            .collect();
        let before = processes::cpu_seconds();
        gate.wait();
        let start = Instant::now();
        (
            workers.into_iter().map(|worker| worker.join().map_err(|_| "a client thread broke")?).collect::<Result<Vec<_>>>(),
            start,
            before,
        )
    });
    let mut times: Vec<Duration> = ends?.into_iter().map(|end| end - start).collect();
    times.sort();
    let cpu = processes::cpu_seconds() - before;
    if storing {
        for (lane, turn) in (0..lanes).flat_map(|lane| (0..turns).map(move |turn| (lane, turn))) {
            ground.check(row, &format!("big-{lane}-{turn}"), &ground.big())?;
        }
    }
    let gib = (sizes.big * (lanes * turns) as u64) as f64 / f64::from(1 << 30);
    let (first, last) = (times[0].as_secs_f64(), times[lanes - 1].as_secs_f64());
    let mut figures = vec![(THROUGHPUT, gib * 1024.0 / last), (CPU_BODY, cpu / gib)];
    if lanes > 1 {
        figures.push((FAIR, first / last));
    }
    Ok(figures)
}

/// A client of one of the two kinds of server.
enum Lane {
    Ftp(Client),
    Raw(SocketAddr),
}

impl Lane {
    fn open(kind: Kind, server: &Running) -> Result<Self> {
        if kind == Kind::Raw {
            return Ok(Self::Raw(server.address));
        }
        Ok(Self::Ftp(server.session()?))
    }

    fn get(&mut self, name: &str) -> Result<u64> {
        match self {
            Self::Ftp(client) => client.retr(name),
            Self::Raw(address) => raw::get(*address, name),
        }
    }

    fn put(&mut self, file: &Path, name: &str) -> Result<u64> {
        let (file, name) = (File::open(file)?, format!("up/{name}"));
        match self {
            Self::Ftp(client) => client.stor(&file, &name),
            Self::Raw(address) => raw::put(*address, &file, &name),
        }
    }
}

fn gets(mut client: Client, ground: &Ground, count: usize) -> Result<Vec<(Figure, f64)>> {
    client.ask("CWD small", 250)?;
    // Once for real, so that a server which sends something else is found out.
    if client.read("00000.bin")? != fs::read(ground.small(0))? {
        return Err("the file that came is not the file that was asked for".into());
    }
    small_files(&mut client, count, |client, n| match client.retr(&format!("{n:05}.bin"))? {
        4096 => Ok(()),
        other => Err(format!("{other} bytes came instead of 4096").into()),
    })
}

fn puts(row: Row, mut client: Client, ground: &Ground, count: usize) -> Result<Vec<(Figure, f64)>> {
    client.ask("CWD up", 250)?;
    let figures = small_files(&mut client, count, |client, n| {
        client.stor(&File::open(ground.small(n))?, &format!("{n:05}.bin")).map(drop)
    })?;
    (0..count).try_for_each(|n| ground.check(row, &format!("{n:05}.bin"), &ground.small(n)))?;
    Ok(figures)
}

fn small_files(
    client: &mut Client,
    count: usize,
    mut one: impl FnMut(&mut Client, usize) -> Result<()>,
) -> Result<Vec<(Figure, f64)>> {
    let earlier = client.handshakes;
    let before = processes::cpu_seconds();
    let start = Instant::now();
    (0..count).try_for_each(|n| one(client, n))?;
    let took = start.elapsed().as_secs_f64();
    let cpu = processes::cpu_seconds() - before;
    let mut figures = vec![(FILES, count as f64 / took), (CPU_FILE, cpu * 1000.0 / count as f64)];
    let (done, resumed) = (client.handshakes.done - earlier.done, client.handshakes.resumed - earlier.resumed);
    if done > 0 {
        figures.push((RESUMED, resumed as f64 * 100.0 / done as f64));
    }
    Ok(figures)
}

/// Two clients log in and out, again and again.
fn logins(server: &Running<'_>, count: usize) -> Result<Vec<(Figure, f64)>> {
    let before = processes::cpu_seconds();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let worker = || -> Result<()> {
            for _ in 0..count / 2 {
                let mut client = Client::connect(server.address, server.identity)?;
                client.login(server.user, server.password)?;
                client.quit()?;
            }
            Ok(())
        };
        let other = scope.spawn(worker);
        worker()?;
        other.join().map_err(|_| "a client thread broke")?
    })?;
    let took = start.elapsed().as_secs_f64();
    // The last children are reaped a moment after the last reply.
    std::thread::sleep(Duration::from_millis(200));
    let cpu = processes::cpu_seconds() - before;
    let count = (count / 2 * 2) as f64;
    Ok(vec![(LOGINS, count / took), (CPU_LOGIN, cpu * 1000.0 / count)])
}

/// Opens `count` sessions with four threads and looks at what they hold.
fn idle(server: &Running<'_>, count: usize) -> Result<Vec<(Figure, f64)>> {
    // The first session may load what all share.
    server.session()?.quit()?;
    std::thread::sleep(Duration::from_millis(300));
    let before = processes::memory();
    let start = Instant::now();
    let open: Vec<Vec<Client>> = std::thread::scope(|scope| {
        let share = || (0..count / 4).map(|_| server.session()).collect::<Result<Vec<_>>>();
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(share)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| "a client thread broke")?).collect::<Result<_>>()
    })?;
    let took = start.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_millis(300));
    let after = processes::memory();
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1024.0 / (count / 4 * 4) as f64;
    drop(open);
    Ok(vec![(PSS, each(after.proportional, before.proportional)), (OPEN, took)])
}

fn listing(mut client: Client, verb: &str, entries: usize) -> Result<Vec<(Figure, f64)>> {
    client.ask("CWD many", 250)?;
    let mark = HighWater::mark();
    let before = processes::cpu_seconds();
    let listed = client.list(verb)?;
    let cpu = processes::cpu_seconds() - before;
    // A line holds the name and more.
    if listed.bytes < entries as u64 * 34 {
        return Err(format!("{} bytes are too few for {entries} entries: the server cut the listing", listed.bytes).into());
    }
    let rise = mark.rise() as f64 / f64::from(1 << 20);
    let (first, total) = (listed.first.as_secs_f64() * 1000.0, listed.total.as_secs_f64());
    Ok(vec![(FIRST, first), (TOTAL, total), (RISE, rise), (CPU_LIST, cpu)])
}
