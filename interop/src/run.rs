//! How is an outside program run so that it cannot hang a test? With a time limit, no input unless given, its words kept.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How one run of a program went.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// All it printed to both outputs, in order.
    pub said: String,
}

impl Ran {
    /// This run, if it ended well.
    ///
    /// # Panics
    /// If it did not; the message holds what it said.
    #[track_caller]
    pub fn well(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.status, self.said);
        self
    }
}

/// Whether a program of that name is in the path.
pub fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Runs to the end, at most a minute.
///
/// # Panics
/// If the program cannot be started or takes longer.
#[track_caller]
pub fn run(command: &mut Command) -> Ran {
    run_with(command, "", Duration::from_secs(60))
}

/// Runs to the end with this input, at most so long; then the program and what it started are killed.
///
/// # Panics
/// If the program cannot be started or takes longer.
#[track_caller]
pub fn run_with(command: &mut Command, input: &str, limit: Duration) -> Ran {
    let mut told = tempfile::tempfile().expect("a temporary file");
    told.write_all(input.as_bytes()).expect("write");
    told.rewind().expect("rewind");
    let mut said = tempfile::tempfile().expect("a temporary file");
    let copy = |file: &File| Stdio::from(file.try_clone().expect("a second handle"));
    let mut child = command
        .stdin(Stdio::from(told))
        .stdout(copy(&said))
        .stderr(copy(&said))
        .env("LC_ALL", "C.UTF-8")
        .process_group(0)
        .spawn()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait") {
            break Some(status);
        }
        if start.elapsed() > limit {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut bytes = Vec::new();
    said.rewind().expect("rewind");
    said.read_to_end(&mut bytes).expect("read");
    let said = String::from_utf8_lossy(&bytes).into_owned();
    let Some(status) = status else { panic!("{command:?} did not end within {limit:?}: {said}") };
    Ran { status, said }
}

/// Runs a script of an interpreter with arguments.
#[track_caller]
pub fn script(interpreter: &str, code: &str, ending: &str, arguments: &[&str], folder: &Path) -> Ran {
    let file = tempfile::Builder::new().suffix(ending).tempfile().expect("a temporary file");
    std::fs::write(file.path(), code).expect("write");
    run_with(Command::new(interpreter).arg(file.path()).args(arguments).current_dir(folder), "", Duration::from_secs(120))
}

/// Starts a program that copies, and kills it once more than `more` bytes of a file lie in a folder: under another name than
/// its own, and not yet all `whole` bytes of it.
///
/// # Panics
/// If it ends before, or no part comes within a minute.
#[track_caller]
pub fn killed_in_its_midst(command: &mut Command, folder: &Path, name: &str, (more, whole): (u64, u64)) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(60);
    let part = |entry: std::fs::DirEntry| {
        let is_it = entry.file_name().to_string_lossy().contains(name) && entry.file_name() != name;
        is_it && entry.metadata().is_ok_and(|facts| (more..whole).contains(&facts.len()))
    };
    while !std::fs::read_dir(folder).expect("a folder").flatten().any(part) {
        assert!(Instant::now() < until, "no part of {name} came");
        assert!(child.try_wait().expect("wait").is_none(), "it was over before it was killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("kill");
    child.wait().expect("wait");
}
