//! What is said to a proxy until it has connected us: SOCKS 5 (RFC 1928, RFC 1929) and CONNECT of HTTP (RFC 9110 §9.3.6)?
//!
//! Names are resolved at the proxy. Not one byte more is read than the proxy's own: what follows is the server's.

use std::fmt;
use std::net::IpAddr;

use types::Secret;

use crate::base64;

/// How a proxy is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// SOCKS 5.
    Socks5,
    /// CONNECT of HTTP.
    Http,
}

/// Who logs in at a proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The user.
    pub user: Box<str>,
    /// The password; may be empty.
    pub password: Secret<Box<str>>,
}

/// Why a proxy does not connect us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// What it says is neither SOCKS 5 nor HTTP.
    NoProxy(Box<str>),
    /// It wants a login, or another one.
    Login(Box<str>),
    /// It does not connect there.
    Target(Box<str>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProxy(text) | Self::Login(text) | Self::Target(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Refusal {}

/// The longest answer to CONNECT, in bytes.
pub const MAX_ANSWER: usize = 16 * 1024;

/// What is said to a proxy, step by step: send what [`Dialogue::begin`] gives; then, as long as [`Dialogue::wants`] names a
/// number, read exactly so many bytes, [`Dialogue::take`] them, and send what that gives.
#[derive(Debug)]
pub struct Dialogue {
    form: Form,
    login: Option<Login>,
    host: Box<str>,
    port: u16,
    awaited: Awaited,
    /// What came of an answer to CONNECT.
    answer: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Awaited {
    /// Which login SOCKS wants.
    Method,
    /// Whether the login is right.
    Verdict,
    /// Whether it connects, and what kind of address follows.
    Reply,
    /// The length of a name.
    NameLength,
    /// So many bytes of an address that is of no use.
    Address(usize),
    /// The next byte of an answer to CONNECT.
    Answer,
    /// Nothing: the connection stands.
    Nothing,
}

impl Dialogue {
    /// Wishes for a connection to `host`, a name or an address, at `port`.
    ///
    /// # Errors
    /// Where the name or the login is none that the form can carry.
    pub fn new(form: Form, login: Option<Login>, host: &str, port: u16) -> Result<Self, Refusal> {
        if host.is_empty() || host.len() > 255 || host.bytes().any(|b| b <= b' ' || b == 0x7f) {
            return Err(Refusal::Target(format!("{} is no name of a host", host.escape_debug()).into()));
        }
        if let Some(login) = &login {
            let too_long = form == Form::Socks5 && (login.user.len() > 255 || login.password.reveal().len() > 255);
            if too_long || login.user.is_empty() || (form == Form::Http && login.user.contains(':')) {
                return Err(Refusal::Login("this user or password cannot be said to a proxy of this kind".into()));
            }
        }
        let awaited = if form == Form::Socks5 { Awaited::Method } else { Awaited::Answer };
        Ok(Self { form, login, host: host.into(), port, awaited, answer: Vec::new() })
    }

    /// What is sent first.
    pub fn begin(&self) -> Vec<u8> {
        match (self.form, &self.login) {
            (Form::Socks5, None) => vec![5, 1, 0],
            (Form::Socks5, Some(_)) => vec![5, 2, 0, 2],
            (Form::Http, login) => {
                let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_string() };
                let mut text = format!("CONNECT {host}:{0} HTTP/1.1\r\nHost: {host}:{0}\r\n", self.port);
                if let Some(login) = login {
                    let pair = format!("{}:{}", login.user, login.password.reveal());
                    text.push_str(&format!("Proxy-Authorization: Basic {}\r\n", base64::encode(pair.as_bytes())));
                }
                text.push_str("\r\n");
                text.into_bytes()
            }
        }
    }

    /// How many bytes must be read next; 0 once the connection stands.
    pub const fn wants(&self) -> usize {
        match self.awaited {
            Awaited::Method | Awaited::Verdict => 2,
            Awaited::Reply => 4,
            Awaited::NameLength | Awaited::Answer => 1,
            Awaited::Address(n) => n,
            Awaited::Nothing => 0,
        }
    }

    /// Takes what was read, as many bytes as were wanted; gives what is to be sent, often nothing.
    ///
    /// # Errors
    /// Why there will be no connection.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        match (self.awaited, bytes) {
            (Awaited::Method, &[5, method]) => self.method(method),
            (Awaited::Verdict, &[_, 0]) => Ok(self.request()),
            (Awaited::Verdict, &[_, _]) => Err(Refusal::Login("the proxy does not know this user and password".into())),
            (Awaited::Reply, &[5, 0, _, kind]) => {
                self.awaited = match kind {
                    1 => Awaited::Address(4 + 2),
                    3 => Awaited::NameLength,
                    4 => Awaited::Address(16 + 2),
                    other => return Err(Refusal::NoProxy(format!("the proxy names an address of kind {other}").into())),
                };
                Ok(Vec::new())
            }
            (Awaited::Reply, &[5, code, _, _]) => Err(Refusal::Target(self.why(code).into())),
            (Awaited::NameLength, &[length]) => {
                self.awaited = Awaited::Address(usize::from(length) + 2);
                Ok(Vec::new())
            }
            (Awaited::Address(_), _) => {
                self.awaited = Awaited::Nothing;
                Ok(Vec::new())
            }
            (Awaited::Answer, _) => self.answered(bytes),
            (Awaited::Nothing, _) => Ok(Vec::new()),
            (Awaited::Method | Awaited::Verdict | Awaited::Reply | Awaited::NameLength, other) => {
                Err(Refusal::NoProxy(format!("it does not speak SOCKS 5; it said {:?}", String::from_utf8_lossy(other)).into()))
            }
        }
    }

    fn method(&mut self, method: u8) -> Result<Vec<u8>, Refusal> {
        match (method, &self.login) {
            (0, _) => Ok(self.request()),
            (2, Some(login)) => {
                let (user, password) = (login.user.as_bytes(), login.password.reveal().as_bytes());
                let length = |text: &[u8]| u8::try_from(text.len()).unwrap_or(u8::MAX);
                self.awaited = Awaited::Verdict;
                Ok([&[1, length(user)], user, &[length(password)], password].concat())
            }
            (_, None) => Err(Refusal::Login("the proxy wants a user and a password".into())),
            (_, Some(_)) => Err(Refusal::Login("the proxy takes no user with a password".into())),
        }
    }

    /// CONNECT of RFC 1928 §4.
    fn request(&mut self) -> Vec<u8> {
        self.awaited = Awaited::Reply;
        let mut out = vec![5, 1, 0];
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => {
                out.push(1);
                out.extend(ip.octets());
            }
            Ok(IpAddr::V6(ip)) => {
                out.push(4);
                out.extend(ip.octets());
            }
            Err(_) => {
                out.extend([3, u8::try_from(self.host.len()).unwrap_or(u8::MAX)]);
                out.extend(self.host.bytes());
            }
        }
        out.extend(self.port.to_be_bytes());
        out
    }

    /// What a code of RFC 1928 §6 means.
    fn why(&self, code: u8) -> String {
        let words = match code {
            2 => "its rules do not allow it",
            3 => "the network is unreachable from there",
            4 => "the host is unreachable from there, or its name is not known",
            5 => "the connection was refused",
            6 => "it took too long",
            7 => "it does not make connections",
            8 => "it does not know this kind of address",
            _ => "it failed",
        };
        format!("the proxy does not connect to {} port {}: {words} (SOCKS {code})", self.host, self.port)
    }

    fn answered(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.answer.extend_from_slice(bytes);
        if self.answer.len() >= 5 && !self.answer.starts_with(b"HTTP/") {
            return Err(Refusal::NoProxy(
                format!("it does not speak HTTP; it said {:?}…", String::from_utf8_lossy(&self.answer)).into(),
            ));
        }
        if self.answer.len() > MAX_ANSWER {
            return Err(Refusal::NoProxy(format!("its answer does not end within {MAX_ANSWER} bytes").into()));
        }
        if !(self.answer.ends_with(b"\r\n\r\n") || self.answer.ends_with(b"\n\n")) {
            return Ok(Vec::new());
        }
        let line = self.answer.split(|&b| b == b'\n').next().unwrap_or_default();
        let shown: String = String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(100).collect();
        let code = shown.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        match code {
            Some(200..=299) => {
                self.awaited = Awaited::Nothing;
                Ok(Vec::new())
            }
            Some(407) => Err(Refusal::Login(format!("the proxy wants a login, or another one: {shown}").into())),
            Some(_) => {
                Err(Refusal::Target(format!("the proxy does not connect to {} port {}: {shown}", self.host, self.port).into()))
            }
            None => Err(Refusal::NoProxy(format!("its answer has no code: {shown}").into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn login() -> Option<Login> {
        Some(Login { user: "ann".into(), password: Secret::new("pw".into()) })
    }

    /// Plays what a proxy says against a dialogue; what was sent, or why it ended.
    fn play(form: Form, login: Option<Login>, host: &str, mut said: &[u8]) -> Result<(Vec<u8>, usize), Refusal> {
        let mut dialogue = Dialogue::new(form, login, host, 21)?;
        let mut sent = dialogue.begin();
        while dialogue.wants() > 0 {
            let Some((now, rest)) = said.split_at_checked(dialogue.wants()) else {
                return Err(Refusal::NoProxy("it ended".into()));
            };
            said = rest;
            sent.extend(dialogue.take(now)?);
        }
        Ok((sent, said.len()))
    }

    #[test]
    fn socks_by_name_and_by_address() {
        let said = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x15220 hello";
        let (sent, rest) = play(Form::Socks5, None, "ftp.example.org", said).unwrap();
        assert_eq!(sent, b"\x05\x01\x00\x05\x01\x00\x03\x0fftp.example.org\x00\x15");
        assert_eq!(rest, 9, "the server's words are left alone");
        let (sent, _) = play(Form::Socks5, None, "192.0.2.1", b"\x05\x00\x05\x00\x00\x03\x02ab\x00\x15").unwrap();
        assert_eq!(&sent[3..], b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x15");
        let (sent, _) = play(Form::Socks5, None, "::1", &[&b"\x05\x00\x05\x00\x00\x04"[..], &[0; 18]].concat()).unwrap();
        assert_eq!(&sent[3..7], b"\x05\x01\x00\x04");
    }

    #[test]
    fn socks_with_a_login() {
        let said = b"\x05\x02\x01\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x15";
        let (sent, _) = play(Form::Socks5, login(), "a.b", said).unwrap();
        assert_eq!(&sent[..14], b"\x05\x02\x00\x02\x01\x03ann\x02pw\x05\x01");
        let refused = |login, said| play(Form::Socks5, login, "a.b", said).unwrap_err();
        assert!(matches!(refused(login(), b"\x05\x02\x01\x01"), Refusal::Login(_)));
        assert!(matches!(refused(None, b"\x05\xff"), Refusal::Login(_)));
        assert!(matches!(refused(login(), b"\x05\xff"), Refusal::Login(_)));
    }

    #[test]
    fn socks_that_refuses_or_is_none() {
        let refused = |said| play(Form::Socks5, None, "a.b", said).unwrap_err();
        assert_eq!(
            refused(b"\x05\x00\x05\x05\x00\x01").to_string(),
            "the proxy does not connect to a.b port 21: the connection was refused (SOCKS 5)"
        );
        assert!(matches!(refused(b"\x05\x00\x05\x00\x00\x09"), Refusal::NoProxy(_)));
        assert!(matches!(refused(b"HT"), Refusal::NoProxy(_)));
        assert!(matches!(refused(b"\x04\x5a"), Refusal::NoProxy(_)));
    }

    #[test]
    fn http_connects() {
        let (sent, rest) = play(Form::Http, None, "a.b", b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n220 hello").unwrap();
        assert_eq!((sent.as_slice(), rest), (&b"CONNECT a.b:21 HTTP/1.1\r\nHost: a.b:21\r\n\r\n"[..], 9));
        let (sent, _) = play(Form::Http, login(), "::1", b"HTTP/1.0 200 OK\n\n").unwrap();
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.starts_with("CONNECT [::1]:21 ") && sent.contains("\r\nProxy-Authorization: Basic YW5uOnB3\r\n"), "{sent}");
        let refused = |said: &[u8]| play(Form::Http, None, "a.b", said).unwrap_err();
        assert!(matches!(refused(b"HTTP/1.1 407 No\r\n\r\n"), Refusal::Login(_)));
        assert!(matches!(refused(b"HTTP/1.1 403 Forbidden\r\n\r\n"), Refusal::Target(_)));
        assert!(matches!(refused(b"220 I am FTP\r\n"), Refusal::NoProxy(_)));
        assert!(matches!(refused(b"HTTP/1.1 what\r\n\r\n"), Refusal::NoProxy(_)));
        assert!(matches!(refused(&[b"HTTP/1.1 200 OK\r\n", &[b'x'; MAX_ANSWER][..]].concat()), Refusal::NoProxy(_)));
    }

    #[test]
    fn names_that_would_say_more_are_not_sent() {
        for host in ["", "a b", "a\r\nX: y", &"x".repeat(256)] {
            assert!(matches!(Dialogue::new(Form::Http, None, host, 21), Err(Refusal::Target(_))), "{host:?}");
        }
        let odd = |user: &str| Some(Login { user: user.into(), password: Secret::new("x".into()) });
        assert!(Dialogue::new(Form::Http, odd("a:b"), "h", 1).is_err());
        assert!(Dialogue::new(Form::Socks5, odd(&"a".repeat(256)), "h", 1).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(said in proptest::collection::vec(any::<u8>(), 0..600), http in any::<bool>(), known in any::<bool>()) {
            let form = if http { Form::Http } else { Form::Socks5 };
            let _ = play(form, if known { login() } else { None }, "a.b", &said);
        }
    }
}
