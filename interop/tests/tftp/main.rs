//! Do the TFTP programs people have work with the server? Files of every awkward length, down and up, binary and text,
//! with the options each knows, over IPv4 and IPv6.
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod atftp;
mod boot;
mod busybox;
mod curl;
mod loss;
mod mac;
mod multicast;
mod nat;
mod servers;
mod tftp_hpa;
mod tftpy;

use std::path::Path;

use interop::Server;
use interop::files::{assert_same, make};
use tempfile::TempDir;

/// A server with TFTP on both families, and a place for the client.
struct Site {
    server: Server,
    here: TempDir,
}

/// What may be uploaded, and the other keys of the listener.
const UPLOADS: &str = "uploads = \"new\"";

/// Lengths at which clients and servers go wrong: nothing, little, and around the ends of blocks of `block` bytes.
fn lengths(block: usize) -> [usize; 7] {
    [0, 1, block - 1, block, block + 1, 2 * block, 100_000]
}

/// More blocks of 512 bytes than 16 bits can number.
const WRAPS: usize = 40 << 20;

impl Site {
    fn new(keys: &str) -> Self {
        Self { server: Server::over_tftp(keys), here: TempDir::new().unwrap() }
    }

    /// The port of the listener over IPv4 or IPv6, as text.
    fn port(&self, v6: bool) -> String {
        self.server.tftp_port(v6)
    }

    /// Host without brackets.
    const fn host(v6: bool) -> &'static str {
        if v6 { "::1" } else { "127.0.0.1" }
    }

    /// Has a client fetch files of these lengths under plain names; `get` is told the name and where to put it.
    fn down(&self, lengths: &[usize], get: impl Fn(&str, &Path)) {
        for &length in lengths {
            let (name, here) = (format!("f{length}"), self.here.path().join(format!("down{length}")));
            make(&self.server.root().join(&name), length, 3);
            let _ = std::fs::remove_file(&here);
            get(&name, &here);
            assert_same(&self.server.root().join(&name), &here);
        }
    }

    /// Has a client send files of these lengths; `put` is told where each is and its name there.
    fn up(&self, lengths: &[usize], put: impl Fn(&Path, &str)) {
        for &length in lengths {
            let (here, name) = (self.here.path().join(format!("up{length}")), format!("u{length}"));
            make(&here, length, 5);
            put(&here, &name);
            // Some clients are gone with the last acknowledgement, just before the file has its name.
            let there = self.server.root().join(&name);
            for _ in 0..500 {
                if there.exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            assert_same(&here, &there);
        }
    }
}

/// Text as this system has it.
const TEXT: &str = "one\ntwo\r three\n\nlast, with a longer line behind it to cross the end of a block\n";
