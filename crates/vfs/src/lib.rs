//! Floor 2: one tree out of many storages. It has never heard of a protocol or a user's rights.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod file;
pub mod local;
pub mod memory;
pub mod mounts;
mod names;
pub mod storage;
mod whole;
pub mod wrap;

pub use file::{File, OpenOrder};
pub use local::{LocalSettings, LocalStorage, Swept};
pub use memory::{MemorySettings, MemoryStorage};
pub use mounts::Mounts;
pub use storage::{Capability, Durability, Listing, Opened, Owner, SharedStorage, Storage, WriteOrder};
pub use wrap::{Fault, Flaky, ReadOnly};
