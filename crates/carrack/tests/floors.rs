//! Do the crates import only what the house allows? The table is complete: any other edge fails.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which of our crates each may import (normal and build dependencies; tests may import more, see below).
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("proto", &["types"]),
    ("io", &["types"]),
    ("vfs", &["types", "io"]),
    ("db", &["types"]),
    ("trace", &["types"]),
    ("gate", &["types", "io", "vfs", "db"]),
    ("server", &["types", "proto", "io", "gate", "trace"]),
    ("client", &["types", "proto", "io", "vfs", "trace"]),
    ("web", &["types", "io", "gate", "trace"]),
    ("carrack", &["types", "proto", "io", "vfs", "db", "trace", "gate", "server", "client", "web"]),
];

/// What tests may import besides.
const IN_TESTS: &[&str] = &["trace", "vfs", "types"];

/// What the tests of one crate may import besides: a client is tried on our own server.
const IN_TESTS_OF: &[(&str, &[&str])] = &[("client", &["gate", "server"])];

/// Packages of the workspace that are tools and no part of the program.
const TOOLS: &[&str] = &["xtask", "fuzz", "interop"];

/// `carrack-io` is called `io` inside the house.
fn room(package: &str) -> &str {
    package.strip_prefix("carrack-").unwrap_or(package)
}

struct Edge {
    from: String,
    to: String,
    test: bool,
}

fn edges(metadata: &serde_json::Value) -> (BTreeSet<String>, Vec<Edge>) {
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeMap<&str, &serde_json::Value> = packages.iter().map(|p| (p["name"].as_str().unwrap(), p)).collect();
    let mut edges = Vec::new();
    for (name, package) in &ours {
        for d in package["dependencies"].as_array().unwrap() {
            let to = d["name"].as_str().unwrap();
            if ours.contains_key(to) {
                edges.push(Edge { from: room(name).to_owned(), to: room(to).to_owned(), test: d["kind"] == "dev" });
            }
        }
    }
    (ours.keys().map(|name| room(name).to_owned()).collect(), edges)
}

fn wrong(rooms: &BTreeSet<String>, edges: &[Edge]) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong: Vec<String> = rooms
        .iter()
        .filter(|r| !allowed.contains_key(r.as_str()) && !TOOLS.iter().any(|t| r.starts_with(t)))
        .map(|r| format!("{r} is no room of the house"))
        .collect();
    for edge in edges {
        let Some(may) = allowed.get(edge.from.as_str()) else { continue };
        let tried_on = IN_TESTS_OF.iter().any(|(of, more)| *of == edge.from && more.contains(&edge.to.as_str()));
        let fine = may.contains(&edge.to.as_str())
            || (edge.test && (IN_TESTS.contains(&edge.to.as_str()) || edge.to == edge.from || tried_on));
        if !fine {
            wrong.push(format!("{} imports {}{}", edge.from, edge.to, if edge.test { " in its tests" } else { "" }));
        }
    }
    wrong
}

#[test]
fn imports_point_down() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let (rooms, edges) = edges(&serde_json::from_slice(&out.stdout).unwrap());
    assert!(rooms.contains("carrack") && rooms.contains("gate"), "{rooms:?}");
    assert!(edges.iter().any(|e| e.from == "server" && e.to == "gate"), "the edges were not read");
    let wrong = wrong(&rooms, &edges);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_wrong_edge_is_seen() {
    let metadata = serde_json::json!({ "packages": [
        { "name": "carrack-server", "dependencies": [
            { "name": "carrack-vfs", "kind": null }, { "name": "carrack-gate", "kind": null }, { "name": "tokio", "kind": null } ] },
        { "name": "carrack-vfs", "dependencies": [{ "name": "carrack-trace", "kind": "dev" }] },
        { "name": "carrack-proto", "dependencies": [{ "name": "carrack-gate", "kind": "dev" }] },
        { "name": "carrack-trace", "dependencies": [] },
        { "name": "carrack-gate", "dependencies": [{ "name": "carrack-server", "kind": "build" }] },
        { "name": "carrack-common", "dependencies": [] },
    ]});
    let (rooms, edges) = edges(&metadata);
    let expected =
        ["common is no room of the house", "gate imports server", "proto imports gate in its tests", "server imports vfs"];
    assert_eq!(wrong(&rooms, &edges), expected);
}
