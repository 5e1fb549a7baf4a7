//! Storages that stand in front of another one and change what it does.

mod flaky;
mod readonly;

pub use flaky::{Fault, Flaky};
pub use readonly::ReadOnly;
