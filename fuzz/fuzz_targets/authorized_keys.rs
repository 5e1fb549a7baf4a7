//! Lines of `authorized_keys`: no text panics, and what stands behind the options is the end of the line.
#![no_main]

use carrack_proto::authorized_keys::{moment, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((options, rest)) = split(text) {
        assert!(!options.is_empty() && text.ends_with(rest));
        let kept: usize = options.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len)).sum();
        assert!(kept + rest.len() <= text.len(), "nothing is made up");
        for (_, value) in &options {
            let _ = value.as_deref().and_then(moment);
        }
    }
    let _ = moment(text);
});
