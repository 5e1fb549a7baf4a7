//! What do the options of the copying commands mean for the engine?

use std::path::Path;
use std::sync::Arc;

use client::copy::{Exchange, Filter, Links, Manner, Same, Settings, Side, Wishes};
use io::clock;
use io::meter::Bucket;
use types::{Error, Reason, Time};

use super::super::Client;
use crate::cli::copies::{Age, DeleteOptions, Fxp, HowOptions, WhatOptions};

/// The largest file of patterns that is read.
const PATTERNS_AT_MOST: u64 = 16 * 1024 * 1024;

/// Which files are meant. Of rules the first that fits decides: `--filter` comes first, then what is left out, then what is
/// taken.
///
/// # Errors
/// [`Reason::Syntax`] with the option or the file, and what is wrong with it.
pub(super) fn filter(what: &WhatOptions) -> Result<Filter, Error> {
    let mut filter = Filter::default();
    filter.at_least = what.min_size.map(|bytes| bytes.0);
    filter.at_most = what.max_size.map(|bytes| bytes.0);
    filter.changed_since = what.max_age.map(ago);
    filter.changed_before = what.min_age.map(ago);
    filter.any_case = what.ignore_case;
    filter.links = match (what.links, what.copy_links) {
        (true, _) => Links::Keep,
        (_, true) => Links::Follow,
        _ => Links::LeaveOut,
    };
    for rule in &what.filter {
        filter.rules(rule, Manner::Signed).map_err(|e| about(&e, &format!("--filter {rule:?}")))?;
    }
    files(&mut filter, &what.filter_from, Manner::Signed)?;
    for pattern in &what.exclude {
        filter.rule(false, pattern).map_err(|e| about(&e, &format!("--exclude {pattern:?}")))?;
    }
    files(&mut filter, &what.exclude_from, Manner::Plain(false))?;
    files(&mut filter, &what.ignore_file, Manner::Ignore)?;
    for pattern in &what.include {
        filter.rule(true, pattern).map_err(|e| about(&e, &format!("--include {pattern:?}")))?;
        filter.only_named = true;
    }
    files(&mut filter, &what.include_from, Manner::Plain(true))?;
    Ok(filter)
}

fn files(filter: &mut Filter, files: &[std::path::PathBuf], manner: Manner) -> Result<(), Error> {
    for file in files {
        let text = read(file, PATTERNS_AT_MOST).map_err(|e| about(&e, &file.display().to_string()))?;
        filter.rules(&text, manner).map_err(|e| about(&e, &file.display().to_string()))?;
    }
    Ok(())
}

/// A text file, or standard input where its name is `-`.
///
/// # Errors
/// The file system's; [`Reason::TooLarge`]; [`Reason::Syntax`] where it is no text.
pub(super) fn read(file: &Path, at_most: u64) -> Result<String, Error> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(at_most + 1).read_to_end(&mut bytes)
    } else {
        #[allow(clippy::disallowed_methods, reason = "a file that the command line names, before anything moves")]
        std::fs::File::open(file).and_then(|file| file.take(at_most + 1).read_to_end(&mut bytes))
    };
    let read = result.map_err(Error::from)?;
    if read as u64 > at_most {
        return Err(Error::with(Reason::TooLarge, format!("{at_most} bytes at most")));
    }
    String::from_utf8(bytes).map_err(|e| Error::with(Reason::Syntax, format!("that is no text: {e}")))
}

fn about(error: &Error, place: &str) -> Error {
    Error::with(error.reason, format!("{place}: {}", error.detail.as_deref().unwrap_or(error.reason.cause())))
}

fn ago(age: Age) -> Time {
    let now = clock::wall();
    Time { seconds: now.seconds.saturating_sub(i64::try_from(age.0.as_secs()).unwrap_or(i64::MAX)), ..now }
}

/// When files are the same, and what is removed. `usual` is what counts where nothing else is said.
pub(super) fn wishes(what: &WhatOptions, delete: &DeleteOptions, usual: Same) -> Wishes {
    let same = match what {
        WhatOptions { size_only: true, .. } => Same::Size,
        WhatOptions { ignore_existing: true, .. } => Same::Exists,
        WhatOptions { ignore_times: true, .. } => Same::Never,
        _ => usual,
    };
    Wishes { same, delete: delete.delete, delete_at_most: delete.max_delete, newer_only: what.update }
}

/// How bytes move from one side to the other.
pub(super) fn settings(client: &Client, how: &HowOptions, source: Option<&Side>, target: &Side) -> Settings {
    let is_server = |side: &Side| side.remote.is_some();
    let down = how.limit_rate_down.filter(|_| source.is_some_and(is_server));
    let up = how.limit_rate_up.filter(|_| is_server(target));
    let rates = [how.limit_rate, down, up].into_iter().flatten().filter(|rate| rate.0 > 0);
    let (usual, network) = (Settings::default(), &client.options.network);
    Settings {
        at_once: how.jobs.map(usize::from),
        segments: how.segments.map(usize::from),
        tries: network.retries.map_or(usual.tries, |retries| retries.saturating_add(1)),
        file_mode: client.mode_of_files(),
        folder_mode: client.mode_of_folders(),
        keep_times: !how.no_times,
        temporary_names: !how.no_temporary,
        resume: !how.no_resume,
        checksum: how.checksum,
        exchange: how.fxp.map_or(Exchange::Never, |fxp| match fxp {
            Fxp::Try => Exchange::Try,
            Fxp::Only => Exchange::Only,
        }),
        rates: rates.map(|rate| Arc::new(Bucket::new(rate.0))).collect(),
        ..usual
    }
}

/// As many connections to a server as that takes.
pub(super) fn connections(how: &HowOptions) -> Option<usize> {
    how.jobs.max(how.segments).map(usize::from)
}
