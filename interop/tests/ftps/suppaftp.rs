//! Rust's suppaftp, on rustls: tickets are good once there, so that it needs fresh ones to resume.

use crate::site;
use interop::{PASSWORD, USER};
use std::io::Cursor;
use std::sync::Arc;
use suppaftp::rustls::pki_types::CertificateDer;
use suppaftp::rustls::pki_types::pem::PemObject;
use suppaftp::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use suppaftp::types::FileType;
use suppaftp::{RustlsConnector, RustlsFtpStream};

fn moves_files(keys: &str, spoken: &'static SupportedProtocolVersion) {
    let site = site(keys);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(site.authority.file()).unwrap()).unwrap();
    let provider = Arc::new(suppaftp::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[spoken]).unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let (host, port) = site.door(false);
    let plain = RustlsFtpStream::connect((host, port)).unwrap();
    let mut ftp = plain.into_secure(RustlsConnector::from(config), host).unwrap();
    ftp.login(USER, PASSWORD).unwrap();
    ftp.transfer_type(FileType::Binary).unwrap();
    for length in [0, 1, 70_000, 1_000_000] {
        for again in 0..4 {
            let body: Vec<u8> = (0..length).map(|n| (n % 251 + again) as u8).collect();
            let name = format!("f{length}-{again}");
            ftp.put_file(&name, &mut Cursor::new(&body)).unwrap();
            assert_eq!(std::fs::read(site.server.root().join(&name)).unwrap(), body, "{name}");
            assert_eq!(ftp.retr_as_buffer(&name).unwrap().into_inner(), body, "{name}");
        }
    }
    assert_eq!(ftp.nlst(None).unwrap().len(), 16);
    ftp.quit().unwrap();
}

#[test]
fn both_versions() {
    moves_files("", &version::TLS12);
    moves_files("", &version::TLS13);
}

#[test]
fn with_reuse_required() {
    moves_files("data_reuse = \"require\"", &version::TLS12);
    moves_files("data_reuse = \"require\"", &version::TLS13);
}
