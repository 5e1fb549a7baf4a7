//! Which place does somebody mean: `ftp://user@host:2121/folder/file;type=i`, `file:`, or a path on this machine
//! (RFC 3986 §3, RFC 1738 §3.2)?
//!
//! Names are bytes: a path is taken apart by hand and only its %-escapes are left to a crate, because crates that know
//! URLs of the Web change what stands in them (`\`, `..`, tabs).

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use types::{Error, Reason, Secret};

/// Where files are: on another machine or here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// On a server.
    Remote(Url),
    /// On this machine.
    Local(PathBuf),
}

/// A place on a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name or an address; of IPv6 without its brackets.
    pub host: Box<str>,
    /// The port, where one is given.
    pub port: Option<u16>,
    /// Who logs in, where it is said.
    pub user: Option<Box<str>>,
    /// With which password, where it is said.
    pub password: Option<Secret<Box<str>>>,
    /// The path, without %-escapes and without the slash behind the host. One that still begins with `/` (written
    /// `%2F` or `//`) counts from the server's root, any other from the folder the login leads to (RFC 1738 §3.2.2).
    pub path: Box<[u8]>,
    /// What `;type=` says, or `;mode=` of TFTP.
    pub form: Option<Form>,
}

/// How a server is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// FTP in clear, unless told otherwise.
    Ftp,
    /// FTP in TLS from the first byte.
    Ftps,
    /// FTP that changes to TLS with AUTH (RFC 4217).
    Ftpes,
    /// TFTP (RFC 3617).
    Tftp,
    /// SFTP (draft-ietf-secsh-scp-sftp-ssh-uri-04). `scp:` is read as this, as OpenSSH's own scp speaks it.
    Sftp,
}

impl Scheme {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Ftps => "ftps",
            Self::Ftpes => "ftpes",
            Self::Tftp => "tftp",
            Self::Sftp => "sftp",
        }
    }

    /// The port where none is given.
    pub const fn port(self) -> u16 {
        match self {
            Self::Ftp | Self::Ftpes => 21,
            Self::Ftps => 990,
            Self::Tftp => 69,
            Self::Sftp => 22,
        }
    }
}

/// What `;type=` says (RFC 1738 §3.2.2), or `;mode=` of TFTP (RFC 3617 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// Text: line ends are converted.
    Ascii,
    /// Bytes as they are.
    Image,
    /// A listing.
    Folder,
}

/// Schemes that are known and not served.
const LATER: [&str; 2] = ["s3", "http"];

impl Place {
    /// Reads what somebody typed. What has no scheme is a path on this machine, and so is what only looks like one
    /// (`a:b` without slashes).
    ///
    /// # Errors
    /// [`Reason::BadUrl`] with the place, [`Reason::SchemeUnserved`] for schemes that will come.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = scheme_of(text) else { return Ok(Self::Local(PathBuf::from(text))) };
        if scheme == "file" {
            return local(rest).map(Self::Local);
        }
        let Some(rest) = rest.strip_prefix("//") else { return Ok(Self::Local(PathBuf::from(text))) };
        let scheme = match &*scheme {
            "ftp" => Scheme::Ftp,
            "ftps" => Scheme::Ftps,
            "ftpes" => Scheme::Ftpes,
            "tftp" => Scheme::Tftp,
            "sftp" | "scp" => Scheme::Sftp,
            later if LATER.contains(&later) || later == "https" => {
                return Err(Error::with(Reason::SchemeUnserved, format!("{later}: is not yet in this build")));
            }
            other => return Err(bad(format!("{other}: is no scheme that is known"))),
        };
        remote(scheme, rest).map(Self::Remote)
    }

    /// The path, of a place on this machine.
    pub fn as_local(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }
}

impl Url {
    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.port())
    }

    /// Whether the path counts from the server's root.
    pub fn is_absolute(&self) -> bool {
        self.path.first() == Some(&b'/')
    }

    /// The same server with another path.
    #[must_use]
    pub fn with_path(&self, path: &[u8]) -> Self {
        Self { path: path.into(), form: None, ..self.clone() }
    }
}

pub(crate) fn bad(words: impl Into<Box<str>>) -> Error {
    Error::with(Reason::BadUrl, words)
}

/// `scheme:` and what follows (RFC 3986 §3.1); a single letter is none, and neither is anything before which a slash stands.
pub(crate) fn scheme_of(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.split_once(':')?;
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let is_scheme = name.len() > 1 && letters && name.starts_with(|c: char| c.is_ascii_alphabetic());
    is_scheme.then(|| (name.to_ascii_lowercase(), rest))
}

/// `file:/path`, `file:///path`, `file://localhost/path` (RFC 8089 §2).
fn local(rest: &str) -> Result<PathBuf, Error> {
    use std::os::unix::ffi::OsStringExt;
    let path = match rest.strip_prefix("//") {
        Some(with_host) => {
            let (host, _) = with_host.split_once('/').unwrap_or((with_host, ""));
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return Err(bad(format!("file: names files of this machine, not of {host}")));
            }
            with_host.get(host.len()..).unwrap_or_default()
        }
        None => rest,
    };
    let bytes = unescape(path, "path")?;
    if bytes.is_empty() {
        return Err(bad("file: without a path"));
    }
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// What stands behind `scheme://` (RFC 3986 §3.2): `user:password@host:port/path;type=x`.
fn remote(scheme: Scheme, rest: &str) -> Result<Url, Error> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let Authority { user, password, host, port } = authority_of(authority)?;
    let (path, form) = if scheme == Scheme::Tftp { mode_of(path)? } else { form_of(path)? };
    if scheme == Scheme::Tftp && authority.contains('@') {
        return Err(bad("tftp: knows no users"));
    }
    let path = unescape(path, "path")?;
    if path.contains(&0) {
        return Err(bad("the path holds a NUL byte"));
    }
    Ok(Url { scheme, host, port, user, password, path: path.into(), form })
}

/// What stands between `//` and the path.
pub(crate) struct Authority {
    pub(crate) user: Option<Box<str>>,
    pub(crate) password: Option<Secret<Box<str>>>,
    pub(crate) host: Box<str>,
    pub(crate) port: Option<u16>,
}

/// `user:password@host:port`, of which only the host must be there.
pub(crate) fn authority_of(text: &str) -> Result<Authority, Error> {
    // Passwords with an @ are typed as they are; hosts hold none.
    let (login, host_port) = text.rsplit_once('@').map_or((None, text), |(login, host)| (Some(login), host));
    let (host, port) = host_and_port(host_port)?;
    let (user, password) = match login.map(|login| login.split_once(':').map_or((login, None), |(u, p)| (u, Some(p)))) {
        None => (None, None),
        Some((user, password)) => (Some(text_of(user, "user")?), password.map(|p| text_of(p, "password")).transpose()?),
    };
    Ok(Authority { user: user.filter(|user| !user.is_empty()), password: password.map(Secret::new), host, port })
}

/// `host`, `host:21`, `[::1]`, `[::1]:21`.
fn host_and_port(text: &str) -> Result<(Box<str>, Option<u16>), Error> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or_else(|| bad(format!("[{rest}: the bracket is not closed")))?;
        // A zone (fe80::1%25eth0, RFC 6874) is no part of the address itself.
        let address = host.split_once('%').map_or(host, |(address, _)| address);
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(bad(format!("{host} is no IPv6 address")));
        }
        match behind.strip_prefix(':') {
            Some(port) => (host.replacen("%25", "%", 1).into_boxed_str(), Some(port)),
            None if behind.is_empty() => (host.replacen("%25", "%", 1).into_boxed_str(), None),
            None => return Err(bad(format!("{behind} behind the address: a port begins with a colon"))),
        }
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if port.is_some_and(|port| port.contains(':')) {
            return Err(bad(format!("{text}: an IPv6 address stands in brackets")));
        }
        (text_of(host, "host")?, port)
    };
    if host.is_empty() {
        return Err(bad("the host is missing"));
    }
    if host.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/') {
        return Err(bad(format!("{} is no name of a host", host.escape_debug())));
    }
    let port = match port {
        None | Some("") => None, // RFC 3986 §3.2.3: an empty port is none
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number != 0 && port.bytes().all(|b| b.is_ascii_digit()) => Some(number),
            _ => return Err(bad(format!("{port} is no port: a number from 1 to 65535"))),
        },
    };
    Ok((host, port))
}

/// Takes `;type=a` off the end of a path.
fn form_of(path: &str) -> Result<(&str, Option<Form>), Error> {
    let Some(at) = path.to_ascii_lowercase().rfind(";type=") else { return Ok((path, None)) };
    let (before, parameter) = path.split_at_checked(at).unwrap_or((path, ""));
    match parameter.get(";type=".len()..).unwrap_or_default() {
        "a" | "A" => Ok((before, Some(Form::Ascii))),
        "i" | "I" => Ok((before, Some(Form::Image))),
        "d" | "D" => Ok((before, Some(Form::Folder))),
        other => Err(bad(format!(";type={other}: it is a, i or d"))),
    }
}

/// Takes `;mode=netascii` off the end of a path.
fn mode_of(path: &str) -> Result<(&str, Option<Form>), Error> {
    let Some(at) = path.to_ascii_lowercase().rfind(";mode=") else { return Ok((path, None)) };
    let (before, parameter) = path.split_at_checked(at).unwrap_or((path, ""));
    match parameter.get(";mode=".len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
        "netascii" => Ok((before, Some(Form::Ascii))),
        "octet" => Ok((before, Some(Form::Image))),
        other => Err(bad(format!(";mode={other}: it is netascii or octet"))),
    }
}

fn text_of(escaped: &str, what: &str) -> Result<Box<str>, Error> {
    String::from_utf8(unescape(escaped, what)?).map(String::into_boxed_str).map_err(|_| bad(format!("the {what} is no UTF-8")))
}

/// Takes %-escapes away. A `%` that is none is refused: it may be a name that was not escaped, or one cut short.
fn unescape(text: &str, what: &str) -> Result<Vec<u8>, Error> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('%') {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad(format!("the {what} holds a % that begins no escape; write %25 for a percent sign")));
        }
    }
    Ok(percent_decode_str(text).collect())
}

/// What a path must not show as it is, so that it is read again as it was.
const IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`').add(b';').add(b'\\');
/// A path as it stands in a URL.
pub fn escaped(path: &[u8]) -> String {
    percent_encode(path, IN_PATH).to_string()
}

/// The same for users, where `:`, `@` and `/` end the name.
const IN_USER: &AsciiSet = &IN_PATH.add(b':').add(b'@').add(b'/').add(b'[').add(b']');

/// The URL without its password.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        if let Some(user) = &self.user {
            write!(f, "{}@", percent_encode(user.as_bytes(), IN_USER))?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host.replacen('%', "%25", 1))?
        } else {
            f.write_str(&self.host)?
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        let path = match self.path.split_first() {
            Some((b'/', rest)) => {
                f.write_str("/%2F")?;
                rest
            }
            _ => {
                f.write_str("/")?;
                &self.path
            }
        };
        write!(f, "{}", percent_encode(path, IN_PATH))?;
        match self.form {
            Some(Form::Ascii) if self.scheme == Scheme::Tftp => f.write_str(";mode=netascii"),
            Some(_) if self.scheme == Scheme::Tftp => f.write_str(";mode=octet"),
            Some(Form::Ascii) => f.write_str(";type=a"),
            Some(Form::Image) => f.write_str(";type=i"),
            Some(Form::Folder) => f.write_str(";type=d"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        match Place::parse(text).unwrap() {
            Place::Remote(url) => url,
            Place::Local(path) => panic!("{text} is {path:?}"),
        }
    }

    fn refused(text: &str) -> (Reason, String) {
        let e = Place::parse(text).unwrap_err();
        (e.reason, e.detail.unwrap_or_default().into())
    }

    #[test]
    fn every_part_is_read() {
        let u = url("ftp://an%40na:p@ss:w%2Frd@Example.org:2121/a%20b/c;type=A");
        assert_eq!((u.scheme, &*u.host, u.port(), u.form), (Scheme::Ftp, "Example.org", 2121, Some(Form::Ascii)));
        assert_eq!(u.user.as_deref(), Some("an@na"));
        assert_eq!(u.password.as_ref().map(|p| &**p.reveal()), Some("p@ss:w/rd"));
        assert_eq!(&*u.path, b"a b/c");
        assert!(!u.is_absolute() && url("ftp://h/%2Fetc").is_absolute() && url("ftp://h//etc").is_absolute());
        assert_eq!((url("FTPS://h").port(), url("ftpes://h").port(), url("ftp://h:/").port()), (990, 21, 21));
        assert_eq!(&*url("ftp://h/a?b#c\\d/../e").path, b"a?b#c\\d/../e", "names are taken as they are");
        assert_eq!(&*url("ftp://h/%ff%E4").path, b"\xff\xe4", "bytes, not text");
        assert_eq!(url("ftp://:x@h/").user, None);
    }

    #[test]
    fn tftp_names_files_and_modes() {
        let u = url("tftp://h/boot/x;mode=NetASCII");
        assert_eq!((u.scheme, u.port(), &*u.path, u.form), (Scheme::Tftp, 69, &b"boot/x"[..], Some(Form::Ascii)));
        assert!(url("tftp://h//tftpboot/x").is_absolute());
        assert_eq!(&*url("tftp://h/a;type=a").path, b"a;type=a", "that is FTP's");
        for (text, words) in [("tftp://h/a;mode=mail", ";mode=mail"), ("tftp://u@h/a", "no users")] {
            let (reason, detail) = refused(text);
            assert!(reason == Reason::BadUrl && detail.contains(words), "{text}: {detail}");
        }
    }

    #[test]
    fn addresses_of_ipv6_stand_in_brackets() {
        let u = url("ftp://[2001:db8::1]:2121/x");
        assert_eq!((&*u.host, u.port()), ("2001:db8::1", 2121));
        assert_eq!(&*url("ftp://[fe80::1%25eth0]/").host, "fe80::1%eth0");
        for text in ["ftp://::1/", "ftp://[::1/", "ftp://[x]/", "ftp://[::1]x/", "ftp://[127.0.0.1]/"] {
            assert_eq!(refused(text).0, Reason::BadUrl, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("ftp://h:0/", "0 is no port"),
            ("ftp://h:+21/", "+21 is no port"),
            ("ftp://h:65536/", "65536 is no port"),
            ("ftp:///x", "host is missing"),
            ("ftp://h/100%", "write %25"),
            ("ftp://h/%zz", "write %25"),
            ("ftp://h/a;type=x", ";type=x"),
            ("ftp://h/a%00b", "NUL"),
            ("ftp://%ff@h/", "user is no UTF-8"),
            ("ftp://a b/", "no name of a host"),
            ("gopher://h/", "gopher: is no scheme"),
            ("file://elsewhere/x", "not of elsewhere"),
        ] {
            let (reason, detail) = refused(text);
            assert!(reason == Reason::BadUrl && detail.contains(words), "{text}: {detail}");
        }
        for text in ["s3://bucket/x", "https://h/"] {
            assert_eq!(refused(text).0, Reason::SchemeUnserved, "{text}");
        }
    }

    #[test]
    fn what_has_no_scheme_is_here() {
        for (text, path) in [
            ("a/b", "a/b"),
            ("/a:b", "/a:b"),
            ("./ftp://x", "./ftp://x"),
            ("c:\\x", "c:\\x"),
            ("notes:old", "notes:old"),
            ("file:/a%20b", "/a b"),
            ("file:///a", "/a"),
            ("FILE://localhost/a", "/a"),
        ] {
            assert_eq!(Place::parse(text).unwrap().as_local(), Some(Path::new(path)), "{text}");
        }
    }

    #[test]
    fn printed_it_is_read_again_and_shows_no_password() {
        for text in [
            "ftp://an%40na@h:2121/a%20b/%3Bc%25",
            "ftps://[fe80::1%25eth0]:1/%2Fx%FF;type=i",
            "ftp://h/",
            "tftp://h/x;mode=netascii",
            "sftp://anna@h:2222/a",
        ] {
            assert_eq!(url(text).to_string(), text);
            assert_eq!(url(&url(text).to_string()), url(text));
        }
        let shown = format!("{:?} {}", url("ftp://u:geheim@h/"), url("ftp://u:geheim@h/"));
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
