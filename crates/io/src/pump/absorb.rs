//! How is a body read for itself and sent nowhere (a digest)? In slices, on the blocking pool, until it is cancelled.

use std::io;

use rustix::io::{Errno, pread};
use types::Error;

use super::PumpError;
use super::send::ended;
use crate::body::{From, Source};
use crate::meter::Meter;
use crate::task;

/// Takes the bytes of a body, one piece after the other.
pub trait Absorb: Send + 'static {
    /// The next piece.
    fn take(&mut self, bytes: &[u8]);
}

/// Read at once; a cancelled reading ends behind so many bytes.
const SLICE: usize = 1024 * 1024;

/// Reads all of a body into `into` and gives it back, with the number of bytes.
///
/// # Errors
/// The storage's, or that it was cancelled.
pub async fn absorb<A: Absorb>(source: Source, mut into: A, meter: &Meter) -> Result<(A, u64), PumpError> {
    let mut taken = 0;
    match source.0 {
        From::File { file, mut at, end } => {
            let mut buffer = Vec::new();
            while at < end {
                meter_is_on(meter)?;
                let len = usize::try_from(end - at).unwrap_or(SLICE).min(SLICE);
                let source = file.clone();
                let slice = task::blocking(move || {
                    buffer.resize(len, 0);
                    let read = loop {
                        match pread(&source, buffer.as_mut_slice(), at) {
                            Err(Errno::INTR) => {}
                            other => break other,
                        }
                    };
                    into.take(buffer.get(..read.unwrap_or(0)).unwrap_or_default());
                    (into, buffer, read)
                });
                let read;
                (into, buffer, read) = slice.await?;
                let read = read.map_err(|e| Error::from(io::Error::from(e)))? as u64;
                if read == 0 {
                    ended(end)?;
                    break;
                }
                at += read;
                taken += read;
            }
        }
        From::Bytes(bytes) => {
            taken = bytes.len() as u64;
            into = task::blocking(move || {
                into.take(&bytes);
                into
            })
            .await?;
        }
        From::Chunks(mut chunks) => {
            while let Some(chunk) = meter.token().run_until_cancelled(chunks.next()).await.ok_or(PumpError::Cancelled)?? {
                taken += chunk.len() as u64;
                into = task::blocking(move || {
                    into.take(&chunk);
                    into
                })
                .await?;
            }
        }
    }
    Ok((into, taken))
}

fn meter_is_on(meter: &Meter) -> Result<(), PumpError> {
    if meter.is_cancelled() { Err(PumpError::Cancelled) } else { Ok(()) }
}
