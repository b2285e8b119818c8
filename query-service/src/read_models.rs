//! The tables that queries are answered from, and all SQL on them.

pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod generations;
pub(crate) mod pools;
mod pools_row;
mod pools_write;
pub(crate) mod snapshot;
mod views;

/// Whether a row is there but is not what this version writes: a defect, not an outage.
pub(crate) fn is_unreadable(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound
    )
}
