//! One channel: what was asked for, and who serves it.

use std::sync::Arc;

use types::Reason;

use super::inlet::Outlet;
use super::sftp::Sftp;
use super::state::State;
use super::transport::Out;

/// What a client wants of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// The subsystem `sftp`.
    Sftp,
    /// Something that is not served.
    Nothing,
}

impl Wanted {
    /// What a command line means.
    pub(super) fn of_command(_line: &[u8]) -> Self {
        Self::Nothing
    }
}

/// Serves a channel until it is over.
pub(super) async fn serve(state: Arc<State>, wanted: Wanted, from: Outlet, out: Out) {
    match wanted {
        Wanted::Sftp => {
            let salt = state.guest.id().0;
            // Boxed: what serves a channel is large, and an idle connection has none.
            if let Some(sftp) = Sftp::new(state, out, from, salt) {
                Box::pin(sftp.live()).await;
            }
        }
        Wanted::Nothing => refuse(&out, Reason::SshNothingServed).await,
    }
}

/// Says why nothing is served, as a program would, and ends.
async fn refuse(out: &Out, reason: Reason) {
    let text = format!("carrack: {} ({}). {}\r\n", reason.cause(), reason.code(), reason.remedy());
    let _ = out.complain(text).await;
    out.finish(1).await;
}
