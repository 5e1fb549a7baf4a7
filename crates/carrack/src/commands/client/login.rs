//! Who logs in, by what the options say? And is there anything about it that must not be heard or seen?

use client::Url;
use proto::ftp::client::Login;
use types::Error;

use super::output::Output;
use crate::cli::client::LoginOptions;
use crate::credentials::{self, Asked, NetrcFile};

/// Whether a password crosses the network that must not be heard: everybody knows that of `anonymous` (RFC 1635).
pub(crate) fn is_secret(login: &Login) -> bool {
    !matches!(&*login.user, "anonymous" | "ftp")
}

/// Whom a server shall take us for. May ask at the terminal, and so block.
///
/// # Errors
/// Those of [`credentials::login`].
pub(crate) fn login(url: &Url, options: &LoginOptions, output: &Output) -> Result<Login, Error> {
    if url.password.is_some() && !output.is_within() {
        output.warn_once(format_args!(
            "others on this machine can see a password in a URL; CARRACK_PASSWORD, --password-file and ~/.netrc keep it to yourself"
        ));
    }
    credentials::login(url, &asked(options))
}

/// What the options say of who logs in.
pub(super) fn asked(options: &LoginOptions) -> Asked {
    let netrc = match (&options.netrc_file, options.no_netrc) {
        (Some(file), _) => NetrcFile::Named(file.clone()),
        (None, true) => NetrcFile::None,
        (None, false) => NetrcFile::OfUser,
    };
    Asked { user: options.user.as_deref().map(Into::into), password_file: options.password_file.clone(), netrc }
}
