//! How does a body go from one storage to another? Inside the kernel where both are files, which shares the disk's blocks
//! where the file system can; else through memory.

use std::fs::File;
use std::io;

use rustix::fs::copy_file_range;
use rustix::io::{Errno, pread};
use types::Error;

use super::PumpError;
use super::send::ended;
use crate::body::{From, Into, Sink, Source, write_all_at};
use crate::meter::Meter;
use crate::task;

/// Copied at once; a cancelled copy ends behind so many bytes.
const SLICE: usize = 64 * 1024 * 1024;
/// As [`SLICE`], through memory.
const COPIED: usize = 1024 * 1024;

/// Writes all of a body behind what the sink has, and tells how many bytes that was.
///
/// # Errors
/// The storages', or that it was cancelled.
pub async fn relay(source: Source, sink: &mut Sink, meter: &Meter) -> Result<u64, PumpError> {
    let mut moved = 0;
    match source.0 {
        From::File { file, mut at, end } => {
            let mut in_kernel = true;
            while at < end {
                if meter.is_cancelled() {
                    return Err(PumpError::Cancelled);
                }
                let most = usize::try_from(end - at).unwrap_or(SLICE);
                let from = file.clone();
                let n = match sink.0.as_mut() {
                    Some(Into::File { tail, .. }) if in_kernel => {
                        let (to, offset) = (tail.file.clone(), tail.at);
                        match task::blocking(move || within(&from, at, &to, offset, most.min(SLICE))).await? {
                            Ok(n) => {
                                tail.at += n as u64;
                                n
                            }
                            Err(e) if is_unsuited(e) => {
                                in_kernel = false;
                                continue;
                            }
                            Err(e) => return Err(Error::from(io::Error::from(e)).into()),
                        }
                    }
                    _ => {
                        let piece = task::blocking(move || piece(&from, at, most.min(COPIED))).await?;
                        let piece = piece.map_err(|e| Error::from(io::Error::from(e)))?;
                        let n = piece.len();
                        put(sink, piece).await?;
                        n
                    }
                };
                if n == 0 {
                    ended(end)?;
                    break;
                }
                at += n as u64;
                moved += n as u64;
                meter.count(n);
            }
        }
        From::Bytes(bytes) => {
            moved = bytes.len() as u64;
            put(sink, bytes.to_vec()).await?;
            meter.count(bytes.len());
        }
        From::Chunks(mut chunks) => {
            while let Some(chunk) = meter.token().run_until_cancelled(chunks.next()).await.ok_or(PumpError::Cancelled)?? {
                moved += chunk.len() as u64;
                meter.count(chunk.len());
                put(sink, chunk.to_vec()).await?;
            }
        }
    }
    Ok(moved)
}

fn within(from: &File, at: u64, to: &File, offset: u64, most: usize) -> Result<usize, Errno> {
    let (mut at, mut offset) = (at, offset);
    loop {
        match copy_file_range(from, Some(&mut at), to, Some(&mut offset), most) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// Whether the kernel does not copy between these two.
fn is_unsuited(e: Errno) -> bool {
    matches!(e, Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF | Errno::PERM)
}

fn piece(from: &File, at: u64, most: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; most];
    loop {
        match pread(from, bytes.as_mut_slice(), at) {
            Ok(n) => {
                bytes.truncate(n);
                return Ok(bytes);
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
}

async fn put(sink: &mut Sink, bytes: Vec<u8>) -> Result<(), Error> {
    match sink.0.as_mut() {
        Some(Into::File { tail, .. }) => {
            let (file, at) = (tail.file.clone(), tail.at);
            let (done, result) = task::blocking(move || write_all_at(&file, &bytes, at)).await?;
            tail.at += done;
            result
        }
        Some(Into::Put(put)) if !bytes.is_empty() => put.write(bytes.into()).await,
        _ => Ok(()),
    }
}
