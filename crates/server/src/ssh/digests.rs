//! Digests of what is in a file, or of each block of it (`check-file`).

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};
use gate::OpenFile;
use proto::sftp::digest::Digest;
use proto::sftp::server::Done;
use types::{Error, Reason};

/// Those that are made. MD5 and CRC-32 find accidents alone, and every program that asks knows better ones.
pub(super) const SERVED: [Digest; 5] = [Digest::Sha256, Digest::Sha512, Digest::Sha384, Digest::Sha224, Digest::Sha1];

/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;
/// The most bytes of digests in one answer.
const MOST: usize = 128 * 1024;

fn algorithm(digest: Digest) -> Option<&'static Algorithm> {
    Some(match digest {
        Digest::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha224 => &SHA224,
        Digest::Sha256 => &SHA256,
        Digest::Sha384 => &SHA384,
        Digest::Sha512 => &SHA512,
        Digest::Md5 | Digest::Crc32 => return None,
    })
}

/// Makes one digest of `length` bytes from `at` on (to the end where nothing is said), or one of each `block`.
pub(super) async fn make(
    file: &OpenFile,
    digest: Digest,
    mut at: u64,
    length: Option<u64>,
    block: Option<u32>,
) -> Result<Done, Error> {
    let algorithm = algorithm(digest).ok_or(Reason::DigestUnknown)?;
    let size = file.attr().await?.size;
    let end = length.map_or(size, |length| at.saturating_add(length)).min(size);
    let block = block.filter(|b| *b > 0).map_or(u64::MAX, u64::from);
    let count = if block == u64::MAX { 1 } else { end.saturating_sub(at).div_ceil(block) };
    if count.saturating_mul(digest.length() as u64) > MOST as u64 {
        return Err(Reason::TooMany.into());
    }
    let mut all = Vec::new();
    loop {
        let until = end.min(at.saturating_add(block));
        let mut context = Context::new(algorithm);
        while at < until {
            let want = usize::try_from(until - at).unwrap_or(PIECE).min(PIECE);
            let bytes = file.read(at, want, 0).await?;
            if bytes.is_empty() {
                return Err(Reason::Shrunk.into());
            }
            context.update(&bytes);
            at += bytes.len() as u64;
            // Others have their turn between two pieces.
            tokio::task::yield_now().await;
        }
        all.extend_from_slice(context.finish().as_ref());
        if at >= end {
            return Ok(Done::Digests(digest, all));
        }
    }
}
