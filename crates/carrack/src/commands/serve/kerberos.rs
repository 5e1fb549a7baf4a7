//! How does the Kerberos library learn where the keytab is? From the environment alone, so the program begins anew with
//! it there.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use types::Reason;

use super::Refused;
use crate::config::{Config, Kerberos};

/// What stands in the environment for a configuration.
fn wanted(kerberos: &Kerberos) -> [(&'static str, OsString); 2] {
    let mut keytab = OsString::from("FILE:");
    keytab.push(&kerberos.keytab);
    // A token that comes twice opens nothing: every command behind it is protected with a key that only the ticket's
    // owner has. And the cache would be a file that others on this machine may be in the way of.
    [("KRB5_KTNAME", keytab), ("KRB5RCACHENAME", "none:".into())]
}

/// Begins anew where the environment is another one. Nothing is open yet, and the process stays the same one.
///
/// # Errors
/// The system does not let it.
pub(super) fn prepare(config: &Config) -> Result<(), Refused> {
    let Some(kerberos) = &config.kerberos else { return Ok(()) };
    let wanted = wanted(kerberos);
    if wanted.iter().all(|(name, value)| std::env::var_os(name).as_ref() == Some(value)) {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let error = std::env::current_exe().map(|me| Command::new(me).arg0(name).args(arguments).envs(wanted).exec());
    let error = error.unwrap_or_else(|error| error);
    Err(Refused::new("Kerberos", Reason::KeytabUnreadable, format!("the program could not begin anew: {error}")))
}

/// What takes tickets, where the configuration wants that.
#[cfg(feature = "gssapi")]
pub(super) fn mechanism(config: &Config) -> Option<std::sync::Arc<dyn io::gss::Mechanism>> {
    config.kerberos.as_ref().map(|_| std::sync::Arc::new(io::gss::kerberos::Kerberos) as _)
}

/// There is none in this build; a configuration that wants one was refused.
#[cfg(not(feature = "gssapi"))]
pub(super) fn mechanism(_: &Config) -> Option<std::sync::Arc<dyn io::gss::Mechanism>> {
    None
}

/// Says whether there is a key to be had. The library reads its files here for the first time, while it may.
///
/// # Errors
/// Why there is none.
pub(super) fn check(config: &Config) -> Result<(), Refused> {
    #[cfg(feature = "gssapi")]
    if let Some(kerberos) = &config.kerberos {
        io::gss::kerberos::Kerberos::check().map_err(|failure| {
            Refused::new(format!("the keytab {}", kerberos.keytab.display()), Reason::KeytabUnreadable, failure.to_string())
        })?;
    }
    let _ = config;
    Ok(())
}
