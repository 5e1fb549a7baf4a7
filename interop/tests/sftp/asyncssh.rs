//! asyncssh: many requests and channels at once on one connection, and SCP too.

use crate::site;
use interop::files::{assert_same, assert_same_trees, make, make_tree};
use interop::need;

#[test]
fn many_at_once() {
    need!("python3");
    need!("ssh-keygen");
    let python = interop::python("asyncssh");
    if !python.exists() {
        return interop::skip("asyncssh is not installed");
    }
    let site = site("");
    make_tree(&site.place("out"));
    // It takes no such name for one, whoever has it.
    std::fs::remove_file(site.place("out/back\\slash.txt")).unwrap();
    make(&site.place("big"), 10_000_000, 11);
    let ran = site.script(
        &python,
        r#"
import asyncio, sys, asyncssh
port, user, password, key = sys.argv[1:]
async def main():
    how = dict(port=int(port), username=user, known_hosts=None, client_keys=[key], config=None)
    async with asyncssh.connect("127.0.0.1", **how) as connection:
        async with connection.start_sftp_client() as sftp, connection.start_sftp_client() as other:
            await sftp.put("out", "up", recurse=True)
            await sftp.get("up", "back", recurse=True)
            await asyncio.gather(*(sftp.put("big", f"big{i}") for i in range(4)), *(other.put("big", f"more{i}") for i in range(4)))
            await asyncio.gather(*(other.get(f"big{i}", f"back{i}") for i in range(4)))
            assert (await sftp.statvfs("/")).bavail > 0
            await sftp.posix_rename("big0", "big1")
            assert not await sftp.exists("big0")
        await asyncssh.scp("big", (connection, "scp-up"))
        await asyncssh.scp((connection, "scp-up"), "scp-back")
    try:
        async with asyncssh.connect("127.0.0.1", **{**how, "client_keys": [], "password": "wrong", "preferred_auth": "password,keyboard-interactive"}):
            raise SystemExit("a wrong password lets in")
    except asyncssh.PermissionDenied:
        pass
asyncio.run(main())
"#,
    );
    ran.well();
    assert_same_trees(&site.place("out"), &site.place("back"));
    for name in ["back3", "scp-back"] {
        assert_same(&site.place("big"), &site.place(name));
    }
    assert_same(&site.place("big"), &site.server.root().join("more3"));
}
