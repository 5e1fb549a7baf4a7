//! The client's end of scp against a server that says anything: it ends once, names stay within the folder, and no more bytes
//! are a file's than were announced.
#![no_main]

use bytes::Bytes;
use carrack_proto::scp::fetch::{Fetch, Output, Wanted};
use carrack_proto::scp::give::{self, Give, Given};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&first, said)) = data.split_first() else { return };
    let wanted = [Wanted::File, Wanted::Look, Wanted::Names][usize::from(first) % 3];
    let step = usize::from(first / 3) + 1;
    let mut fetch = Fetch::new(wanted, if first < 128 { b"f" } else { b"" });
    let (mut size, mut ends) = (0, 0);
    for part in said.chunks(step).map(Some).chain([None]) {
        match part {
            Some(part) => fetch.take(Bytes::copy_from_slice(part)),
            None => fetch.end(),
        }
        while let Some(output) = fetch.poll() {
            assert_eq!(ends, 0, "nothing comes behind the end");
            match output {
                Output::Found(attr) => size = attr.size,
                Output::Body(bytes) => {
                    assert!(bytes.len() as u64 <= size, "no more than was announced");
                    size -= bytes.len() as u64;
                }
                Output::Name(entry) => assert!(!entry.name.is_empty() && !entry.name.contains(&b'/') && &*entry.name != b".."),
                Output::Done | Output::Failed(_) => ends += 1,
                Output::Send(_) | Output::Quiet => {}
            }
        }
    }
    assert_eq!(ends, 1);
    let given = if first % 2 == 0 { Given::File(3) } else { Given::Folder };
    let mut give = Give::new(given, b"f", 0o644, None).expect("a name");
    for part in said.chunks(step) {
        give.take(part);
        while let Some(output) = give.poll() {
            if output == give::Output::Body {
                give.sent();
            }
        }
    }
});
