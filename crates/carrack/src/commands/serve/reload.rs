//! How is the configuration read again (SIGHUP)? Everything new is opened first; then the rules change as one; then what
//! is no longer wanted ends. Whatever fails on the way leaves all as it was, and is said.

use std::path::Path;

use sd_notify::NotifyState;
use server::ftp;
use types::Reason;

use super::listening;
use super::live::Live;
use super::parts;
use super::sockets::Sockets;
use super::{Refused, issued, system, wire};
use crate::config::{self, Config, Listener};
use crate::log::{Fact, Place};

impl Live {
    /// Reads the file again.
    pub(super) async fn reload(&mut self, file: Option<&Path>) {
        let Some(file) = file else {
            self.journal.say(&Fact::words("reload", "SIGHUP: there is no configuration file to read again"));
            self.read_certificates().await;
            return;
        };
        system::reloading();
        match config::load(file) {
            Err(faults) => {
                for line in faults.lines() {
                    let words = "the configuration was not changed";
                    self.journal.say(&Fact::failed("reload", words, Reason::Config, line));
                }
            }
            Ok(config) => match self.change_to(config).await {
                Ok(()) => self.journal.say(&Fact::words("reload", "the configuration was read again")),
                Err(refused) => {
                    let words = "the configuration was not changed";
                    let detail = format!("{}: {}", refused.what, refused.detail);
                    self.journal.say(&Fact::failed("reload", words, refused.reason, detail));
                }
            },
        }
        system::notify(&[NotifyState::Ready]);
    }

    async fn change_to(&mut self, mut config: Config) -> Result<(), Refused> {
        // What the command line says and what a running process cannot change stay as they are.
        let fixed = config.process != self.config.process || config.log != self.config.log;
        let reopened = self.config.log.file.as_deref().map(Place::file).transpose();
        let place = reopened.map_err(|e| Refused::new("the log file", Reason::Io, e.to_string()))?;
        config.log = self.config.log.clone();
        config.process = self.config.process.clone();
        config.trace.ladders = self.config.trace.ladders;

        issued::fits(&config, &self.rooms)?;
        let identity = self.identity.prepare(&config)?;
        let mounts = parts::storages(&config.mounts, &self.mounts, &self.rooms)?;
        let ports = parts::ports(&config.listeners, &self.ports, &self.journal)?;
        let names = parts::names(&config.listeners, &self.names, &self.journal).await;
        let opened = self.open_new(&config).and_then(|tcp| Ok((tcp, self.open_new_tftp(&config)?, self.open_new_ssh(&config)?)));
        let opened = match opened {
            Ok(sockets) => self
                .gate
                .reload(wire::rules(&config, &mounts))
                .map_err(|e| Refused::new("the rules", e.reason, e.detail.map(String::from).unwrap_or_default()))
                .map(|()| sockets),
            Err(refused) => Err(refused),
        };
        let (sockets, datagrams, ssh) = match opened {
            Ok(sockets) => sockets,
            Err(refused) => {
                ports.iter().filter(|p| !self.ports.iter().any(|o| o.is(p))).for_each(|p| p.stop.cancel());
                names.iter().filter(|n| !self.names.iter().any(|o| o.name == n.name)).for_each(|n| n.stop.cancel());
                return Err(refused);
            }
        };
        // From here on nothing fails.
        let old_mounts = std::mem::replace(&mut self.mounts, mounts);
        let old_ports = std::mem::replace(&mut self.ports, ports);
        let old_names = std::mem::replace(&mut self.names, names);
        self.config = config;
        self.use_certificates(identity);
        self.issued.follow(self.config.acme.as_ref(), &self.journal, &self.now);
        self.change_listeners(sockets);
        self.change_tftp(datagrams);
        self.change_ssh(ssh);
        for old in old_mounts.iter().filter(|o| !self.mounts.iter().any(|m| m.mount == o.mount)) {
            old.close();
        }
        for new in self.mounts.iter().filter(|m| !old_mounts.iter().any(|o| o.mount == m.mount)) {
            new.keep_clean(&self.journal);
        }
        old_ports.iter().filter(|o| !self.ports.iter().any(|p| o.is(p))).for_each(|o| o.stop.cancel());
        old_names.iter().filter(|o| !self.names.iter().any(|n| n.name == o.name)).for_each(|o| o.stop.cancel());
        if let Some(place) = place {
            self.journal.move_to(place);
        }
        if fixed {
            self.journal.say(&Fact::words("reload", "[process] and [log] change with the next start"));
        }
        Ok(())
    }

    /// Sockets for listeners at addresses that are new.
    fn open_new(&self, config: &Config) -> Result<Vec<(usize, std::net::TcpListener)>, Refused> {
        listening::open_new(&config.listeners, &self.listeners, |listener| Sockets::none().take(listener))
    }

    /// What a reload makes of them.
    fn change_listeners(&mut self, sockets: Vec<(usize, std::net::TcpListener)>) {
        let before = std::mem::take(&mut self.listeners);
        let begin = |listener: &Listener, socket| {
            let running = self.accept(listener, socket)?;
            self.introduce_listener(listener, running.address);
            Ok(running)
        };
        let settings = |listener: &Listener, _: &ftp::Listener| {
            wire::listener(&self.config, listener, &self.ports, &self.names, &self.identity)
        };
        self.listeners = listening::change(&self.journal, &self.config.listeners, before, sockets, settings, begin);
    }
}
