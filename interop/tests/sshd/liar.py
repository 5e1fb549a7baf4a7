# A server of SFTP that lies, in the way its argument says. It runs as sshd's subsystem.
import os, struct, sys

way = sys.argv[1]


def take(n):
    got = b""
    while len(got) < n:
        more = os.read(0, n - len(got))
        if not more:
            sys.exit(0)
        got += more
    return got


def give(body):
    packet = struct.pack(">I", len(body)) + body
    while packet:
        packet = packet[os.write(1, packet):]


def text(value):
    return struct.pack(">I", len(value)) + value


def status(number, code, why=b"no"):
    give(b"\x65" + struct.pack(">II", number, code) + text(why) + text(b""))


def attrs(mode, size):
    return struct.pack(">IQI", 0x5, size, mode)


FILE, FOLDER = attrs(0o100644, 10), attrs(0o040755, 0)


def names(number, all):
    body = b"\x68" + struct.pack(">II", number, len(all))
    for name, about in all:
        body += text(name) + text(b"-rw-r--r-- 1 a a 10 Jan 1 2020 " + name) + about
    give(body)


pages = 0
while True:
    packet = take(struct.unpack(">I", take(4))[0])
    kind = packet[0]
    if kind == 1:
        more = text(b"check-file") + text(b"1") if way in ("digest", "odd") else b""
        give(b"\x02" + struct.pack(">I", 6 if way == "version" else 3) + more)
        continue
    number = struct.unpack(">I", packet[1:5])[0]
    rest = packet[9:9 + struct.unpack(">I", packet[5:9])[0]] if len(packet) > 8 else b""
    if way == "silent" and kind in (5, 6, 11):  # READ, WRITE, OPENDIR
        continue
    if kind == 16:  # REALPATH
        names(number, [(b"/home" if rest == b"." else rest, FOLDER)])
    elif kind in (7, 8, 17):  # LSTAT, FSTAT, STAT
        is_file = kind == 8 or rest.endswith(b"file")
        give(b"\x69" + struct.pack(">I", number) + (FILE if is_file else FOLDER))
    elif kind == 11:  # OPENDIR
        give(b"\x66" + struct.pack(">I", number) + text(b"" if way == "handle" else b"d"))
    elif kind == 12:  # READDIR
        pages += 1
        if way == "endless":
            names(number, [])
        elif way == "count":
            give(b"\x68" + struct.pack(">II", number, 0xffffffff) + text(b"file"))
        elif pages > 1:
            status(number, 1)
        elif way == "parent":
            names(number, [(b"..", FOLDER), (b"../../escaped", FILE)])
        elif way == "slash":
            names(number, [(b"/tmp/escaped", FILE)])
        elif way == "nul":
            names(number, [(b"a\0b", FILE)])
        elif way == "empty":
            names(number, [(b"", FILE)])
        elif way == "control":
            names(number, [(b"a\x1b[31m\nfile", FILE)])
        else:
            names(number, [(b".", FOLDER), (b"..", FOLDER), (b"file", FILE)])
    elif kind == 200 and way in ("digest", "odd"):  # EXTENDED
        give(b"\xc9" + struct.pack(">I", number) + text(b"sha256") + b"\xab" * (32 if way == "digest" else 31))
    elif kind == 3:  # OPEN
        give(b"\x66" + struct.pack(">I", number) + text(b"f"))
    elif kind == 5:  # READ
        handle = struct.unpack(">I", packet[5:9])[0]
        offset, length = struct.unpack(">QI", packet[9 + handle:21 + handle])
        if way == "stranger":
            status(number + 1000, 0)
        elif way == "long":
            give(b"\x67" + struct.pack(">I", number) + text(b"x" * (length + 5)))
        elif way == "on":
            give(b"\x67" + struct.pack(">I", number) + text(b"x" * length))
        elif way == "huge":
            os.write(1, struct.pack(">I", 0x7fffffff) + b"\x67")
        elif way == "kind":
            give(b"\x69" + struct.pack(">I", number) + FILE)
        elif offset >= (3 if way == "cut" else 10):
            status(number, 1)
        else:
            # One byte at a time.
            give(b"\x67" + struct.pack(">I", number) + text(b"0123456789"[offset:offset + 1]))
    else:
        status(number, 0)
