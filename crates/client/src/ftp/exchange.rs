//! How does a file go from one server straight to another? Both are asked for their part, and both must confirm it.

use std::net::SocketAddr;
use std::time::Duration;

use proto::ftp::client::{Operation, Outcome};
use types::{Error, Reason};

use super::Connection;

/// One server's share.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// Its session.
    pub connection: &'a Connection,
    /// The file, as the server knows it.
    pub path: &'a [u8],
}

/// Who does what.
struct Roles<'a> {
    listens: &'a Connection,
    reaches: &'a Connection,
    /// Who begins TLS: by SSCN, or by CPSV, which only the one that listens can.
    begins: Begins<'a>,
}

enum Begins<'a> {
    /// Nobody: data goes in clear.
    Nobody,
    Sscn(&'a Connection),
    Cpsv,
}

/// Has a file go from byte `at` on from one server to another without passing here; tells its whole size where both tell it.
/// Dropping the future breaks it off.
///
/// # Errors
/// [`Reason::NoExchange`] where the servers do not do it between themselves, and nothing has moved; else what went wrong on
/// its way, as either server tells it; [`Reason::TransferShort`] where the sizes are not equal afterwards.
pub async fn exchange(from: End<'_>, to: End<'_>, at: u64) -> Result<Option<u64>, Error> {
    let mut refused = String::new();
    // Servers may refuse to listen for others, or to reach out to them: what one will not do, the other may.
    for (listens, reaches) in [(from.connection, to.connection), (to.connection, from.connection)] {
        let roles = Roles { listens, reaches, begins: tls(from.connection, to.connection, listens)? };
        match roles.meet().await {
            Ok(()) => {
                let result = both(from, to, at).await;
                roles.end().await;
                return match result {
                    Ok(()) => sizes(from, to).await,
                    Err(e) if is_about_data(&e) && !has_moved(to, at).await => Err(Error::with(Reason::NoExchange, words(e))),
                    Err(e) => Err(e),
                };
            }
            Err(e) if is_about_meeting(&e) => {
                roles.end().await;
                let why = words(e);
                if !refused.contains(&*why) {
                    refused.push_str(&format!("{}{why}", if refused.is_empty() { "" } else { "; " }));
                }
            }
            Err(e) => return Err(e),
        }
    }
    Err(Error::with(Reason::NoExchange, refused))
}

/// Whether the other way round may go.
const fn is_about_meeting(error: &Error) -> bool {
    matches!(
        error.reason,
        Reason::Unsupported | Reason::ServerRefused | Reason::NoDataConnection | Reason::StorageDenied | Reason::BadName
    )
}

/// Whether it may be that the servers took their commands and then did not find each other: one wants the TLS session of a
/// control connection that the other cannot have, say.
const fn is_about_data(error: &Error) -> bool {
    matches!(
        error.reason,
        Reason::NoDataConnection | Reason::DataNotProtected | Reason::NotProtected | Reason::TransferCut | Reason::TooSlow
    )
}

/// Whether anything came beyond byte `at`: then they do exchange files, and it broke on its way.
async fn has_moved(to: End<'_>, at: u64) -> bool {
    matches!(to.connection.run(Operation::Size(to.path.into())).await, Ok(Outcome::Size(size)) if size > at)
}

/// Why they do not. What the reason would be of a file says nothing here.
fn words(error: Error) -> Box<str> {
    error.detail.unwrap_or_else(|| error.reason.cause().into())
}

/// Who begins TLS on the data connection: servers wait for it, unless told otherwise.
fn tls<'a>(from: &'a Connection, to: &'a Connection, listens: &Connection) -> Result<Begins<'a>, Error> {
    match (from.welcome().data_protected, to.welcome().data_protected) {
        (false, false) => return Ok(Begins::Nobody),
        (true, true) => {}
        _ => return Err(Error::with(Reason::NoExchange, "one of them protects its data connections, and the other does not")),
    }
    if let Some(able) = [to, from].into_iter().find(|connection| connection.welcome().features.has("SSCN")) {
        return Ok(Begins::Sscn(able));
    }
    if listens.welcome().features.has("CPSV") {
        return Ok(Begins::Cpsv);
    }
    Err(Error::with(Reason::NoExchange, "neither server begins TLS on a data connection (SSCN, CPSV)"))
}

impl Roles<'_> {
    /// Tells one where the other listens.
    async fn meet(&self) -> Result<(), Error> {
        if let Begins::Sscn(able) = self.begins {
            say(able, "SSCN ON").await?;
        }
        let as_client = matches!(self.begins, Begins::Cpsv);
        let at: SocketAddr = match self.listens.run(Operation::Listen { as_client }).await? {
            Outcome::Address(at) => at,
            _ => return Err(Error::new(Reason::NotTheProtocol)),
        };
        self.reaches.run(Operation::Reach(at)).await.map(drop)
    }

    /// Puts back what was changed for it.
    async fn end(&self) {
        if let Begins::Sscn(able) = self.begins {
            // Where this fails, so will the next data connection, and say so.
            let _ = say(able, "SSCN OFF").await;
        }
    }
}

async fn say(connection: &Connection, line: &str) -> Result<(), Error> {
    match connection.run(Operation::Quote(line.as_bytes().into())).await? {
        Outcome::Reply(reply) if (200..300).contains(&reply.code) => Ok(()),
        Outcome::Reply(reply) => {
            let words = format!("{line}: {} {}", reply.code, String::from_utf8_lossy(&reply.text));
            Err(Error::with(Reason::Unsupported, words))
        }
        _ => Err(Error::new(Reason::NotTheProtocol)),
    }
}

/// Both commands at once; what fails on one side ends the other.
async fn both(from: End<'_>, to: End<'_>, at: u64) -> Result<(), Error> {
    let part = |end: End<'_>, store| Operation::MoveBeyond { path: end.path.into(), offset: at, store };
    let (send, store) = (from.connection.run(part(from, false)), to.connection.run(part(to, true)));
    tokio::pin!(send, store);
    tokio::select! {
        sent = &mut send => {
            sent?;
            store.await.map(drop)
        }
        stored = &mut store => match stored {
            Ok(_) => send.await.map(drop),
            // The one that sends knows better why nothing came.
            Err(cut) => match tokio::time::timeout(WHY_WITHIN, send).await {
                Ok(Err(why)) => Err(why),
                Ok(Ok(_)) | Err(_) => Err(cut),
            },
        },
    }
}

/// How long the server that sends may take to say why it does not.
const WHY_WITHIN: Duration = Duration::from_secs(5);

/// Nothing was seen here of the bytes: their number is compared afterwards.
async fn sizes(from: End<'_>, to: End<'_>) -> Result<Option<u64>, Error> {
    let size = async |end: End<'_>| match end.connection.run(Operation::Size(end.path.into())).await {
        Ok(Outcome::Size(size)) => Ok(Some(size)),
        Err(e) if matches!(e.reason, Reason::Unsupported | Reason::ServerRefused) => Ok(None),
        Err(e) => Err(e),
        Ok(_) => Err(Error::new(Reason::NotTheProtocol)),
    };
    match (size(from).await?, size(to).await?) {
        (Some(sent), Some(stored)) if sent != stored => {
            Err(Error::with(Reason::TransferShort, format!("{stored} bytes are there where {sent} were sent")))
        }
        (sent, stored) => Ok(sent.and(stored)),
    }
}
