//! What a client of SSH reads: ssh_config, hosts on the way, and known_hosts. No text panics or takes long, what is wrong is told
//! with its line, and a command excludes the hosts on the way.
#![no_main]

use carrack_client::ssh::{HostSettings, Jump, Known, wild};
use carrack_client::{Place, ssh};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|text: &str| {
    let (host, rest) = text.split_once('\n').unwrap_or(("h", text));
    let include = |_: &str| -> Result<Vec<ssh::File>, carrack_types::Error> { Ok(vec![("more".into(), "Port 7\n".into())]) };
    match HostSettings::read(&[("c".into(), rest.to_owned())], host, Path::new("/home/u"), &include) {
        Ok(found) => assert!(found.command.is_none() || found.jumps.is_none()),
        Err(error) => assert!(error.detail.is_some_and(|words| words.starts_with("c line "))),
    }
    if let Ok(jumps) = Jump::parse_all(text) {
        assert!(jumps.iter().all(|jump| !jump.host.is_empty() && jump.port != Some(0)));
    }
    let _ = Place::parse(&format!("scp://{host}"));
    assert!(wild(b"*", host.as_bytes()));
    let mut known = Known::new(host.to_ascii_lowercase());
    known.read(Path::new("known_hosts"), rest);
    let _ = (known.kinds(), known.has_authority());
});
