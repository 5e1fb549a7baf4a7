//! The shell as people use it: at a terminal that is a real one to the program, and from scripts.

#[allow(unreachable_pub, reason = "a module of another crate, which shares it")]
#[path = "../../../../interop/src/pty.rs"]
mod pty;

use std::fs::File;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use pty::Started;

use super::{Said, There, carrack, run};
use crate::harness::{PASSWORD, PATIENCE, Server, Site, until};
use crate::tftp::tftp;

/// A shell at a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    lines: Receiver<Vec<u8>>,
    /// What was shown and not yet looked at, without what moves the cursor.
    shown: String,
    /// All that was shown.
    all: String,
    home: tempfile::TempDir,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    fn open(args: &[&str]) -> Self {
        Self::at_home(args, tempfile::tempdir().unwrap())
    }

    /// With a home that has been used before.
    fn at_home(args: &[&str], home: tempfile::TempDir) -> Self {
        Self::start(&carrack(args), home)
    }

    /// Any command at a terminal.
    fn start(plain: &Command, home: tempfile::TempDir) -> Self {
        let Started { child, keys, pieces: lines } = pty::start(plain, 200, |command| {
            command.env("HOME", home.path()).env("XDG_STATE_HOME", home.path().join("state"));
            command.env("TERM", "xterm").env("PAGER", "cat").current_dir(home.path());
        });
        Self { child, keys, lines, shown: String::new(), all: String::new(), home }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line, and waits until it stands there.
    fn line(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }

    /// Waits until a text has been shown; gives what was shown before it.
    fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + 2 * PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let before = self.shown[..at].to_owned();
                self.shown.drain(..at + text.len());
                return before;
            }
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    let text = plain(&String::from_utf8_lossy(&bytes));
                    self.shown.push_str(&text);
                    self.all.push_str(&text);
                }
                Err(_) => panic!("{text:?} was not shown; shown was:\n{}", self.all),
            }
        }
    }

    fn prompt(&mut self) -> String {
        self.expect("> ")
    }

    /// Waits for the end; its exit code.
    fn ended(&mut self) -> i32 {
        let until = Instant::now() + 2 * PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the shell did not end; shown was:\n{}", self.all);
    }
}

/// Text without what moves the cursor and colours it (ECMA-48: CSI, OSC).
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.peek() == Some(&'[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c) || c == '[') {},
            '\x1b' => drop(chars.next()),
            '\r' | '\x07' => {}
            c => out.push(c),
        }
    }
    out
}

fn script(there: &There, args: &[&str], commands: &str) -> Said {
    let url = there.url("");
    run(&[&["shell", &url, "-c", commands], args].concat())
}

#[test]
fn a_script_runs_and_its_last_command_says_how_it_went() {
    let there = There::new();
    let said = script(&there, &[], "pwd; ls\ncd sub && pwd; cat three");
    assert_eq!((said.code, &*said.out), (0, "/\none.txt\nsub\ntwo.txt\n/sub\n3\n"), "{said:?}");
    let said = script(&there, &[], "cat nothing || pwd; ls /nowhere");
    assert!(
        said.code == 78 && said.out == "/\n" && said.err.contains("nothing: no such file") && said.err.contains("CRK-201"),
        "{said:?}"
    );
    assert!(!said.err.contains("carrack cat"), "nobody typed that: {said:?}");
    let said = script(&there, &["-e"], "cat nothing; pwd");
    assert!(said.code == 78 && said.out.is_empty(), "{said:?}");
    let said = script(&there, &["-e"], "cat nothing || pwd; exit 7; pwd");
    assert!(said.code == 7 && said.out == "/\n", "{said:?}");
}

#[test]
fn commands_come_from_standard_input_too() {
    let there = There::new();
    let url = there.url("sub/");
    let mut child =
        carrack(&["shell", &url]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"# a comment\npwd\n\nls *e\n").unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, &*said.out, &*said.err), (0, "/sub\nthree\n", ""));
}

#[test]
fn files_are_changed_and_names_are_quoted_and_matched() {
    let there = There::new();
    let said = script(&there, &["-e"], "cd sub/deep; ls 'a b'; cat a\\ b; cd /; rm '*.txt' || rm *.txt; ls");
    assert_eq!(said.out, "a b\nxsub\n", "{said:?}");
    assert!(said.err.contains("*.txt: no such file") && said.code == 0, "{said:?}");
    assert!(!there.path("one.txt").exists() && there.path("sub/three").exists());
    let said = script(&there, &[], "cd sub; get deep; help get");
    assert!(said.err.contains("get: deep: that is a folder") && said.out.contains("Also: recv\n"), "{said:?}");
    let said = script(&there, &[], "ls *.pdf");
    assert!(said.err.contains("nothing matches *.pdf") && said.code == 78, "{said:?}");
}

#[test]
fn what_nobody_knows_is_guessed() {
    let there = There::new();
    let said = script(&there, &[], "mkdri x; c x\n'a");
    assert!(said.err.contains("mkdri: no such command; did you mean mkdir?"), "{said:?}");
    assert!(said.code == 2 && said.err.contains("a ' is not closed"), "{said:?}");
    let said = script(&there, &[], "ls --lnog; help ls; xyzzy");
    assert!(said.err.contains("ls: unexpected argument '--lnog' found (help ls)"), "{said:?}");
    assert!(said.out.contains("--recursive") && !said.out.contains("--fingerprint"), "{said:?}");
    assert!(said.err.contains("xyzzy: no such command; help lists"), "{said:?}");
}

#[test]
fn output_goes_where_it_was_sent() {
    let there = There::new();
    let folder = tempfile::tempdir().unwrap();
    let local = |name: &str| folder.path().join(name);
    let commands = format!(
        "lcd {0}; ls > names; pwd >> names; cat one.txt | tr a-z A-Z; !cat names\nlls; cat one.txt two.txt | head -n 1",
        folder.path().display()
    );
    let said = script(&there, &[], &commands);
    let shown = format!("{}\nFIRST\none.txt\nsub\ntwo.txt\n/\nnames\nfirst\n", folder.path().canonicalize().unwrap().display());
    assert_eq!((said.code, said.out), (0, shown), "{}", said.err);
    assert!(local("names").exists());
}

#[test]
fn a_person_types_and_tab_completes() {
    let there = There::new();
    let mut shell = Terminal::open(&[&there.url("")]);
    shell.expect("connected (in clear)");
    shell.expect(&format!("carrack@127.0.0.1:{}:/> ", there.port));
    shell.press("cat on\t");
    shell.expect("one.txt ");
    shell.press("\r");
    shell.expect("first");
    shell.prompt();
    // More than one: as far as they agree, then the list.
    shell.press("cd s\t");
    shell.expect("sub/");
    shell.press("de\t\r");
    shell.expect(":/sub/deep> ");
    shell.press("ls a\t\r");
    shell.expect("a\\ b ");
    shell.prompt();
    shell.press("mirr\t");
    shell.expect("mirror ");
    // Ctrl-C throws away what was typed, and nothing else.
    shell.press("\x03");
    shell.expect(":/sub/deep> ");
    shell.press("\x04");
    assert_eq!(shell.ended(), 0, "{}", shell.all);
}

#[test]
fn files_are_asked_for_by_their_names_over_tftp() {
    let (site, _server, at) = tftp("uploads = \"new\"", "permissions = { \"/\" = \"all\" }\n");
    std::fs::create_dir(site.data("sub")).unwrap();
    site.put("sub/deep.txt", "deep\n");
    let mut shell = Terminal::open(&[&format!("tftp://{at}/")]);
    shell.expect("nothing is connected: over TFTP each file is asked for by itself\n");
    let prompt = |folder: &str| format!("{at}:{folder}> ");
    shell.expect(&prompt("/"));
    // There are no names to complete with, and what was typed stays.
    shell.press("cat hel\tlo.txt\r");
    shell.expect("cat hello.txt\n");
    shell.expect("hello\n");
    shell.expect(&prompt("/"));
    shell.line("get hello.txt");
    shell.expect("1 file, 6 B");
    shell.expect(&prompt("/"));
    assert_eq!(std::fs::read(shell.home.path().join("hello.txt")).unwrap(), b"hello\n");
    std::fs::write(shell.home.path().join("new.txt"), "new\n").unwrap();
    shell.line("put new.txt");
    shell.expect("1 file, 4 B");
    shell.expect(&prompt("/"));
    until("the upload stands", || std::fs::read(site.data("new.txt")).is_ok_and(|b| b == b"new\n"));
    for (line, reason) in [("ls", "CRK-802"), ("rm new.txt", "CRK-802"), ("cat none", "CRK-201")] {
        shell.line(line);
        shell.expect(reason);
        shell.expect(&prompt("/"));
    }
    // A folder is no more than the beginning of names.
    shell.line("cd sub");
    shell.expect(&prompt("/sub"));
    shell.line("cat deep.txt");
    shell.expect("cat deep.txt\n");
    shell.expect("deep\n");
    shell.expect(&prompt("/sub"));
    shell.press("\x04");
    assert_eq!(shell.ended(), 0, "{}", shell.all);
}

#[test]
fn what_was_typed_is_there_again_without_passwords() {
    let there = There::new();
    let mut shell = Terminal::open(&[&there.url("")]);
    shell.expect(":/> ");
    for line in ["pwd", "user nobody geheim", "quote PASS geheim", "ls one.txt"] {
        shell.line(line);
        shell.expect(line);
        shell.expect(":/> ");
    }
    shell.line("quit");
    shell.ended();
    let file = shell.home.path().join("state/carrack/shell_history");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("pwd") && kept.contains("ls one.txt") && !kept.contains("geheim"), "{kept}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    // The next time the last line is one key away.
    let home = std::mem::replace(&mut shell.home, tempfile::tempdir().unwrap());
    let mut shell = Terminal::at_home(&[&there.url("")], home);
    shell.expect(":/> ");
    shell.press("\x1b[A\x1b[A");
    shell.expect("ls one.txt");
    shell.press("\r");
    shell.expect("one.txt");
    shell.prompt();
}

/// A server that sends slowly, and a file that takes minutes.
fn slow() -> (Site, Server, String) {
    let site = Site::anna("rate_down = \"64 KiB\"\n");
    site.put("big", "0123456789abcdef".repeat(1 << 19));
    site.put("small", "small\n");
    let (server, port) = site.start();
    (site, server, format!("ftp://anna@127.0.0.1:{port}/"))
}

fn wait_for(what: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !what() {
        assert!(Instant::now() < until, "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ctrl_c_breaks_off_a_transfer_and_not_the_session() {
    let (_site, _server, url) = slow();
    let mut shell = Terminal::open(&[&url]);
    shell.expect(":/> ");
    shell.line("cat big > part");
    let part = shell.home.path().join("part");
    wait_for(|| std::fs::metadata(&part).is_ok_and(|m| m.len() > 0));
    shell.press("\x03");
    shell.prompt();
    shell.line("ls");
    shell.expect("big");
    shell.expect("small");
    shell.prompt();
    shell.line("status");
    let said = shell.expect("jobs     0");
    assert!(!said.contains("lost"), "{said}");
    assert!(std::fs::metadata(&part).unwrap().len() < 8 << 20);
}

#[test]
fn jobs_run_in_the_background_and_are_waited_for_or_killed() {
    let (_site, _server, url) = slow();
    let mut shell = Terminal::open(&[&url]);
    shell.expect(":/> ");
    shell.line("cat big > part &");
    shell.expect("[1]");
    shell.expect(":/> ");
    shell.line("cat small > copy &");
    shell.expect("done: cat small > copy");
    shell.line("jobs");
    shell.expect("[1] running: cat big > part");
    shell.line("exit");
    shell.expect("a job is still running");
    // Ctrl-C ends the waiting, and not the job.
    shell.line("wait 1");
    shell.expect("waiting for [1] cat big > part");
    shell.press("\x03");
    shell.expect("> ");
    shell.line("jobs");
    shell.expect("[1] running");
    shell.line("kill 1");
    shell.expect("[1] broken off: cat big > part");
    assert_eq!(std::fs::read_to_string(shell.home.path().join("copy")).unwrap(), "small\n");
    shell.line("kill 9");
    shell.expect("there is no job 9");
    shell.line("exit");
    shell.ended();
}

#[test]
fn a_script_waits_for_its_jobs() {
    let there = There::new();
    let folder = tempfile::tempdir().unwrap();
    let commands = format!("lcd {}; cat one.txt > a & cat nothing > b &", folder.path().display());
    let said = script(&there, &[], &commands);
    assert!(said.code == 78 && said.err.contains("failed (exit code 78): cat nothing > b"), "{said:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "first\n");
}

#[test]
fn a_connection_that_was_lost_is_made_again_and_that_is_said() {
    let site = Site::anna("[limits]\nidle_seconds = 1\n");
    site.put("small", "small\n");
    let (mut server, port) = site.start();
    let mut shell = Terminal::open(&[&format!("ftp://anna@127.0.0.1:{port}/")]);
    shell.expect(":/> ");
    server.line_with("CRK-112");
    shell.line("cat small");
    shell.expect("small\n");
    shell.expect("the connection to the server was lost; connected again");
    shell.expect(":/> ");
    shell.line("close");
    shell.expect("carrack> ");
    shell.line("ls");
    shell.expect("there is no server yet; open URL");
}

#[test]
fn modes_are_switched_and_lines_are_shown() {
    let there = There::new();
    let mut shell = Terminal::open(&[&there.url("")]);
    shell.expect(":/> ");
    shell.line("verbose on");
    shell.expect("> to the server");
    shell.line("cat one.txt");
    shell.expect("> RETR /one.txt");
    shell.expect("first");
    shell.line("verbose off");
    shell.expect("lines are not shown");
    shell.line("active");
    shell.expect("active: the server connects");
    shell.line("trace on");
    shell.expect("is drawn");
    shell.line("cat one.txt");
    shell.expect("first");
    shell.expect("RETR /one.txt");
    shell.line("status");
    let said = shell.expect("trace    on");
    assert!(said.contains("data     active") && !shell.all.contains(PASSWORD), "{said}");
}

#[test]
fn another_user_logs_in_and_a_wrong_password_changes_nothing() {
    let there = There::new();
    let said = script(&there, &[], "user nobody wrong; pwd; ls one.txt");
    assert!(said.err.contains("CRK-707") && said.out == "/\none.txt\n" && said.code == 0, "{said:?}");
}

#[test]
fn files_are_fetched_and_stored_from_where_one_is() {
    let there = There::new();
    let folder = tempfile::tempdir().unwrap();
    let local = |name: &str| folder.path().join(name);
    std::fs::write(local("up 1"), "one up\n").unwrap();
    std::fs::write(local("up 2"), "two up\n").unwrap();
    let commands = [
        &format!("lcd {}", folder.path().display()),
        "get one.txt",
        "get one.txt other",
        "mget *.txt -j 2",
        "cd sub",
        "get 'deep/a b'",
        "put 'up 1' up",
        "mput up*",
        "mkdir -p new/inner",
        "mv up new/moved",
        "chmod 600 new/moved",
        "cd",
        "mirror sub there",
        "mirror -R there back",
        "ls back",
    ];
    let said = script(&there, &["-e"], &commands.join("\n"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.ends_with("deep\nnew\nthree\nup 1\nup 2\n"), "{said:?}");
    for (name, content) in [
        ("one.txt", "first\n"),
        ("other", "first\n"),
        ("two.txt", "the second\n"),
        ("a b", "x"),
        ("there/new/moved", "one up\n"),
        ("there/up 2", "two up\n"),
    ] {
        assert_eq!(std::fs::read_to_string(local(name)).unwrap(), content, "{name}");
    }
    assert_eq!(std::fs::read_to_string(there.path("back/new/moved")).unwrap(), "one up\n");
}

#[test]
fn text_is_copied_as_text_once_that_is_asked_for() {
    let there = There::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("up"), "a\nb\n").unwrap();
    let commands = format!("verbose on; lcd {}; ascii; get one.txt; put up; binary; get two.txt", folder.path().display());
    let said = script(&there, &["-e"], &commands);
    let order: Vec<&str> = said.err.lines().filter(|l| ["> TYPE", "> RETR", "> STOR"].iter().any(|w| l.starts_with(w))).collect();
    let at = |words: &str| order.iter().position(|line| line.starts_with(words)).unwrap_or_else(|| panic!("{words}: {order:?}"));
    assert!(at("> TYPE A") < at("> RETR /one.txt") && at("> RETR /one.txt") < at("> STOR"), "{order:?}");
    assert!(!order[at("> RETR /two.txt") - 1].contains("TYPE A"), "{order:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("one.txt")).unwrap(), "first\n");
    assert_eq!(std::fs::read_to_string(there.path("up")).unwrap(), "a\nb\n");
}

#[test]
fn ctrl_c_breaks_off_a_fetch_which_is_gone_on_with() {
    let (site, _server, url) = slow();
    let mut shell = Terminal::open(&[&url]);
    shell.expect(":/> ");
    shell.line("get big");
    let home = shell.home.path().to_owned();
    // What has come stands under a passing name.
    let has_begun =
        || std::fs::read_dir(&home).unwrap().flatten().any(|e| e.metadata().is_ok_and(|m| m.is_file() && m.len() > 0));
    wait_for(has_begun);
    shell.press("\x03");
    shell.expect(":/> ");
    assert!(!shell.home.path().join("big").exists(), "nothing half-written stands under its name");
    shell.line("ls");
    shell.expect("small");
    shell.expect(":/> ");
    shell.line("get small && echo");
    shell.expect("echo: no such command");
    shell.line("get big &");
    shell.expect("[1]");
    shell.line("kill 1");
    shell.expect("[1] broken off: get big");
    assert_eq!(std::fs::read(shell.home.path().join("small")).unwrap(), std::fs::read(site.data("small")).unwrap());
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let there = There::new();
    let mut shell = Terminal::open(&[&there.url("")]);
    shell.expect(":/> ");
    shell.line("user nobody");
    shell.expect("Password for nobody@127.0.0.1: ");
    shell.line("geheim");
    shell.expect("CRK-707");
    shell.expect(":/> ");
    shell.line("user carrack");
    shell.expect("Password for carrack@127.0.0.1: ");
    shell.line(PASSWORD);
    shell.expect(":/> ");
    shell.line("ls");
    shell.expect("one.txt");
    assert!(!shell.all.contains("geheim") && !shell.all.contains(PASSWORD), "{}", shell.all);
}

#[test]
fn ctrl_c_at_the_question_for_a_password_breaks_it_off() {
    let there = There::new();
    let mut shell = Terminal::open(&[&there.url("")]);
    shell.expect(":/> ");
    shell.line("user nobody");
    shell.expect("Password for nobody@127.0.0.1: ");
    shell.press("geheim\x03");
    shell.expect("CRK-");
    shell.expect(":/> ");
    shell.line("cat one.txt");
    shell.expect("first");
    shell.expect(":/> ");
    // Ctrl-D is no password, either.
    shell.line("user nobody");
    shell.expect("Password for nobody@127.0.0.1: ");
    shell.press("\x04");
    shell.expect("CRK-760");
    shell.expect(":/> ");
    assert!(!shell.all.contains("geheim"), "{}", shell.all);
    // A command that runs alone ends.
    let mut alone = carrack(&["ls", &format!("ftp://nobody@127.0.0.1:{}/", there.port)]);
    let mut alone = Terminal::start(alone.env_remove("CARRACK_PASSWORD"), tempfile::tempdir().unwrap());
    alone.expect("Password for nobody@127.0.0.1: ");
    alone.press("geheim\x03");
    assert_eq!(alone.ended(), 130, "{}", alone.all);
}

#[test]
fn a_shell_over_tls_is_a_shell() {
    let there = There::new();
    let mut shell = Terminal::open(&["shell", "--tls", "--tls-insecure", &there.url("")]);
    shell.expect("connected (protected by TLS)");
    shell.expect(":/> ");
    shell.line("get one.txt");
    shell.expect("1 file, 6 B");
    shell.expect(":/> ");
    shell.press("cat tw\t");
    shell.expect("two.txt ");
    shell.press("\r");
    shell.expect("the second");
    shell.expect(":/> ");
    shell.line("put one.txt again");
    shell.expect("1 file, 6 B");
    shell.expect(":/> ");
    shell.line("bye");
    assert_eq!(shell.ended(), 0, "{}", shell.all);
    assert_eq!(std::fs::read(there.path("again")).unwrap(), b"first\n");
}

#[test]
fn what_users_of_ftp_type_does_what_they_mean() {
    let there = There::new();
    let mut shell = Terminal::open(&["shell"]);
    shell.expect("carrack> ");
    shell.line(&format!("open {}", there.url("")));
    shell.expect(":/> ");
    std::fs::create_dir(shell.home.path().join("down")).unwrap();
    for (line, shown) in [
        ("bin", "as they are"),
        ("prompt", "never ask"),
        ("passive", "active: the server connects"),
        ("passive", "passive: "),
        ("lcd down", "/down\n"),
        ("dir", "two.txt"),
        ("cd sub", ":/sub"),
        ("cdup", ":/"),
        ("mget *.txt", "2 files, 17 B"),
        ("!ls", "one.txt"),
        ("rename one.txt first.txt", ":/"),
        ("ascii", "as text"),
        ("delete first.txt", ":/"),
        ("nlist", "two.txt"),
        ("close", "carrack"),
        ("lls", "one.txt"),
    ] {
        shell.line(line);
        let said = shell.prompt();
        assert!(said.contains(shown), "{line}: {said}");
    }
    // Names of this machine are completed where one is meant.
    shell.press(&format!("open {}\r", there.url("")));
    shell.expect(":/> ");
    shell.press("put on\t");
    shell.expect("one.txt ");
    // Text has a CR more on the network.
    shell.press("back.txt\r");
    shell.expect("1 file, 7 B");
    shell.expect(":/> ");
    shell.line("quit");
    assert_eq!(shell.ended(), 0, "{}", shell.all);
    assert!(!there.path("first.txt").exists() && there.path("back.txt").exists());
    assert_eq!(std::fs::read(shell.home.path().join("down/two.txt")).unwrap(), b"the second\n");
}
