//! The trail: one line an operation, and what happens when it cannot be written.

use std::path::Path;

use types::{Op, Reason};

use super::*;
use crate::{AuditPolicy, AuditSettings, Outcome};

fn settings(file: &Path, policy: AuditPolicy) -> AuditSettings {
    AuditSettings { file: Some(file.into()), policy, queue: 8, recent: 3 }
}

async fn lines(gate: &Gate, file: &Path) -> Vec<serde_json::Value> {
    gate.flush().await;
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_operation_becomes_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.json");
    let (gate, guest, access) = bob(&Tree::new(&["/f"]), &[("/", "read rename"), ("/x\n", "none")], |r| {
        r.audit = settings(&file, AuditPolicy::Strict);
    })
    .await;
    let reading = access.read(&path("/f"), 0).await.unwrap();
    reading.permit.meter().unwrap().count(10);
    reading.permit.settle(Outcome::Done);
    drop(access.read(&path("/f"), 0).await.unwrap());
    assert!(access.act(&Op::Remove { path: path("/x\n\"") }).await.is_err());
    assert!(access.act(&Op::Rename { from: path("/f"), to: path("/g"), replace: false }).await.is_ok());
    assert!(login(&guest, "evil\r\n", "x").await.is_err());
    let lines = lines(&gate, &file).await;
    let seen: Vec<String> = lines
        .iter()
        .map(|l| {
            let text = |key: &str| l.get(key).and_then(|v| v.as_str()).unwrap_or("-").to_owned();
            assert_eq!(text("session"), guest.id().to_string());
            assert_eq!(text("peer"), "192.0.2.7:50000");
            assert!(l.get("seconds").unwrap().is_number() && text("at").ends_with('Z'));
            [text("user"), text("op"), text("path"), text("to"), text("end"), text("code")].join(" ")
        })
        .collect();
    assert_eq!(
        seen,
        [
            "bob login bob - done -",
            "bob read /f - done -",
            "bob read /f - abandoned -",
            "bob remove /x\\x0a\" - failed CRK-211",
            "bob rename /f /g done -",
            " login evil\\x0d\\x0a - failed CRK-101",
        ]
    );
    assert_eq!(lines.get(1).unwrap().get("bytes").unwrap(), 10);
    let recent: Vec<&str> = gate.recent().iter().map(|e| e.op).collect();
    assert_eq!(recent, ["remove", "rename", "login"]);
}

#[tokio::test]
async fn switched_off_it_writes_nothing() {
    let (gate, _guest, access) = bob(&Tree::new(&["/f"]), &[], |_| ()).await;
    drop(access.read(&path("/f"), 0).await.unwrap());
    gate.flush().await;
    assert!(gate.recent().is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_a_wrong_configuration() {
    let mut rules = rules(&Tree::new(&[]));
    rules.audit = settings(Path::new("/no/such/folder/audit"), AuditPolicy::Lossy);
    let e = Gate::new(rules).err().unwrap();
    assert!(e.reason == Reason::Config && e.detail.unwrap().contains("/no/such/folder/audit"));
}

/// `/dev/full` opens and takes nothing, as a full disk does.
#[tokio::test]
async fn strict_means_no_entry_no_act() {
    let tree = Tree::new(&["/f"]);
    let (gate, _guest, access) = bob(&tree, &[], |r| r.audit = settings(Path::new("/dev/full"), AuditPolicy::Strict)).await;
    let mut refused = None;
    for n in 0..600 {
        let calls = tree.calls();
        if let Err(e) = access.act(&Op::Stat { path: path("/f"), follow: true }).await {
            assert_eq!(tree.calls(), calls, "nothing was done");
            refused = Some((n, e.reason));
            break;
        }
        tokio::task::yield_now().await;
    }
    let (n, reason) = refused.expect("the queue must fill up");
    assert_eq!(reason, Reason::AuditFull);
    assert!(n <= 24, "queue and one batch, not more: {n}");
    assert_eq!(gate.counters().counts().audit_lost, 0);
    let began = std::time::Instant::now();
    for _ in 0..10 {
        assert!(access.act(&Op::Stat { path: path("/f"), follow: true }).await.is_err());
    }
    assert!(began.elapsed() < Duration::from_secs(2), "while the file takes nothing nobody is kept waiting");
    // Given a file that can be written, the door opens again.
    let folder = tempfile::tempdir().unwrap();
    let mut new = rules(&tree);
    add(&mut new, user("bob", plain("b")));
    new.audit = settings(&folder.path().join("a"), AuditPolicy::Strict);
    gate.reload(new).unwrap();
    assert!(access.act(&Op::Stat { path: path("/f"), follow: true }).await.is_ok());
}

#[tokio::test]
async fn lossy_goes_on_and_counts() {
    let tree = Tree::new(&["/f"]);
    let (gate, _guest, access) = bob(&tree, &[], |r| r.audit = settings(Path::new("/dev/full"), AuditPolicy::Lossy)).await;
    for _ in 0..100 {
        assert!(access.act(&Op::Stat { path: path("/f"), follow: true }).await.is_ok());
    }
    assert!(gate.counters().counts().audit_lost >= 50, "{}", gate.counters().counts().audit_lost);
}

#[tokio::test]
async fn a_reload_opens_the_file_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (file, old) = (folder.path().join("audit.json"), folder.path().join("audit.1"));
    let mut rules = rules(&Tree::new(&["/f"]));
    add(&mut rules, user("bob", plain("b")));
    rules.audit = settings(&file, AuditPolicy::Strict);
    let gate = Gate::new(rules.clone()).unwrap();
    let guest = admit(&gate);
    drop(login(&guest, "bob", "b").await.unwrap());
    gate.flush().await;
    std::fs::rename(&file, &old).unwrap();
    gate.reload(rules).unwrap();
    drop(login(&guest, "bob", "b").await.unwrap());
    assert_eq!(lines(&gate, &file).await.len(), 1, "moved away and begun again, as log rotation does it");
    assert_eq!(std::fs::read_to_string(&old).unwrap().lines().count(), 1);
}
