//! One door (promise 2): what a user may do is the same whatever verb asks for it, and nothing outside is opened.

use std::os::unix::fs::symlink;

use crate::harness::{Client, DATA, HASH, LISTENER, PASSWORD, Site, user};

const ALL: [&str; 11] =
    ["read", "list", "write", "overwrite", "append", "delete", "rename", "make_dir", "remove_dir", "set_attr", "link"];

/// A permission, what needs it (`&` between lines; `<` fetches, `>` stores), the code where it is there, and the code
/// where it is missing. `f` is a file, `d` an empty folder, `n` is not there.
const TABLE: [(&str, &str, &str, &str); 20] = [
    ("read", "<RETR f", "226", "550"),
    ("list", "<LIST", "226", "550"),
    ("list", "<NLST", "226", "550"),
    ("list", "<MLSD", "226", "550"),
    ("list", "STAT .", "212", "550"),
    ("write", ">STOR n", "226", "553"),
    ("write", ">STOU n", "226", "553"),
    ("write", ">APPE n", "226", "553"),
    ("overwrite", ">STOR f", "226", "553"),
    ("append", ">APPE f", "226", "553"),
    ("delete", "DELE f", "250", "550"),
    ("rename", "RNFR f&RNTO n", "250", "550"),
    ("rename", "RNFR d&RNTO n", "250", "550"),
    ("make_dir", "MKD n", "257", "550"),
    ("make_dir", "XMKD n", "257", "550"),
    ("remove_dir", "RMD d", "250", "550"),
    ("set_attr", "SITE CHMOD 600 f", "200", "550"),
    ("set_attr", "MFMT 20200101000000 f", "213", "550"),
    ("set_attr", "SITE UTIME 20200101000000 f", "213", "550"),
    ("link", "SITE SYMLINK f n", "200", "550"),
];

fn run(client: &mut Client, lines: &str) -> String {
    let mut reply = String::new();
    for line in lines.split('&') {
        reply = match line.split_at(1) {
            ("<", line) => client.take(line).1,
            (">", line) => client.give(line, b"new"),
            _ => client.ask(line),
        };
    }
    reply
}

#[test]
fn each_verb_needs_its_permission_and_no_other() {
    let mut text = [LISTENER, DATA].concat();
    for word in ALL {
        let others: Vec<&str> = ALL.into_iter().filter(|w| *w != word).collect();
        text += &format!("{}permissions = {{ \"/\" = \"{}\" }}\n", user(&format!("no-{word}")), others.join(" "));
        text += &format!("{}permissions = {{ \"/\" = \"{word}\" }}\n", user(&format!("only-{word}")));
    }
    let site = Site::new(&text);
    let (_server, port) = site.start();
    let mut wrong = Vec::new();
    for (word, lines, with, without) in TABLE {
        for (who, expected) in [(format!("only-{word}"), with), (format!("no-{word}"), without)] {
            // What is in the folder, and not the folder: the server holds it open.
            for entry in std::fs::read_dir(site.data("")).unwrap().map(|e| e.unwrap().path()) {
                std::fs::remove_file(&entry).or_else(|_| std::fs::remove_dir(&entry)).unwrap();
            }
            std::fs::create_dir(site.data("d")).unwrap();
            site.put("f", "old");
            let mut client = Client::login(port, &who);
            client.say("TYPE I", "200");
            let reply = run(&mut client, lines);
            let denied = expected == without;
            if !reply.starts_with(expected) || reply.contains("CRK-211") != denied {
                wrong.push(format!("{who}: {lines}: expected {expected}, got {reply}"));
            }
            if denied {
                let names: Vec<_> = std::fs::read_dir(site.data("")).unwrap().map(|e| e.unwrap().file_name()).collect();
                assert!(names.len() == 2 && std::fs::read(site.data("f")).unwrap() == b"old", "{who}: {lines} changed {names:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_longest_prefix_counts_and_hidden_names_are_not_there() {
    let rules =
        "permissions = { \"/\" = \"read-only\", \"/in\" = \"upload-only\", \"/in/mine\" = \"all\" }\nhidden = [\"*.key\"]\n";
    let site = Site::anna(rules);
    std::fs::create_dir_all(site.data("in/mine")).unwrap();
    for name in ["f", "in/f", "in/mine/f", "my.key", "in/mine/my.key"] {
        site.put(name, name);
    }
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    for (line, code) in
        [("<RETR f", "226"), (">STOR g", "553"), ("<RETR in/f", "550"), (">STOR in/g", "226"), ("<MLSD in", "550")]
    {
        let reply = run(&mut c, line);
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    for line in ["<RETR in/mine/f", ">STOR in/mine/f", "<LIST in/mine"] {
        assert!(run(&mut c, line).starts_with("226"), "{line}");
    }
    for (line, code) in [
        ("<RETR my.key", "550"),
        ("SIZE my.key", "550"),
        ("MLST in/mine/my.key", "550"),
        (">STOR in/mine/other.key", "553"),
        ("DELE in/mine/my.key", "550"),
    ] {
        let reply = run(&mut c, line);
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    for line in ["NLST", "LIST -a", "MLSD", "NLST *.key", "LIST -R"] {
        let (listing, reply) = c.take(line);
        assert!(!String::from_utf8_lossy(&listing.unwrap_or_default()).contains(".key"), "{line}: {reply}");
    }
    assert!(site.data("in/mine/my.key").exists());
}

#[test]
fn links_inside_are_followed_and_links_outside_are_only_shown() {
    let site = Site::anna("");
    let secret = site.place.path().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("s"), "secret").unwrap();
    std::fs::create_dir(site.data("d")).unwrap();
    site.put("d/f", "inside");
    symlink("d", site.data("in")).unwrap();
    symlink("d/f", site.data("inf")).unwrap();
    symlink(&secret, site.data("out")).unwrap();
    symlink("../secret/s", site.data("outf")).unwrap();
    symlink("loop", site.data("loop")).unwrap();
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    for name in ["in/f", "inf", "in/../in/f"] {
        assert_eq!(c.take(&format!("RETR {name}")).0.as_deref(), Some(&b"inside"[..]), "{name}");
    }
    c.say("CWD in", "250");
    c.say("CWD /", "250");
    let listing = String::from_utf8(c.take("LIST").0.unwrap()).unwrap();
    for name in ["out -> ", "outf -> ", "in -> d", "loop -> loop"] {
        assert!(listing.contains(name), "{name} in {listing}");
    }
    for line in ["<RETR outf", "<RETR out/s", "CWD out", "SIZE outf", "<MLSD out", "MDTM out/s", "SITE CHMOD 777 outf"] {
        let reply = run(&mut c, line);
        assert!(reply.starts_with("550") && reply.contains("CRK-207"), "{line}: {reply}");
    }
    for line in [">STOR out/x", ">APPE outf"] {
        let reply = run(&mut c, line);
        assert!(reply.starts_with("553") && reply.contains("CRK-207"), "{line}: {reply}");
    }
    assert!(run(&mut c, "<RETR loop").contains("CRK-208"));
    assert!(c.ask("CWD /../../..").starts_with("250"));
    assert!(c.say("PWD", "257").contains("\"/\""));
    assert_eq!(std::fs::read_dir(&secret).unwrap().count(), 1);
    assert_eq!(std::fs::read(secret.join("s")).unwrap(), b"secret");
}

#[test]
fn mounts_make_one_tree_and_smnt_makes_another_root() {
    let two = "[[mount]]\nname = \"two\"\nkind = \"local\"\npath = \"two\"\n[[mount]]\nname = \"mem\"\nkind = \"memory\"\n";
    let tree = "mounts = { \"/\" = \"data\", \"/two\" = \"two\", \"/deep/mem\" = \"mem\" }\n";
    let site = Site::new(&[LISTENER, DATA, two, &user("anna"), tree].concat());
    std::fs::create_dir(site.place.path().join("two")).unwrap();
    std::fs::write(site.place.path().join("two/t"), "two").unwrap();
    site.put("f", "one");
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    let names = |c: &mut Client, line: &str| String::from_utf8(c.take(line).0.unwrap()).unwrap();
    let root = names(&mut c, "NLST");
    assert_eq!(root.lines().collect::<std::collections::BTreeSet<_>>(), ["deep", "f", "two"].into(), "{root}");
    assert_eq!(names(&mut c, "NLST deep").trim(), "deep/mem");
    assert!(c.give("STOR deep/mem/m", b"memory").starts_with("226"));
    assert_eq!(c.take("RETR deep/mem/m").0.unwrap(), b"memory");
    assert_eq!(c.take("RETR two/t").0.unwrap(), b"two");
    c.say("RNFR two/t", "350");
    let reply = c.ask("RNTO t");
    assert!(reply.starts_with('5') && reply.contains("CRK-219"), "{reply}");
    for line in ["RMD two", "RNFR two&RNTO three"] {
        assert!(run(&mut c, line).contains("CRK-227"), "{line}");
    }
    let reply = run(&mut c, ">STOR deep/x");
    assert!(reply.starts_with("553"), "{reply}");
    c.say("SMNT two", "250");
    assert_eq!(names(&mut c, "NLST").trim(), "t");
    assert!(c.take("RETR f").1.contains("CRK-201"));
    assert!(c.ask("SMNT nothing").contains("CRK-226"));
    assert_eq!(c.take("RETR t").0.unwrap(), b"two");
}

#[test]
fn a_group_says_what_its_users_do_not() {
    let group = "[[group]]\nname = \"staff\"\npermissions = { \"/\" = \"read-only\" }\nwelcome = \"Hello, staff.\"\n";
    let more = format!("groups = [\"staff\"]\n{}groups = [\"staff\"]\npermissions = {{ \"/\" = \"all\" }}\n{group}", user("bob"));
    let site = Site::anna(&more);
    let (_server, port) = site.start();
    let mut anna = Client::connect(port);
    anna.say("USER anna", "331");
    assert!(anna.ask(&format!("PASS {PASSWORD}")).contains("Hello, staff."));
    assert!(anna.ask("MKD x").contains("CRK-211"));
    Client::login(port, "bob").say("MKD x", "257");
    assert!(HASH.starts_with("$argon2id$"));
}
