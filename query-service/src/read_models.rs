//! The tables that queries are answered from, and all SQL on them.

pub(crate) mod audit;
pub(crate) mod claims;
pub(crate) mod compare;
pub(crate) mod customers;
mod decode;
pub(crate) mod generations;
pub(crate) mod history;
mod history_row;
mod history_write;
pub(crate) mod pools;
mod pools_list;
mod pools_row;
mod pools_write;
pub(crate) mod sales;
pub(crate) mod sales_export;
pub(crate) mod sales_report;
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

/// Whether PostgreSQL gave a statement up that took longer than it may (`query_canceled`).
pub(crate) fn is_canceled(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "57014")
}
