//! Bodies in every TYPE, STRU and MODE: read alike however they are cut, in bounded parts, and what was sent comes back.
#![no_main]

use carrack_proto::ftp::data::{Control, Decoder, Encoder, FULL, Form, Mode, Progress, Structure, Type, ascii};
use libfuzzer_sys::fuzz_target;

fn form(byte: u8) -> Form {
    Form {
        kind: [Type::Ascii, Type::Ebcdic, Type::Image][usize::from(byte) % 3],
        control: Control::NonPrint,
        structure: [Structure::File, Structure::Record, Structure::Page][usize::from(byte / 3) % 3],
        mode: [Mode::Stream, Mode::Block, Mode::Compressed, Mode::Deflate][usize::from(byte / 9) % 4],
        ..Form::ASCII
    }
}

/// The file, as long as it stays small; nothing where the body is refused.
fn decode(form: Form, parts: impl Iterator<Item = impl AsRef<[u8]>>) -> Option<Vec<u8>> {
    let (mut decoder, mut file) = (Decoder::new(form), Vec::new());
    for part in parts {
        let mut input = part.as_ref();
        loop {
            let mut out = Vec::new();
            let progress = decoder.push(&mut input, &mut out).ok()?;
            assert!(out.len() <= FULL + 64 * 1024);
            assert!(decoder.take_marks().iter().all(|mark| mark.marker.len() <= 64));
            file.extend(out);
            match progress {
                Progress::Full => {}
                Progress::Hungry => break,
                Progress::Over if input.is_empty() => break,
                Progress::Over => return None,
            }
        }
    }
    decoder.finish(&mut file).ok()?;
    Some(file)
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let form = form(first);
    let whole = decode(form, std::iter::once(data));
    assert!(whole == decode(form, data.chunks(1)));
    let mut wire = Vec::new();
    let mut encoder = Encoder::new(form, 0, 0);
    data.chunks(7).for_each(|part| encoder.push(part, &mut wire));
    encoder.finish(&mut wire);
    let back = decode(form, wire.chunks(5)).expect("what was sent is taken");
    if form.kind == Type::Ascii && form.structure != Structure::Record {
        let (mut plain, mut file) = (Vec::new(), Vec::new());
        ascii::Encoder::new().push(data, &mut plain);
        let mut decoder = ascii::Decoder::new();
        decoder.push(&plain, &mut file);
        decoder.finish(&mut file);
        assert_eq!(back, file);
    } else {
        assert_eq!(back, data);
    }
});
