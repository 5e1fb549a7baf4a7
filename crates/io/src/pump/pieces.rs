//! How does a body come to somebody who is no socket: a terminal, a digest? Piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use types::{Error, Reason};

use crate::body::{From, Source};
use crate::task::Pace;

/// As much of a file as is read at once.
const PIECE: usize = 256 * 1024;

/// A body, to be taken piece by piece.
pub struct Pieces {
    from: From,
    pace: Pace,
}

impl Pieces {
    /// Nothing is read yet.
    pub fn of(source: Source) -> Self {
        Self { from: source.0, pace: Pace::default() }
    }

    /// The next piece, never empty; `None` at the end.
    ///
    /// # Errors
    /// The storage's; [`Reason::Shrunk`] where a file ends before it should.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.from {
            From::Bytes(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            From::Chunks(chunks) => chunks.next().await,
            From::File { file, at, end } => {
                let (file, from, wanted) = (Arc::clone(file), *at, *end - (*at).min(*end));
                if wanted == 0 {
                    return Ok(None);
                }
                let size = usize::try_from(wanted).unwrap_or(PIECE).min(PIECE);
                let piece = self.pace.run(move || read(&file, from, size)).await??;
                *at += piece.len() as u64;
                match (piece.is_empty(), *end) {
                    (false, _) => Ok(Some(piece)),
                    // Its own end, which was not known before.
                    (true, u64::MAX) => Ok(None),
                    (true, _) => Err(Reason::Shrunk.into()),
                }
            }
        }
    }
}

/// Up to `size` bytes from byte `at` on; fewer, too, before the end.
fn read(file: &std::fs::File, at: u64, size: usize) -> Result<Bytes, Error> {
    let mut piece = Vec::with_capacity(size);
    loop {
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut piece), at) {
            Ok(_) => {
                // The room that is there may be more than was asked for.
                piece.truncate(size);
                return Ok(piece.into());
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(std::io::Error::from(e).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn all(source: Source) -> Result<Vec<u8>, Error> {
        let (mut pieces, mut all) = (Pieces::of(source), Vec::new());
        while let Some(piece) = pieces.next().await? {
            assert!(!piece.is_empty());
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_body_comes_whole_from_wherever_it_is() {
        let content: Vec<u8> = (0..PIECE * 2 + 7).map(|n| (n % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let (file, size) = (Arc::new(file), content.len() as u64);
        assert!(all(Source::from_file(file.clone(), 0)).await.unwrap() == content);
        assert!(all(Source::from_range(file.clone(), 5, size)).await.unwrap() == content[5..]);
        assert!(all(Source::from_file(file.clone(), 5).first(9)).await.unwrap() == content[5..14]);
        assert!(all(Source::from_range(file.clone(), size, size)).await.unwrap().is_empty());
        assert_eq!(all(Source::from_range(file, 0, size + 1)).await.unwrap_err().reason, Reason::Shrunk);
        assert!(all(Source::from_bytes(content.clone().into())).await.unwrap() == content);
        assert!(all(Source::from_bytes(Bytes::new())).await.unwrap().is_empty());
    }
}
