# OpenSSH's server of SFTP at the end of a long way: what it says of writes is told two seconds late, until the file that the
# first argument names has what the second, a pattern, means as often as the third says. Each session that writes says so in a
# file beside that.
import os, re, struct, subprocess, sys, threading, time

log, words, times = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
command = ["/usr/lib/openssh/sftp-server", "-e", "-l", "VERBOSE"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(log + ".sftp", "ab"))
due, ready = [], threading.Condition()


def is_far():
    if not os.path.exists(log):
        return True
    with open(log, "rb") as file:
        return len(re.findall(words, file.read())) < times


def take(n):
    got = server.stdout.read(n)
    if len(got) < n:
        with ready:
            due.append((0, None))
            ready.notify()
        sys.exit(0)
    return got


def hear():
    has_handle = has_written = False
    while True:
        head = take(4)
        packet = head + take(struct.unpack(">I", head)[0])
        has_handle |= packet[4] == 102
        if packet[4] == 101 and has_handle and not has_written:
            has_written = True
            with open(os.path.join(os.path.dirname(log), "wrote"), "a") as file:
                file.write("wrote\n")
        with ready:
            due.append((time.monotonic() + 2 if packet[4] == 101 else 0, packet))
            ready.notify()


threading.Thread(target=hear, daemon=True).start()
while True:
    with ready:
        while not due:
            ready.wait()
        when, packet = due.pop(0)
    if packet is None:
        os._exit(0)
    while time.monotonic() < when and is_far():
        time.sleep(0.1)
    while packet:
        packet = packet[os.write(1, packet):]
