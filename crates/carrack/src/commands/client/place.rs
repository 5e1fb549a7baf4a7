//! Where does a URL or a path lead? To a storage and a path in it: a server's, or this machine's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::charset::Charset;
use client::connect::Family;
use client::ftp::{ActivePorts, Dial, Ftp, Root, is_passing, settings};
use client::ssh::{Scp, Sftp};
use client::tftp::Tftp;
use client::url::{self, Scheme};
use client::{Place, Remote, Url, pool};
use io::clock;
use proto::ftp::client::{Form, Limits, Login, Tls};
use proto::tftp::packet::Mode;
use types::{Error, Reason, VPath};
use vfs::{Durability, LocalSettings, LocalStorage, Owner, SharedStorage};

use super::{Client, login, ssh, tls};
use crate::bookmarks;
use crate::cli::client::{NetworkOptions, Options};

/// How often opening a session is tried again, unless told otherwise.
const RETRIES: u32 = 3;
/// The pause before the second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer.
const PAUSE_AT_MOST: Duration = Duration::from_secs(30);
/// As many connections to one server as a command may have at once, unless it says otherwise. Copies take fewer; folders are
/// listed over all of them.
pub(super) const CONNECTIONS: usize = 8;

/// A place that is open.
#[derive(Clone)]
pub(crate) struct Opened {
    /// Where its files are.
    pub(crate) storage: SharedStorage,
    /// The same as a server, where it is one.
    pub(crate) remote: Option<Arc<dyn Remote>>,
    /// The place in the storage.
    pub(crate) path: VPath,
    /// Whose unfinished files count.
    pub(crate) owner: Owner,
    /// The place as people may see it, without a password.
    pub(crate) shown: String,
    /// Whether it was written with a slash at its end: a folder is meant.
    pub(crate) is_folder: bool,
}

/// A server that is connected to.
pub(super) struct Server {
    url: Url,
    root: Root,
    remote: Arc<dyn Remote>,
    storage: SharedStorage,
    /// The same, where it tells what its transfers took.
    tftp: Option<Arc<Tftp>>,
}

/// Whether a URL asks for text (`;type=a`).
fn is_text(url: &Url) -> bool {
    url.form == Some(url::Form::Ascii)
}

impl Server {
    /// Whether the same session can serve a URL.
    fn serves(&self, url: &Url, root: Root) -> bool {
        // How files are transferred is a matter of the whole server.
        self.root == root && self.is_of(url) && is_text(&self.url) == is_text(url)
    }

    /// Whether it is the server that a URL names, whatever the path.
    pub(super) fn is_of(&self, url: &Url) -> bool {
        let own = &self.url;
        own.scheme == url.scheme
            && own.host == url.host
            && own.port() == url.port()
            && own.user == url.user
            // A URL that names no password means whoever is logged in.
            && (url.password.is_none() || own.password == url.password)
            && (own.scheme != Scheme::Tftp || own.form == url.form)
    }

    /// How many of its connections ended that nobody ended.
    pub(super) fn lost(&self) -> usize {
        self.remote.lost()
    }

    /// Says good-bye.
    pub(super) async fn good_bye(&self) {
        self.remote.close().await;
    }

    /// Says good-bye. What was lost on the way is told, for it is what makes a transfer slow.
    pub(super) async fn close(&self, client: &Client) {
        self.good_bye().await;
        let Some(summary) = self.tftp.as_ref().and_then(|tftp| tftp.summary()) else { return };
        if summary.tally.again > 0 || client.options.say.verbose {
            client.output.note(format_args!("{}://{}: {summary}", self.url.scheme.name(), self.url.host));
        }
    }
}

impl Client {
    /// Opens what somebody typed: a URL, a bookmark, or a path on this machine. Servers stay connected until the command ends.
    ///
    /// # Errors
    /// Those of reading the text, and of connecting.
    pub(crate) async fn open(&self, text: &str) -> Result<Opened, Error> {
        let resolved = bookmarks::resolve(text, self.options.login.user.as_deref())?;
        match resolved.place {
            Place::Local(path) => local(&path),
            Place::Remote(url) if resolved.options.is_empty() => self.open_url(&url, &self.options).await,
            Place::Remote(url) => {
                let words = resolved.options.iter().map(|word| &**word);
                let own =
                    Options::parse_words(words).map_err(|why| Error::with(Reason::BadBookmark, format!("{text}: {why}")))?;
                self.open_url(&url, &self.options.over(own)).await
            }
        }
    }

    /// Opens a place on a server.
    ///
    /// # Errors
    /// Those of connecting.
    pub(crate) async fn open_url(&self, url: &Url, options: &Options) -> Result<Opened, Error> {
        let path = VPath::parse(&url.path)?;
        let root = if url.is_absolute() { Root::Server } else { Root::Home };
        let mut servers = self.servers.lock().await;
        let known = servers.iter().find(|server| server.serves(url, root));
        let (storage, remote) = match known {
            Some(server) => (server.storage.clone(), server.remote.clone()),
            None => {
                let server = self.connect(url, root, options).await?;
                let parts = (server.storage.clone(), server.remote.clone());
                servers.push(server);
                parts
            }
        };
        Ok(Opened {
            storage,
            remote: Some(remote),
            path,
            owner: Owner::default(),
            shown: self.shown(url),
            is_folder: url.path.ends_with(b"/"),
        })
    }

    /// A place as people may see it: in the shell, as it looks from where one is.
    fn shown(&self, url: &Url) -> String {
        let path = VPath::parse(&url.path).ok().filter(|_| url.is_absolute());
        let from_here = path.and_then(|path| self.within.as_ref()?.shown(url, &path));
        from_here.unwrap_or_else(|| Url { password: None, ..url.clone() }.to_string())
    }

    /// Whom a server shall take us for: who logged in there before, else whoever is found.
    fn login(&self, url: &Url, options: &Options) -> Result<Login, Error> {
        let known = self.within.as_ref().filter(|_| url.password.is_none()).and_then(|within| within.login_of(url));
        match known {
            Some(login) => Ok(login),
            None => login::login(url, &options.login, &self.output),
        }
    }

    /// Begins a session; how depends on the scheme alone.
    async fn connect(&self, url: &Url, root: Root, options: &Options) -> Result<Server, Error> {
        options.form.check(url)?;
        match url.scheme {
            Scheme::Ftp | Scheme::Ftps | Scheme::Ftpes => {
                let ftp = Arc::new(self.connect_ftp(url, root, options).await?);
                Ok(Server { url: url.clone(), root, remote: ftp.clone(), storage: ftp, tftp: None })
            }
            Scheme::Sftp => {
                let dial = ssh::dial(url, options)?.observed(&self.observer);
                let is_old = options.network.scp_protocol;
                match if is_old { None } else { Some(Sftp::open(dial.clone(), root, &self.life).await) } {
                    Some(Ok(sftp)) => {
                        let sftp = Arc::new(sftp);
                        return Ok(Server { url: url.clone(), root, remote: sftp.clone(), storage: sftp, tftp: None });
                    }
                    Some(Err(e)) if e.reason != Reason::NoSftp => return Err(e),
                    Some(Err(_)) => self.output.note(format_args!(
                        "{} has no SFTP: files are copied by the old protocol of scp, under their own names at once",
                        url.host
                    )),
                    None => {}
                }
                let scp = Arc::new(Scp::open(dial, root, &self.life).await?);
                Ok(Server { url: url.clone(), root, remote: scp.clone(), storage: scp, tftp: None })
            }
            Scheme::Tftp => {
                let dial = tftp(url, options, self)?;
                let tftp = Arc::new(Tftp::open(dial, root == Root::Server).await?);
                Ok(Server { url: url.clone(), root, remote: tftp.clone(), storage: tftp.clone(), tftp: Some(tftp) })
            }
        }
    }

    async fn connect_ftp(&self, url: &Url, root: Root, options: &Options) -> Result<Ftp, Error> {
        let mut dial = dial(url, options, self)?;
        dial.observer = self.observer.clone();
        let most = self.connections.load(Ordering::Relaxed);
        let retries = options.network.retries;
        let (mut tries, mut pause) = (0, PAUSE);
        loop {
            let opened = Ftp::open(dial.clone(), root, most, pool::WAIT_WITHIN, &self.life).await;
            let error = match opened {
                Ok(ftp) => {
                    if let Some(within) = &self.within {
                        within.remember(url, &dial.settings.login);
                    }
                    return Ok(ftp);
                }
                Err(error) => error,
            };
            // A name that was mistyped is no better a second later; who asks for it gets it.
            let may_pass = is_passing(&error) && (error.reason != Reason::Unreachable || retries.is_some());
            if !may_pass || tries >= retries.unwrap_or(RETRIES) {
                return Err(error);
            }
            tries += 1;
            self.output.note(format_args!("{url}: {error}; trying again in {} s", pause.as_secs()));
            clock::sleep_until(clock::now() + pause).await;
            pause = (pause * 2).min(PAUSE_AT_MOST);
        }
    }
}

/// How a server of FTP is dialled.
fn dial(url: &Url, options: &Options, client: &Client) -> Result<Dial, Error> {
    let login = client.login(url, options)?;
    let mode = tls::mode(url, &login, &options.tls)?;
    let mut settings = settings(login);
    settings.tls = mode;
    settings.forms = forms(&options.network, settings.forms);
    settings.limits = limits(&options.network);
    settings.form = options.form.ftp(url);
    let mut dial = Dial::new(&url.host, url.port(), settings);
    if mode != Tls::Off {
        dial.tls = Some(tls::client(&options.tls)?);
    }
    dial.is_mode_free = options.form.mode.is_none();
    dial.family = family(&options.network);
    dial.connect_within = options.network.connect_timeout.map_or(Dial::CONNECT_WITHIN, |seconds| seconds.0);
    dial.proxy = options.network.proxy.clone().map(Arc::new);
    dial.active_ports = match options.network.active_ports.as_ref().filter(|ports| !ports.any()) {
        Some(ports) => ActivePorts::Range(*ports.0.start(), *ports.0.end()),
        None => ActivePorts::Any,
    };
    dial.charset = options.network.charset.as_deref().map_or(Ok(None), Charset::named)?;
    Ok(dial)
}

/// How a server of TFTP is asked.
fn tftp(url: &Url, options: &Options, client: &Client) -> Result<client::tftp::Dial, Error> {
    if options.tls.tls {
        return Err(Error::with(Reason::NotProtected, "TFTP has no TLS; leave out --tls, or use another protocol"));
    }
    let (own, network) = (&options.tftp, &options.network);
    let mut dial = client::tftp::Dial::new(&url.host, url.port());
    let usual = dial.options.clone();
    dial.options = client::tftp::Options {
        blksize: own.blksize,
        windowsize: own.windowsize.unwrap_or(usual.windowsize),
        tsize: own.tsize.unwrap_or(usual.tsize),
        ..usual
    };
    dial.mode = if options.form.is_netascii(url) { Mode::Netascii } else { Mode::Octet };
    dial.family = family(network);
    dial.patience.give_up = network.timeout.map_or(dial.patience.give_up, |seconds| seconds.0);
    dial.patience.unanswered = network.retries.map_or(dial.patience.unanswered, |retries| retries.saturating_add(1));
    dial.observer = client.observer.clone();
    Ok(dial)
}

pub(super) const fn family(network: &NetworkOptions) -> Family {
    match (network.bind, network.ipv4, network.ipv6) {
        (Some(own), ..) => Family::From(own),
        (_, true, _) => Family::V4,
        (_, _, true) => Family::V6,
        _ => Family::Any,
    }
}

/// Which ways to a data connection are tried.
fn forms(options: &NetworkOptions, usual: Vec<Form>) -> Vec<Form> {
    let active = options.active || options.active_ports.is_some();
    usual.into_iter().filter(|form| if active { !form.is_passive() } else { form.is_passive() || !options.passive }).collect()
}

fn limits(options: &NetworkOptions) -> Limits {
    let usual = Limits::default();
    match options.timeout {
        None => usual,
        Some(seconds) => Limits {
            greeting: seconds.0,
            handshake: seconds.0,
            reply: seconds.0,
            data_connection: seconds.0,
            progress: seconds.0,
            confirmation: usual.confirmation.max(seconds.0),
            data_end: seconds.0,
            abort: usual.abort.min(seconds.0),
            beyond: usual.beyond,
            abort_alone: usual.abort_alone.min(seconds.0),
        },
    }
}

/// A path on this machine, with the rights of whoever runs this.
fn local(path: &Path) -> Result<Opened, Error> {
    use std::os::unix::ffi::OsStrExt;
    let absolute = std::path::absolute(path).map_err(|e| Error::with(Reason::BadName, e.to_string()))?;
    // What is copied to this machine is safe once the system has it, as with every other program.
    let settings = LocalSettings { durability: Durability::Os, ..LocalSettings::default() };
    Ok(Opened {
        storage: Arc::new(LocalStorage::open(Path::new("/"), settings)?),
        remote: None,
        path: VPath::parse(absolute.as_os_str().as_bytes())?,
        owner: Owner(Some(format!("uid {}", rustix::process::getuid().as_raw()).into())),
        shown: path.display().to_string(),
        is_folder: path.as_os_str().as_bytes().ends_with(b"/"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_and_passive_leave_the_other_out() {
        let all = || vec![Form::Epsv, Form::Pasv, Form::Eprt, Form::Port];
        let none = NetworkOptions::default();
        assert_eq!(forms(&none, all()), all());
        assert_eq!(forms(&NetworkOptions { active: true, ..none.clone() }, all()), [Form::Eprt, Form::Port]);
        assert_eq!(forms(&NetworkOptions { passive: true, ..none.clone() }, all()), [Form::Epsv, Form::Pasv]);
        let ports = NetworkOptions { active_ports: "5000".parse().ok(), ..none };
        assert_eq!(forms(&ports, all()), [Form::Eprt, Form::Port]);
    }
}
