//! How are `[[user]]`, `[[group]]` and `[anonymous]` read?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::ops::Range;
use std::path::{Path, PathBuf};

use argon2::password_hash::phc::PasswordHash;
use gate::permission::Permissions;
use gate::rules::{Certificate, Defaults, Password, UserRules};
use gate::{AuthorizedKey, Ways};
use types::VPath;

use super::section::{Section, Told};
use super::{keys, value};

/// A user, group or the anonymous one, and where its parts stand.
pub(super) struct ReadPerson {
    pub(super) name: Option<Told<Box<str>>>,
    pub(super) header: String,
    pub(super) at: Range<usize>,
    pub(super) password: Password,
    pub(super) disabled: bool,
    pub(super) groups: Vec<Told<Box<str>>>,
    pub(super) own: Defaults,
    pub(super) mounts: Vec<Told<Box<str>>>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) certificate: Certificate,
    pub(super) certificate_names: Vec<Box<str>>,
    pub(super) principals: Vec<Box<str>>,
    pub(super) certificate_at: Range<usize>,
    pub(super) keys: Vec<AuthorizedKey>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) ways: Ways,
}

impl ReadPerson {
    /// In the gate's words.
    pub(super) fn rules(&self, name: &str) -> UserRules {
        UserRules {
            groups: self.groups.iter().map(|g| g.value.clone()).collect(),
            disabled: self.disabled,
            own: self.own.clone(),
            certificate: self.certificate,
            certificate_names: self.certificate_names.clone(),
            principals: self.principals.clone(),
            keys: self.keys.clone(),
            ways: self.ways,
            ..UserRules::new(name, self.password.clone())
        }
    }
}

/// Reads `[[user]]`.
pub(super) fn user(section: Section<'_>, base: &Path) -> ReadPerson {
    let name = section.needed("name", "anna").and_then(|_| section.parsed("name", value::name));
    if let Some(told) = name.as_ref().filter(|n| ["anonymous", "ftp"].contains(&&*n.value.to_ascii_lowercase())) {
        section.fault(
            told.at.clone(),
            format!("no user can be called \"{}\": that is who comes without a password (RFC 1635)", told.value),
            "Choose another name, or write an [anonymous] table.",
        );
    }
    let ways = ways(&section);
    let (keys, key_file) = authorized_keys(&section, base);
    let wants_password = ways.password || ways.key_and_password;
    let words = [("off", Certificate::Off), ("enough", Certificate::Enough), ("with-password", Certificate::WithPassword)];
    let certificate = section.choice("certificate", &words).unwrap_or_default();
    let otherwise = section.says("keys") || section.says("authorized_keys") || certificate == Certificate::Enough;
    let password = if says_password(&section) || (wants_password && !otherwise) {
        password(&section, base)
    } else if ways.password && !section.says("auth") {
        Password::Never // with keys or a certificate that is enough a password is not missed
    } else {
        without_password(&section, ways)
    };
    let disabled = section.flag("disabled").unwrap_or(false);
    let groups = groups(&section);
    let password_file = section.text("password_file").map(|told| base.join(told.value));
    let certificate_names = certificate_names(&section, certificate);
    let certificate_at = section.place("certificate");
    let principals = section.parsed_list("principals", principal).unwrap_or_default();
    ReadPerson {
        password_file,
        certificate,
        certificate_names,
        principals,
        certificate_at,
        keys,
        key_file,
        ways,
        ..read(section, name, password, disabled, groups)
    }
}

/// Reads `[[group]]`.
pub(super) fn group(section: Section<'_>) -> ReadPerson {
    let name = section.needed("name", "staff").and_then(|_| section.parsed("name", value::name));
    read(section, name, Password::None, false, Vec::new())
}

/// Reads `[anonymous]`.
pub(super) fn anonymous(section: Section<'_>) -> ReadPerson {
    let groups = groups(&section);
    read(section, None, Password::None, false, groups)
}

fn certificate_names(section: &Section<'_>, certificate: Certificate) -> Vec<Box<str>> {
    let names = section.list("certificate_names").unwrap_or_default();
    let unclear = if section.says("certificate_names") && names.is_empty() {
        Some(("names no name", "Name what stands on the user's certificate, or leave the key out: then it is the user's name."))
    } else if !names.is_empty() && certificate == Certificate::Off {
        Some(("does nothing while the user's certificate lets nobody in", "Add certificate = \"enough\" or \"with-password\"."))
    } else if names.iter().any(|n| n.value.trim().is_empty()) {
        Some(("holds an empty name", "Take it out."))
    } else {
        None
    };
    if let Some((what, remedy)) = unclear {
        let what = format!("`certificate_names` of {} {what}", section.header());
        section.fault(section.place("certificate_names"), what, remedy);
    }
    names.into_iter().map(|t| t.value.into()).collect()
}

/// A principal with its realm: without one it would be anybody's of that name.
fn principal(text: &str) -> Result<Box<str>, String> {
    match text.rsplit_once('@') {
        Some((name, realm)) if !name.is_empty() && !realm.is_empty() && !text.chars().any(char::is_control) => Ok(text.into()),
        _ => Err("expected a principal such as anna@EXAMPLE.ORG".to_owned()),
    }
}

fn groups(section: &Section<'_>) -> Vec<Told<Box<str>>> {
    let list = section.list("groups").unwrap_or_default();
    list.into_iter().map(|t| Told { value: t.value.into(), at: t.at }).collect()
}

fn read(
    section: Section<'_>,
    name: Option<Told<Box<str>>>,
    password: Password,
    disabled: bool,
    groups: Vec<Told<Box<str>>>,
) -> ReadPerson {
    let (own, mounts) = defaults(&section);
    let (header, at) = (section.header().to_owned(), section.at.clone());
    section.end();
    ReadPerson {
        certificate_at: at.clone(),
        name,
        header,
        at,
        password,
        disabled,
        groups,
        own,
        mounts,
        password_file: None,
        certificate: Certificate::Off,
        certificate_names: Vec::new(),
        principals: Vec::new(),
        keys: Vec::new(),
        key_file: None,
        ways: Ways::default(),
    }
}

/// What is enough of a proof: `auth`.
fn ways(section: &Section<'_>) -> Ways {
    let Some(list) = section.list("auth") else { return Ways::default() };
    let mut ways = Ways { password: false, key: false, key_and_password: false };
    for told in &list {
        match told.value {
            "password" => ways.password = true,
            "publickey" => ways.key = true,
            "publickey+password" => ways.key_and_password = true,
            other => section.fault(
                told.at.clone(),
                format!("`auth` of {} cannot hold \"{}\"", section.header(), other.escape_debug()),
                "Write \"password\", \"publickey\" or \"publickey+password\".",
            ),
        }
    }
    if list.is_empty() {
        let what = format!("`auth` of {} is empty, so nobody could be this user", section.header());
        section.fault(section.place("auth"), what, "Name a way, or leave the key out; disabled = true locks a user out.");
    }
    if ways.key_and_password && (ways.key || ways.password) {
        let what = format!("`auth` of {} wants key and password, and takes one of them alone, too", section.header());
        section.fault(section.place("auth"), what, "Keep \"publickey+password\" alone, or take it out.");
    }
    ways
}

/// The keys that let the user in: those written here, and those of a file.
fn authorized_keys(section: &Section<'_>, base: &Path) -> (Vec<AuthorizedKey>, Option<PathBuf>) {
    let mut all = section.parsed_list("keys", keys::line).unwrap_or_default();
    let file = section.text("authorized_keys").map(|told| (base.join(told.value), told.at));
    if let Some((path, at)) = &file {
        match keys::file(path) {
            Ok(more) => all.extend(more),
            Err(e) => {
                let what = format!("`authorized_keys` of {}: {e}", section.header());
                section.fault(at.clone(), what, "One public key a line, as ssh-keygen prints it.");
            }
        }
    }
    (all, file.map(|(path, _)| path))
}

fn says_password(section: &Section<'_>) -> bool {
    section.says("password") || section.says("password_file")
}

/// Where a password is named as a way there is one; where it is not there need not be.
fn without_password(section: &Section<'_>, ways: Ways) -> Password {
    if ways.password || ways.key_and_password {
        let what = format!("`auth` of {} names a password, and there is none", section.header());
        section.fault(section.place("auth"), what, "Add password = \"$argon2id$…\", as `carrack hash` prints it.");
    }
    Password::Never
}

fn defaults(section: &Section<'_>) -> (Defaults, Vec<Told<Box<str>>>) {
    let mut mounts = Vec::new();
    let mut places: Vec<(VPath, Box<str>)> = Vec::new();
    for (place, name) in section.map("mounts", "/", "{ \"/\" = \"data\" }").unwrap_or_default() {
        if let Some(path) = below(section, "mounts", &place) {
            if places.iter().any(|(known, _)| *known == path) {
                section.fault(place.at, format!("`mounts` of {} names {path} twice", section.header()), "Keep one of them.");
                continue;
            }
            places.push((path, name.value.as_str().into()));
            mounts.push(Told { value: name.value.into(), at: name.at });
        }
    }
    let accounts: Vec<Box<str>> = section.parsed_list("accounts", value::name).unwrap_or_default();
    let own = Defaults {
        home: section.parsed("home", value::vpath).map(|t| t.value),
        mounts: places,
        permissions: permissions(section),
        hidden: section.list("hidden").unwrap_or_default().iter().map(|t| t.value.as_bytes().into()).collect(),
        sessions: section.number32("sessions", 1..=1_000_000),
        transfers: section.number32("transfers", 1..=1_000_000),
        rate_up: section.bytes("rate_up"),
        rate_down: section.bytes("rate_down"),
        file_size: section.bytes("file_size"),
        allow_from: section.parsed_list("allow_from", value::network),
        fxp: section.flag("fxp"),
        sees_all: section.flag("sees_all"),
        messages: section.flag("messages"),
        accounts,
        account_required: section.flag("account_required"),
        umask: section.parsed("umask", value::umask).map(|t| t.value),
        idle_seconds: section.number("idle_seconds", 1..=604_800),
        welcome: section.lines("welcome"),
    };
    if own.account_required == Some(true) && own.accounts.is_empty() {
        let what = format!("{} must name an account, and has none", section.header());
        section.fault(section.place("account_required"), what, "Add accounts = [\"…\"], or take out account_required.");
    }
    if own.allow_from.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`allow_from` of {} names no network, so nobody could log in", section.header());
        section.fault(
            section.place("allow_from"),
            what,
            "Name networks, or leave the key out; disabled = true locks a user out.",
        );
    }
    (own, mounts)
}

fn permissions(section: &Section<'_>) -> Vec<(VPath, Permissions)> {
    let mut rules: Vec<(VPath, Permissions)> = Vec::new();
    for (place, words) in section.map("permissions", "/", "{ \"/\" = \"read list\" }").unwrap_or_default() {
        let path = below(section, "permissions", &place);
        match value::permissions(&words.value) {
            Ok(bits) => {
                let Some(path) = path else { continue };
                if rules.iter().any(|(known, _)| *known == path) {
                    let what = format!("`permissions` of {} names {path} twice", section.header());
                    section.fault(place.at, what, "Keep one of them.");
                } else {
                    rules.push((path, bits));
                }
            }
            Err(expected) => {
                let what = format!("`permissions` of {} cannot be \"{}\"", section.header(), words.value.escape_debug());
                let mut remedy = expected;
                remedy.replace_range(..1, &remedy.get(..1).unwrap_or("").to_uppercase());
                section.fault(words.at, what, format!("{remedy}."));
            }
        }
    }
    rules
}

/// A key of a table that is a path; two that mean the same place are a contradiction only TOML's letters hide.
fn below(section: &Section<'_>, key: &str, place: &Told<&str>) -> Option<VPath> {
    match value::vpath(place.value) {
        Ok(path) => Some(path),
        Err(expected) => {
            let what = format!("`{key}` of {} has a row for \"{}\"", section.header(), place.value.escape_debug());
            section.fault(
                place.at.clone(),
                what,
                format!("{}{}.", expected.get(..1).unwrap_or("").to_uppercase(), expected.get(1..).unwrap_or("")),
            );
            None
        }
    }
}

/// The hash, from the file itself or from one of its own.
fn password(section: &Section<'_>, base: &Path) -> Password {
    let hash = section.parsed("password", |text| phc(text).map(|()| Box::<str>::from(text)));
    let file = section.text("password_file");
    match (section.says("password"), &file) {
        (true, Some(told)) => {
            let what = format!("{} has both `password` and `password_file`", section.header());
            section.fault(told.at.clone(), what, "Keep one of them.");
        }
        (false, None) if !section.says("password_file") => {
            let what = format!("{} has no password, so anybody could be this user", section.header());
            section.fault(section.at.clone(), what, "Add password = \"$argon2id$…\", as `carrack hash` prints it.");
        }
        _ => {}
    }
    if let Some(hash) = hash {
        return Password::Argon2(hash.value);
    }
    // Whatever is returned when something is wrong is never used: a page with a fault gives no configuration.
    file.and_then(|told| from_file(section, &told, base)).unwrap_or(Password::Argon2("".into()))
}

fn from_file(section: &Section<'_>, told: &Told<&str>, base: &Path) -> Option<Password> {
    let path = base.join(told.value);
    let fault = |what: String, remedy: &str| {
        section.fault(told.at.clone(), format!("`password_file` of {}: {what}", section.header()), remedy);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => {
            fault(format!("{} cannot be read: {e}", path.display()), "Make it with `carrack hash > FILE`.");
            return None;
        }
    };
    let line = text.lines().next().unwrap_or("").trim();
    match phc(line) {
        Ok(()) => Some(Password::Argon2(line.into())),
        Err(expected) => {
            fault(format!("the first line of {} is no hash", path.display()), &format!("{expected}."));
            None
        }
    }
}

/// Whether a text is an argon2id hash that can be checked against in bounded memory and time.
fn phc(text: &str) -> Result<(), String> {
    let expected = "Expected an argon2id hash, $argon2id$v=19$…, as `carrack hash` prints it";
    let hash = PasswordHash::new(text).map_err(|_| expected.to_owned())?;
    if hash.algorithm.as_str() != "argon2id" || hash.hash.is_none() || hash.salt.is_none() {
        return Err(expected.to_owned());
    }
    let params = argon2::Params::try_from(&hash).map_err(|e| format!("{expected}; its parameters are not usable ({e})"))?;
    if params.m_cost() > 1 << 20 || params.t_cost() > 64 {
        return Err("The hash asks for more than 1 GiB or 64 rounds: every login would; make one with `carrack hash`".to_owned());
    }
    Ok(())
}
