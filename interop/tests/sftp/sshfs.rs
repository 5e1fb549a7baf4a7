//! sshfs: a mounted folder, used as any other.

use crate::site;
use interop::files::{assert_same_trees, make_tree};
use interop::run::run;
use interop::{USER, need};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Taken away when dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("fusermount3").args(["-u", "-z"]).arg(&self.0).status();
    }
}

#[test]
fn daily_use() {
    need!("sshfs");
    need!("fusermount3");
    if !Path::new("/dev/fuse").exists() {
        return interop::skip("there is no /dev/fuse");
    }
    let site = site("");
    let folder = site.place("mounted");
    fs::create_dir(&folder).unwrap();
    let mut sshfs = Command::new("sshfs");
    sshfs.arg(format!("{USER}@127.0.0.1:/")).arg(&folder).args(["-p", &site.port(), "-F", "/dev/null"]);
    sshfs.args(["-o", "StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,IdentitiesOnly=yes"]);
    sshfs.arg("-o").arg(format!("IdentityFile={}", site.key().display()));
    run(&mut sshfs).well();
    let _mounted = Mounted(folder.clone());

    make_tree(&folder.join("tree"));
    run(Command::new("sync").arg("-f").arg(&folder)).well();
    make_tree(&site.place("alike"));
    assert_same_trees(&site.place("alike"), &folder.join("tree"));
    // Read and written in place, at any place, while it is open.
    let mut file = fs::File::options().read(true).write(true).create(true).truncate(true).open(folder.join("f")).unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(3)).unwrap();
    file.write_all(b"abc").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "012abc6789");
    file.set_len(4).unwrap();
    drop(file);
    fs::File::options().append(true).open(folder.join("f")).unwrap().write_all(b"!").unwrap();
    assert_eq!(fs::read_to_string(folder.join("f")).unwrap(), "012a!");
    // What editors do: write beside it, and put that in its place.
    fs::write(folder.join("f.new"), "new").unwrap();
    fs::set_permissions(folder.join("f.new"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(folder.join("f.new"), folder.join("f")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("f")).unwrap(), "new");
    run(Command::new("touch").args(["-d", "2001-02-03 04:05:06 UTC"]).arg(folder.join("f"))).well();
    std::os::unix::fs::symlink("f", folder.join("link")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("link")).unwrap(), "new");
    run(Command::new("cp").arg("-a").arg(folder.join("tree")).arg(folder.join("copy"))).well();
    assert_same_trees(&folder.join("tree"), &folder.join("copy"));
    run(Command::new("tar").args(["-cf", "tree.tar", "tree"]).current_dir(&folder)).well();
    run(Command::new("tar").args(["-xf", "tree.tar", "-C"]).arg(site.here.path()).current_dir(&folder)).well();
    assert_same_trees(&site.place("alike"), &site.place("tree"));
    fs::remove_dir_all(folder.join("tree")).unwrap();
    assert!(!site.server.root().join("tree").exists());
}
