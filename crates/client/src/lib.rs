//! Floor 4: sockets drive client sessions. A server becomes a storage like any other, and files are copied between any two.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use carrack_client::copy::{Filter, Plan, Settings, Side, Tree, Wishes, run};
//! use carrack_client::ftp::{Dial, Ftp, Root, settings};
//! use io::CancellationToken;
//! use proto::ftp::client::Login;
//! use types::VPath;
//!
//! # async fn fetch(local: vfs::SharedStorage) -> Result<(), types::Error> {
//! let token = CancellationToken::new();
//! let dial = Dial::new("ftp.example.org", 21, settings(Login::anonymous()));
//! let server = Ftp::open(dial, Root::Home, 4, carrack_client::pool::WAIT_WITHIN, &token).await?;
//! let (from, to) = (Side::there(Arc::new(server), VPath::root()), Side::here(local, VPath::root(), Default::default()));
//! let filter = Filter::default();
//! let here = Tree::scan(&*to.storage, &to.root, &filter, &to.owner).await?;
//! let there = Tree::scan(&*from.storage, &from.root, &filter, &from.owner).await?;
//! let plan = Plan::make(&there, &here, &Wishes::default())?;
//! let report = run(&plan, &from, &to, &Settings::default(), &(), &token).await;
//! assert!(report.failed.is_empty());
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod bridge;
pub mod charset;
pub mod checksum;
pub mod connect;
pub mod copy;
pub mod exit;
pub mod failure;
pub mod ftp;
pub mod pool;
pub mod proxy;
pub mod remote;
pub mod ssh;
pub mod tftp;
pub mod url;

pub use remote::Remote;
pub use url::{Place, Url};
