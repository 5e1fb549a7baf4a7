//! The commands that look: ls, stat, cat, quote; and rm, which takes away what they show.

use serde_json::Value;

use super::{There, run, well};

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ls_shows_a_folder_as_ls_does() {
    let there = There::new();
    let root = there.url("");
    assert_eq!(well(&["ls", &root]), "one.txt\nsub\ntwo.txt\n");
    assert_eq!(well(&["ls", "-a", "--reverse", &root]), "two.txt\nsub\none.txt\n.dot\n");
    assert_eq!(well(&["ls", "-S", &root]).lines().next(), Some("two.txt"));
    assert_eq!(well(&["ls", "-F", &root]), "one.txt\nsub/\ntwo.txt\n");
    let long = well(&["ls", "-lh", &there.url("one.txt")]);
    assert!(long.starts_with("-rw-r--r-- 6 B 20") && long.trim_end().ends_with("/one.txt"), "{long}");
    assert!(well(&["ls", "-ld", &there.url("sub")]).starts_with("drwxr-xr-x - 20"));
    let all = well(&["ls", "-R", &root]);
    assert_eq!(all, format!("{root}:\none.txt\nsub\ntwo.txt\n\n{root}sub:\ndeep\nthree\n\n{root}sub/deep:\na b\n"));
    assert_eq!(well(&["ls", "--sort", "none", &there.url("sub/deep/")]), "a b\n");
    assert_eq!(well(&["ls", there.path("sub").to_str().unwrap()]), "deep\nthree\n");
}

#[test]
fn ls_as_json_has_a_line_for_each_entry() {
    let there = There::new();
    let all = objects(&well(&["ls", "-R", "--json", &there.url("")]));
    let paths: Vec<&str> = all.iter().map(|o| o["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["one.txt", "sub", "two.txt", "sub/deep", "sub/three", "sub/deep/a b"]);
    let one = &all[0];
    assert_eq!((one["type"].as_str(), one["size"].as_u64(), one["mode"].as_str()), (Some("file"), Some(6), Some("0644")));
    assert!(one["modified"].as_str().unwrap().ends_with('Z') && all[1]["size"].is_null(), "{all:?}");
}

#[test]
fn names_cannot_act_on_a_terminal() {
    let there = There::new();
    std::fs::write(there.path("sub/\u{1b}[31mred"), "").unwrap();
    let listed = well(&["ls", &there.url("sub")]);
    assert!(listed.contains("\\x1b[31mred\n") && !listed.contains('\u{1b}'), "{listed:?}");
}

#[test]
fn stat_tells_what_is_known() {
    let there = There::new();
    for place in [there.url("two.txt"), there.path("two.txt").display().to_string()] {
        let text = well(&["stat", &place]);
        assert!(text.contains("type:     file") && text.contains("size:     11 (11 B)"), "{text}");
        let object = &objects(&well(&["stat", "--json", &place]))[0];
        assert_eq!((object["path"].as_str(), object["size"].as_u64()), (Some("two.txt"), Some(11)));
    }
    assert!(well(&["stat", &there.url("")]).contains("type:     folder"));
}

#[test]
fn cat_gives_files_and_parts_of_them() {
    let there = There::new();
    for (one, two) in
        [(there.url("one.txt"), there.url("two.txt")), (there.path("one.txt").display().to_string(), there.url("two.txt"))]
    {
        assert_eq!(well(&["cat", &one, &two]), "first\nthe second\n");
        assert_eq!(well(&["cat", "--offset", "1", "--length", "3", &one, &two]), "irshe ");
        assert_eq!(well(&["cat", "--offset", "6", &one]), "");
    }
    let said = run(&["cat", "--offset", "7", &there.url("one.txt")]);
    assert!(said.code != 0 && said.err.contains("CRK-221"), "{said:?}");
    let said = run(&["cat", &there.url("sub")]);
    assert!(said.code == 78 && said.err.contains("CRK-204"), "{said:?}");
}

#[test]
fn quote_shows_replies_and_sends_no_password() {
    let there = There::new();
    assert_eq!(well(&["quote", &there.url(""), "NOOP", "PWD"]).lines().count(), 2);
    let said = run(&["quote", &there.url(""), "NONSENSE"]);
    assert!(said.code == 7 && said.out.starts_with("500 "), "{said:?}");
    let said = run(&["quote", &there.url(""), "PASS geheim"]);
    assert!(said.code == 4 && !said.err.contains("geheim"), "{said:?}");
    assert_eq!(run(&["quote", "/tmp", "NOOP"]).code, 4);
}

#[test]
fn rm_removes_what_it_is_told_and_no_root() {
    let there = There::new();
    let sub = there.url("sub");
    let would = well(&["rm", "-r", "--dry-run", &sub]);
    assert_eq!(would.lines().count(), 4, "{would}");
    assert!(there.path("sub/deep/a b").exists());
    let said = run(&["rm", &sub]);
    assert!(said.code == 78 && said.err.contains("-r removes folders"), "{said:?}");
    assert_eq!(run(&["rm", "-r", &there.url("")]).code, 9);
    assert!(there.path("one.txt").exists());
    well(&["rm", "-r", &sub]);
    assert!(!there.path("sub").exists());
    assert_eq!(run(&["rm", &there.url("nothing")]).code, 78);
    well(&["rm", "-f", &there.url("nothing"), &there.url("one.txt")]);
    assert!(!there.path("one.txt").exists());
    std::fs::create_dir_all(there.path("here/below")).unwrap();
    well(&["rm", "-r", there.path("here").to_str().unwrap()]);
    assert!(!there.path("here").exists());
}
