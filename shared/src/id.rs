//! Ids as types: none can stand where another is meant.

mod pool_id;
mod source;

pub use pool_id::{InvalidPoolId, PoolId};
pub use source::{IdSource, Ids};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// Of one event; version 7, made by the instance that decided it.
    EventId
}
uuid_id! {
    /// Of one claim, in its pool.
    ClaimId
}
uuid_id! {
    /// Of one ticket, in its pool; it lives once and never comes back.
    TicketId
}
uuid_id! {
    /// Of one command, made by the caller before the first attempt (<https://google.aip.dev/155>); its scope is the pool.
    RequestId
}
