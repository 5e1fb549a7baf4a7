//! `carrack du`: how much is in each folder, with all that is below it?

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::json;
use types::path::Shown;
use types::{Kind, VPath};

use super::tree::walk;
use super::{AtInterrupt, Client, Opened, Stop, places_or_here, run as run_client};
use crate::cli::Exit;
use crate::cli::search::Du;

/// Counts what is at places.
pub(crate) fn run(args: &Du) -> Exit {
    run_client("du", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client.each(&places_or_here(&args.places), async |place| count(client, &place, args).await).await
    })
}

/// What is in a folder, and below it.
#[derive(Clone, Copy, Default)]
struct Sum {
    bytes: u64,
    files: u64,
    folders: u64,
}

impl Sum {
    const fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.files += other.files;
        self.folders += other.folders;
    }
}

async fn count(client: &Client, place: &Opened, args: &Du) -> Result<(), Stop> {
    if !place.is_folder {
        let attr = place.attr(true).await?;
        if !attr.is_dir() {
            return tell(client, place, &place.path, Sum { bytes: attr.size, files: 1, folders: 0 }, args.human);
        }
    }
    let mut sums: Vec<(VPath, Sum)> = Vec::new();
    walk(client, place, async |folder, entries| {
        let mut sum = Sum::default();
        for entry in &entries {
            match entry.attr.kind {
                Kind::Dir => sum.folders += 1,
                _ => sum.add(Sum { bytes: entry.attr.size, files: 1, folders: 0 }),
            }
        }
        sums.push((folder.clone(), sum));
        Ok(entries)
    })
    .await?;
    let depth_of = |path: &VPath| path.components().count() - place.path.components().count().min(path.components().count());
    let most = if args.summarize { 0 } else { args.max_depth.unwrap_or(usize::MAX) };
    for (folder, sum) in with_all_below(sums).iter().filter(|(folder, _)| depth_of(folder) <= most) {
        tell(client, place, folder, *sum, args.human)?;
    }
    Ok(())
}

/// Adds to each folder what is in those below it. Folders come before what holds them, as du(1) has it.
fn with_all_below(mut sums: Vec<(VPath, Sum)>) -> Vec<(VPath, Sum)> {
    sums.sort_unstable_by(|(a, _), (b, _)| after_all_below(a, b));
    let mut below: HashMap<VPath, Sum> = HashMap::new();
    for (folder, sum) in &mut sums {
        if let Some(more) = below.remove(folder) {
            sum.add(more);
        }
        if let Some(parent) = folder.parent() {
            below.entry(parent).or_default().add(*sum);
        }
    }
    sums
}

/// By name, and a folder behind all that is below it.
fn after_all_below(a: &VPath, b: &VPath) -> Ordering {
    let (mut left, mut right) = (a.components(), b.components());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

fn tell(client: &Client, place: &Opened, folder: &VPath, sum: Sum, human: bool) -> Result<(), Stop> {
    if client.output.is_json() {
        let path = Shown(place.relative(folder)).to_string();
        return client.output.object(&json!({
            "place": place.shown, "path": path, "bytes": sum.bytes, "files": sum.files, "folders": sum.folders,
        }));
    }
    let size = if human { crate::log::size(sum.bytes) } else { sum.bytes.to_string() };
    client.output.line(format_args!("{size}\t{}", types::text::printable(&place.shown_below(folder))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_hold_what_is_below_them_and_come_after_it() {
        let path = |text: &str| VPath::parse(text.as_bytes()).unwrap();
        let own = |bytes| Sum { bytes, files: 1, folders: 0 };
        let sums = ["/a", "/a/b", "/a/b/c", "/a-b", "/a/x"].map(|text| (path(text), own(1)));
        let all: Vec<_> = with_all_below(sums.to_vec()).iter().map(|(path, sum)| (path.to_string(), sum.bytes)).collect();
        let expected = [("/a/b/c", 1), ("/a/b", 2), ("/a/x", 1), ("/a", 4), ("/a-b", 1)];
        assert_eq!(all, expected.map(|(path, bytes)| (path.to_owned(), bytes)));
    }
}
