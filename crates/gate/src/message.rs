//! From user to user: who may send whom a message, in which sessions it will be shown, and when it is kept as mail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use types::{Delivered, Delivery, Error, Message, Reason, SessionId, VPath};

use crate::access::{Access, Ask, Pass};
use crate::force::{InForce, View};
use crate::maildir;
use crate::presence::Session;
use crate::verdict::Need;

/// Where a message goes.
enum Target {
    /// To a user: all its sessions, or its mail.
    User(Arc<View>),
    /// To one session alone.
    Session(Arc<Session>),
}

impl Target {
    /// The user's name as the rules have it; empty where nobody is logged in.
    fn name(&self) -> Arc<str> {
        match self {
            Self::User(view) => view.who.name.clone(),
            Self::Session(session) => session.state().user.clone().unwrap_or_default(),
        }
    }
}

impl Access {
    /// Messages may be left for this session from now on, until the login ends: it has somewhere to show them.
    pub fn shows_messages(&self) {
        self.own().open_letterbox(self.login());
    }

    /// Whether messages wait for it. Cheap: asked before each reply.
    pub fn has_messages(&self) -> bool {
        self.own().has_messages.load(Ordering::Relaxed)
    }

    /// Takes them, the oldest first.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.own().take_messages(self.login())
    }

    /// Whether a message would find its way. Nothing is sent.
    pub(crate) async fn recipient(&self, to: &str, delivery: Delivery) -> Result<(), Error> {
        let pass = self.enter_message("recipient", to).await?;
        let result = self.may_reach(&pass, to, delivery);
        pass.settle(result)
    }

    fn may_reach(&self, pass: &Pass, to: &str, delivery: Delivery) -> Result<(), Error> {
        let force = self.gate().force.load();
        let target = self.target(&pass.view, &force, to)?;
        let mailable = delivery.mails() && force.rules.mail.is_some() && is_mailable(&target);
        let shown = delivery.shows() && !self.showing(&target).is_empty();
        match delivery {
            Delivery::SessionsAndMail | Delivery::Mail if mailable => Ok(()),
            Delivery::Sessions | Delivery::SessionsOrMail if shown || mailable => Ok(()),
            Delivery::Sessions => Err(Reason::NotHere.into()),
            _ => Err(Reason::NoMailbox.into()),
        }
    }

    /// Sends a message.
    pub(crate) async fn message(&self, to: &str, delivery: Delivery, text: &[u8]) -> Result<Delivered, Error> {
        let pass = self.enter_message("message", to).await?;
        let result = self.deliver(&pass, to, delivery, text).await;
        pass.settle(result)
    }

    async fn enter_message(&self, verb: &'static str, to: &str) -> Result<Pass, Error> {
        let mut pass = self.enter(Ask::new(verb, &VPath::root(), Need::Look)).await?;
        pass.permit.about.1 = Some(to.into());
        Ok(pass)
    }

    async fn deliver(&self, pass: &Pass, to: &str, delivery: Delivery, text: &[u8]) -> Result<Delivered, Error> {
        let force = self.gate().force.load_full();
        let target = self.target(&pass.view, &force, to)?;
        let message = Arc::new(Message { from: (&*pass.view.who.name).into(), at: io::clock::wall(), text: text.into() });
        let mut delivered = Delivered::default();
        match delivery {
            Delivery::Sessions => delivered.sessions = self.show(&target, &message)?,
            Delivery::SessionsOrMail => match self.show(&target, &message) {
                Ok(sessions) => delivered.sessions = sessions,
                Err(reason) => {
                    self.mail(&force, &target, &message, reason).await?;
                    delivered.mailed = true;
                }
            },
            Delivery::SessionsAndMail | Delivery::Mail => {
                self.mail(&force, &target, &message, Reason::NoMailbox).await?;
                delivered.mailed = true;
                if delivery.shows() {
                    // It is kept; that it cannot be shown as well is no failure.
                    delivered.sessions = self.show(&target, &message).unwrap_or(0);
                }
            }
        }
        Ok(delivered)
    }

    /// Whom a word means: a user as it is known where the sender came in, else a session by its id. Without leave to send
    /// others messages nothing is told of them, not even whether they exist.
    fn target(&self, view: &View, force: &InForce, to: &str) -> Result<Target, Error> {
        let who = &view.who;
        let find = |name: &str| force.find(&self.own().listener, self.host(), name).filter(|view| !view.who.disabled);
        // `name@host`, as mail was addressed; the host is this one.
        let bare = to.rsplit_once('@').map_or(to, |(name, _)| name);
        let user = find(to).or_else(|| find(bare)).map(Target::User);
        let session = || {
            let id = u32::from_str_radix(to, 16).ok().filter(|_| to.len() == 8)?;
            self.gate().door.find(SessionId(id)).filter(|s| s.state().user.is_some()).map(Target::Session)
        };
        let target = user.or_else(session);
        let own = !who.anonymous && target.as_ref().is_some_and(|target| *target.name() == *who.name);
        match target {
            _ if !who.messages && !own => Err(Reason::MessagesDenied.into()),
            Some(target) => Ok(target),
            None => Err(Reason::NoRecipient.into()),
        }
    }

    /// The sessions that would show a message.
    fn showing(&self, target: &Target) -> Vec<Arc<Session>> {
        match target {
            Target::Session(session) => Some(session.clone()).filter(|s| s.state().letterbox.is_some()).into_iter().collect(),
            Target::User(view) => {
                let mut sessions = self.gate().door.all();
                sessions.retain(|session| {
                    let state = session.state();
                    state.letterbox.is_some() && state.user.as_deref() == Some(&*view.who.name)
                });
                sessions
            }
        }
    }

    /// Leaves a message for each session that shows any; tells how many took it.
    fn show(&self, target: &Target, message: &Arc<Message>) -> Result<u32, Reason> {
        let (mut sessions, mut refused) = (0u32, Reason::NotHere);
        for session in self.showing(target) {
            match session.leave_message(message) {
                Ok(()) => sessions = sessions.saturating_add(1),
                Err(reason) => refused = reason,
            }
        }
        if sessions > 0 { Ok(sessions) } else { Err(refused) }
    }

    /// Keeps a message as mail; `instead` is why, where nothing keeps mail.
    async fn mail(&self, force: &InForce, target: &Target, message: &Message, instead: Reason) -> Result<(), Error> {
        let Some((rules, mount)) = force.mail().filter(|_| is_mailable(target)) else { return Err(instead.into()) };
        let name = target.name();
        let letter = maildir::letter(message, &name);
        if letter.len() as u64 > rules.size {
            return Err(Reason::MessageTooLarge.into());
        }
        // One after the other: so the count of what waits holds.
        let gate = self.gate();
        let _one = gate.mailing.lock().await;
        let names = || {
            let n = gate.mailed.fetch_add(1, Ordering::Relaxed);
            format!("{}.S{}N{n:016x}.carrack", message.at.seconds, self.session())
        };
        maildir::keep(&*mount.storage, &name, rules.most, letter, names).await
    }
}

/// Whether mail can be kept: for users with a name of their own.
fn is_mailable(target: &Target) -> bool {
    matches!(target, Target::User(view) if !view.who.anonymous)
}

impl Session {
    fn open_letterbox(&self, login: u32) {
        let mut state = self.state();
        if state.login == login && state.letterbox.is_none() {
            state.letterbox = Some(Default::default());
        }
    }

    fn leave_message(&self, message: &Arc<Message>) -> Result<(), Reason> {
        let mut state = self.state();
        let letterbox = state.letterbox.as_mut().ok_or(Reason::NotHere)?;
        letterbox.put(message)?;
        self.has_messages.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn take_messages(&self, login: u32) -> Vec<Arc<Message>> {
        let mut state = self.state();
        if state.login != login {
            return Vec::new();
        }
        self.has_messages.store(false, Ordering::Relaxed);
        state.letterbox.as_mut().map(|letterbox| letterbox.empty()).unwrap_or_default()
    }
}
