//! paramiko: Python's first SSH library, which asks for a whole file at once.

use crate::site;
use interop::files::{assert_same, make};
use interop::need;

#[test]
fn reads_and_writes() {
    need!("python3");
    need!("ssh-keygen");
    let python = interop::python("paramiko");
    if !python.exists() {
        return interop::skip("paramiko is not installed");
    }
    let site = site("");
    make(&site.place("big"), 20_000_000, 11);
    let ran = site.script(
        &python,
        r#"
import sys, stat, paramiko
port, user, password, key = sys.argv[1:]
def connect(**how):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", int(port), user, allow_agent=False, look_for_keys=False, **how)
    return client
client = connect(password=password)
sftp = client.open_sftp()
sftp.put("big", "/big")
sftp.get("/big", "back")
with sftp.open("/text", "w") as f:
    f.write("hello world")
with sftp.open("/text", "r+") as f:
    f.seek(6)
    f.write("there")
    f.seek(0)
    assert f.read() == b"hello there", "in place"
with sftp.open("/text", "a") as f:
    f.write("!")
assert sftp.stat("/text").st_size == 12
sftp.truncate("/text", 5)
assert sftp.open("/text").read() == b"hello"
sftp.symlink("text", "/link")
assert sftp.readlink("/link") == "text"
assert stat.S_ISLNK(sftp.lstat("/link").st_mode)
sftp.mkdir("/d"); sftp.rename("/text", "/d/text"); sftp.chmod("/d/text", 0o600); sftp.utime("/d/text", (1, 981173106))
assert sftp.stat("/d/text").st_mtime == 981173106
assert sorted(sftp.listdir("/")) == ["big", "d", "link"], sftp.listdir("/")
try:
    sftp.open("/nowhere"); raise SystemExit("a file that is not there was opened")
except FileNotFoundError:
    pass
client.close()
client = connect(key_filename=key)
assert client.open_sftp().normalize(".") == "/"
client.close()
"#,
    );
    ran.well();
    assert_same(&site.place("big"), &site.place("back"));
    assert_same(&site.place("big"), &site.server.root().join("big"));
}
