//! Op -> Access call -> Yield, for all protocols: the only place that turns a session's wish into a call on the gate.

use gate::{Access, Folder, OpenFile, Progress, Reading, Writing};
use types::{Error, Op, Yield};

/// What an answered ask left open for the driver.
pub enum Opened {
    /// A file to read.
    Reading(Reading),
    /// A file to write.
    Writing(Writing),
    /// A file to read and write at any place.
    File(OpenFile),
    /// A folder to list.
    Folder(Folder),
}

/// Asks the gate. The session gets the [`Yield`], the driver keeps what was opened.
pub async fn ask(access: &Access, op: Op) -> (Result<Yield, Error>, Option<Box<Opened>>) {
    ask_with(access, op, &Progress::default()).await
}

/// As [`ask`]; how far a walk through a tree has come shows in `progress`.
pub async fn ask_with(access: &Access, op: Op, progress: &Progress) -> (Result<Yield, Error>, Option<Box<Opened>>) {
    match op {
        Op::Read { path, at } => match access.read(&path, at).await {
            Ok(reading) => (Ok(Yield::Reading(reading.attr.clone())), Some(Box::new(Opened::Reading(reading)))),
            Err(error) => (Err(error), None),
        },
        Op::Write { path, how, expected, keep: true } => written(access.write(&path, how, expected).await),
        Op::Write { path, how, expected, keep: false } => written(access.write_unkept(&path, how, expected).await),
        Op::Open { path, how } => match access.open(&path, how).await {
            Ok(file) => match file.attr().await {
                Ok(attr) => (Ok(Yield::Opened(attr)), Some(Box::new(Opened::File(file)))),
                Err(error) => (Err(error), None),
            },
            Err(error) => (Err(error), None),
        },
        Op::List { path } => match access.list(&path).await {
            Ok(folder) => (Ok(Yield::Listing), Some(Box::new(Opened::Folder(folder)))),
            Err(error) => (Err(error), None),
        },
        // Boxed: it takes twice the room of the others, and they are asked for every file.
        Op::RemoveTree { path } => {
            let removed = Box::pin(access.remove_tree(&path, progress)).await;
            (removed.map(|entries| Yield::Removed { entries }), None)
        }
        other => (Box::pin(access.act(&other)).await, None),
    }
}

fn written(opened: Result<Writing, Error>) -> (Result<Yield, Error>, Option<Box<Opened>>) {
    match opened {
        Ok(writing) => {
            (Ok(Yield::Writing { path: writing.path.clone(), at: writing.at }), Some(Box::new(Opened::Writing(writing))))
        }
        Err(error) => (Err(error), None),
    }
}
