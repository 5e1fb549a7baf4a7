//! Python's ftplib: what scripts in the field use.

use interop::run::script;
use interop::{PASSWORD, Server, USER, Way, need};
use tempfile::TempDir;

const SCRIPT: &str = r#"
import ftplib, hashlib, io, os, sys, time
host, port, user, password, active = sys.argv[1:6]
names = ["plain.txt", "with space.txt", "quo\"te.txt", "apo'strophe", "ümläut-日本", "-dash", "percent%20", "semi;colon", "br[ack]et", "back\\slash", "a" * 200]
def connect():
    ftp = ftplib.FTP(encoding="utf-8")
    ftp.connect(host, int(port), timeout=20)
    ftp.login(user, password)
    ftp.set_pasv(active == "0")
    return ftp
ftp = connect()
def get(name, rest=None):
    got = io.BytesIO()
    ftp.retrbinary("RETR " + name, got.write, rest=rest)
    return got.getvalue()
for n, name in enumerate(names):
    body = os.urandom(5000 + n)
    assert ftp.storbinary("STOR " + name, io.BytesIO(body)).startswith("226"), name
    assert get(name) == body, name
    assert ftp.size(name) == len(body), name
assert sorted(ftp.nlst()) == sorted(names), ftp.nlst()
facts = dict(ftp.mlsd())
assert sorted(n for n, f in facts.items() if f["type"] == "file") == sorted(names), facts
assert facts["plain.txt"]["size"] == "5000"
lines = []
ftp.dir(lines.append)
assert len([l for l in lines if not l.startswith("total")]) == len(names), lines
# empty
ftp.storbinary("STOR empty", io.BytesIO(b""))
assert get("empty") == b"" and ftp.size("empty") == 0
# a folder, its name with quotes doubled in 257
assert ftp.mkd('di"r') == '/di"r'
ftp.cwd('di"r'); assert ftp.pwd() == '/di"r'; ftp.cwd("..")
assert ftp.pwd() == "/"
ftp.rename("plain.txt", 'di"r/moved')
assert get('di"r/moved', rest=4990) == get('di"r/moved')[4990:]
# append and restart of an upload
whole = os.urandom(300000)
ftp.storbinary("STOR resume", io.BytesIO(whole[:100000]))
ftp.storbinary("STOR resume", io.BytesIO(whole[100000:200000]), rest=100000)
ftp.storbinary("APPE resume", io.BytesIO(whole[200000:]))
assert get("resume") == whole
# times
assert ftp.sendcmd("MDTM resume").startswith("213 20")
ftp.delete('di"r/moved'); ftp.rmd('di"r')
try:
    ftp.size("nowhere"); raise SystemExit("a missing file has a size")
except ftplib.error_perm as why:
    assert str(why).startswith("550"), why
# abort in the middle of a download
ftp.storbinary("STOR large", io.BytesIO(b"x" * (64 << 20)))
data = ftp.transfercmd("RETR large")
data.recv(1000)
data.close()
end = ftp.getmultiline()
assert end[:3] in ("426", "226", "451"), end
assert ftp.voidcmd("NOOP").startswith("2")
# names with line ends never leave ftplib; the control connection is unhurt
try:
    ftp.delete("a\nDELE resume"); raise SystemExit("sent a line end")
except ValueError:
    pass
text = []
ftp.storlines("STOR lines", io.BytesIO(b"one\ntwo\nthree\n"))
ftp.retrlines("RETR lines", text.append)
assert text == ["one", "two", "three"], text
ftp.quit()
print("well")
"#;

fn does_it_all(way: Way) {
    need!("python3");
    let (server, here) = (Server::start(), TempDir::new().unwrap());
    let (host, port) = server.host_and_port(way);
    let active = if way.is_active() { "1" } else { "0" };
    let said = script("python3", SCRIPT, ".py", &[host, &port, USER, PASSWORD, active], here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

super::every_way!(does_it_all:
    does_it_all_passive_4 = Passive4, does_it_all_passive_6 = Passive6, does_it_all_active_4 = Active4, does_it_all_active_6 = Active6);
