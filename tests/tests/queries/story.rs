//! A pool's events with times of the past, written behind the services' back: nothing that a command could do makes hours
//! go by.

use chrono::{DateTime, Utc};
use onsale_shared::{log::Position, token::ConsistencyToken};
use onsale_tests::database::TestDatabase;
use sqlx::Connection as _;
use uuid::Uuid;

/// Monday, 5 January 2026, 10:00: second 0 of every story.
pub(crate) const EPOCH: i64 = 1_767_607_200;

/// See the module. The pool is created at second 0.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) pool: String,
    /// Second, kind and data of each event.
    pub(crate) events: Vec<(i64, &'static str, String)>,
    /// Those that are sold, and what is the same in all of their events.
    tickets: Vec<String>,
}

impl Story {
    /// A pool of so many tickets with a price rule and further fields, as JSON.
    pub(crate) fn of(pool: &str, capacity: u32, pricing: &str, more: &str) -> Self {
        let data = format!(
            r#"{{"capacity":{capacity},"pricing":{pricing},"max_tickets_per_order":10,"claim_duration_ms":600000{more}}}"#
        );
        Self {
            pool: pool.to_owned(),
            events: vec![(0, "PoolCreated", data)],
            tickets: Vec::new(),
        }
    }

    pub(crate) fn event(&mut self, second: i64, kind: &'static str, data: &str) -> &mut Self {
        self.events.push((second, kind, data.to_owned()));
        self
    }

    /// Claims and buys a ticket at a price.
    pub(crate) fn sale(&mut self, second: i64, price: i64) -> &mut Self {
        self.sold(second, price, false)
    }

    /// Gives a ticket away.
    pub(crate) fn grant(&mut self, second: i64) -> &mut Self {
        self.sold(second, 0, true)
    }

    fn sold(&mut self, second: i64, price: i64, granted: bool) -> &mut Self {
        let ticket = Uuid::new_v4();
        let told = format!(
            r#""claim":"{ticket}","ticket":"{ticket}","customer":"c","unit_price":{price},"granted":{granted}"#
        );
        let data = format!(r#"{{{told},"expire_time":"2100-01-01T00:00:00Z"}}"#);
        self.tickets.push(told);
        self.event(second, "TicketClaimed", &data)
            .event(second, "TicketBought", &data)
    }

    /// Refunds the ticket that was sold so many sales ago; the last one is 0.
    pub(crate) fn refund(&mut self, second: i64, ago: usize) -> &mut Self {
        let told = self.tickets.remove(self.tickets.len() - 1 - ago);
        self.event(second, "TicketRefunded", &format!("{{{told}}}"))
    }

    /// Writes all events of it that are not in the log; the token that includes them.
    pub(crate) async fn record(&self, database: &TestDatabase) -> String {
        let mut connection = database.admin().await;
        let mut transaction = connection.begin().await.unwrap();
        sqlx::raw_sql("SELECT onsale_log.lock()")
            .execute(&mut *transaction)
            .await
            .unwrap();
        let times: Vec<DateTime<Utc>> = self.events.iter().map(|event| time(event.0)).collect();
        let kinds: Vec<_> = self.events.iter().map(|event| event.1).collect();
        let data: Vec<_> = self.events.iter().map(|event| &*event.2).collect();
        let position: i64 = sqlx::query_scalar(
            "WITH log AS (SELECT coalesce(max(position), 0) AS head, \
                                 coalesce(max(version) FILTER (WHERE stream = $1), 0) AS version \
                            FROM onsale_log.events), \
                  new AS ( \
             INSERT INTO onsale_log.events \
                    (position, version, event_id, time, recorded_at, schema, stream, type, data, metadata) \
             SELECT log.head + told.version - log.version, told.version, gen_random_uuid(), told.time, \
                    clock_timestamp(), 1, $1, told.kind, told.data::json, '{}' \
               FROM log, unnest($2::timestamptz[], $3::text[], $4::text[]) \
                         WITH ORDINALITY AS told (time, kind, data, version) \
              WHERE told.version > log.version RETURNING position) \
             SELECT max(position) FROM new",
        )
        .bind(format!("pools/{}", self.pool))
        .bind(times)
        .bind(kinds)
        .bind(data)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        ConsistencyToken::new(Position::new(position).unwrap()).encode()
    }
}

/// A second of a story.
pub(crate) fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(EPOCH + second, 0).unwrap()
}

/// A second of a story, as the contract has it.
pub(crate) const fn at(second: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp {
        seconds: EPOCH + second,
        nanos: 0,
    })
}
