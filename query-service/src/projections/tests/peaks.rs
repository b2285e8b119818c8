//! A projection that nobody had thought of when the events were written, over an old log: the highest number of tickets
//! held at once, for each pool and hour.

use std::collections::HashMap;

use async_trait::async_trait;
use onsale_shared::{
    event::{Labels, PoolEvent, ReleaseCause, TicketBought, TicketClaimed, TicketReleased, encode},
    id::{ClaimId, PoolId, TicketId},
    log::Position,
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use sqlx::{
    PgConnection,
    types::chrono::{DateTime, Utc},
};

use super::given::{Given, event_id};
use crate::projections::{ApplyError, Entry, Projection, Projector, Table};

static PEAKS: Projection = Projection {
    name: "peaks",
    version: 1,
    tables_sql: "CREATE TABLE held (pool text COLLATE \"C\" PRIMARY KEY, tickets bigint NOT NULL, hour timestamptz NOT NULL); \
                 CREATE TABLE peaks (pool text COLLATE \"C\", hour timestamptz, tickets bigint NOT NULL, \
                                     PRIMARY KEY (pool, hour))",
    indexes_sql: "CREATE INDEX peaks_tickets_idx ON peaks (tickets)",
    tables: &[
        Table {
            name: "held",
            key: "pool",
        },
        Table {
            name: "peaks",
            key: "pool, hour",
        },
    ],
    projector: || Box::<Peaks>::default(),
};

const HOUR_MICROS: i64 = 3_600_000_000;

/// What is held of each pool that had an event since this began to write, and since which hour that is known.
#[derive(Default)]
struct Peaks(HashMap<PoolId, (i64, Timestamp)>);

#[async_trait]
impl Projector for Peaks {
    async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&Entry],
    ) -> Result<(), ApplyError> {
        let mut peaks: HashMap<(PoolId, Timestamp), i64> = HashMap::new();
        for entry in entries {
            let Some(pool) = &entry.pool else { continue };
            let change = match entry.fact()? {
                PoolEvent::TicketClaimed(_) => 1,
                PoolEvent::TicketBought(_) | PoolEvent::TicketReleased(_) => -1,
                PoolEvent::PoolCreated(_)
                | PoolEvent::ClaimExtended(_)
                | PoolEvent::TicketRefunded(_)
                | PoolEvent::SalesStopped(_)
                | PoolEvent::SalesResumed(_)
                | PoolEvent::PoolCancelled(_)
                | PoolEvent::CapacityChanged(_)
                | PoolEvent::PricingChanged(_)
                | PoolEvent::PoolRescheduled(_)
                | PoolEvent::LimitsChanged(_)
                | PoolEvent::CommandRefused(_) => 0,
            };
            let hour = hour_of(entry.event.time);
            let held = match self.0.get_mut(pool) {
                Some(held) => held,
                None => {
                    let there = known(connection, pool).await?.unwrap_or((0, hour));
                    self.0.entry(pool.clone()).or_insert(there)
                }
            };
            // What was held at the full hour was held in that hour, and in each hour since in which nothing happened.
            let mut since = held.1;
            while since < hour {
                since = Timestamp::from_micros(since.as_micros() + HOUR_MICROS);
                peaks.entry((pool.clone(), since)).or_insert(held.0);
            }
            *held = (held.0 + change, hour);
            let peak = peaks.entry((pool.clone(), hour)).or_insert(held.0);
            *peak = (*peak).max(held.0);
        }
        for ((pool, hour), tickets) in peaks {
            sqlx::query(
                "INSERT INTO peaks VALUES ($1, $2, $3) ON CONFLICT (pool, hour) \
                 DO UPDATE SET tickets = greatest(peaks.tickets, excluded.tickets)",
            )
            .bind(pool.as_str())
            .bind(hour.to_utc())
            .bind(tickets)
            .execute(&mut *connection)
            .await?;
        }
        for (pool, (tickets, hour)) in &self.0 {
            sqlx::query(
                "INSERT INTO held VALUES ($1, $2, $3) ON CONFLICT (pool) \
                 DO UPDATE SET (tickets, hour) = (excluded.tickets, excluded.hour)",
            )
            .bind(pool.as_str())
            .bind(tickets)
            .bind(hour.to_utc())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.0.clear();
    }
}

async fn known(
    connection: &mut PgConnection,
    pool: &PoolId,
) -> Result<Option<(i64, Timestamp)>, sqlx::Error> {
    let row: Option<(i64, DateTime<Utc>)> =
        sqlx::query_as("SELECT tickets, hour FROM held WHERE pool = $1")
            .bind(pool.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(tickets, hour)| (tickets, hour.into())))
}

fn hour_of(time: Timestamp) -> Timestamp {
    let micros = time.as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(HOUR_MICROS))
}

/// A log of long ago: so many tickets claimed, bought and released, at so many minutes after midnight.
async fn write(given: &Given, pool: &str, story: &[(i64, &str, usize)]) -> Position {
    let mut version = 0;
    let mut last = Position::START;
    for (minute, kind, count) in story {
        let time = Timestamp::from_micros(1_700_006_400_000_000 + minute * 60_000_000);
        let id = event_id().0;
        let (claim, ticket) = (ClaimId(id), TicketId(id));
        let customer = Reference::parse("somebody").unwrap();
        let unit_price = Minor::new(4_900).unwrap();
        let fact = match *kind {
            "claim" => PoolEvent::TicketClaimed(TicketClaimed {
                claim,
                ticket,
                customer,
                unit_price,
                pricing_version: 1,
                expire_time: time,
                reference: None,
                labels: Labels::new(),
                replaces: None,
                granted: false,
            }),
            "buy" => PoolEvent::TicketBought(TicketBought {
                claim,
                ticket,
                customer,
                unit_price,
                expire_time: time,
                payment_reference: None,
                granted: false,
                reason: None,
            }),
            _ => PoolEvent::TicketReleased(TicketReleased {
                claim,
                ticket,
                customer: Some(customer),
                cause: ReleaseCause::Customer,
                expire_time: time,
            }),
        };
        let fact = encode(&fact).unwrap();
        last = given.append_facts(pool, version, &fact, time, *count).await;
        version += i64::try_from(*count).unwrap();
    }
    last
}

#[tokio::test]
async fn a_new_projection_over_an_old_log_answers_what_nobody_asked_before() {
    let mut given = Given::new().await;
    // 0:10 +5, 0:50 +3 = 8, 1:05 −6 = 2, 1:30 +4 = 6, 4:00 −1 = 5.
    let story = [
        (10, "claim", 5),
        (50, "claim", 3),
        (65, "buy", 6),
        (90, "claim", 4),
        (240, "release", 1),
    ];
    write(&given, "arena", &story).await;
    let last = write(
        &given,
        "club",
        &[(59, "claim", 700), (61, "buy", 700), (119, "claim", 1)],
    )
    .await;
    let mut running = given.run(&PEAKS).await;
    running.reach(last).await;
    let expected = [("arena", [8, 8, 6, 6, 6]), ("club", [700, 700, 0, 0, 0])];
    for (pool, hours) in expected {
        for (hour, highest) in (0..).zip(hours) {
            let answer = format!(
                "SELECT coalesce((SELECT tickets FROM onsale_read.peaks WHERE pool = '{pool}' \
                    AND hour = to_timestamp(1700006400 + {hour} * 3600)), 0)"
            );
            assert_eq!(given.number(&answer).await, highest, "{pool} {hour}");
        }
    }
    // It is a projection as any other.
    let verified = given.builder(&PEAKS).await.verify().await.unwrap();
    assert!(!verified.differ(), "{verified}");
    drop(running);
    given.end().await;
}
