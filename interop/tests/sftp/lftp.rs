//! lftp over SFTP: mirrors trees both ways.

use crate::site;
use interop::files::{assert_same_trees, make_tree};
use interop::run::run;
use interop::{USER, need};
use std::process::Command;

#[test]
fn mirrors() {
    need!("lftp");
    need!("ssh-keygen");
    let site = site("");
    make_tree(&site.place("out"));
    let connect = format!(
        "set sftp:connect-program 'ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         -o IdentitiesOnly=yes -i {}'; set net:max-retries 1; open -u {USER}, sftp://127.0.0.1:{}",
        site.key().display(),
        site.port()
    );
    let lftp = |what: &str| {
        let mut command = Command::new("lftp");
        command.args(["--norc", "-c", &format!("{connect}; {what}")]).env("HOME", site.here.path());
        run(command.current_dir(site.here.path())).well()
    };
    lftp("mirror -R out up");
    assert_same_trees(&site.place("out"), &site.server.root().join("up"));
    lftp("mirror up back");
    assert_same_trees(&site.place("out"), &site.place("back"));
}
