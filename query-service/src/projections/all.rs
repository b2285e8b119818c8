//! Every projection that there is. One that is new here gets its tables and is filled from the beginning of the log when
//! the service starts next.

use super::{
    Projection, audit::AUDIT, claims::CLAIMS, customers::CUSTOMERS, history::HISTORY, pools::POOLS,
    sales::SALES,
};

/// Every projection that there is.
#[rustfmt::skip]
pub(crate) const ALL: &[&Projection] = &[
    &POOLS,
    &CLAIMS,
    &CUSTOMERS,
    &SALES,
    &HISTORY,
    &AUDIT,
];

/// The projection of a name.
pub(crate) fn named(name: &str) -> Option<&'static Projection> {
    ALL.iter()
        .copied()
        .find(|projection| projection.name == name)
}
