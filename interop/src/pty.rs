//! How is a program started at a terminal of its own, which is a real one to it? (The tests of `carrack` take this file, too.)

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A program at a terminal.
pub struct Started {
    /// Whose session it is.
    pub child: Child,
    /// What is written here was typed.
    pub keys: File,
    /// What is shown, as it comes.
    pub pieces: Receiver<Vec<u8>>,
}

/// Starts a program in a session of its own, so that Ctrl-C is a signal to it, as it is for people; `prepare` sets what its
/// surroundings are besides.
///
/// # Panics
/// Where there is no terminal to be had.
pub fn start(plain: &Command, columns: u16, prepare: impl FnOnce(&mut Command)) -> Started {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    tcsetwinsize(&master, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let slave = File::options().read(true).write(true).open(Path::new(name.to_str().expect("text"))).expect("open");
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg("--wait").arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = plain.get_current_dir() {
        command.current_dir(folder);
    }
    prepare(&mut command);
    let other = || slave.try_clone().expect("a second handle");
    command.stdin(other()).stdout(other()).stderr(other());
    drop(slave);
    let child = command.spawn().expect("setsid");
    // Or this process would keep the terminal open.
    drop(command);
    let keys = File::from(master);
    let mut from = keys.try_clone().expect("a second handle");
    let (tx, pieces) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // At the end of the other side a terminal fails with EIO.
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if tx.send(bytes[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    Started { child, keys, pieces }
}
