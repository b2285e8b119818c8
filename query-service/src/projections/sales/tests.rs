use onsale_shared::{
    id::EventId,
    log::{Position, RecordedEvent, StreamName, Version},
};

use super::*;

const CUSTOMER: &str = r#""claim":"00000000-0000-0000-0000-000000000001","ticket":"00000000-0000-0000-0000-000000000002","customer":"c""#;

/// An event at so many seconds.
pub(crate) fn entry(stream: &str, seconds: i64, kind: &str, data: &str) -> Entry {
    let time = Timestamp::from_micros(seconds * 1_000_000);
    Entry::new(RecordedEvent {
        position: Position::START.next(),
        stream: StreamName::from(stream),
        version: Version::START.next(),
        id: EventId(Default::default()),
        kind: kind.to_owned(),
        schema: 1,
        time,
        data: data.to_owned(),
        metadata: "{}".to_owned(),
        recorded_at: time,
    })
}

fn bought(pool: &str, seconds: i64, price: i64, granted: bool) -> Entry {
    let data = format!(
        r#"{{{CUSTOMER},"unit_price":{price},"expire_time":"2026-01-01T00:00:00Z","granted":{granted}}}"#
    );
    entry(&format!("pools/{pool}"), seconds, "TicketBought", &data)
}

fn refunded(pool: &str, seconds: i64, price: i64, granted: bool) -> Entry {
    let data = format!(r#"{{{CUSTOMER},"unit_price":{price},"granted":{granted}}}"#);
    entry(&format!("pools/{pool}"), seconds, "TicketRefunded", &data)
}

fn folded(entries: &[Entry]) -> Vec<(String, i64, i64, Sums)> {
    let entries: Vec<_> = entries.iter().collect();
    let mut rows: Vec<_> = fold(&entries)
        .unwrap()
        .into_iter()
        .map(|((pool, minute, price), sums)| {
            (
                pool.to_string(),
                minute.as_micros() / 1_000_000,
                price.get(),
                sums,
            )
        })
        .collect();
    rows.sort_by(|a, b| (&a.0, a.1, a.2).cmp(&(&b.0, b.1, b.2)));
    rows
}

#[test]
fn pools_minutes_and_prices_have_rows_of_their_own_and_a_batch_one_of_each() {
    let entries = [
        bought("abc", 60, 500, false),
        bought("abc", 119, 500, false),
        bought("abc", 120, 500, false),
        bought("abc", 119, 700, false),
        bought("xyz", 61, 500, false),
        refunded("abc", 125, 500, false),
    ];
    let sold = |tickets, price| Sums {
        tickets,
        revenue: i128::from(tickets * price),
        ..Sums::default()
    };
    let expected = [
        ("abc".to_owned(), 60, 500, sold(2, 500)),
        ("abc".to_owned(), 60, 700, sold(1, 700)),
        (
            "abc".to_owned(),
            120,
            500,
            Sums {
                refunded_tickets: 1,
                refunds: 500,
                ..sold(1, 500)
            },
        ),
        ("xyz".to_owned(), 60, 500, sold(1, 500)),
    ];
    assert_eq!(folded(&entries), expected);
}

#[test]
fn what_is_given_away_is_told_apart() {
    let entries = [
        bought("abc", 0, 0, true),
        refunded("abc", 0, 0, true),
        bought("abc", 0, 0, false),
    ];
    let expected = Sums {
        tickets: 1,
        granted_tickets: 1,
        refunded_granted_tickets: 1,
        ..Sums::default()
    };
    assert_eq!(folded(&entries), [("abc".to_owned(), 0, 0, expected)]);
}

#[test]
fn amounts_beyond_64_bits_are_exact() {
    let entries = [
        bought("abc", 0, i64::MAX, false),
        bought("abc", 0, i64::MAX, false),
    ];
    assert_eq!(folded(&entries)[0].3.revenue, 2 * i128::from(i64::MAX));
}

#[test]
fn only_what_is_needed_must_be_readable() {
    let unreadable = entry("pools/abc", 0, "PoolCreated", "{}");
    let unknown = entry("pools/abc", 0, "SomethingNew", "{}");
    let foreign = entry("shows/abc", 0, "TicketBought", "{}");
    assert_eq!(folded(&[unreadable, unknown, foreign]), []);
    let needed = entry("pools/abc", 0, "TicketBought", "{}");
    let blocked = fold(&[&needed]).unwrap_err();
    assert_eq!(blocked.position, needed.event.position);
}
