//! A ClientHello: whatever comes first on a data connection is read or refused, and more bytes never undo what was read.
#![no_main]

use carrack_io::tls::hello::{Hello, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = read(data);
    for cut in 0..data.len().min(600) {
        let early = read(&data[..cut]);
        assert!(early == Hello::Partial || early == whole, "{cut} bytes: {early:?}, all: {whole:?}");
    }
});
