//! SCP dialogues: each file in `scp_dialogues/` is a copy. `$` is the command line, `>` what the other end sends and `?` what
//! the driver answers; they are fed into the machine. `<` is what it sends, `=` what it asks and hands out, `!` how it ends:
//! all of them must come out as they stand there. `UPDATE=1 cargo test -p carrack-proto --test scp_dialogues` writes the files
//! anew: read the difference before you believe it.
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod corpus;
mod driver;

use carrack_proto::scp::{Command, Sink, Source, Way};
use carrack_proto::sftp::server::{Input, Output};
use types::VPath;

#[test]
fn dialogues_play_as_written() {
    corpus::plays_as_written("scp_dialogues", 5, |_, text| play(text));
}

enum End {
    Sink(Sink),
    Source(Source),
}

impl End {
    fn new(line: &str) -> Result<Self, String> {
        let command = Command::parse(line.as_bytes()).map_err(|e| e.to_string())?.ok_or("no scp")?;
        let home = VPath::parse(b"/home").unwrap();
        match command.way {
            Way::To => Sink::new(command, &home).map(Self::Sink),
            Way::From => Source::new(command, &home).map(Self::Source),
        }
        .map_err(|e| e.to_string())
    }

    fn handle(&mut self, input: Input<'_>) {
        match self {
            Self::Sink(end) => end.handle(input),
            Self::Source(end) => end.handle(input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Sink(end) => end.poll(),
            Self::Source(end) => end.poll(),
        }
    }
}

fn play(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut end = None;
    for line in text.lines().filter(|line| !line.starts_with(['<', '=', '!'])) {
        out += line;
        out.push('\n');
        let told = |e: String| format!("`{line}`: {e}");
        match (line.split_once(' '), &mut end) {
            (Some(("$", command)), none) => *none = Some(End::new(command).map_err(told)?),
            (Some((">", "end")), Some(end)) => end.handle(Input::End),
            (Some((">", bytes)), Some(end)) => end.handle(Input::Bytes(&corpus::unescape(bytes))),
            (Some(("?", answer)), Some(end)) => end.handle(driver::answer(answer, &out).map_err(told)?),
            _ => {}
        }
        while let Some(output) = end.as_mut().and_then(End::poll) {
            out += &driver::words(&output);
            out.push('\n');
        }
    }
    Ok(out)
}
