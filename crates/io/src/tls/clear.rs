//! How does a connection leave TLS and go on in clear (CCC, RFC 4217 §6)? Not one byte of what follows may be lost or
//! taken for a record.

use std::io;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use types::Reason;

use super::failure::Failure;
use super::layer::{Layer, RECORD_TYPES, record_len};
use crate::clock;

/// What the other end sent and nobody has read when TLS has ended: first what still came protected, then what came in
/// clear.
pub type Leftover = Vec<u8>;

/// The protected bytes that may come before the close alert: a few commands.
const MOST: usize = 16 * 1024;

/// Read at once: the close alert, and a command.
const LITTLE: usize = 512;

/// How long the other end may take to say first that it leaves: lftp takes an alert that is there before it has read the
/// reply to CCC for the end of the connection; curl waits for one and sends none.
const COURTESY: Duration = Duration::from_millis(200);

/// Leaves TLS: waits a moment for the other end's close alert, says so with one, and waits on. A client that sends none
/// is believed as soon as it sends what is no record.
pub(super) async fn run(layer: Box<Layer>, deadline: Instant) -> Result<(TcpStream, Leftover), Failure> {
    let leave = Box::pin(leave(layer));
    match tokio::time::timeout_at(deadline.into(), leave).await {
        Ok(result) => result.map_err(|e| Failure::new(Reason::TlsClearing, e.to_string())),
        Err(_) => Err(Failure::new(Reason::TlsClearing, "neither a close alert nor anything in clear came in time")),
    }
}

async fn leave(mut layer: Box<Layer>) -> io::Result<(TcpStream, Leftover)> {
    let mut leftover = layer.take_plain();
    // Before the alert nothing else may stay behind: not the reply to CCC.
    layer.flush().await?;
    let (first, mut said) = (clock::now() + COURTESY, false);
    while !layer.is_closed() {
        let next = layer.unseen();
        match (next.first(), record_len(next)) {
            (Some(kind), _) if !RECORD_TYPES.contains(kind) => {
                // It is in clear already, and would take our alert for a reply.
                layer.forget_seen();
                said = true;
                break;
            }
            // One record at a time: what lies behind the close alert is not the session's.
            (_, Some(len)) if len <= next.len() => {
                layer.step_within(len, usize::MAX, &mut |bytes| leftover.extend_from_slice(bytes))?;
                if leftover.len() > MOST {
                    return Err(io::Error::other("too much came behind CCC and before the close alert"));
                }
            }
            _ if said => receive(&mut layer).await?,
            _ => match tokio::time::timeout_at(first.into(), receive(&mut layer)).await {
                Ok(received) => received?,
                Err(_) => {
                    said = true;
                    layer.say_closed()?;
                    layer.flush().await?;
                }
            },
        }
    }
    if !said {
        layer.say_closed()?;
    }
    // Ours may stand behind an answer of the session's own.
    layer.flush().await?;
    let (tcp, rest) = layer.into_parts();
    leftover.extend_from_slice(&rest);
    Ok((tcp, leftover))
}

async fn receive(layer: &mut Layer) -> io::Result<()> {
    loop {
        match layer.receive(LITTLE) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => layer.tcp().readable().await?,
            Err(e) => return Err(e),
        }
    }
}
