//! The commands that look through trees: du, find, df, and walks over more folders than are listed at once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{There, run, well};

#[test]
fn du_counts_what_is_below() {
    let there = There::new();
    for (place, deep) in [
        (there.url("sub"), there.url("sub/deep")),
        (there.path("sub").display().to_string(), there.path("sub/deep").display().to_string()),
    ] {
        assert_eq!(well(&["du", &place]), format!("1\t{deep}\n3\t{place}\n"));
        assert_eq!(well(&["du", "-s", "-h", &place]), format!("3 B\t{place}\n"));
        assert_eq!(well(&["du", "-d", "0", &place]), format!("3\t{place}\n"));
    }
    let json: Value = serde_json::from_str(&well(&["du", "-s", "--json", &there.url("sub")])).unwrap();
    assert_eq!((json["bytes"].as_u64(), json["files"].as_u64(), json["folders"].as_u64()), (Some(3), Some(2), Some(1)));
    assert!(well(&["du", &there.url("one.txt")]).starts_with("6\t"));
}

#[test]
fn find_takes_names_types_sizes_and_times() {
    let there = There::new();
    let root = there.url("");
    let old = std::fs::File::options().write(true).open(there.path("one.txt")).unwrap();
    old.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    let found = |args: &[&str]| {
        let said = well(&[&["find", &root], args].concat());
        said.lines().map(|line| line.strip_prefix(&root).unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(&["--name", "*.txt"]), "one.txt two.txt");
    assert_eq!(found(&["--name", "T*"]), "");
    assert_eq!(found(&["--iname", "T*", "--name", ".*"]), ".dot two.txt sub/three");
    assert_eq!(found(&["--type", "d"]), " sub sub/deep");
    assert_eq!(found(&["--type", "f", "--max-depth", "1", "--size", "+6"]), ".dot two.txt");
    assert_eq!(found(&["--size", "-3"]), "sub/three sub/deep/a%20b");
    assert_eq!(found(&["--older", "2002-01-01"]), "one.txt");
    assert_eq!(found(&["--newer", "1h", "--name", "*o*", "--type", "f"]), ".dot two.txt");
    assert_eq!(found(&["--max-depth", "0"]), "");
    assert_eq!(run(&["find", &root, "--name", "[a"]).code, 2);
    let again = well(&["find", &root, "--name", "a b"]);
    assert_eq!(well(&["cat", again.trim_end()]), "x", "what is found can be given back");
}

#[test]
fn find_ends_names_with_nul_where_programs_read_them() {
    let there = There::new();
    std::fs::write(there.path("sub/line\nend"), "").unwrap();
    let sub = there.path("sub").display().to_string();
    let said = well(&["find", &sub, "-0", "--type", "f", "--name", "*n*"]);
    assert_eq!(said, format!("{sub}/line\nend\0"));
    let paths: Vec<Value> = well(&["find", "--json", &sub]).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(paths.iter().any(|o| o["path"] == "line\nend") && paths[0]["path"] == "", "{paths:?}");
}

#[test]
fn many_folders_come_in_order_and_one_that_cannot_be_read_is_told() {
    let there = There::new();
    for n in 0..30 {
        std::fs::create_dir_all(there.path(&format!("many/{n:02}/below"))).unwrap();
    }
    let said = well(&["find", &there.url("many"), "--type", "d"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines.len(), lines.iter().collect::<BTreeSet<_>>().len()), (61, 61));
    let listed = well(&["ls", "-R", &there.url("many")]);
    let heads: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(':')).collect();
    assert!(heads.len() == 61 && heads.is_sorted(), "{heads:?}");
}

#[test]
fn df_tells_of_the_room() {
    let there = There::new();
    let said = well(&["df", "-h", &there.url(""), there.folder.path().to_str().unwrap()]);
    assert!(said.lines().count() == 3 && said.contains("iB"), "{said}");
    let json: Value = serde_json::from_str(&well(&["df", "--json", &there.url("")])).unwrap();
    assert!(json["free"].as_u64().is_some(), "{json}");
}

#[test]
fn hash_tells_the_digests_of_files() {
    let there = There::new();
    // Of "x", by sha256sum, md5sum and the catalogue's CRC-32.
    let sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    for place in [there.url("sub/deep/a%20b"), there.path("sub/deep/a b").display().to_string()] {
        assert_eq!(well(&["hash", &place]), format!("{sha256}  {place}\n"));
        assert_eq!(well(&["hash", "--read", "-a", "md5", &place]), format!("9dd4e461268c8034f5c8564e155c67a6  {place}\n"));
        let json: Value = serde_json::from_str(&well(&["hash", "--json", "-a", "crc32", &place])).unwrap();
        assert_eq!((json["algorithm"].as_str(), json["digest"].as_str()), (Some("CRC32"), Some("8cdc1683")));
    }
    let said = run(&["hash", &there.url("one.txt"), &there.url("sub"), &there.url("nothing")]);
    assert!(said.code == 1 && said.out.lines().count() == 1 && said.err.contains("CRK-204"), "{said:?}");
    assert_eq!(run(&["hash", "-a", "sha3", &there.url("one.txt")]).code, 2);
}
