//! How does a program of the user's own carry a connection (ProxyCommand of ssh_config(5))? Its standard input and output are
//! the way to the server.

use std::io::{Error as IoError, ErrorKind};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use types::{Error, Reason};

use super::Dial;

/// A program that carries a connection; killed when this is dropped.
pub(super) struct Program {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Program {
    /// Starts the command as OpenSSH does: the user's shell reads it, and becomes it. What it says on standard error is seen.
    ///
    /// # Errors
    /// [`Reason::ProxyCommand`] where it does not start, and for a name that a shell would not leave as it is.
    pub(super) fn start(template: &str, dial: &Dial) -> Result<Self, Error> {
        let line = expanded(template, dial)?;
        // What has no shell of its own, as services do not, has the system's.
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        let mut command = Command::new(shell);
        command.arg("-c").arg(format!("exec {line}")).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let failed = |why: &dyn std::fmt::Display| Error::with(Reason::ProxyCommand, format!("{line}: {why}"));
        let mut child = command.spawn().map_err(|e| failed(&e))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { child, input, output }),
            _ => Err(failed(&"it has no input or output")),
        }
    }
}

/// The command with its `%` words: the server's name as it is connected to (`%h`), as it was typed (`%n`) and as its key is
/// looked up (`%k`), the port (`%p`), who logs in (`%r`), and `%%`.
fn expanded(template: &str, dial: &Dial) -> Result<String, Error> {
    let bad = |words: String| Error::with(Reason::ProxyCommand, words);
    let (mut line, mut letters) = (String::with_capacity(template.len()), template.chars());
    while let Some(letter) = letters.next() {
        if letter != '%' {
            line.push(letter);
            continue;
        }
        let name = match letters.next() {
            Some('%') => "%",
            Some('h') => dial.peer(),
            Some('n') => &dial.host,
            Some('k') => dial.alias.as_deref().unwrap_or(&dial.host),
            Some('r') => &dial.user,
            Some('p') => {
                line.push_str(&dial.port.to_string());
                continue;
            }
            other => {
                let word = other.map_or_else(|| "a % at its end".to_owned(), |letter| format!("%{letter}"));
                return Err(bad(format!("{word} is not known in ProxyCommand: it has %h, %n, %k, %p, %r and %%")));
            }
        };
        if name != "%" && !is_plain(name) {
            let words = format!("{} may mean something to a shell, and is not given to ProxyCommand", name.escape_debug());
            return Err(bad(words));
        }
        line.push_str(name);
    }
    Ok(line)
}

/// Whether a shell leaves a name as it is, and a program takes it for no option: it may come from a link that somebody sent.
fn is_plain(name: &str) -> bool {
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@' | '+' | ',' | '%' | '=' | '/');
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_safe)
}

impl AsyncRead for Program {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.output).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        // It ended by itself, or is about to: how, says more than that it did.
        let why = match self.child.try_wait() {
            Ok(Some(status)) => format!("the program ended: {status}"),
            _ => "the program closed its output".to_owned(),
        };
        Poll::Ready(Err(IoError::new(ErrorKind::UnexpectedEof, why)))
    }
}

impl AsyncWrite for Program {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dial(host: &str, user: &str) -> Dial {
        let mut dial = Dial::new(host, 2222, user, None);
        dial.address = Some("10.0.0.1".into());
        dial
    }

    #[test]
    fn words_are_put_in() {
        let line = expanded("nc -X 5 %h %p # %r@%n %k %%", &dial("web", "ann")).unwrap();
        assert_eq!(line, "nc -X 5 10.0.0.1 2222 # ann@web web %");
        for template in ["nc %x", "nc %"] {
            assert_eq!(expanded(template, &dial("web", "ann")).unwrap_err().reason, Reason::ProxyCommand);
        }
        for name in ["$(id)", "a;b", "-oProxyCommand=x", "a b", "`x`", "a\nb", "", "a'b", "a\"b", "a\\b", "~root", "a*", "#a"] {
            assert_eq!(expanded("nc %n", &dial(name, "ann")).unwrap_err().reason, Reason::ProxyCommand, "{name}");
            assert_eq!(expanded("nc %r", &dial("web", name)).unwrap_err().reason, Reason::ProxyCommand, "{name}");
        }
        assert_eq!(expanded("nc %n", &dial("fe80::1%eth0", "ann")).unwrap(), "nc fe80::1%eth0");
    }

    proptest! {
        /// A shell that is given a name by way of ProxyCommand reads the name again, or is given none.
        #[test]
        fn a_shell_reads_what_was_meant(name in "\\PC{1,12}") {
            if let Ok(line) = expanded("printf %%s %n", &dial(&name, "ann")) {
                let special = |c: char| c.is_whitespace() || "'\"`$\\;&|<>(){}[]*?!#~^".contains(c);
                let meant = ["printf %s ", &*name].concat();
                prop_assert!(line == meant && !name.contains(special));
            }
        }
    }
}
