//! What does bad input do? Each evil gets a reply or an end of the connection, and leaves descriptors and memory where they were.
#![allow(clippy::disallowed_methods, reason = "tests touch files and the clock")]

use interop::control::Control;
use interop::files::{make, noise};
use interop::{PASSWORD, Server, USER, Way};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// Descriptors the server holds now.
fn descriptors(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).map_or(0, Iterator::count)
}

/// Resident memory of the server in KiB.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB").trim().to_owned();
    line.trim_end_matches(" kB").parse().unwrap_or(0)
}

/// A server that has warmed up, and what it held before the evil came.
struct Patient {
    server: Server,
    descriptors: usize,
    resident: u64,
}

impl Patient {
    fn new() -> Self {
        Self::of(Server::start())
    }

    fn of(server: Server) -> Self {
        // Once around: what is made at first use is made now.
        let mut control = Control::login(&server);
        assert_eq!(control.store("warm", b"up").0, 226);
        assert_eq!(control.fetch("RETR warm").1.0, 226);
        assert_eq!(control.fetch("LIST").1.0, 226);
        control.ask("DELE warm", 250);
        control.ask("QUIT", 221);
        drop(control);
        std::thread::sleep(Duration::from_millis(300));
        let (descriptors, resident) = (descriptors(&server), resident(&server));
        Self { server, descriptors, resident }
    }

    /// It still serves, and what the evil took has come back: within `seconds`, at most 8 MiB above where memory was (an allocator
    /// keeps some of what it was lent; a leak per connection or per command would be far above in these tests).
    #[track_caller]
    fn is_well_within(&self, seconds: u64) {
        let mut control = Control::login(&self.server);
        assert_eq!(control.store("still", b"here").0, 226);
        assert_eq!(control.fetch("RETR still").0, b"here");
        control.ask("QUIT", 221);
        drop(control);
        if !Server::is_carrack() {
            return;
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            let (descriptors, resident) = (descriptors(&self.server), resident(&self.server));
            if descriptors <= self.descriptors && resident <= self.resident + 8 * 1024 {
                return;
            }
            assert!(
                Instant::now() < end,
                "after {seconds} s: {descriptors} descriptors (before: {}), {resident} KiB (before: {})",
                self.descriptors,
                self.resident
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn is_well(&self) {
        self.is_well_within(15);
    }
}

/// Whether the next thing is a refusal (4xx, 5xx) or the end of the connection, and not silence.
#[track_caller]
fn is_refused(control: &mut Control, what: &str) {
    match control.try_reply() {
        None => {}
        Some((code, text)) => assert!((400..600).contains(&code), "{what}: {text}"),
    }
}

#[test]
fn an_over_long_line_is_refused_and_the_next_one_obeyed() {
    let patient = Patient::new();
    let mut control = Control::login(&patient.server);
    let mut line = b"CWD ".to_vec();
    line.extend(std::iter::repeat_n(b'a', 100_000));
    line.extend_from_slice(b"\r\nNOOP\r\n");
    control.raw(&line);
    is_refused(&mut control, "a line of 100,000 bytes");
    assert_eq!(control.reply().0, 200, "NOOP behind the long line");
    // And one that never ends: the server must not gather it.
    let mut endless = Control::login(&patient.server);
    let _ = endless.socket().set_write_timeout(Some(Duration::from_secs(5)));
    let block = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        if endless.socket().write_all(&block).is_err() {
            break;
        }
    }
    is_refused(&mut endless, "64 MiB without a line end");
    drop((control, endless));
    patient.is_well();
}

#[test]
fn nul_and_control_bytes_neither_cut_a_name_nor_silence_the_server() {
    let patient = Patient::new();
    fs::write(patient.server.root().join("a"), "precious").unwrap();
    let mut control = Control::login(&patient.server);
    for evil in [
        &b"DELE a\0.txt\r\n"[..],
        b"RETR a\0\r\n",
        b"RNFR a\0b\r\n",
        b"\0\0\0\r\n",
        b"\x01\x02\x1b[2J\r\n",
        b"\r\n",
        b" \r\n",
        b"SIZE \xff\xfe\xfd\r\n",
    ] {
        control.raw(evil);
        is_refused(&mut control, &format!("{evil:?}"));
        assert_eq!(fs::read(patient.server.root().join("a")).unwrap(), b"precious", "{evil:?}");
    }
    control.ask("NOOP", 200);
    drop(control);
    patient.is_well();
}

#[test]
fn commands_come_byte_by_byte_and_with_bare_line_feeds() {
    let patient = Patient::new();
    let mut control = Control::connect(&patient.server);
    for byte in format!("USER {USER}\r\nPASS {PASSWORD}\r\n").bytes() {
        control.raw(&[byte]);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(control.reply().0, 331);
    assert_eq!(control.reply().0, 230);
    control.raw(b"PWD\nNOOP\n");
    assert_eq!(control.reply().0, 257, "a line that ends in LF alone");
    assert_eq!(control.reply().0, 200);
    drop(control);
    patient.is_well();
}

#[test]
fn a_command_cut_off_by_the_end_does_not_run() {
    let patient = Patient::new();
    fs::write(patient.server.root().join("precious"), "x").unwrap();
    let mut control = Control::login(&patient.server);
    control.raw(b"DELE precious");
    control.socket().shutdown(std::net::Shutdown::Write).unwrap();
    while control.try_reply().is_some() {}
    drop(control);
    std::thread::sleep(Duration::from_millis(300));
    assert!(patient.server.root().join("precious").exists(), "half a command was run");
    patient.is_well();
}

#[test]
fn a_hundred_thousand_pipelined_commands_are_all_answered() {
    let patient = Patient::new();
    let mut control = Control::login(&patient.server);
    let socket = control.socket().try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let block = b"NOOP\r\n".repeat(1000);
        for _ in 0..100 {
            (&socket).write_all(&block).unwrap();
        }
    });
    for n in 0..100_000 {
        assert_eq!(control.reply().0, 200, "reply {n}");
    }
    writer.join().unwrap();
    drop(control);
    patient.is_well();
}

#[test]
fn commands_pipelined_at_a_client_that_reads_nothing_hold_no_memory() {
    let patient = Patient::new();
    let control = Control::login(&patient.server);
    control.socket().set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let block = b"HELP\r\n".repeat(1000);
    // Replies pile up until the server stops reading; then writing stops here.
    for _ in 0..2000 {
        if control.socket().write_all(&block).is_err() {
            break;
        }
    }
    if Server::is_carrack() {
        assert!(resident(&patient.server) < patient.resident + 16 * 1024, "{} KiB for one client", resident(&patient.server));
    }
    drop(control);
    patient.is_well();
}

#[test]
fn absurd_numbers_are_refused() {
    let patient = Patient::new();
    let mut control = Control::login(&patient.server);
    for evil in [
        "PORT 1,2,3,4,5",
        "PORT 256,0,0,1,1,1",
        "PORT 127,0,0,1,0,0",
        "PORT 127,0,0,1,999,999",
        "PORT 99999999999999999999,0,0,1,1,1",
        "PORT 127,0,0,1,1,1,1",
        "PORT -1,0,0,1,1,1",
        "PORT",
        "EPRT |1|127.0.0.1|0|",
        "EPRT |1|127.0.0.1|70000|",
        "EPRT |9|127.0.0.1|2000|",
        "EPRT |1|1.2.3.4.5|2000|",
        "EPRT ||||",
        "EPRT |",
        "EPRT",
        "EPRT |2|::|99999999999|",
        "REST -1",
        "REST 99999999999999999999999999",
        "REST x",
        "REST",
        "ALLO -1",
        "ALLO x",
        "ALLO 99999999999999999999999999",
        "TYPE L 99999999999",
        "EPSV 9",
        "EPSV 99999999999",
        "MFMT 99999999999999 a",
        "MFMT x y",
        "MDTM",
        "OPTS",
        "SITE CHMOD 99999999 a",
        "SITE CHMOD x a",
        "SITE IDLE -1",
        "LPRT 4,4,1,2",
        "LPRT 6,255,1",
        "MODE X",
        "STRU X",
        "RNTO nowhere",
    ] {
        let (code, text) = control.get(evil);
        assert!((500..560).contains(&code), "{evil}: {text}");
    }
    // RFC 2577: nobody else's address, no well-known port.
    for bounce in ["PORT 8,8,8,8,10,10", "EPRT |1|8.8.8.8|2570|", "PORT 127,0,0,1,0,22"] {
        let (code, text) = control.get(bounce);
        assert!((500..560).contains(&code), "{bounce}: {text}");
    }
    // A restart far behind the end is taken, and refused where it matters.
    make(&patient.server.root().join("f"), 10, 1);
    control.ask("REST 9223372036854775807", 350);
    let (_, (code, text)) = control.fetch("RETR f");
    assert!((400..600).contains(&code) || code == 226, "{text}");
    control.ask("NOOP", 200);
    drop(control);
    patient.is_well();
}

#[test]
fn symbolic_links_in_circles_end() {
    let patient = Patient::new();
    let root = patient.server.root();
    fs::create_dir_all(root.join("a/b")).unwrap();
    std::os::unix::fs::symlink("..", root.join("a/b/up")).unwrap();
    std::os::unix::fs::symlink("self", root.join("self")).unwrap();
    std::os::unix::fs::symlink("/", root.join("out")).unwrap();
    let mut control = Control::login(&patient.server);
    for command in ["LIST -R", "LIST -lR /", "NLST -R", "LIST -R a/b/up/b/up/b"] {
        let start = Instant::now();
        let (listing, (code, text)) = control.fetch(command);
        assert!(matches!(code, 226 | 250 | 450 | 500..=559), "{command}: {text}");
        assert!(listing.len() < 1 << 20, "{command}: {} bytes for two folders", listing.len());
        assert!(start.elapsed() < Duration::from_secs(10), "{command} took {:?}", start.elapsed());
        assert!(!String::from_utf8_lossy(&listing).contains("passwd"), "{command} left the folder");
    }
    for command in ["RETR self", "CWD self", "CWD out", "RETR out/etc/passwd", "SIZE out/etc/passwd"] {
        let (code, text) = control.get(command);
        assert!((400..600).contains(&code), "{command}: {text}");
    }
    drop(control);
    patient.is_well();
}

#[test]
fn patterns_that_explode_elsewhere_end_soon() {
    let patient = Patient::new();
    for n in 0..50 {
        make(&patient.server.root().join(format!("{}{n}", "a".repeat(100))), 1, 1);
    }
    let mut control = Control::login(&patient.server);
    let stars = "*a".repeat(60) + "b";
    let braces = "{a,b}".repeat(40);
    let climbs = "*/../".repeat(40) + "*";
    for pattern in
        [stars.as_str(), braces.as_str(), climbs.as_str(), "[", "[]", "[a-", "\\", "***************************************"]
    {
        for verb in ["NLST", "LIST", "STAT"] {
            let start = Instant::now();
            let command = format!("{verb} {pattern}");
            let (code, text) = if verb == "STAT" { control.get(&command) } else { control.fetch(&command).1 };
            assert!((200..600).contains(&code), "{command}: {text}");
            assert!(start.elapsed() < Duration::from_secs(5), "{command} took {:?}", start.elapsed());
        }
    }
    drop(control);
    patient.is_well();
}

#[test]
fn ten_thousand_pasv_without_a_connection_leave_nothing() {
    let patient = Patient::new();
    let mut control = Control::login(&patient.server);
    for n in 0..10_000 {
        let (code, text) = control.get(if n % 2 == 0 { "PASV" } else { "EPSV" });
        // A server may say that there are enough; it may not fall silent.
        assert!(matches!(code, 227 | 229 | 421 | 425 | 450), "{n}: {text}");
    }
    let held = descriptors(&patient.server);
    if Server::is_carrack() {
        assert!(held < patient.descriptors + 50, "{held} descriptors, {} before", patient.descriptors);
    }
    assert_eq!(control.store("after", b"all").0, 226);
    drop(control);
    patient.is_well();
}

#[test]
fn data_connections_that_nobody_uses_are_closed() {
    let patient = Patient::new();
    let mut idle = Vec::new();
    for _ in 0..50 {
        let mut control = Control::login(&patient.server);
        let data = control.passive();
        idle.push((control, data));
    }
    // The other half: the transfer is asked for and nobody connects; another command is still answered.
    let mut control = Control::login(&patient.server);
    control.ask("EPSV", 229);
    control.send("LIST");
    std::thread::sleep(Duration::from_millis(200));
    control.send("ABOR");
    let mut codes = Vec::new();
    while !codes.iter().any(|code| matches!(code, 225 | 226)) {
        codes.push(control.reply().0);
    }
    control.ask("NOOP", 200);
    drop((idle, control));
    patient.is_well();
}

#[test]
fn a_stranger_gets_no_data_connection() {
    let patient = Patient::new();
    make(&patient.server.root().join("secret"), 1000, 1);
    let mut control = Control::login(&patient.server);
    let text = control.ask("EPSV", 229);
    let port: u16 = text.split('|').nth(3).unwrap().parse().unwrap();
    // Another address of this machine, as a thief on another machine would have.
    let thief = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&thief, &SocketAddr::from(([127, 0, 0, 77], 0))).unwrap();
    let stolen = rustix::net::connect(&thief, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut thief = TcpStream::from(thief);
    thief.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    control.send("RETR secret");
    let mut loot = Vec::new();
    if stolen.is_ok() {
        let _ = thief.read_to_end(&mut loot);
    }
    if Server::is_carrack() {
        assert!(loot.is_empty(), "{} bytes went to a stranger", loot.len());
    }
    control.send("ABOR");
    drop((control, thief));
    patient.is_well();
}

#[test]
fn abor_with_synch_at_a_client_that_has_stopped_reading() {
    let patient = Patient::new();
    make(&patient.server.root().join("large"), 200 << 20, 1);
    let mut control = Control::login(&patient.server);
    let mut data = control.passive();
    control.send("RETR large");
    assert!(matches!(control.reply().0, 125 | 150));
    let mut some = [0; 1000];
    data.read_exact(&mut some).unwrap();
    // Now the client stops reading: kernel buffers fill. Telnet IP, then Synch: IAC DM, sent as urgent data.
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    control.raw(&[255, 244]);
    rustix::net::send(control.socket(), &[255, 242], rustix::net::SendFlags::OOB).unwrap();
    control.raw(b"ABOR\r\n");
    let (first, text) = control.reply();
    assert!(matches!(first, 426 | 226), "{text}");
    assert_eq!(control.reply().0, 226, "the answer to ABOR itself");
    assert!(start.elapsed() < Duration::from_secs(3), "ABOR took {:?}", start.elapsed());
    // The data connection was cut, not drained.
    let mut rest = Vec::new();
    let _ = data.read_to_end(&mut rest);
    assert!(rest.len() < 64 << 20, "{} bytes came behind ABOR", rest.len());
    control.ask("NOOP", 200);
    drop((control, data));
    patient.is_well();
}

#[test]
fn a_client_that_vanishes_at_each_step_leaves_nothing() {
    let patient = Patient::new();
    make(&patient.server.root().join("large"), 50 << 20, 1);
    for step in 0..9 {
        for reset in [false, true] {
            for _ in 0..5 {
                vanish(&patient.server, step, reset);
            }
        }
    }
    if Server::is_carrack() {
        std::thread::sleep(Duration::from_millis(500));
        for name in ["up", "gone"] {
            assert!(!patient.server.root().join(name).exists(), "{name}: what a reset cut off was published");
        }
    }
    patient.is_well();
}

/// Goes as far as `step` and is gone.
fn vanish(server: &Server, step: usize, reset: bool) {
    let mut held = Vec::new();
    let mut control = Control::silent(server);
    let go = |control: &mut Control, held: &mut Vec<TcpStream>| {
        if step == 0 {
            return;
        }
        control.reply();
        if step >= 2 {
            control.ask(&format!("USER {USER}"), 331);
        }
        if step >= 3 {
            control.ask(&format!("PASS {PASSWORD}"), 230);
        }
        if step == 4 {
            control.ask("PASV", 227);
        }
        if step >= 5 {
            held.push(control.passive());
        }
        match step {
            6 => control.send("RETR large"),
            7 => {
                control.send("RETR large");
                control.reply();
            }
            8 => {
                control.ask("TYPE I", 200);
                control.send("STOR gone");
                control.reply();
                let _ = held[0].write_all(&noise(300_000, 1));
            }
            _ => {}
        }
    };
    go(&mut control, &mut held);
    // An upload over plain TCP that ends with FIN is a whole upload; only a reset is none.
    if reset || step == 8 {
        for socket in held.iter().chain([control.socket()]) {
            rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).unwrap();
        }
    }
}

#[test]
fn a_full_disk_in_mid_upload_is_told_and_nothing_is_left() {
    if !rustix::process::geteuid().is_root() {
        return interop::skip("a small file system is mounted as root only");
    }
    let place = tempfile::TempDir::new().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(place.path()).status().unwrap();
    if !mounted.success() {
        return interop::skip("mounting a tmpfs is not allowed here");
    }
    struct Mount<'a>(&'a std::path::Path);
    impl Drop for Mount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
        }
    }
    let mount = Mount(place.path());
    let patient = Patient::of(Server::at(mount.0, &[]));
    fs::write(mount.0.join("old"), "precious").unwrap();
    for name in ["new", "old"] {
        let mut control = Control::login(&patient.server);
        let (code, text) = control.store(name, &noise(8 << 20, 1));
        assert!(matches!(code, 452 | 552 | 450 | 451 | 426), "{text}");
        control.ask("NOOP", 200);
        control.ask("QUIT", 221);
    }
    if Server::is_carrack() {
        assert!(!mount.0.join("new").exists(), "a file that did not fit was published");
        assert_eq!(fs::read(mount.0.join("old")).unwrap(), b"precious");
    }
    let mut control = Control::login(&patient.server);
    let _ = control.get("DELE new");
    assert_eq!(control.store("small", b"fits again").0, 226, "the space came back");
    drop(control);
    patient.is_well();
    drop(patient);
}

#[test]
fn names_with_line_ends_forge_nothing() {
    let patient = Patient::new();
    fs::write(patient.server.root().join("a\r\n226 forged\r\nb"), "x").unwrap();
    fs::create_dir(patient.server.root().join("d\n257 \"forged\"")).unwrap();
    let mut control = Control::login(&patient.server);
    for command in ["NLST", "LIST", "MLSD"] {
        let (listing, (code, text)) = control.fetch(command);
        assert_eq!(code, 226, "{text}");
        if Server::is_carrack() {
            let lines = String::from_utf8_lossy(&listing).into_owned();
            // "warm" is gone; two entries, and MLSD adds `.` and `..` at most, LIST a total.
            assert!(lines.split('\n').all(|line| !line.starts_with("226") && !line.starts_with("257")), "{command}: {lines}");
        }
    }
    let (_, text) = control.get("STAT .");
    if Server::is_carrack() {
        assert!(text.lines().skip(1).all(|line| !line.starts_with("226") && !line.starts_with("257")), "{text}");
    }
    control.ask("NOOP", 200);
    drop(control);
    patient.is_well();
}

#[test]
fn a_fifo_and_a_removed_folder_stop_nobody() {
    let patient = Patient::new();
    let fifo = patient.server.root().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::create_dir(patient.server.root().join("d")).unwrap();
    let mut control = Control::login(&patient.server);
    if Server::is_carrack() {
        let (_, (code, text)) = control.fetch("RETR fifo");
        assert!((400..600).contains(&code), "{text}");
    }
    control.ask("CWD d", 250);
    fs::remove_dir(patient.server.root().join("d")).unwrap();
    for command in ["PWD", "SIZE x", "CWD .", "MKD y", "CDUP", "NOOP"] {
        let (code, text) = control.get(command);
        assert!((200..600).contains(&code), "{command}: {text}");
    }
    let (_, (code, text)) = control.fetch("LIST /");
    assert_eq!(code, 226, "{text}");
    drop(control);
    patient.is_well();
}

#[test]
fn many_connections_that_say_nothing_do_not_keep_others_out() {
    let patient = Patient::new();
    let (_, port) = patient.server.door(Way::Passive4);
    let silent: Vec<TcpStream> =
        (0..200).filter_map(|_| TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).ok()).collect();
    let mut control = Control::login(&patient.server);
    control.ask("NOOP", 200);
    drop((control, silent));
    patient.is_well();
}
