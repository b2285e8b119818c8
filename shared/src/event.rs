//! The facts of a pool: what they are ([`pool`], [`tickets`], [`sale`], [`refused`]), how they are written down and read back ([`codec`]),
//! how old ones stay readable ([`upcast`]), and who caused them ([`metadata`]).

pub mod codec;
pub mod metadata;
pub mod pool;
pub mod refused;
pub mod sale;
mod span;
pub mod tickets;
pub mod upcast;

pub use codec::{DecodeError, Encoded, decode, encode};
pub use metadata::{CommandHash, CommandMetadata, Metadata, Source};
pub use pool::{EventType, PoolEvent};
pub use refused::*;
pub use sale::*;
pub use tickets::*;
