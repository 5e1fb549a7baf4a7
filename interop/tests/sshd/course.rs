//! The whole program's course over `sftp://`, on OpenSSH and on ProFTPD's mod_sftp: what is copied is compared by checksum.

use interop::outside::{Kind, Outside, Tls, may_start};
use interop::run::{Ran, killed_in_its_midst};
use interop::sshd::Home;
use interop::{files, need_sshd};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// The file that is cut off, and the rate it has: whoever looks has half a minute.
const LARGE: usize = 32 << 20;
const RATE: &str = "1M";

/// A server, and who uses it.
struct Course {
    home: Home,
    /// Its folder as a URL, with the slash behind it.
    url: String,
    root: PathBuf,
    /// Whether it tells where links lead from its own root: such links are not made here.
    links_count_from_its_root: bool,
}

#[test]
fn on_openssh() {
    need_sshd!();
    let home = Home::new();
    let there = home.sshd("there", "");
    home.make_known(&[&there]);
    let (url, root) = (home.url("there", ""), home.at("files"));
    Course { home, url, root, links_count_from_its_root: false }.run();
}

#[test]
fn on_proftpd() {
    need_sshd!();
    if !may_start() {
        return interop::skip("mod_sftp wants root to be started");
    }
    let server = match Outside::start(Kind::ModSftp, false, Tls::Off, false) {
        Ok(server) => server,
        Err(why) => return interop::skip(&format!("mod_sftp does not start here: {why}")),
    };
    let home = Home::new();
    home.configure("Host 127.0.0.1\n StrictHostKeyChecking accept-new\n");
    let login = format!("machine 127.0.0.1 login {} password {}\n", interop::USER, interop::PASSWORD);
    home.write(".netrc", login);
    fs::set_permissions(home.at(".netrc"), fs::Permissions::from_mode(0o600)).expect("chmod");
    let url = format!("sftp://{}@{}//", interop::USER, server.address());
    Course { home, url, root: server.root().to_path_buf(), links_count_from_its_root: true }.run();
}

impl Course {
    fn run(&self) {
        self.files();
        self.names();
        self.trees();
        self.attributes();
        self.links();
        self.digests();
        self.failures();
        self.cut_off();
    }

    #[track_caller]
    fn ask(&self, words: &[&str]) -> Ran {
        self.home.carrack(words)
    }

    #[track_caller]
    fn well(&self, words: &[&str]) -> String {
        self.ask(words).well().said
    }

    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.url)
    }

    /// One file there and back, seen from all sides; an empty one, and one that takes many packets.
    fn files(&self) {
        for (name, length) in [("empty", 0), ("one", 1), ("file", 300_000), ("big", 20_000_003)] {
            files::make(&self.home.at(name), length, 1);
            self.well(&["put", name, &self.at("")]);
            files::assert_same(&self.home.at(name), &self.root.join(name));
            let back = format!("{name}.back");
            self.well(&["get", &self.at(name), &back]);
            files::assert_same(&self.home.at(name), &self.home.at(&back));
        }
        let listed = self.well(&["ls", "--json", &self.at("")]);
        let line = listed.lines().find(|line| line.contains("\"path\":\"file\"")).unwrap_or_else(|| panic!("{listed}"));
        assert!(line.contains("\"size\":300000") && line.contains("\"type\":\"file\""), "{line}");
        assert!(self.well(&["stat", &self.at("big")]).contains("20000003"));
        self.home.write("text", "a line\n");
        self.well(&["put", "text", &self.at("text")]);
        assert_eq!(self.well(&["cat", &self.at("text")]), "a line\n");
        // Onto what is there, shorter and longer than before.
        for body in ["other\n", "another line, longer than all of them\n"] {
            self.home.write("text", body);
            self.well(&["put", "text", &self.at("text")]);
            assert_eq!(fs::read_to_string(self.root.join("text")).expect("the file"), body);
        }
        self.well(&["mkdir", &self.at("folder")]);
        self.well(&["mv", &self.at("text"), &self.at("folder/moved")]);
        assert!(self.root.join("folder/moved").exists() && !self.root.join("text").exists());
        self.well(&["mv", &self.at("folder"), &self.at("other")]);
        self.well(&["rm", &self.at("other/moved")]);
        self.well(&["rm", "-r", &self.at("other")]);
        assert!(!self.root.join("other").exists());
        for name in ["empty", "one", "file", "big"] {
            self.well(&["rm", &self.at(name)]);
        }
        assert_eq!(fs::read_dir(&self.root).expect("a folder").count(), 0, "nothing else is left");
    }

    /// Names that mean something to shells, each by itself.
    fn names(&self) {
        self.home.write("odd", "odd");
        for name in files::ODD_NAMES {
            let shown = name.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
            self.well(&["put", "odd", &self.at(&shown)]);
            assert_eq!(fs::read(self.root.join(name)).expect(name), b"odd");
            assert_eq!(self.well(&["cat", &self.at(&shown)]), "odd");
            self.well(&["rm", &self.at(&shown)]);
            assert!(!self.root.join(name).exists());
        }
    }

    /// A tree up and down; then there is nothing left to do, and what the source has no more goes.
    fn trees(&self) {
        let tree = self.home.at("tree");
        files::make_tree(&tree);
        let mirror = |words: &[&str]| self.well(&[&["mirror", "--json"], words].concat());
        mirror(&["tree", &self.at("there")]);
        files::assert_same_trees(&tree, &self.root.join("there"));
        mirror(&[&self.at("there"), "again"]);
        files::assert_same_trees(&tree, &self.home.at("again"));
        for way in [["tree", &self.at("there")], [&self.at("there"), "again"]] {
            let said = mirror(&way);
            assert!(said.contains("\"files\":0,"), "{said}");
        }
        fs::remove_dir_all(tree.join("a folder")).expect("rm");
        fs::write(tree.join("plain.txt"), "changed, and of another length").expect("write");
        mirror(&["--delete", "tree", &self.at("there")]);
        files::assert_same_trees(&tree, &self.root.join("there"));
    }

    /// Modes and times.
    fn attributes(&self) {
        let time = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
        self.home.write("dated", "dated");
        fs::File::options().write(true).open(self.home.at("dated")).expect("open").set_modified(time).expect("a time");
        self.well(&["put", "dated", &self.at("dated")]);
        let about = || fs::metadata(self.root.join("dated")).expect("the file");
        assert_eq!(about().modified().expect("a time"), time);
        self.well(&["get", &self.at("dated"), "dated.back"]);
        assert_eq!(fs::metadata(self.home.at("dated.back")).expect("the file").modified().expect("a time"), time);
        self.well(&["chmod", "640", &self.at("dated")]);
        assert_eq!(about().mode() & 0o777, 0o640);
        // What takes its place has its mode.
        self.home.write("dated", "dated anew");
        self.well(&["put", "dated", &self.at("dated")]);
        assert_eq!((about().mode() & 0o777, about().len()), (0o640, 10));
        self.well(&["touch", "-d", "2001-02-03 04:05:06Z", &self.at("dated")]);
        assert_eq!(about().mtime(), 981_173_106);
        assert!(self.root.join("there").is_dir());
        fs::set_permissions(self.root.join("there"), fs::Permissions::from_mode(0o755)).expect("chmod");
        self.well(&["chmod", "u=rwx,go=", &self.at("there")]);
        assert_eq!(fs::metadata(self.root.join("there")).expect("the folder").mode() & 0o777, 0o700);
    }

    /// Links are seen, and copied as links where that is wished.
    fn links(&self) {
        let from = self.home.at("linked");
        fs::create_dir(&from).expect("mkdir");
        fs::write(from.join("file"), "behind the link").expect("write");
        symlink("file", from.join("link")).expect("a link");
        self.well(&["mirror", "--links", "linked", &self.at("linked")]);
        assert_eq!(fs::read_link(self.root.join("linked/link")).expect("a link").as_os_str(), "file");
        let back = self.ask(&["mirror", "--links", &self.at("linked"), "linked.back"]);
        if self.links_count_from_its_root {
            assert!(back.said.contains("CRK-764") && !self.home.at("linked.back/link").exists(), "{back:?}");
        } else {
            back.well();
            assert_eq!(fs::read_link(self.home.at("linked.back/link")).expect("a link").as_os_str(), "file");
        }
        assert_eq!(self.well(&["cat", &self.at("linked/link")]), "behind the link");
        self.well(&["rm", &self.at("linked/link")]);
        assert!(self.root.join("linked/file").exists());
    }

    /// Digests that the server cannot make are made here.
    fn digests(&self) {
        files::make(&self.home.at("summed"), 3_000_000, 5);
        self.well(&["put", "--checksum", "summed", &self.at("summed")]);
        let sum = interop::run::run(std::process::Command::new("sha256sum").arg(self.home.at("summed"))).well().said;
        let sum = sum.split(' ').next().expect("a sum").to_owned();
        let said = self.well(&["hash", "--algorithm", "sha256", &self.at("summed")]);
        assert!(said.contains(&sum), "{said}");
    }

    /// Each kind of failure has its code, and nothing comes of it here.
    fn failures(&self) {
        let failed = |words: &[&str], code: &str| {
            let ran = self.ask(words);
            assert!(!ran.status.success() && ran.said.contains(code), "{words:?}: {ran:?}");
        };
        failed(&["get", &self.at("nothing"), "nowhere"], "CRK-201");
        assert!(!self.home.at("nowhere").exists());
        failed(&["ls", &self.at("none/")], "CRK-201");
        failed(&["mkdir", &self.at("there")], "CRK-");
        failed(&["rm", &self.at("there")], "CRK-");
        assert!(self.root.join("there").is_dir());
    }

    /// A copy is killed in its midst; the same command again goes on, and what is there is the same.
    fn cut_off(&self) {
        files::make(&self.home.at("large.up"), LARGE, 2);
        let up = self.at("large");
        let kill = |words: &[&str], folder: &std::path::Path| {
            killed_in_its_midst(&mut self.home.command(words), folder, "large", (2 << 20, LARGE as u64));
        };
        kill(&["put", "--limit-rate", RATE, "large.up", &up], &self.root);
        let said = self.well(&["put", "-v", "large.up", &up]);
        assert!(!said.contains(&format!(" {LARGE} bytes")), "it began anew: {said}");
        files::assert_same(&self.home.at("large.up"), &self.root.join("large"));
        kill(&["get", "--limit-rate", RATE, &up, "large"], &self.home.at(""));
        let said = self.well(&["get", "-v", &up, "large"]);
        assert!(!said.contains(&format!(" {LARGE} bytes")), "it began anew: {said}");
        files::assert_same(&self.home.at("large.up"), &self.home.at("large"));
        assert!(
            !fs::read_dir(&self.root)
                .expect("a folder")
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().contains("part"))
        );
    }
}
