//! Where does a packet end (draft-ietf-secsh-filexfer-02 §3)? Bytes in, whole packets out, their length capped before
//! anything is kept.

use bytes::{Buf, Bytes, BytesMut};
use types::Reason;

/// The stream of packets that comes from the other end.
#[derive(Debug)]
pub struct Frames {
    most: usize,
    /// The length field, as far as it is there.
    head: [u8; 4],
    /// How many bytes of it are.
    headed: usize,
    /// The packet, as far as it is there; made with room for all of it once its length is known and allowed.
    packet: BytesMut,
    /// What came while nobody asked for packets.
    kept: BytesMut,
}

impl Frames {
    /// Takes packets of up to `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, head: [0; 4], headed: 0, packet: BytesMut::new(), kept: BytesMut::new() }
    }

    /// The next whole packet without its length field, if it is there: out of what was [kept](Self::keep), then out of
    /// `input`, from which what was taken is gone. Each byte is copied once, into its packet.
    ///
    /// # Errors
    /// [`Reason::PacketTooLong`], and [`Reason::PacketBroken`] for a packet of no bytes; the stream cannot be read on
    /// from there.
    pub fn next_packet(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Reason> {
        if !self.kept.is_empty() {
            let kept = std::mem::take(&mut self.kept);
            let mut rest = &kept[..];
            let found = self.cut(&mut rest);
            let used = kept.len() - rest.len();
            self.kept = kept;
            self.kept.advance(used);
            if !self.kept.is_empty() || !matches!(found, Ok(None)) {
                return found;
            }
            self.kept = BytesMut::new();
        }
        self.cut(input)
    }

    fn cut(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Reason> {
        while let Some(place) = self.head.get_mut(self.headed) {
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            *place = byte;
            self.headed += 1;
            *input = rest;
        }
        let length = usize::try_from(u32::from_be_bytes(self.head)).unwrap_or(usize::MAX);
        if length == 0 {
            return Err(Reason::PacketBroken);
        }
        if length > self.most {
            return Err(Reason::PacketTooLong);
        }
        if self.packet.capacity() == 0 {
            self.packet = BytesMut::with_capacity(length);
        }
        let missing = length.saturating_sub(self.packet.len());
        let (now, later) = input.split_at_checked(missing).unwrap_or((input, &[]));
        self.packet.extend_from_slice(now);
        *input = later;
        if self.packet.len() < length {
            return Ok(None);
        }
        self.headed = 0;
        Ok(Some(std::mem::take(&mut self.packet).freeze()))
    }

    /// Keeps what came at a time when no packet is wanted.
    pub fn keep(&mut self, input: &[u8]) {
        self.kept.extend_from_slice(input);
    }

    /// How many bytes are kept.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Whether a packet has begun and not ended.
    pub fn is_amid(&self) -> bool {
        self.headed > 0 || !self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packets_are_the_same_however_they_are_cut(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in proptest::collection::vec(1..30_usize, 0..40),
        ) {
            let mut wire = Vec::new();
            for packet in &packets {
                wire.extend_from_slice(&(packet.len() as u32).to_be_bytes());
                wire.extend_from_slice(packet);
            }
            let (mut frames, mut seen, mut rest) = (Frames::new(64), Vec::new(), &wire[..]);
            let mut cuts = cuts.into_iter();
            while !rest.is_empty() || frames.kept() > 0 {
                let cut = cuts.next().unwrap_or(rest.len());
                let (mut now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                // Now and then nobody wants packets.
                if cut % 3 != 1 {
                    while let Some(packet) = frames.next_packet(&mut now).unwrap() {
                        seen.push(packet.to_vec());
                    }
                }
                frames.keep(now);
            }
            prop_assert_eq!(seen, packets);
            prop_assert!(!frames.is_amid());
        }
    }

    #[test]
    fn lengths_that_may_not_be_are_refused_before_anything_is_kept() {
        let next = |most, bytes: &[u8]| Frames::new(most).next_packet(&mut &*bytes);
        assert_eq!(next(100, &101_u32.to_be_bytes()), Err(Reason::PacketTooLong));
        assert_eq!(next(100, &[0; 4]), Err(Reason::PacketBroken));
        assert_eq!(next(1 << 18, &u32::MAX.to_be_bytes()), Err(Reason::PacketTooLong));
        assert_eq!(next(100, &100_u32.to_be_bytes()), Ok(None));
    }
}
