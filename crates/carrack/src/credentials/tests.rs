//! Does each place that knows a password have its turn, and is what cannot be used named?

use std::path::Path;

use client::Place;

use super::*;

fn url(text: &str) -> Url {
    match Place::parse(text).unwrap() {
        Place::Remote(url) => url,
        Place::Local(_) => panic!("{text} is no URL"),
    }
}

fn asked(folder: &Path, netrc: &str) -> Asked {
    let path = folder.join("netrc");
    std::fs::write(&path, netrc).unwrap();
    Asked { netrc: NetrcFile::Named(path), ..Asked::default() }
}

/// The environment is the same for all tests of this process, so what depends on it is tested with the program itself.
fn found(text: &str, asked: &Asked) -> (String, String) {
    let found = find(&url(text), asked).unwrap();
    let password = found.password.map_or_else(|| "-".into(), |p| p.reveal().to_string());
    (found.user.map_or_else(|| "-".to_owned(), String::from), password)
}

#[test]
fn the_url_comes_first_then_the_command_line_then_netrc() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("word");
    std::fs::write(&file, "of file\r\nmore\n").unwrap();
    let netrc = asked(folder.path(), "machine h login ana password one\nmachine h login bob password two");
    let with_user = Asked { user: Some("bob".into()), ..netrc.clone() };
    let with_file = Asked { password_file: Some(file), ..with_user.clone() };
    let none = Asked { netrc: NetrcFile::None, ..Asked::default() };
    for (text, asked, user, password) in [
        ("ftp://h/", &netrc, "ana", "one"),
        ("ftp://bob@h/", &netrc, "bob", "two"),
        ("ftp://cy@h/", &netrc, "cy", "-"),
        ("ftp://h/", &with_user, "bob", "two"),
        ("ftp://ana@h/", &with_user, "ana", "one"),
        ("ftp://ana:url@h/", &with_user, "ana", "url"),
        ("ftp://h/", &with_file, "bob", "of file"),
        ("ftp://ana:url@h/", &with_file, "ana", "url"),
        ("ftp://other/", &netrc, "-", "-"),
        ("ftp://h/", &none, "-", "-"),
    ] {
        assert_eq!(found(text, asked), (user.to_owned(), password.to_owned()), "{text} {asked:?}");
    }
}

#[test]
fn nobody_is_anonymous_and_a_password_without_its_user_is_refused() {
    let none = Asked { netrc: NetrcFile::None, ..Asked::default() };
    assert_eq!(login(&url("ftp://h/"), &none).unwrap(), Login::anonymous());
    assert_eq!(login(&url("ftp://ftp@h/"), &none).unwrap().password, Login::anonymous().password);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("word");
    std::fs::write(&file, "geheim\n").unwrap();
    let error = login(&url("ftp://h/"), &Asked { password_file: Some(file), ..none }).unwrap_err();
    assert!(error.reason == Reason::PasswordUnusable && error.to_string().contains("--user"), "{error}");
}

#[test]
fn what_cannot_be_used_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("word");
    for (bytes, words) in
        [(b"gehe\0im\n".to_vec(), "NUL"), (b"gehe\xffim".to_vec(), "UTF-8"), (vec![b'g'; 20_000], "longer than 8192")]
    {
        std::fs::write(&file, bytes).unwrap();
        let asked = Asked { password_file: Some(file.clone()), netrc: NetrcFile::None, ..Asked::default() };
        let error = find(&url("ftp://u@h/"), &asked).unwrap_err();
        assert_eq!(error.reason, Reason::PasswordUnusable);
        let text = error.to_string();
        assert!(text.contains(words) && text.contains("word") && !text.contains("gehe"), "{text}");
    }
    let missing = Asked { netrc: NetrcFile::Named(folder.path().join("none")), ..Asked::default() };
    assert!(find(&url("ftp://h/"), &missing).unwrap_err().to_string().contains("none"));
    let error = usable("a\nQUIT", "it").unwrap_err();
    assert!(!error.to_string().contains("QUIT"));
}
