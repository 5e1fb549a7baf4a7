//! What of a listing would not stand in a sample: bounds, and lines of any kind.

use proptest::prelude::*;
use types::Time;

use super::{Dialect, Item, ListingParser};

fn items(pieces: &[&[u8]]) -> (Vec<Item>, Option<Dialect>) {
    let mut parser = ListingParser::long(Time::from_seconds(1_795_247_520));
    let mut items = Vec::new();
    for piece in pieces {
        parser.push(piece);
        items.extend(std::iter::from_fn(|| parser.next()));
    }
    parser.end();
    items.extend(std::iter::from_fn(|| parser.next()));
    (items, parser.dialect())
}

#[test]
fn a_long_listing_is_told_as_it_comes() {
    let mut parser = ListingParser::long(Time::default());
    let line = b"-rw-r--r-- 1 anna users 1234 Nov 20 2025 name\r\n";
    let mut told = 0;
    for fed in 1..=1_000 {
        parser.push(line);
        told += std::iter::from_fn(|| parser.next()).count();
        assert!(fed < 12 || told == fed, "{told} of {fed}");
    }
}

#[test]
fn a_line_that_is_too_long_is_told_once_and_passed_over() {
    let good = b"-rw-r--r-- 1 anna users 1234 Nov 20 2025 name\n";
    let long = [b"-rw-r--r-- 1 anna users 1234 Nov 20 2025 ".to_vec(), vec![b'x'; 20_000], b"\n".to_vec()].concat();
    let whole = [&good[..], &long, good].concat();
    for size in [1_000, 16_384, 100_000] {
        let (items, _) = items(&whole.chunks(size).collect::<Vec<_>>());
        let kinds: Vec<_> = items.iter().map(|item| matches!(item, Item::Entry(_))).collect();
        assert_eq!(kinds.iter().filter(|entry| **entry).count(), 2, "in pieces of {size}");
        assert_eq!(kinds.len(), 3);
    }
}

#[test]
fn a_name_that_no_file_system_takes_is_refused() {
    let line = [b"-rw-r--r-- 1 anna users 1234 Nov 20 2025 ".to_vec(), vec![b'x'; 1_025], b"\n".to_vec()].concat();
    assert!(matches!(&items(&[&line]).0[..], [Item::Refused { .. }]));
}

/// Lines of words that matter to one dialect or another.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::sample::select(vec![
        "-rw-r--r--",
        "drwxr-xr-x",
        "lrwxrwxrwx",
        "1",
        "12",
        "1234",
        "1,",
        "anna",
        "Nov",
        "21",
        "2025",
        "07:52",
        "07:52AM",
        "->",
        "<DIR>",
        "11-21-26",
        "2026-11-21",
        "+0100",
        "+r,s5,\tx",
        "A;1",
        "3/6",
        "21-NOV-2026",
        "[A,B]",
        "*FILE",
        "*MEM",
        "[RWC]",
        "DIR",
        "PO",
        "Volume",
        "Unit",
        "Name",
        "VV.MM",
        "Size",
        "01.03",
        "Migrated",
        "..",
        "a/b",
        "\0",
        "\r",
        "é",
        "␊",
        "11月",
        "20日",
        "\n",
        " ",
        "total",
    ]);
    proptest::collection::vec((word, proptest::sample::select(vec![" ", "", "\n", "\r\n", "  "])), 0..60)
        .prop_map(|words| words.into_iter().flat_map(|(word, end)| [word.as_bytes(), end.as_bytes()].concat()).collect())
}

proptest! {
    #[test]
    fn whatever_comes_no_name_leads_elsewhere(bytes in soup(), cut in 0usize..300) {
        let (a, b) = bytes.split_at(cut.min(bytes.len()));
        let (told, dialect) = items(&[a, b]);
        prop_assert_eq!((&told, dialect), (&items(&[&bytes]).0, dialect));
        for item in told {
            if let Item::Entry(entry) = item {
                prop_assert!(!entry.name.is_empty() && !entry.name.contains(&b'/') && !entry.name.contains(&0));
                prop_assert!(entry.modified.is_none_or(|stamp| stamp.at(0).is_some()));
                let dots = matches!(&*entry.name, b"." | b"..");
                prop_assert_eq!(dots, entry.place != crate::ftp::listing::Place::Inside);
            }
        }
    }
}
