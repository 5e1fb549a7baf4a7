//! How does a connection enter TLS? The handshake, to its end or to a reason, before a deadline.

use std::io;
use std::time::Instant;

use tokio::net::TcpStream;
use types::Reason;

use super::failure::Failure;
use super::layer::{Layer, RECORD_TYPES, Side};

/// Read at once: a flight of a handshake.
const FLIGHT: usize = 4 * 1024;

/// When the last flight of the handshake leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LastFlight {
    /// At once.
    Now,
    /// With the first bytes that follow it.
    WithBytes,
    /// When this end ends TLS, if the other end can do without it until then: over TLS 1.3 it holds nothing but tickets
    /// (RFC 8446 §4.6.1).
    AtEnd,
}

/// Does the handshake. The future may be dropped; the connection is closed then.
pub(super) async fn run(tcp: TcpStream, side: Side, deadline: Instant, last: LastFlight) -> Result<Layer, Failure> {
    // Several small flights, each awaited by the other end: none may wait for an acknowledgement.
    tcp.set_nodelay(true)?;
    // Boxed: this runs once, in a task that lives as long as the session.
    let shake = Box::pin(shake(Layer::new(tcp, side), last));
    match tokio::time::timeout_at(deadline.into(), shake).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(Reason::TlsTimeout, "the other end did not go on with the handshake")),
    }
}

async fn shake(mut layer: Layer, last: LastFlight) -> Result<Layer, Failure> {
    loop {
        if let Some(kind) = layer.unseen().first()
            && !RECORD_TYPES.contains(kind)
        {
            let first: String =
                layer.unseen().iter().take(16).map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '.' }).collect();
            return Err(Failure::new(Reason::TlsPlain, format!("it sent “{first}”")));
        }
        let stepped = layer.shake();
        if layer.is_settled() && stepped.is_ok() {
            match last {
                LastFlight::WithBytes => {}
                LastFlight::AtEnd if layer.is_1_3() => layer.withhold(),
                LastFlight::AtEnd | LastFlight::Now => layer.flush().await?,
            }
            return Ok(layer);
        }
        if let Err(e) = stepped {
            return Err(Failure::of(&e, layer.serves()));
        }
        layer.flush().await?;
        layer.quicken();
        receive(&mut layer).await?;
    }
}

async fn receive(layer: &mut Layer) -> Result<(), Failure> {
    loop {
        match layer.receive(FLIGHT) {
            Ok(0) => return Err(Failure::new(Reason::TlsHandshake, "the other end closed the connection in the midst of it")),
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => layer.tcp().readable().await?,
            Err(e) => return Err(e.into()),
        }
    }
}
