//! `carrack hash` without files: what does a configuration hold in place of a password? Asked twice without echo at a terminal, or
//! one line from a pipe.

use std::io::{BufRead, IsTerminal, Read};

use crate::cli::Exit;
use crate::say;

/// The longest password worth hashing: an FTP line holds no longer one.
const MOST: u64 = 8_192;

/// Reads a password and prints its hash.
pub(crate) fn run() -> Exit {
    let password = match read() {
        Ok(password) => password,
        Err(why) => {
            say::err(format_args!("carrack hash: {why}"));
            return Exit::Failed;
        }
    };
    match gate::hash_password(&password) {
        Ok(hash) => say::out(format_args!("{hash}")),
        Err(e) => {
            say::err(format_args!("carrack hash: the password cannot be hashed: {e}"));
            Exit::Failed
        }
    }
}

fn read() -> Result<String, String> {
    let password = if std::io::stdin().is_terminal() { ask()? } else { line()? };
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    if password.chars().any(char::is_control) {
        return Err("the password holds a control character, which no FTP program can send".to_owned());
    }
    Ok(password)
}

fn ask() -> Result<String, String> {
    let read = |prompt: &str| crate::prompt::password(prompt).map_err(|e| format!("the terminal cannot be read: {e}"));
    let first = read("Password: ")?;
    let second = read("Once more: ")?;
    if first == second { Ok(first) } else { Err("the two are not the same; nothing was hashed".to_owned()) }
}

fn line() -> Result<String, String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MOST).read_line(&mut line);
    read.map_err(|e| format!("the password cannot be read: {e}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
