//! tftp-hpa: no options at all, binary and text.

use std::path::Path;
use std::process::Command;

use super::{Site, TEXT, UPLOADS, WRAPS, lengths};
use interop::need;
use interop::run::run;

/// It ends well whatever happened, so its words and what it wrote must tell.
fn tftp(site: &Site, v6: bool, mode: &str, arguments: &[&str]) -> String {
    let family = if v6 { "-6" } else { "-4" };
    let host = Site::host(v6);
    let mut command = Command::new("tftp");
    run(command.args([family, "-m", mode, host, &site.port(v6), "-c"]).args(arguments)).said
}

fn moves(v6: bool) {
    need!("tftp");
    let site = Site::new(UPLOADS);
    let get = |name: &str, to: &Path| {
        tftp(&site, v6, "binary", &["get", name, to.to_str().unwrap()]);
    };
    site.down(&lengths(512), get);
    site.up(&lengths(512), |from, name| {
        tftp(&site, v6, "binary", &["put", from.to_str().unwrap(), name]);
    });
}

#[test]
fn moves_over_ipv4() {
    moves(false);
}

#[test]
fn moves_over_ipv6() {
    moves(true);
}

#[test]
fn fetches_more_blocks_than_can_be_numbered() {
    need!("tftp");
    let site = Site::new("");
    site.down(&[WRAPS], |name, to| {
        tftp(&site, false, "binary", &["get", name, to.to_str().unwrap()]);
    });
}

#[test]
fn text_is_the_same_on_both_sides() {
    need!("tftp");
    let site = Site::new(UPLOADS);
    let text = TEXT.repeat(20);
    let (there, here) = (site.server.root().join("text"), site.here.path().join("text"));
    std::fs::write(&there, &text).unwrap();
    tftp(&site, false, "ascii", &["get", "text", here.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&here).unwrap(), text);
    tftp(&site, false, "ascii", &["put", here.to_str().unwrap(), "back"]);
    for _ in 0..500 {
        if site.server.root().join("back").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_to_string(site.server.root().join("back")).unwrap(), text);
}

#[test]
fn hears_why_not() {
    need!("tftp");
    let site = Site::new("");
    let to = site.here.path().join("x");
    let said = tftp(&site, false, "binary", &["get", "nothing", to.to_str().unwrap()]);
    assert!(said.contains("Error code 1:"), "{said}");
    let said = tftp(&site, false, "binary", &["put", "Cargo.toml", "new"]);
    assert!(said.contains("Error code 2:"), "{said}");
}
