//! Does a killed server ever show half a file or lose a whole one? Killed at random moments of uploads, again and again, while
//! a reader looks at the final names.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests touch files and the clock, and tell how far they came"
)]

use interop::Server;
use interop::control::Control;
use interop::files::noise;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LENGTH: usize = 6 << 20;

/// What may stand under a name that is replaced: the old file or the new one, whole; under a new name: nothing or all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Upload {
    New,
    Replacement,
}

/// Random enough moments, the same in every run of a process: nanoseconds of the clock, mixed.
fn moment(round: u64) -> Duration {
    let mut x = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(std::process::id());
    x ^= x >> 31;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    Duration::from_micros((x >> 20) % 40_000)
}

fn upload(server: &Server, name: &str, bytes: &[u8], begun: &AtomicBool) -> Option<u16> {
    let mut control = Control::login(server);
    let mut data = control.passive();
    control.send(&format!("STOR {name}"));
    let (code, _) = control.try_reply()?;
    if !matches!(code, 125 | 150) {
        return Some(code);
    }
    begun.store(true, Ordering::SeqCst);
    for piece in bytes.chunks(64 << 10) {
        if data.write_all(piece).is_err() {
            break;
        }
    }
    drop(data);
    control.try_reply().map(|(code, _)| code)
}

/// One of the whole contents, or absent where that is allowed.
fn is_whole(path: &Path, allowed: &[&[u8]], absent: bool) -> Result<(), String> {
    match fs::read(path) {
        Ok(got) if allowed.contains(&got.as_slice()) => Ok(()),
        Ok(got) => Err(format!("{} holds {} bytes that are neither the old nor the new file", path.display(), got.len())),
        Err(why) if absent && why.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(format!("{}: {why}", path.display())),
    }
}

fn rounds(kind: Upload, seconds: u64) {
    if !Server::is_carrack() {
        return interop::skip("this is a promise of carrack alone");
    }
    let mut server = Server::start();
    let (old, new) = (noise(LENGTH / 2, 1), noise(LENGTH, 2));
    let start = Instant::now();
    let looks = AtomicU64::new(0);
    let (mut round, mut cut, mut confirmed) = (0, 0, 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        round += 1;
        let name = format!("file-{round}");
        let path = server.root().join(&name);
        let (mut allowed, absent): (Vec<&[u8]>, bool) = (vec![&new], kind == Upload::New);
        if kind == Upload::Replacement {
            fs::write(&path, &old).unwrap();
            allowed.push(&old);
        }
        let (begun, done) = (AtomicBool::new(false), AtomicBool::new(false));
        let said = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    is_whole(&path, &allowed, absent)?;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, String>(())
            });
            let uploader = scope.spawn(|| upload(&server, &name, &new, &begun));
            let wait = Instant::now();
            while !begun.load(Ordering::SeqCst) && !uploader.is_finished() && wait.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_micros(200));
            }
            std::thread::sleep(moment(round));
            kill(&server);
            let said = uploader.join().unwrap();
            done.store(true, Ordering::SeqCst);
            reader.join().unwrap().unwrap_or_else(|why| panic!("round {round}, before the restart: {why}"));
            said
        });
        match said {
            Some(226) => {
                confirmed += 1;
                assert_eq!(fs::read(&path).unwrap(), new, "round {round}: 226 was said, the new file is not there");
            }
            Some(other) => panic!("round {round}: {other} instead of 226 or death"),
            None => cut += 1,
        }
        server.restart();
        is_whole(&path, &allowed, absent).unwrap_or_else(|why| panic!("round {round}, after the restart: {why}"));
        left_over(&server, kind, round);
        for entry in fs::read_dir(server.root()).unwrap().flatten() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(cut > 0, "in {round} rounds the server never died before the end");
    eprintln!("{kind:?}: {round} rounds, {cut} cut, {confirmed} confirmed, {} looks", looks.into_inner());
}

fn kill(server: &Server) {
    let pid = i32::try_from(server.pid()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// What the dead server left: no temporary name; parts of new files at most, and those no listing shows to others.
fn left_over(server: &Server, kind: Upload, round: u64) {
    // Cleaning may go on behind the first greeting for a moment.
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let names: Vec<String> = fs::read_dir(server.root())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let wrong = names.iter().find(|name| {
            name.starts_with(".~carrack~tmp~") || (kind == Upload::Replacement && name.starts_with(".~carrack~part~"))
        });
        let Some(wrong) = wrong else { break };
        assert!(Instant::now() < end, "round {round}: {wrong} is still there 5 s after the restart");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (listing, (code, text)) = Control::login(server).fetch("NLST -a");
    assert_eq!(code, 226, "{text}");
    let listing = String::from_utf8_lossy(&listing).into_owned();
    assert!(!listing.contains(".~carrack~"), "round {round}: the listing shows {listing}");
}

#[test]
fn new_files_appear_whole_or_not_at_all() {
    rounds(Upload::New, 10);
}

#[test]
fn replaced_files_are_old_or_new_and_never_lost() {
    rounds(Upload::Replacement, 10);
}

#[test]
fn a_part_can_be_resumed_after_the_crash() {
    if !Server::is_carrack() {
        return interop::skip("this is a promise of carrack alone");
    }
    let mut server = Server::start();
    let bytes = noise(LENGTH, 3);
    // The client's end is lost first, so that the server keeps the part; then the server dies.
    let mut control = Control::login(&server);
    let mut data = control.passive();
    control.send("STOR part");
    assert!(matches!(control.reply().0, 125 | 150));
    data.write_all(&bytes[..LENGTH / 2]).unwrap();
    // Nobody else sees it while it grows.
    let (listing, _) = Control::login(&server).fetch("NLST -a");
    assert!(!String::from_utf8_lossy(&listing).contains(".~carrack~"));
    std::thread::sleep(Duration::from_millis(300));
    // A reset, not an end: with linger 0 the kernel sends RST.
    rustix::net::sockopt::set_socket_linger(&data, Some(Duration::ZERO)).unwrap();
    drop(data);
    let (code, text) = control.reply();
    assert!((400..500).contains(&code), "{text}");
    server.restart();
    assert!(!server.root().join("part").exists(), "half a file under its final name");
    let mut control = Control::login(&server);
    let size: usize = control.ask("SIZE part", 213).trim_start_matches("213 ").trim().parse().unwrap();
    assert!(size > 0 && size <= LENGTH / 2, "{size}");
    control.ask(&format!("REST {size}"), 350);
    let (code, text) = control.store("part", &bytes[size..]);
    assert_eq!(code, 226, "{text}");
    assert_eq!(fs::read(server.root().join("part")).unwrap(), bytes);
}
