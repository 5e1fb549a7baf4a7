//! Names on the wire (RFC 3659 §2.2, RFC 959 quotes): every name comes back from what is printed of it.
#![no_main]

use carrack_proto::ftp::name::{decode, encode, quote, unquote};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode(data);
    let _ = unquote(data);
    let name: Vec<u8> = data.iter().copied().filter(|&b| b != 0).collect();
    let wire = encode(&name);
    assert!(!wire.iter().any(|&b| b.is_ascii_control() && b != b'\t'), "a control byte on the line: {wire:?}");
    assert_eq!(decode(&wire).as_ref(), name.as_slice());
    let quoted = quote(&name);
    let (back, rest) = unquote(&quoted).expect("both quotes are there");
    assert!(rest.is_empty());
    assert_eq!(back, name);
});
