//! When is a certificate renewed, how long are the waits, and what is refused before anybody is asked?
#![allow(clippy::disallowed_methods)]

use super::*;
use crate::config::Challenge;
use std::path::Path;

/// What is asked of an authority.
pub(super) fn acme(state: &Path, directory: &str, names: &[&str]) -> Acme {
    Acme {
        directory: directory.into(),
        directory_ca: None,
        contact: Vec::new(),
        names: names.iter().map(|&n| n.into()).collect(),
        challenge: Challenge::Http01,
        listen: ([127, 0, 0, 1], 0).into(),
        state: state.to_owned(),
    }
}

fn kept(names: &[&str], begins: i64, ends: i64) -> Kept {
    let (begins, ends) = (Time::from_seconds(begins), Time::from_seconds(ends));
    Kept { names: names.iter().map(|&n| n.into()).collect(), begins, ends }
}

#[test]
fn it_is_renewed_when_a_third_is_left_or_thirty_days() {
    let names = ["a.example".into(), "b.example".into()];
    let days = |life: i64, late: f64| due(Some(&kept(&["b.example", "A.example"], 0, life * DAY)), &names, late) / DAY;
    assert_eq!((days(90, 0.0), days(9, 0.0), days(398, 0.0)), (60, 6, 368));
    // Not all at once, and long before the end.
    assert_eq!((days(90, 1.0), days(360, 1.0), days(90, 7.0)), (61, 336, 61));
    assert_eq!(due(None, &names, 1.0), i64::MIN);
    assert_eq!(due(Some(&kept(&["a.example"], 0, 90 * DAY)), &names, 0.0), i64::MIN, "other names");
    assert_eq!(due(Some(&kept(&["a.example", "b.example"], 5, 5)), &names, 0.0), 5, "one without a life");
}

#[test]
fn what_would_be_due_at_once_takes_nobodys_place() {
    let (names, now) = (["a.example".into()], Time::from_seconds(100 * DAY));
    let issued = |name: &str, begins: i64, ends: i64| is_of_use(Some(&kept(&[name], begins * DAY, ends * DAY)), &names, now);
    assert_eq!(issued("a.example", 100, 190), Ok(()));
    assert_eq!(issued("b.example", 100, 190).unwrap_err().reason, Reason::AcmeRefused);
    assert!(issued("a.example", 10, 100).unwrap_err().detail.contains("ends too soon"));
    let (chain, _) = io::tls::self_signed(&["a.example"]).unwrap();
    let (_, key) = io::tls::self_signed(&["a.example"]).unwrap();
    let odd = Kept::read(chain.as_bytes(), key.reveal().as_bytes());
    assert!(is_of_use(odd.as_ref(), &names, now).unwrap_err().detail.contains("belongs to the key"));
}

#[test]
fn the_wait_grows_with_the_failures_and_has_a_bound() {
    let minutes = |failures, by| pause(failures, by).as_secs() / 60;
    assert_eq!([1, 2, 3, 4].map(|n| minutes(n, 0.5)), [5, 10, 20, 40]);
    assert_eq!((minutes(8, 0.5), minutes(9, 0.5), minutes(u32::MAX, 0.5)), (640, 720, 720));
    assert_eq!((pause(1, 0.0).as_secs(), pause(1, 1.0).as_secs()), (225, 375));
    let tries: Vec<f64> = (0..100).map(|_| chance()).collect();
    assert!(tries.iter().all(|by| (0.0..=1.0).contains(by)) && tries.iter().any(|by| *by != tries[0]));
}

#[test]
fn it_is_due_at_first_and_no_longer_with_a_certificate() {
    let place = tempfile::tempdir().unwrap();
    let acme = acme(place.path(), "https://ca.example/dir", &["ftp.example.com"]);
    let now = io::clock::wall();
    assert!(is_due(&acme, now));
    let (chain, key) = io::tls::self_signed(&["ftp.example.com"]).unwrap();
    State::of(&acme).keep(&chain, &key).unwrap();
    assert!(!is_due(&acme, now));
    assert!(until(&acme).is_some_and(|t| t.seconds - now.seconds > 3_650 * DAY));
}

/// What cannot be kept is not ordered: an authority counts.
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_before_anybody_is_asked() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("file"), "").unwrap();
    let acme = acme(&place.path().join("file"), "https://127.0.0.1:1/dir", &["ftp.example.com"]);
    let failure = order::run(&acme, &State::of(&acme), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::AcmeState);
    let acme = tests::acme(&place.path().join("folder"), "https://127.0.0.1:1/dir", &["ftp.example.com"]);
    let failure = order::run(&acme, &State::of(&acme), None).await.unwrap_err();
    assert_eq!(failure.reason, Reason::AcmeUnreachable, "{}", failure.detail);
}

#[test]
fn directories_are_https_and_have_a_host() {
    for (url, yes) in [
        ("https://ca.example/dir", true),
        ("https://127.0.0.1:14000/dir", true),
        ("http://ca.example/dir", false),
        ("https://", false),
        ("ca.example", false),
        ("", false),
    ] {
        assert_eq!(is_directory(url), yes, "{url}");
    }
    assert!(!is_directory(&format!("https://ca.example/{}", "x".repeat(200))));
    assert_eq!(host("https://ca.example:9000/dir"), "ca.example:9000");
}
