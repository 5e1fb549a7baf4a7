//! atftp: blksize, tsize, timeout and windowsize, both ways.

use std::path::Path;
use std::process::Command;

use super::{Site, UPLOADS, WRAPS, lengths};
use interop::need;
use interop::run::run;

fn atftp(site: &Site, v6: bool, options: &[&str], arguments: &[&str]) {
    let mut command = Command::new("atftp");
    for option in options {
        command.args(["--option", option]);
    }
    run(command.args(arguments).args([Site::host(v6), &site.port(v6)])).well();
}

fn get(site: &Site, v6: bool, options: &[&str], lengths: &[usize]) {
    let get = |name: &str, to: &Path| {
        atftp(site, v6, options, &["--get", "--remote-file", name, "--local-file", to.to_str().unwrap()]);
    };
    site.down(lengths, get);
}

#[test]
fn fetches() {
    need!("atftp");
    let site = Site::new("");
    get(&site, false, &[], &lengths(512));
    get(&site, true, &[], &lengths(512));
}

#[test]
fn fetches_with_options() {
    need!("atftp");
    let site = Site::new("");
    get(&site, false, &["blksize 1428", "tsize 0", "timeout 3"], &lengths(1428));
    get(&site, false, &["blksize 65464"], &[65_463, 65_464, 65_465, 1_000_000]);
}

#[test]
fn fetches_in_windows() {
    need!("atftp");
    let site = Site::new("");
    for window in ["windowsize 2", "windowsize 16", "windowsize 64"] {
        get(&site, false, &["blksize 1428", window], &[0, 1, 1428, 16 * 1428, 16 * 1428 + 1, 1_000_000]);
    }
}

#[test]
fn fetches_more_blocks_than_can_be_numbered() {
    need!("atftp");
    get(&Site::new(""), false, &[], &[WRAPS]);
    get(&Site::new(""), false, &["windowsize 16"], &[WRAPS]);
}

#[test]
fn sends() {
    need!("atftp");
    let site = Site::new(UPLOADS);
    let put = |v6: bool, options: &'static [&'static str]| {
        let site = &site;
        move |from: &Path, name: &str| {
            atftp(site, v6, options, &["--put", "--remote-file", name, "--local-file", from.to_str().unwrap()]);
        }
    };
    site.up(&lengths(512), put(false, &[]));
    site.up(&[1_427, 1_428, 1_429], put(true, &["blksize 1428"]));
}
