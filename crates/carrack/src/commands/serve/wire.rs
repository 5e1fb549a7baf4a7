//! What does each room get of a configuration? The gate its rules, the server its listeners.

use std::sync::Arc;
use std::time::Duration;

use gate::Rules;
use server::ftp;
use trace::Capacity;

use super::identity::Identity;
use super::parts::{self, Followed, OpenMount, OpenPorts};
use crate::config::{Config, DataReuse, Host, Listener, PlainLogin, TlsMode};

/// The gate's part.
pub(super) fn rules(config: &Config, mounts: &[OpenMount]) -> Rules {
    let mount = |m: &OpenMount| (m.mount.name.clone(), gate::Mount { storage: m.storage.clone(), read_only: m.mount.read_only });
    Rules {
        users: config.users.clone(),
        groups: config.groups.clone(),
        anonymous: config.anonymous.clone(),
        hosts: config.hosts.clone(),
        listeners: config
            .listeners
            .iter()
            .map(|l| (l.name.clone(), l.rules.clone()))
            .chain(config.tftp.iter().map(|l| (l.name.clone(), l.rules.clone())))
            .chain(config.ssh.iter().map(|l| (l.name.clone(), l.rules.clone())))
            .collect(),
        banner: config.banner.clone(),
        limits: config.limits.clone(),
        mail: config.mail.clone(),
        mounts: mounts.iter().map(mount).collect(),
        audit: config.audit.clone(),
        authorities: config.ssh_identity.authorities.clone(),
        revoked: config.ssh_identity.revoked.clone(),
    }
}

/// A listener's part.
pub(super) fn listener(
    config: &Config,
    one: &Listener,
    ports: &[OpenPorts],
    names: &[Followed],
    identity: &Identity,
) -> Arc<ftp::Listener> {
    Arc::new(ftp::Listener {
        name: (*one.name).into(),
        session: Arc::new(proto::ftp::server::Settings {
            login_within: config.waits.login,
            idle_after: Duration::from_secs(config.limits.idle_seconds),
            idle_at_most: config.waits.idle_most,
            active: one.active.is_some(),
            passive: one.passive.is_some(),
            single_port: one.single_port,
            historic: one.historic,
            tls: one.tls.as_ref().map(|tls| proto::ftp::server::Tls {
                login_required: tls.mode != TlsMode::Offered,
                data_required: tls.data_required,
                ccc: tls.ccc,
            }),
            gssapi: config.kerberos.as_ref().filter(|_| takes_tickets(one)).map(|kerberos| proto::ftp::server::Gssapi {
                login_required: kerberos.required,
                data_required: one.tls.as_ref().is_some_and(|tls| tls.data_required),
                ccc: kerberos.ccc,
            }),
            ebcdic: one.ebcdic,
            ascii_size_limit: config.ascii_size,
            version: env!("CARGO_PKG_VERSION").into(),
        }),
        plain_login: match one.plain_login {
            PlainLogin::Allow => ftp::PlainLogin::Allow,
            PlainLogin::Loopback => ftp::PlainLogin::Loopback,
            PlainLogin::Refuse => ftp::PlainLogin::Refuse,
        },
        tls: one.tls.as_ref().zip(identity.server(&one.name)).map(|(tls, server)| ftp::Protection {
            server,
            implicit: tls.mode == TlsMode::Implicit,
            reuse: match tls.reuse {
                DataReuse::Prefer => ftp::Reuse::Prefer,
                DataReuse::Require => ftp::Reuse::Require,
            },
            proved: tls.proved,
        }),
        gss: super::kerberos::mechanism(config).filter(|_| takes_tickets(one)),
        pool: parts::find(ports, one).map(|open| open.pool.clone()),
        announce: announce(one, names),
        active_port: one.active.and_then(|a| a.source_port).unwrap_or(0),
        connect_within: config.waits.data_connect,
        stall_after: config.waits.stall,
        proxies: one.proxies.clone(),
        record: Capacity::events(config.trace.events),
        single: ftp::SinglePort::default(),
    })
}

/// A connection under TLS from its first byte needs no tickets, nor could a client say so.
fn takes_tickets(one: &Listener) -> bool {
    one.kerberos && one.tls.as_ref().is_none_or(|tls| tls.mode != TlsMode::Implicit)
}

fn announce(one: &Listener, names: &[Followed]) -> ftp::Announce {
    let Some(passive) = &one.passive else { return ftp::Announce::default() };
    let public = passive.address.as_ref().and_then(|host| match host {
        Host::Address(ip) => Some(ftp::Public::Address(*ip)),
        Host::Name(name) => names.iter().find(|f| *f.name == **name).map(|f| ftp::Public::Name(f.name.clone(), f.found.clone())),
    });
    ftp::Announce { table: passive.by_network.clone(), public }
}
