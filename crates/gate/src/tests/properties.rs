//! Whatever is asked, in whatever order, and however it ends: everything taken is given back.

use proptest::prelude::*;
use types::{Op, Reason, WriteHow};

use super::*;
use crate::{Outcome, Permit};

#[derive(Clone, Debug)]
enum Step {
    Read(bool),
    Write(bool),
    List,
    Stat,
    Settle(usize),
    Drop(usize),
    Cancel,
    Login,
    Logout,
    Reload(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<bool>().prop_map(Step::Read),
        any::<bool>().prop_map(Step::Write),
        Just(Step::List),
        Just(Step::Stat),
        (0usize..4).prop_map(Step::Settle),
        (0usize..4).prop_map(Step::Drop),
        Just(Step::Cancel),
        Just(Step::Login),
        Just(Step::Logout),
        any::<bool>().prop_map(Step::Reload),
    ]
}

async fn play(steps: Vec<Step>) {
    let tree = Tree::new(&["/f"]);
    let mut rules = rules(&tree);
    rules.limits.transfers = 3;
    let mut bob = user("bob", plain("b"));
    (bob.own.sessions, bob.own.transfers) = (Some(2), Some(2));
    add(&mut rules, bob);
    let gate = Gate::new(rules.clone()).unwrap();
    let guest = admit(&gate);
    let mut logins = vec![login(&guest, "bob", "b").await.unwrap()];
    let mut permits: Vec<Permit> = Vec::new();
    for step in steps {
        let access = logins.last().cloned();
        match (step, access) {
            (Step::Read(there), Some(a)) => {
                permits.extend(a.read(&path(if there { "/f" } else { "/gone" }), 0).await.map(|r| r.permit));
            }
            (Step::Write(new), Some(a)) => {
                let how = if new { WriteHow::New } else { WriteHow::Replace };
                permits.extend(a.write(&path("/f"), how, None).await.map(|w| w.permit));
            }
            (Step::List, Some(a)) => drop(a.list(&path("/")).await),
            (Step::Stat, Some(a)) => drop(a.act(&Op::Stat { path: path("/f"), follow: true }).await),
            (Step::Settle(n), _) if n < permits.len() => permits.remove(n).settle(Outcome::Failed(Reason::DataReset)),
            (Step::Drop(n), _) if n < permits.len() => drop(permits.remove(n)),
            // A question whose asker is gone before the answer.
            (Step::Cancel, Some(a)) => drop(Box::pin(async move { a.read(&path("/f"), 0).await.map(drop) })),
            (Step::Login, _) => logins.extend(login(&guest, "bob", "b").await.ok()),
            (Step::Logout, _) => drop(logins.pop()),
            (Step::Reload(tight), _) => {
                let mut new = rules.clone();
                if tight {
                    new.users.get_mut("bob").unwrap().own.permissions = vec![(path("/"), words("list"))];
                }
                gate.reload(new).unwrap();
            }
            _ => {}
        }
        assert!(logins.len() <= 2 && permits.len() <= 2);
        assert_eq!(gate.transfers.taken() as usize, permits.len());
    }
    let moving = permits.len() as u64;
    drop((permits, logins));
    assert_eq!(gate.transfers.taken(), 0);
    let view = gate.force.load().find("open", None, "bob").unwrap();
    assert_eq!((view.share.sessions.taken(), view.share.transfers.taken()), (0, 0));
    assert_eq!(&*gate.who().first().unwrap().doing, "idle");
    drop(guest);
    assert_eq!(gate.present(), 0);
    let counts = gate.counters().counts();
    assert!(counts.abandoned >= moving && counts.operations >= counts.abandoned);
}

proptest! {
    #[test]
    fn everything_taken_is_given_back(steps in proptest::collection::vec(step(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(play(steps));
    }
}

/// What a session costs in memory and what the hot calls cost in time, with bounds far above what is expected.
#[tokio::test]
async fn sessions_are_small_and_calls_are_cheap() {
    assert!(size_of::<crate::presence::Session>() + size_of::<crate::access::Inner>() < 500);
    let mut rules = rules(&Tree::new(&["/f"]));
    add(&mut rules, user("bob", plain("b")));
    let gate = Gate::new(rules).unwrap();
    let (rounds, began) = (2_000, std::time::Instant::now());
    for _ in 0..rounds {
        drop(login(&admit(&gate), "bob", "b").await.unwrap());
    }
    let logins = began.elapsed() / rounds;
    let access = login(&admit(&gate), "bob", "b").await.unwrap();
    let began = std::time::Instant::now();
    for _ in 0..rounds {
        access.read(&path("/f"), 0).await.unwrap().permit.settle(Outcome::Done);
    }
    let reads = began.elapsed() / rounds;
    assert!(logins.max(reads) < Duration::from_millis(1), "admit and login {logins:?}, read and settle {reads:?}");
}

/// What a driver keeps in its own tasks must be able to move between threads.
#[test]
fn questions_can_be_asked_from_any_task() {
    fn movable<T: Send>(_: impl FnOnce(&'static Guest, &'static Access) -> T) {}
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Access>();
    shared::<Guest>();
    shared::<Gate>();
    movable(|guest, _| guest.login(Credentials::None, false));
    movable(|_, access| access.act(&Op::Who));
    movable(|_, access| access.list(access_path()));
    movable(|_, access| access.read(access_path(), 0));
    movable(|_, access| access.write(access_path(), WriteHow::New, None));
}

fn access_path() -> &'static VPath {
    Box::leak(Box::new(path("/")))
}
