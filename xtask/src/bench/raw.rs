//! How fast could anything be here? A server that is nothing but the loop: `sendfile` out, `recv` and `write` in.
//!
//! It speaks one line per connection, `GET name` or `PUT name`, and runs as a process of its own so that its CPU time is
//! counted as the servers' is.

use crate::{Result, bench::client};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

/// Serves until it is killed; prints its port first.
pub(crate) fn serve(folder: &Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let (stream, folder) = (stream?, folder.to_path_buf());
        std::thread::spawn(move || {
            if let Err(why) = one(stream, &folder) {
                eprintln!("raw: {why}");
            }
        });
    }
    Ok(())
}

fn one(mut stream: TcpStream, folder: &Path) -> Result<()> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend_from_slice(&byte);
    }
    let line = String::from_utf8(line)?;
    match line.split_once(' ') {
        Some(("GET", name)) => client::pour(&File::open(folder.join(name))?, &stream).map(drop),
        Some(("PUT", name)) => {
            let mut file = File::create(folder.join(name))?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                match stream.read(&mut buffer)? {
                    0 => break,
                    n => file.write_all(&buffer[..n])?,
                }
            }
            Ok(stream.write_all(b"k")?)
        }
        _ => Err(format!("what is {line:?}?").into()),
    }
}

/// Fetches `name` and drops it.
pub(super) fn get(server: SocketAddr, name: &str) -> Result<u64> {
    let mut stream = client::connect(server)?;
    stream.write_all(format!("GET {name}\n").as_bytes())?;
    Ok(client::drain(&stream)?.0)
}

/// Sends `file` and waits for the word that it was written.
pub(super) fn put(server: SocketAddr, file: &File, name: &str) -> Result<u64> {
    let mut stream = client::connect(server)?;
    stream.write_all(format!("PUT {name}\n").as_bytes())?;
    let bytes = client::pour(file, &stream)?;
    stream.read_exact(&mut [0])?;
    Ok(bytes)
}
