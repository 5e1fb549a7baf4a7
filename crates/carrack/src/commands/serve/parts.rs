//! What do listeners and users share, and what outlives a reload? Storages, passive ports, and the addresses of names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use io::CancellationToken;
use io::ports::Pool;
use tokio::sync::watch;
use types::Reason;
use vfs::{LocalSettings, LocalStorage, MemorySettings, MemoryStorage, SharedStorage};

use super::Refused;
use crate::cli::PassivePorts;
use crate::config::{Host, Listener, Mount, MountKind};
use crate::confine::Rooms;
use crate::log::{Fact, Journal};

/// How long a name's address is believed, and how soon one that was not found is asked for again.
const BELIEVED: Duration = Duration::from_secs(300);
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How long start-up waits for a name.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
/// How often folders are looked through for what interrupted uploads left.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// A storage that is open.
#[derive(Clone)]
pub(super) struct OpenMount {
    pub(super) mount: Mount,
    pub(super) storage: SharedStorage,
    /// The same, where it is a folder that needs sweeping.
    folder: Option<LocalStorage>,
    /// Ends the sweeping.
    stop: CancellationToken,
}

/// Opens what is not open yet of these mounts; keeps the rest.
pub(super) fn storages(wanted: &[Mount], open: &[OpenMount], rooms: &Rooms) -> Result<Vec<OpenMount>, Refused> {
    wanted
        .iter()
        .map(|mount| open.iter().find(|o| o.mount == *mount).map_or_else(|| open_one(mount, rooms), |o| Ok(o.clone())))
        .collect()
}

fn open_one(mount: &Mount, rooms: &Rooms) -> Result<OpenMount, Refused> {
    let stop = CancellationToken::new();
    let (storage, folder): (SharedStorage, _) = match &mount.kind {
        MountKind::Memory { size } => {
            let settings = MemorySettings { capacity: Some(*size), ..MemorySettings::default() };
            (Arc::new(MemoryStorage::new(settings)), None)
        }
        MountKind::Local(path) => {
            let what = || format!("the mount {} ({})", mount.name, path.display());
            if !rooms.holds(path) {
                let detail = "the running process is confined to the folders it started with; restart it to serve this one too";
                return Err(Refused::new(what(), Reason::MountGone, detail));
            }
            let settings = LocalSettings {
                durability: mount.durability,
                read_only: mount.read_only,
                keep_parts: mount.keep_parts,
                file_mode: mount.file_mode,
                dir_mode: mount.dir_mode,
            };
            let folder = LocalStorage::open(path, settings).map_err(|e| Refused::new(what(), e.reason, e.to_string()))?;
            (Arc::new(folder.clone()), Some(folder))
        }
    };
    Ok(OpenMount { mount: mount.clone(), storage, folder, stop })
}

impl OpenMount {
    /// Keeps the folder clean from now on. Called once, when the mount begins to serve.
    pub(super) fn keep_clean(&self, journal: &Arc<Journal>) {
        let Some(folder) = self.folder.clone() else { return };
        let (journal, name) = (journal.clone(), self.mount.name.clone());
        io::task::spawn("sweep", &self.stop, async move {
            loop {
                if let Ok(swept) = folder.sweep().await
                    && swept.removed > 0
                {
                    let words = format!("mount {name}: removed what {} interrupted uploads had left", swept.removed);
                    journal.say(&Fact::words("sweep", words));
                }
                io::clock::sleep_until(io::clock::now() + SWEEP_EVERY).await;
            }
        });
    }

    /// Ends what [`OpenMount::keep_clean`] began.
    pub(super) fn close(&self) {
        self.stop.cancel();
    }
}

/// Passive ports that are open, by the address and range that listeners name.
#[derive(Clone)]
pub(super) struct OpenPorts {
    ip: IpAddr,
    ports: PassivePorts,
    pub(super) pool: Pool,
    pub(super) stop: CancellationToken,
}

/// Opens what is not open yet of the listeners' passive ports; keeps the rest.
pub(super) fn ports(listeners: &[Listener], open: &[OpenPorts], journal: &Arc<Journal>) -> Result<Vec<OpenPorts>, Refused> {
    let mut ready: Vec<OpenPorts> = Vec::new();
    for listener in listeners {
        let Some(passive) = &listener.passive else { continue };
        if find(&ready, listener).is_some() {
            continue;
        }
        let one = match find(open, listener) {
            Some(known) => known.clone(),
            None => open_ports(listener.address.ip(), &passive.ports, journal)?,
        };
        ready.push(one);
    }
    Ok(ready)
}

impl OpenPorts {
    /// Whether both are the same open ports.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.ip == other.ip && self.ports == other.ports
    }
}

/// The passive ports of a listener.
pub(super) fn find<'a>(open: &'a [OpenPorts], listener: &Listener) -> Option<&'a OpenPorts> {
    let passive = listener.passive.as_ref()?;
    open.iter().find(|o| o.ip == listener.address.ip() && o.ports == passive.ports)
}

fn open_ports(ip: IpAddr, ports: &PassivePorts, journal: &Arc<Journal>) -> Result<OpenPorts, Refused> {
    let stop = CancellationToken::new();
    let range = (!ports.any()).then(|| ports.0.clone());
    let told = journal.clone();
    let on_stranger = Box::new(move |peer: SocketAddr, port: u16| {
        let words = format!("{peer} came to passive port {port}, where nobody waited for it");
        told.say(&Fact::words("stranger", words));
    });
    let pool = Pool::bind(ip, range, &stop, on_stranger)
        .map_err(|e| Refused::new(format!("the passive ports {ports} on {ip}"), Reason::Bind, e.to_string()))?;
    if let (Some(first), Some(last)) = (pool.missing().first(), pool.missing().last()) {
        let words = format!("{} of the passive ports {ports} are taken by others ({first} to {last})", pool.missing().len());
        journal.say(&Fact::words("warning", words));
    }
    Ok(OpenPorts { ip, ports: ports.clone(), pool, stop })
}

/// A name whose address is looked up again from time to time.
#[derive(Clone)]
pub(super) struct Followed {
    pub(super) name: Arc<str>,
    pub(super) found: watch::Receiver<Option<IpAddr>>,
    pub(super) stop: CancellationToken,
}

/// Looks up what is not followed yet of the listeners' public names; keeps the rest.
pub(super) async fn names(listeners: &[Listener], followed: &[Followed], journal: &Arc<Journal>) -> Vec<Followed> {
    let mut ready: Vec<Followed> = Vec::new();
    for listener in listeners {
        let Some(Host::Name(name)) = listener.passive.as_ref().and_then(|p| p.address.as_ref()) else { continue };
        if ready.iter().any(|f| *f.name == **name) {
            continue;
        }
        let one = match followed.iter().find(|f| *f.name == **name) {
            Some(known) => known.clone(),
            None => follow(name, journal).await,
        };
        ready.push(one);
    }
    ready
}

async fn follow(name: &str, journal: &Arc<Journal>) -> Followed {
    let name: Arc<str> = name.into();
    let first = tokio::time::timeout(FIRST_ANSWER, look_up(&name)).await.ok().flatten();
    if first.is_none() {
        let words = format!("public_address {name} has no address yet; clients are told the one they came in at");
        journal.say(&Fact::words("warning", words));
    }
    let (told, found) = watch::channel(first);
    let stop = CancellationToken::new();
    let asked = name.clone();
    io::task::spawn("name", &stop, async move {
        let mut known = first;
        loop {
            let wait = if known.is_some() { BELIEVED } else { ASK_AGAIN };
            io::clock::sleep_until(io::clock::now() + wait).await;
            // The last address stays in use while the name cannot be asked for.
            if let Some(ip) = look_up(&asked).await {
                known = Some(ip);
                told.send_if_modified(|old| std::mem::replace(old, known) != known);
            }
        }
    });
    Followed { name, found, stop }
}

/// IPv4 first: PASV can say no other.
async fn look_up(name: &str) -> Option<IpAddr> {
    let found: Vec<IpAddr> = tokio::net::lookup_host((name, 0)).await.ok()?.map(|a| a.ip()).collect();
    found.iter().find(|ip| ip.is_ipv4()).or_else(|| found.first()).copied()
}
