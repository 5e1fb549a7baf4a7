//! Python's ftplib over TLS, as it comes and as people make it resume sessions.

use crate::site;
use interop::run::script;
use interop::{PASSWORD, USER, need};

const SCRIPT: &str = r#"
import ftplib, io, os, socket, ssl, sys
host, port, user, password, ca, kind, version = sys.argv[1:8]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
class Resuming(ftplib.FTP_TLS):
    "What people write to make ftplib resume the control connection's session."
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size
class Implicit(ftplib.FTP_TLS):
    def connect(self, host, port, timeout):
        self.host, self.port, self.timeout = host, port, timeout
        raw = socket.create_connection((host, port), timeout)
        self.af = raw.family
        self.sock = self.context.wrap_socket(raw, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome
kinds = {"plain": ftplib.FTP_TLS, "resuming": Resuming, "implicit": Implicit}
ftp = kinds[kind](context=context, encoding="utf-8")
ftp.connect(host, int(port), timeout=20)
if kind == "implicit":
    ftplib.FTP.login(ftp, user, password)
else:
    ftp.login(user, password)
ftp.prot_p()
assert ftp.sock.version() == "TLSv" + version, ftp.sock.version()
for n in [0, 1, 5000, 16384, 16385, 400000]:
    body = os.urandom(n)
    assert ftp.storbinary(f"STOR f{n}", io.BytesIO(body)).startswith("226")
    got = io.BytesIO()
    assert ftp.retrbinary(f"RETR f{n}", got.write).startswith("226")
    assert got.getvalue() == body, n
assert len(ftp.nlst()) == 6
assert len(dict(ftp.mlsd())) >= 6
lines = []
ftp.dir(lines.append)
text = []
ftp.storlines("STOR lines", io.BytesIO(b"one\ntwo\n"))
ftp.retrlines("RETR lines", text.append)
assert text == ["one", "two"]
if kind != "implicit":
    ftp.prot_c()
    ftp.storbinary("STOR clear", io.BytesIO(b"in clear"))
    ftp.prot_p()
ftp.quit()
print("well")
"#;

fn does_it_all(keys: &str, kind: &str, version: &str) {
    need!("python3");
    let site = site(keys);
    let (host, port) = site.door(kind == "implicit");
    let arguments = [host, &port.to_string(), USER, PASSWORD, &site.authority.file(), kind, version];
    let said = script("python3", SCRIPT, ".py", &arguments, site.here.path()).well().said;
    assert!(said.ends_with("well\n"), "{said}");
}

#[test]
fn as_it_comes() {
    does_it_all("", "plain", "1.2");
    does_it_all("", "plain", "1.3");
}

#[test]
fn resuming_where_that_is_required() {
    does_it_all("data_reuse = \"require\"", "resuming", "1.2");
    does_it_all("data_reuse = \"require\"", "resuming", "1.3");
}

#[test]
fn implicit() {
    does_it_all("", "implicit", "1.3");
}

#[test]
fn a_client_that_does_not_resume_is_refused_with_the_reason() {
    need!("python3");
    let site = site("data_reuse = \"require\"");
    let (host, port) = site.door(false);
    let arguments = [host, &port.to_string(), USER, PASSWORD, &site.authority.file(), "plain", "1.3"];
    let ran = script("python3", SCRIPT, ".py", &arguments, site.here.path());
    assert!(!ran.status.success());
    assert!(ran.said.contains("522") && ran.said.contains("CRK-315"), "{}", ran.said);
}
