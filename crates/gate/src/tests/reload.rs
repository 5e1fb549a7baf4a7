//! Other rules under running sessions.

use types::{Op, Reason, Yield};

use super::*;
use crate::{Defaults, Network, effective};

struct Scene {
    rules: Rules,
    gate: Arc<Gate>,
    guest: Guest,
    access: Access,
}

async fn scene(permissions: &str) -> Scene {
    let mut rules = rules(&Tree::new(&["/f"]));
    let mut bob = user("bob", plain("b"));
    bob.own.permissions = vec![(path("/"), words(permissions))];
    add(&mut rules, bob);
    add(&mut rules, user("ann", plain("a")));
    let gate = Gate::new(rules.clone()).unwrap();
    let guest = admit(&gate);
    let access = login(&guest, "bob", "b").await.unwrap();
    Scene { rules, gate, guest, access }
}

fn of_bob(rules: &Rules, change: impl FnOnce(&mut UserRules)) -> Rules {
    let mut rules = rules.clone();
    change(rules.users.get_mut("bob").unwrap());
    rules
}

#[tokio::test]
async fn who_is_gone_disabled_or_changed_loses_everything_at_once() {
    type Change<'a> = &'a dyn Fn(&mut Rules);
    let changes: [(&str, Reason, Change<'_>); 4] = [
        ("removed", Reason::UserDisabled, &|r| drop(r.users.remove("bob"))),
        ("disabled", Reason::UserDisabled, &|r| r.users.get_mut("bob").unwrap().disabled = true),
        ("password", Reason::UserDisabled, &|r| r.users.get_mut("bob").unwrap().password = plain("other")),
        ("network", Reason::AddressNotAllowed, &|r| {
            r.users.get_mut("bob").unwrap().own.allow_from = Some(vec![Network::parse("10.0.0.0/8").unwrap()]);
        }),
    ];
    for (what, why, change) in changes {
        let s = scene("all").await;
        let ann = login(&admit(&s.gate), "ann", "a").await.unwrap();
        let reading = s.access.read(&path("/f"), 0).await.unwrap();
        let mut new = s.rules.clone();
        change(&mut new);
        s.gate.reload(new).unwrap();
        assert!(s.access.revoked().is_cancelled() && s.guest.revoked().is_cancelled(), "{what}");
        assert!(reading.permit.meter().unwrap().token().is_cancelled(), "{what}");
        assert_eq!(s.access.why(), Some(why), "{what}");
        assert_eq!(s.access.read(&path("/f"), 0).await.err().unwrap().reason, why, "{what}");
        assert!(!ann.revoked().is_cancelled() && ann.read(&path("/f"), 0).await.is_ok(), "{what}: others go on");
    }
}

#[tokio::test]
async fn a_transfer_ends_when_its_permission_does_and_the_session_goes_on() {
    let s = scene("all").await;
    let reading = s.access.read(&path("/f"), 0).await.unwrap();
    let stopped = || reading.permit.meter().unwrap().token().is_cancelled();
    s.gate.reload(of_bob(&s.rules, |b| b.own.permissions = vec![(path("/"), words("read"))])).unwrap();
    assert!(!stopped(), "it may still read");
    s.gate.reload(of_bob(&s.rules, |b| b.own.permissions = vec![(path("/"), words("list"))])).unwrap();
    assert!(stopped() && !s.access.revoked().is_cancelled());
    assert_eq!(s.access.read(&path("/f"), 0).await.err().unwrap().reason, Reason::Denied);
    assert!(s.access.list(&path("/")).await.is_ok(), "the next operation sees the new rules");
}

#[tokio::test]
async fn a_transfer_ends_when_its_mount_is_another() {
    let s = scene("all").await;
    let reading = s.access.read(&path("/f"), 0).await.unwrap();
    let mut new = of_bob(&s.rules, |b| b.own.mounts = vec![(path("/"), "other".into())]);
    new.mounts.insert("other".into(), Mount { storage: Arc::new(Tree::new(&[])), read_only: false });
    s.gate.reload(new).unwrap();
    assert!(reading.permit.meter().unwrap().token().is_cancelled());
    assert_eq!(s.access.read(&path("/f"), 0).await.err().unwrap().reason, Reason::NotFound);
}

#[tokio::test]
async fn bad_rules_change_nothing() {
    let s = scene("all").await;
    let bad = of_bob(&s.rules, |b| b.own.mounts = vec![(path("/"), "gone".into())]);
    assert_eq!(s.gate.reload(bad).err().unwrap().reason, Reason::Config);
    assert!(s.access.read(&path("/f"), 0).await.is_ok() && !s.access.revoked().is_cancelled());
}

#[tokio::test]
async fn a_reload_gives_no_places_twice() {
    let s = scene("all").await;
    let one = of_bob(&s.rules, |b| (b.own.sessions, b.own.transfers) = (Some(1), Some(1)));
    let reading = s.access.read(&path("/f"), 0).await.unwrap();
    s.gate.reload(one).unwrap();
    assert_eq!(s.access.read(&path("/f"), 0).await.err().unwrap().reason, Reason::TooManyTransfers);
    assert_eq!(login(&admit(&s.gate), "bob", "b").await.err(), Some(LoginError::Refused(Reason::TooManyOfUser)));
    drop(reading);
    assert!(s.access.read(&path("/f"), 0).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_running_transfer_gets_the_new_rate() {
    let s = scene("all").await;
    let with = |rate| of_bob(&s.rules, |b| b.own.rate_down = rate);
    s.gate.reload(with(Some(1_000_000))).unwrap();
    let reading = s.access.read(&path("/f"), 0).await.unwrap();
    let meter = reading.permit.meter().unwrap();
    let took = async || {
        let (began, mut left) = (tokio::time::Instant::now(), 100_000);
        while left > 0 {
            left -= meter.grant(left).await.unwrap();
        }
        began.elapsed().as_millis()
    };
    let fast = took().await;
    assert!((30..=110).contains(&fast), "{fast}");
    s.gate.reload(with(Some(100_000))).unwrap();
    let slow = took().await;
    assert!((800..=1_200).contains(&slow), "{slow}");
    s.gate.reload(with(None)).unwrap();
    took().await;
    assert_eq!(took().await, 0);
}

#[tokio::test]
async fn a_new_login_is_not_logged_out_by_the_end_of_an_old_one() {
    let s = scene("all").await;
    let new = login(&s.guest, "ann", "a").await.unwrap();
    drop(s.access);
    let Ok(Yield::Who(who)) = new.act(&Op::Who).await else { panic!() };
    assert_eq!(who.len(), 1);
    assert_eq!(&*who.first().unwrap().user, "ann");
}

#[test]
fn users_override_groups_and_groups_come_in_order() {
    let mut bob = user("bob", plain("b"));
    bob.groups = vec!["one".into(), "two".into()];
    bob.own.transfers = Some(1);
    bob.own.permissions = vec![(path("/a"), words("read"))];
    let one = Defaults {
        transfers: Some(2),
        sessions: Some(2),
        mounts: vec![(path("/"), "theirs".into()), (path("/one"), "x".into())],
        permissions: vec![(path("/a"), words("all")), (path("/b"), words("list"))],
        accounts: vec!["p".into(), "q".into()],
        hidden: vec![(*b"x").into()],
        ..Defaults::default()
    };
    let two = Defaults {
        sessions: Some(3),
        rate_up: Some(4),
        fxp: Some(true),
        permissions: vec![(path("/b"), words("none"))],
        accounts: vec!["q".into(), "r".into()],
        ..Defaults::default()
    };
    let groups = [("one".into(), one), ("two".into(), two)].into();
    let p = effective(&bob, &groups);
    assert_eq!((p.transfers, p.sessions, p.rate_up, p.rate_down, p.fxp), (Some(1), Some(2), Some(4), None, true));
    assert_eq!(p.mounts, [(path("/"), "main".into()), (path("/one"), "x".into())]);
    assert_eq!(p.permissions.at(&path("/a")), words("read"));
    assert_eq!(p.permissions.at(&path("/b")), words("list"));
    assert!(p.permissions.at(&path("/")).is_none() && p.permissions.hides_name(b"x"));
    assert_eq!(p.accounts, ["p".into(), "q".into(), "r".into()]);
    assert_eq!((p.umask, p.home), (0o022, path("/")));
    let alone = effective(&user("carl", plain("c")), &groups);
    assert_eq!(alone.permissions.at(&path("/any")), Permissions::ALL);
    assert_eq!(effective(&user("anonymous", Password::None), &groups).permissions.at(&path("/any")), Permissions::READ_ONLY);
}
