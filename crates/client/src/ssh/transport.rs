//! SSH itself: a connection, whose key it has, and a channel to a subsystem on it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use io::{clock, task};
use russh::client::{Config, Handle, Handler, Msg, connect_stream};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, Preferred, SshId, cipher};
use types::{Error, Reason};

use super::{Dial, hosts, login};
use crate::connect;

/// What the server may send before it hears that it may go on: the largest window of a download, and room for more.
const WINDOW: u32 = 64 * 1_024 * 1_024;
/// The largest packet the server may send.
const PACKET: u32 = 64 * 1_024;
/// Packets that wait for their reader. It always reads on, so this is for its turn to come.
const WAITING: usize = 1_024;

/// A connection that somebody is logged in on. It ends when this is dropped.
pub(super) struct Transport {
    handle: Handle<Guard>,
}

/// Hears what the server says beside the channel.
pub(super) struct Guard {
    dial: Dial,
    /// Why its key was not taken.
    refused: Arc<Mutex<Option<Error>>>,
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are not asked for, so that none is shown.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let (dial, key): (Dial, PublicKey) = (self.dial.clone(), key.clone());
        let checked = task::blocking(move || hosts::check(&dial, &key)).await.and_then(|checked| checked);
        let good = checked.is_ok();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = checked.err();
        Ok(good)
    }
}

fn config() -> Config {
    let ciphers =
        vec![cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_128_CTR];
    Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Carrack_", env!("CARGO_PKG_VERSION")))),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: WAITING,
        keepalive_interval: Some(Duration::from_secs(30)),
        nodelay: true,
        preferred: Preferred { cipher: Cow::Owned(ciphers), ..Preferred::default() },
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

impl Transport {
    /// Connects, looks whose key it is, and logs in.
    ///
    /// # Errors
    /// Those of connecting; [`Reason::HostKeyChanged`], [`Reason::HostKeyUnknown`], [`Reason::LoginRefused`],
    /// [`Reason::SshFailed`].
    pub(super) async fn open(dial: &Dial) -> Result<Self, Error> {
        let stream = connect::connect(dial.peer(), dial.port, dial.family, dial.within).await?;
        let _ = stream.set_nodelay(true); // slower without, and no worse
        let refused = Arc::new(Mutex::default());
        let guard = Guard { dial: dial.clone(), refused: refused.clone() };
        let connecting = connect_stream(Arc::new(config()), stream, guard);
        // Whoever is asked about a key takes the time it needs.
        let mut handle = connecting.await.map_err(|e| {
            let why = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            why.unwrap_or_else(|| lost(e))
        })?;
        login::login(&mut handle, dial).await?;
        Ok(Self { handle })
    }

    /// Opens a channel to a subsystem.
    ///
    /// # Errors
    /// [`Reason::SshFailed`] where the server does not have it.
    pub(super) async fn subsystem(&self, name: &str, within: Duration) -> Result<Channel<Msg>, Error> {
        let opening = async {
            let channel = self.handle.channel_open_session().await.map_err(lost)?;
            channel.request_subsystem(false, name).await.map_err(lost)?;
            Ok(channel)
        };
        let deadline = clock::now() + within;
        let late = |_| connect::too_slow("the subsystem sftp", within);
        tokio::time::timeout_at(deadline.into(), opening).await.map_err(late)?
    }
}
