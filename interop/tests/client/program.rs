//! The program's course: what somebody types, its exit codes, and copies that are killed and gone on with.

use std::path::Path;
use std::process::Command;

use interop::files;
use interop::outside::{Kind, Outside, Tls};
use interop::run::{Ran, killed_in_its_midst, run};

use super::course::start;

/// The file that is cut off, and the rate it has: whoever looks has half a minute.
const LARGE: usize = 32 << 20;
const RATE: &str = "1M";

/// The program and the server it is used with.
struct Course {
    url: String,
    ca: Option<String>,
    home: tempfile::TempDir,
}

pub(crate) fn plain(kind: Kind) {
    let Some(server) = start(kind, false, Tls::Off, false) else { return };
    course(kind, &server);
}

pub(crate) fn secure(kind: Kind) {
    let Some(server) = start(kind, false, Tls::V13, false) else { return };
    course(kind, &server);
}

fn course(kind: Kind, server: &Outside) {
    let url = format!("ftp://{}@{}/", interop::USER, server.address());
    let course = Course { url, ca: server.authority().map(str::to_owned), home: tempfile::tempdir().unwrap() };
    course.files(server.root());
    course.trees(kind, server.root());
    course.failures();
    course.cut_off(server);
}

impl Course {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(interop::carrack());
        command.args(words).args(match &self.ca {
            Some(file) => vec!["--tls", "--ca", file],
            None => vec!["--no-tls"],
        });
        command.env("CARRACK_PASSWORD", interop::PASSWORD).env("HOME", self.home.path()).env("TZ", "UTC");
        command.env_remove("XDG_CONFIG_HOME").current_dir(self.home.path());
        command
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words))
    }

    #[track_caller]
    fn code(&self, words: &[&str]) -> (i32, String) {
        let ran = self.run(words);
        (ran.status.code().unwrap(), ran.said)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// One file there and back, seen from all sides.
    fn files(&self, root: &Path) {
        let here = self.home.path();
        files::make(&here.join("a file"), 300_000, 1);
        self.run(&["put", "a file", &self.url("")]).well();
        files::assert_same(&here.join("a file"), &root.join("a file"));
        let listed = self.run(&["ls", "--json", &self.url("")]).well().said;
        let line = listed.lines().find(|line| line.contains("\"path\":\"a file\"")).unwrap_or_else(|| panic!("{listed}"));
        assert!(line.contains("\"size\":300000") && line.contains("\"type\":\"file\""), "{line}");
        self.run(&["get", &self.url("a%20file"), "back"]).well();
        files::assert_same(&here.join("a file"), &here.join("back"));
        self.run(&["mkdir", &self.url("folder")]).well();
        self.run(&["mv", &self.url("a%20file"), &self.url("folder/b")]).well();
        self.run(&["cat", &self.url("folder/b")]).well();
        self.run(&["rm", "-r", &self.url("folder")]).well();
        assert!(!root.join("folder").exists());
    }

    /// A tree up and down; then there is nothing left to do.
    fn trees(&self, kind: Kind, root: &Path) {
        let here = self.home.path();
        files::make_tree(&here.join("tree"));
        if kind == Kind::Pureftpd {
            std::fs::remove_file(here.join("tree/back\\slash.txt")).unwrap();
        }
        // Times in listings that are not MLSD's are rounded.
        let mirror = |from: &str, to: &str| self.run(&["mirror", "--size-only", "--json", from, to]).well().said;
        mirror("tree", &self.url("there"));
        files::assert_same_trees(&here.join("tree"), &root.join("there"));
        mirror(&self.url("there"), "again");
        files::assert_same_trees(&here.join("tree"), &here.join("again"));
        let said = mirror("tree", &self.url("there"));
        assert!(said.contains("\"files\":0,"), "{said}");
    }

    /// Each kind of failure has its exit code.
    fn failures(&self) {
        let (code, said) = self.code(&["get", &self.url("nothing"), "nowhere"]);
        assert!(code == 78 || code == 9, "{code}: {said}");
        assert!(!self.home.path().join("nowhere").exists());
        let mut wrong = self.command(&["ls", "--retries", "0", &self.url("")]);
        let ran = run(wrong.env("CARRACK_PASSWORD", "wrong"));
        assert!(ran.status.code() == Some(67) && ran.said.contains("CRK-707"), "{ran:?}");
        if self.ca.is_some() {
            let mut command = self.command(&[]);
            command = Command::new(command.get_program());
            let words = ["ls", "--tls", "--retries", "0", &self.url("")];
            let ran = run(command.args(words).env("CARRACK_PASSWORD", interop::PASSWORD).env("HOME", self.home.path()));
            assert!(ran.status.code() == Some(60) && ran.said.contains("CRK-780"), "{ran:?}");
        }
    }

    /// A copy is killed in its midst; the same command again goes on, and what is there is the same.
    fn cut_off(&self, server: &Outside) {
        let here = self.home.path();
        files::make(&server.root().join("large"), LARGE, 2);
        server.hand_over(&server.root().join("large")).unwrap();
        let there = self.url("large");
        self.kill_at_half(&["get", "-n", "1", "--limit-rate", RATE, &there, "large"], here, "large");
        let ran = self.run(&["get", "-n", "1", "-v", &there, "large"]).well();
        assert!(ran.said.contains("> REST "), "it began anew: {}", ran.said);
        files::assert_same(&server.root().join("large"), &here.join("large"));
        let up = self.url("up");
        self.kill_at_half(&["put", "--limit-rate", RATE, "large", &up], server.root(), "up");
        self.run(&["put", "large", &up]).well();
        files::assert_same(&here.join("large"), &server.root().join("up"));
        self.cut_off_mirror(server);
    }

    /// So is a mirror; when it is through the trees are equal, and nothing of the one that was killed is left.
    fn cut_off_mirror(&self, server: &Outside) {
        let (mine, theirs) = (self.home.path().join("killed"), server.root().join("killed"));
        files::make(&mine.join("small"), 10_000, 3);
        files::make(&mine.join("large"), LARGE, 4);
        std::fs::create_dir(&theirs).unwrap();
        server.hand_over(&theirs).unwrap();
        let there = self.url("killed");
        self.kill_at_half(&["mirror", "--size-only", "--limit-rate", RATE, "killed", &there], &theirs, "large");
        self.run(&["mirror", "--size-only", "killed", &there]).well();
        files::assert_same_trees(&mine, &theirs);
    }

    /// Kills a copy once a part of the file is in the folder, under whatever name.
    fn kill_at_half(&self, words: &[&str], folder: &Path, name: &str) {
        killed_in_its_midst(&mut self.command(words), folder, name, (2 << 20, LARGE as u64));
    }
}
