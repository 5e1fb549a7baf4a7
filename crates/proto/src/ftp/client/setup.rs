//! From the greeting to a session that can be used: TLS, login, features (RFC 959 §5.4, RFC 4217, RFC 2389).

use super::exchange::{DataTls, Note, Output, Tls, Unshaken};
use super::failure::{Failure, Kind, Wait};
use super::features::Features;
use super::session::{Session, Stage, Then, is_positive};
use crate::ftp::reply::Reply;
use crate::ftp::verb::Verb;

impl Session {
    pub(super) fn await_greeting(&mut self) {
        self.await_reply(Wait::Greeting, Then::Do(Box::new(Self::greeted)));
    }

    pub(super) fn start_tls(&mut self) {
        self.stage = Stage::Handshake(self.now);
        self.forget_replies();
        self.emit(Output::StartTls);
    }

    pub(super) fn handshaken(&mut self, done: Result<(), Unshaken>) {
        if !matches!(self.stage, Stage::Handshake(_)) {
            return;
        }
        if let Err(why) = done {
            return self.close(Some(match why {
                Unshaken::Distrusted(why) => Failure::because(Kind::Certificate, why),
                Unshaken::Broken(why) => Failure::because(Kind::Tls, why),
            }));
        }
        self.stage = Stage::Starting;
        self.welcome.protected = true;
        if self.settings.tls == Tls::Implicit { self.await_greeting() } else { self.say_user() }
    }

    fn greeted(&mut self, reply: Reply) {
        if !is_positive(&reply) {
            return self.close(Some(Failure::refused(reply)));
        }
        self.welcome.greeting = reply;
        match self.settings.tls {
            Tls::Off | Tls::Implicit => self.say_user(),
            Tls::Offered | Tls::Required => self.ask_tls(b"TLS"),
        }
    }

    /// AUTH TLS; servers from before RFC 4217 call it SSL.
    fn ask_tls(&mut self, name: &'static [u8]) {
        self.send(Verb::Auth, name, move |session, reply| {
            // 234 by RFC 4217 §4; servers from before it say 334.
            if is_positive(&reply) || reply.code == 334 {
                session.start_tls();
            } else if name == b"TLS" {
                session.ask_tls(b"SSL");
            } else if session.settings.tls == Tls::Required {
                session.close(Some(Failure::said(Kind::Tls, reply)));
            } else {
                session.note(Note::InClear);
                session.say_user();
            }
        });
    }

    fn say_user(&mut self) {
        let settings = self.settings.clone();
        let login = &settings.login;
        let account = login.account.as_ref().map_or("", |account| account.reveal());
        // These are no names: they go out as they are, or not at all.
        if [&login.user, &**login.password.reveal(), account].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
            let detail = "user, password and account cannot hold line ends or NUL";
            return self.close(Some(Failure::because(Kind::BadName, detail)));
        }
        self.send(Verb::User, settings.login.user.as_bytes(), |session, reply| match reply.code {
            331 => session.say_password(),
            332 => session.say_account(reply),
            _ => session.logged_in_or_not(reply),
        });
    }

    fn say_password(&mut self) {
        let settings = self.settings.clone();
        self.send(Verb::Pass, settings.login.password.reveal().as_bytes(), |session, reply| match reply.code {
            332 => session.say_account(reply),
            _ => session.logged_in_or_not(reply),
        });
    }

    fn say_account(&mut self, asked: Reply) {
        let settings = self.settings.clone();
        let Some(account) = &settings.login.account else {
            return self.close(Some(Failure::said(Kind::AccountNeeded, asked)));
        };
        self.send(Verb::Acct, account.reveal().as_bytes(), Self::logged_in_or_not);
    }

    fn logged_in_or_not(&mut self, reply: Reply) {
        if is_positive(&reply) {
            self.welcome.login = reply;
            return self.ask_features();
        }
        let mut failure = Failure::refused(reply);
        // Whatever the words are: it was the login that was refused, unless there are too many or the server is closing.
        if !matches!(failure.kind, Kind::TooManyConnections | Kind::ServerClosing | Kind::AccountNeeded) {
            failure.kind = Kind::LoginRefused;
        }
        self.close(Some(failure));
    }

    /// SYST and FEAT stand on their own feet, and so does the protection of data connections: all are sent at once where
    /// that is wished.
    fn ask_features(&mut self) {
        let protect = self.welcome.protected && self.settings.protect_data != DataTls::Off;
        if self.settings.pipeline {
            self.send(Verb::Syst, b"", Self::system_told);
            if protect {
                self.send(Verb::Pbsz, b"0", |_, _| {});
                self.send(Verb::Prot, b"P", |session, reply| {
                    session.protection_told(reply);
                });
            }
            self.send(Verb::Feat, b"", |session, reply| {
                session.features_told(&reply);
                session.set_options();
            });
            return;
        }
        self.send(Verb::Syst, b"", move |session, reply| {
            session.system_told(reply);
            session.send(Verb::Feat, b"", move |session, reply| {
                session.features_told(&reply);
                if protect {
                    session.send(Verb::Pbsz, b"0", |session, _| {
                        session.send(Verb::Prot, b"P", |session, reply| {
                            if session.protection_told(reply) {
                                session.set_options();
                            }
                        });
                    });
                } else {
                    session.set_options();
                }
            });
        });
    }

    fn system_told(&mut self, reply: Reply) {
        if is_positive(&reply) {
            self.welcome.system = Some(String::from_utf8_lossy(&reply.text).into());
        }
    }

    fn features_told(&mut self, reply: &Reply) {
        if is_positive(reply) {
            self.welcome.features = Features::parse(reply);
        }
    }

    /// Whether the session goes on.
    fn protection_told(&mut self, reply: Reply) -> bool {
        if is_positive(&reply) {
            self.welcome.data_protected = true;
        } else if self.settings.protect_data == DataTls::Required {
            self.close(Some(Failure::said(Kind::DataTls, reply)));
            return false;
        } else {
            self.note(Note::DataInClear);
        }
        true
    }

    /// What FEAT makes worth saying. None of it is needed, so no answer is waited for before the session is ready.
    fn set_options(&mut self) {
        let settings = self.settings.clone();
        let mut lines = Vec::new();
        if self.welcome.features.has("CLNT") && !settings.client_name.is_empty() {
            lines.push((Verb::Clnt, settings.client_name.to_string()));
        }
        if settings.utf8 && self.welcome.features.has("UTF8") {
            lines.push((Verb::Opts, "UTF8 ON".to_owned()));
        }
        if let Some(facts) = self.welcome.features.facts_to_ask() {
            lines.push((Verb::Opts, format!("MLST {facts}")));
        }
        self.say_options(lines.into_iter());
    }

    fn say_options(&mut self, mut lines: std::vec::IntoIter<(Verb, String)>) {
        if self.settings.pipeline {
            for (verb, argument) in lines.by_ref() {
                self.send(verb, argument.as_bytes(), |_, _| {});
            }
        }
        match lines.next() {
            Some((verb, argument)) => self.send(verb, argument.as_bytes(), |session, _| session.say_options(lines)),
            None => {
                self.stage = Stage::Ready;
                self.emit(Output::Ready(Box::new(self.welcome.clone())));
            }
        }
    }
}
