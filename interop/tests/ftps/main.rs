//! Do the FTP programs people have work with the server over TLS? Explicit and implicit, TLS 1.2 and 1.3, up and down,
//! with session reuse required where the program can, each against a certificate it verifies.
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod basicftp;
mod curl;
mod ftplib;
mod ftpssl;
mod lftp;
mod netftp;
mod openssl;
mod rclone;
mod suppaftp;

use interop::authority::Authority;
use interop::{PASSWORD, Server, USER};
use tempfile::TempDir;

/// A server with TLS, and the authority that signed its certificate.
struct Site {
    server: Server,
    authority: Authority,
    here: TempDir,
}

/// Starts one with these keys on both its listeners, explicit and implicit.
fn site(keys: &str) -> Site {
    let here = TempDir::new().unwrap();
    let authority = Authority::new(&here.path().join("pki"));
    let (certificate, key) = authority.server();
    let text = format!(
        "[[certificate]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n[tls]\n{keys}\nclient_ca = \"{ca}\"\n",
        ca = authority.file()
    );
    Site { server: Server::configured(&text), authority, here }
}

impl Site {
    /// Host and port, explicit (`ftp`) or implicit (`ftps`).
    fn door(&self, implicit: bool) -> (&'static str, u16) {
        ("127.0.0.1", if implicit { self.server.implicit_port() } else { self.server.port() })
    }

    fn url(&self, implicit: bool) -> String {
        let (host, port) = self.door(implicit);
        format!("{}://{host}:{port}/", if implicit { "ftps" } else { "ftp" })
    }
}

/// User and password, as curl takes them.
fn who() -> String {
    format!("{USER}:{PASSWORD}")
}
