//! What a proxy answers to a client: no bytes panic, no more is wanted than an answer may hold, and it ends.
#![no_main]

use carrack_proto::proxy::{Dialogue, Form, Login, MAX_ANSWER};
use carrack_types::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, mut said)) = data.split_first() else { return };
    let form = if choice & 1 == 0 { Form::Socks5 } else { Form::Http };
    let login = (choice & 2 != 0).then(|| Login { user: "u".into(), password: Secret::new("p".into()) });
    let Ok(mut dialogue) = Dialogue::new(form, login, "ftp.example.org", 21) else { return };
    let _ = dialogue.begin();
    let mut taken = 0;
    while dialogue.wants() > 0 {
        let Some((now, rest)) = said.split_at_checked(dialogue.wants()) else { return };
        said = rest;
        taken += now.len();
        if dialogue.take(now).is_err() {
            return;
        }
        assert!(taken <= MAX_ANSWER);
    }
});
