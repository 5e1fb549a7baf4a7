//! Python's tftpy: blksize and tsize, both ways.

use std::path::Path;
use std::time::Duration;

use super::{Site, UPLOADS, lengths};
use interop::run::run_with;
use interop::{skip, tftpy};

/// Up or down, as told: `get|put HOST PORT BLKSIZE REMOTE LOCAL`.
const SCRIPT: &str = r"
import sys, tftpy
what, host, port, block, remote, local = sys.argv[1:]
client = tftpy.TftpClient(host, int(port), {'blksize': int(block), 'tsize': 0} if what == 'get' else {'blksize': int(block)})
(client.download if what == 'get' else client.upload)(remote, local)
";

fn moves(block: usize) {
    if !tftpy().exists() {
        return skip("tftpy is not there (PyPI)");
    }
    let site = Site::new(UPLOADS);
    let python = |what: &str, remote: &str, local: &Path| {
        let mut command = std::process::Command::new(tftpy());
        let local = local.to_str().unwrap();
        command.args(["-c", SCRIPT, what, "127.0.0.1", &site.port(false), &block.to_string(), remote, local]);
        run_with(&mut command, "", Duration::from_secs(60)).well();
    };
    site.down(&lengths(block), |name, to| python("get", name, to));
    site.up(&lengths(block), |from, name| python("put", name, from));
}

#[test]
fn moves_in_small_blocks() {
    moves(512);
}

#[test]
fn moves_in_large_blocks() {
    moves(1428);
    moves(8192);
}
