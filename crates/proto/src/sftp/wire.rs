//! How do numbers and strings stand in a packet (RFC 4251 §5)? Read without a copy, and never past the end.

use bytes::{BufMut, BytesMut};

/// A packet ended before what must stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Truncated;

/// What is left to read of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes from their start.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether all is read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (&first, rest) = self.0.split_first_chunk().ok_or(Truncated)?;
        self.0 = rest;
        Ok(first)
    }

    /// A byte.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn byte(&mut self) -> Result<u8, Truncated> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of 64 bits.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_be_bytes)
    }

    /// A string: its length, then its bytes.
    ///
    /// # Errors
    /// [`Truncated`] where it claims to be longer than the packet.
    pub fn string(&mut self) -> Result<&'a [u8], Truncated> {
        let mut ahead = *self;
        let length = usize::try_from(ahead.u32()?).map_err(|_| Truncated)?;
        let (string, rest) = ahead.0.split_at_checked(length).ok_or(Truncated)?;
        self.0 = rest;
        Ok(string)
    }
}

/// Appends a string: its length, then its bytes. What no packet can hold is cut.
pub fn put_string(string: &[u8], out: &mut BytesMut) {
    let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
    out.put_u32(length);
    out.extend_from_slice(string.get(..usize::try_from(length).unwrap_or(usize::MAX)).unwrap_or(string));
}

/// Appends a packet: its length, then what `body` appends.
pub fn put_packet(out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    body(out);
    let length = u32::try_from(out.len().saturating_sub(start + 4)).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(byte: u8, small: u32, large: u64, text: Vec<u8>, cut in 0..64_usize) {
            let mut out = BytesMut::new();
            out.put_u8(byte);
            out.put_u32(small);
            put_string(&text, &mut out);
            out.put_u64(large);
            let mut r = Reader::new(&out);
            prop_assert_eq!((r.byte(), r.u32(), r.string(), r.u64()), (Ok(byte), Ok(small), Ok(&text[..]), Ok(large)));
            prop_assert!(r.is_empty());
            let mut r = Reader::new(&out[..cut.min(out.len() - 1)]);
            prop_assert!((r.byte().and_then(|_| r.u32()).and_then(|_| r.string())).and_then(|_| r.u64()).is_err());
        }
    }

    #[test]
    fn a_string_that_lies_about_its_length_is_left_unread() {
        let mut r = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1, 2]);
        assert_eq!(r.string(), Err(Truncated));
        assert_eq!(r.u32(), Ok(u32::MAX));
    }

    #[test]
    fn packets_tell_their_length() {
        let mut out = BytesMut::from(&b"before"[..]);
        put_packet(&mut out, |out| out.extend_from_slice(b"abc"));
        assert_eq!(&out[..], b"before\0\0\0\x03abc");
    }
}
