//! Messages that wait to be shown in a session: few and short, so that nobody can fill the memory with them.

use std::sync::Arc;

use types::{Message, Reason};

/// How many messages may wait for one session.
const MOST: usize = 8;
/// How long the text of one may be, in bytes.
pub(crate) const LONGEST: usize = 2_048;

/// What waits for one session. There is none where the session cannot show any.
#[derive(Default)]
pub(crate) struct Letterbox(Vec<Arc<Message>>);

impl Letterbox {
    /// Puts one in.
    ///
    /// # Errors
    /// [`Reason::MailboxFull`], [`Reason::MessageTooLarge`].
    pub(crate) fn put(&mut self, message: &Arc<Message>) -> Result<(), Reason> {
        if message.text.len() > LONGEST {
            return Err(Reason::MessageTooLarge);
        }
        if self.0.len() >= MOST {
            return Err(Reason::MailboxFull);
        }
        self.0.push(message.clone());
        Ok(())
    }

    /// Takes all out, the oldest first.
    pub(crate) fn empty(&mut self) -> Vec<Arc<Message>> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Time;

    #[test]
    fn a_letterbox_is_bounded_in_number_and_in_length() {
        let message = |bytes| Arc::new(Message { from: "anna".into(), at: Time::default(), text: vec![b'x'; bytes].into() });
        let mut letterbox = Letterbox::default();
        assert_eq!(letterbox.put(&message(LONGEST + 1)), Err(Reason::MessageTooLarge));
        for _ in 0..MOST {
            assert_eq!(letterbox.put(&message(LONGEST)), Ok(()));
        }
        assert_eq!(letterbox.put(&message(1)), Err(Reason::MailboxFull));
        assert_eq!(letterbox.empty().len(), MOST);
        assert_eq!(letterbox.put(&message(1)), Ok(()));
    }
}
