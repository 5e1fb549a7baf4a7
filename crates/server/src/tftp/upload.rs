//! A file that a client sends: written, and compared with the one that a repeated upload would write once more.
//!
//! A client whose last ACK was lost does not know that its file stands, and sends it again: switches and telephones do so
//! by themselves. What stands already with the same content is confirmed, and nothing is made twice.

use bytes::Bytes;
use io::body::{Sink, Source};
use io::meter::Meter;
use io::udp::Feed;
use proto::tftp::netascii;
use proto::tftp::receiver::Receiver;
use types::{Reason, VPath};

/// A file on its way from the client.
pub(super) struct Upload {
    /// Where it goes; none where the name is taken, and only the same content is confirmed.
    sink: Option<Sink>,
    /// What it may be a repetition of.
    twin: Option<Twin>,
    /// In mode netascii.
    decoder: Option<netascii::Decoder>,
    /// Bytes that are not written yet. Only the last ACK says that bytes stand, so they may be gathered until then.
    waiting: Vec<u8>,
    came: u64,
    expected: Option<u64>,
}

/// A file that stands.
struct Twin {
    feed: Feed,
}

impl Twin {
    /// Whether its next bytes are these.
    async fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let mut own = vec![0; bytes.len()];
        let mut filled = 0;
        while let Some(gap) = own.get_mut(filled..).filter(|gap| !gap.is_empty()) {
            match self.feed.fill(std::iter::once(gap)).await {
                Ok(came @ 1..) => filled += came,
                _ => return false,
            }
        }
        own == bytes
    }

    /// Whether nothing follows.
    async fn ends(&mut self) -> bool {
        matches!(self.feed.fill(std::iter::once(&mut [0][..])).await, Ok(0))
    }
}

/// Bytes that are gathered for one trip to the disk.
const GATHERED: usize = 64 * 1024;

impl Upload {
    /// A file that is written; `before` is one that it may repeat.
    pub(super) fn new(sink: Sink, before: Option<Source>, expected: Option<u64>) -> Self {
        Self { sink: Some(sink), ..Self::compared(before, expected) }
    }

    /// A file whose name is taken: confirmed where it is what stands there.
    pub(super) fn again(standing: Source, expected: Option<u64>) -> Self {
        Self::compared(Some(standing), expected)
    }

    fn compared(twin: Option<Source>, expected: Option<u64>) -> Self {
        let twin = twin.map(|source| Twin { feed: Feed::new(source) });
        Self { sink: None, twin, decoder: None, waiting: Vec::new(), came: 0, expected }
    }

    /// In mode netascii, whose bytes are others here than on the wire.
    pub(super) fn decoding(mut self) -> Self {
        self.decoder = Some(netascii::Decoder::default());
        self
    }

    /// Nothing of it stays.
    pub(super) async fn abandon(self) {
        if let Some(sink) = self.sink {
            sink.abandon().await;
        }
    }

    async fn write(&mut self) -> Result<(), Reason> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::take(&mut self.waiting));
        if let Some(twin) = &mut self.twin
            && !twin.goes_on(&bytes).await
        {
            self.twin = None;
        }
        match &mut self.sink {
            Some(sink) => sink.write_all(bytes).await.map_err(|e| e.reason),
            None if self.twin.is_some() => Ok(()),
            None => Err(Reason::Exists),
        }
    }

    /// Has it stand under its name, unless it does already.
    async fn finish(mut self) -> Result<(), Reason> {
        let same = match &mut self.twin {
            Some(twin) => twin.ends().await,
            None => false,
        };
        match self.sink {
            Some(sink) if same => sink.abandon().await,
            Some(sink) => sink.commit().await.map_err(|e| e.reason)?,
            None if same => {}
            None => return Err(Reason::Exists),
        }
        Ok(())
    }
}

/// Takes what has come to the file; with the last block the file is made to stand. `file` is gone then.
pub(super) async fn take(receiver: &mut Receiver, file: &mut Option<Upload>, meter: &Meter) -> Result<(), Reason> {
    if !receiver.is_holding() && !receiver.is_whole() {
        return Ok(());
    }
    let Some(upload) = file else { return Ok(()) };
    let bytes = receiver.take();
    let mut left = bytes.len();
    while left > 0 {
        let granted = meter.grant(left).await.map_err(|_| Reason::Cancelled)?;
        left -= granted.min(left);
    }
    meter.count(bytes.len());
    if meter.is_over() {
        return Err(Reason::TooLarge);
    }
    upload.came += bytes.len() as u64;
    match &mut upload.decoder {
        Some(decoder) => decoder.push(&bytes, &mut upload.waiting),
        None => upload.waiting.extend_from_slice(&bytes),
    }
    if !receiver.is_whole() {
        return if upload.waiting.len() >= GATHERED { upload.write().await } else { Ok(()) };
    }
    if upload.expected.is_some_and(|expected| expected != upload.came) {
        return Err(Reason::SizeMismatch);
    }
    if let Some(decoder) = &mut upload.decoder {
        decoder.finish(&mut upload.waiting);
    }
    upload.write().await?;
    match file.take() {
        Some(upload) => upload.finish().await,
        None => Ok(()),
    }
}

/// The name of the version before this one: `f.2` before `f.3`, and `f` before `f.1`.
pub(super) fn version_before(asked: &VPath, written: &VPath) -> Option<VPath> {
    let number = written.as_bytes().strip_prefix(asked.as_bytes())?.strip_prefix(b".")?;
    let number: u32 = std::str::from_utf8(number).ok()?.parse().ok()?;
    match number.checked_sub(1)? {
        0 => Some(asked.clone()),
        before => VPath::parse(&[asked.as_bytes(), format!(".{before}").as_bytes()].concat()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_one_before_them() {
        let path = |text: &str| VPath::parse(text.as_bytes()).unwrap();
        for (written, before) in [("/f", None), ("/f.1", Some("/f")), ("/f.12", Some("/f.11")), ("/f.x", None), ("/g.1", None)] {
            assert_eq!(version_before(&path("/f"), &path(written)), before.map(path), "{written}");
        }
    }
}
