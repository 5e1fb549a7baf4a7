//! Fact lines and options of listings: no text panics; an entry's line holds one line end whatever its name holds.
#![no_main]

use carrack_proto::ftp::listing::{Facts, ListOptions, Permitted, facts_line, long_line, name_line, parse_facts};
use carrack_proto::ftp::timeval;
use carrack_types::{Attr, Entry, Kind, Time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = parse_facts(data);
    let _ = Facts::parse_opts(data).print_opts();
    let (options, rest) = ListOptions::parse(data);
    assert!(rest.len() <= data.len());
    if let Ok(time) = timeval::parse(data) {
        assert_eq!(timeval::parse(timeval::print(time).as_bytes()).map(Time::civil), Ok(time.civil()));
    }
    let name: Vec<u8> = data.iter().copied().filter(|&b| b != 0 && b != b'/').take(255).collect();
    if name.is_empty() {
        return;
    }
    let entry = Entry { name: name.clone().into(), attr: Attr::new(Kind::File, name.len() as u64), target: None };
    for print in [
        &mut |out: &mut Vec<u8>| facts_line(&entry, &Facts::all(), Permitted::default(), out) as _,
        &mut |out: &mut Vec<u8>| long_line(&entry, &options, Time::from_seconds(1_000_000_000), out),
        &mut |out: &mut Vec<u8>| name_line(b"", &entry, &options, out),
    ] as [&mut dyn FnMut(&mut Vec<u8>); 3]
    {
        let mut out = Vec::new();
        print(&mut out);
        assert!(out.ends_with(b"\r\n"), "no end: {out:?}");
        assert!(!out[..out.len() - 2].contains(&b'\n'), "two lines for one entry: {out:?}");
    }
});
