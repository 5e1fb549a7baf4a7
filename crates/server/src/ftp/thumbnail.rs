//! How is a picture made small (THMB)? On the blocking pool, a few at a time, with bounds to file, points and memory.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use io::body::Source;
use io::meter::Meter;
use io::pump::{self, Absorb, PumpError};
use io::task;
use proto::ftp::server::{Thumbnail, ThumbnailFormat};
use tokio::sync::Semaphore;
use types::{Error, Reason};

/// The largest file that is read.
const FILE_AT_MOST: u64 = 64 << 20;
/// The most points a picture may have, and the most memory its decoding may take.
const POINTS_AT_MOST: u64 = 64_000_000;
const MEMORY_AT_MOST: u64 = 384 << 20;
/// How many are made at once, of all sessions.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// How good a JPEG is, of 100.
const QUALITY: u8 = 80;

/// The bytes of a file.
#[derive(Default)]
struct Whole(Vec<u8>);

impl Absorb for Whole {
    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// Reads an image of `size` bytes and makes a small picture of it.
pub(super) async fn make(source: Source, size: u64, wanted: Thumbnail, meter: &Meter) -> Result<Source, PumpError> {
    if size > FILE_AT_MOST {
        return Err(Error::new(Reason::PictureTooLarge).into());
    }
    let work = async {
        let _place = AT_ONCE.acquire().await; // it is never closed
        let (whole, _) = pump::absorb(source.first(FILE_AT_MOST), Whole::default(), meter).await?;
        let small = task::blocking(move || shrink(whole.0, wanted)).await?;
        Ok(Source::from_bytes(small?.into()))
    };
    meter.token().run_until_cancelled(work).await.unwrap_or(Err(PumpError::Cancelled))
}

/// Blocks.
fn shrink(whole: Vec<u8>, wanted: Thumbnail) -> Result<Vec<u8>, Error> {
    let mut reader = ImageReader::new(Cursor::new(whole)).with_guessed_format().map_err(|e| no_picture(&e.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_AT_MOST);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > POINTS_AT_MOST {
        return Err(Reason::PictureTooLarge.into());
    }
    let turned = decoder.orientation().map_err(refused)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(turned);
    if picture.width() > wanted.width || picture.height() > wanted.height {
        picture = picture.thumbnail(wanted.width, wanted.height);
    }
    let mut small = Vec::new();
    let written = match wanted.format {
        ThumbnailFormat::Jpeg => picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut small, QUALITY)),
        ThumbnailFormat::Png => picture.to_rgba8().write_to(&mut Cursor::new(&mut small), ImageFormat::Png),
    };
    written.map_err(|e| Error::with(Reason::Io, e.to_string()))?;
    Ok(small)
}

fn refused(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Reason::PictureTooLarge.into(),
        other => no_picture(&other.to_string()),
    }
}

fn no_picture(why: &str) -> Error {
    Error::with(Reason::NotAPicture, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 7]));
        picture.write_to(&mut Cursor::new(&mut out), ImageFormat::Png).unwrap();
        out
    }

    #[test]
    fn pictures_fit_into_what_is_asked_for_and_keep_their_shape() {
        for (format, is) in [(ThumbnailFormat::Jpeg, ImageFormat::Jpeg), (ThumbnailFormat::Png, ImageFormat::Png)] {
            let small = shrink(png(400, 200), Thumbnail { format, width: 100, height: 100 }).unwrap();
            assert_eq!(image::guess_format(&small).unwrap(), is);
            let small = image::load_from_memory(&small).unwrap();
            assert_eq!((small.width(), small.height()), (100, 50));
            let as_it_is = shrink(png(40, 20), Thumbnail { format, width: 100, height: 100 }).unwrap();
            assert_eq!(image::load_from_memory(&as_it_is).unwrap().width(), 40);
        }
    }

    #[test]
    fn bombs_and_noise_are_refused() {
        let wanted = Thumbnail { format: ThumbnailFormat::Png, width: 10, height: 10 };
        let reason = |bytes: Vec<u8>| shrink(bytes, wanted).unwrap_err().reason;
        assert_eq!(reason(Vec::new()), Reason::NotAPicture);
        assert_eq!(reason(b"no picture".to_vec()), Reason::NotAPicture);
        let mut cut = png(400, 200);
        cut.truncate(cut.len() / 2);
        assert_eq!(reason(cut), Reason::NotAPicture);
        // A header that promises 100,000 x 100,000 points, its checksum made right.
        let mut bomb = png(4, 4);
        bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(reason(bomb), Reason::PictureTooLarge);
    }

    /// CRC-32, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        })
    }
}
