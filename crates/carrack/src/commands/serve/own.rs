//! Which certificate is shown where nobody gave one? One that vouches for itself, made once and kept, so that whoever
//! has compared its fingerprint need not do it again with the next start.

use std::path::{Path, PathBuf};

use io::tls::{Certificate, Files, LoadError, self_signed};
use types::{Secret, Time};

use crate::secret;

/// Certificate and key in one file, so that there is no moment in which they do not belong together.
const FILE: &str = "self-signed.pem";
/// One that ends sooner is made anew, in seconds.
const TOO_SOON: i64 = 30 * 86_400;

/// A certificate of the program's own.
pub(super) enum Own {
    /// It is kept.
    Kept(Files),
    /// It could not be kept, and goes with the process: why.
    Fleeting(Certificate, String),
}

/// The certificate kept in a folder, made where there is none yet or where it ends soon.
///
/// # Errors
/// Where none can be made at all.
pub(super) fn ready(folder: Option<&Path>, now: Time) -> Result<Own, LoadError> {
    let Some(folder) = folder else {
        return fleeting("neither XDG_STATE_HOME nor HOME says where to keep it".to_owned());
    };
    let file = folder.join(FILE);
    let files = Files { certificate: file.clone(), key: file.clone(), names: Vec::new() };
    if Certificate::load(&files).is_ok_and(|c| c.ends().seconds - now.seconds > TOO_SOON) {
        return Ok(Own::Kept(files));
    }
    let (certificate, key) = make()?;
    match secret::write(folder, FILE, &[certificate.as_bytes(), key.reveal().as_bytes()]) {
        Ok(()) => Ok(Own::Kept(files)),
        Err(e) => fleeting(format!("{} cannot be written: {e}", file.display())),
    }
}

fn fleeting(why: String) -> Result<Own, LoadError> {
    let (certificate, key) = make()?;
    let made = PathBuf::from(FILE);
    let certificate = Certificate::from_pem(certificate.as_bytes(), key.reveal().as_bytes(), &made, &made)?;
    Ok(Own::Fleeting(certificate, why))
}

fn make() -> Result<(String, Secret<String>), LoadError> {
    let here = rustix::system::uname();
    let name = here.nodename().to_str().ok().filter(|n| crate::config::host_name(n).is_ok());
    let mut names: Vec<&str> = name.into_iter().filter(|n| *n != "localhost").collect();
    names.extend(["localhost", "127.0.0.1", "::1"]);
    self_signed(&names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fingerprint(own: &Own) -> String {
        match own {
            Own::Kept(files) => Certificate::load(files).unwrap().fingerprint(),
            Own::Fleeting(certificate, _) => certificate.fingerprint(),
        }
    }

    #[test]
    fn it_is_made_once_kept_for_the_owner_alone_and_made_anew_before_it_ends() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/carrack");
        let now = io::clock::wall();
        let first = ready(Some(&folder), now).unwrap();
        let Own::Kept(files) = &first else { panic!("not kept") };
        assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        let known = fingerprint(&first);
        assert_eq!(fingerprint(&ready(Some(&folder), now).unwrap()), known, "kept");
        let certificate = Certificate::load(files).unwrap();
        assert!(certificate.names().iter().any(|n| &**n == "localhost"), "{:?}", certificate.names());
        let late = Time::from_seconds(certificate.ends().seconds - TOO_SOON);
        assert_ne!(fingerprint(&ready(Some(&folder), late).unwrap()), known, "made anew");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_broken_file_is_made_anew_and_a_folder_that_cannot_be_is_no_hindrance() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(FILE), "nonsense").unwrap();
        assert!(matches!(ready(Some(place.path()), io::clock::wall()).unwrap(), Own::Kept(_)));
        let below_a_file = place.path().join(FILE).join("carrack");
        let Own::Fleeting(_, why) = ready(Some(&below_a_file), io::clock::wall()).unwrap() else { panic!("kept") };
        assert!(why.contains("cannot be written"), "{why}");
        assert!(matches!(ready(None, io::clock::wall()).unwrap(), Own::Fleeting(..)));
    }
}
