# A client of FTP with the security extensions (RFC 2228) over Kerberos: ftplib, and the system's library by python3-gssapi.
import base64, ftplib, hashlib, io, os, struct, sys
import gssapi

port, folder = int(sys.argv[1]), sys.argv[2]


class Sealed:
    """A data connection whose bytes are sealed (RFC 2228)."""

    def __init__(self, sock, context, private):
        self.sock, self.context, self.private, self.rest = sock, context, private, b""
        self.whole = False

    def exactly(self, count):
        while len(self.rest) < count:
            came = self.sock.recv(65536)
            if not came:
                raise EOFError("the data connection ended inside a buffer")
            self.rest += came
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def recv(self, _):
        if self.whole:
            return b""
        (length,) = struct.unpack(">I", self.exactly(4))
        assert length <= 131072, length
        plain = self.context.unwrap(self.exactly(length))
        assert plain.encrypted == self.private, plain.encrypted
        self.whole = not plain.message
        return plain.message

    def makefile(self, _, encoding):
        body = b"".join(iter(lambda: self.recv(0), b""))
        return io.TextIOWrapper(io.BytesIO(body), encoding=encoding)

    def sendall(self, bytes):
        token = self.context.wrap(bytes, self.private).message
        self.sock.sendall(struct.pack(">I", len(token)) + token)

    def unwrap(self):
        pass

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Ftp(ftplib.FTP):
    context, verb, private, proved = None, None, None, True
    codes = set()

    def exchange(self, service):
        assert super().sendcmd("AUTH GSSAPI").startswith("334")
        name = gssapi.Name(service, gssapi.NameType.hostbased_service)
        flags = gssapi.RequirementFlag
        wanted = flags.mutual_authentication | flags.replay_detection | flags.confidentiality | flags.integrity
        context = gssapi.SecurityContext(name=name, mech=gssapi.MechType.kerberos, flags=wanted, usage="initiate")
        token = None
        while not context.complete:
            token = context.step(token)
            if token:
                reply = super().sendcmd("ADAT " + base64.b64encode(token).decode())
                _, found, token = reply.partition("ADAT=")
                token = base64.b64decode(token) if found else None
        self.context, self.verb = context, "ENC"

    def putcmd(self, line):
        if self.context and self.verb:
            token = self.context.wrap(line.encode() + b"\r\n", self.verb != "MIC").message
            line = self.verb + " " + base64.b64encode(token).decode()
        super().putcmd(line)

    def getline(self):
        line = super().getline()
        if line[:3] in ("631", "632", "633"):
            self.codes.add(line[:3])
            assert line[:3] == {"MIC": "631", "ENC": "632", "CONF": "633"}[self.verb], line
            opened = self.context.unwrap(base64.b64decode(line[4:]))
            assert opened.encrypted == (line[:3] != "631")
            inner = opened.message.decode().rstrip("\r\n")
            last = inner[:3].isdigit() and inner[3:4] == " "
            assert (line[3] == " ") == last, (line[:4], inner)
            return inner
        assert not (self.context and self.verb), "a reply in clear: " + line
        return line

    def ntransfercmd(self, cmd, rest=None):
        conn, size = super().ntransfercmd(cmd, rest)
        return (conn if self.private is None else Sealed(conn, self.context, self.private)), size

    def store(self, name, body):
        self.voidcmd("TYPE I")
        with self.transfercmd("STOR " + name) as conn:
            for at in range(0, len(body), 60000):
                conn.sendall(body[at : at + 60000])
            if self.private is not None and self.proved:
                conn.sendall(b"")
        self.voidresp()

    def fetch(self, name):
        body = io.BytesIO()
        self.retrbinary("RETR " + name, body.write)
        return body.getvalue()


def refused(code, act):
    try:
        act()
    except ftplib.Error as error:
        assert str(error).startswith(code), error
    else:
        raise AssertionError("not refused")


def session():
    ftp = Ftp()
    ftp.connect("localhost", port, timeout=60)
    return ftp


body = open(os.path.join(folder, "body"), "rb").read()
ftp = session()
features = ftp.sendcmd("FEAT")
for wanted in ("AUTH GSSAPI", "ADAT", "MIC", "CONF", "ENC", "PBSZ", "PROT"):
    assert "\n " + wanted in features, features
refused("503", lambda: ftp.sendcmd("MIC AAAA"))
assert ftp.sendcmd("AUTH GSSAPI").startswith("334")
refused("501", lambda: ftp.sendcmd("ADAT !!!!"))
refused("535", lambda: ftp.sendcmd("ADAT " + base64.b64encode(os.urandom(3000)).decode()))
ftp.exchange("ftp@localhost")
refused("503", lambda: ftp.sendcmd("PROT P"))
reply = ftp.sendcmd("USER anna")
assert reply.startswith("232"), reply
assert ftp.sendcmd("PBSZ 1048576").endswith("PBSZ=131072")
for verb in ("MIC", "CONF", "ENC"):
    ftp.verb = verb
    assert ftp.sendcmd("PWD").startswith("257")
    assert "\n" in ftp.sendcmd("FEAT")
    assert "\n" in ftp.sendcmd("STAT /")
    for level, private in (("C", None), ("S", False), ("E", True), ("P", True)):
        ftp.sendcmd("PROT " + level)
        ftp.private = private
        name = "up-" + verb + level
        for ftp.proved in (True, False):
            ftp.store(name, body)
            assert ftp.fetch(name) == body
        ftp.store("empty", b"")
        assert ftp.fetch("empty") == b""
        assert name in ftp.nlst(), name
assert ftp.codes == {"631", "632", "633"}, ftp.codes
# A command that comes twice, one in clear, one that was changed.
token = ftp.context.wrap(b"PWD\r\n", True).message
line = "ENC " + base64.b64encode(token).decode()
ftplib.FTP.putcmd(ftp, line)
assert ftp.getresp().startswith("257")
ftplib.FTP.putcmd(ftp, line)
refused("535", ftp.getresp)
ftplib.FTP.putcmd(ftp, "PWD")
refused("533", ftp.getresp)
spoilt = bytearray(ftp.context.wrap(b"PWD\r\n", True).message)
spoilt[-1] ^= 1
ftplib.FTP.putcmd(ftp, "ENC " + base64.b64encode(bytes(spoilt)).decode())
refused("535", ftp.getresp)
# An upload that is not sealed as PROT says is none.
ftp.sendcmd("PROT P")
ftp.private = False
try:
    ftp.store("spoilt", body)
except (ftplib.Error, OSError):
    pass
else:
    raise AssertionError("an upload in clear was taken")
ftp.close()

ftp = session()
ftp.exchange("ftp@localhost")
refused("331", lambda: ftp.voidcmd("USER bob"))
reply = ftp.sendcmd("USER carol")
assert reply.startswith("232"), reply
ftp.putcmd("REIN")
assert ftp.getresp().startswith("220")
ftp.verb = None
refused("530", lambda: ftp.sendcmd("PWD"))
ftp.exchange("ftp@localhost")
assert ftp.sendcmd("USER anna").startswith("232")
ftp.sendcmd("PBSZ 65536")
ftp.sendcmd("PROT P")
ftp.private = True
ftp.putcmd("CCC")
assert ftp.getresp().startswith("200")
ftp.verb = None
ftp.store("behind-ccc", body)
assert ftp.fetch("behind-ccc") == body
ftp.quit()
print("fine")
