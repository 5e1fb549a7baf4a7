//! `carrack stat`: what is known of a file or a folder?

use types::{Attr, Reason};

use super::entry::{self, time_text};
use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::files::Stat;

/// Tells what stands at each place.
pub(crate) fn run(args: &Stat) -> Exit {
    run_client("stat", &args.options, AtInterrupt::Drop, async |client: &Client| {
        client
            .each(&args.places, async |place| {
                let attr = place.attr(args.dereference).await?;
                if client.output.is_json() {
                    let name = place.path.name().unwrap_or(b"/");
                    return client.output.object(&entry::object(&place, name, &attr, None));
                }
                text(client, &place, &attr)
            })
            .await
    })
}

fn text(client: &Client, place: &Opened, attr: &Attr) -> Result<(), Stop> {
    let out = &client.output;
    out.line(format_args!("{}", types::text::printable(&place.shown)))?;
    out.line(format_args!("  type:     {}", entry::kind_name(attr.kind)))?;
    if !attr.is_dir() {
        out.line(format_args!("  size:     {} ({})", attr.size, crate::log::size(attr.size)))?;
    }
    if let Some(mode) = attr.mode {
        out.line(format_args!("  mode:     {mode:04o} ({})", entry::bits(attr)))?;
    }
    if let (Some(owner), Some(group)) = (attr.owner, attr.group) {
        out.line(format_args!("  owner:    {owner}, group {group}"))?;
    }
    for (label, time) in [("modified: ", attr.modified), ("created:  ", attr.created)] {
        if let Some(time) = time {
            out.line(format_args!("  {label}{}", time_text(time)))?;
        }
    }
    Ok(())
}

impl Opened {
    /// What stands here.
    ///
    /// # Errors
    /// The storage's; [`Reason::NotAFolder`] where a slash behind a file's name says that it is one.
    pub(crate) async fn attr(&self, follow: bool) -> Result<Attr, types::Error> {
        let attr = self.storage.stat(&self.path, follow || self.is_folder, &self.owner).await?;
        if self.is_folder && !attr.is_dir() {
            return Err(Reason::NotAFolder.into());
        }
        Ok(attr)
    }
}
