//! Messages from user to user: to whom they go, where they wait, and who may send any.

use types::{Delivered, Delivery, Error, Op, Reason, Yield};
use vfs::memory::{MemorySettings, MemoryStorage};
use vfs::storage::{Owner, Storage};

use super::*;
use crate::{AuditSettings, MailRules, Mount};

/// A gate with anna, who may send messages, bob, who may not, and a Maildir for each.
fn post() -> (Arc<Gate>, Arc<MemoryStorage>, tempfile::TempDir) {
    let tree = Tree::new(&["f"]);
    let mail = Arc::new(MemoryStorage::new(MemorySettings { capacity: Some(1 << 20), ..MemorySettings::default() }));
    let mut rules = rules(&tree);
    rules.mounts.insert("post".into(), Mount { storage: mail.clone(), read_only: false });
    rules.mail = Some(MailRules { mount: "post".into(), most: 2, size: 4_096 });
    let mut anna = user("anna", plain("a"));
    anna.own.messages = Some(true);
    add(&mut rules, anna);
    add(&mut rules, user("bob", plain("b")));
    let mut guest = user("anonymous", Password::None);
    guest.own.messages = Some(true);
    rules.anonymous = Some(guest);
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("audit.json");
    rules.audit = AuditSettings { file: Some(trail), recent: 64, ..AuditSettings::default() };
    (Gate::new(rules).unwrap(), mail, folder)
}

async fn send(from: &Access, to: &str, delivery: Delivery, text: &str) -> Result<Delivered, Reason> {
    let op = Op::Message { to: to.into(), delivery, text: text.as_bytes().into() };
    match from.act(&op).await {
        Ok(Yield::Delivered(delivered)) => Ok(delivered),
        Ok(other) => panic!("{other:?}"),
        Err(Error { reason, .. }) => Err(reason),
    }
}

async fn mails(mail: &MemoryStorage, user: &str) -> Vec<String> {
    let folder = path(&format!("/{user}/new"));
    let mut texts = Vec::new();
    let Ok(mut listing) = mail.list(&folder, &Owner(None)).await else { return texts };
    for entry in listing.next_page().await.unwrap() {
        let (_, source) = mail.read(&folder.join(&entry.name).unwrap(), 0, &Owner(None)).await.unwrap();
        texts.push(String::from_utf8(source.read_to_end().await.unwrap()).unwrap());
    }
    texts
}

fn texts(access: &Access) -> Vec<String> {
    access.messages().iter().map(|m| format!("{}: {}", m.from, String::from_utf8_lossy(&m.text))).collect()
}

const IN_ONE: Delivered = Delivered { sessions: 1, mailed: false };
const MAILED: Delivered = Delivered { sessions: 0, mailed: true };

#[tokio::test]
async fn a_message_waits_in_the_sessions_that_show_any_and_else_is_kept_as_mail() {
    let (gate, mail, _folder) = post();
    let (one, two, three) = (admit(&gate), admit(&gate), admit(&gate));
    let anna = login(&one, "anna", "a").await.unwrap();
    let bob = login(&two, "bob", "b").await.unwrap();
    assert_eq!(send(&anna, "bob", Delivery::Sessions, "x").await, Err(Reason::NotHere), "bob's session shows none");
    assert_eq!(send(&anna, "bob", Delivery::SessionsOrMail, "first").await, Ok(MAILED));
    bob.shows_messages();
    assert!(!bob.has_messages());
    let again = login(&three, "bob", "b").await.unwrap();
    assert_eq!(send(&anna, "bob", Delivery::SessionsOrMail, "second").await, Ok(IN_ONE));
    assert_eq!(send(&anna, &bob.session().to_string(), Delivery::Sessions, "third").await, Ok(IN_ONE));
    assert_eq!(
        send(&anna, "bob@example.org", Delivery::SessionsAndMail, "both").await,
        Ok(Delivered { sessions: 1, mailed: true })
    );
    assert!(bob.has_messages() && !again.has_messages());
    assert_eq!(texts(&bob), ["anna: second", "anna: third", "anna: both"]);
    assert!(!bob.has_messages() && texts(&bob).is_empty());
    let kept = mails(&mail, "bob").await;
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|m| m.contains("\nFrom: anna\nTo: bob\n")) && kept.iter().any(|m| m.ends_with("\n\nfirst\n")));
    assert!(mails(&mail, "anna").await.is_empty());
    gate.flush().await;
    let trail: Vec<_> = gate.recent().iter().filter(|e| e.op == "message").map(|e| (e.to.clone(), e.end)).collect();
    assert_eq!(trail[0], (Some("bob".into()), "failed"));
    assert_eq!(trail.len(), 5);
}

#[tokio::test]
async fn neither_sessions_nor_mailboxes_take_more_than_they_may() {
    let (gate, mail, _folder) = post();
    let (one, two) = (admit(&gate), admit(&gate));
    let anna = login(&one, "anna", "a").await.unwrap();
    let bob = login(&two, "bob", "b").await.unwrap();
    bob.shows_messages();
    assert_eq!(send(&anna, "bob", Delivery::Sessions, &"x".repeat(5_000)).await, Err(Reason::MessageTooLarge));
    assert_eq!(send(&anna, "bob", Delivery::Mail, &"x".repeat(5_000)).await, Err(Reason::MessageTooLarge));
    let mut sent = 0;
    while send(&anna, "bob", Delivery::Sessions, "x").await.is_ok() {
        sent += 1;
    }
    assert_eq!(send(&anna, "bob", Delivery::Sessions, "x").await, Err(Reason::MailboxFull));
    assert_eq!(texts(&bob).len(), sent);
    assert_eq!(send(&anna, "bob", Delivery::Mail, "1").await, Ok(MAILED));
    assert_eq!(send(&anna, "bob", Delivery::Mail, "2").await, Ok(MAILED));
    assert_eq!(send(&anna, "bob", Delivery::Mail, "3").await, Err(Reason::MailboxFull));
    assert_eq!(mails(&mail, "bob").await.len(), 2);
}

#[tokio::test]
async fn only_who_may_sends_others_messages_and_nobody_else_learns_who_there_is() {
    let (gate, _, _folder) = post();
    let (one, two, three) = (admit(&gate), admit(&gate), admit(&gate));
    let anna = login(&one, "anna", "a").await.unwrap();
    let bob = login(&two, "bob", "b").await.unwrap();
    let guest = login(&three, "anonymous", "x").await.unwrap();
    for access in [&anna, &bob, &guest] {
        access.shows_messages();
    }
    for to in ["anna", "nobody", &anna.session().to_string()] {
        assert_eq!(send(&bob, to, Delivery::Sessions, "x").await, Err(Reason::MessagesDenied), "{to}");
        assert_eq!(send(&guest, to, Delivery::Sessions, "x").await, Err(Reason::MessagesDenied), "{to}");
    }
    assert_eq!(send(&guest, "anonymous", Delivery::Sessions, "x").await, Err(Reason::MessagesDenied), "guests are not one user");
    assert_eq!(send(&bob, "bob", Delivery::Sessions, "note").await, Ok(IN_ONE), "one's own sessions are one's own");
    assert_eq!(send(&anna, "nobody", Delivery::Mail, "x").await, Err(Reason::NoRecipient));
    assert_eq!(send(&anna, "anonymous", Delivery::Mail, "x").await, Err(Reason::NoMailbox));
    assert_eq!(send(&anna, "anonymous", Delivery::Sessions, "x").await, Ok(IN_ONE));
    let may = |to: &str, delivery| Op::Recipient { to: to.into(), delivery };
    assert_eq!(anna.act(&may("bob", Delivery::Mail)).await, Ok(Yield::Done));
    assert_eq!(anna.act(&may("nobody", Delivery::Mail)).await.map_err(|e| e.reason), Err(Reason::NoRecipient));
    assert_eq!(bob.act(&may("anna", Delivery::Mail)).await.map_err(|e| e.reason), Err(Reason::MessagesDenied));
    assert_eq!(texts(&anna), [""; 0], "asking sends nothing");
}

#[tokio::test]
async fn what_waited_is_for_who_was_logged_in() {
    let (gate, _, _folder) = post();
    let (one, two) = (admit(&gate), admit(&gate));
    let anna = login(&one, "anna", "a").await.unwrap();
    let bob = login(&two, "bob", "b").await.unwrap();
    bob.shows_messages();
    assert_eq!(send(&anna, "bob", Delivery::Sessions, "for bob").await, Ok(IN_ONE));
    let other = login(&two, "anna", "a").await.unwrap();
    other.shows_messages();
    assert!(texts(&other).is_empty() && texts(&bob).is_empty());
    drop(other);
    assert_eq!(send(&anna, "anna", Delivery::Sessions, "x").await, Err(Reason::NotHere), "nobody is logged in there");
}
