//! TFTP's packets and options: reading never fails badly, and what is read is printed as it reads.
#![no_main]

use carrack_proto::tftp::netascii;
use carrack_proto::tftp::options::{Bounds, Wishes};
use carrack_proto::tftp::packet::{Packet, print_options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(packet) = Packet::parse(data) {
        let printed = packet.print();
        let again = Packet::parse(&printed).expect("what was printed is read");
        assert_eq!(again.print(), printed);
        if let Packet::Read(request) | Packet::Write(request) = &packet {
            let wishes = Wishes::read(&request.options);
            let bounds = Bounds { memory: 1 << 16, ..Bounds::default() };
            let (terms, oack) = wishes.grant(&bounds, Some(data.len() as u64));
            assert!(usize::from(terms.blksize) * usize::from(terms.windowsize) <= (1 << 16).max(usize::from(terms.blksize)));
            // A client that asked so takes what it is granted.
            let oack = print_options(oack);
            let Ok(Packet::Options(options)) = Packet::parse(&oack) else { panic!("an OACK") };
            assert_eq!(wishes.agreed(&options).map(|t| (t.blksize, t.windowsize)), Ok((terms.blksize, terms.windowsize)));
        }
    }
    let mut wire = Vec::new();
    netascii::encode(data, &mut wire);
    let (mut file, mut decoder) = (Vec::new(), netascii::Decoder::default());
    for byte in &wire {
        decoder.push(std::slice::from_ref(byte), &mut file);
    }
    decoder.finish(&mut file);
    assert_eq!(file, data);
});
