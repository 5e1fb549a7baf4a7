//! Whose is a data connection, where several sessions of one address expect one at the same port? The client says in its
//! ClientHello which TLS session it resumes, and that session's server knows it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Expect, Shared};
use crate::clock;
use crate::stream::Fresh;
use crate::tls::hello::{self, Hello};

/// How long a client has for its ClientHello.
const WITHIN: Duration = Duration::from_secs(30);
/// How often one is looked at that has come in part.
const AGAIN: Duration = Duration::from_millis(5);

/// Hears a connection out and takes it to where it belongs. Nothing is taken out of it.
pub(super) async fn ask(shared: Arc<Shared>, stream: std::net::TcpStream, peer: SocketAddr, key: (Expect, u16)) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        shared.table().claimed(key, &[]);
        return;
    };
    let resumes = tokio::time::timeout(WITHIN, hear(&stream)).await.unwrap_or_default();
    let pending = shared.table().claimed(key, &resumes);
    shared.freed.notify_waiters();
    match (pending, stream.into_std()) {
        (Some(pending), Ok(stream)) => shared.hand_over(pending, Fresh::new(stream, peer)),
        (None, Ok(stream)) => shared.turn_away(stream, peer, key.1),
        (_, Err(_)) => {}
    }
}

/// The TLS sessions that a client offers to resume.
async fn hear(stream: &TcpStream) -> Vec<Box<[u8]>> {
    let mut bytes = vec![0; hello::MOST];
    loop {
        let Ok(n @ 1..) = stream.peek(&mut bytes).await else { return Vec::new() };
        match hello::read(bytes.get(..n).unwrap_or_default()) {
            Hello::Partial if n < bytes.len() => clock::sleep_until(clock::now() + AGAIN).await,
            Hello::Partial | Hello::Other => return Vec::new(),
            Hello::Resumes(ids) => return ids,
        }
    }
}
