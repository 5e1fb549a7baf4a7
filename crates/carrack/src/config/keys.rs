//! How are SSH keys read: lines as `authorized_keys` files have them, and the files themselves?
#![allow(clippy::disallowed_methods, reason = "the configuration is one of the owners of files")]

use std::path::Path;

use gate::{AuthorizedKey, Sources};
use proto::authorized_keys::{moment, split};

/// The most a file of keys may hold.
const MOST: u64 = 1 << 20;

/// Options that take something away that is not served here at all.
const EMPTY: [&str; 15] = [
    "restrict",
    "agent-forwarding",
    "no-agent-forwarding",
    "port-forwarding",
    "no-port-forwarding",
    "pty",
    "no-pty",
    "user-rc",
    "no-user-rc",
    "x11-forwarding",
    "no-x11-forwarding",
    "environment",
    "permitopen",
    "permitlisten",
    "tunnel",
];

/// Reads a file of keys: one a line, `#` begins a comment.
///
/// # Errors
/// What is wrong with it, with the line's number.
pub(super) fn file(path: &Path) -> Result<Vec<AuthorizedKey>, String> {
    let shown = path.display();
    let cannot = |e: std::io::Error| format!("{shown} cannot be read: {e}");
    let meta = std::fs::metadata(path).map_err(cannot)?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(format!("{shown} is no file of keys"));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    keys.map(|(number, text)| line(text).map_err(|e| format!("{shown}, line {number}: {e}"))).collect()
}

/// Reads one line: options, the key, a comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
///
/// # Errors
/// What is wrong with it.
pub(super) fn line(text: &str) -> Result<AuthorizedKey, String> {
    let text = text.trim();
    // A key begins with its algorithm; whatever does not is options.
    let (options, key) = match server::ssh::keys::public(text) {
        Ok((blob, _)) => (Vec::new(), blob),
        Err(told) => {
            let (options, rest) = split(text)?;
            let (blob, _) = server::ssh::keys::public(rest)
                .map_err(|_| told.detail.as_deref().unwrap_or("that is no public key").to_owned())?;
            (options, blob)
        }
    };
    let mut read = AuthorizedKey::new(&key);
    for (name, value) in options {
        option(&mut read, &name, value.as_deref())?;
    }
    if !read.principals.is_empty() && !read.authority {
        return Err("principals= belongs to cert-authority, which is not said".to_owned());
    }
    Ok(read)
}

fn option(key: &mut AuthorizedKey, name: &str, value: Option<&str>) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    match (lower.as_str(), value) {
        ("cert-authority", None) => key.authority = true,
        ("from", Some(list)) => {
            key.from = Some(Sources::parse(list).map_err(|e| format!("from=: {}", e.detail.as_deref().unwrap_or("no list")))?);
        }
        ("expiry-time", Some(time)) => {
            key.expires = Some(moment(time).ok_or("expiry-time= wants YYYYMMDD[HHMM[SS]], a Z behind")?)
        }
        ("principals", Some(list)) => key.principals = list.split(',').map(|name| name.trim().into()).collect(),
        // All that is served here is what this allows.
        ("command", Some("internal-sftp")) => {}
        ("command", _) => return Err("command= is not obeyed here, and a key that has it lets nobody in".to_owned()),
        ("verify-required", None) => return Err("verify-required cannot be checked here, and so lets nobody in".to_owned()),
        (known, _) if EMPTY.contains(&known) => {}
        _ => return Err(format!("the option {name:?} is not known")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn lines_are_keys_with_options_before_and_a_comment_behind() {
        let plain = line(KEY).unwrap();
        assert_eq!(line(&format!("{KEY} anna@host with blanks")).unwrap(), plain);
        assert_eq!(line(&format!("restrict,no-pty,environment=\"A=b, c\" {KEY}")).unwrap(), plain);
        let limited = line(&format!("from=\"192.0.2.0/24,!192.0.2.9\",expiry-time=\"20300102\" {KEY} x")).unwrap();
        assert_eq!(limited.expires, Some(1_893_542_400));
        assert!(limited.from.as_ref().unwrap().admit("192.0.2.1".parse().unwrap()));
        let authority = line(&format!("cert-authority,principals=\"anna,bert\" {KEY}")).unwrap();
        assert!(authority.authority && authority.principals == ["anna".into(), "bert".into()]);
        assert_eq!(line(&format!("command=\"internal-sftp\" {KEY}")).unwrap(), plain);
    }

    #[test]
    fn what_would_be_obeyed_by_others_and_is_not_here_lets_nobody_in() {
        for (options, told) in [
            ("command=\"rm -r /\"", "command="),
            ("command=\"a \\\" b\"", "command="),
            ("from=\"192.0.2.0/99\"", "from="),
            ("expiry-time=\"tomorrow\"", "expiry-time="),
            ("expiry-time=\"20301301\"", "expiry-time="),
            ("principals=\"anna\"", "cert-authority"),
            ("unheard-of", "not known"),
            ("verify-required", "verify-required"),
        ] {
            let e = line(&format!("{options} {KEY}")).unwrap_err();
            assert!(e.contains(told), "{options}: {e}");
        }
        for wrong in ["", "restrict", "ssh-ed25519", "restrict ssh-ed25519 AAAA", "from=\"192.0.2.1"] {
            assert!(line(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn files_tell_the_line_that_is_wrong() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("keys");
        std::fs::write(&path, format!("# mine\n\n{KEY} one\nfrom=\"10.0.0.0/8\" {KEY}\n")).unwrap();
        assert_eq!(file(&path).unwrap().len(), 2);
        std::fs::write(&path, format!("{KEY}\nnonsense\n")).unwrap();
        assert!(file(&path).unwrap_err().contains("line 2"));
        assert!(file(place.path()).is_err() && file(&place.path().join("none")).is_err());
    }
}
