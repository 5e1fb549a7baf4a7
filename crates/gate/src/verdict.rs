//! May it? The verdicts of the door, pure: what the rules, the mounts and a reload say of a place.

use types::{Error, Kind, Reason, VPath};

use crate::force::View;
use crate::permission::Permissions;
use crate::presence::Session;

/// What must be allowed at a path.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// All of these.
    All(Permissions),
    /// One of these.
    Any(Permissions),
    /// All of the first, and one of the second.
    AllAndAny(Permissions, Permissions),
    /// To know of it: any permission there, or further down.
    Look,
}

impl View {
    /// A path of the session in the user's tree.
    pub(crate) fn place(&self, path: &VPath) -> Result<VPath, Error> {
        if self.base.is_root() { Ok(path.clone()) } else { Ok(path.under(&self.base)?) }
    }

    /// What is allowed at a place of the user's tree: the rules', less what a read-only mount takes away.
    pub(crate) fn allowed(&self, place: &VPath) -> Permissions {
        let bits = self.who.permissions.at(place);
        if bits.any(Permissions::CHANGING) && self.tree.read_only(place) { bits - Permissions::CHANGING } else { bits }
    }

    /// Step two. Pure.
    pub(crate) fn may(&self, place: &VPath, need: Need) -> Result<(), Error> {
        let rules = &self.who.permissions;
        let (wanted, granted) = match need {
            Need::All(bits) => (bits, rules.granted(place).has(bits)),
            Need::Any(bits) => (bits, rules.granted(place).any(bits)),
            Need::AllAndAny(all, any) => (all | any, rules.granted(place).has(all) && rules.granted(place).any(any)),
            Need::Look => (Permissions::NONE, !rules.granted(place).is_none() || rules.leads_on(place)),
        };
        if rules.hides(place) {
            let making = Permissions::WRITE | Permissions::MAKE_DIR | Permissions::LINK;
            return Err(if wanted.any(making) { Reason::Denied } else { Reason::NotFound }.into());
        }
        if !granted {
            return Err(Error::with(Reason::Denied, format!("{place} needs: {wanted}")));
        }
        if wanted.any(Permissions::CHANGING) && self.tree.read_only(place) {
            return Err(Reason::ReadOnly.into());
        }
        Ok(())
    }
}

/// What of the permissions at a place has a meaning for what stands there.
pub(crate) fn permitted(view: &View, place: &VPath, kind: Kind) -> Permissions {
    let allowed = view.allowed(place);
    match kind {
        Kind::Dir => {
            let bits = allowed - (Permissions::READ | Permissions::OVERWRITE | Permissions::APPEND);
            let fixed = bits.any(Permissions::RENAME | Permissions::REMOVE_DIR) && view.tree.mounts_in(place);
            if fixed { bits - (Permissions::RENAME | Permissions::REMOVE_DIR) } else { bits }
        }
        Kind::File | Kind::Link | Kind::Other => {
            allowed - (Permissions::LIST | Permissions::WRITE | Permissions::MAKE_DIR | Permissions::REMOVE_DIR)
        }
    }
}

/// Whether a user goes on after a reload, and as what.
pub(crate) fn still_good<'a>(old: &View, new: Option<&'a View>, session: &Session) -> Result<&'a View, Reason> {
    let proved_alike = |new: &View| {
        let (new, old) = (&new.who, &old.who);
        new.password == old.password
            && (new.certificate, &new.certificate_names) == (old.certificate, &old.certificate_names)
            && old.principals.iter().all(|principal| new.principals.contains(principal))
            // One more key is no reason to go; one that is gone may be this session's.
            && (new.ways == old.ways && old.keys.iter().all(|key| new.keys.contains(key)))
    };
    let new = new.filter(|new| !new.who.disabled && proved_alike(new)).ok_or(Reason::UserDisabled)?;
    let ip = session.peer.ip();
    match &new.who.allow_from {
        Some(nets) if !nets.iter().any(|net| net.contains(ip)) => Err(Reason::AddressNotAllowed),
        _ => Ok(new),
    }
}

/// No mount begins here or below.
pub(crate) fn unmounted(view: &View, place: &VPath) -> Result<(), Error> {
    if view.tree.mounts_in(place) { Err(Reason::MountPoint.into()) } else { Ok(()) }
}

/// What a renaming must meet besides its own permission, so that it is no way around any other rule: nothing is
/// moved to where more is allowed with it, and no folder is moved out from under, or over, a rule of its own.
pub(crate) fn may_rename(view: &View, from: &VPath, to: &VPath) -> Result<(), Error> {
    let denied = |why: &str| Err(Error::with(Reason::Denied, why));
    unmounted(view, from)?;
    unmounted(view, to)?;
    if !view.tree.same_mount(from, to) {
        return Err(Reason::CrossMount.into());
    }
    let rules = &view.who.permissions;
    if !rules.uniform_below(from) || !rules.uniform_below(to) {
        return denied("rules of its own lie below it");
    }
    let (here, there) = (rules.granted(from), rules.granted(to));
    if !(there - here).is_none() {
        return denied("more is allowed at the new place than at the old");
    }
    if here != there && !there.has(Permissions::WRITE) {
        return denied("the new place needs: write");
    }
    Ok(())
}

/// A link is a second name for a place, and rules go by names: links are made only where the same is allowed
/// everywhere, and never to a hidden name.
pub(crate) fn may_link(view: &View, target: &[u8]) -> Result<(), Error> {
    let rules = &view.who.permissions;
    if !rules.uniform_below(&VPath::root()) {
        return Err(Error::with(Reason::Denied, "links are made only by users whose rules are the same everywhere"));
    }
    if target.split(|&b| b == b'/').any(|name| !name.is_empty() && rules.hides_name(name)) {
        return Err(Reason::Denied.into());
    }
    Ok(())
}
