//! How does a test speak FTP by hand? A control connection that sends exactly the bytes it is told to.

use crate::{PASSWORD, Server, USER, Way};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A control connection.
pub struct Control {
    stream: BufReader<TcpStream>,
}

impl Control {
    /// Connects and reads the greeting.
    ///
    /// # Panics
    /// If there is no `220`.
    #[track_caller]
    pub fn connect(server: &Server) -> Self {
        let mut control = Self::silent(server);
        assert_eq!(control.reply().0, 220);
        control
    }

    /// Connects and leaves the greeting unread.
    #[track_caller]
    pub fn silent(server: &Server) -> Self {
        let (_, port) = server.door(Way::Passive4);
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("time limit");
        stream.set_write_timeout(Some(Duration::from_secs(20))).expect("time limit");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream) }
    }

    /// Connects and logs in, in TYPE I.
    #[track_caller]
    pub fn login(server: &Server) -> Self {
        let mut control = Self::connect(server);
        control.ask(&format!("USER {USER}"), 331);
        control.ask(&format!("PASS {PASSWORD}"), 230);
        control.ask("TYPE I", 200);
        control
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("send");
    }

    /// Sends one command line.
    #[track_caller]
    pub fn send(&mut self, line: &str) {
        self.raw(format!("{line}\r\n").as_bytes());
    }

    /// The next reply, code and all lines; `None` if the connection ended instead.
    pub fn try_reply(&mut self) -> Option<(u16, String)> {
        let (mut text, mut begun) = (Vec::new(), None);
        loop {
            let mut line = Vec::new();
            match self.stream.read_until(b'\n', &mut line) {
                Ok(n) if n > 0 && line.ends_with(b"\r\n") => {}
                _ => return None,
            }
            text.extend_from_slice(&line);
            let code = line.get(..3).unwrap_or_default().to_vec();
            match (&begun, line.get(3)) {
                (None, Some(b'-')) => begun = Some(code),
                (Some(open), Some(b' ')) if *open == code => break,
                (None, _) => break,
                (Some(_), _) => {}
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let code = text.lines().last()?.get(..3)?.parse().ok()?;
        Some((code, text))
    }

    /// The next reply.
    ///
    /// # Panics
    /// If the connection ended or nothing came within 20 s.
    #[track_caller]
    pub fn reply(&mut self) -> (u16, String) {
        self.try_reply().expect("a reply, not the end of the connection or 20 s of silence")
    }

    /// Sends a command and gives its reply.
    #[track_caller]
    pub fn get(&mut self, line: &str) -> (u16, String) {
        self.send(line);
        self.reply()
    }

    /// Sends a command that must be answered with this code; the reply's text.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn ask(&mut self, line: &str, code: u16) -> String {
        let (got, text) = self.get(line);
        assert_eq!(got, code, "{line}: {text}");
        text
    }

    /// A passive data connection.
    #[track_caller]
    pub fn passive(&mut self) -> TcpStream {
        let text = self.ask("EPSV", 229);
        let port: u16 = text.split('|').nth(3).and_then(|p| p.parse().ok()).unwrap_or_else(|| panic!("no port: {text}"));
        let to = SocketAddr::new(self.socket().peer_addr().expect("a peer").ip(), port);
        let data = TcpStream::connect(to).expect("connect for data");
        data.set_read_timeout(Some(Duration::from_secs(20))).expect("time limit");
        data.set_write_timeout(Some(Duration::from_secs(20))).expect("time limit");
        data
    }

    /// Stores these bytes under a name; the last reply.
    #[track_caller]
    pub fn store(&mut self, name: &str, bytes: &[u8]) -> (u16, String) {
        let mut data = self.passive();
        let (code, text) = self.get(&format!("STOR {name}"));
        if !matches!(code, 125 | 150) {
            return (code, text);
        }
        let _ = data.write_all(bytes);
        drop(data);
        self.reply()
    }

    /// What a command sends over a data connection, and the last reply.
    #[track_caller]
    pub fn fetch(&mut self, command: &str) -> (Vec<u8>, (u16, String)) {
        let mut data = self.passive();
        let (code, text) = self.get(command);
        let mut all = Vec::new();
        if !matches!(code, 125 | 150) {
            return (all, (code, text));
        }
        let _ = data.read_to_end(&mut all);
        drop(data);
        (all, self.reply())
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}
