//! Reading claims and tickets: one claim whole, or lists by pool, customer, reference and state. Each list is read from
//! one index in the order of its pages; what else is asked is looked at row by row.

use onsale_shared::{
    id::{ClaimId, PoolId},
    log::Position,
    text::Reference,
    time::Timestamp,
};
use sqlx::{PgConnection, postgres::PgRow};

use super::{
    ClaimRow, ClaimState, TicketRow, TicketState,
    row::{claim_columns, claim_of, shown_state, ticket_columns, ticket_of},
};
use crate::queries::Page;

/// More tickets than a claim can have; a grant has 500 at most, and each can be replaced.
const CLAIM_TICKETS_MAX: i64 = 1_000;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A claim, and what became of it by a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownClaim {
    pub(crate) row: ClaimRow,
    pub(crate) state: ClaimState,
}

/// What claims are asked for. At least one of pool, customer and reference is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClaimFilter {
    pub(crate) pool: Option<PoolId>,
    pub(crate) customer: Option<Reference>,
    pub(crate) reference: Option<Reference>,
    pub(crate) state: Option<ClaimState>,
}

/// What tickets are asked for. At least one of pool and customer is given; with a claim, its pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TicketFilter {
    pub(crate) pool: Option<PoolId>,
    pub(crate) customer: Option<Reference>,
    pub(crate) claim: Option<ClaimId>,
    pub(crate) state: Option<TicketState>,
}

/// Since when a held claim is over by itself; `-infinity` if some of its tickets are over already. As the index
/// `claims_pool_deadline` has it.
macro_rules! over_since {
    () => {
        "(CASE WHEN c.voided = 0 AND c.expired = 0 THEN c.expire_time ELSE '-infinity' END)"
    };
}

/// Whether something voided it before its deadline; what had expired by then stays expired, swept or not.
macro_rules! is_void {
    () => {
        "EXISTS (SELECT FROM onsale_read.claim_voids v \
                  WHERE v.pool = c.pool AND v.position > c.alive_position AND v.time < c.expire_time)"
    };
}

/// The state by a moment: what is held is so until the deadline, or until something voids it. In SQL, since it is
/// filtered by; the command side's order of what fits first.
macro_rules! shown_state {
    ($now:literal) => {
        concat!(
            "CASE WHEN c.state <> 'HELD' THEN c.state \
                  WHEN ",
            over_since!(),
            " > ",
            $now,
            " AND NOT ",
            is_void!(),
            " THEN 'HELD' WHEN c.bought + c.refunded > 0 THEN 'BOUGHT' WHEN c.voided > 0 OR ",
            is_void!(),
            " THEN 'VOIDED' ELSE 'EXPIRED' END"
        )
    };
}

/// Claims by an index; `c` is the view.
macro_rules! claims_where {
    ($($first:expr),+) => {
        claims_of!("onsale_read.claims c", $($first),+)
    };
}

/// Claims, of those that are `c`; $1 is the key of the last row seen, $2 the limit, $3 the moment.
macro_rules! claims_of {
    ($claims:expr, $($first:expr),+) => {
        concat!(
            "SELECT ",
            claim_columns!(),
            ", ",
            shown_state!("$3"),
            " AS shown_state FROM ",
            $claims,
            " WHERE ",
            $($first,)+
            " AND c.position > $1 AND ($4::text IS NULL OR c.pool = $4) \
              AND ($5::text IS NULL OR c.customer = $5) AND ($6::text IS NULL OR c.reference = $6) \
              AND ($7::text IS NULL OR ",
            shown_state!("$3"),
            " = $7) ORDER BY c.position LIMIT $2"
        )
    };
}

/// Tickets by an index; `t` is the view, $1 the key of the last row seen, $2 the limit.
macro_rules! tickets_where {
    ($first:literal) => {
        concat!(
            "SELECT ",
            ticket_columns!(),
            " FROM onsale_read.tickets t WHERE ",
            $first,
            " AND t.position > $1 AND ($3::text IS NULL OR t.pool = $3) \
              AND ($4::text IS NULL OR t.customer = $4) AND ($5::uuid IS NULL OR t.claim = $5) \
              AND ($6::text IS NULL OR t.state = $6) ORDER BY t.position LIMIT $2"
        )
    };
}

const CLAIMS_BY_REFERENCE: &str = claims_where!("c.reference = $6");
const CLAIMS_BY_CUSTOMER: &str = claims_where!("c.customer = $5");
/// All states, or one in which none is shown that is stored in another: each by itself and in order.
const CLAIMS_BY_POOL: &str = concat!(
    "SELECT c.* FROM unnest($8::text[]) AS s (state) CROSS JOIN LATERAL (",
    claims_where!("c.pool = $4 AND c.state = s.state COLLATE \"C\""),
    ") c ORDER BY c.position LIMIT $2"
);

/// Before this, held claims may be void. What has expired is found by its deadline.
macro_rules! last_void {
    () => {
        "coalesce((SELECT max(v.position) FROM onsale_read.claim_voids v WHERE v.pool = $4 AND $7 <> 'EXPIRED'), 0)"
    };
}

/// Claims that are over in the state that is asked for: as their tickets say; or held, but void; or held, but past the
/// deadline. The last are few, since they are swept, and come by deadline, so they are all read (OFFSET 0 keeps them from
/// being looked for among all that are held), and put in order.
const CLAIMS_OVER_BY_POOL: &str = concat!(
    "SELECT c.* FROM ((",
    claims_where!("c.pool = $4 AND c.state = $7"),
    ") UNION ALL (",
    claims_where!(
        "c.pool = $4 AND c.state = 'HELD' AND c.position < ",
        last_void!()
    ),
    ") UNION ALL (",
    claims_of!(
        concat!(
            "(SELECT * FROM onsale_read.claims c WHERE c.pool = $4 AND c.state = 'HELD' AND ",
            over_since!(),
            " <= $3 OFFSET 0) c"
        ),
        "c.position >= ",
        last_void!()
    ),
    ")) c ORDER BY c.position LIMIT $2"
);

const TICKETS_BY_CLAIM: &str = tickets_where!("t.claim = $5");
const TICKETS_BY_CUSTOMER: &str = tickets_where!("t.customer = $4");
/// As [`CLAIMS_BY_POOL`].
const TICKETS_BY_POOL: &str = concat!(
    "SELECT t.* FROM unnest($7::text[]) AS s (state) CROSS JOIN LATERAL (",
    tickets_where!("t.pool = $3 AND t.state = s.state COLLATE \"C\""),
    ") t ORDER BY t.position LIMIT $2"
);

/// A claim as it is at `now`, with its tickets in the order in which they were claimed.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    pool: &PoolId,
    id: ClaimId,
    now: Timestamp,
) -> Result<Option<(ShownClaim, Vec<TicketRow>)>> {
    let sql = concat!(
        "SELECT ",
        claim_columns!(),
        ", ",
        shown_state!("$3"),
        " AS shown_state FROM onsale_read.claims c WHERE c.pool = $1 AND c.claim = $2"
    );
    let found = sqlx::query(sql)
        .bind(pool.as_str())
        .bind(id.0)
        .bind(now.to_utc())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let filter = TicketFilter {
        pool: Some(pool.clone()),
        claim: Some(id),
        ..TicketFilter::default()
    };
    let tickets = list_tickets(connection, &filter, Position::START, CLAIM_TICKETS_MAX).await?;
    Ok(Some((shown(&found)?, tickets)))
}

/// Whether there is such a claim.
pub(crate) async fn has_claim(
    connection: &mut PgConnection,
    pool: &PoolId,
    id: ClaimId,
) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM onsale_read.claims c WHERE c.pool = $1 AND c.claim = $2)",
    )
    .bind(pool.as_str())
    .bind(id.0)
    .fetch_one(connection)
    .await
}

/// Claims as they are at `now`, in the order in which they were made.
pub(crate) async fn claims(
    connection: &mut PgConnection,
    filter: &ClaimFilter,
    page: &Page<Position>,
    now: Timestamp,
) -> Result<Vec<ShownClaim>> {
    let after = page.after.unwrap_or(Position::START);
    let query = |sql: &'static str| {
        sqlx::query(sql)
            .bind(after.get())
            .bind(page.limit())
            .bind(now.to_utc())
            .bind(filter.pool.as_ref().map(PoolId::as_str))
            .bind(filter.customer.as_ref().map(Reference::as_str))
            .bind(filter.reference.as_ref().map(Reference::as_str))
            .bind(filter.state.map(ClaimState::as_str))
    };
    let query = if filter.reference.is_some() {
        query(CLAIMS_BY_REFERENCE)
    } else if filter.customer.is_some() {
        query(CLAIMS_BY_CUSTOMER)
    } else {
        match filter.state {
            Some(ClaimState::Bought | ClaimState::Expired | ClaimState::Voided) => {
                query(CLAIMS_OVER_BY_POOL)
            }
            Some(state @ (ClaimState::Held | ClaimState::Released)) => {
                query(CLAIMS_BY_POOL).bind(vec![state.as_str()])
            }
            None => {
                let states = ClaimState::ALL.iter().map(|state| state.as_str());
                query(CLAIMS_BY_POOL).bind(states.collect::<Vec<_>>())
            }
        }
    };
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(shown).collect()
}

/// Tickets, in the order in which they were claimed.
pub(crate) async fn tickets(
    connection: &mut PgConnection,
    filter: &TicketFilter,
    page: &Page<Position>,
) -> Result<Vec<TicketRow>> {
    let after = page.after.unwrap_or(Position::START);
    list_tickets(connection, filter, after, page.limit()).await
}

async fn list_tickets(
    connection: &mut PgConnection,
    filter: &TicketFilter,
    after: Position,
    limit: i64,
) -> Result<Vec<TicketRow>> {
    let query = |sql: &'static str| {
        sqlx::query(sql)
            .bind(after.get())
            .bind(limit)
            .bind(filter.pool.as_ref().map(PoolId::as_str))
            .bind(filter.customer.as_ref().map(Reference::as_str))
            .bind(filter.claim.map(|claim| claim.0))
            .bind(filter.state.map(TicketState::as_str))
    };
    let query = if filter.claim.is_some() {
        query(TICKETS_BY_CLAIM)
    } else if filter.customer.is_some() {
        query(TICKETS_BY_CUSTOMER)
    } else {
        let states = filter.state.as_slice();
        let states = if states.is_empty() {
            TicketState::ALL
        } else {
            states
        };
        let states: Vec<_> = states.iter().map(|state| state.as_str()).collect();
        query(TICKETS_BY_POOL).bind(states)
    };
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(ticket_of).collect()
}

fn shown(row: &PgRow) -> Result<ShownClaim> {
    Ok(ShownClaim {
        row: claim_of(row)?,
        state: shown_state(row)?,
    })
}
