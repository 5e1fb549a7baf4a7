//! Node's basic-ftp over TLS: it resumes the control connection's session. Empty files are left out: for one it ends the
//! connection before TLS stands.

use crate::site;
use interop::run::script;
use interop::{PASSWORD, USER, need, node_modules};

const SCRIPT: &str = r#"
const [modules, host, port, user, password, ca, implicit, version] = process.argv.slice(2);
const ftp = require(modules + "/basic-ftp");
const fs = require("fs"), crypto = require("crypto"), assert = require("assert");
(async () => {
    const client = new ftp.Client(20000);
    const secureOptions = { ca: fs.readFileSync(ca), minVersion: version, maxVersion: version };
    await client.access({ host, port: Number(port), user, password, secure: implicit ? "implicit" : true, secureOptions });
    fs.mkdirSync("out/below", { recursive: true });
    for (const n of [1, 2, 5000, 400000]) fs.writeFileSync("out/below/f" + n, crypto.randomBytes(n));
    await client.uploadFromDir("out", "up");
    await client.downloadToDir("back", "/up");
    for (const n of [1, 2, 5000, 400000])
        assert(fs.readFileSync("out/below/f" + n).equals(fs.readFileSync("back/below/f" + n)), "f" + n);
    assert.strictEqual((await client.list("/up/below")).length, 4);
    client.close();
    console.log("well");
})().catch(why => { console.error(why); process.exit(1); });
"#;

fn does_it_all(keys: &str, implicit: bool, version: &str) {
    need!("node");
    let modules = node_modules();
    if !modules.join("basic-ftp").exists() {
        interop::skip("basic-ftp is not installed (cargo xtask test does)");
        return;
    }
    let site = site(keys);
    let (host, port) = site.door(implicit);
    let kind = if implicit { "1" } else { "" };
    let arguments = [modules.to_str().unwrap(), host, &port.to_string(), USER, PASSWORD, &site.authority.file(), kind, version];
    let said = script("node", SCRIPT, ".cjs", &arguments, site.here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

#[test]
fn explicit() {
    does_it_all("", false, "TLSv1.2");
    does_it_all("", false, "TLSv1.3");
}

#[test]
fn implicit() {
    does_it_all("", true, "TLSv1.3");
}

#[test]
fn with_reuse_required() {
    does_it_all("data_reuse = \"require\"", false, "TLSv1.2");
}
