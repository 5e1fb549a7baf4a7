//! Floor 0: the nouns every floor shares. No I/O, no async, no serialisation, and no behaviour beyond
//! construction and printing.

pub mod address;
pub mod attr;
pub mod error;
pub mod event;
pub mod id;
pub mod login;
pub mod mac;
pub mod message;
pub mod op;
pub mod path;
pub mod reason;
pub mod secret;
pub mod text;
pub mod time;

pub use attr::{Attr, AttrChange, Entry, Kind};
pub use error::Error;
pub use event::{Direction, Event, Lane, What};
pub use id::{AskId, SessionId, TransferId};
pub use login::{Certified, Credentials, LoginError, ProvedKey, Welcome};
pub use mac::{Mac, MacPrefix};
pub use message::{Delivered, Delivery, Message};
pub use op::{Op, OpenHow, Presence, Space, Usage, WriteHow, Yield};
pub use path::{PathError, VPath};
pub use reason::Reason;
pub use secret::Secret;
pub use time::Time;
