//! Requests become commands. Every field is looked at, and all violations go into one answer.

mod pools;

use std::{collections::BTreeMap, time::Duration};

use onsale_proto::{Money, name, v1};
use onsale_shared::{
    event::{Labels, StopMode},
    id::{ClaimId, PoolId, RequestId, TicketId},
    log::Version,
    money::{Amount, Currency, Minor},
    text::{InvalidText, Reference, Sentence},
};
use tonic_types::FieldViolation;

use crate::domain::conflicts::Precondition;

/// The most tickets of a pool.
pub const CAPACITY_MAX: i64 = 10_000_000;
/// The most tickets that `max_tickets_per_order` may allow.
pub const ORDER_TICKETS_MAX: u32 = 100;
/// `max_tickets_per_order` where it is unset.
pub const ORDER_TICKETS_DEFAULT: u32 = 4;
/// The most tickets that one grant may give away.
pub const GRANT_TICKETS_MAX: u32 = 500;
/// `max_tickets_per_customer` where it is unset, and `max_tickets_per_order` is not more.
pub const CUSTOMER_TICKETS_DEFAULT: u32 = 4;
/// `late_purchase_window` where it is unset.
pub const LATE_PURCHASE_WINDOW_DEFAULT: Duration = Duration::from_mins(15);
/// The longest `late_purchase_window`, in seconds.
pub const LATE_PURCHASE_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
/// `claim_duration` where it is unset.
pub const CLAIM_DURATION_DEFAULT: Duration = Duration::from_mins(10);
/// The longest `claim_duration`, in seconds.
pub const CLAIM_SECONDS_MAX: i64 = 24 * 60 * 60;
/// The shortest time that a command of a stream may ask for.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(1);
/// The longest time that a command of a stream may ask for.
pub const TIMEOUT_MAX: Duration = Duration::from_mins(10);
/// The most tickets that one request may name.
pub const NAMED_TICKETS_MAX: usize = 100;
/// The most labels.
pub const LABELS_MAX: usize = 16;
/// The most characters of a label's key and of its value.
pub const LABEL_CHARACTERS_MAX: usize = 63;
/// The most characters of `display_name`.
pub const DISPLAY_NAME_CHARACTERS_MAX: usize = 200;
/// The most characters of a promoter's `reason`.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// Collects what is wrong with a request. Each reader returns `None` exactly when it has noted a violation, or when an
/// optional field is unset.
#[derive(Debug, Default)]
pub struct Fields {
    violations: Vec<FieldViolation>,
}

impl Fields {
    /// Notes a violation of `field`.
    pub fn violate(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.violations
            .push(FieldViolation::new(field, description));
    }

    /// The violations, if there are any.
    #[must_use]
    pub fn into_violations(self) -> Vec<FieldViolation> {
        self.violations
    }

    fn note<T, E: std::fmt::Display>(&mut self, field: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.violate(field, error.to_string()))
            .ok()
    }

    /// A UUID made by the caller.
    pub fn request_id(&mut self, text: &str) -> Option<RequestId> {
        if text.is_empty() {
            self.violate("request_id", "is required");
            return None;
        }
        match text.parse::<RequestId>() {
            Ok(id) if !id.0.is_nil() => Some(id),
            Ok(_) => {
                self.violate("request_id", "must not be the nil UUID");
                None
            }
            Err(_) => {
                self.violate(
                    "request_id",
                    "must be a UUID, such as 6f1c0c1e-3e1f-4e58-9c39-0d6f0a3d3c11",
                );
                None
            }
        }
    }

    /// The id in `pools/{pool}`.
    pub fn pool(&mut self, field: &str, text: &str) -> Option<PoolId> {
        if text.is_empty() {
            self.violate(field, "is required");
            return None;
        }
        let Some(id) = name::parse_pool(text) else {
            self.violate(field, "must have the form pools/{pool}");
            return None;
        };
        self.pool_id(field, id)
    }

    /// A pool id alone.
    pub fn pool_id(&mut self, field: &str, text: &str) -> Option<PoolId> {
        if text.is_empty() {
            self.violate(field, "is required");
            return None;
        }
        self.note(field, PoolId::parse(text))
    }

    /// The ids in `pools/{pool}/claims/{claim}`.
    pub fn claim(&mut self, field: &str, text: &str) -> Option<(PoolId, ClaimId)> {
        if text.is_empty() {
            self.violate(field, "is required");
            return None;
        }
        let ids =
            name::parse_claim(text).and_then(|(pool, claim)| Some((pool, claim.parse().ok()?)));
        let Some((pool, claim)) = ids else {
            self.violate(
                field,
                "must have the form pools/{pool}/claims/{claim}, with a UUID as the claim",
            );
            return None;
        };
        Some((self.pool_id(field, pool)?, claim))
    }

    /// The pool that all tickets are of, as the first says; at least one ticket is required.
    pub fn pool_of_tickets(&mut self, texts: &[String]) -> Option<PoolId> {
        let Some(first) = texts.first() else {
            self.violate("tickets", "is required: 1 to 100 tickets of one pool");
            return None;
        };
        // Whether it is a ticket at all is said where tickets are read.
        let (pool, _) = name::parse_ticket(first)?;
        self.pool_id("tickets[0]", pool)
    }

    /// Tickets of `pool`, each once.
    pub fn tickets(&mut self, pool: Option<&PoolId>, texts: &[String]) -> Vec<TicketId> {
        if texts.len() > NAMED_TICKETS_MAX {
            self.violate(
                "tickets",
                format!(
                    "may name at most {NAMED_TICKETS_MAX} tickets, not {}",
                    texts.len()
                ),
            );
            return Vec::new();
        }
        let mut tickets: Vec<TicketId> = Vec::with_capacity(texts.len());
        for (text, index) in texts.iter().zip(0..) {
            let field = format!("tickets[{index}]");
            let parsed =
                name::parse_ticket(text).and_then(|(of, ticket)| Some((of, ticket.parse().ok()?)));
            match parsed {
                None => self.violate(
                    field,
                    "must have the form pools/{pool}/tickets/{ticket}, with a UUID as the ticket",
                ),
                Some((of, _)) if pool.is_some_and(|pool| pool.as_str() != of) => {
                    self.violate(field, "must be of the same pool as the rest");
                }
                Some((_, ticket)) if tickets.contains(&ticket) => {
                    self.violate(field, "is named twice");
                }
                Some((_, ticket)) => tickets.push(ticket),
            }
        }
        tickets
    }

    /// A required reference.
    pub fn reference(&mut self, field: &str, text: &str) -> Option<Reference> {
        self.note(field, Reference::parse(text))
    }

    /// A reference, if one is set.
    pub fn optional_reference(&mut self, field: &str, text: &str) -> Option<Reference> {
        self.optional(field, Reference::parse(text))
    }

    /// A sentence for people, if one is set.
    pub fn optional_sentence(&mut self, field: &str, text: &str, max: usize) -> Option<Sentence> {
        self.optional(field, Sentence::parse(text, max))
    }

    fn optional<T>(&mut self, field: &str, read: Result<T, InvalidText>) -> Option<T> {
        match read {
            Err(InvalidText::Empty) => None,
            read => self.note(field, read),
        }
    }

    /// The caller's labels.
    pub fn labels(&mut self, field: &str, labels: &BTreeMap<String, String>) -> Labels {
        if labels.len() > LABELS_MAX {
            self.violate(
                field,
                format!("may have at most {LABELS_MAX} labels, not {}", labels.len()),
            );
        }
        for (key, value) in labels {
            let mut letters = key.bytes();
            let begins_well = letters.next().is_some_and(|b| b.is_ascii_lowercase());
            let goes_on_well = letters
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
            if !begins_well || !goes_on_well || key.len() > LABEL_CHARACTERS_MAX {
                self.violate(field, format!("a key must be 1 to {LABEL_CHARACTERS_MAX} of [a-z0-9_-] and begin with a letter"));
            } else if value.len() > LABEL_CHARACTERS_MAX
                || !value.bytes().all(|b| b.is_ascii_graphic())
            {
                let limit =
                    format!("must have at most {LABEL_CHARACTERS_MAX} visible ASCII characters");
                self.violate(format!("{field}[{key}]"), limit);
            }
        }
        labels.clone()
    }

    /// A number of tickets in one order. How many the pool allows is the pool's to say.
    pub fn quantity(&mut self, quantity: u32) -> u32 {
        if quantity == 0 {
            self.violate("quantity", "must be at least 1");
        }
        quantity
    }

    /// As [`Self::quantity`], with a limit of its own.
    pub fn quantity_up_to(&mut self, quantity: u32, max: u32) -> u32 {
        if !(1..=max).contains(&quantity) {
            self.violate("quantity", format!("must be 1 to {max}, not {quantity}"));
        }
        quantity
    }

    /// How long a command of a stream may take, if it says.
    pub fn timeout(
        &mut self,
        field: &str,
        timeout: Option<&prost_types::Duration>,
    ) -> Option<Duration> {
        let timeout = Duration::try_from(*timeout?).ok();
        let timeout = timeout.filter(|timeout| (TIMEOUT_MIN..=TIMEOUT_MAX).contains(timeout));
        if timeout.is_none() {
            self.violate(field, "must be 1 ms to 10 min");
        }
        timeout
    }

    /// What a promoter says of the state that an edit was made on.
    pub fn precondition(&mut self, etag: &str, merge: bool) -> Precondition {
        if etag.is_empty() {
            if merge {
                self.violate(
                    "merge",
                    "needs an etag: the state that the edit was made on",
                );
            }
            return Precondition::NONE;
        }
        // As it was given out, and no other way to write the number.
        let version = etag.parse().ok().and_then(Version::new);
        let version = version.filter(|version| version.to_string() == etag);
        // What does not exist yet is edited by nobody.
        let version = version.filter(|version| *version != Version::START);
        if version.is_none() {
            self.violate("etag", "is not the etag of a pool");
        }
        Precondition {
            etag: version,
            merge,
        }
    }

    /// An amount, if one is set.
    pub fn money(&mut self, field: &str, money: Option<&Money>) -> Option<Amount> {
        let money = money?;
        let code = match Currency::parse(&money.currency_code) {
            Ok(code) => Some(code),
            Err(error) => {
                let text = match money.currency_code.as_str() {
                    "" => "is required".to_owned(),
                    _ => error.to_string(),
                };
                self.violate(format!("{field}.currency_code"), text);
                None
            }
        };
        let read = match code {
            Some(code) => Amount::from_units(code, money.units, money.nanos).map(Some),
            None => Amount::check_units(money.units, money.nanos).map(|()| None),
        };
        self.note(field, read)?
    }

    /// An amount that a promoter asks for a ticket. What tickets cost may be more, since demand raises it.
    pub fn price(&mut self, field: &str, money: Option<&Money>) -> Option<Amount> {
        let amount = self.money(field, money)?;
        if amount.minor > Minor::PRICE_MAX {
            self.violate(
                field,
                format!("must be at most {} minor units", Minor::PRICE_MAX.get()),
            );
            return None;
        }
        Some(amount)
    }

    /// What a stop does to live claims.
    pub fn stop_mode(&mut self, mode: i32) -> Option<StopMode> {
        match v1::StopMode::try_from(mode) {
            Ok(v1::StopMode::FinishClaims) => Some(StopMode::FinishClaims),
            Ok(v1::StopMode::VoidClaims) => Some(StopMode::VoidClaims),
            Ok(v1::StopMode::Unspecified) => {
                self.violate(
                    "mode",
                    "is required: STOP_MODE_FINISH_CLAIMS or STOP_MODE_VOID_CLAIMS",
                );
                None
            }
            Err(_) => {
                self.violate("mode", format!("{mode} is not a stop mode"));
                None
            }
        }
    }
}
