//! How is a server reached through a proxy? The proxy connects, and looks the server's name up; data connections go the
//! same way.

use std::fmt;
use std::time::Duration;

use io::clock;
use proto::proxy::{Dialogue, Form, Login, Refusal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use types::{Error, Reason, Secret};

use crate::connect::{Family, connect, too_slow};
use crate::url::{Authority, authority_of, bad, scheme_of};

/// A proxy, and who logs in at it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    /// How it is spoken to.
    pub form: Form,
    /// A name or an address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// Who logs in, where it asks.
    pub login: Option<Login>,
}

impl Proxy {
    /// Reads `socks5://user:password@host:port` (`socks5h://` is the same: names are looked up at the proxy in any case) or
    /// `http://user:password@host:port`. What has no scheme is taken for HTTP. The ports are 1080 and 8080 where none is given.
    ///
    /// # Errors
    /// [`Reason::BadUrl`] with the place, [`Reason::SchemeUnserved`] for kinds that are known and not spoken.
    ///
    /// ```
    /// use carrack_client::proxy::Proxy;
    /// let proxy = Proxy::parse("socks5://ann:secret@gate.example.org").unwrap();
    /// assert_eq!((&*proxy.host, proxy.port, proxy.to_string().as_str()), ("gate.example.org", 1080, "socks5://gate.example.org:1080"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = match text.split_once("://") {
            Some(_) => scheme_of(text).ok_or_else(|| bad("the proxy's URL has no scheme that is one"))?,
            None => ("http".to_owned(), text),
        };
        let (form, usual) = match &*scheme {
            "socks5" | "socks5h" => (Form::Socks5, 1080),
            "http" => (Form::Http, 8080),
            "https" | "socks4" | "socks4a" | "socks" => {
                let words = format!("{scheme}: is no kind of proxy that is spoken here; socks5: and http: are");
                return Err(Error::with(Reason::SchemeUnserved, words));
            }
            other => return Err(bad(format!("{other}: is no kind of proxy; socks5: and http: are"))),
        };
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            return Err(bad(format!("/{path}: the URL of a proxy has no path")));
        }
        let Authority { user, password, host, port } = authority_of(authority)?;
        let login = user.map(|user| Login { user, password: password.unwrap_or_else(|| Secret::new("".into())) });
        Ok(Self { form, host, port: port.unwrap_or(usual), login })
    }

    /// Connects to `host`, a name or an address, at `port`. `family` is that of the proxy's own addresses.
    ///
    /// # Errors
    /// [`Reason::Unreachable`] where the proxy cannot be reached, [`Reason::ProxyRefused`], [`Reason::ProxyLogin`] and
    /// [`Reason::NoProxy`] by what it says, [`Reason::TooSlow`] where `within` is over.
    pub async fn connect(&self, host: &str, port: u16, family: Family, within: Duration) -> Result<TcpStream, Error> {
        let deadline = clock::now() + within;
        let mut dialogue = Dialogue::new(self.form, self.login.clone(), host, port).map_err(|e| refused(self, &e))?;
        let mut stream = connect(&self.host, self.port, family, within).await.map_err(|e| self.named(e))?;
        let talk = async {
            stream.write_all(&dialogue.begin()).await?;
            // Long enough for all that is read at once: the name SOCKS may answer with.
            let mut buffer = [0; 256 + 2];
            while let Some(part) = buffer.get_mut(..dialogue.wants()).filter(|part| !part.is_empty()) {
                stream.read_exact(part).await?;
                match dialogue.take(part) {
                    Ok(said) => stream.write_all(&said).await?,
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            Ok(Ok(()))
        };
        let done: std::io::Result<Result<(), Refusal>> = match tokio::time::timeout_at(deadline.into(), talk).await {
            Ok(done) => done,
            Err(_) => return Err(too_slow(&format!("the proxy {self} and its connection to {host} port {port}"), within)),
        };
        match done {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(refusal)) => Err(refused(self, &refusal)),
            Err(e) => Err(Error::with(Reason::ProxyRefused, format!("the proxy {self} closed without an answer: {e}"))),
        }
    }

    fn named(&self, error: Error) -> Error {
        let detail = error.detail.unwrap_or_default();
        Error::with(error.reason, format!("the proxy {self}: {detail}"))
    }
}

fn refused(proxy: &Proxy, refusal: &Refusal) -> Error {
    let reason = match refusal {
        Refusal::NoProxy(_) => Reason::NoProxy,
        Refusal::Login(_) => Reason::ProxyLogin,
        Refusal::Target(_) => Reason::ProxyRefused,
    };
    Error::with(reason, format!("{proxy}: {refusal}"))
}

/// The URL without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.form {
            Form::Socks5 => "socks5",
            Form::Http => "http",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies() {
        let parsed = |text| Proxy::parse(text).map(|proxy| (proxy.form, proxy.to_string(), proxy.login.is_some()));
        assert_eq!(parsed("socks5h://u:p@h:99").unwrap(), (Form::Socks5, "socks5://h:99".into(), true));
        assert_eq!(parsed("http://[::1]/").unwrap(), (Form::Http, "http://[::1]:8080".into(), false));
        assert_eq!(parsed("squid:3128").unwrap(), (Form::Http, "http://squid:3128".into(), false));
        let reason = |text| parsed(text).unwrap_err().reason;
        assert_eq!(reason("https://h"), Reason::SchemeUnserved);
        assert_eq!(reason("ftp://h"), Reason::BadUrl);
        assert_eq!(reason("socks5://"), Reason::BadUrl);
        assert_eq!(reason("http://h/path"), Reason::BadUrl);
    }
}
