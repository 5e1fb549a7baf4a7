//! Which public keys let somebody in? Authorized keys, authorities that certify keys, and what limits either.

use std::net::IpAddr;

use types::{Certified, Error, ProvedKey, Reason};

use crate::rules::Network;

/// A key that lets a user in, or an authority whose certificates do: a line of an `authorized_keys` file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorizedKey {
    /// The key in its wire form (RFC 4253 section 6.6).
    pub blob: Box<[u8]>,
    /// It signs certificates, and lets nobody in by itself.
    pub authority: bool,
    /// Names a certificate of this authority must hold one of; the user's own name where there are none here.
    pub principals: Vec<Box<str>>,
    /// Where its owner may come from; from anywhere where nothing is said.
    pub from: Option<Sources>,
    /// From this moment on it lets nobody in: seconds since 1970 (UTC).
    pub expires: Option<i64>,
}

impl AuthorizedKey {
    /// A key without limits.
    pub fn new(blob: &[u8]) -> Self {
        Self { blob: blob.into(), authority: false, principals: Vec::new(), from: None, expires: None }
    }

    /// An authority for whoever its certificates name.
    pub fn authority(blob: &[u8]) -> Self {
        Self { authority: true, ..Self::new(blob) }
    }

    fn holds(&self, from: IpAddr, now: i64) -> bool {
        self.expires.is_none_or(|at| now < at) && self.from.as_ref().is_none_or(|sources| sources.admit(from))
    }

    fn vouches(&self, user: &str, certified: &Certified, from: IpAddr, now: i64) -> bool {
        let named = |name: &str| match self.principals.as_slice() {
            [] => name == user,
            names => names.iter().any(|n| **n == *name),
        };
        self.authority
            && self.blob == certified.authority
            && self.holds(from, now)
            && certified.principals.iter().any(|name| named(name))
            && !certified.unfit
            && certified.source.as_ref().is_none_or(|text| Sources::parse(text).is_ok_and(|s| s.admit(from)))
    }
}

/// Whether one of these keys lets `user` in with the key that was proved. `now` in seconds since 1970.
pub(crate) fn fits<'a>(
    keys: impl IntoIterator<Item = &'a AuthorizedKey>,
    revoked: &[Box<[u8]>],
    user: &str,
    proved: &ProvedKey,
    from: IpAddr,
    now: i64,
) -> bool {
    let is_revoked = |blob: &[u8]| revoked.iter().any(|b| **b == *blob);
    if is_revoked(&proved.blob) || proved.certified.as_ref().is_some_and(|c| is_revoked(&c.authority)) {
        return false;
    }
    keys.into_iter().any(|key| match &proved.certified {
        Some(certified) => key.vouches(user, certified, from, now),
        None => !key.authority && key.blob == proved.blob && key.holds(from, now),
    })
}

/// Where the owner of a key may come from: the pattern list of `from=` (sshd(8)), of addresses alone. Names of hosts
/// are not looked up, and so match nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sources(Vec<(Pattern, bool)>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Pattern {
    Net(Network),
    /// With `*` and `?`, against the address as it is written.
    Text(Box<str>),
}

impl Sources {
    /// Reads `192.0.2.0/24,!192.0.2.7,2001:db8::*`.
    ///
    /// # Errors
    /// [`Reason::Config`] where a pattern is empty, or looks like a network and is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut patterns = Vec::new();
        for word in text.split(',').map(str::trim) {
            let (word, not) = word.strip_prefix('!').map_or((word, false), |rest| (rest, true));
            if word.is_empty() {
                return Err(Error::with(Reason::Config, format!("{text:?} holds an empty pattern")));
            }
            let pattern = match Network::parse(word) {
                Ok(net) => Pattern::Net(net),
                Err(e) if word.contains('/') => return Err(e),
                Err(_) => Pattern::Text(word.to_ascii_lowercase().into()),
            };
            patterns.push((pattern, not));
        }
        Ok(Self(patterns))
    }

    /// Whether an address may come: one pattern fits, and none that is negated.
    pub fn admit(&self, ip: IpAddr) -> bool {
        let text = ip.to_canonical().to_string();
        let fits = |pattern: &Pattern| match pattern {
            Pattern::Net(net) => net.contains(ip),
            Pattern::Text(pattern) => like(pattern.as_bytes(), text.as_bytes()),
        };
        let mut admitted = false;
        for (_, not) in self.0.iter().filter(|(pattern, _)| fits(pattern)) {
            if *not {
                return false;
            }
            admitted = true;
        }
        admitted
    }
}

/// Whether a pattern with `*` and `?` fits the whole of a text; its time grows with their product at most.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&c| c == b'*')
}

/// The ways of proving who one is that are enough for a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ways {
    /// A password alone.
    pub password: bool,
    /// A key alone.
    pub key: bool,
    /// A key, and then a password.
    pub key_and_password: bool,
}

impl Default for Ways {
    /// Either of the two.
    fn default() -> Self {
        Self { password: true, key: true, key_and_password: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sources_are_networks_patterns_and_exceptions() {
        let all = |text: &str, from: &str| Sources::parse(text).unwrap().admit(ip(from));
        assert!(all("192.0.2.0/24", "192.0.2.9") && all("192.0.2.0/24", "::ffff:192.0.2.9"));
        assert!(!all("192.0.2.0/24", "192.0.3.9"));
        assert!(all("192.0.2.*", "192.0.2.9") && all("192.0.2.?", "192.0.2.9") && !all("192.0.2.?", "192.0.2.19"));
        assert!(!all("192.0.2.0/24,!192.0.2.9", "192.0.2.9") && !all("!192.0.2.9,192.0.2.0/24", "192.0.2.9"));
        assert!(!all("!192.0.2.9", "192.0.2.8"), "an exception alone lets nobody in");
        assert!(all("2001:DB8::*", "2001:db8::7") && !all("host.example.org", "192.0.2.1"));
        assert!(all("*", "::1"));
        for wrong in ["", "192.0.2.1,", "192.0.2.0/33", "a/b"] {
            assert_eq!(Sources::parse(wrong).unwrap_err().reason, Reason::Config, "{wrong:?}");
        }
    }

    #[test]
    fn keys_hold_from_where_and_until_when_they_say() {
        let proved = ProvedKey { blob: (*b"k").into(), certified: None };
        let fit = |key: AuthorizedKey, now| fits(&[key], &[], "ann", &proved, ip("192.0.2.1"), now);
        assert!(fit(AuthorizedKey::new(b"k"), 0) && !fit(AuthorizedKey::new(b"other"), 0));
        assert!(!fit(AuthorizedKey::authority(b"k"), 0), "an authority is no key");
        let until = AuthorizedKey { expires: Some(100), ..AuthorizedKey::new(b"k") };
        assert!(fit(until.clone(), 99) && !fit(until, 100));
        let from = |text| AuthorizedKey { from: Some(Sources::parse(text).unwrap()), ..AuthorizedKey::new(b"k") };
        assert!(fit(from("192.0.2.1"), 0) && !fit(from("192.0.2.2"), 0));
        assert!(!fits(&[AuthorizedKey::new(b"k")], &[(*b"k").into()], "ann", &proved, ip("::1"), 0), "revoked");
    }

    #[test]
    fn certificates_are_worth_what_their_authority_and_their_names_are() {
        let certified = Certified {
            authority: (*b"ca").into(),
            principals: vec!["ann".into()],
            id: "a".into(),
            serial: 1,
            source: None,
            unfit: false,
        };
        let proved = |certified| ProvedKey { blob: (*b"k").into(), certified: Some(certified) };
        let ca = AuthorizedKey::authority(b"ca");
        let fit = |ca: &AuthorizedKey, user: &str, certified: &Certified| {
            fits(std::iter::once(ca), &[], user, &proved(certified.clone()), ip("192.0.2.1"), 0)
        };
        assert!(fit(&ca, "ann", &certified) && !fit(&ca, "bob", &certified));
        assert!(!fit(&AuthorizedKey::new(b"ca"), "ann", &certified), "no authority");
        assert!(!fit(&AuthorizedKey::authority(b"cb"), "ann", &certified), "another authority");
        assert!(!fit(&AuthorizedKey::new(b"k"), "ann", &certified), "a certificate is judged as one");
        let staff = AuthorizedKey { principals: vec!["staff".into()], ..ca.clone() };
        assert!(!fit(&staff, "ann", &certified));
        assert!(fit(&staff, "ann", &Certified { principals: vec!["staff".into()], ..certified.clone() }));
        assert!(!fit(&ca, "ann", &Certified { principals: Vec::new(), ..certified.clone() }), "names nobody");
        assert!(!fit(&ca, "ann", &Certified { unfit: true, ..certified.clone() }));
        let from = |text: &str| Certified { source: Some(text.into()), ..certified.clone() };
        assert!(fit(&ca, "ann", &from("192.0.2.0/24")) && !fit(&ca, "ann", &from("198.51.100.0/24")));
        assert!(!fit(&ca, "ann", &from("300.1.1.1/8")), "what cannot be read admits nobody");
        assert!(!fits(&[ca], &[(*b"ca").into()], "ann", &proved(certified), ip("192.0.2.1"), 0), "revoked authority");
    }
}
