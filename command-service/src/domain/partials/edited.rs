//! A setting with its last edit, so that a conflict can say who changed it when, from what to what.

use std::sync::Arc;

use onsale_shared::{log::Version, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::fact::Entry;

/// A setting of a pool's, and its last edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited<T> {
    /// What holds now.
    pub value: T,
    /// How it came to hold; none while it is as the pool was created.
    pub last_edit: Option<Edit<T>>,
}

/// The last edit of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit<T> {
    /// What held before.
    pub old: T,
    /// The event that changed it.
    pub version: Version,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Option<Arc<str>>,
}

impl<T> Edited<T> {
    /// As the pool was created.
    pub const fn new(value: T) -> Self {
        Self {
            value,
            last_edit: None,
        }
    }

    /// Changed by an event.
    #[must_use]
    pub fn edit(self, value: T, entry: &Entry<'_>) -> Self {
        Self {
            value,
            last_edit: Some(Edit {
                old: self.value,
                version: entry.version,
                time: entry.time,
                actor: entry.actor.map(Arc::from),
            }),
        }
    }
}
