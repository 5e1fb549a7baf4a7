//! The rules in force: [`Rules`] checked as a whole and made ready to be asked, swapped as one by a reload.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use types::{Error, Reason, VPath};
use vfs::mounts::Mounts;
use vfs::storage::SharedStorage;

use crate::audit::{Audit, Recent};
use crate::limits::{Rates, Share};
use crate::login::check_hash;
use crate::rules::{HostRules, ListenerRules, MailRules, Mount, Network, Password, Principal, Rules, UserRules, effective};

/// What one reload put in force.
pub(crate) struct InForce {
    /// Counts up with every reload.
    pub(crate) version: u64,
    pub(crate) rules: Rules,
    pub(crate) audit: Audit,
    pub(crate) rates: Arc<Rates>,
    /// The dearest hash of any user, to spend the same time on a user that does not exist.
    pub(crate) dummy: Option<Box<str>>,
    users: HashMap<Box<str>, Arc<View>>,
    anonymous: Option<Arc<View>>,
    roots: HashMap<Box<str>, Arc<Tree>>,
    /// Some key may be certified, by an authority of the server's or of a user's.
    pub(crate) certifiable: bool,
}

/// What one user sees: shared by its sessions until the next reload.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) version: u64,
    pub(crate) who: Arc<Principal>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) share: Arc<Share>,
    pub(crate) rates: Arc<Rates>,
    /// Where the session's `/` lies in the user's tree (SMNT).
    pub(crate) base: VPath,
}

/// The mounts of a user as one storage, and what the gate must know of them before it asks.
pub(crate) struct Tree {
    pub(crate) storage: SharedStorage,
    /// Deepest first.
    mounts: Vec<Place>,
}

struct Place {
    at: VPath,
    name: Box<str>,
    read_only: bool,
}

impl Tree {
    fn new(table: &[(VPath, Box<str>)], mounts: &HashMap<Box<str>, Mount>) -> Result<Self, Error> {
        let mut places = Vec::new();
        let mut storages: Vec<(VPath, SharedStorage)> = Vec::new();
        for (at, name) in table {
            let mount = mounts.get(name).ok_or_else(|| wrong(format!("no mount is called {name:?}")))?;
            places.push(Place { at: at.clone(), name: name.clone(), read_only: mount.read_only });
            storages.push((at.clone(), mount.storage.clone()));
        }
        places.sort_by_key(|p| std::cmp::Reverse(p.at.as_bytes().len()));
        let storage = match storages.as_slice() {
            [] => return Err(wrong("no mount is named".to_owned())),
            // One mount that is everything needs nobody in between.
            [(at, only)] if at.is_root() => only.clone(),
            _ => Arc::new(Mounts::new(storages)?),
        };
        Ok(Self { storage, mounts: places })
    }

    fn mount_of(&self, path: &VPath) -> Option<&Place> {
        self.mounts.iter().find(|place| path.is_below(&place.at))
    }

    /// Whether nothing can be changed at `path`: by the mount, or because no mount is there.
    pub(crate) fn read_only(&self, path: &VPath) -> bool {
        self.mount_of(path).is_none_or(|place| place.read_only)
    }

    /// Whether a mount begins at `path` or below it.
    pub(crate) fn mounts_in(&self, path: &VPath) -> bool {
        self.mounts.iter().any(|place| place.at.is_below(path))
    }

    /// Whether a mount begins below `path`.
    pub(crate) fn mounts_below(&self, path: &VPath) -> bool {
        self.mounts.iter().any(|place| place.at != *path && place.at.is_below(path))
    }

    /// Whether both lie on one mount.
    pub(crate) fn same_mount(&self, a: &VPath, b: &VPath) -> bool {
        match (self.mount_of(a), self.mount_of(b)) {
            (Some(a), Some(b)) => a.at == b.at,
            _ => false,
        }
    }

    /// Whether a place lies on the same mount in another tree.
    pub(crate) fn same_place(&self, other: &Self, path: &VPath) -> bool {
        match (self.mount_of(path), other.mount_of(path)) {
            (Some(a), Some(b)) => a.at == b.at && a.name == b.name,
            _ => false,
        }
    }

    /// Where the mount of this name is.
    pub(crate) fn called(&self, name: &[u8]) -> Option<&VPath> {
        // The one nearest to the root, if the same mount stands in several places.
        self.mounts.iter().rev().find(|place| place.name.as_bytes() == name).map(|place| &place.at)
    }
}

fn wrong(what: String) -> Error {
    Error::with(Reason::Config, what)
}

impl InForce {
    /// Checks rules and makes them ready. What users share (places taken) is carried over from what was in force.
    pub(crate) fn new(rules: Rules, before: Option<&Self>, recent: &Arc<Recent>) -> Result<Self, Error> {
        let version = before.map_or(1, |b| b.version + 1);
        let mut making = Making { rules: &rules, before, version, trees: HashMap::new(), dear: None };
        let mut users = HashMap::with_capacity(rules.users.len());
        for (name, user) in &rules.users {
            if *name != user.name || name.is_empty() {
                return Err(wrong(format!("a user is called {:?} here and {name:?} there", user.name)));
            }
            if user.password == Password::None {
                return Err(wrong(format!("user {name:?} has no password; only the anonymous user goes without")));
            }
            users.insert(name.clone(), making.view(user)?);
        }
        let anonymous = match &rules.anonymous {
            Some(user) => Some(making.view(&UserRules { password: Password::None, ..user.clone() })?),
            None => None,
        };
        let mut roots = HashMap::new();
        for (name, host) in &rules.hosts {
            if let Some(root) = &host.root {
                let table = vec![(VPath::root(), root.clone())];
                roots.insert(name.clone(), making.tree(&table).map_err(|e| named(&e, "host", name))?);
            }
            let unknown = host.users.iter().flatten().find(|user| !rules.users.contains_key(*user));
            if let Some(user) = unknown {
                return Err(wrong(format!("host {name:?}: no user is called {user:?}")));
            }
        }
        if let Some(mail) = &rules.mail {
            match rules.mounts.get(&mail.mount) {
                None => return Err(wrong(format!("mail: no mount is called {:?}", mail.mount))),
                Some(mount) if mount.read_only => {
                    return Err(wrong(format!("mail: the mount {:?} is read-only", mail.mount)));
                }
                Some(_) => {}
            }
        }
        for (name, listener) in &rules.listeners {
            if let Some(host) = listener.host.as_ref().filter(|host| !rules.hosts.contains_key(*host)) {
                return Err(wrong(format!("listener {name:?}: no host is called {host:?}")));
            }
        }
        let vouched = rules.users.values().any(|user| user.keys.iter().any(|key| key.authority));
        let certifiable = vouched || !rules.authorities.is_empty();
        for (name, listener) in &rules.listeners {
            if let Some((_, user)) = listener.guests.iter().find(|(_, user)| !rules.users.contains_key(user)) {
                return Err(wrong(format!("listener {name:?}: no user is called {user:?}")));
            }
        }
        let dummy = making.dear.map(|(_, hash)| hash);
        let rates = Arc::new(Rates::new(rules.limits.rate_up, rules.limits.rate_down, before.map(|b| &*b.rates)));
        // Last, because it opens a file: rules that do not hold together leave nothing behind.
        let audit = Audit::open(&rules.audit, recent)?;
        Ok(Self { version, audit, rates, dummy, users, anonymous, roots, certifiable, rules })
    }

    /// Gives running transfers the rates of these rules.
    pub(crate) fn tune(&self) {
        self.rates.tune();
        self.users.values().chain(&self.anonymous).for_each(|view| view.rates.tune());
    }

    /// What goes for a listener; one that is not known gets the strictest.
    pub(crate) fn listener(&self, name: &str) -> ListenerRules {
        self.rules.listeners.get(name).cloned().unwrap_or_default()
    }

    /// Who somebody is at a listener that shows nothing, where its address alone says it.
    pub(crate) fn guest(&self, listener: &str, ip: IpAddr) -> Option<Box<str>> {
        let guests = &self.rules.listeners.get(listener)?.guests;
        guests.iter().find(|(net, _)| net.contains(ip)).map(|(_, user)| user.clone())
    }

    /// Whether a listener lets this address in at all.
    pub(crate) fn lets_in(&self, listener: &str, ip: IpAddr) -> bool {
        let inside = |nets: &[Network]| nets.iter().any(|net| net.contains(ip));
        self.rules.listeners.get(listener).is_none_or(|l| !inside(&l.deny) && (l.allow.is_empty() || inside(&l.allow)))
    }

    /// Where mail is kept.
    pub(crate) fn mail(&self) -> Option<(&MailRules, &Mount)> {
        let mail = self.rules.mail.as_ref()?;
        Some((mail, self.rules.mounts.get(&mail.mount)?))
    }

    pub(crate) fn host(&self, name: &str) -> Option<&HostRules> {
        self.rules.hosts.get(name)
    }

    /// Whether anonymous may come this way.
    fn lets_anonymous(&self, listener: &str, host: Option<&str>) -> bool {
        match host.and_then(|host| self.host(host)) {
            Some(host) => host.anonymous,
            None => self.rules.listeners.get(listener).is_some_and(|l| l.anonymous),
        }
    }

    /// The user of this name as it is known on this way in.
    pub(crate) fn find(&self, listener: &str, host: Option<&str>, name: &str) -> Option<Arc<View>> {
        let host_rules = match host {
            // A host that a reload took away lets nobody in.
            Some(host) => Some(self.host(host)?),
            None => None,
        };
        let known = match self.users.get(name) {
            Some(view) => {
                let here = host_rules.and_then(|h| h.users.as_ref()).is_none_or(|users| users.iter().any(|u| **u == *name));
                here.then_some(view)
            }
            None => self.anonymous.as_ref().filter(|anonymous| {
                let called =
                    name.eq_ignore_ascii_case("anonymous") || name.eq_ignore_ascii_case("ftp") || *anonymous.who.name == *name;
                called && self.lets_anonymous(listener, host)
            }),
        }?;
        Some(match host.and_then(|host| self.roots.get(host)) {
            Some(root) => Arc::new(View { tree: root.clone(), ..View::clone(known) }),
            None => known.clone(),
        })
    }
}

fn named(e: &Error, what: &str, name: &str) -> Error {
    wrong(format!("{what} {name:?}: {}", e.detail.as_deref().unwrap_or_default()))
}

struct Making<'a> {
    rules: &'a Rules,
    before: Option<&'a InForce>,
    version: u64,
    /// Users with the same table share one tree.
    trees: HashMap<Vec<(VPath, Box<str>)>, Arc<Tree>>,
    /// The dearest hash so far.
    dear: Option<(u64, Box<str>)>,
}

impl Making<'_> {
    fn tree(&mut self, table: &Vec<(VPath, Box<str>)>) -> Result<Arc<Tree>, Error> {
        if let Some(tree) = self.trees.get(table) {
            return Ok(tree.clone());
        }
        let tree = Arc::new(Tree::new(table, &self.rules.mounts)?);
        self.trees.insert(table.clone(), tree.clone());
        Ok(tree)
    }

    fn view(&mut self, user: &UserRules) -> Result<Arc<View>, Error> {
        let name = &user.name;
        if let Some(group) = user.groups.iter().find(|group| !self.rules.groups.contains_key(*group)) {
            return Err(wrong(format!("user {name:?}: no group is called {group:?}")));
        }
        let who = effective(user, &self.rules.groups);
        if let Password::Argon2(hash) = &who.password {
            let cost = check_hash(hash).map_err(|e| named(&e, "user", name))?;
            if self.dear.as_ref().is_none_or(|(dearest, _)| cost > *dearest) {
                self.dear = Some((cost, hash.clone()));
            }
        }
        if who.account_required && who.accounts.is_empty() {
            return Err(wrong(format!("user {name:?}: an account is required but none is listed")));
        }
        let tree = self.tree(&who.mounts).map_err(|e| named(&e, "user", name))?;
        let old = self.before.and_then(|b| if who.anonymous { b.anonymous.as_ref() } else { b.users.get(name) });
        let share = old.map(|old| old.share.clone()).unwrap_or_default();
        let rates = Arc::new(Rates::new(who.rate_up, who.rate_down, old.map(|old| &*old.rates)));
        Ok(Arc::new(View { version: self.version, who: Arc::new(who), tree, share, rates, base: VPath::root() }))
    }
}
