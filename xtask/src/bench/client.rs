//! How is the load made? One FTP client for all servers, on bare sockets and threads, that costs as little as it can:
//! what it receives is dropped inside the kernel, what it sends goes by `sendfile`; under TLS both pass through rustls.

use super::secure::{Identity, Secure};
use crate::Result;
use rustix::net::RecvFlags;
use rustls::ClientConfig;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No single wait lasts longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a control connection runs over.
enum Wire {
    Plain(TcpStream),
    Secure(Box<Secure>),
}

impl Read for Wire {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(to),
            Self::Secure(stream) => stream.read(to),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(from),
            Self::Secure(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secure(stream) => stream.flush(),
        }
    }
}

/// Data connections under TLS.
#[derive(Clone, Copy, Default)]
pub(super) struct Handshakes {
    /// All of them.
    pub(super) done: usize,
    /// Those that resumed a session.
    pub(super) resumed: usize,
}

/// A control connection.
pub(super) struct Client {
    control: BufReader<Wire>,
    /// With it, data connections are protected.
    tls: Option<Arc<ClientConfig>>,
    pub(super) handshakes: Handshakes,
    server: SocketAddr,
    line: String,
    /// Whether EPSV works here.
    extended: bool,
}

/// A listing as it came in.
pub(super) struct Listed {
    /// From sending the command to the first byte.
    pub(super) first: Duration,
    /// From sending the command to the last reply.
    pub(super) total: Duration,
    /// Bytes received.
    pub(super) bytes: u64,
}

pub(super) fn connect(to: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Receives to the end and drops every byte in the kernel. The count and the moment of the first byte.
pub(super) fn drain(stream: &TcpStream) -> Result<(u64, Instant)> {
    let mut buffer = vec![0_u8; 1 << 20];
    let mut sum = 0_u64;
    let mut first = None;
    loop {
        let (_, n) = rustix::net::recv(stream, buffer.as_mut_slice(), RecvFlags::TRUNC)?;
        first.get_or_insert_with(Instant::now);
        if n == 0 {
            return Ok((sum, first.unwrap_or_else(Instant::now)));
        }
        sum += n as u64;
    }
}

/// Sends a whole file and says that this was all.
pub(super) fn pour(file: &File, stream: &TcpStream) -> Result<u64> {
    let length = file.metadata()?.len();
    let mut at = 0_u64;
    while at < length {
        if rustix::fs::sendfile(stream, file, Some(&mut at), 1 << 20)? == 0 {
            return Err("the file became shorter while it was sent".into());
        }
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(at)
}

impl Client {
    /// Connects, reads the greeting, and asks for TLS where an identity to be believed is given (RFC 4217 §4).
    pub(super) fn connect(server: SocketAddr, identity: Option<&Identity>) -> Result<Self> {
        let stream = connect(server)?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            control: BufReader::with_capacity(512, Wire::Plain(stream)),
            tls: None,
            handshakes: Handshakes::default(),
            server,
            line: String::new(),
            extended: true,
        };
        client.expect(220)?;
        match identity {
            Some(identity) => client.protect(identity),
            None => Ok(client),
        }
    }

    fn protect(mut self, identity: &Identity) -> Result<Self> {
        self.ask("AUTH TLS", 234)?;
        let Wire::Plain(stream) = self.control.into_inner() else { return Err("the connection is protected already".into()) };
        let config = identity.fresh();
        let stream = Secure::control(stream, &config)?;
        self.control = BufReader::with_capacity(512, Wire::Secure(Box::new(stream)));
        self.tls = Some(config);
        Ok(self)
    }

    /// Connects, logs in, asks for TYPE I and, under TLS, for protected data connections.
    pub(super) fn session(server: SocketAddr, user: &str, password: &str, identity: Option<&Identity>) -> Result<Self> {
        let mut client = Self::connect(server, identity)?;
        client.login(user, password)?;
        if identity.is_some() {
            client.ask("PBSZ 0", 200)?;
            client.ask("PROT P", 200)?;
        }
        client.ask("TYPE I", 200)?;
        Ok(client)
    }

    pub(super) fn login(&mut self, user: &str, password: &str) -> Result<()> {
        self.send(&format!("USER {user}"))?;
        if self.reply()? == 331 {
            self.ask(&format!("PASS {password}"), 230)?;
        }
        Ok(())
    }

    pub(super) fn quit(mut self) -> Result<()> {
        self.ask("QUIT", 221)?;
        if let Wire::Secure(stream) = self.control.get_mut() {
            stream.close();
        }
        Ok(())
    }

    pub(super) fn send(&mut self, command: &str) -> Result<()> {
        // One write, one segment: what every client does.
        let mut line = String::with_capacity(command.len() + 2);
        line.push_str(command);
        line.push_str("\r\n");
        self.control.get_mut().write_all(line.as_bytes())?;
        Ok(())
    }

    /// Reads one reply; its last line stays in `self.line`.
    pub(super) fn reply(&mut self) -> Result<u16> {
        let mut open: Option<String> = None;
        loop {
            self.line.clear();
            if self.control.read_line(&mut self.line)? == 0 {
                return Err("the server closed the control connection".into());
            }
            let code = self.line.get(..3).unwrap_or_default();
            match (&open, self.line.as_bytes().get(3)) {
                (None, Some(b'-')) => open = Some(code.to_owned()),
                (None, _) => break,
                (Some(begun), Some(b' ')) if begun == code => break,
                (Some(_), _) => {}
            }
        }
        self.line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(|| format!("not a reply: {:?}", self.line).into())
    }

    fn expect(&mut self, code: u16) -> Result<()> {
        match self.reply()? {
            got if got == code => Ok(()),
            _ => Err(format!("expected {code}, got {:?}", self.line.trim_end()).into()),
        }
    }

    /// One command, one reply.
    pub(super) fn ask(&mut self, command: &str, code: u16) -> Result<()> {
        self.send(command)?;
        self.expect(code).map_err(|why| format!("{command}: {why}").into())
    }

    /// A passive data connection: EPSV, or PASV where that is unknown.
    fn passive(&mut self) -> Result<TcpStream> {
        if self.extended {
            self.send("EPSV")?;
            if self.reply()? == 229 {
                let port = self.line.rsplit("|||").next().and_then(|rest| rest.split('|').next()).and_then(|p| p.parse().ok());
                let port = port.ok_or_else(|| format!("no port in {:?}", self.line))?;
                return connect(SocketAddr::new(self.server.ip(), port));
            }
            self.extended = false;
        }
        self.ask("PASV", 227)?;
        let numbers = self.line.rsplit('(').next().and_then(|rest| rest.split(')').next()).unwrap_or_default();
        let numbers: Vec<u16> = numbers.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        let &[_, _, _, _, high, low] = numbers.as_slice() else { return Err(format!("no port in {:?}", self.line).into()) };
        connect(SocketAddr::new(self.server.ip(), high * 256 + low))
    }

    fn begun(&mut self) -> Result<()> {
        match self.reply()? {
            125 | 150 => Ok(()),
            _ => Err(format!("the transfer was refused: {:?}", self.line.trim_end()).into()),
        }
    }

    fn ended(&mut self) -> Result<()> {
        match self.reply()? {
            226 | 250 => Ok(()),
            _ => Err(format!("the transfer failed: {:?}", self.line.trim_end()).into()),
        }
    }

    /// Protects a data connection whose transfer has begun.
    fn secure(&mut self, data: TcpStream, config: &Arc<ClientConfig>) -> Result<Secure> {
        let data = Secure::data(data, config)?;
        self.handshakes.done += 1;
        self.handshakes.resumed += usize::from(data.resumed());
        Ok(data)
    }

    /// Fetches and drops; the bytes received.
    pub(super) fn retr(&mut self, name: &str) -> Result<u64> {
        let data = self.passive()?;
        self.send(&format!("RETR {name}"))?;
        self.begun()?;
        let bytes = if let Some(config) = self.tls.clone() {
            let mut bytes = 0;
            self.secure(data, &config)?.drain(|piece| bytes += piece.len() as u64)?;
            bytes
        } else {
            let (bytes, _) = drain(&data)?;
            drop(data);
            bytes
        };
        self.ended()?;
        Ok(bytes)
    }

    /// Fetches and keeps, to compare.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let mut data = self.passive()?;
        self.send(&format!("RETR {name}"))?;
        self.begun()?;
        let mut all = Vec::new();
        if let Some(config) = self.tls.clone() {
            self.secure(data, &config)?.drain(|piece| all.extend_from_slice(piece))?;
        } else {
            data.read_to_end(&mut all)?;
            drop(data);
        }
        self.ended()?;
        Ok(all)
    }

    /// Sends a file; the bytes sent.
    pub(super) fn stor(&mut self, file: &File, name: &str) -> Result<u64> {
        let data = self.passive()?;
        self.send(&format!("STOR {name}"))?;
        self.begun()?;
        let bytes = if let Some(config) = self.tls.clone() {
            self.secure(data, &config)?.pour(file)?
        } else {
            let bytes = pour(file, &data)?;
            drop(data);
            bytes
        };
        self.ended()?;
        Ok(bytes)
    }

    /// LIST or MLSD of the current folder.
    pub(super) fn list(&mut self, verb: &str) -> Result<Listed> {
        let data = self.passive()?;
        let start = Instant::now();
        self.send(verb)?;
        self.begun()?;
        let (bytes, first) = drain(&data)?;
        drop(data);
        self.ended()?;
        Ok(Listed { first: first - start, total: start.elapsed(), bytes })
    }

    /// Whether the server knows this verb.
    pub(super) fn knows(&mut self, feature: &str) -> Result<bool> {
        self.send("FEAT")?;
        let mut known = false;
        loop {
            self.line.clear();
            if self.control.read_line(&mut self.line)? == 0 {
                return Err("the server closed the control connection".into());
            }
            known |= self.line.to_ascii_uppercase().contains(feature);
            if self.line.as_bytes().get(3) == Some(&b' ') && self.line.as_bytes()[0].is_ascii_digit() {
                return Ok(known);
            }
        }
    }
}
