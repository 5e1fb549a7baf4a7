//! SFTP and SCP as raw packets and messages over an SSH connection, and what a hostile client may not do with them.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use proto::sftp::attrs::Attrs;
use proto::sftp::reply::Reply;
use proto::sftp::request::{OpenFlags, Request, put_init};
use russh::client::{Config, Handle, Handler, Msg};
use russh::{Channel, ChannelMsg};
use tokio::runtime::Runtime;

use crate::harness::{DATA, PASSWORD, PATIENCE, Server, Site, until, user};

/// A listener that speaks SFTP and SCP.
pub(crate) const SSH: &str = "[[listener]]\nname = \"ssh\"\nprotocol = \"sftp\"\naddress = \"127.0.0.1:0\"\n";

/// One host key for all tests, which is quick to read where making one takes a moment.
pub(crate) fn host_key(site: &Site) -> String {
    let key = server::ssh::keys::HostKey::make(server::ssh::keys::Kind::Ed25519).unwrap();
    let file = site.place.path().join("host_key");
    std::fs::write(&file, key.text().unwrap().reveal()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    "[ssh]\nhost_keys = [\"host_key\"]\n".to_owned()
}

/// The port of the listener that speaks SFTP.
pub(crate) fn ssh_port(server: &mut Server) -> u16 {
    let line = server.line_with(" for sftp");
    line.split(" listens on ").nth(1).unwrap().split(' ').next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

/// Believes any host key.
struct Trusting;

impl Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &russh::keys::PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// A connection that is logged in.
pub(crate) struct Ssh {
    runtime: Runtime,
    handle: Handle<Trusting>,
}

impl Ssh {
    pub(crate) fn login(port: u16, user: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // Tests take what comes one packet after the other: nothing may wait for that.
        let config = Arc::new(Config { channel_buffer_size: 100_000, ..Config::default() });
        let connected = runtime.block_on(russh::client::connect(config, ("127.0.0.1", port), Trusting));
        let mut handle = connected.unwrap();
        assert!(runtime.block_on(handle.authenticate_password(user, PASSWORD)).unwrap().success(), "{user} is let in");
        Self { runtime, handle }
    }

    fn channel(&self) -> Channel<Msg> {
        self.runtime.block_on(self.handle.channel_open_session()).unwrap()
    }

    /// The subsystem, not greeted yet.
    pub(crate) fn raw(&self) -> Sftp<'_> {
        let channel = self.channel();
        self.runtime.block_on(channel.request_subsystem(true, "sftp")).unwrap();
        Sftp { ssh: self, channel, came: BytesMut::new(), asked: 0 }
    }

    pub(crate) fn sftp(&self) -> Sftp<'_> {
        let mut sftp = self.raw();
        let mut init = BytesMut::new();
        put_init(3, &mut init);
        sftp.send(init.freeze());
        assert_eq!(sftp.packet().unwrap()[0], 2, "VERSION");
        sftp
    }

    /// Runs a command with this input: what it says, on both ways out together. What `scp -f` sends is taken and found good.
    pub(crate) fn exec(&self, command: &str, input: &[u8]) -> Vec<u8> {
        let mut channel = self.channel();
        let input = Bytes::copy_from_slice(input);
        self.wait(async {
            channel.exec(true, command).await.unwrap();
            channel.data_bytes(input).await.unwrap();
            // Who sends ends by saying so; who is sent to waits for the end.
            if command.contains(" -t") {
                channel.eof().await.unwrap();
            }
            let mut said = Vec::new();
            while let Some(message) = channel.wait().await {
                if let ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } = message {
                    said.extend_from_slice(&data);
                    // Warnings are not answered; what comes behind one is.
                    let last = data.trim_ascii_end().rsplit(|&b| b == b'\n').next().unwrap_or_default();
                    let whole = data.ends_with(&[0]) || (data.ends_with(b"\n") && matches!(last, [b'A'..=b'Z', ..]));
                    if whole && command.contains(" -f") {
                        let _ = channel.data_bytes(&b"\0"[..]).await;
                    }
                }
            }
            said
        })
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("an end within the time") })
    }
}

/// The subsystem on a channel.
pub(crate) struct Sftp<'a> {
    ssh: &'a Ssh,
    channel: Channel<Msg>,
    came: BytesMut,
    asked: u32,
}

/// The client ends its session, and waits until all that it had open is given up.
impl Drop for Sftp<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.ssh.wait(self.channel.eof());
            while self.packet().is_some() {}
        }
    }
}

/// What came of a request: what was answered, or the code of a refusal.
pub(crate) type Outcome = Result<Answer, String>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Ok,
    End,
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Other,
}

impl Answer {
    pub(crate) fn handle(self) -> Vec<u8> {
        let Self::Handle(handle) = self else { panic!("{self:?} is no handle") };
        handle
    }
}

/// The first code in a text, as `CRK-211`.
pub(crate) fn code_in(text: &str) -> Option<String> {
    text.find("CRK-").and_then(|at| text.get(at..at + 7)).map(str::to_owned)
}

impl Sftp<'_> {
    pub(crate) fn send(&self, bytes: impl Into<Bytes>) {
        self.ssh.wait(self.channel.data_bytes(bytes)).unwrap();
    }

    /// The next packet without its length; `None` once the channel is closed.
    pub(crate) fn packet(&mut self) -> Option<Bytes> {
        loop {
            if let Some(head) = self.came.first_chunk::<4>() {
                let length = u32::from_be_bytes(*head) as usize;
                if self.came.len() >= 4 + length {
                    self.came.advance(4);
                    return Some(self.came.split_to(length).freeze());
                }
            }
            match self.ssh.wait(self.channel.wait())? {
                ChannelMsg::Data { data } => self.came.extend_from_slice(&data),
                ChannelMsg::Close => return None,
                _ => {}
            }
        }
    }

    /// The next answer, and the id it is for.
    pub(crate) fn answer(&mut self) -> Option<(u32, Outcome)> {
        let packet = self.packet()?;
        let (id, reply) = Reply::parse(&packet).unwrap();
        let outcome = match reply {
            Reply::Status(code, _) if code.0 == 0 => Ok(Answer::Ok),
            Reply::Status(code, _) if code.0 == 1 => Ok(Answer::End),
            Reply::Status(code, text) => {
                let text = String::from_utf8_lossy(text);
                Err(code_in(&text).unwrap_or_else(|| format!("status {}: {text}", code.0)))
            }
            Reply::Handle(handle) => Ok(Answer::Handle(handle.to_vec())),
            Reply::Data(data) => Ok(Answer::Data(data.to_vec())),
            Reply::Name(_) | Reply::Attrs(_) | Reply::Extended(_) => Ok(Answer::Other),
        };
        Some((id, outcome))
    }

    /// Sends a request; its id.
    pub(crate) fn request(&mut self, request: &Request<'_>) -> u32 {
        self.asked += 1;
        let mut out = BytesMut::new();
        request.put(self.asked, &mut out);
        self.send(out.freeze());
        self.asked
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Outcome {
        let id = self.request(request);
        let (of, outcome) = self.answer().expect("an answer, and not the end");
        assert_eq!(of, id);
        outcome
    }
}

/// A server that speaks SFTP alone, user anna, and what more is said of the listener and of her.
fn sftp_site(listener: &str, anna: &str) -> (Site, Server, u16) {
    let site = Site::new("");
    let key = host_key(&site);
    site.write(&[SSH, listener, &key, DATA, &user("anna"), anna].concat());
    let mut server = Server::serve(&["--config", &site.file()]);
    let port = ssh_port(&mut server);
    (site, server, port)
}

fn open<'a>(path: &'a str, flags: OpenFlags) -> Request<'a> {
    Request::Open { path: path.as_bytes(), flags, attrs: Attrs::default() }
}

/// Another session is served as ever.
fn others_are_served(ssh: &Ssh) {
    let mut other = ssh.sftp();
    let handle = other.ask(&open("f", OpenFlags::READ)).unwrap().handle();
    let read = other.ask(&Request::Read { handle: &handle, offset: 0, length: 9 });
    assert_eq!(read, Ok(Answer::Data(b"old".to_vec())));
}

#[test]
fn packets_that_lie_end_their_channel_and_no_other() {
    let (site, mut server, port) = sftp_site("", "");
    site.put("f", "old");
    let ssh = Ssh::login(port, "anna");
    let long = [&[0, 4, 0, 1, 5][..], &[0; 70_000]].concat();
    for (bytes, code) in [
        (&b"\0\0\0\0"[..], "CRK-831"),
        (b"\xff\xff\xff\xff\x05", "CRK-830"),
        (&long, "CRK-830"),
        (b"\0\0\0\x03\x05\0\0", "CRK-831"),
        (b"\0\0\0\x05\x01\0\0\0\x03", "CRK-833"),
    ] {
        let mut sftp = ssh.sftp();
        let handle = sftp.ask(&open("half", OpenFlags::WRITE.and(OpenFlags::CREATE))).unwrap().handle();
        sftp.ask(&Request::Write { handle: &handle, offset: 0, data: b"half" }).unwrap();
        sftp.send(Bytes::copy_from_slice(bytes));
        assert_eq!(sftp.answer(), None, "{:?}", &bytes[..bytes.len().min(9)]);
        server.line_with(code);
        assert!(!site.data("half").exists(), "what was not closed is not there");
        others_are_served(&ssh);
    }
    // Before INIT, and an INIT of a draft that is not spoken.
    for (bytes, code) in [(&b"\0\0\0\x0a\x10\0\0\0\x01\0\0\0\x01."[..], "CRK-833"), (b"\0\0\0\x05\x01\0\0\0\x02", "CRK-832")] {
        let mut sftp = ssh.raw();
        sftp.send(Bytes::copy_from_slice(bytes));
        assert_eq!(sftp.packet(), None);
        server.line_with(code);
    }
    others_are_served(&ssh);
}

#[test]
fn requests_that_lie_are_answered_and_the_session_goes_on() {
    let (site, _server, port) = sftp_site("", "");
    site.put("f", "old");
    let ssh = Ssh::login(port, "anna");
    let mut sftp = ssh.sftp();
    // Strings longer than their packet, a count of attributes that lies, a type that is none.
    for (packet, code) in [
        (&b"\0\0\0\x0a\x11\0\0\0\x07\0\0\0\x09x"[..], "CRK-831"),
        (b"\0\0\0\x0a\x11\0\0\0\x07\xff\xff\xff\xffx", "CRK-831"),
        (b"\0\0\0\x12\x09\0\0\0\x07\0\0\0\x01f\x80\0\0\0\xff\xff\xff\xff", "CRK-831"),
        (b"\0\0\0\x05\x11\0\0\0\x07", "CRK-831"),
        (b"\0\0\0\x05\xc7\0\0\0\x07", "CRK-837"),
        (b"\0\0\0\x0a\xc8\0\0\0\x07\0\0\0\x01x", "CRK-837"),
    ] {
        sftp.send(Bytes::copy_from_slice(packet));
        assert_eq!(sftp.answer(), Some((7, Err(code.to_owned()))), "{packet:?}");
    }
    let far =
        Request::Read { handle: &sftp.ask(&open("f", OpenFlags::READ)).unwrap().handle(), offset: u64::MAX, length: u32::MAX };
    assert_eq!(sftp.ask(&far), Ok(Answer::End));
    let name = "x".repeat(5_000);
    assert_eq!(sftp.ask(&Request::Stat { path: name.as_bytes() }), Err("CRK-209".to_owned()));
    assert_eq!(sftp.ask(&Request::Stat { path: b"a\0b" }), Err("CRK-210".to_owned()));
    others_are_served(&ssh);
}

#[test]
fn handles_are_known_to_their_session_alone_and_only_while_they_are_open() {
    let (site, _server, port) = sftp_site("", "");
    site.put("f", "old");
    let (one, two) = (Ssh::login(port, "anna"), Ssh::login(port, "anna"));
    let (mut a, mut b) = (one.sftp(), two.sftp());
    let mine = a.ask(&open("f", OpenFlags::READ)).unwrap().handle();
    let theirs = b.ask(&open("f", OpenFlags::READ)).unwrap().handle();
    assert_ne!(mine, theirs);
    a.ask(&Request::Close { handle: &mine }).unwrap();
    let next = a.ask(&open("f", OpenFlags::READ)).unwrap().handle();
    let longer = [&next[..], b"x"].concat();
    let huge = vec![0xff; 300];
    for stale in [&mine[..], &theirs, b"", b"x", &next[..next.len() - 1], &longer, &huge] {
        let unknown = Err("CRK-834".to_owned());
        assert_eq!(a.ask(&Request::Read { handle: stale, offset: 0, length: 1 }), unknown, "{stale:?}");
        assert_eq!(a.ask(&Request::Write { handle: stale, offset: 0, data: b"x" }), unknown);
        assert_eq!(a.ask(&Request::Readdir { handle: stale }), unknown);
        assert_eq!(a.ask(&Request::Fstat { handle: stale }), unknown);
        assert_eq!(a.ask(&Request::Close { handle: stale }), unknown);
    }
    // A file is no folder, and what was opened to be read is not written.
    let wrong = Err("CRK-836".to_owned());
    assert_eq!(a.ask(&Request::Readdir { handle: &next }), wrong);
    assert_eq!(a.ask(&Request::Write { handle: &next, offset: 0, data: b"x" }), wrong);
    let folder = a.ask(&Request::Opendir { path: b"/" }).unwrap().handle();
    assert_eq!(a.ask(&Request::Read { handle: &folder, offset: 0, length: 1 }), wrong);
    assert_eq!(std::fs::read(site.data("f")).unwrap(), b"old");
}

#[test]
fn thousands_of_handles_meet_a_limit_and_all_are_given_back() {
    let (site, server, port) = sftp_site("handles_max = 50\n", "");
    site.put("f", "old");
    let ssh = Ssh::login(port, "anna");
    let files = || std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count();
    let before = files();
    for _ in 0..2 {
        let mut sftp = ssh.sftp();
        let asked = 3_000;
        for n in 0..asked {
            let name = format!("n{n}");
            let made = OpenFlags::WRITE.and(OpenFlags::CREATE);
            sftp.request(&if n % 2 == 0 { open("f", OpenFlags::READ) } else { open(&name, made) });
        }
        let (mut granted, mut refused) = (0, 0);
        for _ in 0..asked {
            match sftp.answer().unwrap().1 {
                Ok(Answer::Handle(_)) => granted += 1,
                Err(code) if code == "CRK-835" => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((granted, refused), (50, asked - 50));
        assert!(files() <= before + 120, "files are bounded");
        drop(sftp);
        assert_eq!(std::fs::read_dir(site.data("")).unwrap().filter(|e| !is_part(e)).count(), 1, "nothing was confirmed");
    }
    until("all files are closed", || files() <= before);
    others_are_served(&ssh);
}

/// What an interrupted upload left for its owner.
fn is_part(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".~carrack~")
}

#[test]
fn a_connection_that_is_cut_in_mid_write_leaves_nothing_of_the_new_and_all_of_the_old() {
    let (site, _server, port) = sftp_site("", "");
    site.put("f", "old");
    for (name, flags) in [
        ("new", OpenFlags::WRITE.and(OpenFlags::CREATE)),
        ("f", OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::TRUNCATE)),
    ] {
        let ssh = Ssh::login(port, "anna");
        let mut sftp = ssh.sftp();
        let handle = sftp.ask(&open(name, flags)).unwrap().handle();
        sftp.ask(&Request::Write { handle: &handle, offset: 0, data: &[b'x'; 30_000] }).unwrap();
        // The head of a WRITE and a part of it, and then nothing more.
        let mut cut = BytesMut::new();
        Request::Write { handle: &handle, offset: 30_000, data: &[b'y'; 30_000] }.put(9, &mut cut);
        sftp.send(cut.split_to(10_000).freeze());
        std::mem::forget(sftp); // without its good-bye
        drop(ssh);
    }
    let ssh = Ssh::login(port, "anna");
    others_are_served(&ssh);
    let mut sftp = ssh.sftp();
    // The owner may see what came, to go on with it; under its name it stands for nobody.
    assert!(!site.data("new").exists());
    assert_eq!(std::fs::read(site.data("f")).unwrap(), b"old");
    until("the file is free again", || sftp.ask(&open("new", OpenFlags::WRITE.and(OpenFlags::CREATE))).is_ok());
}

#[test]
fn channels_come_and_go_as_often_as_one_likes() {
    let (site, _server, port) = sftp_site("channels_max = 3\n", "");
    site.put("f", "old");
    let ssh = Ssh::login(port, "anna");
    for turn in 0..40 {
        // Ended by the client, by the server, and by a command that is over.
        match turn % 3 {
            0 => drop(ssh.sftp()),
            1 => {
                let mut sftp = ssh.raw();
                sftp.send(&b"\0\0\0\0"[..]);
                assert_eq!(sftp.packet(), None);
            }
            _ => assert!(!ssh.exec("scp -f f", b"\0").is_empty()),
        }
    }
    let _all: Vec<_> = (0..3).map(|_| ssh.sftp()).collect();
    assert!(ssh.runtime.block_on(ssh.handle.channel_open_session()).is_err(), "and no more than may be open at once");
}
