//! Are bookmarks found, kept as they were written, and never a place for passwords?

use super::*;

fn bookmark(name: &str, url: &str) -> Bookmark {
    Bookmark { name: name.into(), url: url.into(), options: Vec::new(), lines: 0..0 }
}

#[test]
fn the_file_keeps_what_people_wrote_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("config/carrack");
    let mut bookmarks = Bookmarks::load_from(&folder).unwrap();
    assert!(bookmarks.all().is_empty());
    bookmarks.add(bookmark("work", "ftpes://ana@h/charts")).unwrap();
    let path = folder.join(FILE);
    std::fs::write(&path, format!("# mine\n{}# the end", std::fs::read_to_string(&path).unwrap())).unwrap();
    let mut bookmarks = Bookmarks::load_from(&folder).unwrap();
    bookmarks.add(bookmark("home", "ftp://h2/")).unwrap();
    let mut bookmarks = Bookmarks::load_from(&folder).unwrap();
    assert_eq!(bookmarks.all().iter().map(|b| &*b.name).collect::<Vec<_>>(), ["work", "home"]);
    // Put in the place of the old one, and the comment above the first stays.
    bookmarks.add(Bookmark { options: vec!["--active".into()], ..bookmark("home", "ftp://h3/") }).unwrap();
    assert_eq!(bookmarks.all().len(), 2);
    bookmarks.remove("work").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "# mine\n[[bookmark]]\nname = \"home\"\nurl = \"ftp://h3/\"\noptions = [\"--active\"]\n\n");
    let error = bookmarks.remove("hoem").unwrap_err().to_string();
    assert!(error.contains("did you mean home"), "{error}");
}

#[test]
fn names_and_urls_that_would_mislead_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bookmarks = Bookmarks::load_from(folder.path()).unwrap();
    for (name, url, words) in [
        ("c", "ftp://h/", "cannot be a bookmark's name"),
        ("a/b", "ftp://h/", "cannot be a bookmark's name"),
        ("-x", "ftp://h/", "cannot be a bookmark's name"),
        ("SFTP", "ftp://h/", "begins URLs"),
        ("work", "ftp://ana:geheim@h/", "~/.netrc"),
        ("work", "charts", "neither a URL"),
        ("work", "gopher://h/", "gopher"),
    ] {
        let error = bookmarks.add(bookmark(name, url)).unwrap_err();
        assert!(error.reason == Reason::BadBookmark && error.to_string().contains(words), "{name} {url}: {error}");
        assert!(!error.to_string().contains("geheim"));
    }
    assert!(!folder.path().join(FILE).exists());
}

#[test]
fn a_bookmark_and_a_path_are_a_place() {
    for (url, path, meant) in [
        ("ftp://h/", "", "ftp://h/"),
        ("ftp://h/", "a b", "ftp://h/a%20b"),
        ("ftp://h/base", "a/b", "ftp://h/base/a/b"),
        ("ftp://h/base/", "a", "ftp://h/base/a"),
        ("ftp://h/base", "/a", "ftp://h/%2Fa"),
        ("ftp://h/base", "a%41", "ftp://h/base/a%2541"),
    ] {
        match within(place_of(&bookmark("work", url), None).unwrap(), path) {
            Place::Remote(url) => assert_eq!(url.to_string(), meant, "{path}"),
            Place::Local(_) => panic!("{url}"),
        }
    }
    let local = within(place_of(&bookmark("work", "/srv"), None).unwrap(), "a");
    assert_eq!(local.as_local(), Some(Path::new("/srv/a")));
    let Place::Remote(url) = place_of(&bookmark("work", "ftp://ana@h/"), Some("otto")).unwrap() else { panic!() };
    assert_eq!(url.user.as_deref(), Some("otto"));
}

#[test]
fn urls_and_paths_are_no_bookmarks() {
    for text in ["ftp://h/", "work://h/", "/a:b", "./work:x", "c:\\x", "plain", "file:/x"] {
        assert_eq!(named(text), None, "{text}");
    }
    assert_eq!(named("work:"), Some(("work", "")));
    assert_eq!(named("work:a:b"), Some(("work", "a:b")));
}
