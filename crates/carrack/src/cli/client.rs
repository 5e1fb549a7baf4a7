//! What can be said to every command that speaks with a server?

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, FromArgMatches};
use client::proxy::Proxy;
use client::ssh::Jump;

use super::PassivePorts;
use super::form::FormOptions;

impl Options {
    /// Reads options as a bookmark holds them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse_words<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let command = Self::augment_args(clap::Command::new("options").no_binary_name(true).disable_help_flag(true));
        let matches = command.try_get_matches_from(words).map_err(|e| first_line(&e.to_string()))?;
        Self::from_arg_matches(&matches).map_err(|e| first_line(&e.to_string()))
    }

    /// These options, and where they say nothing those of a bookmark. What is said is nobody's business but the command
    /// line's.
    pub(crate) fn over(&self, under: Self) -> Self {
        let (login, tls, network) = (&self.login, &self.tls, &self.network);
        let says_netrc = login.netrc_file.is_some() || login.no_netrc;
        let says_whom = tls.tls_insecure || !tls.fingerprint.is_empty() || tls.ca.is_some();
        let says_tls = tls.tls || tls.no_tls;
        let says_way = network.active || network.passive || network.active_ports.is_some();
        let says_family = network.bind.is_some() || network.ipv4 || network.ipv6;
        // Of what excludes each other, both come from the same place.
        let login_of = |says: bool| if says { login.clone() } else { under.login.clone() };
        let tls_of = |says: bool| if says { tls.clone() } else { under.tls.clone() };
        let network_of = |says: bool| if says { network.clone() } else { under.network.clone() };
        Self {
            login: LoginOptions {
                user: login.user.clone().or_else(|| under.login.user.clone()),
                password_file: login.password_file.clone().or_else(|| under.login.password_file.clone()),
                ..login_of(says_netrc)
            },
            tls: TlsOptions {
                tls: tls_of(says_tls).tls,
                no_tls: tls_of(says_tls).no_tls,
                cert: tls_of(tls.cert.is_some()).cert,
                key: tls_of(tls.cert.is_some()).key,
                ..tls_of(says_whom)
            },
            network: NetworkOptions {
                active: network_of(says_way).active,
                passive: network_of(says_way).passive,
                active_ports: network_of(says_way).active_ports,
                bind: network_of(says_family).bind,
                ipv4: network_of(says_family).ipv4,
                ipv6: network_of(says_family).ipv6,
                scp_protocol: network.scp_protocol || under.network.scp_protocol,
                jump: network.jump.clone().or_else(|| under.network.jump.clone()),
                proxy: network.proxy.clone().or_else(|| under.network.proxy.clone()),
                charset: network.charset.clone().or_else(|| under.network.charset.clone()),
                timeout: network.timeout.or(under.network.timeout),
                connect_timeout: network.connect_timeout.or(under.network.connect_timeout),
                retries: network.retries.or(under.network.retries),
            },
            tftp: TftpOptions {
                blksize: self.tftp.blksize.or(under.tftp.blksize),
                windowsize: self.tftp.windowsize.or(under.tftp.windowsize),
                tsize: self.tftp.tsize.or(under.tftp.tsize),
            },
            form: self.form.over(under.form),
            say: self.say.clone(),
        }
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// What stands below the help of each client command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   all is done                          35   the connection cannot be protected
  1   some of it failed, the rest is done  60   certificate or host key not trusted
  2   the command line is wrong            67   the login was refused
  3   the URL cannot be used               70   there is no room
  4   nobody can do that here              73   it exists already, or is not empty
  6   the server cannot be reached         75   the server is busy: try again later
  7   the server broke the protocol        78   no such file or folder
  8   something took too long              79   SSH or SFTP cannot go on
  9   permission denied                    85   what was found is not sure enough
 18   a file did not arrive whole          97   the proxy refused, or is none
 23   this side could not be read/written 130   it was cancelled
 30   no data connection could be had";

/// What all client commands share.
#[derive(Args, Debug, Default, Clone)]
pub(crate) struct Options {
    /// Who logs in
    #[command(flatten)]
    pub(crate) login: LoginOptions,

    /// How the connection is protected
    #[command(flatten)]
    pub(crate) tls: TlsOptions,

    /// How the server is reached
    #[command(flatten)]
    pub(crate) network: NetworkOptions,

    /// What TFTP asks for
    #[command(flatten)]
    pub(crate) tftp: TftpOptions,

    /// How files cross the network
    #[command(flatten)]
    pub(crate) form: FormOptions,

    /// What is said
    #[command(flatten)]
    pub(crate) say: SayOptions,
}

/// What TFTP asks for.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "What is asked for over TFTP")]
pub(crate) struct TftpOptions {
    /// Bytes in a block, from 8 to 65464 [default: as many as a packet carries]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(8..=65_464))]
    pub(crate) blksize: Option<u16>,

    /// Blocks for one acknowledgement (RFC 7440) [default: 16]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) windowsize: Option<u16>,

    /// Whether the file's size is asked for or told: yes or no [default: yes]
    #[arg(long, value_name = "YES", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) tsize: Option<bool>,
}

/// Who logs in.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Who logs in")]
pub(crate) struct LoginOptions {
    /// The user's name, where the URL has none [default: anonymous]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// A file whose first line is the password, `-` for standard input. Without it: the variable CARRACK_PASSWORD,
    /// ~/.netrc, the keyring, and then it is asked for at the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Look for user and password in this file instead of ~/.netrc
    #[arg(long, value_name = "FILE", conflicts_with = "no_netrc")]
    pub(crate) netrc_file: Option<PathBuf>,

    /// Look into no netrc
    #[arg(long)]
    pub(crate) no_netrc: bool,
}

/// How the connection is protected.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "How the connection is protected (TLS)")]
pub(crate) struct TlsOptions {
    /// Use TLS or fail. Without this, ftp:// uses TLS where a password is sent to another machine and the server has TLS
    #[arg(long, conflicts_with = "no_tls")]
    pub(crate) tls: bool,

    /// Use no TLS: whoever listens on the network can read the password and the files
    #[arg(long)]
    pub(crate) no_tls: bool,

    /// Take any certificate: whoever stands between can read everything
    #[arg(long, conflicts_with_all = ["fingerprint", "ca"])]
    pub(crate) tls_insecure: bool,

    /// Take the certificate with this SHA-256 fingerprint and no other; may be given several times
    #[arg(long, value_name = "SHA256", conflicts_with = "ca")]
    pub(crate) fingerprint: Vec<Fingerprint>,

    /// Trust the authorities in this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// The certificate to show to the server, in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

/// How the server is reached.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "How the server is reached")]
pub(crate) struct NetworkOptions {
    /// Let the server connect for data (PORT, EPRT); passive mode is not tried
    #[arg(long, conflicts_with = "passive")]
    pub(crate) active: bool,

    /// Connect to the server for data (PASV, EPSV); active mode is not tried
    #[arg(long)]
    pub(crate) passive: bool,

    /// Ports to wait on in active mode, to be opened in a firewall: 50000-50009, or one port [default: free ones]
    #[arg(long, value_name = "FROM-TO", conflicts_with = "passive")]
    pub(crate) active_ports: Option<PassivePorts>,

    /// Go through this proxy: socks5://user@host:1080 or http://host:8080; active mode is not tried then
    #[arg(long, value_name = "URL", value_parser = |text: &str| Proxy::parse(text).map_err(|e| e.to_string()))]
    pub(crate) proxy: Option<Proxy>,

    /// Go to a server of SFTP through these servers of SSH, each of which connects to the next: user@host:port,host,… What
    /// ~/.ssh/config has for them (ProxyJump, too) counts; `none` goes straight
    #[arg(long, value_name = "HOSTS", value_parser = |text: &str| Jump::parse_all(text).map(Jumps).map_err(|e| e.to_string()))]
    pub(crate) jump: Option<Jumps>,

    /// Copy over SSH by the old protocol of scp, and not by SFTP. By itself this is done where the server has no SFTP. It copies,
    /// lists and makes folders, and knows neither renaming nor going on with what was interrupted
    #[arg(short = 'O', long)]
    pub(crate) scp_protocol: bool,

    /// How the server writes names, where it is not UTF-8: latin1, cp1252, cp437, koi8-r, shift_jis and others
    #[arg(long, value_name = "NAME")]
    pub(crate) charset: Option<Box<str>>,

    /// Go out from this address of this machine
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["ipv4", "ipv6"])]
    pub(crate) bind: Option<IpAddr>,

    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,

    /// Use IPv6 only
    #[arg(short = '6', long)]
    pub(crate) ipv6: bool,

    /// How many seconds a reply may take, or a transfer stand still [default: 30 and 60]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<Seconds>,

    /// How many seconds the connection may take to stand [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) connect_timeout: Option<Seconds>,

    /// How often something is tried again that may work a little later [default: 3]
    #[arg(long, value_name = "TIMES")]
    pub(crate) retries: Option<u32>,
}

/// The hosts on the way to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Jumps(pub(crate) Vec<Jump>);

/// What is said.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "What it says")]
pub(crate) struct SayOptions {
    /// One JSON object a line (docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    /// Say nothing but results and failures
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Show what is said to the server (>) and what it says (<) as it happens, without the password
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Draw each session as a ladder of control and data connection when it ends, on standard error
    #[arg(long)]
    pub(crate) trace: bool,

    /// Draw each session into an SVG file when it ends; the second goes into FILE-2, and so on
    #[arg(long, value_name = "FILE")]
    pub(crate) trace_svg: Option<PathBuf>,
}

/// A time to wait: whole seconds or with a fraction, a minute with `m`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Seconds(pub(crate) Duration);

/// Nobody waits longer.
const A_DAY: f64 = 86_400.0;

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, unit) = match text.strip_suffix(['s', 'm']) {
            Some(digits) if text.ends_with('m') => (digits, 60.0),
            Some(digits) => (digits, 1.0),
            None => (text, 1.0),
        };
        match digits.parse::<f64>() {
            Ok(number) if number > 0.0 && number * unit <= A_DAY => Ok(Self(Duration::from_secs_f64(number * unit))),
            _ => Err("expected seconds such as 30 or 0.5, or minutes such as 2m; a day at most".to_owned()),
        }
    }
}

/// A certificate's SHA-256 fingerprint: 64 hexadecimal digits, with or without colons between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fingerprint(pub(crate) [u8; 32]);

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("SHA256:")).unwrap_or(text);
        let digits: Vec<u8> = text.chars().filter(|c| *c != ':').filter_map(|c| c.to_digit(16).map(|d| d as u8)).collect();
        let others = text.chars().filter(|c| *c != ':' && !c.is_ascii_hexdigit()).count();
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) if others == 0 && digits.len() == 64 => Ok(Self(bytes)),
            _ => Err("expected SHA-256: 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` prints them".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Options {
        Options::parse_words(words.split_whitespace()).unwrap()
    }

    #[test]
    fn the_command_line_comes_before_a_bookmark() {
        let under = options("--user anna --tls --tls-insecure --active --timeout 5 -4 --netrc-file n");
        let both = options("").over(under.clone());
        assert_eq!(format!("{both:?}"), format!("{under:?}"));
        let wrong = Options::parse_words(["--no-tls", "--fingerprint"].into_iter()).unwrap_err();
        assert!(wrong.contains("a value is required"), "{wrong}");
        let both = options("--user bob --no-tls --passive -6 --no-netrc --retries 1").over(under);
        assert_eq!(both.login.user.as_deref(), Some("bob"));
        assert!(both.tls.no_tls && !both.tls.tls && both.tls.tls_insecure);
        assert!(both.network.passive && !both.network.active && both.network.ipv6 && !both.network.ipv4);
        assert!(both.network.retries == Some(1) && both.network.timeout.is_some());
        assert!(both.login.no_netrc && both.login.netrc_file.is_none());
    }

    #[test]
    fn times_are_seconds() {
        for (text, seconds) in [("30", 30.0), ("0.5", 0.5), ("2m", 120.0), ("7s", 7.0)] {
            assert_eq!(text.parse(), Ok(Seconds(Duration::from_secs_f64(seconds))), "{text}");
        }
        for text in ["", "0", "-1", "x", "1h", "nan", "inf", "99999999", "s"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }

    #[test]
    fn fingerprints_have_64_digits() {
        let plain = "0a".repeat(32);
        let colons = vec!["0A"; 32].join(":");
        for text in [plain.clone(), colons, format!("SHA256:{plain}")] {
            assert_eq!(text.parse(), Ok(Fingerprint([10; 32])), "{text}");
        }
        for text in [String::new(), "0a".repeat(31), "0a".repeat(33), format!("{plain}0"), plain.replacen('0', "g", 1)] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
