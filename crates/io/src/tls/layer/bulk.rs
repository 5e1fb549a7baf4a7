//! How does a body go through TLS? In pieces of several records, no further ahead of the socket than one of them.

use std::io;

use super::{LITTLE, Layer, MUCH};

impl Layer {
    /// Encrypts the beginning of `plain` and starts it on its way. Tells how much that was: those bytes are done with,
    /// though they may wait here for the socket; [`Layer::drain`] tells when they have left.
    ///
    /// # Errors
    /// "Would block" while an earlier piece waits for the socket; the peer's reset.
    pub(crate) fn put(&mut self, plain: &[u8]) -> io::Result<usize> {
        // A few bytes of the session's own, at the end of a handshake, leave together with the first piece.
        if self.outgoing.unsent().len() > LITTLE {
            self.drain()?;
        }
        let piece = plain.get(..MUCH).unwrap_or(plain);
        self.encrypt(|write, outgoing| outgoing.encrypt(write, piece))?;
        self.push_out()?;
        Ok(piece.len())
    }

    /// Sends what is encrypted.
    ///
    /// # Errors
    /// "Would block" while the socket takes less than all of it; the peer's reset.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        if self.push_out()? { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// How many encrypted bytes wait for the socket.
    #[cfg(test)]
    pub(crate) fn waits_to_leave(&self) -> usize {
        self.outgoing.unsent().len()
    }
}
