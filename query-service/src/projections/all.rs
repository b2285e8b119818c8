//! Every projection that there is. One that is new here gets its tables and is filled from the beginning of the log when
//! the service starts next.

use super::{Projection, audit::AUDIT, pools::POOLS};

/// See the module.
pub(crate) const ALL: &[&Projection] = &[&POOLS, &AUDIT];

/// The projection of a name.
pub(crate) fn named(name: &str) -> Option<&'static Projection> {
    ALL.iter()
        .copied()
        .find(|projection| projection.name == name)
}
