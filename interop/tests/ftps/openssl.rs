//! What do those who look for weaknesses find? OpenSSL's client with its hands tied in many ways, and sslyze.

use crate::site;
use interop::run::{run, run_with};
use interop::{Server, need};
use std::process::Command;
use std::time::Duration;

/// `openssl s_client` against a server, saying QUIT once it may.
fn s_client(server: &Server, implicit: bool, ca: &str, more: &[&str]) -> (bool, String) {
    let port = if implicit { server.implicit_port() } else { server.port() };
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-CAfile", ca, "-verify_return_error", "-crlf"]);
    if !implicit {
        command.args(["-starttls", "ftp"]);
    }
    let ran = run_with(command.args(more), "QUIT\n", Duration::from_secs(20));
    (ran.status.success(), ran.said)
}

#[test]
fn modern_versions_and_ciphers_and_no_others() {
    need!("openssl");
    let site = site("");
    let ca = site.authority.file();
    for implicit in [false, true] {
        for good in [
            vec!["-tls1_3"],
            vec!["-tls1_2"],
            vec!["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
            vec!["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            vec!["-tls1_2", "-cipher", "ECDHE+CHACHA20"],
            vec!["-alpn", "ftp"],
        ] {
            let (well, said) = s_client(&site.server, implicit, &ca, &good);
            assert!(well && said.contains("Verify return code: 0"), "{good:?}: {said}");
        }
        for bad in [
            vec!["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
            vec!["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"],
            vec!["-tls1_2", "-cipher", "AES128-SHA"],
            vec!["-tls1_2", "-cipher", "DHE"],
            vec!["-tls1_2", "-cipher", "ECDHE+AES+SHA"],
            vec!["-alpn", "h2"],
        ] {
            let (well, said) = s_client(&site.server, implicit, &ca, &bad);
            assert!(!well, "{bad:?}: {said}");
        }
    }
}

#[test]
fn renegotiation_and_early_data_are_refused() {
    need!("openssl");
    let site = site("");
    let ca = site.authority.file();
    let mut command = Command::new("openssl");
    let at = format!("127.0.0.1:{}", site.server.port());
    command.args(["s_client", "-connect", &at, "-CAfile", &ca, "-starttls", "ftp", "-tls1_2", "-crlf"]);
    // R at the beginning of a line asks for a renegotiation.
    let said = run_with(&mut command, "R\nNOOP\n", Duration::from_secs(20)).said;
    assert!(said.contains("RENEGOTIATING") && said.to_lowercase().contains("no renegotiation"), "{said}");
    // A ticket that allows no early data: the client says so itself.
    let ticket = site.here.path().join("ticket");
    let save = ["-tls1_3", "-sess_out", ticket.to_str().unwrap()];
    assert!(s_client(&site.server, false, &ca, &save).0);
    let (_, said) = s_client(&site.server, false, &ca, &["-tls1_3", "-sess_in", ticket.to_str().unwrap()]);
    assert!(!said.contains("Early data was accepted"), "{said}");
}

#[test]
fn sslyze_finds_nothing_weak() {
    let program = interop::sslyze();
    if !program.exists() {
        interop::skip("sslyze is not installed (cargo xtask test does)");
        return;
    }
    let site = site("");
    let report = site.here.path().join("report.json");
    let mut command = Command::new(program);
    command.args(["--starttls=ftp", "--json_out", report.to_str().unwrap(), "--certinfo_ca_file", &site.authority.file()]);
    command.args(["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--heartbleed", "--openssl_ccs"]);
    command.args(["--robot", "--reneg", "--compression", "--fallback", "--early_data", "--elliptic_curves"]);
    let ran = run(command.arg(format!("127.0.0.1:{}", site.server.port())));
    let said = run(Command::new("python3").args(["-c", JUDGE]).arg(&report)).well().said;
    assert!(said.ends_with("well\n"), "{said}\n{}", ran.said);
}

/// Reads sslyze's report, and says what in it is weak.
const JUDGE: &str = r#"
import json, sys
scan = json.load(open(sys.argv[1]))["server_scan_results"][0]
assert scan["connectivity_status"] == "COMPLETED", scan["connectivity_error_trace"]
result = scan["scan_result"]
done = lambda name: result[name]["result"] if result[name]["status"] == "COMPLETED" else sys.exit(f"{name}: {result[name]}")
for old in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
    assert not done(old + "_cipher_suites")["accepted_cipher_suites"], old
for new, count in (("tls_1_2", 6), ("tls_1_3", 3)):
    names = [suite["cipher_suite"]["name"] for suite in done(new + "_cipher_suites")["accepted_cipher_suites"]]
    assert names and len(names) <= count, names
    assert all("GCM" in name or "CHACHA20" in name for name in names), names
    assert new == "tls_1_3" or all("ECDHE" in name for name in names), names
assert not done("heartbleed")["is_vulnerable_to_heartbleed"]
assert not done("openssl_ccs_injection")["is_vulnerable_to_ccs_injection"]
assert done("robot")["robot_result"].startswith("NOT_VULNERABLE"), done("robot")
assert not done("session_renegotiation")["is_vulnerable_to_client_renegotiation_dos"]
assert done("session_renegotiation")["supports_secure_renegotiation"]
assert not done("tls_compression")["supports_compression"]
assert not done("tls_1_3_early_data")["supports_early_data"]
print("well")
"#;
