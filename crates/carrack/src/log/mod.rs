//! What is said while it runs? One line for each fact, with its session's id: an observer of events that never
//! waits, and hands its lines to a writer of its own.

mod fact;
mod json;
mod story;
mod text;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trace::{Observer, Ring, SessionInfo, Style};
use types::{Event, SessionId};

use crate::config::LogForm;
pub(crate) use fact::Fact;
use story::Story;
pub(crate) use text::{Look, size};
pub(crate) use writer::{Lines, Place, Writer};

/// How many parts the stories of sessions lie in, so that sessions on several threads rarely meet.
const PARTS: usize = 16;

/// The log: facts of sessions and of the server as lines.
pub(crate) struct Journal {
    form: LogForm,
    look: Look,
    /// Only failures.
    quiet: bool,
    /// Whether each session is drawn when it ends.
    ladders: bool,
    lines: Lines,
    stories: [Mutex<HashMap<SessionId, Story>>; PARTS],
}

impl Journal {
    /// A log of this form, whose lines go where `lines` takes them.
    pub(crate) fn new(form: LogForm, look: Look, quiet: bool, ladders: bool, lines: Lines) -> Arc<Self> {
        Arc::new(Self { form, look, quiet, ladders, lines, stories: Default::default() })
    }

    /// Says something about the server itself.
    pub(crate) fn say(&self, fact: &Fact<'_>) {
        self.write(None, fact);
    }

    /// Writes to another file from now on: the old one was rotated.
    pub(crate) fn move_to(&self, place: Place) -> bool {
        self.lines.move_to(place)
    }

    fn write(&self, session: Option<&SessionInfo>, fact: &Fact<'_>) {
        if self.quiet && !fact.is_failure() {
            return;
        }
        let now = io::clock::wall();
        self.lines.send(match self.form {
            LogForm::Text => text::line(now, session, fact, self.look),
            LogForm::Json => json::line(now, session, fact),
        });
    }

    fn part(&self, id: SessionId) -> MutexGuard<'_, HashMap<SessionId, Story>> {
        // A panic while it was held left whole stories only.
        let part = self.stories.get(id.0 as usize % PARTS).unwrap_or(&self.stories[0]);
        part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fact about the server itself, where there is no journal at hand.
fn render(now: types::Time, form: LogForm, fact: &Fact<'_>) -> String {
    match form {
        LogForm::Text => text::line(now, None, fact, Look::plain()),
        LogForm::Json => json::line(now, None, fact),
    }
}

impl Observer for Journal {
    fn opened(&self, session: &SessionInfo) {
        self.part(session.id).insert(session.id, Story::default());
        self.write(Some(session), &Fact::connected(session));
    }

    fn event(&self, session: &SessionInfo, event: &Event) {
        if !story::is_told_by(&event.what) {
            return;
        }
        let mut part = self.part(session.id);
        let Some(story) = part.get_mut(&session.id) else { return };
        if let Some(fact) = story.hear(event) {
            drop(part);
            self.write(Some(session), &fact);
        }
    }

    fn closed(&self, session: &SessionInfo, events: &Ring) {
        self.part(session.id).remove(&session.id);
        if self.ladders {
            let kept: Vec<Event> = events.iter().collect();
            let style = if self.look.unicode { Style::Unicode } else { Style::Ascii };
            let drawn = trace::ladder(session, &kept, events.dropped(), style, self.look.columns);
            self.lines.send(match self.form {
                LogForm::Text => text::ladder(session, &drawn),
                LogForm::Json => json::ladder(io::clock::wall(), session, &drawn),
            });
        }
    }

    fn listens(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Receiver;
    use std::time::Duration;
    use trace::{Capacity, Recorder};
    use types::{Direction, Reason, What};

    fn info() -> SessionInfo {
        SessionInfo {
            id: SessionId(0x3f2a_91c4),
            protocol: "ftp",
            listener: "ftp".into(),
            peer: "203.0.113.5:40000".parse().unwrap(),
            local: "192.0.2.1:21".parse().unwrap(),
            user: None,
        }
    }

    struct Said(Receiver<writer::Message>);

    impl Said {
        fn lines(&self) -> Vec<String> {
            let line = |m| match m {
                writer::Message::Line(line) => Some(line),
                writer::Message::Move(_) => None,
            };
            self.0.try_iter().filter_map(line).collect()
        }
    }

    fn journal(form: LogForm, quiet: bool, ladders: bool) -> (Arc<Journal>, Said) {
        let (lines, rx) = Lines::to_a_test(64);
        (Journal::new(form, Look::plain(), quiet, ladders, lines), Said(rx))
    }

    /// A session with everything in it that a log speaks of.
    fn play(journal: &Arc<Journal>) {
        let mut r = Recorder::new(info(), journal.clone(), Capacity::events(100));
        let at = Duration::from_millis(5);
        let peer = info().peer;
        for what in [
            What::Accepted(peer, info().local),
            What::Reply("220 Welcome.".into()),
            What::Command("USER anna".into()),
            What::Reply("331 Password, please.".into()),
            What::Command("PASS ***".into()),
            What::Ask("login anna".into()),
            What::Answer(Reason::LoginWrong.to_string().into()),
            What::Reply("530 Login incorrect. [CRK-101]".into()),
            What::Command("USER bob".into()),
            What::Reply("530 Passwords in clear are refused here. [CRK-103]".into()),
            What::Command("USER anna".into()),
            What::Command("PASS ***".into()),
            What::Ask("login anna".into()),
        ] {
            r.record(at, what);
        }
        r.set_user(Some("anna".into()));
        for what in [
            What::Answer("welcome /".into()),
            What::Reply("230 Welcome, anna.".into()),
            What::Command("SIZE big.iso".into()),
            What::Ask("stat /big.iso".into()),
            What::Answer("file 1288490188".into()),
            What::Command("RETR big.iso".into()),
            What::Ask("read /big.iso".into()),
            What::Answer("file 1288490188".into()),
            What::Connected(peer),
            What::Started(Direction::Out),
            What::Command("NOOP".into()),
            What::Moved(Direction::Out, 1_288_490_188, Duration::from_millis(3_100)),
            What::Command("STOR new".into()),
            What::Ask("write /new".into()),
            What::Answer("writing /new".into()),
            What::Started(Direction::In),
            What::Cut(Direction::In, 512, Reason::DataReset),
            What::Command("DELE old\\x1b".into()),
            What::Ask("remove /old\\x1b".into()),
            What::Answer("done".into()),
            What::Command("CWD /nowhere".into()),
            What::Ask("stat /nowhere".into()),
            What::Answer("CRK-201 no such file or folder (os error 2)".into()),
            What::Command("XSEN bob".into()),
            What::Ask("recipient bob".into()),
            What::Answer("done".into()),
            What::Reply("354 Send the text; a line that is only a dot ends it.".into()),
            What::Command("RETR is text".into()),
            What::Command(".".into()),
            What::Ask("message bob 12 bytes".into()),
            What::Answer("sent to 1 sessions".into()),
            What::Note(Reason::PrivateAnnounced, "10.0.0.5:50000".into()),
            What::Closed(Some(Reason::IdleTimeout)),
        ] {
            r.record(at, what);
        }
    }

    #[test]
    fn people_read_one_line_for_each_fact() {
        let (journal, rx) = journal(LogForm::Text, false, false);
        play(&journal);
        let said: String = rx.lines().iter().map(|l| l.get(9..).unwrap().to_owned()).collect();
        let expected = "\
3f2a91c4 203.0.113.5  connected to ftp (192.0.2.1:21)
3f2a91c4 203.0.113.5  login as anna  failed: the user name or the password is wrong [CRK-101] Check both; repeated failures slow the answers down and then ban the address.
3f2a91c4 203.0.113.5  USER  failed: this listener takes no passwords in clear from other machines [CRK-103] Use TLS, connect from loopback, or set plain_login = \"allow\" on the listener.
3f2a91c4 anna@203.0.113.5  logged in
3f2a91c4 anna@203.0.113.5  RETR /big.iso  1.2 GiB in 3.1 s (396 MiB/s)
3f2a91c4 anna@203.0.113.5  STOR /new  failed after 512 B: the client cut the data connection [CRK-306] Send or fetch the rest with REST.
3f2a91c4 anna@203.0.113.5  DELE /old\\x1b
3f2a91c4 anna@203.0.113.5  CWD /nowhere  failed: no such file or folder (os error 2) [CRK-201] Check the name; names are case-sensitive.
3f2a91c4 anna@203.0.113.5  XSEN bob 12 bytes
3f2a91c4 anna@203.0.113.5  note: a private address was announced to a client from outside (10.0.0.5:50000) [CRK-311] Set public_address on the listener (or --public-address).
3f2a91c4 anna@203.0.113.5  closed: nothing was said or moved for too long [CRK-112] Connect again; SITE IDLE asks for a longer time.
";
        assert_eq!(said, expected);
        assert!(journal.stories.iter().all(|p| p.lock().unwrap().is_empty()), "a story is forgotten with its session");
    }

    #[test]
    fn quiet_says_failures_only() {
        let (journal, rx) = journal(LogForm::Text, true, false);
        play(&journal);
        let lines = rx.lines();
        assert_eq!(lines.len(), 6, "{lines:#?}");
        assert!(lines.iter().all(|l| l.contains("CRK-")));
    }

    #[test]
    fn machines_read_one_object_a_line() {
        let (journal, rx) = journal(LogForm::Json, false, false);
        play(&journal);
        let lines: Vec<serde_json::Value> = rx.lines().iter().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(lines.iter().all(|l| l["session"] == "3f2a91c4" && l["peer"] == "203.0.113.5:40000" && l["time"].is_string()));
        let events: Vec<&str> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
        assert_eq!(
            events,
            [
                "connected",
                "login",
                "operation",
                "login",
                "transfer",
                "transfer",
                "operation",
                "operation",
                "operation",
                "note",
                "closed"
            ]
        );
        let sent = &lines[4];
        assert_eq!(
            (&sent["command"], &sent["path"], &sent["bytes"]),
            (&"RETR".into(), &"/big.iso".into(), &1_288_490_188u64.into())
        );
        assert_eq!((&sent["ok"], &sent["seconds"], &sent["direction"]), (&true.into(), &3.1.into(), &"out".into()));
        let cut = &lines[5];
        assert_eq!((&cut["ok"], &cut["code"], &cut["bytes"]), (&false.into(), &"CRK-306".into(), &512.into()));
        assert!(cut["remedy"].is_string() && cut["cause"].is_string());
    }

    #[test]
    fn a_ladder_comes_whole_at_the_end() {
        for (form, quiet) in [(LogForm::Text, false), (LogForm::Json, true)] {
            let (journal, rx) = journal(form, quiet, true);
            play(&journal);
            let last = rx.lines().pop().unwrap();
            assert!(last.contains("RETR big.iso") && last.contains("client") && last.contains("3f2a91c4"), "{last}");
        }
    }
}
