//! How are `[[certificate]]`, `[tls]` and the listeners' keys on TLS read (RFC 4217)?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::ops::Range;
use std::path::{Path, PathBuf};

use io::tls::{self, Files, Roots};

use super::page::Page;
use super::section::{Section, Told};
use super::value;

/// What goes for TLS at a listener that has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tls {
    /// How it begins, and who must use it.
    pub(crate) mode: TlsMode,
    /// Nothing moves over a data connection in clear.
    pub(crate) data_required: bool,
    /// Whether data connections must resume the control connection's TLS session.
    pub(crate) reuse: DataReuse,
    /// Uploads are confirmed only when TLS's close alert has proved their end.
    pub(crate) proved: bool,
    /// Whether CCC may take the control connection back to clear.
    pub(crate) ccc: bool,
    /// Whether TLS 1.2 is refused.
    pub(crate) only_1_3: bool,
    /// Whether clients show a certificate.
    pub(crate) clients: ClientCertificates,
}

impl Default for Tls {
    fn default() -> Self {
        Self::of(TlsMode::Offered)
    }
}

impl Tls {
    /// As it comes. Whoever must protect the login is not to send files in clear unless somebody says so.
    pub(crate) const fn of(mode: TlsMode) -> Self {
        Self {
            mode,
            data_required: !matches!(mode, TlsMode::Offered),
            reuse: DataReuse::Prefer,
            proved: true,
            ccc: false,
            only_1_3: false,
            clients: ClientCertificates::Off,
        }
    }
}

/// How TLS begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TlsMode {
    /// With AUTH TLS, for those who want it.
    Offered,
    /// With AUTH TLS, before anybody logs in.
    Required,
    /// With the first byte.
    Implicit,
}

/// Whether data connections must resume the control connection's TLS session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DataReuse {
    /// Those that can, may.
    Prefer,
    /// Those that do not are refused.
    Require,
}

/// Whether clients show a certificate, and the file of those who may issue it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ClientCertificates {
    /// Nobody is asked for one.
    Off,
    /// Everybody is asked, and may have none.
    Optional(PathBuf),
    /// Nobody comes in without one.
    Required(PathBuf),
}

impl ClientCertificates {
    /// The file of those who may issue them.
    pub(crate) fn issuers(&self) -> Option<&Path> {
        match self {
            Self::Off => None,
            Self::Optional(file) | Self::Required(file) => Some(file),
        }
    }
}

/// What a listener does of TLS, in words.
pub(crate) fn tls_in_words(tls: Option<&Tls>) -> String {
    let Some(tls) = tls else { return "no TLS".to_owned() };
    let mode = match tls.mode {
        TlsMode::Offered => "TLS offered",
        TlsMode::Required => "TLS required",
        TlsMode::Implicit => "implicit TLS",
    };
    let words = [
        (tls.data_required, "for data too"),
        (tls.reuse == DataReuse::Require, "resumed by data connections"),
        (!tls.proved, "uploads' ends not proved"),
        (tls.ccc, "left by CCC"),
        (tls.only_1_3, "1.3 only"),
        (matches!(tls.clients, ClientCertificates::Optional(_)), "client certificates asked for"),
        (matches!(tls.clients, ClientCertificates::Required(_)), "client certificates required"),
    ];
    let told: Vec<&str> = words.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
    if told.is_empty() { mode.to_owned() } else { format!("{mode} ({})", told.join(", ")) }
}

/// A certificate, and where its parts stand.
pub(super) struct ReadCertificate {
    pub(super) files: Option<Files>,
    pub(super) names: Vec<Told<Box<str>>>,
}

/// Reads `[[certificate]]`.
pub(super) fn certificate(section: Section<'_>, base: &Path) -> ReadCertificate {
    let chain = section.needed("certificate", "/etc/carrack/fullchain.pem").and_then(|told| file(&section, &told, base));
    let key = section.needed("key", "/etc/carrack/privkey.pem").and_then(|told| file(&section, &told, base));
    let told = section.list("names");
    if told.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`names` of {} names no host", section.header());
        section.fault(section.place("names"), what, "Name hosts, or leave the key out: the names in it count anyway.");
    }
    let mut names = Vec::new();
    for told in told.unwrap_or_default() {
        match certificate_name(told.value) {
            Ok(value) => names.push(Told { value, at: told.at }),
            Err(expected) => {
                let what = format!("`names` of {} cannot be \"{}\"", section.header(), told.value.escape_debug());
                section.fault(told.at, what, format!("{expected}."));
            }
        }
    }
    let files = chain.zip(key).map(|(certificate, key)| Files {
        certificate,
        key,
        names: names.iter().map(|n| n.value.clone()).collect(),
    });
    if let Some(Err(e)) = files.as_ref().map(tls::Certificate::load) {
        let key = if e.file() == files.as_ref().map(|f| &*f.key) { "key" } else { "certificate" };
        section.fault(
            section.place(key),
            format!("`{key}` of {} cannot be used: {e}", section.header()),
            "Name PEM files that belong together: the certificate with those between it and its issuer, and its key.",
        );
    }
    section.end();
    ReadCertificate { files, names }
}

/// A host's name, with or without a first part that stands for any.
fn certificate_name(text: &str) -> Result<Box<str>, String> {
    let expected = || "Expected a host name such as ftp.example.com or *.example.com".to_owned();
    match text.strip_prefix("*.") {
        Some(rest) => value::host_name(rest).map(|rest| format!("*.{rest}").into()),
        None => value::host_name(text),
    }
    .map_err(|_| expected())
}

/// A file that stands and is no folder; what is in it is another question.
fn file(section: &Section<'_>, told: &Told<&str>, base: &Path) -> Option<PathBuf> {
    let path = base.join(told.value);
    match std::fs::metadata(&path) {
        Ok(m) if !m.is_dir() => return std::path::absolute(&path).ok(),
        Ok(_) => section.fault(told.at.clone(), format!("{} is a folder", path.display()), "Name a file in it."),
        Err(e) => section.fault(
            told.at.clone(),
            format!("the file {} cannot be opened: {e}", path.display()),
            "Name a PEM file that the server's user may read.",
        ),
    }
    None
}

/// The words of a listener, or of `[tls]`, which speaks for listeners that say nothing.
#[derive(Default)]
pub(super) struct Words {
    mode: Option<Told<Option<TlsMode>>>,
    data_required: Option<Told<bool>>,
    reuse: Option<Told<DataReuse>>,
    proved: Option<Told<bool>>,
    ccc: Option<Told<bool>>,
    only_1_3: Option<Told<bool>>,
    clients: Option<Told<Clients>>,
    issuers: Option<Told<PathBuf>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Off,
    Optional,
    Required,
}

/// Reads the words of `[tls]`.
pub(super) fn defaults(section: Section<'_>, base: &Path) -> Words {
    let words = words(&section, base);
    section.end();
    words
}

/// Reads the words of a table.
pub(super) fn words(section: &Section<'_>, base: &Path) -> Words {
    const MODES: &[(&str, Option<TlsMode>)] = &[
        ("off", None),
        ("offered", Some(TlsMode::Offered)),
        ("required", Some(TlsMode::Required)),
        ("implicit", Some(TlsMode::Implicit)),
    ];
    fn told<T>(section: &Section<'_>, key: &'static str, value: Option<T>) -> Option<Told<T>> {
        value.map(|value| Told { value, at: section.place(key) })
    }
    let clients = [("off", Clients::Off), ("optional", Clients::Optional), ("required", Clients::Required)];
    Words {
        mode: told(section, "tls", section.choice("tls", MODES)),
        data_required: told(section, "tls_data", section.choice("tls_data", &[("any", false), ("required", true)])),
        reuse: told(
            section,
            "data_reuse",
            section.choice("data_reuse", &[("prefer", DataReuse::Prefer), ("require", DataReuse::Require)]),
        ),
        proved: told(section, "close_notify", section.choice("close_notify", &[("require", true), ("accept", false)])),
        ccc: told(section, "tls_ccc", section.flag("tls_ccc")),
        only_1_3: told(section, "tls_min", section.choice("tls_min", &[("1.2", false), ("1.3", true)])),
        clients: told(section, "client_certificates", section.choice("client_certificates", &clients)),
        issuers: section
            .text("client_ca")
            .and_then(|t| file(section, &t, base).map(|value| Told { value, at: section.place("client_ca") }))
            .filter(|told| roots(section, told)),
    }
}

/// Whether a file holds certificates to trust.
fn roots(section: &Section<'_>, told: &Told<PathBuf>) -> bool {
    let loaded = Roots::load(&told.value);
    if let Err(e) = &loaded {
        let what = format!("`client_ca` of {} cannot be used: {e}", section.header());
        section.fault(told.at.clone(), what, "Name a PEM file with the certificates of those who issue them.");
    }
    loaded.is_ok()
}

impl Words {
    /// The first key that means nothing without TLS.
    fn idle(&self) -> Option<(&'static str, &Range<usize>)> {
        let data = self.data_required.as_ref().map(|t| ("tls_data", &t.at));
        data.or_else(|| self.reuse.as_ref().map(|t| ("data_reuse", &t.at)))
            .or_else(|| self.proved.as_ref().map(|t| ("close_notify", &t.at)))
            .or_else(|| self.ccc.as_ref().map(|t| ("tls_ccc", &t.at)))
            .or_else(|| self.only_1_3.as_ref().map(|t| ("tls_min", &t.at)))
            .or_else(|| self.clients.as_ref().map(|t| ("client_certificates", &t.at)))
            .or_else(|| self.issuers.as_ref().map(|t| ("client_ca", &t.at)))
    }

    /// What a listener has, told by itself, by `[tls]`, or by there being a certificate.
    pub(super) fn settle(&self, shared: &Self, header: &str, certificates: bool, page: &Page) -> Option<Tls> {
        let told = self.mode.as_ref().or(shared.mode.as_ref());
        let mode = told.map_or(certificates.then_some(TlsMode::Offered), |t| t.value);
        let Some(mode) = mode else {
            if let Some((key, at)) = self.idle() {
                let (why, remedy) = match told {
                    Some(_) => ("while tls = \"off\"", format!("Take out {key}, or set tls = \"offered\".")),
                    None => ("without a certificate", "Add a [[certificate]] table, or take it out.".to_owned()),
                };
                page.fault(at.clone(), format!("`{key}` of {header} does nothing {why}"), remedy);
            }
            return None;
        };
        if let Some(told) = told.filter(|_| !certificates) {
            page.fault(
                told.at.clone(),
                format!("{header} speaks TLS, and there is no [[certificate]]"),
                "Add a [[certificate]] table with `certificate` and `key`, or set tls = \"off\".",
            );
        }
        let usual = Tls::of(mode);
        fn first<T: Clone>(own: &Option<Told<T>>, shared: &Option<Told<T>>) -> Option<T> {
            own.as_ref().or(shared.as_ref()).map(|t| t.value.clone())
        }
        Some(Tls {
            mode,
            data_required: first(&self.data_required, &shared.data_required).unwrap_or(usual.data_required),
            reuse: first(&self.reuse, &shared.reuse).unwrap_or(usual.reuse),
            proved: first(&self.proved, &shared.proved).unwrap_or(usual.proved),
            ccc: first(&self.ccc, &shared.ccc).unwrap_or(usual.ccc),
            only_1_3: first(&self.only_1_3, &shared.only_1_3).unwrap_or(usual.only_1_3),
            clients: self.clients(shared, header, page),
        })
    }

    fn clients(&self, shared: &Self, header: &str, page: &Page) -> ClientCertificates {
        let clients = self.clients.as_ref().or(shared.clients.as_ref());
        let issuers = self.issuers.as_ref().or(shared.issuers.as_ref());
        match (clients, issuers) {
            (Some(Told { value: Clients::Optional, .. }), Some(file)) => ClientCertificates::Optional(file.value.clone()),
            (Some(Told { value: Clients::Required, .. }), Some(file)) => ClientCertificates::Required(file.value.clone()),
            (Some(Told { value: Clients::Optional | Clients::Required, at }), None) => {
                page.fault(
                    at.clone(),
                    format!("{header} asks clients for certificates, and nothing says who issues them"),
                    "Add client_ca = \"clients.pem\" with the certificates of those who do, or set client_certificates = \"off\".",
                );
                ClientCertificates::Off
            }
            (None | Some(Told { value: Clients::Off, .. }), _) => {
                // One in [tls] may be there for other listeners.
                if let Some(own) = &self.issuers {
                    page.fault(
                        own.at.clone(),
                        format!("`client_ca` of {header} does nothing: clients are not asked for certificates"),
                        "Add client_certificates = \"optional\" or \"required\", or take out client_ca.",
                    );
                }
                ClientCertificates::Off
            }
        }
    }
}
