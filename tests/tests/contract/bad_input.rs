//! Bad input: every violation in one answer, each with the exact path of its field, and nothing recorded.

mod orders;
mod pools;
mod pricing;
mod settings;
mod tickets;

use onsale_proto::Money;

/// An amount in euros that nobody should send.
fn amount(currency: &str, units: i64, nanos: i32) -> Option<Money> {
    Some(Money {
        currency_code: currency.to_owned(),
        units,
        nanos,
    })
}

/// Texts that are no reference: too long, with a space, a control character, a letter beyond ASCII.
fn no_references() -> [String; 5] {
    [
        "x".repeat(129),
        "a b".into(),
        "a\0".into(),
        "Müller".into(),
        "a\u{200b}".into(),
    ]
}

/// Texts that are no request id.
const NO_REQUEST_IDS: [&str; 6] = [
    "",
    "7",
    "not a uuid",
    "00000000-0000-0000-0000-000000000000",
    "6f1c0c1e-3e1f-4e58-9c39-0d6f0a3d3c1",
    "6f1c0c1e-3e1f-4e58-9c39-0d6f0a3d3c11 ",
];

/// Texts that are no name of a pool.
const NO_POOLS: [&str; 9] = [
    "",
    "abc",
    "pools/",
    "pools/ab",
    "pools/Abc",
    "pools/-abc",
    "pools/abc/claims/x",
    "shows/abc",
    "pools/abc\u{0}",
];
