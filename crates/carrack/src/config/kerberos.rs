//! How is `[kerberos]` read: tickets instead of passwords over FTP (RFC 2228, RFC 4120)?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::path::{Path, PathBuf};

use gate::rules::UserRules;
use types::Reason;

use super::section::Section;

/// Where the library looks for the keytab if nobody says where it is.
const KEYTAB: &str = "/etc/krb5.keytab";

/// What goes for tickets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kerberos {
    /// The file with the server's keys.
    pub(crate) keytab: PathBuf,
    /// Realms whose principals are the users of the same name.
    pub(crate) realms: Vec<Box<str>>,
    /// Nobody logs in without a ticket or TLS.
    pub(crate) required: bool,
    /// Whether CCC may take the control connection back to clear.
    pub(crate) ccc: bool,
}

impl Kerberos {
    /// Adds the principals of the realms to users who name none themselves.
    pub(super) fn map<'a>(&self, users: impl Iterator<Item = &'a mut UserRules>) {
        for user in users.filter(|user| user.principals.is_empty()) {
            user.principals = self.realms.iter().map(|realm| format!("{}@{realm}", user.name).into()).collect();
        }
    }
}

/// Reads `[kerberos]`.
pub(super) fn kerberos(section: Section<'_>, base: &Path) -> Kerberos {
    let told = section.text("keytab");
    let keytab = told.as_ref().map_or_else(|| PathBuf::from(KEYTAB), |told| base.join(told.value));
    let realms = section.parsed_list("realms", realm).unwrap_or_default();
    let required = section.flag("required").unwrap_or(false);
    let ccc = section.flag("ccc").unwrap_or(false);
    if !cfg!(feature = "gssapi") {
        let what = format!("{} [{}]", Reason::KerberosAbsent.cause(), Reason::KerberosAbsent.code());
        section.fault(section.at.clone(), what, Reason::KerberosAbsent.remedy());
    } else if let Err(why) = is_keytab(&keytab) {
        let what = format!("the keytab {} {why} [{}]", keytab.display(), Reason::KeytabUnreadable.code());
        section.fault(section.place("keytab"), what, Reason::KeytabUnreadable.remedy());
    }
    section.end();
    Kerberos { keytab, realms, required, ccc }
}

/// Whether a file can be read and begins as keytabs do: with 5, and 2 or 1 for its form.
fn is_keytab(file: &Path) -> Result<(), String> {
    use std::io::Read;
    let mut head = [0; 2];
    let opened = std::fs::File::open(file).map_err(|e| format!("cannot be read: {e}"))?;
    if !opened.metadata().is_ok_and(|m| m.is_file()) {
        return Err("is no file".to_owned());
    }
    let read = (&opened).take(2).read(&mut head).map_err(|e| format!("cannot be read: {e}"))?;
    if read == 2 && matches!(head, [5, 1 | 2]) { Ok(()) } else { Err("is no keytab".to_owned()) }
}

fn realm(text: &str) -> Result<Box<str>, String> {
    let fine = !text.is_empty() && !text.contains(['@', '/']) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if fine { Ok(text.into()) } else { Err("expected a realm such as EXAMPLE.ORG".to_owned()) }
}
