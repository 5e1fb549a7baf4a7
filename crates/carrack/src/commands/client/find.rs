//! `carrack find`: which files below a place are as somebody wants them?

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use types::text::printable;
use types::{Attr, Error, Reason, VPath};

use super::tree::walk;
use super::{AtInterrupt, Client, Opened, Stop, entry, places_or_here, run as run_client};
use crate::cli::Exit;
use crate::cli::search::Find;

/// Finds files below places.
pub(crate) fn run(args: &Find) -> Exit {
    run_client("find", &args.options, AtInterrupt::Drop, async |client: &Client| {
        let search = Search { client, args, names: globs(args)? };
        client.each(&places_or_here(&args.places), async |place| search.place(&place).await).await
    })
}

/// All names that will do; `None` where every name does.
fn globs(args: &Find) -> Result<Option<GlobSet>, Error> {
    if args.name.is_empty() && args.iname.is_empty() {
        return Ok(None);
    }
    // Each was read already; what can be wrong with them together is their size.
    let wrong = |e: globset::Error| Error::with(Reason::TooMany, e.to_string());
    let mut set = GlobSetBuilder::new();
    for glob in &args.name {
        set.add(glob.clone());
    }
    for glob in &args.iname {
        set.add(GlobBuilder::new(glob.glob()).case_insensitive(true).build().map_err(wrong)?);
    }
    set.build().map(Some).map_err(wrong)
}

struct Search<'a> {
    client: &'a Client,
    args: &'a Find,
    names: Option<GlobSet>,
}

impl Search<'_> {
    async fn place(&self, place: &Opened) -> Result<(), Stop> {
        let attr = place.attr(true).await?;
        self.look(place, &place.path, &attr, None)?;
        let most = self.args.max_depth.unwrap_or(usize::MAX);
        if !attr.is_dir() || most == 0 {
            return Ok(());
        }
        let base = place.path.components().count();
        walk(self.client, place, async |folder, entries| {
            for entry in &entries {
                match folder.join(&entry.name) {
                    Ok(path) => self.look(place, &path, &entry.attr, entry.target.as_deref())?,
                    Err(e) => self.client.failed(&place.shown_below(folder), &e.into()),
                }
            }
            Ok(if folder.components().count() - base + 1 < most { entries } else { Vec::new() })
        })
        .await
    }

    fn look(&self, place: &Opened, path: &VPath, attr: &Attr, target: Option<&[u8]>) -> Result<(), Stop> {
        if !self.is_wanted(path, attr) {
            return Ok(());
        }
        let output = &self.client.output;
        if output.is_json() {
            return output.object(&entry::object(place, place.relative(path), attr, target));
        }
        if self.args.print0 {
            let mut name = place.raw_below(path);
            name.push(0);
            return output.bytes(&name);
        }
        output.line(format_args!("{}", printable(&place.shown_below(path))))
    }

    fn is_wanted(&self, path: &VPath, attr: &Attr) -> bool {
        let args = self.args;
        let name = Path::new(std::ffi::OsStr::from_bytes(path.name().unwrap_or(b"/")));
        self.names.as_ref().is_none_or(|names| names.is_match(name))
            && (args.r#type.is_empty() || args.r#type.iter().any(|wanted| wanted.kind() == attr.kind))
            && (args.size.is_empty() || !attr.is_dir() && args.size.iter().all(|test| test.holds(attr.size)))
            // A time that nobody tells is neither before nor after another.
            && args.newer.is_none_or(|since| attr.modified.is_some_and(|time| time > since.0))
            && args.older.is_none_or(|since| attr.modified.is_some_and(|time| time <= since.0))
    }
}
