//! Through which hosts does the way to a server lead (ProxyJump of ssh_config(5))? `[user@]host[:port]`, or the same as
//! `ssh://` URLs, with commas between them; the first is connected to, and each connects to the next.

use types::{Error, Reason};

use crate::url::{Authority, authority_of};

/// More of them are a mistake.
const MOST: usize = 8;

/// A host on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jump {
    /// Who logs in, where it is said.
    pub user: Option<Box<str>>,
    /// A name or an address.
    pub host: Box<str>,
    /// The port, where one is given.
    pub port: Option<u16>,
}

impl Jump {
    /// Reads a list of them; `none` is the empty one.
    ///
    /// # Errors
    /// [`Reason::BadUrl`] with the place.
    ///
    /// ```
    /// use carrack_client::ssh::Jump;
    /// let jumps = Jump::parse_all("gate,ann@[2001:db8::1]:2222").unwrap();
    /// assert_eq!((&*jumps[0].host, jumps[0].port), ("gate", None));
    /// assert_eq!((&*jumps[1].host, jumps[1].user.as_deref(), jumps[1].port), ("2001:db8::1", Some("ann"), Some(2222)));
    /// ```
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Error> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Vec::new());
        }
        let jumps = text.split(',').map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        match jumps.len() {
            0..=MOST => Ok(jumps),
            many => Err(Error::with(Reason::BadUrl, format!("{many} hosts on the way; at most {MOST} are taken"))),
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bare = text.strip_prefix("ssh://").map_or(text, |rest| rest.strip_suffix('/').unwrap_or(rest));
        let Authority { user, password, host, port } = authority_of(bare)?;
        match password {
            None => Ok(Self { user, host, port }),
            Some(_) => Err(Error::with(Reason::BadUrl, format!("{host}: a host on the way has no password in its name"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Any text is read or refused; what is read is a host that can be connected to.
        #[test]
        fn any_text_is_read_or_refused(text in "(ssh://)?[a-z0-9@:,./ \\[\\]%-]{0,24}") {
            match Jump::parse_all(&text) {
                Ok(jumps) => prop_assert!(jumps.iter().all(|jump| !jump.host.is_empty() && jump.port != Some(0))),
                Err(e) => prop_assert_eq!(e.reason, Reason::BadUrl),
            }
        }
    }

    #[test]
    fn lists_of_hosts() {
        let hosts = |text| Jump::parse_all(text).map(|all| all.into_iter().map(|jump| jump.host).collect::<Vec<_>>());
        assert_eq!(hosts("none").unwrap().len(), 0);
        assert_eq!(hosts("ssh://a:22/, b").unwrap(), ["a".into(), "b".into()]);
        for text in ["", "a,", "a:0", "u:p@h", "a/b", &["a"; 9].join(",")] {
            assert_eq!(hosts(text).unwrap_err().reason, Reason::BadUrl, "{text}");
        }
    }
}
