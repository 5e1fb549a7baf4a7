//! How does the load speak TLS? rustls on blocking sockets, one suite, one group and one certificate for all servers.

use crate::Result;
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, NamedGroup, RootCertStore};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What is read from a socket, and what is encrypted, at a time.
const BLOCK: usize = 256 << 10;

/// The name in the certificate.
const NAME: &str = "localhost";

/// The key and certificate all servers show in this run, and what the clients need to believe them.
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// Key and certificate in one file, for servers that want it so.
    pub(super) both: PathBuf,
    config: ClientConfig,
}

impl Identity {
    /// Makes them new, in `folder`.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(path)
        };
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let provider = CryptoProvider {
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
            kx_groups: vec![aws_lc_rs::kx_group::SECP256R1],
            ..aws_lc_rs::default_provider()
        };
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            certificate: write("certificate.pem", &certificate)?,
            key: write("key.pem", &key)?,
            both: write("both.pem", &format!("{key}{certificate}"))?,
            config,
        })
    }

    /// The settings of one control connection: its data connections resume its sessions and no others.
    pub(super) fn fresh(&self) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        config.resumption = Resumption::store(Arc::new(Tickets::default()));
        Arc::new(config)
    }
}

/// The session tickets of one control connection, the newest first, each used once (RFC 8446 §C.4).
#[derive(Default)]
struct Tickets(Mutex<Vec<Tls13ClientSessionValue>>);

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= 16 {
            tickets.remove(0);
        }
        tickets.push(ticket);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Reads in large pieces, writes as it is told.
struct Socket(BufReader<TcpStream>);

impl Read for Socket {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(from)
    }

    fn write_vectored(&mut self, from: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.get_mut().write_vectored(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection under TLS whose handshake is done.
pub(super) struct Secure {
    connection: ClientConnection,
    socket: Socket,
}

impl Secure {
    /// The handshake. `buffer` is how much is read from the socket at a time.
    fn shake(stream: TcpStream, config: &Arc<ClientConfig>, buffer: usize) -> Result<Self> {
        stream.set_nodelay(true)?;
        let mut connection = ClientConnection::new(Arc::clone(config), ServerName::try_from(NAME)?)?;
        connection.set_buffer_limit(None);
        let mut socket = Socket(BufReader::with_capacity(buffer, stream));
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).map_err(|why| format!("TLS handshake: {why}"))?;
        }
        let mut secure = Self { connection, socket };
        secure.send()?;
        Ok(secure)
    }

    /// For a control connection.
    pub(super) fn control(stream: TcpStream, config: &Arc<ClientConfig>) -> Result<Self> {
        Self::shake(stream, config, 4096)
    }

    /// For a data connection.
    pub(super) fn data(stream: TcpStream, config: &Arc<ClientConfig>) -> Result<Self> {
        Self::shake(stream, config, BLOCK)
    }

    pub(super) fn resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    /// What can be read now, given piece by piece to `each`; whether there may be more.
    fn receive(&mut self, each: &mut impl FnMut(&[u8])) -> Result<bool> {
        let n = self.connection.read_tls(&mut self.socket)?;
        let mut waiting = self.connection.process_new_packets()?.plaintext_bytes_to_read();
        let mut piece = [0; 16 << 10];
        while waiting > 0 {
            let got = self.connection.reader().read(&mut piece)?;
            each(&piece[..got]);
            waiting -= got;
        }
        Ok(n > 0)
    }

    /// Receives until the server closes, and says goodbye.
    pub(super) fn drain(mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        while self.receive(&mut each)? {}
        self.close();
        Ok(())
    }

    /// Sends a whole file, says that this was all, and reads the tickets the server may have sent. The bytes sent.
    pub(super) fn pour(mut self, mut file: &File) -> Result<u64> {
        let length = file.metadata()?.len();
        let mut block = vec![0; BLOCK.min(usize::try_from(length)?).max(1)];
        let mut sum = 0;
        while sum < length {
            let n = file.read(&mut block)?;
            if n == 0 {
                return Err("the file became shorter while it was sent".into());
            }
            self.connection.writer().write_all(&block[..n])?;
            self.send()?;
            sum += n as u64;
        }
        self.connection.send_close_notify();
        self.send()?;
        self.socket.0.get_ref().shutdown(Shutdown::Write)?;
        while self.receive(&mut |_| {})? {}
        Ok(sum)
    }

    /// Says goodbye to a server that may have gone already.
    pub(super) fn close(&mut self) {
        self.connection.send_close_notify();
        let _ = self.send();
    }
}

impl Read for Secure {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut self.connection, &mut self.socket).read(to)
    }
}

impl Write for Secure {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let n = self.connection.writer().write(from)?;
        self.send()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
