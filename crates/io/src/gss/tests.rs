//! A seal over real sockets, with a mechanism that is made up: it shows what was done to a message, and hides nothing.

use std::io::ErrorKind;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};

use super::{Accepted, Context, Failure, Layer, Mechanism, Shared};
use crate::stream::Stream;

struct Open;

impl Mechanism for Open {
    fn begin(&self) -> Result<Box<dyn Context>, Failure> {
        Ok(Box::new(Self))
    }
}

impl Context for Open {
    fn accept(&mut self, token: &[u8]) -> Result<Accepted, Failure> {
        Ok(Accepted::More(token.to_vec()))
    }

    fn wrap(&mut self, plain: &[u8], private: bool) -> Result<Vec<u8>, Failure> {
        Ok([&[u8::from(private)], plain, b"."].concat())
    }

    fn unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), Failure> {
        match token {
            [private @ 0..=1, plain @ .., b'.'] => Ok((plain.to_vec(), *private == 1)),
            _ => Err(Failure("changed on the way".into())),
        }
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let out = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, out)
}

fn sealed(tcp: TcpStream, private: bool, most: u32) -> Stream {
    let context = Shared::new(Arc::new(Open));
    context.accept(b"").unwrap();
    Stream::Sealed(Box::new(Layer::new(tcp, context, private, most)))
}

async fn all(stream: &mut Stream) -> std::io::Result<Vec<u8>> {
    let (mut all, mut piece) = (Vec::new(), [0; 1000]);
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(all),
            n => all.extend_from_slice(&piece[..n]),
        }
    }
}

#[tokio::test]
async fn bytes_and_their_end_pass_through() {
    for (private, most) in [(true, 131_072), (false, 1024)] {
        let (a, b) = pair().await;
        let (mut a, mut b) = (sealed(a, private, most), sealed(b, private, most));
        let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let (sent, got) = tokio::join!(
            async {
                a.write_all(&body).await?;
                a.finish().await
            },
            all(&mut b)
        );
        sent.unwrap();
        assert!(got.unwrap() == body && !b.is_end_unproved());
    }
}

#[tokio::test]
async fn an_end_that_nobody_announced_is_one_only_where_it_is_taken_for_one() {
    for lenient in [false, true] {
        let (mut a, b) = pair().await;
        let mut b = sealed(b, true, 4096);
        if lenient {
            b.take_unproved_end();
        }
        tokio::io::AsyncWriteExt::write_all(&mut a, b"\0\0\0\x04\x01hi.").await.unwrap();
        drop(a);
        match all(&mut b).await {
            Ok(got) => assert!(lenient && got == b"hi"),
            Err(e) => assert!(!lenient && e.kind() == ErrorKind::UnexpectedEof),
        }
        assert!(b.is_end_unproved());
    }
}

#[tokio::test]
async fn what_is_not_sealed_as_it_must_be_is_refused() {
    let odd: [(&[u8], ErrorKind); 5] = [
        (b"\0\0\0\x04\x01hi!", ErrorKind::InvalidData), // changed
        (b"\0\0\0\x04\0hi.", ErrorKind::InvalidData),   // readable
        (b"\xff\0\0\x04", ErrorKind::InvalidData),      // too long
        (b"\0\0\0\0", ErrorKind::InvalidData),          // empty
        (b"\0\0\0\x04\x01h", ErrorKind::UnexpectedEof), // cut, which no leniency allows
    ];
    for (bytes, kind) in odd {
        let (mut a, b) = pair().await;
        let mut b = sealed(b, true, 4096);
        b.take_unproved_end();
        tokio::io::AsyncWriteExt::write_all(&mut a, bytes).await.unwrap();
        drop(a);
        assert_eq!(all(&mut b).await.unwrap_err().kind(), kind, "{bytes:?}");
    }
}
