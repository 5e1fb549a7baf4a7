//! Which lines are kept for the next time? All but those that may hold a password.

use std::path::PathBuf;

use super::catalog::{self, Verb};
use super::words::{Statement, Word, parse};

/// Whether a line may hold a password, and so must not be kept.
pub(super) fn may_hold_secret(line: &str) -> bool {
    match parse(line) {
        Ok(statements) => statements.iter().any(|statement| match statement {
            Statement::Command { words, .. } => is_secret(words),
            Statement::Local(command) => has_login(command),
        }),
        // What cannot be read may be anything.
        Err(_) => has_login(line) || ["user", "pass", "acct", "login"].iter().any(|word| line.to_lowercase().contains(word)),
    }
}

fn is_secret(words: &[Word]) -> bool {
    if words.iter().any(|word| has_login(&word.text)) {
        return true;
    }
    let Some((name, rest)) = words.split_first() else { return false };
    let Ok(entry) = catalog::find(&name.text) else { return name.text.to_lowercase().contains("pass") };
    let first = rest.first().map(|word| word.text.trim().to_ascii_uppercase()).unwrap_or_default();
    match entry.verb {
        Verb::User => rest.len() > 1,
        // `-u user,password` is lftp's.
        Verb::Open => rest.iter().any(|word| word.text.contains(',')),
        Verb::Line("") => {
            first.starts_with("PASS") && !first.starts_with("PASV") || first.starts_with("ACCT") || is_site_secret(&first, rest)
        }
        Verb::Line("SITE ") => ["PSWD", "CPWD", "PASS", "AUTH"].iter().any(|word| first.starts_with(word)),
        _ => false,
    }
}

fn is_site_secret(first: &str, rest: &[Word]) -> bool {
    first.starts_with("SITE")
        && rest.iter().any(|word| {
            let word = word.text.to_ascii_uppercase();
            ["PSWD", "CPWD", "PASS"].iter().any(|secret| word.contains(secret))
        })
}

/// Whether `user:password@` stands in a URL.
fn has_login(text: &str) -> bool {
    text.match_indices("://").any(|(at, sign)| {
        let behind = text.get(at + sign.len()..).unwrap_or_default();
        let authority = behind.split(['/', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'))
    })
}

/// The file: `carrack/shell_history` in `$XDG_STATE_HOME`, else in `~/.local/state`.
pub(super) fn file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?.join("carrack");
    crate::secret::folder(&folder).ok()?;
    Some(folder.join("shell_history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_kept() {
        for line in [
            "user ana geheim",
            "login ana geheim",
            "open ftp://ana:geheim@h/",
            "open -u ana,geheim h",
            "ls; open ftp://ana:ge@heim@h/x",
            "quote PASS geheim",
            "quote 'pass geheim'",
            "quote ACCT x",
            "site PSWD a b",
            "quote SITE PSWD a b",
            "!curl ftp://ana:geheim@h/",
            "user ana 'geheim",
            "passwd geheim",
        ] {
            assert!(may_hold_secret(line), "{line}");
        }
        for line in
            ["ls", "user ana", "open ana@h", "open ftp://ana@h/a:b@c", "get 'a:b@c'", "quote PASV", "quote STAT", "site help"]
        {
            assert!(!may_hold_secret(line), "{line}");
        }
    }
}
