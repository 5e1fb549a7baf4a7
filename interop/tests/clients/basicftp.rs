//! Node's basic-ftp: what web deployments use; passive only, the program knows no other.

use interop::run::script;
use interop::{PASSWORD, Server, USER, Way, need, node_modules};
use tempfile::TempDir;

const SCRIPT: &str = r#"
const [modules, host, port, user, password] = process.argv.slice(2);
const ftp = require(modules + "/basic-ftp");
const fs = require("fs"), path = require("path"), crypto = require("crypto"), assert = require("assert");
const names = ["plain.txt", "with space.txt", "quo\"te.txt", "apo'strophe", "ümläut-日本", "-dash", "percent%20", "semi;colon", "br[ack]et", "back\\slash"];
(async () => {
    const client = new ftp.Client(20000);
    const lines = [];
    client.ftp.log = line => lines.push(String(line));
    await client.access({ host, port: Number(port), user, password });
    fs.mkdirSync("out/a folder/below", { recursive: true });
    for (const name of names) fs.writeFileSync("out/" + name, crypto.randomBytes(5000));
    fs.writeFileSync("out/empty", "");
    fs.writeFileSync("out/a folder/below/deep", crypto.randomBytes(200000));
    await client.uploadFromDir("out", "up");
    await client.downloadToDir("back", "/up");
    for (const name of [...names, "empty", "a folder/below/deep"])
        assert(fs.readFileSync("out/" + name).equals(fs.readFileSync("back/" + name)), name);
    await client.cd("/up");
    const listed = (await client.list()).map(entry => entry.name);
    for (const name of names) assert(listed.includes(name), name + " is not in " + listed);
    assert.strictEqual(await client.size("plain.txt"), 5000);
    assert(lines.some(line => line.startsWith("> MLSD")), lines.join("\n"));
    await client.send("MFMT 20250102030405 plain.txt");
    assert.strictEqual((await client.lastMod("plain.txt")).toISOString(), "2025-01-02T03:04:05.000Z");
    // Going on where a transfer stopped, both ways.
    const whole = crypto.randomBytes(400000);
    fs.writeFileSync("whole", whole);
    fs.writeFileSync("head", whole.subarray(0, 150000));
    await client.uploadFrom("head", "resumed");
    await client.appendFrom("whole", "resumed", { localStart: 150000 });
    fs.writeFileSync("fetched", whole.subarray(0, 123456));
    await client.downloadTo("fetched", "resumed", 123456);
    assert(fs.readFileSync("fetched").equals(whole), "resumed file differs");
    await client.rename("resumed", "../moved");
    await client.cd("/");
    await client.remove("moved");
    await client.ensureDir("x/y/z"); await client.cd("/");
    await client.removeDir("x"); await client.removeDir("up");
    assert.deepStrictEqual(await client.list(), []);
    client.close();
    console.log("well");
})().catch(why => { console.error(why); process.exit(1); });
"#;

fn does_it_all(way: Way) {
    need!("node");
    let modules = node_modules();
    if !modules.join("basic-ftp").exists() {
        interop::skip("basic-ftp is not installed (cargo xtask test does)");
        return;
    }
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let (host, port) = server.host_and_port(way);
    let said = script("node", SCRIPT, ".cjs", &[modules.to_str().unwrap(), host, &port, USER, PASSWORD], here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

super::every_way!(does_it_all: does_it_all_passive_4 = Passive4, does_it_all_passive_6 = Passive6);
