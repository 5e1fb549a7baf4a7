//! Does a real keyring (GNOME's, in a D-Bus session of its own) keep passwords and give them back, and what is said without one?

use std::process::Command;

use interop::run::{Ran, run};
use interop::{PASSWORD, Server, USER, files};

/// A home without anything in it, and a server to log in on.
struct Course {
    server: Server,
    home: tempfile::TempDir,
}

/// Opens the keyring with a password of its own, as a desktop's login does.
const OPEN: &str = "printf master | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 || exit 99\n";
/// Starts it and leaves it locked: one that nobody has opened yet.
const LOCKED: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1 || exit 99\n";

impl Course {
    fn new() -> Self {
        let server = Server::start();
        files::make(&server.root().join("a file"), 10_000, 1);
        Self { server, home: tempfile::tempdir().unwrap() }
    }

    /// Words for the shell, where `carrack` and `$URL` are there, in a D-Bus session of their own or without any.
    fn shell(&self, words: &str, session: bool) -> Ran {
        let mut command = Command::new(if session { "dbus-run-session" } else { "sh" });
        if session {
            command.args(["--", "sh"]);
        }
        let home = self.home.path();
        std::fs::create_dir_all(home.join("run")).unwrap();
        let url = format!("ftp://{USER}@127.0.0.1:{}/", self.server.port());
        command.args(["-c", &format!("carrack() {{ \"$CARRACK\" \"$@\"; }}\n{words}")]);
        for name in ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "CARRACK_PASSWORD", "GNOME_KEYRING_CONTROL"] {
            command.env_remove(name);
        }
        for (name, folder) in [
            ("HOME", ""),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(name, home.join(folder));
        }
        command.env("CARRACK", interop::carrack()).env("URL", url).env("PASSWORD", PASSWORD).current_dir(home);
        run(&mut command)
    }
}

#[test]
fn a_password_is_kept_and_found_again() {
    interop::need!("dbus-run-session");
    interop::need!("gnome-keyring-daemon");
    let course = Course::new();
    let keep = "CARRACK_PASSWORD=$PASSWORD carrack bookmark add there $URL --save-password --no-tls\n";
    let ran = course.shell(&format!("{OPEN}{keep}carrack get there:'a file' here </dev/null"), true).well();
    assert!(!ran.said.contains(PASSWORD), "{}", ran.said);
    files::assert_same(&course.server.root().join("a file"), &course.home.path().join("here"));
    // It is still there for the next session, and with the bookmark's place alone.
    course.shell(&format!("{OPEN}carrack cat --no-tls \"$URL\"'a%20file' </dev/null >again"), true).well();
    files::assert_same(&course.server.root().join("a file"), &course.home.path().join("again"));
    // Another password takes the place of the first.
    let wrong = "CARRACK_PASSWORD=wrong carrack bookmark add there $URL --save-password --no-tls\n";
    let ran = course.shell(&format!("{OPEN}{wrong}carrack ls --retries 0 there: </dev/null"), true);
    assert!(ran.status.code() == Some(67) && ran.said.contains("CRK-707"), "{ran:?}");
}

#[test]
fn without_a_keyring_it_is_said_at_once() {
    interop::need!("dbus-run-session");
    interop::need!("gnome-keyring-daemon");
    let course = Course::new();
    let keep = "CARRACK_PASSWORD=$PASSWORD carrack bookmark add there $URL --save-password --no-tls";
    let dead = format!("export DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere/at/all\n{keep}");
    for (words, session, says) in [
        (keep.to_owned(), false, "D-Bus session"),
        (dead, false, "D-Bus session"),
        (keep.to_owned(), true, "keyring"),
        (format!("{LOCKED}{keep}"), true, "keyring"),
    ] {
        let ran = course.shell(&words, session);
        assert_eq!(ran.status.code(), Some(1), "{words}: {ran:?}");
        assert!(ran.said.contains("CRK-765") && ran.said.contains(says), "{words}: {}", ran.said);
        // Nor does a look-up wait for anybody: the password is missing, and that is said.
        let look = words.replace(keep, "carrack ls --no-tls --retries 0 $URL </dev/null");
        let ran = course.shell(&look, session);
        assert!(ran.status.code() == Some(67) && ran.said.contains("CRK-760"), "{look}: {ran:?}");
    }
}
