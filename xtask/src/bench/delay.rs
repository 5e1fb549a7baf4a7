//! What does a path of 50 ms, or of 100 Mbit/s, feel like? A relay that holds every byte back, for the control port and the
//! passive ports.

use crate::Result;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Read at once.
const PIECE: usize = 64 * 1024;

/// How many pieces may be on their way: 16 MiB, far more than a socket's window.
const UNDER_WAY: usize = 256;

/// Where the path begins: a second address of the loopback.
pub(super) const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a path is like.
#[derive(Clone, Copy)]
pub(super) struct Path {
    /// How much later each byte arrives.
    pub(super) each_way: Duration,
    /// How many bytes pass in a second, each way on each connection.
    pub(super) rate: Option<u64>,
}

/// Relays these ports of [`HERE`] to the same ports of 127.0.0.1 over such a path, for as long as this process lives.
/// Connecting takes one round trip, as it does on a path.
pub(super) fn relay(ports: impl IntoIterator<Item = u16>, path: Path) -> Result<()> {
    for port in ports {
        let listener = TcpListener::bind((HERE, port))?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || join(stream, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path));
            }
        });
    }
    Ok(())
}

fn join(near: TcpStream, to: SocketAddr, path: Path) {
    // The client's first byte would have left after one round trip only.
    thread::sleep(path.each_way * 2);
    let Ok(far) = TcpStream::connect(to) else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    if let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) {
        thread::spawn(move || pass(near_too, far_too, path));
        pass(far, near, path);
    }
}

/// One direction, to its end.
fn pass(mut from: TcpStream, to: TcpStream, path: Path) {
    let (send, arrive) = sync_channel(UNDER_WAY);
    let writer = thread::spawn(move || write(&arrive, to));
    let mut piece = vec![0; PIECE];
    let mut free = Instant::now();
    while let Ok(n @ 1..) = from.read(&mut piece) {
        if let Some(rate) = path.rate {
            // The line is taken for as long as these bytes need.
            free = free.max(Instant::now()) + Duration::from_secs_f64(n as f64 / rate as f64);
            thread::sleep(free.saturating_duration_since(Instant::now()));
        }
        if send.send((Instant::now() + path.each_way, piece[..n].to_vec())).is_err() {
            break;
        }
    }
    // The end takes as long as every byte before it.
    let _ = send.send((Instant::now() + path.each_way, Vec::new()));
    drop(send);
    let _ = writer.join();
}

fn write(arrive: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    for (due, bytes) in arrive {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if bytes.is_empty() || to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
