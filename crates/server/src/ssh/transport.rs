//! SSH itself: which algorithms, what becomes of requests, and when does a connection end? The only file, besides
//! that of keys, that names russh.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use io::{clock, task};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{
    Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Disconnect, Limits, MethodKind, MethodSet, Preferred, SshId,
    cipher, kex, mac,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use types::{Certified, Lane, ProvedKey, Reason, What};

use super::channel::{self, Wanted};
use super::inlet::{Inlet, inlet};
use super::keys::HostKey;
use super::login::{Login, Verdict};
use super::state::State;
use super::wire::Wire;
use super::{LAST_WORDS, Ways};

/// What russh goes by.
pub(super) type Config = Arc<russh::server::Config>;

/// Every failed login takes this long at least, so that what was looked up does not show. The door's own delays, which
/// grow with every failure, come before it.
const REJECTION: Duration = Duration::from_millis(100);
/// Proofs that fail before the connection is closed, keys that fit nobody among them.
const MOST_REJECTIONS: usize = 20;
/// After this long keys are exchanged anew, as after so many bytes.
const REKEY_AFTER: Duration = Duration::from_secs(3_600);
/// What a client may send before it hears that it may go on.
const WINDOW: u32 = 2 * 1024 * 1024;
/// The largest packet a client may send. RFC 4253 section 6.1 asks for 32 KiB at least, and larger ones spare turns.
const PACKET: u32 = 64 * 1024;
/// Bodies that wait for the transport, each a few packets: the peer's window is the limit before that.
const BODIES: usize = 16;

/// No algorithm in here is known to be weak, and none is offered that is.
pub(super) fn config(keys: &[HostKey], version: &str, ways: Ways, rekey_bytes: usize) -> Config {
    let rekey = rekey_bytes.clamp(1, 1 << 30);
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let hosts = vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let exchanges = vec![
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        // Markers: extensions (RFC 8308), and the strict exchange that Terrapin made necessary.
        kex::EXTENSION_SUPPORT_AS_SERVER,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
    ];
    Arc::new(russh::server::Config {
        server_id: SshId::Standard(Cow::Owned(format!("SSH-2.0-Carrack_{version}"))),
        methods: methods(ways),
        auth_rejection_time: REJECTION,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: keys.iter().map(|key| key.key.clone()).collect(),
        certificates: keys.iter().flat_map(|key| key.certificates.clone()).collect(),
        limits: Limits::new(rekey, rekey, REKEY_AFTER),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        event_buffer_size: BODIES,
        preferred: Preferred {
            kex: Cow::Owned(exchanges),
            key: Cow::Owned(hosts),
            // AES-GCM first: it costs half of ChaCha20 where the processor knows AES, which is everywhere.
            cipher: Cow::Owned(vec![cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305]),
            // Never used: the ciphers are their own authenticators. RFC 4253 wants a list all the same.
            mac: Cow::Owned(vec![mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM]),
            ..Preferred::DEFAULT
        },
        max_auth_attempts: MOST_REJECTIONS,
        // Whoever watches over the connection has its own clocks.
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(60)),
        keepalive_max: 4,
        nodelay: true,
        ..russh::server::Config::default()
    })
}

fn methods(ways: Ways) -> MethodSet {
    let mut all = Vec::new();
    if ways.key {
        all.push(MethodKind::PublicKey);
    }
    if ways.password {
        all.extend([MethodKind::Password, MethodKind::KeyboardInteractive]);
    }
    MethodSet::from(all.as_slice())
}

/// Runs a connection until it is over.
pub(super) async fn run(stream: TcpStream, state: Arc<State>, gentle: CancellationToken) {
    let _ends_all = state.token.clone().drop_guard();
    let wire = Wire::new(stream, state.token.clone());
    let door = Door { login: Login::new(state.clone()), state: state.clone(), channels: HashMap::new() };
    let until = state.began() + state.listener.login_within;
    let begun = tokio::select! {
        biased;
        begun = russh::server::run_stream(state.listener.terms.0.clone(), wire, door) => begun,
        () = clock::sleep_until(until) => Err(Gone(Some(Reason::LoginTimeout))),
        () = gentle.cancelled() => Err(Gone(Some(Reason::ShuttingDown))),
    };
    let mut running = match begun {
        Ok(running) => running,
        Err(gone) => return state.note(|| [What::Closed(gone.0)]),
    };
    let handle = running.handle();
    let ended = tokio::select! {
        biased;
        ended = &mut running => Some(ended),
        reason = watch(&state, &gentle) => {
            state.end(reason);
            None
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            let reason = state.why().unwrap_or(Reason::ShuttingDown);
            let text = format!("{} ({})", reason.cause(), reason.code());
            let farewell = async {
                let _ = handle.disconnect(Disconnect::ByApplication, text, String::new()).await;
                let _ = (&mut running).await;
            };
            let _ = tokio::time::timeout(LAST_WORDS, farewell).await;
            Ok(())
        }
    };
    let why = state.why().or(ended.err().and_then(|gone| gone.0));
    state.note(|| [What::Closed(why)]);
}

/// Waits until the connection is to end: why.
async fn watch(state: &State, gentle: &CancellationToken) -> Reason {
    let revoked = state.guest.revoked();
    loop {
        let changed = state.changed.notified();
        if let Some(reason) = state.why() {
            return reason;
        }
        let entered = state.entered().is_some();
        let busy = state.channels() > 0;
        if gentle.is_cancelled() && !busy {
            return Reason::ShuttingDown;
        }
        let deadline = if entered { state.idle_at() } else { state.began() + state.listener.login_within };
        tokio::select! {
            () = changed => {}
            () = revoked.cancelled() => return state.guest.why().unwrap_or(Reason::Kicked),
            () = gentle.cancelled(), if !gentle.is_cancelled() => {}
            () = clock::sleep_until(deadline) => {
                if !entered {
                    return Reason::LoginTimeout;
                }
                if clock::now() >= state.idle_at() {
                    return Reason::IdleTimeout;
                }
            }
        }
    }
}

/// A connection that is over for the transport, and why where it was not the client's own wish.
#[derive(Debug)]
pub(super) struct Gone(Option<Reason>);

impl From<russh::Error> for Gone {
    fn from(e: russh::Error) -> Self {
        use russh::Error as E;
        Self(match e {
            E::HUP | E::Disconnect | E::IO(_) | E::SendError | E::RecvError | E::Join(_) => None,
            E::KeepaliveTimeout | E::ConnectionTimeout | E::InactivityTimeout => Some(Reason::IdleTimeout),
            E::NoCommonAlgo { .. } => Some(Reason::SshNegotiation),
            _ => Some(Reason::SshProtocol),
        })
    }
}

/// Where the answers of one channel go. It counts the client's window: what does not fit waits with who sends it, and never in
/// the transport, where it would hold up all other channels.
#[derive(Clone)]
pub(super) struct Out(Arc<ChannelWriteHalf<Msg>>);

/// The connection is gone, or the channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lost;

impl Out {
    /// Sends bytes. Waits while the client's window is closed or keys are exchanged.
    pub(super) async fn send(&self, bytes: Bytes) -> Result<(), Lost> {
        self.0.data_bytes(bytes).await.map_err(|_| Lost)
    }

    /// Sends what a program writes to its standard error.
    pub(super) async fn complain(&self, text: String) -> Result<(), Lost> {
        self.0.extended_data_bytes(STDERR, text).await.map_err(|_| Lost)
    }

    /// Says how the program ended, and closes the channel.
    pub(super) async fn finish(&self, status: u32) {
        let _ = self.0.exit_status(status).await;
        let _ = self.0.eof().await;
        let _ = self.0.close().await;
    }
}

const STDERR: u32 = 1;

/// What is heard on one connection.
struct Door {
    state: Arc<State>,
    login: Login,
    channels: HashMap<ChannelId, Line>,
}

/// A channel.
enum Line {
    /// Nothing was asked for yet.
    Fresh(Out),
    /// Somebody serves it, as long as the mark is held.
    Served(Inlet, Weak<()>),
    /// The client sends no more; what it asked for, if it did, is still served.
    Over(Option<Weak<()>>),
}

impl Line {
    /// Whether it takes the place of a channel. The client's own close is not told of one that was closed here before.
    fn is_open(&self) -> bool {
        match self {
            Self::Fresh(_) | Self::Over(None) => true,
            Self::Served(_, mark) | Self::Over(Some(mark)) => mark.strong_count() > 0,
        }
    }
}

impl Door {
    fn answer(&self, verdict: Verdict) -> Auth {
        let reject = |methods: MethodSet, partial_success| Auth::Reject { proceed_with_methods: Some(methods), partial_success };
        let only_password = || MethodSet::from([MethodKind::Password, MethodKind::KeyboardInteractive].as_slice());
        match verdict {
            Verdict::In => Auth::Accept,
            Verdict::Password => reject(only_password(), true),
            Verdict::Again if self.login.is_half() => reject(only_password(), false),
            Verdict::Again => reject(methods(self.state.listener.ways), false),
            // Whoever watches closes the connection and says why.
            Verdict::Over => reject(MethodSet::empty(), false),
        }
    }

    fn replied(&self, verdict: Verdict) -> Auth {
        self.state.note(|| {
            [What::Reply(
                match verdict {
                    Verdict::In => "success",
                    Verdict::Again => "failure",
                    Verdict::Password => "partial success: password",
                    Verdict::Over => "disconnect",
                }
                .into(),
            )]
        });
        self.answer(verdict)
    }

    /// Begins to serve a channel, or says why not.
    fn begin(&mut self, channel: ChannelId, wanted: Wanted, asked: &str, session: &mut Session) -> Result<(), Gone> {
        let shown = types::text::printable(asked);
        let out = match self.channels.get(&channel) {
            Some(Line::Fresh(out)) if self.state.entered().is_some() => out.clone(),
            _ => {
                self.state.note(|| [What::Command(shown.into()), What::Reply("failure".into())]);
                return Ok(session.channel_failure(channel)?);
            }
        };
        self.state.note(|| [What::Command(shown.into()), What::Reply("success".into())]);
        session.channel_success(channel)?;
        let (into, from) = inlet();
        let mark = Arc::new(());
        self.channels.insert(channel, Line::Served(into, Arc::downgrade(&mark)));
        let serving = self.state.serving();
        let state = self.state.clone();
        // Ends with the connection; nobody waits for it before.
        drop(task::spawn("ssh channel", &self.state.token, async move {
            channel::serve(state, wanted, from, out).await;
            drop((serving, mark));
        }));
        Ok(())
    }
}

/// A user certificate, for the door. russh has verified its signature and its dates.
fn certified(certificate: &Certificate) -> Option<ProvedKey> {
    let key = PublicKey::new(certificate.public_key().clone(), "");
    let authority = PublicKey::new(certificate.signature_key().clone(), "");
    let mut unfit = certificate.cert_type() != CertType::User;
    let mut source = None;
    for (name, value) in certificate.critical_options().iter() {
        match name.as_str() {
            "source-address" => source = Some(value.as_str().into()),
            // Nothing but sftp runs here in any case.
            "force-command" if value == "internal-sftp" => {}
            _ => unfit = true,
        }
    }
    Some(ProvedKey {
        blob: key.to_bytes().ok()?.into(),
        certified: Some(Certified {
            authority: authority.to_bytes().ok()?.into(),
            principals: certificate.valid_principals().iter().map(|p| p.as_str().into()).collect(),
            id: certificate.key_id().into(),
            serial: certificate.serial(),
            source,
            unfit,
        }),
    })
}

/// SHA-1 is not what one proves anything with today; DSA neither.
fn is_weak(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { hash: None } | Algorithm::Dsa)
}

impl Handler for Door {
    type Error = Gone;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Gone> {
        let lines = self.state.guest.greeting().banner;
        let text = || lines.iter().map(|line| types::text::printable(line) + "\r\n").collect();
        Ok((!lines.is_empty()).then(text))
    }

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Gone> {
        Ok(self.answer(Verdict::Again))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Gone> {
        let verdict = self.login.password(user, password.as_bytes()).await;
        Ok(self.replied(verdict))
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Gone> {
        let blob = offer.public_key.to_bytes().unwrap_or_default();
        let known = !is_weak(offer.algorithm) && self.login.offered(user, &blob);
        Ok(if known { Auth::Accept } else { self.answer(Verdict::Again) })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Gone> {
        let Ok(blob) = key.public_key.to_bytes() else { return Ok(self.answer(Verdict::Again)) };
        if is_weak(key.algorithm) {
            return Ok(self.answer(Verdict::Again));
        }
        let shown = key.public_key.fingerprint(HashAlg::Sha256).to_string();
        let verdict = self.login.key(user, ProvedKey { blob: blob.into(), certified: None }, &shown).await;
        Ok(self.replied(verdict))
    }

    async fn auth_openssh_certificate(&mut self, user: &str, certificate: &Certificate) -> Result<Auth, Gone> {
        let Some(proved) = certified(certificate) else { return Ok(self.answer(Verdict::Again)) };
        let shown = format!("certificate {:?} serial {}", certificate.key_id(), certificate.serial());
        let verdict = self.login.key(user, proved, &shown).await;
        Ok(self.replied(verdict))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Gone> {
        // Read before anything is awaited.
        let said: Option<Bytes> = match response {
            None => {
                return Ok(Auth::Partial {
                    name: Cow::Borrowed(""),
                    instructions: Cow::Borrowed(""),
                    prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
                });
            }
            Some(mut all) => all.next(),
        };
        let verdict = self.login.password(user, said.as_deref().unwrap_or_default()).await;
        Ok(self.replied(verdict))
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Gone> {
        let client = String::from_utf8_lossy(session.remote_sshid()).into_owned();
        self.state.note(|| [What::Secured(Lane::Control, types::text::printable(client.trim_end()).into())]);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Gone> {
        self.channels.retain(|_, line| line.is_open());
        if self.channels.len() >= self.state.listener.channels {
            self.state.note(|| [What::Note(Reason::SshChannels, "".into())]);
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        // The half that reads is dropped: its queue would hold up the transport. Data comes to `data` alone.
        let (_, out) = channel.split();
        self.channels.insert(out.id(), Line::Fresh(Out(Arc::new(out))));
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut Session) -> Result<(), Gone> {
        let asked = format!("subsystem {name}");
        match name {
            "sftp" => self.begin(channel, Wanted::Sftp, &asked, session),
            _ => self.begin(channel, Wanted::Nothing, &asked, session),
        }
    }

    async fn exec_request(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Gone> {
        let asked = format!("exec {}", String::from_utf8_lossy(data));
        self.begin(channel, Wanted::of_command(data), &asked, session)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Gone> {
        self.begin(channel, Wanted::Nothing, "shell", session)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Gone> {
        self.state.touch();
        if let Some(Line::Served(into, _)) = self.channels.get(&channel)
            && into.put(data).await.is_err()
        {
            self.state.end(Reason::RequestsUnanswered);
            return Err(Gone(Some(Reason::RequestsUnanswered)));
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Gone> {
        if let Some(line) = self.channels.get_mut(&channel) {
            *line = match line {
                Line::Served(_, mark) => Line::Over(Some(mark.clone())),
                Line::Fresh(_) => Line::Over(None),
                Line::Over(mark) => Line::Over(mark.take()),
            };
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Gone> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Gone> {
        Ok(session.channel_failure(channel)?)
    }

    async fn env_request(&mut self, channel: ChannelId, _name: &str, _value: &str, session: &mut Session) -> Result<(), Gone> {
        // Nothing here has an environment.
        Ok(session.channel_failure(channel)?)
    }
}
