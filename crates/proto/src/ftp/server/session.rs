//! `Session`: one mutation, then drain. Lines are run one after the other; while something is awaited the urgent
//! ones (ABOR, STAT, NOOP) are still answered and the others wait.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use types::{AskId, Credentials, Error, LoginError, Op, PathError, Reason, TransferId, VPath};

use super::exchange::{Channel, End, Flow, Input, Level, Output, PassiveForm, Settings};
use super::language::Language;
use super::state::{Answered, DataPort, Ended, Exchange, Heard, Held, Protection, Running, Stage, Telling, Then, User, Work};
use super::verbs;
use crate::ftp::command::Command;
use crate::ftp::errors;
use crate::ftp::name;
use crate::ftp::reply::Reply;
use crate::ftp::verb::{self, Served, Verb};
use crate::line::LineError;

/// How many lines may wait behind the work at hand. When so many wait, [`Session::wants_lines`] says no, and the
/// driver stops reading until the work ends: TCP makes the client wait and nothing is lost.
const HELD_AT_MOST: usize = 16;

/// The server's end of one FTP session.
pub struct Session {
    pub(super) settings: Arc<Settings>,
    pub(super) stage: Stage,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    /// Passwords in clear are refused from this peer on this listener.
    pub(super) refuses_plain: bool,
    pub(super) lacks_certificate: bool,
    pub(super) protection: Protection,
    pub(super) host: Option<Box<str>>,
    /// In which people read the replies (LANG).
    pub(super) language: Language,
    /// Security exchanges that were begun.
    pub(super) exchanges: u8,
    /// How replies are protected now.
    replies: Option<Level>,
    work: Work,
    telling: Telling,
    held: Held,
    out: VecDeque<Output>,
    now: Duration,
    last_heard: Duration,
    /// Since when nobody is logged in.
    nobody_since: Duration,
    counter: u32,
    stopping: Option<Reason>,
}

impl Session {
    /// A session between `peer` and `local`, as the control connection has them; an IPv4 address mapped into IPv6
    /// counts as IPv4. `refuses_plain`: passwords are not taken in clear from this peer. `protected`: TLS stands
    /// before the greeting (implicit listeners); [`Session::shown`] tells what its handshake brought.
    pub fn new(settings: Arc<Settings>, peer: SocketAddr, local: SocketAddr, refuses_plain: bool, protected: bool) -> Self {
        let canonical = |a: SocketAddr| SocketAddr::new(a.ip().to_canonical(), a.port());
        Self {
            settings,
            stage: Stage::Greeted,
            peer: canonical(peer),
            local: canonical(local),
            refuses_plain,
            lacks_certificate: false,
            protection: if protected { Protection::implicit() } else { Protection::default() },
            host: None,
            language: Language::default(),
            exchanges: 0,
            replies: None,
            work: Work::None,
            telling: Telling::Not,
            held: VecDeque::new(),
            out: VecDeque::new(),
            now: Duration::ZERO,
            last_heard: Duration::ZERO,
            nobody_since: Duration::ZERO,
            counter: 0,
            stopping: None,
        }
    }

    /// Takes the names on the client's certificate where TLS stood before the session (implicit listeners).
    pub fn shown(&mut self, names: Vec<Box<str>>) {
        if self.protection.control {
            self.protection.names = names;
        }
    }

    /// The listener has TLS and nothing to show yet, as before an authority has issued its certificate: AUTH is answered
    /// with 431 (RFC 2228 §5.1), and no client falls into a handshake that must fail.
    pub fn lacks_certificate(&mut self) {
        self.lacks_certificate = true;
    }

    /// Says the first word (220), one line or several.
    pub fn greet(&mut self, lines: &[Box<str>]) {
        let text = lines.iter().map(|line| line.replace(['\r', '\n'], " ")).collect::<Vec<_>>().join("\n");
        self.say(if text.is_empty() { Reply::fixed(220, "Carrack is ready.") } else { Reply::new(220, text) });
    }

    /// Takes something in. `now` is the time since the session began and never goes back. Then drain
    /// [`Session::poll`].
    pub fn handle(&mut self, input: Input<'_>, now: Duration) {
        self.now = now.max(self.now);
        if matches!(self.stage, Stage::Closing) {
            return;
        }
        match input {
            Input::Line(line) => {
                self.last_heard = self.now;
                self.line(line);
            }
            Input::Malformed(error) => {
                self.last_heard = self.now;
                self.hear(Heard::Malformed(error));
            }
            Input::Answer(id, answer) => {
                if let Some(Then::Answer(then, _)) = self.answered(id) {
                    then(self, answer);
                }
            }
            Input::Progress(id, entries) => self.progress(id, entries),
            Input::Login(id, answer) => {
                if let Some(Then::Login) = self.answered(id) {
                    verbs::login::answered(self, answer);
                }
            }
            Input::Host(id, answer) => {
                if let Some(Then::Host) = self.answered(id) {
                    verbs::host::answered(self, answer);
                }
            }
            Input::Reserved(id, answer) => {
                if let Some(Then::Reserve(form)) = self.answered(id) {
                    verbs::passive::reserved(self, form, answer);
                }
            }
            Input::Adopted(id, answer) => {
                if let Some(Then::Adopt) = self.answered(id) {
                    verbs::passive::adopted(self, answer);
                }
            }
            Input::Secured(result) => {
                if let Work::Securing { private } = self.work {
                    self.work = Work::None;
                    self.last_heard = self.now;
                    verbs::protection::secured(self, private, result);
                }
            }
            Input::Cleared(result) => {
                if let Work::Clearing { anew } = self.work {
                    self.work = Work::None;
                    self.last_heard = self.now;
                    verbs::protection::cleared(self, anew, result);
                }
            }
            Input::Accepted(id, answer) => {
                if let Some(Then::Accept) = self.answered(id) {
                    verbs::security::accepted(self, answer);
                }
            }
            Input::Unwrapped(level, line) => verbs::security::unwrapped(self, level, line),
            Input::Ended(id, end) => self.ended(id, end),
            Input::Marked(id, marker, at) => self.marked(id, marker, at),
            Input::Suspect(id) => {
                if let Some(running) = self.transfer_mut().filter(|running| running.id == id) {
                    running.suspect = true;
                }
            }
            Input::Measured(id, bytes) => verbs::stat::measured(self, id, bytes),
            Input::Tick => {}
            Input::Stop(reason, at_once) => self.stop(reason, at_once),
        }
        self.resume();
        self.check_deadline();
    }

    /// What comes out next; ask until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        let out = self.out.pop_front();
        if out.is_none() && self.out.capacity() > 0 {
            self.out = VecDeque::new(); // an idle session keeps nothing it does not need
        }
        out
    }

    /// When to come back with [`Input::Tick`] at the latest, as time since the session began; `None` while
    /// something runs that has limits of its own.
    pub fn deadline(&self) -> Option<Duration> {
        match (&self.work, &self.stage) {
            (Work::Transfer(_) | Work::Ask(..) | Work::Securing { .. } | Work::Clearing { .. }, _) | (_, Stage::Closing) => None,
            (_, Stage::LoggedIn(user)) => Some(self.last_heard.saturating_add(user.idle)),
            // From the beginning or the logout, not from the last line: a client that only talks does not hold its place.
            _ => Some(self.nobody_since.saturating_add(self.settings.login_within)),
        }
    }

    /// Whether another line may come in now. Otherwise leave it in the socket.
    pub fn wants_lines(&self) -> bool {
        self.held.len() < HELD_AT_MOST && !self.changes_tls()
    }

    /// Whether the control connection is protected now.
    pub const fn is_protected(&self) -> bool {
        self.protection.control
    }

    /// Whether lines may be long now: tokens of a security exchange, and commands protected by one.
    pub const fn expects_tokens(&self) -> bool {
        !matches!(self.protection.exchange, Exchange::None)
    }

    /// Whether data connections are to be protected by TLS (PROT P).
    pub const fn is_data_protected(&self) -> bool {
        self.protection.data
    }

    /// Whether TLS is just beginning or ending on the control connection.
    const fn changes_tls(&self) -> bool {
        matches!(self.work, Work::Securing { .. } | Work::Clearing { .. })
    }

    /// Whether the control connection is being closed.
    pub const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing)
    }

    /// Whether the client has said good-bye, be it in a line that still waits.
    pub fn is_leaving(&self) -> bool {
        self.is_closing()
            || self
                .held
                .iter()
                .any(|heard| matches!(heard, Heard::Line(line, _) if Command::parse(line).verb == Some(Verb::Quit)))
    }

    /// Who is logged in.
    pub fn user_name(&self) -> Option<&str> {
        match &self.stage {
            Stage::LoggedIn(user) => Some(&user.name),
            _ => None,
        }
    }

    fn line(&mut self, line: &[u8]) {
        let command = Command::parse(line);
        // Behind a security exchange the lines of a message come protected, as commands do.
        let as_it_is = verbs::mail::is_drafting(self) && !self.protection.is_exchanged();
        if !as_it_is && verbs::security::takes(self, &command) {
            return;
        }
        match self.protection.is_exchanged() {
            true => self.hear(Heard::Unsafe(Reason::CommandUnprotected)),
            false => self.hear_line(line, None),
        }
    }

    /// A command as it was meant: in clear, or with its protection taken off.
    pub(super) fn hear_line(&mut self, line: &[u8], level: Option<Level>) {
        let command = Command::parse(line);
        if self.is_urgent(&command) {
            self.protect_replies(level);
            self.run(&command);
        } else {
            self.hear(Heard::Line(line.into(), level));
        }
    }

    /// Answers what is no command, in its turn: replies come in the order of the lines.
    pub(super) fn hear(&mut self, heard: Heard) {
        if self.is_free() { self.run_heard(heard) } else { self.hold(heard) }
    }

    fn run_heard(&mut self, heard: Heard) {
        match heard {
            // It came in clear before the exchange was done, from anybody.
            Heard::Line(_, None) if self.protection.is_exchanged() => self.run_heard(Heard::Unsafe(Reason::CommandUnprotected)),
            Heard::Line(line, level) => {
                self.protect_replies(level);
                if verbs::mail::is_drafting(self) {
                    return verbs::mail::take_line(self, &line);
                }
                self.run(&Command::parse(&line));
            }
            Heard::Malformed(error) if verbs::mail::is_drafting(self) => verbs::mail::spoil(self, error.reason()),
            Heard::Malformed(error) => self.refuse_line(error),
            Heard::Unsafe(reason) => self.refuse(&reason.into(), None),
        }
    }

    /// Replies go out as the command came (RFC 2228 §4).
    pub(super) fn protect_replies(&mut self, level: Option<Level>) {
        if self.replies != level {
            self.replies = level;
            self.emit(Output::ProtectReplies(level));
        }
    }

    /// Whether the next line is run at once.
    fn is_free(&self) -> bool {
        matches!(self.work, Work::None) && self.held.is_empty()
    }

    fn hold(&mut self, line: Heard) {
        if matches!(self.work, Work::Securing { .. }) {
            // The driver has found it between AUTH and the handshake: nobody knows who sent it.
            self.close(Some(Reason::TlsBehindAuth));
        } else if self.held.len() <= HELD_AT_MOST {
            self.held.push_back(line);
        } else {
            // The driver read on although `wants_lines` said no.
            self.say(Reply::new(421, text(Reason::TooManyHeld)));
            self.close(Some(Reason::TooManyHeld));
        }
    }

    /// Whether a line is answered although something is awaited. Not where the answer would stand before or inside
    /// the one that is awaited: only a transfer over a data connection has had its first reply already.
    fn is_urgent(&self, command: &Command<'_>) -> bool {
        match (&self.work, command.verb) {
            (Work::Transfer(_) | Work::Ask(_, Then::Answer(_, true)), Some(Verb::Abor)) => true,
            (Work::Transfer(running), Some(Verb::Noop)) => running.over_data,
            (Work::Transfer(running), Some(Verb::Stat)) => running.over_data && command.trimmed().is_empty(),
            _ => false,
        }
    }

    fn refuse_line(&mut self, error: LineError) {
        self.say(Reply::new(500, text(error.reason())));
    }

    fn run(&mut self, command: &Command<'_>) {
        let Some(verb) = command.verb else {
            return self.say(Reply::new(500, text(Reason::Unknown)));
        };
        let row = verb.row();
        if row.served == Served::Historic && !self.settings.historic {
            return self.say(Reply::new(502, text(Reason::HistoricOff)));
        }
        if row.stage == verb::Stage::LoggedIn && self.user().is_none() {
            return self.say(Reply::new(530, text(Reason::NotLoggedIn)));
        }
        if verb != Verb::Rnto
            && !matches!(verb, Verb::Noop | Verb::Stat | Verb::Abor)
            && let Some(user) = self.user_mut()
        {
            user.renaming = None; // RNTO follows RNFR at once or not at all (RFC 959 §4.1.3)
        }
        verbs::run(self, verb, command);
    }

    fn answered(&mut self, id: AskId) -> Option<Then> {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::Ask(asked, then) if asked == id => {
                self.last_heard = self.now;
                self.end_telling();
                Some(then)
            }
            other => {
                self.work = other; // an answer to what was withdrawn
                None
            }
        }
    }

    fn ended(&mut self, id: TransferId, end: End) {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::Transfer(running) if running.id == id => {
                self.last_heard = self.now; // data activity is activity
                let aborted = running.aborted;
                if let (Some(to), Some(user)) = (running.keeps, self.user_mut()) {
                    user.data = match &end {
                        End::Done { .. } => DataPort::Kept(to),
                        End::Failed { .. } | End::Digest(_) => to.map_or(DataPort::Spent, DataPort::Active),
                    };
                }
                let doubt = running.suspect && matches!(end, End::Done { .. });
                (running.then)(self, end);
                if let (true, Some(Output::Reply(reply))) = (doubt, self.out.back_mut()) {
                    let words = "The sender called a part of it suspect.";
                    reply.add(" ");
                    reply.add(self.language.translate(words).as_deref().unwrap_or(words));
                }
                if aborted {
                    self.say(Reply::fixed(226, "ABOR done."));
                }
            }
            other => self.work = other,
        }
    }

    fn resume(&mut self) {
        while matches!(self.work, Work::None) && !matches!(self.stage, Stage::Closing) {
            if let Some(reason) = self.stopping {
                self.say(Reply::new(421, text(reason)));
                return self.close(Some(reason));
            }
            let Some(line) = self.held.pop_front() else { break };
            self.run_heard(line);
        }
        if self.held.is_empty() && self.held.capacity() > 0 {
            self.held = VecDeque::new();
        }
    }

    fn stop(&mut self, reason: Reason, at_once: bool) {
        self.stopping = Some(reason);
        if at_once {
            match std::mem::replace(&mut self.work, Work::None) {
                Work::None => {}
                Work::Ask(id, _) => {
                    self.emit(Output::Withdraw(id));
                    self.end_telling();
                }
                // In the midst of a handshake no reply can be sent.
                Work::Securing { .. } | Work::Clearing { .. } => self.close(Some(reason)),
                Work::Transfer(running) => self.emit(Output::Cancel(running.id)),
            }
        }
    }

    fn check_deadline(&mut self) {
        if self.deadline().is_some_and(|d| self.now >= d) {
            let reason = if self.user().is_some() { Reason::IdleTimeout } else { Reason::LoginTimeout };
            self.say(Reply::new(421, text(reason)));
            self.close(Some(reason));
        }
    }
}

/// What the verbs' files use.
impl Session {
    pub(super) fn say(&mut self, reply: Reply) {
        let other = self.language != Language::English;
        let text = if other { std::str::from_utf8(&reply.text).ok() } else { None };
        let translated = text.and_then(|text| self.language.translate(text));
        let reply = match translated {
            Some(text) => Reply { text: text.into_bytes().into(), ..reply },
            None => reply,
        };
        self.out.push_back(Output::Reply(reply));
    }

    /// Refuses with the code that the one table has for this reason; `path` is named before the reason.
    pub(super) fn refuse(&mut self, error: &Error, path: Option<&VPath>) {
        let code = errors::reply_code(error.reason);
        self.say(Reply::new(code, about(path, error.reason)));
    }

    /// Answers 501 with the form that HELP shows.
    pub(super) fn syntax(&mut self, verb: Verb) {
        let row = verb.row();
        self.say(Reply::new(501, format!("Expected: {} {} ({})", row.name, row.argument, Reason::Syntax.code())));
    }

    pub(super) fn emit(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(super) fn close(&mut self, reason: Option<Reason>) {
        self.stage = Stage::Closing;
        self.held.clear();
        self.emit(Output::Close(reason));
    }

    pub(super) fn user(&self) -> Option<&User> {
        match &self.stage {
            Stage::LoggedIn(user) => Some(user),
            _ => None,
        }
    }

    pub(super) fn user_mut(&mut self) -> Option<&mut User> {
        match &mut self.stage {
            Stage::LoggedIn(user) => Some(user),
            _ => None,
        }
    }

    /// Whether lines have come in behind the one at hand.
    pub(super) fn holds_lines(&self) -> bool {
        !self.held.is_empty()
    }

    /// Hears nothing until TLS has begun or ended.
    pub(super) fn await_tls(&mut self, work: Work) {
        self.work = work;
    }

    pub(super) const fn work(&self) -> &Work {
        &self.work
    }

    pub(super) fn transfer_mut(&mut self) -> Option<&mut Running> {
        match &mut self.work {
            Work::Transfer(running) => Some(running),
            _ => None,
        }
    }

    /// The place that an argument names, from the working directory. On failure the client has its answer.
    pub(super) fn path(&mut self, argument: &[u8]) -> Option<VPath> {
        let name = name::decode(argument);
        let joined = self.user().map_or_else(|| Err(PathError::Nul), |user| user.cwd.join(&name));
        match joined {
            Ok(path) => Some(path),
            Err(error) => {
                self.refuse(&error.into(), None);
                None
            }
        }
    }

    /// As [`Session::path`], where an empty argument is an error of syntax.
    pub(super) fn named_path(&mut self, verb: Verb, argument: &[u8]) -> Option<VPath> {
        if argument.is_empty() {
            self.syntax(verb);
            return None;
        }
        self.path(argument)
    }

    const fn next(&mut self) -> u32 {
        self.counter = self.counter.wrapping_add(1);
        self.counter
    }

    /// Asks the gate, and does `then` with its answer.
    pub(super) fn ask(&mut self, op: Op, then: Answered) {
        self.ask_with(op, false, then);
    }

    /// As [`Session::ask`], for what ABOR may take back.
    pub(super) fn ask_abortable(&mut self, op: Op, then: Answered) {
        self.ask_with(op, true, then);
    }

    /// As [`Session::ask_abortable`], for what may take so long that the client is told how far it has come.
    pub(super) fn ask_telling(&mut self, op: Op, then: Answered) {
        self.ask_with(op, true, then);
        self.telling = Telling::Due;
    }

    fn progress(&mut self, id: AskId, entries: u64) {
        let open = matches!(&self.work, Work::Ask(asked, _) if *asked == id);
        if !open || self.telling == Telling::Not {
            return;
        }
        if self.telling == Telling::Due {
            self.telling = Telling::Begun;
            self.say(Reply::opening(150, "Under way; ABOR stops it."));
        }
        self.say(Reply::inner(150, format!("{entries} entries so far.")));
    }

    /// Ends the reply that told how far it had come; what it came to follows.
    fn end_telling(&mut self) {
        if std::mem::replace(&mut self.telling, Telling::Not) == Telling::Begun {
            self.say(Reply::fixed(150, "No further."));
        }
    }

    fn ask_with(&mut self, op: Op, abortable: bool, then: Answered) {
        let id = AskId(self.next());
        self.emit(Output::Ask(id, op));
        self.work = Work::Ask(id, Then::Answer(then, abortable));
    }

    pub(super) fn ask_login(&mut self, credentials: Credentials) {
        let id = AskId(self.next());
        self.emit(Output::Login(id, credentials));
        self.work = Work::Ask(id, Then::Login);
    }

    pub(super) fn ask_host(&mut self, host: Box<str>) {
        let id = AskId(self.next());
        self.emit(Output::Host(id, host));
        self.work = Work::Ask(id, Then::Host);
    }

    pub(super) fn ask_reserve(&mut self, form: PassiveForm) {
        let id = AskId(self.next());
        self.emit(Output::Reserve(id, form));
        self.work = Work::Ask(id, Then::Reserve(form));
    }

    pub(super) fn ask_adopt(&mut self, key: Box<str>) {
        let id = AskId(self.next());
        self.emit(Output::Adopt(id, key));
        self.work = Work::Ask(id, Then::Adopt);
    }

    pub(super) fn ask_accept(&mut self, token: Box<[u8]>) {
        let id = AskId(self.next());
        self.emit(Output::Accept(id, token));
        self.work = Work::Ask(id, Then::Accept);
    }

    /// Takes the ask at hand back, as ABOR wants; its command is answered as cancelled.
    pub(super) fn withdraw(&mut self) -> bool {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::Ask(id, Then::Answer(then, true)) => {
                self.emit(Output::Withdraw(id));
                self.end_telling();
                then(self, Err(Reason::Cancelled.into()));
                true
            }
            other => {
                self.work = other;
                false
            }
        }
    }

    /// Begins a transfer of what the last answer opened, and does `then` at its end.
    pub(super) fn transfer(&mut self, flow: Flow, what: String, then: Ended) {
        let id = TransferId(self.next());
        let over_data = matches!(flow.channel, Channel::Data(_));
        let mut keeps = None;
        if let (true, Some(user)) = (over_data, self.user_mut()) {
            user.data = match std::mem::replace(&mut user.data, DataPort::Spent) {
                // An address that PORT named holds until another is named (RFC 959 §4.1.2, "PORT").
                keep @ (DataPort::Active(_) | DataPort::Default) => keep,
                DataPort::Kept(Some(to)) => DataPort::Active(to),
                DataPort::Passive(_) | DataPort::Kept(None) | DataPort::Spent => DataPort::Spent,
            };
            if flow.form.keeps_connection() {
                keeps = Some(if let DataPort::Active(to) = &user.data { Some(*to) } else { None });
            }
            // REST is for the transfer right behind it (RFC 3659 §5): after a listing, STOR writes a whole file again.
            user.restart = 0;
            user.range = None;
        }
        self.emit(Output::Start(id, flow));
        self.work = Work::Transfer(Running { id, what: what.into(), then, over_data, keeps, suspect: false, aborted: false });
    }

    /// Gives up the data connection that was kept open, where there is one: what it was set up with holds no more.
    pub(super) fn drop_kept(&mut self) {
        if let Some(user) = self.user_mut()
            && let DataPort::Kept(to) = user.data
        {
            user.data = to.map_or(DataPort::Spent, DataPort::Active);
            self.emit(Output::DropData);
        }
    }

    /// 110: all before a restart marker has come, and where a restart may begin (RFC 959 §3.5).
    fn marked(&mut self, id: TransferId, marker: &[u8], at: u64) {
        if self.transfer_mut().is_some_and(|running| running.id == id) {
            let marker = String::from_utf8_lossy(marker);
            self.say(Reply::new(110, format!("MARK {marker} = {at}")));
        }
    }

    /// Makes someone a user after login, or nobody after REIN.
    pub(super) fn enter(&mut self, stage: Stage) {
        if self.user().is_some() && !matches!(stage, Stage::LoggedIn(_)) {
            self.nobody_since = self.now;
        }
        self.stage = stage;
    }

    /// What a failed login means for the session.
    pub(super) fn login_failed(&mut self, error: LoginError) {
        self.stage = Stage::Greeted;
        match error {
            LoginError::Wrong | LoginError::AccountNeeded | LoginError::PasswordNeeded => {
                self.say(Reply::new(530, text(Reason::LoginWrong)))
            }
            LoginError::Refused(reason) => self.say(Reply::new(530, text(reason))),
            LoginError::Closing(reason) => {
                self.say(Reply::new(421, text(reason)));
                self.close(Some(reason));
            }
        }
    }
}

/// A reason as the peer may read it: cause and code.
pub(super) fn text(reason: Reason) -> String {
    let mut cause = reason.cause().to_owned();
    if let Some(first) = cause.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{cause} ({}).", reason.code())
}

/// A reason with the path it is about.
pub(super) fn about(path: Option<&VPath>, reason: Reason) -> Vec<u8> {
    let mut line = Vec::new();
    match path {
        Some(path) => {
            line.extend_from_slice(&name::encode(path.as_bytes()));
            line.extend_from_slice(format!(": {} ({}).", reason.cause(), reason.code()).as_bytes());
        }
        None => line.extend_from_slice(text(reason).as_bytes()),
    }
    line
}
