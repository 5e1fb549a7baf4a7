//! Which names the storages keep for themselves, and how an unfinished upload's name tells owner and target.

use sha2::{Digest, Sha256};
use types::path::MAX_NAME;
use types::{Error, Reason, VPath};

use crate::storage::Owner;

/// Names that begin so do not exist for users.
pub(crate) const RESERVED: &[u8] = b".~carrack~";
const PART: &[u8] = b".~carrack~part~";
const LONG: &[u8] = b".~carrack~long~";
const TEMP: &[u8] = b".~carrack~tmp~";
/// Hexadecimal digits of the owner's hash in a part's name.
const OWNER_DIGITS: usize = 16;

/// Whether a name is one of the storage's own.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(RESERVED)
}

/// Refuses to look at paths with a reserved component: for users nothing stands there.
pub(crate) fn visible(path: &VPath) -> Result<(), Error> {
    if path.components().any(is_reserved) { Err(Reason::NotFound.into()) } else { Ok(()) }
}

/// Refuses to make reserved names: the last component gives `BadName`, one before it is a folder that is not there.
pub(crate) fn creatable(path: &VPath) -> Result<(), Error> {
    match path.name() {
        Some(name) if is_reserved(name) => Err(Reason::BadName.into()),
        _ => visible(path),
    }
}

/// Refuses link targets through which a reserved name could be reached.
pub(crate) fn linkable(target: &[u8]) -> Result<(), Error> {
    let reserved = target.split(|&b| b == b'/').any(is_reserved);
    if target.is_empty() || target.contains(&0) || reserved { Err(Reason::BadName.into()) } else { Ok(()) }
}

/// The name an unfinished upload of `owner` has beside its `target`; `None` for those who own none. The target's
/// name stands in it, or a hash of it where both together are too long for a name.
pub(crate) fn part(owner: &Owner, target: &[u8]) -> Option<Vec<u8>> {
    let owner = owner.0.as_deref()?;
    let mut name = PART.to_vec();
    push_hash(&mut name, owner.as_bytes(), OWNER_DIGITS);
    name.push(b'~');
    name.extend_from_slice(target);
    if name.len() > MAX_NAME {
        name = LONG.to_vec();
        push_hash(&mut name, owner.as_bytes(), OWNER_DIGITS);
        name.push(b'~');
        push_hash(&mut name, target, 64);
    }
    Some(name)
}

/// The target of a part of the owner with this mark (see [`owner_mark`]), where the name tells it.
pub(crate) fn target_of<'n>(name: &'n [u8], mark: &[u8]) -> Option<&'n [u8]> {
    name.strip_prefix(PART)?.strip_prefix(mark)?.strip_prefix(b"~").filter(|target| !target.is_empty())
}

/// What the names of an owner's parts begin with, behind the prefix.
pub(crate) fn owner_mark(owner: &Owner) -> Option<Vec<u8>> {
    let owner = owner.0.as_deref()?;
    let mut mark = Vec::with_capacity(OWNER_DIGITS);
    push_hash(&mut mark, owner.as_bytes(), OWNER_DIGITS);
    Some(mark)
}

/// Whether the name is that of somebody's kept part.
pub(crate) fn is_part(name: &[u8]) -> bool {
    name.starts_with(PART) || name.starts_with(LONG)
}

/// Whether the name is that of a temporary file, of which nothing is kept.
pub(crate) fn is_temp(name: &[u8]) -> bool {
    name.starts_with(TEMP)
}

/// A temporary name from 16 random bytes.
pub(crate) fn temp(random: u128) -> Vec<u8> {
    let mut name = TEMP.to_vec();
    name.extend_from_slice(format!("{random:032x}").as_bytes());
    name
}

/// The names a unique one is looked for among: the given one, then with `.1`, `.2`, … behind it, cut so that they fit.
pub(crate) fn candidates(name: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..100_000u32).map(move |n| {
        if n == 0 {
            return name.to_vec();
        }
        let tail = format!(".{n}");
        let keep = name.len().min(MAX_NAME.saturating_sub(tail.len()));
        let mut candidate = name.get(..keep).unwrap_or(name).to_vec();
        candidate.extend_from_slice(tail.as_bytes());
        candidate
    })
}

fn push_hash(into: &mut Vec<u8>, of: &[u8], digits: usize) {
    let hash = Sha256::digest(of);
    let hex = |n: u8| char::from_digit(u32::from(n), 16).map_or(b'0', |c| c as u8);
    let all = hash.iter().flat_map(|b| [hex(b >> 4), hex(b & 15)]);
    into.extend(all.take(digits));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner(Some(name.into()))
    }

    #[test]
    fn a_part_tells_its_target_to_its_owner_alone() {
        let ann = owner("ann");
        let name = part(&ann, b"big.iso").unwrap();
        assert!(is_reserved(&name) && is_part(&name) && !is_temp(&name));
        assert_eq!(target_of(&name, &owner_mark(&ann).unwrap()), Some(&b"big.iso"[..]));
        assert_eq!(target_of(&name, &owner_mark(&owner("bob")).unwrap()), None);
        assert_ne!(part(&owner("bob"), b"big.iso").unwrap(), name);
        assert_eq!(part(&Owner(None), b"big.iso"), None);
    }

    #[test]
    fn long_names_are_hashed_and_stay_apart() {
        let (a, b) = (part(&owner("ann"), &[b'a'; 255]).unwrap(), part(&owner("ann"), &[b'b'; 255]).unwrap());
        assert!(a.len() <= MAX_NAME && is_part(&a) && a != b);
        let fits = part(&owner("ann"), &[b'a'; 223]).unwrap();
        assert!(fits.len() <= MAX_NAME && fits.starts_with(PART));
    }

    #[test]
    fn candidates_fit() {
        let all: Vec<_> = candidates(b"a").take(3).collect();
        assert_eq!(all, [b"a".to_vec(), b"a.1".to_vec(), b"a.2".to_vec()]);
        assert!(candidates(&[b'x'; 255]).take(200).all(|c| c.len() <= 255));
    }
}
