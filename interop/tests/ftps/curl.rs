//! curl over TLS: it verifies the certificate, resumes the control connection's session, and can take TLS off again.
//! Passive only: curl 7.88 fails over its own accepted sockets where both `--ftp-port` and TLS are asked for.

use crate::{Site, site, who};
use interop::files::{assert_same, make};
use interop::need;
use interop::run::{Ran, run};
use std::process::Command;

fn curl(site: &Site, arguments: &[&str]) -> Ran {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "50", "--ssl-reqd", "--cacert"]);
    command.args([&site.authority.file(), "--user", &who()]).args(arguments);
    run(&mut command)
}

/// Up and down, whole.
fn there_and_back(site: &Site, implicit: bool, arguments: &[&str]) {
    let (local, back) = (site.here.path().join("f"), site.here.path().join("back"));
    for length in [0, 1, 16_384, 3_000_000] {
        make(&local, length, length as u64 + 1);
        let url = format!("{}f{length}", site.url(implicit));
        curl(site, &[arguments, &["--upload-file", local.to_str().unwrap(), &url]].concat()).well();
        assert_same(&local, &site.server.root().join(format!("f{length}")));
        let _ = std::fs::remove_file(&back);
        curl(site, &[arguments, &["--output", back.to_str().unwrap(), &url]].concat()).well();
        if length > 0 {
            assert_same(&local, &back); // curl writes no file for an empty body
        }
    }
}

#[test]
fn explicit_and_implicit_with_both_versions_and_reuse_required() {
    need!("curl");
    let site = site("data_reuse = \"require\"");
    for implicit in [false, true] {
        there_and_back(&site, implicit, &["--tls-max", "1.2"]);
        there_and_back(&site, implicit, &["--tlsv1.3"]);
    }
}

#[test]
fn a_large_file_goes_and_comes() {
    need!("curl");
    let site = site("");
    let (local, back) = (site.here.path().join("large"), site.here.path().join("back"));
    make(&local, 100 << 20, 7);
    let url = format!("{}large", site.url(false));
    curl(&site, &["--upload-file", local.to_str().unwrap(), &url]).well();
    assert_same(&local, &site.server.root().join("large"));
    curl(&site, &["--output", back.to_str().unwrap(), &url]).well();
    assert_same(&local, &back);
}

#[test]
fn tls_comes_off_again_with_and_without_a_close_alert() {
    need!("curl");
    let site = site("tls_ccc = true");
    for mode in ["--ftp-ssl-ccc-mode=active", "--ftp-ssl-ccc-mode=passive"] {
        let (name, value) = mode.split_once('=').unwrap();
        there_and_back(&site, false, &["--ftp-ssl-ccc", name, value]);
    }
}

#[test]
fn whoever_may_not_is_told_so() {
    need!("curl");
    let site = site("tls = \"required\"");
    let plain = run(Command::new("curl").args(["-sS", "--max-time", "30", "--user", &who(), &site.url(false)]));
    assert_eq!(plain.status.code(), Some(67), "{}", plain.said);
    assert!(!curl(&site, &["--tls-max", "1.1", &site.url(false)]).status.success());
    let distrusted =
        run(Command::new("curl").args(["-sS", "--max-time", "30", "--ssl-reqd", "--user", &who(), &site.url(false)]));
    assert_eq!(distrusted.status.code(), Some(60), "{}", distrusted.said);
}

#[test]
fn a_clients_certificate_is_asked_for() {
    need!("curl");
    let site = site("client_certificates = \"required\"");
    assert!(!curl(&site, &[&site.url(false)]).status.success());
    let (certificate, key) = site.authority.client("somebody");
    curl(&site, &["--cert", &certificate, "--key", &key, &site.url(false)]).well();
}
