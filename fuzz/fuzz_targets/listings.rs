//! Listings in any dialect: no bytes panic, no name leads elsewhere, and cutting the bytes elsewhere tells the same.
#![no_main]

use carrack_proto::ftp::listing::Place;
use carrack_proto::ftp::listing::parse::{Item, ListingParser};
use carrack_types::Time;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for facts in [false, true] {
        let whole = read(facts, &[data]);
        let at = data.first().map_or(0, |&b| usize::from(b)).min(data.len());
        let (a, b) = data.split_at(at);
        assert_eq!(whole, read(facts, &[a, b]));
        for item in whole {
            let Item::Entry(entry) = item else { continue };
            assert!(!entry.name.is_empty() && !entry.name.contains(&b'/') && !entry.name.contains(&0), "{entry:?}");
            assert_eq!(matches!(&*entry.name, b"." | b".."), entry.place != Place::Inside, "{entry:?}");
            assert!(entry.modified.is_none_or(|stamp| stamp.at(0).is_some()), "{entry:?}");
        }
    }
});

fn read(facts: bool, pieces: &[&[u8]]) -> Vec<Item> {
    let mut parser = if facts { ListingParser::facts() } else { ListingParser::long(Time::from_seconds(1_795_247_520)) };
    let mut items = Vec::new();
    for piece in pieces {
        parser.push(piece);
        items.extend(std::iter::from_fn(|| parser.next()));
    }
    parser.end();
    items.extend(std::iter::from_fn(|| parser.next()));
    items
}
