//! Edits that were made on an older state than the pool's (<https://google.aip.dev/154>): which of them can be applied
//! all the same, and what their author is told otherwise.

use onsale_shared::{log::Version, time::Timestamp};
use serde::Serialize;

use super::{
    partials::{Edited, SoldSince},
    pool::Pool,
    rejection::Rejection,
};

mod fields;

use fields::Fields;

/// What a promoter says of the state that an edit was made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Precondition {
    /// The version that the promoter saw; none: whatever there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<Version>,
    /// Apply the edit to a newer version too, if nothing that it touches was changed since.
    #[serde(skip_serializing_if = "is_false")]
    pub merge: bool,
}

impl Precondition {
    /// Whatever there is.
    pub const NONE: Self = Self {
        etag: None,
        merge: false,
    };
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What an edit can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// The price rule.
    Pricing,
    /// How many tickets there are.
    Capacity,
    /// When the show is, and when the pool sells.
    Schedule,
    /// What one order and one customer may have.
    Limits,
    /// Whether the pool sells.
    SaleStatus,
}

impl Setting {
    /// All settings.
    pub const ALL: [Self; 5] = [
        Self::Pricing,
        Self::Capacity,
        Self::Schedule,
        Self::Limits,
        Self::SaleStatus,
    ];

    /// The table of what conflicts with what: an edit of this setting is not applied over an unseen change of these.
    /// It commutes with every other change, and with every sale.
    ///
    /// A price that follows the time to the show means another price under another show time: a promoter who set one
    /// of the two without knowing of the other looks again.
    #[must_use]
    pub const fn conflicts_with(self) -> &'static [Self] {
        match self {
            Self::Pricing | Self::Schedule => &[Self::Pricing, Self::Schedule],
            Self::Capacity => &[Self::Capacity],
            Self::Limits => &[Self::Limits],
            Self::SaleStatus => &[Self::SaleStatus],
        }
    }

    /// The name, as callers know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Capacity => "capacity",
            Self::Schedule => "schedule",
            Self::Limits => "limits",
            Self::SaleStatus => "sale_status",
        }
    }
}

/// What changed since the version that an edit was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The version that the edit was made on.
    pub etag: Version,
    /// The pool's version.
    pub version: Version,
    /// The edits since, the last of each setting.
    pub changes: Vec<Change>,
    /// How many tickets were sold since.
    pub sold: SoldSince,
}

/// The last edit of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which.
    pub setting: Setting,
    /// By which event.
    pub version: Version,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Option<std::sync::Arc<str>>,
    /// What it changed.
    pub fields: Vec<FieldChange>,
}

/// A field that an edit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in the contract.
    pub field: &'static str,
    /// What it said before.
    pub old: String,
    /// What it says now.
    pub new: String,
}

/// Whether an edit of a setting can be applied to the pool as it is.
///
/// # Errors
/// It was made on an older version, and is not to be merged, or what it touches was changed since.
pub fn check(pool: &Pool, edited: Setting, precondition: Precondition) -> Result<(), Rejection> {
    let Precondition { etag, merge } = precondition;
    let Some(etag) = etag.filter(|etag| *etag != pool.version()) else {
        return Ok(());
    };
    let changes = changes_since(pool, etag);
    let conflicts = |change: &Change| edited.conflicts_with().contains(&change.setting);
    // A version that the pool has not reached was never seen.
    if merge && etag < pool.version() && !changes.iter().any(conflicts) {
        return Ok(());
    }
    let conflict = Conflict {
        etag,
        version: pool.version(),
        changes,
        sold: pool.sales.since(etag),
    };
    Err(Rejection::VersionConflict {
        conflict: Box::new(conflict),
    })
}

fn changes_since(pool: &Pool, etag: Version) -> Vec<Change> {
    let of = |setting| match setting {
        Setting::Pricing => change(setting, pool.pricing.rule()),
        Setting::Capacity => change(setting, pool.stock.capacity()),
        Setting::Schedule => change(setting, pool.schedule.get()),
        Setting::Limits => change(setting, pool.limits.get()),
        Setting::SaleStatus => change(setting, Some(pool.sale.get())),
    };
    let changes = Setting::ALL.into_iter().filter_map(of);
    changes.filter(|change| change.version > etag).collect()
}

fn change<T: Fields>(setting: Setting, edited: Option<&Edited<T>>) -> Option<Change> {
    let Edited { value, last_edit } = edited?;
    let edit = last_edit.as_ref()?;
    let (old, new) = (edit.old.fields(), value.fields());
    let fields = old.into_iter().zip(new);
    let changed = fields.filter_map(|((field, old), (_, new))| {
        (old != new).then_some(FieldChange { field, old, new })
    });
    Some(Change {
        setting,
        version: edit.version,
        time: edit.time,
        actor: edit.actor.clone(),
        fields: changed.collect(),
    })
}

#[cfg(test)]
mod tests;
