//! How is `[acme]` read: the authority that issues the server's certificate by itself (RFC 8555)?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use io::tls::Roots;

use super::section::{Section, Told};
use super::value;

/// The authority that is asked where nothing is said.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// The most names in one certificate; authorities take no more.
const MOST_NAMES: usize = 100;

/// What is asked of an authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Acme {
    /// The URL of its directory.
    pub(crate) directory: Box<str>,
    /// A file of roots to trust in place of the system's, when it is spoken to.
    pub(crate) directory_ca: Option<PathBuf>,
    /// Whom it may write to: URLs.
    pub(crate) contact: Vec<Box<str>>,
    /// The names the certificate is for.
    pub(crate) names: Vec<Box<str>>,
    /// How it sees that they lead here.
    pub(crate) challenge: Challenge,
    /// Where it looks.
    pub(crate) listen: SocketAddr,
    /// The folder of account and certificate.
    pub(crate) state: PathBuf,
}

/// How an authority sees that a name leads here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Challenge {
    /// By a file at port 80 (RFC 8555 §8.3).
    Http01,
    /// By a certificate at port 443 (RFC 8737).
    TlsAlpn01,
}

impl Challenge {
    /// Its name in the configuration and in the RFCs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

/// What was read, and where it stands.
pub(super) struct ReadAcme {
    pub(super) acme: Option<Acme>,
    pub(super) at: Range<usize>,
    pub(super) listen_at: Range<usize>,
    pub(super) names: Vec<Told<Box<str>>>,
}

/// Reads `[acme]`.
pub(super) fn acme(section: Section<'_>, base: &Path) -> ReadAcme {
    let names = names(&section);
    agreed(&section);
    let directory = section.parsed("directory", directory);
    let directory_ca = section.text("directory_ca").map(|told| (base.join(told.value), told.at));
    if let Some(Err(e)) = directory_ca.as_ref().map(|(file, _)| Roots::load(file)) {
        let what = format!("`directory_ca` of [acme] cannot be used: {e}");
        section.fault(section.place("directory_ca"), what, "Name a PEM file with the certificate that the authority's leads to.");
    }
    let contact = section.parsed_list("contact", contact).unwrap_or_default();
    let kinds = [("http-01", Challenge::Http01), ("tls-alpn-01", Challenge::TlsAlpn01)];
    let challenge = section.choice("challenge", &kinds).unwrap_or(Challenge::Http01);
    let listen = section.parsed("listen", value::listen);
    let usual = match challenge {
        Challenge::Http01 => ":80",
        Challenge::TlsAlpn01 => ":443",
    };
    let listen = listen.map(|told| told.value).or_else(|| value::listen(usual).ok());
    let state = section.needed("state", "/var/lib/carrack/acme").and_then(|told| folder(&section, &told, base));
    let acme = listen.zip(state).map(|(listen, state)| Acme {
        directory: directory.map_or_else(|| DIRECTORY.into(), |told| told.value),
        directory_ca: directory_ca.and_then(|(file, _)| std::path::absolute(file).ok()),
        contact,
        names: names.iter().map(|n| n.value.clone()).collect(),
        challenge,
        listen: listen.0,
        state,
    });
    let read = ReadAcme { acme, at: section.at.clone(), listen_at: section.place("listen"), names };
    section.end();
    read
}

fn names(section: &Section<'_>) -> Vec<Told<Box<str>>> {
    let told = section.list("names");
    if told.as_ref().is_none_or(Vec::is_empty) {
        let what = format!("{} names no host for the certificate", section.header());
        section.fault(section.place("names"), what, "Add names = [\"ftp.example.com\"].");
    }
    let mut names: Vec<Told<Box<str>>> = Vec::new();
    for told in told.unwrap_or_default() {
        let what = format!("`names` of {} cannot be \"{}\"", section.header(), told.value.escape_debug());
        match value::host_name(told.value) {
            Ok(value) if names.iter().any(|n| n.value == value) => {
                section.fault(told.at, format!("{} names {value} twice", section.header()), "Take it out once.");
            }
            Ok(value) => names.push(Told { value, at: told.at }),
            Err(_) if told.value.starts_with("*.") => {
                let remedy =
                    "Name each host: an authority gives a * only to who proves it with DNS. A [[certificate]] may have one.";
                section.fault(told.at, what, remedy);
            }
            Err(_) => section.fault(told.at, what, "Expected a host name such as ftp.example.com."),
        }
    }
    if let Some(told) = names.get(MOST_NAMES) {
        let what = format!("{} names more than {MOST_NAMES} hosts", section.header());
        section.fault(told.at.clone(), what, "Leave some to a [[certificate]]: authorities take no more in one.");
    }
    names
}

/// Whoever asks for a certificate agrees to the authority's terms (RFC 8555 §7.3.3), and nobody can do so for him.
fn agreed(section: &Section<'_>) {
    let told = section.flag("agree");
    // What is neither true nor false is a fault already.
    if told == Some(false) || (told.is_none() && !section.says("agree")) {
        section.fault(
            section.place("agree"),
            format!("{} does not agree to the authority's terms of service", section.header()),
            "Read them (its directory names their place), and set agree = true.",
        );
    }
}

fn directory(text: &str) -> Result<Box<str>, String> {
    if crate::acme::is_directory(text) {
        return Ok(text.into());
    }
    Err(format!("expected the URL of an ACME directory, such as {DIRECTORY}"))
}

/// An address of mail, with or without its scheme (RFC 8555 §7.3: one address, and no header fields).
fn contact(text: &str) -> Result<Box<str>, String> {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b",?&%<>@\"".contains(&b));
    match address.split_once('@') {
        Some((who, host)) if plain(who) && plain(host) => Ok(format!("mailto:{address}").into()),
        _ => Err("expected an address of mail such as ops@example.com".to_owned()),
    }
}

/// A folder, or a place for one.
fn folder(section: &Section<'_>, told: &Told<&str>, base: &Path) -> Option<PathBuf> {
    let path = base.join(told.value);
    if std::fs::metadata(&path).is_ok_and(|m| !m.is_dir()) {
        let what = format!("{} is no folder", path.display());
        section.fault(told.at.clone(), what, "Name a folder for account and certificate; it is made if need be.");
        return None;
    }
    std::path::absolute(&path).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;
    use crate::config::file::parse;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    const REST: &str = "[[listener]]\nname = \"ftp\"\nprotocol = \"ftp\"\naddress = \":21\"\n[[mount]]\nname = \"data\"\n\
         kind = \"memory\"\n[anonymous]\n";

    /// A configuration in which `[acme]` has these keys besides those it must have.
    fn with(keys: &str) -> String {
        let mut lines = vec!["[acme]", "names = [\"ftp.example.com\"]", "agree = true", "state = \"acme\""];
        let key = |line: &str| line.split('=').next().map(|k| k.trim().to_owned());
        lines.retain(|l| !keys.lines().any(|k| key(k) == key(l)));
        let listener = REST.replace("\":21\"", "\":21\"\nanonymous = true");
        format!("{listener}{}\n{keys}\n", lines.join("\n"))
    }

    fn read(text: &str) -> Result<crate::config::Config, String> {
        parse("c.toml", text, Path::new(FOLDER)).map_err(|page| page.faults().lines().collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn what_is_left_out_is_as_most_want_it() {
        let config = read(&with("")).unwrap();
        let acme = config.acme.unwrap();
        assert_eq!((&*acme.directory, acme.challenge, acme.listen.port()), (DIRECTORY, Challenge::Http01, 80));
        assert_eq!(acme.state, Path::new(FOLDER).join("acme"));
        assert!(acme.contact.is_empty() && acme.directory_ca.is_none());
        assert!(config.listeners[0].tls.is_some(), "what can be had is offered");
        let more = "challenge = \"tls-alpn-01\"\ncontact = [\"a@b.example\", \"mailto:c@d.example\"]\nnames = \"FTP.Example.com.\"\n\
             directory = \"https://ca.internal:9000/acme/acme/directory\"\ndirectory_ca = \"authority.pem\"\nlisten = \"127.0.0.1:8443\"";
        let acme = read(&with(more)).unwrap().acme.unwrap();
        assert_eq!(acme.contact, ["mailto:a@b.example".into(), "mailto:c@d.example".into()]);
        assert_eq!((&*acme.names, acme.listen), (&["ftp.example.com".into()][..], ([127, 0, 0, 1], 8443).into()));
        assert_eq!(read(&with("challenge = \"tls-alpn-01\"")).unwrap().acme.unwrap().listen.port(), 443);
    }

    #[test]
    fn each_key_wrong_once() {
        let many = format!("names = [{}]", (0..101).map(|i| format!("\"h{i}.example\"")).collect::<Vec<_>>().join(", "));
        for (keys, expected) in [
            ("names = []", "[acme] names no host for the certificate; Add names = [\"ftp.example.com\"]."),
            ("names = [\"*.example.com\"]", "cannot be \"*.example.com\"; Name each host"),
            ("names = [\"192.0.2.1\"]", "cannot be \"192.0.2.1\"; Expected a host name"),
            ("names = [\"a.example\", \"A.example\"]", "[acme] names a.example twice"),
            (&many, "names more than 100 hosts"),
            ("agree = false", "[acme] does not agree to the authority's terms of service; Read them"),
            ("agree = \"yes\"", "`agree` of [acme] expects true or false, and this is text"),
            ("state = \"\"", "`state` of [acme] is empty; Write state = \"/var/lib/carrack/acme\"."),
            ("state = \"clients.pem\"", "clients.pem is no folder; Name a folder"),
            (
                "directory = \"http://ca.example/dir\"",
                "cannot be \"http://ca.example/dir\"; Expected the URL of an ACME directory",
            ),
            ("directory = \"ca.example\"", "Expected the URL of an ACME directory, such as https://"),
            ("directory_ca = \"gone.pem\"", "`directory_ca` of [acme] cannot be used: "),
            ("directory_ca = \"privkey.pem\"", "privkey.pem: holds no certificate in PEM form"),
            ("contact = [\"me\"]", "cannot be \"me\"; Expected an address of mail such as ops@example.com."),
            ("contact = \"a@b.example?subject=x\"", "Expected an address of mail"),
            ("contact = \"a@b.example,c@d.example\"", "Expected an address of mail"),
            ("challenge = \"dns-01\"", "cannot be \"dns-01\"; Expected \"http-01\" or \"tls-alpn-01\""),
            ("listen = \"door\"", "`listen` of [acme] cannot be \"door\""),
            ("name = \"a\"", "[acme] has no key `name`; Did you mean `names`?"),
        ] {
            let text = with(keys);
            let said = read(&text).err().unwrap_or_default();
            assert!(said.contains(expected), "{keys}: {said}");
            assert_eq!(said.lines().count(), 1, "{keys}: {said}");
        }
        assert!(read(&with("").replace("agree = true\n", "")).err().unwrap().contains("does not agree"));
        assert!(read(&with("").replace("state = \"acme\"\n", "")).err().unwrap().contains("[acme] has no `state`"));
    }

    #[test]
    fn what_lies_between_tables() {
        let given = "[[certificate]]\ncertificate = \"fullchain.pem\"\nkey = \"privkey.pem\"\nnames = [\"ftp.example.com\"]\n";
        for (text, expected) in [
            (with("listen = \":21\""), "[acme] and [[listener]] \"ftp\" cannot both have "),
            (
                with("") + "[tls]\ntls = \"off\"\n",
                "[acme] asks for a certificate that no [[listener]] shows; Set tls = \"offered\"",
            ),
            (with("") + given, "[acme] and a [[certificate]] both answer for ftp.example.com; Leave the name to one of them."),
        ] {
            let said = read(&text).err().unwrap_or_default();
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
