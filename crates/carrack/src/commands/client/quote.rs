//! `carrack quote`: what does a server say to a line that is sent as it is?

use types::text::printable;
use types::{Error, Reason};

use super::{AtInterrupt, Client, Opened, Stop, run as run_client};
use crate::cli::Exit;
use crate::cli::files::Quote;

/// Sends lines and shows the replies.
pub(crate) fn run(args: &Quote) -> Exit {
    run_client("quote", &args.options, AtInterrupt::Drop, async |client: &Client| {
        let place = [args.url.clone()];
        client.each(&place, async |place| say(client, &place, &args.lines).await).await
    })
}

/// Sends lines one after the other, to the end or to the first that is refused.
///
/// # Errors
/// [`Reason::ServerRefused`] with what the server said; [`Reason::Unsupported`] where there is no server.
async fn say(client: &Client, place: &Opened, lines: &[String]) -> Result<(), Stop> {
    let Some(remote) = &place.remote else {
        return Err(Error::with(Reason::Unsupported, "only a server takes lines; a path on this machine is none").into());
    };
    for line in lines {
        let reply = remote.quote(line).await?;
        if client.output.is_json() {
            let (code, text) = reply.split_once(' ').unwrap_or((&reply, ""));
            let object = serde_json::json!({ "place": place.shown, "code": code.parse::<u16>().ok(), "text": text });
            client.output.object(&object)?;
        } else {
            for line in reply.lines() {
                client.output.line(format_args!("{}", printable(line)))?;
            }
        }
        if reply.starts_with(['4', '5']) {
            return Err(Error::with(Reason::ServerRefused, format!("the server said: {reply}")).into());
        }
    }
    Ok(())
}
