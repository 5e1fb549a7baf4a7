//! What can be said to `carrack shell`?

use clap::Args;

use super::client::Options;

/// `carrack shell`.
#[derive(Args, Debug)]
#[command(
    after_help = "Ctrl-C breaks off a transfer and not the session; Ctrl-D leaves. `help` lists the commands, and Tab completes them, \
                        their options, and names.\n\n\
                        The exit code is that of the last command."
)]
pub(crate) struct Shell {
    /// The server to connect to: a URL, a bookmark (NAME:) or a host
    #[arg(value_name = "URL")]
    pub(crate) place: Option<String>,

    /// Run these commands, one a line or with `;` between them, instead of asking for them
    #[arg(long, short, value_name = "COMMANDS")]
    pub(crate) command: Option<String>,

    /// End with the first command that fails (as `sh -e`)
    #[arg(long, short = 'e')]
    pub(crate) fail: bool,

    /// What all client commands share
    #[command(flatten)]
    pub(crate) options: Options,
}
