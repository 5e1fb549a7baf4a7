//! How does a test get a server? Carrack's own, in this process, on port 0, over whatever storage it is given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carrack_client::ftp::Dial;
use gate::{Gate, ListenerRules, Mount, Password, Permissions, Rules, UserRules};
use io::CancellationToken;
use io::task::{self, Workers};
use proto::ftp::client::{Login, Settings};
use server::ftp;
use trace::{Capacity, Observer, Ring, SessionInfo};
use types::{Event, Secret, Time, VPath, What};
use vfs::SharedStorage;

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) storage: SharedStorage,
    /// Its certificate, as PEM.
    pub(crate) root: String,
    tls: bool,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn path(text: &str) -> VPath {
    VPath::parse(text.as_bytes()).unwrap()
}

/// What of a listener or of the rules differs.
#[derive(Clone, Copy, Default)]
pub(crate) struct Odd {
    pub(crate) no_passive: bool,
    /// Sessions at once for each user; any number if 0.
    pub(crate) sessions: u32,
    /// TLS that clients must use, on both connections, and with the session resumed; from the first byte if `true`.
    pub(crate) tls: Option<bool>,
}

/// The name on the certificate of a test's server.
pub(crate) const NAME: &str = "carrack.test";

/// A certificate that is its own root.
fn certificate() -> (io::tls::Certificate, String) {
    let (chain, key) = io::tls::self_signed(&[NAME]).unwrap();
    let file = std::path::Path::new("of a test");
    (io::tls::Certificate::from_pem(chain.as_bytes(), key.reveal().as_bytes(), file, file).unwrap(), chain)
}

impl Server {
    pub(crate) fn over(storage: SharedStorage) -> Self {
        Self::with(storage, Odd::default())
    }

    pub(crate) fn with(storage: SharedStorage, odd: Odd) -> Self {
        let mut rules = Rules::default();
        let listener = ListenerRules { plain_login: gate::PlainLogin::Allow, ..ListenerRules::default() };
        rules.listeners.insert("open".into(), listener);
        rules.mounts.insert("main".into(), Mount { storage: storage.clone(), read_only: false });
        rules.limits.delay = Duration::ZERO;
        for name in ["ann", "bob", "eve"] {
            let mut user = UserRules::new(name, Password::Plain(Secret::new("secret".into())));
            user.own.mounts = vec![(VPath::root(), "main".into())];
            user.own.permissions = vec![(VPath::root(), Permissions::parse("all").unwrap())];
            user.own.umask = Some(0o022);
            user.own.sessions = (odd.sessions != 0).then_some(odd.sessions);
            rules.users.insert(user.name.clone(), user);
        }
        let gate = Gate::new(rules).unwrap();
        let stop = CancellationToken::new();
        let ip = "127.0.0.1".parse().unwrap();
        let pool = io::ports::Pool::bind(ip, None, &stop, Box::new(|_, _| {})).unwrap();
        let (certificate, root) = certificate();
        let certificates = io::tls::Certificates::new(vec![certificate]);
        let protection = |implicit| ftp::Protection {
            server: Arc::new(io::tls::Server::new(&certificates, &io::tls::Settings::default()).unwrap()),
            implicit,
            reuse: ftp::Reuse::Require,
            proved: true,
        };
        let listener = ftp::Listener {
            name: "open".into(),
            session: Arc::new(proto::ftp::server::Settings {
                login_within: Duration::from_secs(30),
                idle_after: Duration::from_secs(300),
                idle_at_most: Duration::from_secs(300),
                active: true,
                passive: !odd.no_passive,
                single_port: false,
                historic: false,
                tls: odd.tls.map(|_| proto::ftp::server::Tls { login_required: true, data_required: true, ccc: false }),
                gssapi: None,
                ebcdic: Default::default(),
                ascii_size_limit: 1 << 20,
                version: "0".into(),
            }),
            plain_login: ftp::PlainLogin::Allow,
            tls: odd.tls.map(protection),
            pool: (!odd.no_passive).then_some(pool),
            gss: None,
            announce: ftp::Announce::default(),
            active_port: 0,
            connect_within: Duration::from_secs(10),
            stall_after: Duration::from_secs(30),
            proxies: Vec::new(),
            record: Capacity::NONE,
            single: ftp::SinglePort::default(),
        };
        let socket = io::listen::bind_tcp(SocketAddr::new(ip, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let (_, settings) = tokio::sync::watch::channel(Arc::new(listener));
        let workers = Workers::start(0, &stop).unwrap();
        let stops = server::listen::Stop { gentle: stop.clone(), now: stop.clone(), drain_within: Duration::from_secs(1) };
        let serve = ftp::serve(socket, settings, gate, Arc::new(trace::Nobody), workers, stops);
        drop(task::spawn("server of a test", &stop, serve));
        Self { address, storage, root, tls: odd.tls.is_some(), stop }
    }

    pub(crate) fn dial(&self) -> Dial {
        dial(self.address, "ann")
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// As a client that trusts this server's certificate.
    pub(crate) fn dial_with_tls(&self, tls: proto::ftp::client::Tls) -> Dial {
        let roots = io::tls::Roots::from_pem(self.root.as_bytes(), std::path::Path::new("of a test")).unwrap();
        let mut dial = self.dial();
        dial.settings.tls = tls;
        dial.tls = Some(io::tls::Client::new(io::tls::Trust::Roots(roots), None).unwrap());
        dial.certificate_name = Some(NAME.into());
        dial
    }

    pub(crate) fn dial_as(&self, user: &str) -> Dial {
        dial(self.address, user)
    }
}

pub(crate) fn dial(address: SocketAddr, user: &str) -> Dial {
    let login = Login { user: user.into(), password: Secret::new("secret".into()), account: None };
    let settings = Settings::new(login, Time::from_seconds(1_750_000_000));
    Dial { session: types::SessionId(7), ..Dial::new(&address.ip().to_string(), address.port(), settings) }
}

/// Keeps what happened.
#[derive(Default)]
pub(crate) struct Diary(pub(crate) Mutex<Vec<Event>>);

impl Diary {
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|event| format!("{:?}", event.what)).collect()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events.iter().filter_map(|e| if let What::Command(line) = &e.what { Some(line.to_string()) } else { None }).collect()
    }

    pub(crate) fn ladder(&self) -> String {
        let events = self.0.lock().unwrap();
        let mut printer = trace::LadderPrinter::new(trace::Style::Ascii, 100);
        events.iter().map(|event| printer.event(types::SessionId(7), event)).collect()
    }
}

impl Observer for Diary {
    fn opened(&self, _: &SessionInfo) {}

    fn event(&self, _: &SessionInfo, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn closed(&self, _: &SessionInfo, _: &Ring) {}
}
