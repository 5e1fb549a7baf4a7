//! One channel: what was asked for, and who serves it.

use std::sync::Arc;

use proto::scp::Command;
use types::{Error, Reason};

use super::drive::Drive;
use super::inlet::Outlet;
use super::state::State;
use super::transport::Out;

/// What a client wants of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// The subsystem `sftp`.
    Sftp,
    /// `scp -t` or `scp -f`.
    Scp(Box<Command>),
    /// One that cannot be read: why.
    Unclear(Error),
    /// Something that is not served.
    Nothing,
}

impl Wanted {
    /// What a command line means.
    pub(super) fn of_command(line: &[u8]) -> Self {
        match Command::parse(line) {
            Ok(Some(command)) => Self::Scp(Box::new(command)),
            // Some ask for the program of the subsystem by its name, as a shell would have it.
            Ok(None) if line.rsplit(|&b| b == b'/').next() == Some(b"sftp-server") => Self::Sftp,
            Ok(None) => Self::Nothing,
            Err(error) => Self::Unclear(error),
        }
    }
}

/// Serves a channel until it is over.
pub(super) async fn serve(state: Arc<State>, wanted: Wanted, from: Outlet, out: Out) {
    match wanted {
        Wanted::Sftp => {
            let salt = state.guest.id().0;
            // Boxed: what serves a channel is large, and an idle connection has none.
            if let Some(drive) = Drive::sftp(state, out, from, salt) {
                Box::pin(drive.live()).await;
            }
        }
        Wanted::Scp(command) => match Drive::scp(*command, state, out.clone(), from) {
            Ok(Some(drive)) => Box::pin(drive.live()).await,
            Ok(None) => {}
            Err(error) => refuse(&out, error.reason).await,
        },
        Wanted::Unclear(error) => refuse(&out, error.reason).await,
        Wanted::Nothing => refuse(&out, Reason::SshNothingServed).await,
    }
}

/// Says why nothing is served, as a program would, and ends.
async fn refuse(out: &Out, reason: Reason) {
    let text = format!("carrack: {} ({}). {}\r\n", reason.cause(), reason.code(), reason.remedy());
    let _ = out.complain(text).await;
    out.finish(1).await;
}
