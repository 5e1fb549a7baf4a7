//! How is a session protected, and whom does it trust?

use std::net::IpAddr;

use client::Url;
use client::url::Scheme;
use io::tls::{Certificate, Client, Files, LoadError, Roots, Trust};
use proto::ftp::client::{Login, Tls};
use types::{Error, Reason};

use super::login::is_secret;
use crate::cli::client::TlsOptions;

/// Whether and how the control connection is protected.
///
/// # Errors
/// [`Reason::BadUrl`] where the URL wants TLS and the options forbid it.
pub(crate) fn mode(url: &Url, login: &Login, options: &TlsOptions) -> Result<Tls, Error> {
    if options.no_tls && url.scheme != Scheme::Ftp {
        return Err(Error::with(Reason::BadUrl, format!("{}: is TLS, and --no-tls forbids it", url.scheme.name())));
    }
    // Whoever says whom to trust does not want to speak with anybody else.
    let says_whom = options.ca.is_some() || !options.fingerprint.is_empty() || options.cert.is_some();
    Ok(match url.scheme {
        Scheme::Ftps => Tls::Implicit,
        Scheme::Ftpes => Tls::Required,
        Scheme::Ftp if options.no_tls => Tls::Off,
        Scheme::Ftp if options.tls || says_whom => Tls::Required,
        Scheme::Ftp if options.tls_insecure || (is_secret(login) && !is_here(&url.host)) => Tls::Offered,
        Scheme::Ftp | Scheme::Tftp | Scheme::Sftp => Tls::Off,
    })
}

/// Whether a host is this machine, so that nothing crosses a network.
fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whom to trust, and the certificate to show. Reads files.
///
/// # Errors
/// [`Reason::NotProtected`] with the file that cannot be used.
pub(crate) fn client(options: &TlsOptions) -> Result<Client, Error> {
    let trust = if options.tls_insecure {
        Trust::Anybody
    } else if let Some(file) = &options.ca {
        Trust::Roots(Roots::load(file).map_err(unusable)?)
    } else if options.fingerprint.is_empty() {
        Trust::System
    } else {
        Trust::Pinned(options.fingerprint.iter().map(|pin| pin.0).collect())
    };
    let own = match (&options.cert, &options.key) {
        (Some(certificate), Some(key)) => {
            let files = Files { certificate: certificate.clone(), key: key.clone(), names: Vec::new() };
            Some(Certificate::load(&files).map_err(unusable)?)
        }
        _ => None,
    };
    Client::new(trust, own.as_ref()).map_err(unusable)
}

fn unusable(error: LoadError) -> Error {
    Error::with(Reason::NotProtected, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::Place;
    use types::Secret;

    fn mode_of(url: &str, options: &TlsOptions) -> Result<Tls, Error> {
        let Place::Remote(url) = Place::parse(url).unwrap() else { panic!("{url}") };
        let login = match &url.user {
            Some(user) => Login { user: user.clone(), password: Secret::new("x".into()), account: None },
            None => Login::anonymous(),
        };
        mode(&url, &login, options)
    }

    #[test]
    fn a_password_does_not_cross_the_network_in_clear_unless_it_must() {
        let none = TlsOptions::default();
        let tls = TlsOptions { tls: true, ..none.clone() };
        let no_tls = TlsOptions { no_tls: true, ..none.clone() };
        let insecure = TlsOptions { tls_insecure: true, ..none.clone() };
        let ca = TlsOptions { ca: Some("x".into()), ..none.clone() };
        for (url, options, expected) in [
            ("ftp://a@h/", &none, Some(Tls::Offered)),
            ("ftp://h/", &none, Some(Tls::Off)),
            ("ftp://a@localhost/", &none, Some(Tls::Off)),
            ("ftp://a@127.0.0.2:2121/", &none, Some(Tls::Off)),
            ("ftp://a@[::1]/", &none, Some(Tls::Off)),
            ("ftp://h/", &tls, Some(Tls::Required)),
            ("ftp://a@localhost/", &tls, Some(Tls::Required)),
            ("ftp://a@h/", &no_tls, Some(Tls::Off)),
            ("ftp://localhost/", &insecure, Some(Tls::Offered)),
            ("ftp://localhost/", &ca, Some(Tls::Required)),
            ("ftps://h/", &none, Some(Tls::Implicit)),
            ("ftpes://h/", &insecure, Some(Tls::Required)),
            ("ftpes://h/", &no_tls, None),
            ("ftps://h/", &no_tls, None),
        ] {
            assert_eq!(mode_of(url, options).ok(), expected, "{url} {options:?}");
        }
    }
}
