//! A certificate that is not to be trusted ends every command before the password is sent, says what is wrong with it, and
//! changes nothing on either side.

use std::fs;
use std::process::Command;
use std::time::Duration;

use interop::authority::Authority;
use interop::run::run_with;
use interop::{PASSWORD, Server, USER, Way};
use tempfile::TempDir;

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Expired,
    NotYet,
    OtherName,
    OtherIssuer,
    SignedByItself,
    OtherFingerprint,
}

impl Fault {
    /// What is said of it.
    const fn words(self) -> &'static str {
        match self {
            Self::Expired => "it expired on 2021-01-01",
            Self::NotYet => "it is not valid before 2100-01-01",
            Self::OtherName => "it is for ftp.example.org, 192.0.2.1, and not for 127.0.0.1",
            // The test's authorities have all one name.
            Self::OtherIssuer => "it is not signed by whom it names",
            Self::SignedByItself => "nobody who is trusted here has signed it",
            Self::OtherFingerprint => "it is not the one whose fingerprint was given",
        }
    }

    /// The certificate and its key.
    fn certificate(self, authority: &Authority) -> (String, String) {
        let here = ["localhost", "127.0.0.1"];
        match self {
            Self::Expired => authority.server_valid(&here, 2020..2021),
            Self::NotYet => authority.server_valid(&here, 2100..2101),
            Self::OtherName => authority.server_valid(&["ftp.example.org", "192.0.2.1"], 2020..2100),
            Self::OtherIssuer | Self::OtherFingerprint => authority.server(),
            Self::SignedByItself => Authority::self_signed(authority.folder(), &here),
        }
    }
}

/// All that goes to a server, with its URL and a folder of this machine in their places.
const COMMANDS: &[&[&str]] = &[
    &["ls", "URL"],
    &["ls", "-lR", "URL"],
    &["stat", "URLthere"],
    &["cat", "URLthere"],
    &["find", "URL"],
    &["du", "URL"],
    &["df", "URL"],
    &["mkdir", "URLnew"],
    &["rmdir", "URLfolder"],
    &["mv", "URLthere", "URLelsewhere"],
    &["chmod", "600", "URLthere"],
    &["touch", "URLnew"],
    &["rm", "URLthere"],
    &["hash", "URLthere"],
    &["get", "URLthere", "HERE"],
    &["get", "-r", "URL", "HERE"],
    &["put", "/proc/version", "URLnew"],
    &["cp", "URLthere", "URLcopy"],
    &["mirror", "URL", "HERE"],
    &["mirror", "--delete", "HERE", "URL"],
    &["plan", "URL", "HERE"],
    &["quote", "URL", "DELE there"],
    &["shell", "URL"],
];

pub(crate) fn by_every_command(fault: Fault) {
    let (scratch, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let authority = Authority::new(&scratch.path().join("one"));
    let (certificate, key) = fault.certificate(&authority);
    let server = Server::configured(&format!("[[certificate]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"));
    fs::create_dir(server.root().join("folder")).unwrap();
    fs::write(server.root().join("there"), "what is there").unwrap();
    let other = Authority::new(&scratch.path().join("other"));
    let pin = "00:".repeat(31) + "00";
    let trust = match fault {
        Fault::OtherIssuer => ["--ca".to_owned(), other.file()],
        Fault::OtherFingerprint => ["--fingerprint".to_owned(), pin],
        _ => ["--ca".to_owned(), authority.file()],
    };
    let (host, port) = server.host_and_port(Way::Passive4);
    let explicit = format!("ftp://{USER}@{host}:{port}/");
    let implicit = format!("ftps://{USER}@{host}:{}/", server.implicit_port());
    for url in [explicit, implicit] {
        for words in COMMANDS {
            let words = words.iter().map(|word| word.replace("URL", &url).replace("HERE", here.path().to_str().unwrap()));
            let mut command = Command::new(interop::carrack());
            command.args(words).args(&trust).args(["--tls", "--verbose"]).current_dir(scratch.path());
            command.env("CARRACK_PASSWORD", PASSWORD).env("HOME", scratch.path()).env("TZ", "UTC");
            let ran = run_with(&mut command, "ls\n", Duration::from_secs(60));
            assert_eq!(ran.status.code(), Some(60), "{command:?}: {}", ran.said);
            for words in ["CRK-780", fault.words(), "its SHA-256 fingerprint is "] {
                assert!(ran.said.contains(words), "{command:?} does not say {words:?}: {}", ran.said);
            }
            assert!(!ran.said.contains("USER "), "{command:?}: {}", ran.said);
        }
    }
    assert_eq!(fs::read(server.root().join("there")).unwrap(), b"what is there");
    let names = |folder: &std::path::Path| fs::read_dir(folder).unwrap().count();
    assert_eq!((names(server.root()), names(here.path())), (2, 0));
}
