//! Is the tree tidy? Every file says what question it answers, none is too long, none has a name that says nothing.

use std::path::{Path, PathBuf};

/// The most lines a file may have without its tests.
const MOST_LINES: usize = 800;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["manager", "helper", "util", "common", "misc"];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "target" {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn lines_without_tests(text: &str) -> usize {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]") || line.contains("mod tests;")).count()
}

fn complaints(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut said = Vec::new();
    if !text.starts_with("//! ") {
        said.push(format!("{shown} does not open with what question it answers (//!)"));
    }
    // A contract is nothing but tests, for others to run.
    let is_test =
        path.components().any(|c| c.as_os_str() == "tests") || path.file_stem().is_some_and(|s| s == "tests" || s == "contract");
    let lines = lines_without_tests(text);
    if lines > MOST_LINES && !is_test {
        said.push(format!("{shown} has {lines} lines without its tests; the most is {MOST_LINES}"));
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    if let Some(empty) = EMPTY_NAMES.iter().find(|e| name.contains(*e)) {
        said.push(format!("{shown}: `{empty}` says nothing of what is inside"));
    }
    said
}

#[test]
fn every_file_is_tidy() {
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    assert!(files.len() > 30, "only {} files were found", files.len());
    let said: Vec<String> = files.iter().flat_map(|f| complaints(f, &std::fs::read_to_string(f).unwrap())).collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn the_code_map_names_every_file_and_no_other() {
    let top = crates().parent().unwrap().to_owned();
    let map = std::fs::read_to_string(top.join("ARCHITECTURE.md")).unwrap();
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    let relative = |f: &PathBuf| f.strip_prefix(&top).unwrap().display().to_string();
    let missing: Vec<String> = files.iter().map(relative).filter(|f| !map.contains(&format!("`{f}`"))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md's code map lacks {missing:#?}");
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(path, _)| path));
    let gone: Vec<&str> = rows.filter(|path| path.ends_with(".rs") && !top.join(path).exists()).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md's code map names what is gone: {gone:#?}");
}

#[test]
fn untidiness_is_seen() {
    let long = format!("//! x\n{}#[cfg(test)]\nmod tests {{}}\n", "\n".repeat(MOST_LINES));
    assert_eq!(complaints(Path::new("a/net_utils.rs"), &long).len(), 2);
    assert_eq!(complaints(Path::new("a/b.rs"), "fn a() {}\n").len(), 1);
    let tested = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(MOST_LINES));
    assert!(complaints(Path::new("a/b.rs"), &tested).is_empty());
}

/// The workspace forbids unsafe code; a file that takes the lint back would be the only way around.
#[test]
fn main_is_short_and_nobody_allows_unsafe() {
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    // In two halves, or this file would find itself.
    let word = concat!("allow(unsafe", "_code");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(word), "{}", file.display());
        if file.ends_with("carrack/src/main.rs") {
            assert!(text.lines().count() < 150, "main.rs holds more than wiring");
        }
    }
}
