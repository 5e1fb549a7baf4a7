//! `carrack df`: how much fits here, and how much is taken?

use std::cell::Cell;

use serde_json::json;
use types::text::printable;
use types::{Error, Reason, Space};

use super::{AtInterrupt, Client, Opened, Stop, places_or_here, run as run_client};
use crate::cli::Exit;
use crate::cli::search::Df;

/// Tells of the room at places.
pub(crate) fn run(args: &Df) -> Exit {
    run_client("df", &args.options, AtInterrupt::Drop, async |client: &Client| {
        let headed = Cell::new(false);
        client
            .each(&places_or_here(&args.places), async |place| {
                let space = place.storage.space(&place.path).await.map_err(untold)?;
                if !headed.replace(true) && !client.output.is_json() {
                    client.output.line(format_args!("{:>16} {:>16} {:>16} {:>4}  Place", "Size", "Used", "Free", "Used"))?;
                }
                tell(client, &place, space, args.human)
            })
            .await
    })
}

/// What has no word for it cannot tell.
fn untold(error: Error) -> Error {
    match (error.reason, &error.detail) {
        (Reason::Unsupported, None) => Error::with(error.reason, "the server does not tell how much room there is"),
        _ => error,
    }
}

fn tell(client: &Client, place: &Opened, space: Space, human: bool) -> Result<(), Stop> {
    let Space { free, total } = space;
    let used = total.zip(free).map(|(total, free)| total.saturating_sub(free));
    if client.output.is_json() {
        return client.output.object(&json!({ "place": place.shown, "free": free, "total": total, "used": used }));
    }
    let shown = |bytes: Option<u64>| match bytes {
        None => "?".to_owned(),
        Some(bytes) if human => crate::log::size(bytes),
        Some(bytes) => bytes.to_string(),
    };
    let share = match used.zip(total) {
        Some((used, total)) if total > 0 => format!("{}%", u128::from(used) * 100 / u128::from(total)),
        _ => "?".to_owned(),
    };
    let place = printable(&place.shown);
    client.output.line(format_args!("{:>16} {:>16} {:>16} {share:>4}  {place}", shown(total), shown(used), shown(free)))
}
