//! How does a Kerberos ticket show who calls (RFC 4120, RFC 4121)? By the system's library, which finds the server's key
//! in the keytab.

use libgssapi::context::{CtxFlags, SecurityContext, ServerCtx};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::oid::{GSS_MECH_KRB5, OidSet};

use super::{Accepted, Context, Failure, Mechanism};

/// Kerberos with the keys of the keytab that `KRB5_KTNAME` names, as the side that is called.
///
/// Any key in it will do, whatever service the client has asked the KDC for: clients of FTP ask for `ftp/HOST` or
/// `host/HOST`, and HOST may be one of many names of this machine.
#[derive(Debug, Default)]
pub struct Kerberos;

impl Kerberos {
    fn credentials() -> Result<Cred, Failure> {
        let mut mechanisms = OidSet::new();
        mechanisms.add(GSS_MECH_KRB5).map_err(failure)?;
        Cred::acquire(None, None, CredUsage::Accept, Some(&mechanisms)).map_err(failure)
    }

    /// Whether there is a key to be had. Reads the library's own files for the first time, too.
    ///
    /// # Errors
    /// Why not, as the library says it.
    pub fn check() -> Result<(), Failure> {
        Self::credentials().map(drop)
    }
}

impl Mechanism for Kerberos {
    fn begin(&self) -> Result<Box<dyn Context>, Failure> {
        // The addresses that some clients bind the exchange to are not compared: the library takes what is not asked
        // for, behind NAT they differ, and every command is protected by itself.
        Ok(Box::new(Ticket(ServerCtx::new(Some(Self::credentials()?)))))
    }
}

struct Ticket(ServerCtx);

impl Context for Ticket {
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, Failure> {
        let out = self.0.step(token, None).map_err(failure)?.map(|out| out.to_vec());
        if !self.0.is_complete() {
            return Ok(Accepted::More(out.unwrap_or_default()));
        }
        let flags = self.0.flags().map_err(failure)?;
        if !flags.contains(CtxFlags::GSS_C_INTEG_FLAG | CtxFlags::GSS_C_CONF_FLAG) {
            return Err(Failure("the exchange allows no protected messages".into()));
        }
        if flags.contains(CtxFlags::GSS_C_ANON_FLAG) {
            return Err(Failure("the ticket is an anonymous one".into()));
        }
        let name = self.0.source_name().and_then(|name| name.display_name()).map_err(failure)?;
        let principal = std::str::from_utf8(&name).map_err(|_| Failure("the principal's name is no UTF-8".into()))?;
        Ok(Accepted::Done { token: out, principal: principal.into() })
    }

    fn wrap(&mut self, plain: &[u8], private: bool) -> Result<Vec<u8>, Failure> {
        self.0.wrap(private, plain).map(|token| token.to_vec()).map_err(failure)
    }

    fn unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), Failure> {
        let plain = self.0.unwrap(token).map_err(failure)?;
        Ok((plain.to_vec(), is_sealed(token)))
    }
}

/// Whether a token that holds is encrypted: the flag `Sealed` of RFC 4121 §4.2.2, which its checksum covers. Tokens of
/// older ciphers (RFC 1964) have another form and count as readable.
const fn is_sealed(token: &[u8]) -> bool {
    matches!(token, [5, 4, flags, ..] if *flags & 2 != 0)
}

fn failure(error: Error) -> Failure {
    Failure(error.to_string().into())
}
