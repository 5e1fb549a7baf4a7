//! Does a ticket of a real KDC log in over FTP, and protect commands and data at every level (RFC 2228)?
//!
//! Python's ftplib with MIT's library beneath does all of it. curl's `--krb` logs in, fetches and lists up to 7.74, Debian
//! 11's; it writes uploads as if they were commands. 7.88 sends what follows the exchange to a connection that is not there,
//! and newer ones know nothing of Kerberos. yafc seals its commands well; with data protected it writes what belongs there
//! between its commands.
//!
//! The feature needs the system's libraries: `cargo xtask test` builds with it where they are there. By itself:
//! `cargo build --package carrack --features gssapi`, then
//! `CARRACK_BIN=target/debug/carrack cargo test --package interop --features gssapi --test kerberos`.
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use interop::authority::Authority;
use interop::run::{run, run_with};
use interop::{Server, need};
use tempfile::TempDir;

/// Debian's own: another Python would not see python3-gssapi.
const PYTHON: &str = "/usr/bin/python3";
/// argon2id of "example".
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$pbt7ZBSl4xb1t9LGOa074Q$CDPGB3TQCcYYq3/B27WzqFTipbeFgCj5jS1AC9eSR0Q";

/// A realm of its own: a KDC that ends with the test, a keytab for `ftp/localhost`, and a ticket of anna's.
struct Realm {
    folder: TempDir,
    kdc: Child,
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = self.kdc.kill();
        let _ = self.kdc.wait();
    }
}

/// A program of Kerberos, with the realm's files and nobody else's.
fn kerberos(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("KRB5_CONFIG", folder.join("krb5.conf"))
        .env("KRB5_KDC_PROFILE", folder.join("kdc.conf"))
        .env("KRB5CCNAME", format!("FILE:{}", folder.join("tickets").display()))
        .current_dir(folder);
    command
}

/// Writes what client and KDC are told.
fn configure(folder: &Path, port: u16) {
    let here = folder.display();
    let library = format!(
        "[libdefaults]\ndefault_realm = EXAMPLE.ORG\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
         dns_canonicalize_hostname = false\nqualify_shortname = \"\"\nrdns = false\nudp_preference_limit = 1\n\
         [realms]\nEXAMPLE.ORG = {{\nkdc = 127.0.0.1:{port}\n}}\n[domain_realm]\nlocalhost = EXAMPLE.ORG\n"
    );
    let kdc = format!(
        "[kdcdefaults]\nkdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n\
         [realms]\nEXAMPLE.ORG = {{\ndatabase_name = {here}/principal\nkey_stash_file = {here}/stash\nacl_file = {here}/acl\n\
         supported_enctypes = aes256-cts-hmac-sha1-96:normal\n}}\n\
         [logging]\nkdc = FILE:{here}/kdc.log\nadmin_server = FILE:{here}/kadmin.log\ndefault = FILE:{here}/any.log\n"
    );
    std::fs::write(folder.join("krb5.conf"), library).unwrap();
    std::fs::write(folder.join("kdc.conf"), kdc).unwrap();
    std::fs::write(folder.join("acl"), "").unwrap();
    std::fs::write(folder.join("kdc.log"), "").unwrap();
}

impl Realm {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        configure(folder.path(), 1);
        let command = |program, arguments: &[&str]| {
            run(kerberos(folder.path(), program).args(arguments)).well();
        };
        command("kdb5_util", &["create", "-s", "-r", "EXAMPLE.ORG", "-P", "master"]);
        command("kadmin.local", &["addprinc", "-pw", "secret", "anna"]);
        command("kadmin.local", &["addprinc", "-randkey", "ftp/localhost"]);
        command("kadmin.local", &["ktadd", "-k", "keytab", "ftp/localhost"]);
        // The KDC takes no port 0, and a port that is free now may not be so in a moment: then another one.
        let start = |attempt| {
            let port = free_port(attempt);
            configure(folder.path(), port);
            let mut kdc = kerberos(folder.path(), "krb5kdc");
            let kdc = kdc.arg("-n").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            commences(kdc, &folder.path().join("kdc.log"))
        };
        let kdc = (0..20).find_map(start).expect("a KDC that starts");
        let realm = Self { folder, kdc };
        let mut kinit = kerberos(realm.folder.path(), "kinit");
        run_with(kinit.arg("anna"), "secret\n", Duration::from_secs(120)).well();
        realm
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits until the KDC says that it serves; nothing where it ended instead.
fn commences(mut kdc: Child, log: &Path) -> Option<Child> {
    let start = Instant::now();
    while kdc.try_wait().unwrap().is_none() {
        if std::fs::read_to_string(log).is_ok_and(|said| said.contains("commencing operation")) {
            return Some(kdc);
        }
        assert!(start.elapsed() < Duration::from_secs(120), "the KDC does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// A port that nobody has now, and that no program is given by chance: below those the system gives away.
fn free_port(attempt: u32) -> u16 {
    let from = std::process::id().wrapping_mul(37).wrapping_add(attempt * 977);
    (0..10_000)
        .map(|n| 20_000 + ((from + n) % 10_000) as u16)
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("a free port")
}

/// Whether the program was built with the feature.
fn has_kerberos() -> bool {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("carrack.toml");
    std::fs::write(&file, "[kerberos]\n").unwrap();
    !run(Command::new(interop::carrack()).arg("check").arg(&file)).said.contains("CRK-956")
}

/// The server, with the realm's keytab.
fn server(realm: &Realm) -> Server {
    let authority = Authority::new(&realm.file("pki"));
    let (certificate, key) = authority.server();
    let text = format!(
        "[[certificate]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n\
         [kerberos]\nkeytab = \"{keytab}\"\nrealms = [\"EXAMPLE.ORG\"]\nccc = true\n\
         [[user]]\nname = \"anna\"\npassword = \"{HASH}\"\n[[user]]\nname = \"bob\"\npassword = \"{HASH}\"\n\
         [[user]]\nname = \"carol\"\npassword = \"{HASH}\"\nprincipals = [\"anna@EXAMPLE.ORG\"]\n",
        keytab = realm.file("keytab").display()
    );
    Server::configured_in(&[("KRB5_CONFIG", &realm.file("krb5.conf"))], &text)
}

/// A realm, where all is there that one needs.
fn realm() -> Option<Realm> {
    if !has_kerberos() {
        interop::skip("this build of carrack has no Kerberos: build it with --features carrack/gssapi");
        return None;
    }
    let programs = [("kinit", "krb5-user"), ("krb5kdc", "krb5-kdc"), ("kadmin.local", "krb5-admin-server")];
    for (program, package) in programs {
        if !["/usr/bin", "/usr/sbin"].iter().any(|folder| Path::new(folder).join(program).exists()) {
            interop::skip(&format!("{program} is not installed (package {package})"));
            return None;
        }
    }
    Some(Realm::start())
}

#[test]
fn yafc_logs_in_with_a_ticket_and_seals_its_commands() {
    need!("yafc");
    let Some(realm) = realm() else { return };
    let server = server(&realm);
    interop::files::make(&realm.file("body"), 1_000_000, 11);
    let mut yafc = kerberos(realm.folder.path(), "yafc");
    yafc.env("HOME", realm.folder.path()).args(["--debug", "--mechanism=krb5"]);
    yafc.arg(format!("ftp://anna@localhost:{}", server.port()));
    let ran = run_with(&mut yafc, "prot clear\nput body -o up\nget up -o back\nbye\n", Duration::from_secs(120));
    assert!(ran.said.contains("AUTH GSSAPI") && ran.said.contains("232 "), "{}", ran.said);
    for copy in [server.root().join("up"), realm.file("back")] {
        interop::files::assert_same(&realm.file("body"), &copy);
    }
}

#[test]
fn a_ticket_logs_in_and_protects_commands_and_data_at_every_level() {
    let there = Command::new(PYTHON).args(["-c", "import gssapi"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return interop::skip("python3-gssapi is not installed");
    }
    let Some(realm) = realm() else { return };
    let server = server(&realm);
    interop::files::make(&realm.file("body"), 1_000_000, 7);
    let mut client = kerberos(realm.folder.path(), PYTHON);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kerberos/client.py");
    client.arg(script).arg(server.port().to_string()).arg(realm.folder.path());
    let ran = run_with(&mut client, "", Duration::from_secs(180)).well();
    assert!(ran.said.contains("fine"), "{}", ran.said);
    interop::files::assert_same(&realm.file("body"), &server.root().join("behind-ccc"));
}

#[test]
fn curl_fetches_and_lists_with_a_ticket() {
    let home = interop::curl_with_kerberos();
    if !home.join("usr/bin/curl").exists() {
        return interop::skip("a curl with Kerberos is not here: cargo xtask test fetches it");
    }
    let Some(realm) = realm() else { return };
    let server = server(&realm);
    interop::files::make(&server.root().join("body"), 1_000_000, 13);
    for (level, prot) in [("safe", "> PROT S"), ("private", "> PROT P")] {
        for what in ["body", ""] {
            let mut curl = kerberos(realm.folder.path(), home.join("usr/bin/curl").to_str().unwrap());
            curl.env("LD_LIBRARY_PATH", home.join("usr/lib/x86_64-linux-gnu")).args(["--verbose", "--krb", level, "--output"]);
            curl.arg(realm.file("back")).arg(format!("ftp://anna:none@localhost:{}/{what}", server.port()));
            let ran = run_with(&mut curl, "", Duration::from_secs(60)).well();
            assert!(ran.said.contains(prot) && ran.said.contains("< 232 Welcome, anna."), "{}", ran.said);
            if what.is_empty() {
                let listing = std::fs::read_to_string(realm.file("back")).unwrap();
                assert!(listing.trim_end().ends_with(" body") && listing.contains(" 1000000 "), "{listing}");
            } else {
                interop::files::assert_same(&server.root().join("body"), &realm.file("back"));
            }
        }
    }
}
