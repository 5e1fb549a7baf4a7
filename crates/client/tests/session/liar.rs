//! A server that says what a test tells it to: lines in, scripted bytes out, and data connections that end as they should not.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What a liar does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Says this, with its line end.
    Say(&'static str),
    /// Says this, with no line end.
    Utter(&'static str),
    /// Says this so many times.
    Repeat(&'static str, usize),
    /// Hears lines and answers the usual ones until one with this verb comes.
    Until(&'static str),
    /// Takes the data connection.
    Accept,
    /// Sends this over it.
    Send(&'static str),
    /// Waits until the client had time to read that.
    Pause,
    /// Ends it in good order.
    End,
    /// Breaks it.
    Reset,
    /// Says no more over the control connection, and still hears.
    Hush,
    /// Leaves, data connection and all.
    Leave,
}

/// A control connection as the liar holds it.
pub(crate) struct Liar {
    input: BufReader<OwnedReadHalf>,
    out: OwnedWriteHalf,
    pub(crate) data: TcpListener,
}

impl Liar {
    /// Says these bytes.
    pub(crate) async fn say(&mut self, words: &str) {
        // A client that has gone hears nothing; that is the test's to see.
        let _ = self.out.write_all(words.as_bytes()).await;
    }

    /// The next line, each byte a letter of Latin-1; `None` once the client has gone.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).await.ok().filter(|&n| n > 0)?;
        Some(line.trim_ascii_end().iter().map(|&b| char::from(b)).collect())
    }

    /// Hears lines and answers the usual ones until one with this verb comes; gives that line.
    pub(crate) async fn until(&mut self, verb: &str) -> Option<String> {
        loop {
            let line = self.hear().await?;
            let name = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            if name == verb {
                return Some(line);
            }
            let port = self.data.local_addr().unwrap().port();
            let answer = match name.as_str() {
                "USER" => "331 password\r\n".to_owned(),
                "PASS" => "230 in\r\n".to_owned(),
                "SYST" => "215 UNIX Type: L8\r\n".to_owned(),
                "PWD" => "257 \"/\"\r\n".to_owned(),
                "TYPE" | "NOOP" => "200 ok\r\n".to_owned(),
                "EPSV" => format!("229 ok (|||{port}|)\r\n"),
                "REST" => "350 ok\r\n".to_owned(),
                "SIZE" | "CWD" => "550 No such file\r\n".to_owned(),
                "QUIT" => "221 bye\r\n".to_owned(),
                _ => "502 no\r\n".to_owned(),
            };
            self.say(&answer).await;
        }
    }

    /// The client's data connection.
    pub(crate) async fn accept(&mut self) -> TcpStream {
        self.data.accept().await.unwrap().0
    }

    /// Does all of this, and then what is usual until the client has gone.
    pub(crate) async fn act(mut self, acts: &[Act]) {
        let mut data = None;
        for act in acts {
            match *act {
                Act::Say(words) => self.say(&format!("{words}\r\n")).await,
                Act::Utter(words) => self.say(words).await,
                Act::Repeat(words, times) => self.say(&format!("{words}\r\n").repeat(times)).await,
                Act::Until(verb) => drop(self.until(verb).await),
                Act::Accept => data = Some(self.accept().await),
                // A client that will have no more closes.
                Act::Send(words) => drop(data.as_mut().unwrap().write_all(words.as_bytes()).await),
                Act::Pause => tokio::time::sleep(Duration::from_millis(50)).await,
                Act::End => data = None,
                Act::Reset => data.take().unwrap().set_zero_linger().unwrap(),
                Act::Hush => drop(self.out.shutdown().await),
                Act::Leave => return,
            }
        }
        self.idle().await;
    }

    /// Until the client has gone.
    pub(crate) async fn idle(&mut self) {
        while self.until("no such verb").await.is_some() {}
    }
}

/// Listens for one control connection and lets `script` answer it.
pub(crate) async fn liar<F>(script: impl FnOnce(Liar) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let control = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = control.local_addr().unwrap();
    let run = async move {
        let (stream, _) = control.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (input, out) = stream.into_split();
        script(Liar { input: BufReader::new(input), out, data }).await;
    };
    drop(io::task::spawn("liar", &io::CancellationToken::new(), run));
    address
}

/// A limit no honest test comes near.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it hangs")
}
