//! TYPE, STRU and MODE over the wire: exact bytes, one data connection for many files, markers, and bodies that lie.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{Client, Server, Site, until};

fn start() -> (Site, Server, Client) {
    let site = Site::anna("");
    let (server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    (site, server, c)
}

fn header(descriptor: u8, bytes: &[u8]) -> Vec<u8> {
    let count = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[descriptor], count.as_slice(), bytes].concat()
}

/// The body of one file in MODE B, and its restart markers.
fn block_body(data: &mut TcpStream) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut body, mut markers) = (Vec::new(), Vec::new());
    loop {
        let mut head = [0; 3];
        data.read_exact(&mut head).unwrap();
        let mut bytes = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        data.read_exact(&mut bytes).unwrap();
        match head[0] {
            0x10 => markers.push(bytes),
            _ => body.extend(bytes),
        }
        if head[0] & 0x40 != 0 {
            return (body, markers);
        }
    }
}

#[test]
fn one_data_connection_carries_many_files_both_ways() {
    let (site, _server, mut c) = start();
    c.say("MODE B", "200");
    let mut data = c.data();
    for n in 0..20usize {
        let body = vec![b'a' + u8::try_from(n).unwrap(); n * 1000];
        c.say(&format!("STOR f{n}"), if n == 0 { "150" } else { "125" });
        let body_blocks: Vec<u8> = body.chunks(700).flat_map(|block| header(0, block)).collect();
        data.write_all(&body_blocks).unwrap();
        data.write_all(&header(0x40, b"")).unwrap();
        c.reply("226");
        assert!(std::fs::read(site.data(&format!("f{n}"))).unwrap() == body);
    }
    for n in 0..20usize {
        c.say(&format!("RETR f{n}"), "125");
        assert_eq!(block_body(&mut data).0.len(), n * 1000);
        c.reply("226");
    }
    c.say("RETR none", "550");
    c.say("NLST", "125");
    assert_eq!(block_body(&mut data).0.split(|&b| b == b'\n').count(), 21);
    c.reply("226");
    c.say("MODE S", "200");
    assert_eq!(data.read(&mut [0; 8]).unwrap(), 0, "the connection closes with its mode");
}

#[test]
fn a_kept_connection_that_the_client_closed_is_told_at_once() {
    let (site, _server, mut c) = start();
    site.put("f", "1");
    c.say("MODE B", "200");
    let mut data = c.data();
    c.say("RETR f", "150");
    block_body(&mut data);
    c.reply("226");
    drop(data);
    until("the end is seen", || c.ask("RETR f").starts_with("125"));
    c.reply("426");
    let mut data = c.data();
    c.say("RETR f", "150");
    assert_eq!(block_body(&mut data).0, b"1");
    c.reply("226");
}

#[test]
fn an_upload_goes_on_at_a_marker() {
    let (site, _server, mut c) = start();
    c.say("MODE B", "200");
    let mut data = c.data();
    c.say("STOR f", "150");
    for part in [header(0, b"0123456789"), header(0x10, b"mine"), header(0, b"lost")] {
        data.write_all(&part).unwrap();
    }
    assert!(c.reply("110").contains("MARK mine = 10"));
    drop(data);
    c.reply("426");
    c.say("REST 10", "350");
    let mut data = c.data();
    c.say("STOR f", "150");
    data.write_all(&[header(0, b"abc"), header(0x40, b"")].concat()).unwrap();
    c.reply("226");
    assert_eq!(std::fs::read(site.data("f")).unwrap(), b"0123456789abc");
}

#[test]
fn of_a_body_sent_ahead_nothing_is_seen_until_it_is_whole() {
    let (site, _server, mut c) = start();
    site.put("old", "old");
    c.say("OPTS MODE B BODIES", "200");
    for name in ["f", "old"] {
        c.say("MODE B", "200");
        let mut data = c.data();
        c.say(&format!("STOR {name}"), "150");
        data.write_all(&header(0, b"0123456789")).unwrap();
        drop(data);
        c.reply("426");
    }
    // Who sends the common way finds what came of it, and may go on.
    c.say("SIZE f", "550");
    c.say("SIZE old", "213 3");
    until("its temporary files are gone", || std::fs::read_dir(site.data("")).unwrap().count() == 1);
    c.say("MODE B", "200");
    let mut data = c.data();
    c.say("STOR f", "150");
    data.write_all(&[header(0, b"01234"), header(0x40, b"")].concat()).unwrap();
    c.reply("226");
    c.say("SIZE f", "213 5");
}

#[test]
fn a_download_goes_on_at_a_marker_of_the_server() {
    let (site, _server, mut c) = start();
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    site.put("f", &body);
    c.say("MODE B", "200");
    let mut data = c.data();
    c.say("RETR f", "150");
    let (whole, markers) = block_body(&mut data);
    c.reply("226");
    assert!(whole == body && markers.len() == 2);
    let marker = String::from_utf8(markers[1].clone()).unwrap();
    c.say(&format!("REST {marker}"), "350");
    c.say("RETR f", "125");
    let (rest, _) = block_body(&mut data);
    c.reply("226");
    assert!(rest == body[2 * 1024 * 1024..]);
}

#[test]
fn ebcdic_records_come_back_as_text() {
    let (site, _server, mut c) = start();
    site.put("f", "Hello\n[0]\n");
    for line in ["TYPE E C", "STRU R"] {
        c.say(line, "200");
    }
    let (wire, _) = c.take("RETR f");
    let wire = wire.unwrap();
    assert_eq!(wire, b"\xc8\x85\x93\x93\x96\xff\x01\xad\xf0\xbd\xff\x01\xff\x02");
    assert!(c.give("STOR g", &wire).starts_with("226"));
    assert_eq!(std::fs::read(site.data("g")).unwrap(), b"Hello\n[0]\n");
    c.say("STRU P", "200");
    let (wire, _) = c.take("RETR f");
    assert!(c.give("STOR h", &wire.unwrap()).starts_with("226"));
    assert_eq!(std::fs::read(site.data("h")).unwrap(), b"Hello\n[0]\n");
}

#[test]
fn bodies_that_lie_are_refused_and_replace_nothing() {
    let (site, _server, mut c) = start();
    site.put("f", "old");
    for (mode, structure, body, code) in [
        ("B", "F", &b"\x40\x00\x05abc"[..], "CRK-340"),
        ("B", "F", b"\x01\x00\x01a", "CRK-341"),
        ("B", "F", b"\x10\xff\xffa", "CRK-345"),
        ("B", "F", b"\x40\x00\x01aXYZ", "CRK-346"),
        ("C", "F", b"\x00\x40", "226"),
        ("C", "F", b"\x05abc", "CRK-340"),
        ("Z", "F", b"no zlib at all", "CRK-342"),
        ("Z", "F", b"", "CRK-340"),
        ("S", "R", b"a\nb\xff\x03", "CRK-343"),
        ("S", "R", b"a\xff\x01", "CRK-340"),
        ("S", "P", b"\x04\x07\x01\x01a", "CRK-344"),
    ] {
        c.say(&format!("MODE {mode}"), "200");
        c.say(&format!("STRU {structure}"), "200");
        let name = if code == "226" { "g" } else { "f" };
        let reply = c.give(&format!("STOR {name}"), body);
        assert!(reply.contains(code), "{mode} {structure} {body:?}: {reply}");
        assert_eq!(std::fs::read(site.data("f")).unwrap(), b"old", "{mode} {structure}");
    }
}

#[test]
fn a_bomb_ends_at_the_limit_for_files() {
    let site = Site::anna("file_size = \"1 MiB\"\n");
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    c.say("TYPE I", "200");
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        deflated.write_all(&vec![0; 1 << 20]).unwrap();
    }
    // 63 bytes in each byte, and about a thousand.
    for (mode, bomb) in [("MODE C", vec![0xff; 100_000]), ("MODE Z", deflated.finish().unwrap())] {
        c.say(mode, "200");
        let reply = c.give("STOR bomb", &bomb);
        assert!(reply.starts_with("552") && reply.contains("CRK-216"), "{mode}: {reply}");
        assert!(!site.data("bomb").exists());
    }
}

#[test]
fn digests_of_files_and_of_ranges() {
    let (site, _server, mut c) = start();
    site.put("f", "xxabcyy");
    c.say("RANG 2 4", "350");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(c.say("HASH f", "213").trim_end(), format!("213 SHA-256 2-4 {abc} /f"));
    c.say("OPTS HASH MD5", "200");
    c.say("RANG 2 400", "350");
    assert_eq!(c.say("HASH f", "213").trim_end(), "213 MD5 2-6 9502cac708fcae9b18b28e1bdde1f8eb /f");
    assert_eq!(c.say("XCRC \"f\" 2 5", "250").trim_end(), "250 352441C2");
    c.say("RANG 2 4", "350");
    assert_eq!(c.fetch("f"), b"abc");
    assert_eq!(c.fetch("f"), b"xxabcyy");
    // Of what would take hours, ABOR makes an end at once.
    let large = std::fs::File::create(site.data("large")).unwrap();
    large.set_len(1 << 42).unwrap();
    c.send(b"XSHA512 large\r\n");
    until("it is being read", || std::fs::metadata(site.data("large")).is_ok());
    c.at_once("ABOR", "426");
    c.reply("226");
    // A range without end is no way around that, and one that cannot be told in 64 bits is none.
    c.say(&format!("RANG 1 {}", u64::MAX), "350");
    c.send(b"HASH large\r\n");
    c.at_once("ABOR", "426");
    c.reply("226");
    c.say("RANG 1 99999999999999999999", "501");
    c.say("XSHA512 \"large\" 0 99999999999999999999", "501");
    c.say("NOOP", "200");
}

#[test]
fn files_are_made_of_files_that_are_here() {
    let (site, _server, mut c) = start();
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 253) as u8).collect();
    site.put("a b", &body);
    site.put("p2", "tail");
    c.say("SITE CPFR a b", "350");
    c.say("SITE CPTO copy", "250");
    // What goes away between the two is named, and not the copy.
    site.put("fleeting", "x");
    c.say("SITE CPFR fleeting", "350");
    std::fs::remove_file(site.data("fleeting")).unwrap();
    assert!(c.say("SITE CPTO other", "550").contains("/fleeting: no such file"));
    assert!(std::fs::read(site.data("copy")).unwrap() == body);
    c.say("COMB whole \"a b\" p2", "250");
    assert!(std::fs::read(site.data("whole")).unwrap() == [body.as_slice(), b"tail"].concat());
    assert!(!site.data("a b").exists() && !site.data("p2").exists());
    site.put("p3", "+");
    c.say("COMB whole p3", "250");
    assert_eq!(std::fs::metadata(site.data("whole")).unwrap().len(), 3_000_005);
    // A part that is not there changes nothing.
    site.put("p4", "?");
    assert!(c.say("COMB whole p4 none", "550").contains("/none: no such file"));
    c.say("COMB whole p4 p4", "504");
    assert!(site.data("p4").exists());
    assert_eq!(std::fs::metadata(site.data("whole")).unwrap().len(), 3_000_005);
}

#[test]
fn a_copy_passes_the_same_door_as_an_upload() {
    let site = Site::anna(
        "file_size = \"1 MiB\"\npermissions = { \"/\" = \"all\", \"/in\" = \"upload-only\", \"/out\" = \"read-only\" }\n",
    );
    std::fs::create_dir(site.data("in")).unwrap();
    std::fs::create_dir(site.data("out")).unwrap();
    for (name, len) in [("big", 2 << 20), ("small", 10), ("in/hidden", 10), ("out/old", 10)] {
        site.put(name, vec![b'x'; len]);
    }
    let (_server, port) = site.start();
    let mut c = Client::login(port, "anna");
    for (from, to, code) in [
        ("big", "b", "552"),
        ("small", "out/new", "550"),
        ("in/hidden", "seen", "550"),
        ("out/old", "new", "250"),
        ("small", "in/s", "250"),
    ] {
        c.say(&format!("SITE CPFR {from}"), "350");
        c.say(&format!("SITE CPTO {to}"), code);
    }
    c.say("COMB joined small big", "552");
    c.say("COMB joined small out/old", "550");
    assert!(site.data("small").exists() && site.data("out/old").exists() && !site.data("joined").exists());
}
