//! lftp over TLS: whole trees, several connections, each with data connections of its own.

use crate::{Site, site};
use interop::files::{assert_same_trees, make, make_tree};
use interop::run::{Ran, run};
use interop::{PASSWORD, USER, need};
use std::process::Command;

fn lftp(site: &Site, implicit: bool, settings: &str, orders: &str) -> Ran {
    let script = format!(
        "set cmd:fail-exit yes; set net:timeout 15; set net:max-retries 3; set net:reconnect-interval-base 1; set ftp:ssl-force yes; \
         set ftp:ssl-protect-data yes; set ssl:ca-file {}; set xfer:clobber yes; set bmk:save-passwords no; {settings}; \
         open -u {USER},{PASSWORD} {}; {orders}; bye",
        site.authority.file(),
        site.url(implicit),
    );
    run(Command::new("lftp").args(["--norc", "-c", &script]).current_dir(site.here.path()).env("HOME", site.here.path()))
}

fn mirrors(keys: &str, implicit: bool, settings: &str) {
    need!("lftp");
    let site = site(keys);
    make_tree(&site.here.path().join("out"));
    for n in 0..40 {
        make(&site.here.path().join(format!("out/{}/file {n}", n % 5)), 100 + n * 1_037, n as u64);
    }
    lftp(&site, implicit, settings, "mirror -R --parallel=4 out up").well();
    assert_same_trees(&site.here.path().join("out"), &site.server.root().join("up"));
    lftp(&site, implicit, settings, "mirror --parallel=4 up back").well();
    assert_same_trees(&site.here.path().join("out"), &site.here.path().join("back"));
}

#[test]
fn mirrors_explicit() {
    mirrors("tls_data = \"required\"", false, "");
}

#[test]
fn mirrors_with_reuse_required() {
    mirrors("data_reuse = \"require\"", false, "");
}

#[test]
fn mirrors_with_tls_12() {
    mirrors("data_reuse = \"require\"", false, "set ssl:priority \"NORMAL:-VERS-ALL:+VERS-TLS1.2\"");
}

#[test]
fn mirrors_implicit() {
    mirrors("", true, "");
}

#[test]
fn mirrors_active() {
    mirrors("", false, "set ftp:passive-mode no");
}

#[test]
fn takes_tls_off_again() {
    mirrors("tls_ccc = true", false, "set ftp:ssl-use-ccc yes");
}
