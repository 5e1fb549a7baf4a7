//! `VPath`: whatever is joined, the result is absolute and normalised and never climbs out.
#![no_main]

use carrack_types::VPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (one, other) = data.split_at(data.len() / 2);
    let Ok(base) = VPath::parse(one) else { return };
    let Ok(path) = base.join(other) else { return };
    let bytes = path.as_bytes();
    assert!(bytes.starts_with(b"/") && !bytes.contains(&0));
    assert!(path.is_root() || !bytes.ends_with(b"/"));
    assert!(path.components().all(|part| !part.is_empty() && part != b"." && part != b".."));
    assert_eq!(VPath::parse(bytes).as_ref(), Ok(&path));
    if let Some(below) = path.below(&base) {
        assert_eq!(below.under(&base).as_ref(), Ok(&path));
    }
    assert!(path.parent().is_none_or(|parent| path.is_below(&parent)));
});
