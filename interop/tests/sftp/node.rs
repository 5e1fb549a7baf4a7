//! ssh2-sftp-client: Node's.

use crate::site;
use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::need;
use std::path::Path;

#[test]
fn puts_and_gets() {
    need!("node");
    need!("ssh-keygen");
    if !interop::node_modules().join("ssh2-sftp-client").exists() {
        return interop::skip("ssh2-sftp-client is not installed");
    }
    let site = site("");
    make_tree(&site.place("out"));
    make(&site.place("big"), 10_000_000, 11);
    let ran = site.script(
        Path::new("node"),
        r#"
const Client = require("ssh2-sftp-client"), fs = require("fs"), assert = require("assert");
const [port, username, password, key] = process.argv.slice(2);
(async () => {
    const sftp = new Client();
    await sftp.connect({ host: "127.0.0.1", port: Number(port), username, privateKey: fs.readFileSync(key) });
    await sftp.uploadDir("out", "/up");
    await sftp.downloadDir("/up", "back");
    await sftp.fastPut("big", "/big");
    await sftp.fastGet("/big", "big.back");
    await sftp.append(Buffer.from("more"), "/appended").catch(() => sftp.put(Buffer.from("more"), "/appended"));
    assert.strictEqual(await sftp.exists("/appended"), "-");
    await sftp.rename("/appended", "/renamed");
    assert.strictEqual((await sftp.list("/")).length, 3);
    await sftp.rmdir("/up", true);
    assert.strictEqual(await sftp.exists("/up"), false);
    await sftp.end();
    const other = new Client();
    await other.connect({ host: "127.0.0.1", port: Number(port), username, password });
    assert.strictEqual(await other.cwd(), "/");
    await other.end();
})().catch((e) => { console.error(e); process.exit(1); });
"#,
    );
    ran.well();
    assert_same_trees(&site.place("out"), &site.place("back"));
    assert_same(&site.place("big"), &site.place("big.back"));
}
