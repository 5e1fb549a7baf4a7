//! ftp-ssl, the netkit client with TLS, told what to do line by line. It never sends a close alert: where one is
//! required its uploads are refused.

use crate::site;
use interop::files::{assert_same, make};
use interop::run::run_with;
use interop::{PASSWORD, USER, need};
use std::process::Command;
use std::time::Duration;

#[test]
fn moves_files() {
    need!("ftp-ssl");
    let site = site("close_notify = \"accept\"");
    make(&site.here.path().join("f"), 500_000, 3);
    let (host, port) = site.door(false);
    let input = format!("open {host} {port}\nuser {USER} {PASSWORD}\npassive\nbinary\nput f f\nget f back\nbye\n");
    let mut command = Command::new("ftp-ssl");
    command.args(["-i", "-n", "-v", "-z", "secure"]).current_dir(site.here.path()).env("HOME", site.here.path());
    command.env("SSL_CERT_FILE", site.authority.file());
    let said = run_with(&mut command, &input, Duration::from_secs(60)).said;
    assert!(site.server.root().join("f").exists(), "{said}\n{}", site.server.log());
    assert_same(&site.here.path().join("f"), &site.server.root().join("f"));
    assert_same(&site.here.path().join("f"), &site.here.path().join("back"));
    assert!(site.server.log().contains("CRK-316"), "an end that was not proved is noted");
}
