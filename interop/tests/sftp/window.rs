//! What does a client cost that asks for much and takes nothing? Nothing that grows: not to the server, and not to the
//! other channels of its connection, be it the window that is shut or keys that are being exchanged.

use std::fs::File;

use crate::{Site, site};
use interop::need;

/// Raw SFTP on a channel of paramiko's, which adjusts a window only when what came is taken.
const RAW: &str = r#"
import sys, struct, threading, time, paramiko
port, user, password, key = sys.argv[1:]
pid = PID
def memory():
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(port), user, password=password, allow_agent=False, look_for_keys=False)
transport = client.get_transport()
def text(b):
    return struct.pack(">I", len(b)) + b
def packet(kind, id, rest=b""):
    return text(bytes([kind]) + struct.pack(">I", id) + rest)
class Raw:
    def __init__(self):
        self.channel = transport.open_session()
        self.channel.settimeout(60)
        self.channel.invoke_subsystem("sftp")
        self.channel.sendall(packet(1, 3))
        assert self.reply()[0] == 2
    def take(self, n):
        b = b""
        while len(b) < n:
            more = self.channel.recv(n - len(b))
            assert more, "closed"
            b += more
        return b
    def reply(self):
        return self.take(struct.unpack(">I", self.take(4))[0])
    def open(self, name):
        self.channel.sendall(packet(3, 1, text(name) + struct.pack(">II", 1, 0)))
        said = self.reply()
        assert said[0] == 102, said
        return said[9:]
    def read(self, id, handle, at, n):
        return packet(5, id, text(handle) + struct.pack(">QI", at, n))
"#;

fn run(site: &Site, script: &str) {
    let pid = format!("PID = {}\n", site.server.pid());
    let ran = site.script(&interop::python("paramiko"), &[&pid, RAW, script].concat());
    assert!(ran.status.success(), "{}\n{}", ran.said, site.server.log());
}

/// A server with a file of 64 MiB, where paramiko is there.
fn ready() -> Option<Site> {
    if !interop::python("paramiko").exists() {
        interop::skip("paramiko is not installed");
        return None;
    }
    let site = site("");
    File::create(site.server.root().join("big")).unwrap().set_len(64 << 20).unwrap();
    Some(site)
}

#[test]
fn a_channel_that_takes_nothing_costs_a_few_megabytes_and_no_other_channel_its_answers() {
    need!("python3");
    need!("ssh-keygen");
    let Some(site) = ready() else { return };
    run(
        &site,
        r#"
deaf = Raw()
handle = deaf.open(b"/big")
before = memory()
# 75 MiB are asked for, of which the window holds 2 MiB.
deaf.channel.sendall(b"".join(deaf.read(n, handle, n % 256 * 255 * 1024, 255 * 1024) for n in range(300)))
for turn in range(20):
    # The first channel's window is shut, and this one is answered all the same.
    other = Raw()
    theirs = other.open(b"/big")
    other.channel.sendall(other.read(7, theirs, 0, 1000))
    said = other.reply()
    assert said[:5] == b"\x67\0\0\0\x07" and len(said) == 1009, said[:20]
    other.channel.close()
    grown = memory() - before
    assert grown < 48 * 1024, f"{grown} KiB"
# Taken in the end, all of it comes, in order.
for n in range(300):
    said = deaf.reply()
    assert said[0] in (103, 101) and struct.unpack(">I", said[1:5])[0] == n, (n, said[:9])
"#,
    );
}

#[test]
fn answers_longer_than_their_requests_do_not_pile_up() {
    need!("python3");
    need!("ssh-keygen");
    let Some(site) = ready() else { return };
    run(
        &site,
        r#"
deaf = Raw()
before = memory()
# Unknown requests of 9 bytes, each answered by ten times as many, until the server has enough of it.
junk = b"".join(packet(99, n) for n in range(100000))
try:
    for turn in range(40):
        deaf.channel.sendall(junk)
        grown = memory() - before
        assert grown < 64 * 1024, f"{grown} KiB after {turn} turns"
    raise SystemExit("it took everything")
except (OSError, EOFError):
    pass
# Others are served.
client.connect("127.0.0.1", int(port), user, password=password, allow_agent=False, look_for_keys=False)
transport = client.get_transport()
Raw().open(b"/big")
"#,
    );
}

#[test]
fn nothing_piles_up_while_keys_are_exchanged() {
    need!("python3");
    need!("ssh-keygen");
    let Some(site) = ready() else { return };
    run(
        &site,
        r#"
one = Raw()
handle = one.open(b"/big")
before = memory()
# paramiko answers the server's KEXINIT only when it may.
may, begun = threading.Event(), threading.Event()
table = dict(transport._handler_table)
negotiate = table[20]
def late(m):
    begun.set()
    may.wait(60)
    return negotiate(m)
table[20] = late
transport._handler_table = table
count = 300
for n in range(count):
    one.channel.sendall(one.read(n, handle, n % 256 * 255 * 1024, 255 * 1024))
taken = threading.Thread(target=transport.renegotiate_keys)
taken.start()
assert begun.wait(60), "the server takes part"
for turn in range(50):
    grown = memory() - before
    assert grown < 48 * 1024, f"{grown} KiB"
    time.sleep(0.01)
may.set()
for n in range(count):
    said = one.reply()
    assert said[0] in (103, 101) and struct.unpack(">I", said[1:5])[0] == n, (n, said[:9])
taken.join()
one.channel.sendall(one.read(9, handle, 0, 10))
assert one.reply()[-10:] == bytes(10)
"#,
    );
}
