//! Patterns of NLST and LIST: no pattern panics or takes long, and a name without special bytes matches itself.
#![no_main]

use carrack_proto::ftp::glob::{Glob, has_glob, matches};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let middle = data.len() / 2;
    let (pattern, name) = data.split_at(middle);
    assert_eq!(matches(pattern, name), Glob::new(pattern).matches(name));
    if !has_glob(data) && !data.is_empty() && !data.contains(&b'\\') {
        assert!(matches(data, data), "{data:?} does not match itself");
    }
});
