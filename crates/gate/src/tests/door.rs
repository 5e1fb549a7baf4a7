//! Admission and login: places, bans, slow answers, hosts, and one cost for right and wrong names.

use std::time::Duration;

use types::{Credentials, LoginError, ProvedKey, Reason, Secret};

use super::*;
use crate::{AuthorizedKey, Certificate, HostRules, Network, Ways};

const LOCAL: &str = "198.51.100.1";

fn gate(more: impl FnOnce(&mut Rules)) -> Arc<Gate> {
    let mut rules = rules(&Tree::new(&["/f"]));
    add(&mut rules, user("bob", plain("b")));
    more(&mut rules);
    Gate::new(rules).unwrap()
}

fn from(gate: &Arc<Gate>, listener: &str, ip: &str) -> Result<Guest, Reason> {
    gate.admit(listener, peer(ip), peer(LOCAL))
}

async fn why(guest: &Guest, user: &str, password: &str) -> LoginError {
    login(guest, user, password).await.err().unwrap()
}

#[tokio::test]
async fn places_are_given_back_when_the_last_holder_is_gone() {
    let gate = gate(|r| (r.limits.sessions, r.limits.sessions_per_address) = (3, 2));
    let a = from(&gate, "open", "192.0.2.1").unwrap();
    let b = from(&gate, "open", "::ffff:192.0.2.1").unwrap();
    assert_eq!(from(&gate, "open", "192.0.2.1").err(), Some(Reason::TooManyFromAddress));
    let c = from(&gate, "open", "2001:db8::1").unwrap();
    assert_eq!(from(&gate, "open", "203.0.113.1").err(), Some(Reason::TooManySessions));
    assert_eq!((b.id().0, c.id().0), (a.id().0.wrapping_add(1), a.id().0.wrapping_add(2)));
    let access = login(&a, "bob", "b").await.unwrap();
    drop(a);
    assert_eq!(gate.present(), 3, "the access still holds the place");
    drop(access);
    assert_eq!(gate.present(), 2);
    drop((b, c));
    assert_eq!(gate.present(), 0);
    assert!(from(&gate, "open", "192.0.2.1").is_ok());
    assert_eq!(gate.counters().refusals(), [(Reason::TooManySessions, 1), (Reason::TooManyFromAddress, 1)]);
}

#[tokio::test]
async fn an_ipv6_network_counts_as_one_address() {
    let gate = gate(|r| r.limits.sessions_per_address = 1);
    let _a = from(&gate, "open", "2001:db8::1").unwrap();
    assert_eq!(from(&gate, "open", "2001:db8::ffff:2").err(), Some(Reason::TooManyFromAddress));
    assert!(from(&gate, "open", "2001:db8:0:1::1").is_ok());
}

#[tokio::test]
async fn networks_are_let_in_or_not() {
    let gate = gate(|r| {
        let l = r.listeners.get_mut("strict").unwrap();
        l.allow = vec![Network::parse("10.0.0.0/8").unwrap(), Network::parse("fd00::/8").unwrap()];
        l.deny = vec![Network::parse("10.6.6.6").unwrap()];
    });
    for (ip, fine) in [
        ("10.1.1.1", true),
        ("::ffff:10.1.1.1", true),
        ("fd00::5", true),
        ("10.6.6.6", false),
        ("11.1.1.1", false),
        ("2001:db8::1", false),
    ] {
        let got = from(&gate, "strict", ip);
        assert_eq!(got.err(), (!fine).then_some(Reason::AddressNotAllowed), "{ip}");
    }
    assert!(Network::parse("10.0.0.0/33").is_err() && Network::parse("here").is_err());
}

#[tokio::test]
async fn nobody_is_let_in_while_stopping() {
    let gate = gate(|_| ());
    let guest = admit(&gate);
    let inside = login(&admit(&gate), "bob", "b").await.unwrap();
    gate.stop();
    assert_eq!(from(&gate, "open", "192.0.2.1").err(), Some(Reason::ShuttingDown));
    assert_eq!(why(&guest, "bob", "b").await, LoginError::Closing(Reason::ShuttingDown));
    assert!(!inside.revoked().is_cancelled(), "who is here goes on");
    gate.dismiss();
    assert!(inside.revoked().is_cancelled() && inside.why() == Some(Reason::ShuttingDown));
}

#[tokio::test]
async fn a_password_in_clear_is_not_even_looked_at() {
    let gate = gate(|r| {
        add(r, user("ann", cheap_hash("a")));
        r.listeners.insert("never".into(), ListenerRules { plain_login: PlainLogin::Refuse, ..ListenerRules::default() });
    });
    let far = from(&gate, "strict", "192.0.2.1").unwrap();
    for (name, password) in [("ann", "a"), ("ann", "x"), ("nobody", "x"), ("bob", "b")] {
        assert_eq!(why(&far, name, password).await, LoginError::Refused(Reason::PlainLogin), "{name}");
    }
    assert_eq!(gate.counters().counts().hashed, 0);
    assert!(far.login(credentials("ann", "a"), true).await.is_ok(), "over TLS it is fine");
    assert!(login(&from(&gate, "strict", "127.0.0.1").unwrap(), "ann", "a").await.is_ok());
    assert!(login(&from(&gate, "strict", "::1").unwrap(), "bob", "b").await.is_ok());
    let never = from(&gate, "never", "127.0.0.1").unwrap();
    assert_eq!(why(&never, "bob", "b").await, LoginError::Refused(Reason::PlainLogin));
    assert!(never.login(credentials("bob", "b"), true).await.is_ok());
    let stranger = from(&gate, "no such listener", "192.0.2.1").unwrap();
    assert_eq!(why(&stranger, "bob", "b").await, LoginError::Refused(Reason::PlainLogin));
}

/// RFC 2577 section 6: neither text nor time tells whether a user exists. Compared by work and by virtual time.
#[tokio::test(start_paused = true)]
async fn wrong_names_and_wrong_passwords_look_alike() {
    let gate = gate(|r| {
        add(r, user("ann", cheap_hash("a")));
        let mut gone = user("gone", cheap_hash("g"));
        gone.disabled = true;
        add(r, gone);
        let mut off = user("off", plain("o"));
        off.disabled = true;
        add(r, off);
        (r.limits.tries, r.limits.ban_after) = (0, 0);
        (r.limits.delay, r.limits.delay_most) = (Duration::from_millis(500), Duration::from_millis(500));
    });
    let mut hashed = 0;
    for (name, password) in
        [("ann", "wrong"), ("nobody", "a"), ("gone", "g"), ("gone", "x"), ("off", "o"), ("off", "x"), ("bob", "wrong"), ("", "")]
    {
        let guest = admit(&gate);
        let began = tokio::time::Instant::now();
        assert_eq!(why(&guest, name, password).await, LoginError::Wrong, "{name}");
        hashed += 1;
        assert_eq!(gate.counters().counts().hashed, hashed, "{name}: exactly one hash");
        assert_eq!(began.elapsed().as_millis() / 10, 50, "{name}: after the same time");
    }
    let guest = admit(&gate);
    assert!(login(&guest, "ann", "a").await.is_ok());
    assert_eq!(gate.counters().counts().hashed, hashed + 1);
    assert_eq!(gate.counters().counts().failed, hashed);
}

#[tokio::test]
async fn without_any_hash_nothing_is_hashed() {
    let gate = gate(|_| ());
    let guest = admit(&gate);
    assert_eq!(why(&guest, "nobody", "x").await, LoginError::Wrong);
    assert_eq!(why(&guest, "bob", "x").await, LoginError::Wrong);
    assert!(login(&guest, "bob", "b").await.is_ok());
    assert_eq!(gate.counters().counts().hashed, 0);
}

#[tokio::test(start_paused = true)]
async fn guessing_slows_down_and_ends_in_a_ban() {
    let gate = gate(|r| {
        r.limits.delay = Duration::from_millis(500);
        (r.limits.tries, r.limits.ban_after) = (3, 6);
        (r.limits.ban, r.limits.ban_window) = (Duration::from_secs(60), Duration::from_secs(600));
    });
    let mut waits = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let guest = from(&gate, "open", "192.0.2.1").unwrap();
        for _ in 0..3 {
            let began = tokio::time::Instant::now();
            answers.push(why(&guest, "bob", "x").await);
            waits.push(began.elapsed().as_millis());
        }
    }
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    let closing = LoginError::Closing(Reason::TooManyTries);
    let wrong = LoginError::Wrong;
    assert_eq!(answers, [wrong, wrong, closing, wrong, wrong, LoginError::Closing(Reason::Banned)]);
    assert_eq!(from(&gate, "open", "192.0.2.1").err(), Some(Reason::Banned));
    assert!(from(&gate, "open", "192.0.2.2").is_ok(), "others are not touched");
    tokio::time::sleep(Duration::from_secs(53)).await;
    let back = from(&gate, "open", "192.0.2.1").unwrap();
    assert!(login(&back, "bob", "b").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn guesses_at_the_same_time_do_not_outrun_the_ban() {
    let gate = gate(|r| {
        add(r, user("ann", cheap_hash("a")));
        (r.limits.ban_after, r.limits.hashing) = (5, 1);
    });
    let guests: Vec<Guest> = (0..40).map(|_| from(&gate, "open", "192.0.2.1").unwrap()).collect();
    let mut wrong = Vec::new();
    for guest in guests.iter().take(39) {
        let guest = guest.clone();
        wrong.push(tokio::spawn(async move { why(&guest, "ann", "x").await }));
    }
    let right = guests.last().unwrap().clone();
    let right = tokio::spawn(async move { login(&right, "ann", "a").await.err() });
    for answer in wrong {
        answer.await.unwrap();
    }
    assert_eq!(right.await.unwrap(), Some(LoginError::Closing(Reason::Banned)), "the last in the queue came too late");
}

#[tokio::test]
async fn a_success_does_not_wash_failures_away() {
    let gate = gate(|r| (r.limits.tries, r.limits.ban_after) = (0, 3));
    let guest = admit(&gate);
    for _ in 0..2 {
        assert_eq!(why(&guest, "ann", "x").await, LoginError::Wrong);
        assert!(login(&guest, "bob", "b").await.is_ok());
    }
    assert_eq!(why(&guest, "ann", "x").await, LoginError::Closing(Reason::Banned));
    gate.forgive();
    assert!(login(&guest, "bob", "b").await.is_ok());
}

#[tokio::test]
async fn accounts_are_asked_for_after_the_password() {
    let gate = gate(|r| {
        let mut ann = user("ann", plain("a"));
        (ann.own.account_required, ann.own.accounts) = (Some(true), vec!["lab".into()]);
        add(r, ann);
    });
    let guest = admit(&gate);
    let with = |password: &str, account: &str| Credentials::Password {
        user: "ann".into(),
        password: Secret::new(password.as_bytes().into()),
        account: Some(account.into()),
        names: Vec::new(),
    };
    assert_eq!(why(&guest, "ann", "x").await, LoginError::Wrong);
    assert_eq!(why(&guest, "ann", "a").await, LoginError::AccountNeeded);
    assert_eq!(guest.login(with("x", "lab"), false).await.err(), Some(LoginError::Wrong));
    assert_eq!(guest.login(with("a", "shop"), false).await.err(), Some(LoginError::Refused(Reason::AccountWrong)));
    assert!(guest.login(with("a", "lab"), false).await.is_ok());
}

#[tokio::test]
async fn a_user_has_so_many_sessions_and_comes_from_there() {
    let gate = gate(|r| {
        let mut ann = user("ann", plain("a"));
        (ann.own.sessions, ann.own.allow_from) = (Some(1), Some(vec![Network::parse("192.0.2.0/24").unwrap()]));
        add(r, ann);
    });
    let (one, two) = (admit(&gate), admit(&gate));
    let first = login(&one, "ann", "a").await.unwrap();
    assert_eq!(why(&two, "ann", "a").await, LoginError::Refused(Reason::TooManyOfUser));
    drop(first);
    assert!(login(&two, "ann", "a").await.is_ok());
    let far = from(&gate, "open", "203.0.113.1").unwrap();
    assert_eq!(why(&far, "ann", "wrong").await, LoginError::Wrong, "only who knows the password is told");
    assert_eq!(why(&far, "ann", "a").await, LoginError::Refused(Reason::AddressNotAllowed));
}

#[tokio::test]
async fn anonymous_where_it_is_let_in() {
    let gate = gate(|r| r.anonymous = Some(user("anonymous", Password::None)));
    for name in ["anonymous", "ftp", "Anonymous"] {
        let (_, welcome) = admit(&gate).login(credentials(name, "me@example.org"), false).await.unwrap();
        assert_eq!(&*welcome.user, "anonymous");
    }
    assert!(admit(&gate).login(Credentials::None, false).await.is_ok());
    let strict = from(&gate, "strict", "127.0.0.1").unwrap();
    assert_eq!(why(&strict, "anonymous", "x").await, LoginError::Wrong);
    assert_eq!(strict.login(Credentials::None, true).await.err(), Some(LoginError::Wrong));
}

#[tokio::test]
async fn an_address_says_who_shows_nothing() {
    let gate = gate(|r| {
        r.anonymous = Some(user("anonymous", Password::None));
        add(r, user("switches", plain("a")));
        add(r, UserRules { disabled: true, ..user("old", plain("a")) });
        let guests = [("198.51.100.0/24", "switches"), ("203.0.113.0/24", "old")];
        let open = r.listeners.get_mut("open").unwrap();
        open.guests = guests.iter().map(|(net, who)| (Network::parse(net).unwrap(), (*who).into())).collect();
    });
    let who = async |ip: &str| {
        let guest = from(&gate, "open", ip).unwrap();
        guest.login(Credentials::None, false).await.map(|(_, welcome)| welcome.user.to_string())
    };
    assert_eq!(who("198.51.100.7").await.as_deref(), Ok("switches"));
    assert_eq!(who("192.0.2.1").await.as_deref(), Ok("anonymous"));
    assert_eq!(who("203.0.113.1").await.err(), Some(LoginError::Wrong), "disabled");
    // A password is a password all the same.
    let guest = from(&gate, "open", "198.51.100.7").unwrap();
    assert_eq!(why(&guest, "switches", "wrong").await, LoginError::Wrong);
}

#[tokio::test]
async fn hosts_have_their_own_banner_users_and_root() {
    let gate = gate(|r| {
        add(r, user("ann", plain("a")));
        r.banner = vec!["hello".into()];
        let other = Tree::new(&["/only-here"]);
        r.mounts.insert("other".into(), Mount { storage: Arc::new(other), read_only: false });
        r.hosts.insert(
            "ftp.example.org".into(),
            HostRules {
                banner: vec!["example".into()],
                users: Some(vec!["ann".into()]),
                anonymous: false,
                root: Some("other".into()),
            },
        );
        r.anonymous = Some(user("anonymous", Password::None));
    });
    let guest = admit(&gate);
    assert_eq!(guest.greeting().banner, ["hello".into()]);
    assert_eq!(guest.host("nowhere.example.org"), Err(Reason::UnknownHost));
    assert_eq!(guest.greeting().banner, ["hello".into()]);
    assert_eq!(guest.host("FTP.Example.ORG.").unwrap().banner, ["example".into()]);
    assert_eq!(why(&guest, "bob", "b").await, LoginError::Wrong);
    assert_eq!(why(&guest, "anonymous", "x").await, LoginError::Wrong);
    let access = login(&admit(&gate), "ann", "a").await.unwrap();
    assert!(access.read(&path("/f"), 0).await.is_ok());
    let access = login(&from_host(&gate, "ftp.example.org"), "ann", "a").await.unwrap();
    assert!(access.read(&path("/f"), 0).await.is_err());
    assert!(access.read(&path("/only-here"), 0).await.is_ok());
    let literal = from_host(&gate, "ftp.example.org");
    assert_eq!(literal.host("[::1]").unwrap().banner, ["hello".into()]);
}

fn from_host(gate: &Arc<Gate>, name: &str) -> Guest {
    let guest = admit(gate);
    guest.host(name).unwrap();
    guest
}

#[tokio::test]
async fn rules_that_do_not_hold_together_are_refused_by_name() {
    let wrong = |what: &str, more: &dyn Fn(&mut Rules)| {
        let mut rules = rules(&Tree::new(&[]));
        add(&mut rules, user("bob", plain("b")));
        more(&mut rules);
        let e = Gate::new(rules).err().unwrap();
        assert_eq!(e.reason, Reason::Config);
        let detail = e.detail.unwrap();
        assert!(detail.contains(what), "{detail}");
    };
    let bob = |r: &mut Rules, change: &dyn Fn(&mut UserRules)| change(r.users.get_mut("bob").unwrap());
    wrong("no mount is called \"gone\"", &|r| bob(r, &|b| b.own.mounts = vec![(path("/"), "gone".into())]));
    wrong("no mount is named", &|r| bob(r, &|b| b.own.mounts = vec![]));
    wrong("no group is called \"staff\"", &|r| bob(r, &|b| b.groups = vec!["staff".into()]));
    wrong("no argon2 hash", &|r| bob(r, &|b| b.password = Password::Argon2("$5$rounds$x".into())));
    wrong("no argon2 hash", &|r| bob(r, &|b| b.password = Password::Argon2("b".into())));
    wrong("has no password", &|r| bob(r, &|b| b.password = Password::None));
    wrong("an account is required", &|r| bob(r, &|b| b.own.account_required = Some(true)));
    wrong("no host is called \"h\"", &|r| r.listeners.get_mut("open").unwrap().host = Some("h".into()));
    wrong("no user is called \"x\"", &|r| {
        r.hosts.insert("h".into(), HostRules { users: Some(vec!["x".into()]), ..HostRules::default() });
    });
}

#[tokio::test]
async fn hashes_made_here_are_taken_here() {
    let hash = crate::hash_password("geheim").unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert_ne!(hash, crate::hash_password("geheim").unwrap(), "each has a salt of its own");
    let gate = gate(|r| add(r, user("ann", Password::Argon2(hash.clone().into()))));
    assert!(login(&admit(&gate), "ann", "geheim").await.is_ok());
    assert_eq!(why(&admit(&gate), "ann", "geheim ").await, LoginError::Wrong);
}

#[tokio::test]
async fn who_is_here_and_out() {
    let gate = gate(|r| {
        add(r, user("ann", plain("a")));
        r.users.get_mut("bob").unwrap().own.sees_all = Some(true);
    });
    let (a, b) = (admit(&gate), admit(&gate));
    let (bob, ann) = (login(&a, "bob", "b").await.unwrap(), login(&b, "ann", "a").await.unwrap());
    let reading = ann.read(&path("/f"), 0).await.unwrap();
    let seen = |y: Result<types::Yield, types::Error>| match y {
        Ok(types::Yield::Who(who)) => who.iter().map(|p| format!("{} {}", p.user, p.doing)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen(bob.act(&types::Op::Who).await), ["bob idle", "ann read /f"]);
    assert_eq!(seen(ann.act(&types::Op::Who).await), ["ann read /f"]);
    assert!(gate.kick(b.id()));
    let token = reading.permit.meter().unwrap().token().clone();
    assert!(token.is_cancelled() && ann.revoked().is_cancelled() && b.why() == Some(Reason::Kicked));
    assert_eq!(ann.read(&path("/f"), 0).await.err().unwrap().reason, Reason::Kicked);
    let id = b.id();
    drop((reading, ann, b));
    assert!(!gate.kick(id));
    assert_eq!(seen(bob.act(&types::Op::Who).await), ["bob idle"]);
    drop(bob);
    assert_eq!(&*gate.who().first().unwrap().user, "", "logged out, and still here");
}

/// What a certificate with these names brings, without a password.
async fn by_certificate(guest: &Guest, name: &str, names: &[&str], secure: bool) -> Result<(), LoginError> {
    let names = names.iter().map(|n| (*n).into()).collect();
    guest.login(Credentials::Certificate { user: name.into(), names, account: None }, secure).await.map(drop)
}

/// What a password brings beside a certificate with these names.
async fn with_certificate(guest: &Guest, name: &str, password: &str, names: &[&str], secure: bool) -> Result<(), LoginError> {
    let (names, password) = (names.iter().map(|n| (*n).into()).collect(), Secret::new(password.as_bytes().into()));
    guest.login(Credentials::Password { user: name.into(), password, account: None, names }, secure).await.map(drop)
}

fn certified() -> Arc<Gate> {
    gate(|r| {
        for (name, certificate) in
            [("off", Certificate::Off), ("enough", Certificate::Enough), ("both", Certificate::WithPassword)]
        {
            add(r, UserRules { certificate, ..user(name, plain("a")) });
        }
        let mail = vec!["m@example.org".into()];
        add(r, UserRules { certificate: Certificate::Enough, certificate_names: mail, ..user("mail", plain("a")) });
        add(r, UserRules { certificate: Certificate::Enough, disabled: true, ..user("gone", plain("a")) });
        r.limits.tries = 2;
    })
}

#[tokio::test]
async fn a_certificate_lets_in_only_whom_it_names_and_is_never_a_guess() {
    let guest = from(&certified(), "open", "192.0.2.1").unwrap();
    assert_eq!(by_certificate(&guest, "enough", &["other", "enough"], true).await, Ok(()));
    assert_eq!(by_certificate(&guest, "mail", &["m@example.org"], true).await, Ok(()));
    // Wrong name, no name, not enough, switched off, disabled, nobody, in clear: all one, and more often than `tries`.
    for (name, names, secure) in [
        ("enough", &["off"][..], true),
        ("enough", &["Enough"], true),
        ("enough", &[], true),
        ("mail", &["mail"], true),
        ("off", &["off"], true),
        ("both", &["both"], true),
        ("gone", &["gone"], true),
        ("nobody", &["nobody"], true),
    ] {
        assert_eq!(by_certificate(&guest, name, names, secure).await, Err(LoginError::PasswordNeeded), "{name} {names:?}");
    }
    assert_eq!(by_certificate(&guest, "enough", &["enough"], false).await, Err(LoginError::PasswordNeeded), "in clear");
}

/// What the ticket of a principal brings.
async fn by_ticket(guest: &Guest, name: &str, principal: &str, account: Option<&str>, secure: bool) -> Result<(), LoginError> {
    let account = account.map(Into::into);
    guest.login(Credentials::Ticket { user: name.into(), principal: principal.into(), account }, secure).await.map(drop)
}

#[tokio::test]
async fn a_ticket_lets_in_only_whose_principal_it_is_and_is_never_a_guess() {
    let gate = gate(|r| {
        let principals = vec!["ann@EXAMPLE.ORG".into(), "ann/admin@EXAMPLE.ORG".into()];
        let ann = UserRules { principals, ..user("ann", plain("a")) };
        add(r, UserRules { disabled: true, ..UserRules { name: "gone".into(), ..ann.clone() } });
        let mut charged = UserRules { name: "charged".into(), ..ann.clone() };
        (charged.own.account_required, charged.own.accounts) = (Some(true), vec!["pay".into()]);
        add(r, charged);
        add(r, ann);
        add(r, user("bare", plain("a")));
        r.limits.tries = 2;
    });
    let guest = || from(&gate, "open", "192.0.2.1").unwrap();
    for principal in ["ann@EXAMPLE.ORG", "ann/admin@EXAMPLE.ORG"] {
        assert_eq!(by_ticket(&guest(), "ann", principal, None, true).await, Ok(()), "{principal}");
    }
    // Another's, another realm's, another case, half of one, nobody's at all, disabled: all one, and more often than `tries`.
    let guest = guest();
    for (name, principal) in [
        ("ann", "bob@EXAMPLE.ORG"),
        ("ann", "ann@EXAMPLE.COM"),
        ("ann", "ann@example.org"),
        ("ann", "ann"),
        ("ann", ""),
        ("bare", "bare@EXAMPLE.ORG"),
        ("bare", ""),
        ("gone", "ann@EXAMPLE.ORG"),
        ("nobody", "nobody@EXAMPLE.ORG"),
    ] {
        let said = by_ticket(&guest, name, principal, None, true).await;
        assert_eq!(said, Err(LoginError::PasswordNeeded), "{name} {principal}");
    }
    assert_eq!(by_ticket(&guest, "ann", "ann@EXAMPLE.ORG", None, false).await, Err(LoginError::PasswordNeeded), "in clear");
    // An account is asked for as after a password.
    let charged = |account| by_ticket(&guest, "charged", "ann@EXAMPLE.ORG", account, true);
    assert_eq!(charged(None).await, Err(LoginError::AccountNeeded));
    assert_eq!(charged(Some("pay")).await, Ok(()));
}

#[tokio::test]
async fn a_password_beside_a_certificate_is_worth_what_the_rules_say() {
    let guest = || from(&certified(), "open", "192.0.2.1").unwrap();
    for (name, names, fits) in [
        ("off", &[][..], true),
        ("enough", &[], true),
        ("both", &["both"], true),
        ("both", &[], false),
        ("both", &["off"], false),
    ] {
        let right = with_certificate(&guest(), name, "a", names, true).await;
        assert_eq!(right, if fits { Ok(()) } else { Err(LoginError::Wrong) }, "{name} {names:?}");
        assert_eq!(with_certificate(&guest(), name, "x", names, true).await, Err(LoginError::Wrong), "{name} {names:?}");
    }
    // Names count only where the line was protected.
    assert_eq!(with_certificate(&guest(), "both", "a", &["both"], false).await, Err(LoginError::Wrong));
    // A missing certificate counts like a wrong password.
    let guest = guest();
    assert_eq!(with_certificate(&guest, "both", "a", &[], true).await, Err(LoginError::Wrong));
    let closing = LoginError::Closing(Reason::TooManyTries);
    assert_eq!(with_certificate(&guest, "both", "a", &[], true).await, Err(closing));
}

/// What a proved key brings, with a password behind it where one is said.
async fn by_key(guest: &Guest, name: &str, blob: &[u8], password: Option<&str>) -> Result<(), LoginError> {
    let key = Box::new(ProvedKey { blob: blob.into(), certified: None });
    let password = password.map(|p| Secret::new(p.as_bytes().into()));
    guest.login(Credentials::Key { user: name.into(), key, password }, true).await.map(drop)
}

fn keyed() -> Arc<Gate> {
    gate(|r| {
        let keys = || vec![AuthorizedKey::new(b"mine")];
        let both = Ways { password: false, key: false, key_and_password: true };
        add(r, UserRules { keys: keys(), ..user("either", plain("a")) });
        add(r, UserRules { keys: keys(), ways: both, ..user("both", cheap_hash("a")) });
        add(r, UserRules { keys: keys(), ..user("keyonly", Password::Never) });
        add(r, UserRules { keys: keys(), disabled: true, ..user("gone", plain("a")) });
        add(r, UserRules { keys: keys(), ways: Ways { key: false, ..Ways::default() }, ..user("nokey", plain("a")) });
        r.limits.tries = 2;
    })
}

#[tokio::test]
async fn a_key_lets_in_whose_it_is_and_is_never_a_guess() {
    let guest = from(&keyed(), "open", "192.0.2.1").unwrap();
    assert_eq!(by_key(&guest, "either", b"mine", None).await, Ok(()));
    assert_eq!(by_key(&guest, "keyonly", b"mine", None).await, Ok(()));
    for (name, key) in [("either", &b"other"[..]), ("gone", b"mine"), ("nobody", b"mine"), ("nokey", b"mine"), ("both", b"x")] {
        assert_eq!(by_key(&guest, name, key, None).await, Err(LoginError::Wrong), "{name}");
    }
    // More failures than `tries`, and still nobody is thrown out: passwords are what one guesses.
    assert_eq!(by_key(&guest, "either", b"mine", None).await, Ok(()));
    assert!(guest.knows_key("either", b"mine") && !guest.knows_key("either", b"other"));
    assert!(!guest.knows_key("nobody", b"mine") && !guest.knows_key("gone", b"mine"));
    assert_eq!(login(&guest, "keyonly", "").await.map(drop), Err(LoginError::Wrong), "no password fits");
}

#[tokio::test]
async fn where_key_and_password_are_wanted_neither_is_enough_alone() {
    let gate = keyed();
    let guest = || from(&gate, "open", "192.0.2.1").unwrap();
    assert_eq!(by_key(&guest(), "both", b"mine", None).await, Err(LoginError::PasswordNeeded));
    assert_eq!(by_key(&guest(), "both", b"mine", Some("a")).await, Ok(()));
    assert_eq!(by_key(&guest(), "both", b"mine", Some("x")).await, Err(LoginError::Wrong));
    assert_eq!(by_key(&guest(), "both", b"other", Some("a")).await, Err(LoginError::Wrong));
    assert_eq!(login(&guest(), "both", "a").await.map(drop), Err(LoginError::Wrong), "as over FTP");
    // A wrong password behind a right key counts as a guess.
    let one = guest();
    assert_eq!(by_key(&one, "both", b"mine", Some("x")).await, Err(LoginError::Wrong));
    assert_eq!(by_key(&one, "both", b"mine", Some("x")).await, Err(LoginError::Closing(Reason::TooManyTries)));
}
