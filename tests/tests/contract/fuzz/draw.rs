//! Values of fields: right ones, and of each kind those that somebody gets wrong.

use onsale_proto::{Money, name};
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use uuid::{Builder, Uuid};

use super::messages::World;

/// Draws values; of each, `faults` are wrong.
pub(super) struct Draw<'a> {
    pub(super) world: &'a World,
    pub(super) rng: &'a mut StdRng,
    pub(super) faults: f64,
}

const TEXTS: [&str; 24] = [
    "",
    " ",
    "/",
    "pools",
    "pools/",
    "pools//",
    "pools/../..",
    "pools/pool-0/claims",
    "pools/pool-0/claims/",
    "pools/pool-0/tickets/x",
    "a\0b",
    "\u{feff}",
    "Zoë",
    "日本",
    "🎫🎫",
    "\u{202e}abc",
    "'; DROP TABLE events; --",
    "${jndi:x}",
    "%s%n",
    "\\u0000",
    "{\"a\":1}",
    "null",
    "-1",
    "NaN",
];
const NUMBERS: [i64; 13] = [
    0,
    1,
    2,
    -1,
    3,
    100,
    101,
    10_000_001,
    4_294_967_296,
    1_000_000_000_000,
    i64::MAX,
    i64::MIN,
    253_402_300_800,
];

impl Draw<'_> {
    pub(super) fn fault(&mut self) -> bool {
        self.rng.random_bool(self.faults)
    }

    pub(super) fn one_in(&mut self, number: u32) -> bool {
        self.rng.random_ratio(1, number)
    }

    /// A text that is nothing.
    pub(super) fn text(&mut self) -> String {
        match self.rng.random_range(0..10) {
            0 => "x".repeat(self.rng.random_range(60..600)),
            1 => (0..self.rng.random_range(0..40))
                .map(|_| self.rng.random::<char>())
                .collect(),
            _ => (*TEXTS.choose(self.rng).expect("some")).to_owned(),
        }
    }

    pub(super) fn number<T: TryFrom<i64> + Copy>(&mut self, right: &[T]) -> T {
        if self.fault() {
            let wrong = *NUMBERS.choose(self.rng).expect("some");
            if let Ok(wrong) = T::try_from(wrong) {
                return wrong;
            }
        }
        *right.choose(self.rng).expect("some")
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    pub(super) fn request_id(&mut self) -> String {
        if self.fault() {
            return match self.rng.random_range(0..3) {
                0 => Uuid::nil().to_string(),
                1 => self.world.created.choose(self.rng).expect("some").1.clone(),
                _ => self.text(),
            };
        }
        // Of a few, so that some are met again with the same content or another.
        match self.rng.random_range(0..12) {
            0 => Uuid::from_u128(self.rng.random_range(1..200)).to_string(),
            _ => self.uuid().to_string(),
        }
    }

    pub(super) fn pool(&mut self) -> String {
        if self.fault() {
            return self.text();
        }
        match self.rng.random_range(0..12) {
            0 => format!("pools/unknown-{}", self.rng.random_range(0..50)),
            _ => name::pool(&self.world.created.choose(self.rng).expect("some").0),
        }
    }

    pub(super) fn customer(&mut self) -> String {
        if self.fault() {
            self.text()
        } else {
            format!("c{}", self.rng.random_range(0..9_999))
        }
    }

    pub(super) fn optional_text(&mut self) -> String {
        match (self.fault(), self.one_in(2)) {
            (true, _) => self.text(),
            (false, true) => String::new(),
            (false, false) => "cart-7".into(),
        }
    }

    pub(super) fn labels(&mut self) -> std::collections::BTreeMap<String, String> {
        let most = if self.fault() { 19 } else { 3 };
        let number = self.rng.random_range(0..most);
        (0..number)
            .map(|i| {
                let key = if self.fault() {
                    self.text()
                } else {
                    format!("key{i}")
                };
                let value = if self.fault() {
                    self.text()
                } else {
                    "v".into()
                };
                (key, value)
            })
            .collect()
    }

    pub(super) fn money(&mut self) -> Money {
        let currency_code = match self.fault() {
            true => (*["", "USD", "JPY", "XXX", "EURO", "€"]
                .choose(self.rng)
                .expect("some"))
            .into(),
            false => "EUR".into(),
        };
        Money {
            currency_code,
            units: self.number(&[50, 49, 60]),
            nanos: self.number(&[0, 990_000_000]),
        }
    }

    pub(super) fn max_unit_price(&mut self) -> Option<Money> {
        self.one_in(2).then(|| self.money())
    }

    pub(super) fn duration(&mut self) -> Option<prost_types::Duration> {
        let (seconds, nanos) = (self.number(&[1, 60]), self.number(&[0]));
        self.one_in(2)
            .then_some(prost_types::Duration { seconds, nanos })
    }

    /// Mostly none; else a version that a pool may have or not.
    pub(super) fn etag(&mut self) -> (String, bool) {
        let etag = match (self.fault(), self.one_in(3)) {
            (true, _) => self.text(),
            (false, true) => self.rng.random_range(1..3_000).to_string(),
            (false, false) => String::new(),
        };
        let merge = !etag.is_empty() && self.one_in(2);
        (etag, merge)
    }

    /// A time, or none.
    pub(super) fn time(&mut self, right: &[i64]) -> Option<prost_types::Timestamp> {
        self.one_in(2).then(|| prost_types::Timestamp {
            seconds: self.number(right),
            nanos: self.number(&[0]),
        })
    }
}
