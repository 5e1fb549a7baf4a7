//! Do many small files go over one data connection that stays, and does each of them arrive where one fails or the connection
//! breaks?

use std::sync::Arc;
use std::time::Duration;

use carrack_client::copy::{Plan, Report, Seen, Settings, Side, Step, Wishes, run};
use carrack_client::ftp::{Dial, Ftp, Root};
use io::CancellationToken;
use proto::ftp::client::Tls;
use tokio::io::AsyncWriteExt as _;
use types::{Reason, VPath};

use super::copies::{copy_plan, here, put, shown};
use super::liar::{Liar, liar};
use super::own_server::{content, memory, sample};
use super::server::{Diary, Odd, Server, dial, path};

const FILES: usize = 150;

/// The server's tree, and what is said to it.
async fn there(mut dial: Dial, at_once: usize) -> (Side, Arc<Diary>) {
    let diary = Arc::new(Diary::default());
    dial.observer = diary.clone();
    let ftp = Ftp::open(dial, Root::Server, at_once, Duration::from_secs(60), &CancellationToken::new()).await.unwrap();
    (Side::there(Arc::new(ftp), VPath::root()), diary)
}

async fn copy(plan: &Plan, source: &Side, target: &Side) -> Report {
    run(plan, source, target, &Settings::default(), &(), &CancellationToken::new()).await
}

/// How often a command begins so.
fn said(diary: &Diary, begin: &str) -> usize {
    diary.commands().iter().filter(|line| line.starts_with(begin)).count()
}

#[tokio::test]
async fn a_tree_goes_up_and_down_over_one_data_connection_each() {
    for tls in [None, Some(false)] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mine, back) = (here(one.path()), here(two.path()));
        for n in 0..FILES {
            put(&mine.storage, &format!("/{n}"), &sample(n * 700), 1_300_000_000 + n as i64).await;
        }
        let server = Server::with(memory(), Odd { tls, ..Odd::default() });
        let dial = if tls.is_some() { server.dial_with_tls(Tls::Required) } else { server.dial() };
        // One connection does: what stays open is no more in the way of what follows than it must be.
        let (remote, diary) = there(dial, 1).await;
        let report = copy(&copy_plan(&mine, &remote, &Wishes::default()).await, &mine, &remote).await;
        assert!(report.failed.is_empty() && report.done == FILES, "{:?}", report.failed);
        assert_eq!(report.bytes, (0..FILES as u64).map(|n| n * 700).sum::<u64>());
        assert_eq!(shown(&mine).await, shown(&remote).await);
        assert_eq!((said(&diary, "STOR "), said(&diary, "MODE B")), (FILES, 1));
        assert_eq!(said(&diary, "RNFR"), 0, "no temporary names are needed");
        let before = said(&diary, "EPSV");
        let plan = copy_plan(&remote, &back, &Wishes::default()).await;
        let report = copy(&plan, &remote, &back).await;
        assert!(report.failed.is_empty() && report.done == FILES, "{:?}", report.failed);
        assert_eq!(shown(&mine).await, shown(&back).await);
        assert_eq!(content(&back.storage, "/149").await, sample(149 * 700));
        // One for the listing, one for all files.
        assert_eq!((said(&diary, "RETR "), said(&diary, "EPSV") - before), (FILES, 2));
    }
}

#[tokio::test]
async fn a_file_that_is_refused_loses_no_other() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, back) = (here(one.path()), here(two.path()));
    for n in 0..FILES {
        put(&mine.storage, &format!("/{n}"), &sample(5_000 + n), 1_300_000_000).await;
    }
    let server = Server::over(memory());
    let (remote, diary) = there(server.dial(), 4).await;
    let plan = copy_plan(&mine, &remote, &Wishes::default()).await;
    // Since the plan was made, somebody has put folders there.
    for n in [0, 13, 77, FILES - 1] {
        server.storage.make_dir(&path(&format!("/{n}")), 0o755).await.unwrap();
    }
    let report = copy(&plan, &mine, &remote).await;
    let reasons: Vec<_> = report.failed.iter().map(|(_, e)| e.reason).collect();
    assert_eq!((report.done, reasons), (FILES - 4, vec![Reason::IsAFolder; 4]), "{:?}", report.failed);
    for n in (0..FILES).filter(|n| ![0, 13, 77, FILES - 1].contains(n)) {
        assert_eq!(content(&server.storage, &format!("/{n}")).await, sample(5_000 + n), "{n}");
    }
    assert_eq!((said(&diary, "MODE B"), said(&diary, "STOR ")), (1, FILES));
    // And down: some are gone, one has grown.
    let mut plan = copy_plan(&remote, &back, &Wishes::default()).await;
    plan.steps.retain(|step| matches!(step, Step::Copy { .. }));
    for n in [20, 21] {
        server.storage.remove(&path(&format!("/{n}")), &vfs::Owner::default()).await.unwrap();
    }
    put(&server.storage, "/22", &sample(9_999), 1_300_000_001).await;
    let report = copy(&plan, &remote, &back).await;
    let reasons: Vec<_> = report.failed.iter().map(|(_, e)| e.reason).collect();
    assert_eq!(reasons, [Reason::NotFound; 2], "{:?}", report.failed);
    assert_eq!(content(&back.storage, "/22").await, sample(9_999));
    assert_eq!(content(&back.storage, "/148").await, sample(5_148));
}

/// A server that does well what it says, until the second file: there its data connection breaks.
async fn breaks(mut liar: Liar) {
    let block = |body: &str| [&[0, 0, body.len() as u8], body.as_bytes(), &[0x40, 0, 0]].concat();
    liar.say("220 hello\r\n").await;
    liar.until("FEAT").await;
    liar.say("211-Features:\r\n MODE B BODIES\r\n SIZE\r\n211 End\r\n").await;
    for verb in ["OPTS", "MODE"] {
        liar.until(verb).await;
        liar.say("200 ok\r\n").await;
    }
    let first = liar.until("RETR").await;
    let mut data = liar.accept().await;
    liar.say("150 here\r\n").await;
    data.write_all(&block(&first.unwrap()[5..])).await.unwrap();
    liar.say("226 done\r\n").await;
    liar.until("RETR").await;
    liar.say("125 here\r\n").await;
    data.write_all(&[0, 0, 9, b'x']).await.unwrap();
    drop(data);
    liar.say("426 broken\r\n").await;
    // What was sent ahead finds no data connection; then each file comes the common way.
    let mut stream = false;
    while let Some(line) = liar.hear().await {
        let (verb, name) = line.split_once(' ').unwrap_or((&line, ""));
        match verb {
            "RETR" if !stream => liar.say("425 no data connection\r\n").await,
            "MODE" => {
                stream = name == "S";
                liar.say("200 ok\r\n").await;
            }
            "RETR" => {
                let mut data = liar.accept().await;
                liar.say("150 here\r\n").await;
                data.write_all(name.as_bytes()).await.unwrap();
                drop(data);
                liar.say("226 done\r\n").await;
            }
            "EPSV" => {
                let port = liar.data.local_addr().unwrap().port();
                liar.say(&format!("229 ok (|||{port}|)\r\n")).await;
            }
            "SIZE" => liar.say(&format!("213 {}\r\n", name.len())).await,
            "MDTM" => liar.say("213 20250101000000\r\n").await,
            "TYPE" | "NOOP" => liar.say("200 ok\r\n").await,
            "QUIT" => return liar.say("221 bye\r\n").await,
            _ => liar.say("502 no\r\n").await,
        }
    }
}

#[tokio::test]
async fn a_data_connection_that_breaks_in_the_midst_loses_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let back = here(folder.path());
    let address = liar(breaks).await;
    let (remote, diary) = there(dial(address, "ann"), 1).await;
    let names: Vec<String> = (10..40).map(|n| format!("/{n}")).collect();
    let step = |name: &String| Step::Copy {
        path: path(name),
        to: None,
        seen: Seen { size: name.len() as u64, modified: None },
        replaces: None,
    };
    let plan = Plan { steps: names.iter().map(step).collect(), ..Plan::default() };
    let report = copy(&plan, &remote, &back).await;
    assert!(report.failed.is_empty() && report.done == names.len(), "{:?}", report.failed);
    for name in &names {
        assert_eq!(content(&back.storage, name).await, name.as_bytes());
    }
    assert_eq!((said(&diary, "MODE B"), said(&diary, "MODE S")), (1, 1));
}
