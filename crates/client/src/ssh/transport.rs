//! SSH itself: a connection, whose key it has, and a channel to a subsystem on it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use io::body::BoxFuture;
use io::{clock, task};
use russh::client::{Config, Handle, Handler, Msg, Session, connect_stream};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Channel, Names, Preferred, SshId, cipher};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::oneshot;
use types::{Error, Lane, Reason, What};

use super::command::Program;
use super::known::Known;
use super::record::Record;
use super::{Dial, Way, hosts, login};
use crate::connect;

/// What the server may send before it hears that it may go on: the largest window of a download, and room for more.
const WINDOW: u32 = 64 * 1_024 * 1_024;
/// The largest packet the server may send.
const PACKET: u32 = 64 * 1_024;
/// Packets that wait for their reader. It always reads on, so this is for its turn to come.
const WAITING: usize = 1_024;

/// As many lines of what a server has to say before the login are recorded.
const BANNER_LINES: usize = 50;
/// What a host on the way may send before it hears that it may go on, and how many packets of it wait: the connection that
/// leads through it reads on while it writes, so long as the window is used up before they are.
const HOP_WINDOW: u32 = 16 * 1_024 * 1_024;
const HOP_WAITING: usize = 64 * 1_024;

/// How much is read at once. A packet's length and its body are asked for one after the other, and servers send packets of
/// 16 or 32 KiB: so one call to the system brings several.
const AHEAD: usize = 128 * 1_024;

/// A connection that somebody is logged in on. It ends when this is dropped.
pub(super) struct Transport {
    handle: Handle<Guard>,
    record: Arc<Record>,
    /// Whether the server says that it is OpenSSH's.
    is_openssh: bool,
    /// The one that it leads through.
    _through: Option<Box<Self>>,
}

/// Hears what the server says beside the channel.
pub(super) struct Guard {
    dial: Dial,
    record: Arc<Record>,
    /// Why its key was not taken.
    refused: Arc<Mutex<Option<Error>>>,
    /// Whether it says that it is OpenSSH's.
    is_openssh: Arc<AtomicBool>,
    /// Told once its key is there.
    shown: Option<oneshot::Sender<()>>,
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.record.end(None);
    }
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn kex_done(&mut self, _: Option<&[u8]>, names: &Names, session: &mut Session) -> Result<(), Self::Error> {
        self.is_openssh.store(session.remote_sshid().starts_with(b"SSH-2.0-OpenSSH"), Ordering::Relaxed);
        self.record.note(|| {
            let server = types::text::printable(String::from_utf8_lossy(session.remote_sshid()).trim_end());
            let (kex, cipher): (&str, &str) = (names.kex.as_ref(), names.cipher.as_ref());
            What::Secured(Lane::Control, format!("{server}: {kex}, {}, {cipher}", names.key).into())
        });
        Ok(())
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), Self::Error> {
        for line in banner.lines().take(BANNER_LINES) {
            self.record.note(|| What::Reply(types::text::printable(line).into()));
        }
        Ok(())
    }

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        drop(self.shown.take());
        let dial = self.dial.clone();
        let shown = match shown {
            PublicKeyOrCertificate::PublicKey { key, hash_alg } => {
                PublicKeyOrCertificate::PublicKey { key: key.clone(), hash_alg: *hash_alg }
            }
            PublicKeyOrCertificate::Certificate(certificate) => PublicKeyOrCertificate::Certificate(certificate.clone()),
        };
        let checked = task::blocking(move || hosts::check(&dial, &shown)).await.and_then(|checked| checked);
        let good = checked.is_ok();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = checked.err();
        Ok(good)
    }
}

/// What is asked for first: of keys those by which the server is known, and a certificate only where an authority is.
fn preferred(known: &Known) -> Preferred {
    let ciphers =
        vec![cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_128_CTR];
    let usual = Preferred::default();
    let kinds = known.kinds();
    // RSA keys have one kind, and several ways to sign.
    let is_rsa = |one: &Algorithm| matches!(one, Algorithm::Rsa { .. });
    let is_known = |way: &Algorithm| kinds.iter().any(|kind| kind == way || (is_rsa(kind) && is_rsa(way)));
    let (mut keys, others): (Vec<_>, Vec<_>) = usual.key.iter().cloned().partition(is_known);
    keys.extend(others);
    let certificates = if known.has_authority() { usual.key.clone() } else { Cow::Borrowed(&[][..]) };
    Preferred { cipher: Cow::Owned(ciphers), key: Cow::Owned(keys), host_key_certificates: certificates, ..usual }
}

fn config(known: &Known, is_hop: bool) -> Config {
    Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Carrack_", env!("CARGO_PKG_VERSION")))),
        window_size: if is_hop { HOP_WINDOW } else { WINDOW },
        maximum_packet_size: PACKET,
        channel_buffer_size: if is_hop { HOP_WAITING } else { WAITING },
        keepalive_interval: Some(Duration::from_secs(30)),
        nodelay: true,
        preferred: preferred(known),
        ..Config::default()
    }
}

/// What an error of SSH means here.
pub(super) fn lost(error: russh::Error) -> Error {
    match error {
        russh::Error::NoCommonAlgo { .. } => Error::with(Reason::SshFailed, error.to_string()),
        russh::Error::IO(e) => Error::with(Reason::Disconnected, e.to_string()),
        russh::Error::HUP | russh::Error::Disconnect | russh::Error::SendError => Error::new(Reason::Disconnected),
        other => Error::with(Reason::SshFailed, other.to_string()),
    }
}

/// What carries a connection.
trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carrier for T {}

impl Transport {
    /// Connects, by the way that was chosen, looks whose key it is, and logs in.
    ///
    /// # Errors
    /// Those of connecting; [`Reason::HostKeyChanged`], [`Reason::HostKeyUnknown`], [`Reason::HostKeyRevoked`],
    /// [`Reason::HostCertificate`], [`Reason::LoginRefused`], [`Reason::SshFailed`]; [`Reason::JumpFailed`] where a host on
    /// the way does not connect, [`Reason::ProxyCommand`] where a program does not.
    pub(super) async fn open(dial: &Dial) -> Result<Self, Error> {
        Self::begin(dial, false).await
    }

    fn begin(dial: &Dial, is_hop: bool) -> BoxFuture<'_, Result<Self, Error>> {
        Box::pin(async move {
            let Carried { stream, through, local, peer } = carrier(dial).await?;
            let record = Arc::new(Record::begin(dial, local, peer));
            match logged_in(dial, is_hop, stream, &record).await {
                Ok((handle, is_openssh)) => Ok(Self { handle, record, is_openssh, _through: through.map(Box::new) }),
                Err(mut e) => {
                    if e.reason == Reason::Disconnected && matches!(dial.way, Way::Command(_)) {
                        e.reason = Reason::ProxyCommand;
                    }
                    record.end(Some(&e));
                    Err(e)
                }
            }
        })
    }

    /// The record of what happens on it.
    pub(super) const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Has the server connect to another.
    async fn onward(&self, via: &Dial, dial: &Dial) -> Result<impl Carrier + use<>, Error> {
        let (host, port) = (dial.peer(), u32::from(dial.port));
        let opening = self.handle.channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
        let words = |why: &dyn std::fmt::Display| format!("{} does not connect to {host} port {port}: {why}", via.host);
        match tokio::time::timeout_at((clock::now() + dial.within).into(), opening).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(e)) => Err(Error::with(Reason::JumpFailed, words(&e))),
            Err(_) => Err(connect::too_slow(&format!("{} to connect to {host} port {port}", via.host), dial.within)),
        }
    }

    /// Opens a channel to a subsystem.
    ///
    /// # Errors
    /// [`Reason::Disconnected`], [`Reason::TooSlow`]; that the server does not have it is said on the channel.
    pub(super) async fn subsystem(&self, name: &str, within: Duration) -> Result<Channel<Msg>, Error> {
        let channel = self.channel(within).await?;
        // Whether there is one shows when it is waited for.
        channel.request_subsystem(true, name).await.map_err(lost)?;
        Ok(channel)
    }

    /// Opens a channel to a command that the server runs.
    ///
    /// # Errors
    /// [`Reason::Disconnected`], [`Reason::TooSlow`].
    pub(super) async fn exec(&self, command: Vec<u8>, within: Duration) -> Result<Channel<Msg>, Error> {
        let channel = self.channel(within).await?;
        channel.exec(true, command).await.map_err(lost)?;
        Ok(channel)
    }

    async fn channel(&self, within: Duration) -> Result<Channel<Msg>, Error> {
        let opening = tokio::time::timeout_at((clock::now() + within).into(), self.handle.channel_open_session());
        opening.await.map_err(|_| connect::too_slow("a channel", within))?.map_err(lost)
    }

    /// Whether the server says that it is OpenSSH's.
    pub(super) const fn is_openssh(&self) -> bool {
        self.is_openssh
    }

    /// Whether it can still be used.
    pub(super) fn is_open(&self) -> bool {
        !self.handle.is_closed()
    }
}

/// A connection whose server is the right one, and on which somebody is logged in.
///
/// It is given with whether the server is OpenSSH's.
async fn logged_in(
    dial: &Dial,
    is_hop: bool,
    stream: Box<dyn Carrier>,
    record: &Arc<Record>,
) -> Result<(Handle<Guard>, bool), Error> {
    let refused = Arc::new(Mutex::default());
    let is_openssh = Arc::new(AtomicBool::new(false));
    let (shown, is_shown) = oneshot::channel();
    let guard = Guard {
        dial: dial.clone(),
        record: record.clone(),
        refused: refused.clone(),
        is_openssh: is_openssh.clone(),
        shown: Some(shown),
    };
    let asked = dial.clone();
    let known = task::blocking(move || hosts::known(&asked)).await??;
    let connecting = connect_stream(Arc::new(config(&known, is_hop)), BufReader::with_capacity(AHEAD, stream), guard);
    // Whoever is asked about a key takes the time it needs; until there is one, the server does not.
    let silence = async {
        if tokio::time::timeout_at((clock::now() + dial.within).into(), is_shown).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let connected = tokio::select! {
        connected = connecting => connected,
        () = silence => return Err(connect::too_slow("the server's key", dial.within)),
    };
    let mut handle = connected.map_err(|e| {
        let why = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        why.unwrap_or_else(|| lost(e))
    })?;
    login::login(&mut handle, dial, record).await?;
    Ok((handle, is_openssh.load(Ordering::Relaxed)))
}

/// What a connection to a server is made on.
struct Carried {
    stream: Box<dyn Carrier>,
    /// The connection that leads there.
    through: Option<Transport>,
    /// The address here, or that of the connection that leads there; a program's is known to nobody.
    local: SocketAddr,
    /// The server's address; nobody here knows it where another connects.
    peer: Option<SocketAddr>,
}

async fn carrier(dial: &Dial) -> Result<Carried, Error> {
    let stream = match &dial.way {
        Way::Straight => connect::connect(dial.peer(), dial.port, dial.family, dial.within).await?,
        Way::Proxy(proxy) => proxy.connect(dial.peer(), dial.port, dial.family, dial.within).await?,
        Way::Jump(via) => {
            let through = Transport::begin(via, true).await.map_err(|e| {
                let detail = e.detail.unwrap_or_else(|| e.reason.cause().into());
                Error::with(e.reason, format!("on the way through {}: {detail}", via.host))
            })?;
            let onward = through.onward(via, dial).await.inspect_err(|e| through.record.end(Some(e)))?;
            let local = through.record.local();
            return Ok(Carried { stream: Box::new(onward), through: Some(through), local, peer: None });
        }
        Way::Command(template) => {
            let local = SocketAddr::from(([127, 0, 0, 1], 0));
            return Ok(Carried { stream: Box::new(Program::start(template, dial)?), through: None, local, peer: None });
        }
    };
    let _ = stream.set_nodelay(true); // slower without, and no worse
    let gone = |e: std::io::Error| Error::with(Reason::Disconnected, e.to_string());
    let (local, peer) = (stream.local_addr().map_err(gone)?, stream.peer_addr().map_err(gone)?);
    Ok(Carried { stream: Box::new(stream), through: None, local, peer: Some(peer) })
}
