//! `carrack ls`: what stands in a folder, or in all folders below it?

use types::path::Shown;
use types::{Entry, VPath};

use super::columns::{self, Name};
use super::tree::walk;
use super::{AtInterrupt, Client, Opened, Stop, entry, places_or_here, run as run_client};
use crate::cli::Exit;
use crate::cli::files::{Ls, Sort, When};
use crate::log::Look;

/// Lists places.
pub(crate) fn run(args: &Ls) -> Exit {
    run_client("ls", &args.options, AtInterrupt::Drop, async |client: &Client| {
        let places = places_or_here(&args.places);
        let list = Listing::new(client, args, places.len() > 1 || args.recursive);
        client.each(&places, async |place| list.place(&place).await).await
    })
}

struct Listing<'a> {
    client: &'a Client,
    args: &'a Ls,
    /// Whether each folder's name stands over it.
    headed: bool,
    /// How wide the screen is that names stand side by side on, if they do.
    screen: Option<usize>,
    coloured: bool,
}

impl<'a> Listing<'a> {
    fn new(client: &'a Client, args: &'a Ls, headed: bool) -> Self {
        let (look, is_seen) = (Look::of_stdout(), client.output.is_terminal());
        let is_plain = args.long || args.one || client.output.is_json();
        let coloured = match args.color {
            Some(When::Always) => true,
            Some(When::Never) => false,
            Some(When::Auto) | None => is_seen && look.colours,
        };
        Self { client, args, headed, screen: (is_seen && !is_plain).then_some(look.columns), coloured }
    }
}

impl Listing<'_> {
    async fn place(&self, place: &Opened) -> Result<(), Stop> {
        // A slash at the end says that it is a folder: nothing need be asked first.
        if self.args.directory || !place.is_folder {
            let attr = place.attr(!self.args.directory && !self.args.long).await?;
            if self.args.directory || !attr.is_dir() {
                return self.itself(place, attr);
            }
        }
        if self.args.recursive {
            return walk(self.client, place, async |folder, entries| self.folder(place, folder, entries)).await;
        }
        if self.args.sort() == Sort::None && !self.args.reverse {
            return self.as_they_come(place).await;
        }
        let entries = place.entries(&place.path).await?;
        self.folder(place, &place.path, entries).map(drop)
    }

    /// The place alone: a file, or with -d a folder.
    fn itself(&self, place: &Opened, attr: types::Attr) -> Result<(), Stop> {
        let name = place.path.name().unwrap_or(b"/");
        if self.client.output.is_json() {
            return self.client.output.object(&entry::object(place, b"", &attr, None));
        }
        let entry = Entry { name: name.into(), attr, target: None };
        let shown = types::text::printable(&place.shown);
        let line = match self.args.long {
            true => format!("{} {shown}", entry::long_line(&entry.attr, self.args.human, 0)),
            false => shown,
        };
        self.client.output.line(format_args!("{line}"))
    }

    /// One folder, and the entries whose folders are to be looked into.
    fn folder(&self, place: &Opened, folder: &VPath, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Stop> {
        if !self.args.all {
            entries.retain(|entry| !entry.name.starts_with(b"."));
        }
        match self.args.sort() {
            Sort::Name => entries.sort_unstable_by(|a, b| a.name.cmp(&b.name)),
            Sort::Size => entries.sort_by(|a, b| b.attr.size.cmp(&a.attr.size).then_with(|| a.name.cmp(&b.name))),
            Sort::Time => entries.sort_by(|a, b| b.attr.modified.cmp(&a.attr.modified).then_with(|| a.name.cmp(&b.name))),
            Sort::None => {}
        }
        if self.args.reverse {
            entries.reverse();
        }
        let sizes = entries.iter().filter(|_| self.args.long);
        let columns = sizes.map(|entry| entry::size_text(&entry.attr, self.args.human).len()).max().unwrap_or(0);
        if self.headed && !self.client.output.is_json() {
            let first = if *folder == place.path { "" } else { "\n" };
            self.client.output.line(format_args!("{first}{}:", types::text::printable(&place.shown_below(folder))))?;
        }
        if let Some(screen) = self.screen {
            let names: Vec<Name> = entries.iter().map(|entry| self.name(entry)).collect();
            for line in columns::lines(&names, screen) {
                self.client.output.line(format_args!("{line}"))?;
            }
            return Ok(entries);
        }
        for entry in &entries {
            self.entry(place, folder, entry, columns)?;
        }
        Ok(entries)
    }

    /// Pages as the server sends them: nothing is kept.
    async fn as_they_come(&self, place: &Opened) -> Result<(), Stop> {
        let mut listing = place.storage.list(&place.path, &place.owner).await?;
        loop {
            let page = listing.next_page().await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in page.iter().filter(|entry| self.args.all || !entry.name.starts_with(b".")) {
                self.entry(place, &place.path, entry, 12)?;
            }
        }
    }

    fn name(&self, entry: &Entry) -> Name {
        Name::new(entry::name(entry, self.args.classify, self.args.long), entry, self.coloured)
    }

    fn entry(&self, place: &Opened, folder: &VPath, entry: &Entry, columns: usize) -> Result<(), Stop> {
        let output = &self.client.output;
        if output.is_json() {
            let mut path = place.relative(folder).to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&entry.name);
            return output.object(&entry::object(place, &path, &entry.attr, entry.target.as_deref()));
        }
        // Most listings are read by programs, and are long: nothing is made of a name that is only to be written.
        if !(self.args.long || self.args.classify || self.coloured) {
            return output.line(format_args!("{}", Shown(&entry.name)));
        }
        let name = self.name(entry).painted();
        if self.args.long {
            return output.line(format_args!("{} {name}", entry::long_line(&entry.attr, self.args.human, columns)));
        }
        output.line(format_args!("{name}"))
    }
}
