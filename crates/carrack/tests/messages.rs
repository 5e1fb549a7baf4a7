//! Messages from user to user: SITE MSG and the historic mail commands, in sessions and in a Maildir.

use crate::harness::{Client, DATA, LISTENER, Site, user};

/// Anna may send messages, bob may not; what is mailed lies under `post`.
fn site() -> Site {
    let post = "[[mount]]\nname = \"post\"\nkind = \"local\"\npath = \"post\"\n[mail]\nmount = \"post\"\nmost = 2\n";
    let mounts = "mounts = \"data\"\n";
    let text =
        [LISTENER, "historic = true\n", DATA, post, &user("anna"), mounts, "messages = true\n", &user("bob"), mounts].concat();
    let site = Site::new(&text);
    std::fs::create_dir(site.place.path().join("post")).unwrap();
    site
}

fn mailed(site: &Site, user: &str) -> Vec<String> {
    let folder = site.place.path().join("post").join(user).join("new");
    let entries = std::fs::read_dir(folder).map(|dir| dir.map(|e| e.unwrap().path()).collect::<Vec<_>>());
    entries.unwrap_or_default().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_message_comes_with_the_next_reply_and_else_as_mail() {
    let site = site();
    let (_server, port) = site.start();
    let mut anna = Client::login(port, "anna");
    let said = anna.ask("XSEN bob");
    assert!(said.starts_with("450 ") && said.contains("CRK-752"), "{said}");
    anna.say("XSEM bob", "354");
    anna.send(b"Two ships\r\nare in port.\r\n");
    assert_eq!(anna.ask("."), "250 bob: kept as mail.\r\n");
    let mails = mailed(&site, "bob");
    assert!(mails.len() == 1 && mails[0].ends_with("\n\nTwo ships\nare in port.\n"), "{mails:?}");

    let mut bob = Client::login(port, "bob");
    assert_eq!(anna.ask("SITE MSG bob 226 \u{202e} now"), "200 bob: sent to 1 session.\r\n");
    let said = bob.ask("PWD");
    assert!(said.starts_with("257 "), "programs read this one: {said}");
    let said = bob.ask("NOOP");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("200-Message from anna, ") && lines[0].ends_with(" UTC:"), "{said}");
    assert_eq!(lines[1..], [" | 226 \\u{202e} now", "200 Here."]);
    assert_eq!(bob.ask("NOOP"), "200 Here.\r\n", "once is enough");
    let said = bob.ask("SITE MSG anna no");
    assert!(said.starts_with("550 ") && said.contains("CRK-750"), "{said}");

    anna.say("XMAS bob", "354");
    assert_eq!(anna.ask("."), "250 bob: sent to 1 session and kept as mail.\r\n");
    anna.say("MAIL bob", "354");
    let said = anna.ask(".");
    assert!(said.starts_with("450 ") && said.contains("CRK-753"), "the mailbox holds two: {said}");
    assert_eq!(mailed(&site, "bob").len(), 2);
    assert!(bob.ask("QUIT").starts_with("221-Message from anna"));
}
