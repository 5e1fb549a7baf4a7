//! One door (promise 2): what a user may do is the same whatever verb asks for it, and nothing outside is opened.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;

use proto::sftp::attrs::Attrs;
use proto::sftp::extension::{Check, Extension};
use proto::sftp::request::{OpenFlags, Request};

use crate::harness::{Client, DATA, HASH, LISTENER, PASSWORD, Server, Site, user};
use crate::sftp::{SSH, Sftp, Ssh, code_in, host_key, ssh_port};
use crate::tftp::{Said, TFTP, Tftp, address};

const ALL: [&str; 11] =
    ["read", "list", "write", "overwrite", "append", "delete", "rename", "make_dir", "remove_dir", "set_attr", "link"];

/// How an operation is asked for over each protocol that has it; several ways with ` | ` between. `f` is a file, `d` an
/// empty folder, `n` is not there.
struct Ways {
    /// `&` between lines; `<` fetches, `>` stores.
    ftp: &'static str,
    sftp: &'static str,
    /// What stands behind `scp`.
    scp: &'static str,
    tftp: &'static str,
}

const NO: Ways = Ways { ftp: "", sftp: "", scp: "", tftp: "" };

/// The permissions that an operation needs, no more and no fewer.
const TABLE: [(&str, Ways); 18] = [
    ("read", Ways { ftp: "<RETR f | HASH f", sftp: "read f | digest f", scp: "-f f", tftp: "read f" }),
    ("list", Ways { ftp: "<LIST | <NLST | <MLSD | STAT .", sftp: "list .", ..NO }),
    ("list", Ways { ftp: "<LIST d", sftp: "list d", ..NO }),
    ("read list", Ways { scp: "-r -f .", ..NO }),
    ("write", Ways { ftp: ">STOR n | >STOU n | >APPE n", sftp: "write n | new n | append n", scp: "-t n", tftp: "write n" }),
    ("write", Ways { ftp: ">STOR d/n", sftp: "write d/n", scp: "-t d", tftp: "write d/n" }),
    ("overwrite", Ways { ftp: ">STOR f", sftp: "write f | patch f | truncate f", scp: "-t f", tftp: "write f" }),
    ("append", Ways { ftp: ">APPE f", sftp: "append f", ..NO }),
    ("read overwrite", Ways { sftp: "both f", ..NO }),
    ("read write", Ways { ftp: "SITE CPFR f&SITE CPTO n", sftp: "copy f n", ..NO }),
    ("delete", Ways { ftp: "DELE f", sftp: "remove f", ..NO }),
    (
        "rename",
        Ways {
            ftp: "RNFR f&RNTO n | RNFR d&RNTO n",
            sftp: "rename f n | rename d n | posix-rename f n | posix-rename d n",
            ..NO
        },
    ),
    ("make_dir", Ways { ftp: "MKD n | XMKD n", sftp: "mkdir n", scp: "-r -t n", ..NO }),
    ("remove_dir", Ways { ftp: "RMD d", sftp: "rmdir d", ..NO }),
    (
        "set_attr",
        Ways {
            ftp: "SITE CHMOD 600 f | MFMT 20200101000000 f | SITE UTIME 20200101000000 f",
            sftp: "chmod f | times f | lchmod f",
            ..NO
        },
    ),
    ("overwrite set_attr", Ways { sftp: "fchmod f", ..NO }),
    ("link", Ways { ftp: "SITE SYMLINK f n", sftp: "symlink f n", ..NO }),
    ("link read write overwrite", Ways { sftp: "hardlink f n", ..NO }),
];

/// Every way in of one server.
struct Door {
    ftp: u16,
    ssh: u16,
    tftp: SocketAddr,
}

/// A user, by every way in.
struct Person {
    name: String,
    /// The address that is this user's over TFTP.
    address: String,
    ssh: Ssh,
}

/// What came of it: nothing, or the code of the refusal. Anything else that was said is a failure of the test.
type Verdict = Result<(), String>;

impl Door {
    /// A server with all four protocols and these users, each with what follows its name.
    /// `folders` are made beside that of the mount.
    fn open(users: &[(String, String)], more: &str, folders: &[&str]) -> (Site, Server, Self) {
        let site = Site::new("");
        for folder in folders {
            std::fs::create_dir(site.place.path().join(folder)).unwrap();
        }
        let guests: String = (0..users.len())
            .map(|n| format!("[[listener.guest]]\nuser = \"{}\"\nfrom = [\"{}\"]\n", users[n].0, own_address(n)))
            .collect();
        let people: String = users.iter().map(|(name, rules)| user(name) + rules).collect();
        let key = host_key(&site);
        site.write(
            &[
                LISTENER,
                SSH,
                TFTP,
                "uploads = \"replace\"\n",
                &guests,
                &key,
                DATA,
                &people,
                "[anonymous]\nmounts = { \"/\" = \"data\" }\n",
                more,
            ]
            .concat(),
        );
        let (mut server, ftp) = site.start();
        let (ssh, tftp) = (ssh_port(&mut server), address(&mut server));
        (site, server, Self { ftp, ssh, tftp })
    }

    fn person(&self, number: usize, name: &str) -> Person {
        Person { name: name.to_owned(), address: own_address(number), ssh: Ssh::login(self.ssh, name) }
    }

    fn ftp(&self, who: &Person, lines: &str) -> Verdict {
        let mut client = Client::login(self.ftp, &who.name);
        client.say("TYPE I", "200");
        let reply = run(&mut client, lines);
        match code_in(&reply) {
            Some(code) => Err(code),
            None if reply.starts_with('2') => Ok(()),
            None => panic!("{} over FTP: {lines}: {reply}", who.name),
        }
    }

    fn tftp(&self, who: &Person, words: &str) -> Verdict {
        let client = Tftp::from(&format!("{}:0", who.address), self.tftp);
        let said = match words.split_once(' ') {
            Some(("read", name)) => Err(client.read(name)),
            Some(("write", name)) => client.write(name, b"new"),
            _ => panic!("{words}"),
        };
        match said {
            Ok(()) | Err(Said::Body(_)) => Ok(()),
            Err(Said::Error(_, text)) => Err(code_in(&text).unwrap_or_else(|| panic!("TFTP says no code: {text}"))),
        }
    }

    fn scp(who: &Person, words: &str) -> Verdict {
        let input: &[u8] = match words {
            _ if words.contains("-f") => b"\0",
            _ if words.contains("-r") => b"D0755 0 n\nE\n",
            _ => b"C0644 3 n\nnew\0",
        };
        let said = String::from_utf8_lossy(&who.ssh.exec(&format!("scp {words}"), input)).into_owned();
        assert!(!said.is_empty(), "scp {words} says nothing");
        code_in(&said).map_or(Ok(()), Err)
    }

    /// All the ways in which something can be asked for, and what each came to. Before each `reset` puts things right.
    fn ask(&self, who: &Person, ways: &Ways, mut reset: impl FnMut()) -> Vec<(String, Verdict)> {
        let mut all = Vec::new();
        let mut ask = |protocol: &str, words: &str, go: &dyn Fn(&str) -> Verdict| {
            for one in words.split(" | ").filter(|one| !one.is_empty()) {
                reset();
                all.push((format!("{protocol}: {one}"), go(one)));
            }
        };
        ask("FTP", ways.ftp, &|lines| self.ftp(who, lines));
        ask("SFTP", ways.sftp, &|words| sftp(&mut who.ssh.sftp(), words));
        ask("SCP", ways.scp, &|words| Self::scp(who, words));
        ask("TFTP", ways.tftp, &|words| self.tftp(who, words));
        all
    }
}

/// An address of this machine.
fn own_address(number: usize) -> String {
    format!("127.0.2.{}", number + 1)
}

/// Does what the words say with a file or folder; the first refusal.
fn sftp(s: &mut Sftp<'_>, words: &str) -> Verdict {
    let (verb, names) = words.split_once(' ').unwrap();
    let (one, two) = names.split_once(' ').unwrap_or((names, ""));
    let (path, to) = (one.as_bytes(), two.as_bytes());
    let mode = Attrs { mode: Some(0o600), ..Attrs::default() };
    let opened = |flags: OpenFlags| Request::Open { path, flags, attrs: Attrs::default() };
    let write = OpenFlags::WRITE;
    let (made, emptied) = (write.and(OpenFlags::CREATE), write.and(OpenFlags::CREATE).and(OpenFlags::TRUNCATE));
    let check = Check { algorithms: b"sha256", offset: 0, length: 0, block: 0 };
    let with = |s: &mut Sftp<'_>, open: Request<'_>, then: &dyn for<'h> Fn(&'h [u8]) -> Request<'h>| -> Verdict {
        let handle = s.ask(&open)?.handle();
        s.ask(&then(&handle))?;
        s.ask(&Request::Close { handle: &handle }).map(drop)
    };
    let write_to = |s: &mut Sftp<'_>, flags| with(s, opened(flags), &|handle| Request::Write { handle, offset: 0, data: b"new" });
    match verb {
        "read" => with(s, opened(OpenFlags::READ), &|handle| Request::Read { handle, offset: 0, length: 9 }),
        "both" => with(s, opened(OpenFlags::READ.and(write)), &|handle| Request::Read { handle, offset: 0, length: 9 }),
        "digest" => s.ask(&Request::Extended(Extension::CheckFileName { path, check })).map(drop),
        "list" => with(s, Request::Opendir { path }, &|handle| Request::Readdir { handle }),
        "write" => write_to(s, emptied),
        "new" => write_to(s, made.and(OpenFlags::EXCLUSIVE)),
        "patch" => write_to(s, write),
        "append" => write_to(s, made.and(OpenFlags::APPEND)),
        "truncate" => s.ask(&Request::Setstat { path, attrs: Attrs { size: Some(1), ..Attrs::default() } }).map(drop),
        "copy" => {
            let from = s.ask(&opened(OpenFlags::READ))?.handle();
            let into = s.ask(&Request::Open { path: to, flags: made, attrs: Attrs::default() })?.handle();
            let copy = Extension::CopyData { from: &from, from_offset: 0, length: 0, to: &into, to_offset: 0 };
            s.ask(&Request::Extended(copy))?;
            s.ask(&Request::Close { handle: &into }).map(drop)
        }
        "remove" => s.ask(&Request::Remove { path }).map(drop),
        "rename" => s.ask(&Request::Rename { from: path, to }).map(drop),
        "posix-rename" => s.ask(&Request::Extended(Extension::PosixRename { from: path, to })).map(drop),
        "mkdir" => s.ask(&Request::Mkdir { path, attrs: Attrs::default() }).map(drop),
        "rmdir" => s.ask(&Request::Rmdir { path }).map(drop),
        "chmod" => s.ask(&Request::Setstat { path, attrs: mode }).map(drop),
        "times" => s.ask(&Request::Setstat { path, attrs: Attrs { times: Some((1, 1)), ..Attrs::default() } }).map(drop),
        "lchmod" => s.ask(&Request::Extended(Extension::Lsetstat { path, attrs: mode })).map(drop),
        "fchmod" => with(s, opened(write), &|handle| Request::Fsetstat { handle, attrs: mode }),
        "symlink" => s.ask(&Request::Symlink { target: path, link: to }).map(drop),
        "hardlink" => s.ask(&Request::Extended(Extension::Hardlink { from: path, to })).map(drop),
        "stat" => s.ask(&Request::Stat { path }).map(drop),
        "lstat" => s.ask(&Request::Lstat { path }).map(drop),
        "space" => s.ask(&Request::Extended(Extension::Statvfs { path })).map(drop),
        _ => panic!("{verb}"),
    }
}

fn run(client: &mut Client, lines: &str) -> String {
    let mut reply = String::new();
    for line in lines.split('&') {
        reply = match line.split_at(1) {
            ("<", line) => client.take(line).1,
            (">", line) => client.give(line, b"new"),
            _ => client.ask(line),
        };
        if reply.starts_with(['4', '5']) {
            break;
        }
    }
    reply
}

/// What is in the folder goes, and not the folder: the server holds it open.
fn sweep(site: &Site) {
    for entry in std::fs::read_dir(site.data("")).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() && !entry.is_symlink() {
            std::fs::remove_dir_all(&entry).unwrap();
        } else {
            std::fs::remove_file(&entry).unwrap();
        }
    }
}

#[test]
fn each_operation_needs_its_permissions_and_no_others_whatever_asks_for_it() {
    let mut users = Vec::new();
    let permissions = |words: &str| format!("permissions = {{ \"/\" = \"{words}\" }}\n");
    for word in ALL {
        let others: Vec<&str> = ALL.into_iter().filter(|w| *w != word).collect();
        users.push((format!("no-{word}"), permissions(&others.join(" "))));
    }
    for (needs, _) in &TABLE {
        let name = format!("only-{}", needs.replace(' ', "-"));
        if !users.iter().any(|(known, _)| *known == name) {
            users.push((name, permissions(needs)));
        }
    }
    let (site, _server, door) = Door::open(&users, "", &[]);
    let reset = || {
        sweep(&site);
        std::fs::create_dir(site.data("d")).unwrap();
        site.put("f", "old");
    };
    let mut wrong = Vec::new();
    for (number, (name, _)) in users.iter().enumerate() {
        let who = door.person(number, name);
        for (needs, ways) in &TABLE {
            let expected = match name.strip_prefix("no-") {
                Some(word) if needs.split(' ').any(|need| need == word) => Err("CRK-211".to_owned()),
                Some(_) => Ok(()),
                None if name.strip_prefix("only-") == Some(&needs.replace(' ', "-")) => Ok(()),
                None => continue,
            };
            for (asked, verdict) in door.ask(&who, ways, reset) {
                if verdict != expected {
                    wrong.push(format!("{name}, {asked}: expected {expected:?}, got {verdict:?}"));
                }
                let changed = std::fs::read(site.data("f")).ok() != Some(b"old".to_vec())
                    || std::fs::read_dir(site.data("")).unwrap().count() != 2
                    || std::fs::read_dir(site.data("d")).map_or(1, Iterator::count) != 0;
                if expected.is_err() && changed {
                    wrong.push(format!("{name}, {asked}: changed something"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is asked of odd places, and the code that everyone tells.
const PLACES: [(&str, Ways); 20] = [
    ("CRK-201", Ways { ftp: "<RETR gone | SIZE gone", sftp: "read gone | stat gone", scp: "-f gone", tftp: "read gone" }),
    ("CRK-201", Ways { ftp: "DELE gone | RMD gone | <LIST gone/x", sftp: "remove gone | rmdir gone | list gone/x", ..NO }),
    ("CRK-201", Ways { ftp: ">STOR gone/n", sftp: "write gone/n", scp: "-t gone/n", tftp: "write gone/n" }),
    // There is nothing above the root.
    ("CRK-201", Ways { ftp: "<RETR ../../s", sftp: "read ../../s", scp: "-f ../../s", tftp: "read ../../s" }),
    (
        "CRK-201",
        Ways { ftp: "<RETR my.key | SIZE my.key", sftp: "read my.key | lstat my.key", scp: "-f my.key", tftp: "read my.key" },
    ),
    ("CRK-211", Ways { ftp: ">STOR x.key | MKD x.key", sftp: "write x.key | mkdir x.key", scp: "-t x.key", tftp: "write x.key" }),
    ("CRK-207", Ways { ftp: "<RETR outf | SIZE outf", sftp: "read outf | stat outf", scp: "-f outf", tftp: "read outf" }),
    ("CRK-207", Ways { ftp: "<RETR out/s | <MLSD out", sftp: "read out/s | list out", scp: "-f out/s", tftp: "read out/s" }),
    ("CRK-207", Ways { ftp: ">STOR out/n | MKD out/n", sftp: "write out/n | mkdir out/n", scp: "-t out/n", tftp: "write out/n" }),
    ("CRK-207", Ways { ftp: "SITE CHMOD 777 outf", sftp: "chmod outf | truncate outf", ..NO }),
    ("CRK-208", Ways { ftp: "<RETR loop", sftp: "read loop", scp: "-f loop", tftp: "read loop" }),
    (
        "CRK-211",
        Ways {
            ftp: ">STOR ro/n | DELE ro/f",
            sftp: "write ro/n | append ro/f | remove ro/f",
            scp: "-t ro/n",
            tftp: "write ro/n",
        },
    ),
    (
        "CRK-211",
        Ways {
            ftp: "<RETR box/f | <LIST box",
            sftp: "read box/f | digest box/f | list box",
            scp: "-f box/f",
            tftp: "read box/f",
        },
    ),
    // Links and renamings are no way around a rule that holds somewhere.
    ("CRK-211", Ways { ftp: "SITE SYMLINK box/f n", sftp: "symlink box/f n | hardlink box/f n | rename box/f n", ..NO }),
    (
        "CRK-213",
        Ways {
            ftp: ">STOR locked/n | DELE locked/f | MKD locked/n",
            sftp: "write locked/n | remove locked/f | mkdir locked/n",
            scp: "-t locked/n",
            tftp: "write locked/n",
        },
    ),
    ("CRK-213", Ways { sftp: "patch locked/f | append locked/f | hardlink locked/f locked/g | both locked/f", ..NO }),
    (
        "CRK-213",
        Ways { ftp: "RMD locked | RNFR locked&RNTO x", sftp: "rmdir locked | rename locked x | posix-rename locked x", ..NO },
    ),
    ("CRK-204", Ways { ftp: "<RETR d", sftp: "read d", scp: "", tftp: "read d" }),
    ("CRK-202", Ways { ftp: "MKD d", sftp: "mkdir d | new f", ..NO }),
    ("CRK-210", Ways { ftp: ">STOR .~carrack~x", sftp: "write .~carrack~x", scp: "-t .~carrack~x", tftp: "write .~carrack~x" }),
];

#[test]
fn a_place_is_refused_for_the_same_reason_whatever_asks_for_it() {
    let rules = "hidden = [\"*.key\"]\nmounts = { \"/\" = \"data\", \"/locked\" = \"locked\" }\n\
                 permissions = { \"/\" = \"all\", \"/ro\" = \"read-only\", \"/box\" = \"upload-only\" }\n";
    let users = [("anna".to_owned(), rules.to_owned())];
    let locked = "[[mount]]\nname = \"locked\"\nkind = \"local\"\npath = \"locked\"\nread_only = true\n";
    let (site, _server, door) = Door::open(&users, locked, &["locked"]);
    let secret = site.place.path().join("s");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(site.place.path().join("locked/f"), "locked").unwrap();
    for folder in ["d", "ro", "box"] {
        std::fs::create_dir(site.data(folder)).unwrap();
    }
    for name in ["f", "d/f", "ro/f", "box/f", "my.key"] {
        site.put(name, "old");
    }
    symlink("..", site.data("out")).unwrap();
    symlink("../s", site.data("outf")).unwrap();
    symlink("loop", site.data("loop")).unwrap();
    let who = door.person(0, "anna");
    let mut wrong = Vec::new();
    for (expected, ways) in &PLACES {
        for (asked, verdict) in door.ask(&who, ways, || ()) {
            if verdict != Err((*expected).to_owned()) {
                wrong.push(format!("{asked}: expected {expected}, got {verdict:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let old = |name: &str| std::fs::read(site.data(name)).unwrap() == b"old";
    assert!(["f", "d/f", "ro/f", "box/f", "my.key"].into_iter().all(old), "nothing was changed");
    assert_eq!((std::fs::read(&secret).unwrap(), std::fs::read_dir(site.data("")).unwrap().count()), (b"secret".to_vec(), 8));
}

#[test]
fn a_file_is_too_large_whatever_it_comes_by() {
    let users = [("anna".to_owned(), "file_size = \"2\"\n".to_owned())];
    let (site, _server, door) = Door::open(&users, "", &[]);
    let who = door.person(0, "anna");
    let ways = Ways { ftp: ">STOR n | >APPE n | ALLO 3", sftp: "write n | append n | append f", scp: "-t n", tftp: "write n" };
    for (asked, verdict) in door.ask(&who, &ways, || site.put("f", "o")) {
        assert_eq!(verdict, Err("CRK-216".to_owned()), "{asked}");
        assert!(!site.data("n").exists() && std::fs::read(site.data("f")).unwrap() == b"o", "{asked}");
    }
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
