//! Small pictures over the wire (THMB): what comes is one, of the kind and size that was asked for, and bombs cost nothing.

use crate::harness::{Client, Site};

/// CRC-32, as a chunk of PNG ends with it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let inner = [name.as_slice(), body].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), inner.as_slice(), &crc32(&inner).to_be_bytes()].concat()
}

/// A picture in grey whose header says this size, with the points of `rows` rows, deflated without compression.
fn png(width: u32, height: u32, rows: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let line: Vec<u8> = [0].into_iter().chain((0..width.min(60_000)).map(|x| (x % 251) as u8)).collect();
    let raw = line.repeat(rows as usize);
    let mut body = vec![0x78, 0x01];
    let pieces = raw.chunks(65_535).count();
    for (at, piece) in raw.chunks(65_535).enumerate() {
        let length = u16::try_from(piece.len()).unwrap();
        body.push(u8::from(at + 1 == pieces));
        body.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        body.extend(piece);
    }
    let (a, b) =
        raw.iter().fold((1u32, 0u32), |(a, b), &byte| ((a + u32::from(byte)) % 65_521, (a + u32::from(byte) + b) % 65_521));
    body.extend(((b << 16) | a).to_be_bytes());
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), &chunk(b"IDAT", &body), &chunk(b"IEND", b"")].concat()
}

fn start() -> (Site, crate::harness::Server, Client) {
    let site = Site::anna("");
    let (server, port) = site.start();
    let mut client = Client::login(port, "anna");
    client.say("TYPE I", "200");
    (site, server, client)
}

#[test]
fn small_pictures_come_as_they_were_asked_for() {
    let (site, _server, mut client) = start();
    site.put("wide.png", png(400, 200, 200));
    let (small, reply) = client.take("THMB PNG 100 100 wide.png");
    let small = small.unwrap_or_else(|| panic!("{reply}"));
    assert_eq!((&small[..8], &small[16..24]), (b"\x89PNG\r\n\x1a\n".as_slice(), [0, 0, 0, 100, 0, 0, 0, 50].as_slice()));
    let (small, _) = client.take("THMB JPEG 100 100 wide.png");
    let small = small.unwrap();
    assert!(small.starts_with(&[0xff, 0xd8, 0xff]) && small.ends_with(&[0xff, 0xd9]), "{} bytes", small.len());
    // The frame of a JPEG: two bytes of height, two of width, behind SOF0, its length and the precision.
    let frame = small.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    assert_eq!(small[frame + 5..frame + 9], [0, 50, 0, 100]);
    assert!(client.take("THMB PNG 10 10 none.png").1.starts_with("550"));
}

#[test]
fn bombs_and_noise_are_refused_and_the_session_goes_on() {
    let (site, _server, mut client) = start();
    // 10,000,000,000 points in some hundred bytes; and points within the bounds that do not come.
    site.put("bomb.png", png(100_000, 100_000, 1));
    site.put("cut.png", png(2_000, 2_000, 1));
    site.put("noise.jpg", vec![0xa5; 50_000]);
    let empty: &[u8] = b"";
    site.put("empty.gif", empty);
    for (name, code) in [("bomb.png", "CRK-348"), ("cut.png", "CRK-347"), ("noise.jpg", "CRK-347"), ("empty.gif", "CRK-347")] {
        let (small, reply) = client.take(&format!("THMB JPEG 64 64 {name}"));
        assert!(small.is_none() && reply.starts_with("551") && reply.contains(code), "{name}: {reply}");
    }
    // A file that is larger than any picture is not even read.
    let large = std::fs::File::create(site.data("large.bmp")).unwrap();
    large.set_len(1 << 40).unwrap();
    let (small, reply) = client.take("THMB PNG 64 64 large.bmp");
    assert!(small.is_none() && reply.contains("CRK-348"), "{reply}");
    site.put("good.png", png(64, 64, 64));
    assert!(client.take("THMB PNG 64 64 good.png").0.is_some());
}
