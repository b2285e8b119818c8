//! Lists of `pools`, in the order of their names. Each is read by the index that finds the fewest; what else is asked is
//! looked at row by row.

use onsale_shared::{id::PoolId, text::Reference, time::Timestamp};
use sqlx::PgConnection;

use super::{pools::columns, pools_row::pool_of};
use crate::{pool::Pool, queries::Page};

/// What pools are asked for; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PoolFilter {
    pub(crate) state: Option<PoolState>,
    pub(crate) promoter: Option<Reference>,
    pub(crate) show: Option<Reference>,
    /// With this show time or a later one.
    pub(crate) show_time_from: Option<Timestamp>,
    /// With an earlier show time than this.
    pub(crate) show_time_before: Option<Timestamp>,
}

/// Whether a pool sells; what an operator must look at comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolState {
    Active,
    Stopped,
    Cancelled,
    Corrupted,
}

impl PoolState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Stopped => "STOPPED",
            Self::Cancelled => "CANCELLED",
            Self::Corrupted => "CORRUPTED",
        }
    }
}

/// Pools by an index; $1 is the key of the last row seen, $2 the limit.
macro_rules! pools_where {
    ($first:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM onsale_read.pools p WHERE ",
            $first,
            " AND p.pool > $1 \
              AND ($3::text IS NULL OR p.promoter = $3) AND ($4::text IS NULL OR p.show = $4) \
              AND ($5::timestamptz IS NULL OR p.show_time >= $5) \
              AND ($6::timestamptz IS NULL OR p.show_time < $6) \
              AND ($7::text IS NULL OR $7 = CASE WHEN p.corrupted THEN 'CORRUPTED' \
                                                 WHEN p.cancelled THEN 'CANCELLED' \
                                                 WHEN p.stop_mode IS NOT NULL THEN 'STOPPED' \
                                                 ELSE 'ACTIVE' END) \
            ORDER BY p.pool LIMIT $2"
        )
    };
}

const ALL: &str = pools_where!("true");
const OF_PROMOTER: &str = pools_where!("p.promoter = $3");
const OF_SHOW: &str = pools_where!("p.show = $4");
const NOT_SELLING: &str = pools_where!("(p.corrupted OR p.cancelled OR p.stop_mode IS NOT NULL)");
const AT_SHOW_TIME: &str = pools_where!(
    "p.show_time >= coalesce($5::timestamptz, '-infinity') \
     AND p.show_time < coalesce($6::timestamptz, 'infinity')"
);

/// Pools.
pub(crate) async fn list(
    connection: &mut PgConnection,
    filter: &PoolFilter,
    page: &Page<PoolId>,
) -> Result<Vec<Pool>, sqlx::Error> {
    let is_timed = filter.show_time_from.is_some() || filter.show_time_before.is_some();
    let sql = match filter.state {
        _ if filter.show.is_some() => OF_SHOW,
        _ if filter.promoter.is_some() => OF_PROMOTER,
        Some(PoolState::Stopped | PoolState::Cancelled | PoolState::Corrupted) => NOT_SELLING,
        Some(PoolState::Active) | None if is_timed => AT_SHOW_TIME,
        Some(PoolState::Active) | None => ALL,
    };
    let rows = sqlx::query(sql)
        .bind(page.after.as_ref().map_or("", PoolId::as_str))
        .bind(page.limit())
        .bind(filter.promoter.as_ref().map(Reference::as_str))
        .bind(filter.show.as_ref().map(Reference::as_str))
        .bind(filter.show_time_from.map(Timestamp::to_utc))
        .bind(filter.show_time_before.map(Timestamp::to_utc))
        .bind(filter.state.map(PoolState::as_str))
        .fetch_all(connection)
        .await?;
    rows.iter().map(pool_of).collect()
}
