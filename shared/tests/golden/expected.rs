//! What the cases of each type and schema version mean today.

use std::{collections::BTreeMap, time::Duration};

use onsale_shared::{
    event::{
        CapacityChanged, ClaimExtended, CommandRefused, EventType, Limits, LimitsChanged,
        PoolCancelled, PoolCreated, PoolEvent, PoolRescheduled, PricingChanged, ReleaseCause,
        SalesResumed, SalesStopped, Schedule, StopMode, TicketBought, TicketClaimed,
        TicketRefunded, TicketReleased,
    },
    id::{ClaimId, TicketId},
    money::{Amount, Currency, Minor},
    pricing::{DemandBasis, DemandStep, Interpolation, Pricing, TimeStep},
    text::{Reference, Sentence},
    time::Timestamp,
};
use uuid::Uuid;

/// What the cases of each type and schema version mean today.
pub(super) fn expected(kind: EventType, schema: i16) -> Vec<(&'static str, PoolEvent)> {
    match (kind, schema) {
        (EventType::PoolCreated, 1) => vec![
            ("full", pool_created()),
            ("rules", pool_created_with_rules()),
            (
                "least",
                PoolEvent::PoolCreated(PoolCreated {
                    display_name: None,
                    promoter: None,
                    show: None,
                    labels: BTreeMap::new(),
                    schedule: Schedule::default(),
                    capacity: 1,
                    pricing: fixed("JPY", 0),
                    limits: Limits {
                        max_tickets_per_order: 1,
                        claim_duration: Duration::from_secs(1),
                        ..no_limits()
                    },
                }),
            ),
        ],
        (EventType::TicketClaimed, 1) => vec![
            (
                "full",
                PoolEvent::TicketClaimed(TicketClaimed {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(2_550),
                    pricing_version: 1,
                    expire_time: deadline(),
                    reference: Some(reference("cart-9")),
                    labels: [("channel".to_owned(), "web".to_owned())].into(),
                    replaces: None,
                    granted: false,
                }),
            ),
            (
                "rules",
                PoolEvent::TicketClaimed(TicketClaimed {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(2_550),
                    pricing_version: 3,
                    expire_time: deadline(),
                    reference: None,
                    labels: BTreeMap::new(),
                    replaces: Some(other_ticket()),
                    granted: true,
                }),
            ),
            (
                "least",
                PoolEvent::TicketClaimed(TicketClaimed {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("c"),
                    unit_price: minor(0),
                    pricing_version: 1,
                    expire_time: Timestamp::from_micros(0),
                    reference: None,
                    labels: BTreeMap::new(),
                    replaces: None,
                    granted: false,
                }),
            ),
        ],
        (EventType::TicketBought, 1) => vec![
            (
                "full",
                PoolEvent::TicketBought(TicketBought {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(2_550),
                    expire_time: deadline(),
                    payment_reference: Some(reference("payment-3")),
                    granted: false,
                    reason: None,
                }),
            ),
            (
                "rules",
                PoolEvent::TicketBought(TicketBought {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("customer-1"),
                    unit_price: minor(0),
                    expire_time: deadline(),
                    payment_reference: None,
                    granted: true,
                    reason: Some(sentence("For the press")),
                }),
            ),
            (
                "least",
                PoolEvent::TicketBought(TicketBought {
                    claim: claim(),
                    ticket: ticket(),
                    customer: reference("c"),
                    unit_price: minor(0),
                    expire_time: Timestamp::from_micros(0),
                    payment_reference: None,
                    granted: false,
                    reason: None,
                }),
            ),
        ],
        (EventType::TicketReleased, 1) => [
            ("customer", ReleaseCause::Customer),
            ("expired", ReleaseCause::Expired),
            ("stopped", ReleaseCause::Stopped),
            ("operator", ReleaseCause::Operator),
            ("cancelled", ReleaseCause::Cancelled),
        ]
        .map(|(case, cause)| (case, released(cause, None)))
        .into_iter()
        .chain([("rules", released(ReleaseCause::Expired, Some("customer-1")))])
        .collect(),
        (EventType::CommandRefused, 1) => vec![
            (
                "full",
                refused("ClaimTickets", "SOLD_OUT", Some("customer-1")),
            ),
            ("least", refused("BuyTickets", "CLAIM_EXPIRED", None)),
        ],
        (EventType::SalesStopped, 1) => vec![
            (
                "full",
                PoolEvent::SalesStopped(SalesStopped {
                    mode: StopMode::VoidClaims,
                    reason: Some(sentence("A pipe burst in the hall")),
                }),
            ),
            (
                "least",
                PoolEvent::SalesStopped(SalesStopped {
                    mode: StopMode::FinishClaims,
                    reason: None,
                }),
            ),
        ],
        (EventType::SalesResumed, 1) => vec![
            (
                "full",
                PoolEvent::SalesResumed(SalesResumed {
                    reason: Some(sentence("The pipe is mended")),
                }),
            ),
            (
                "least",
                PoolEvent::SalesResumed(SalesResumed { reason: None }),
            ),
        ],
        (EventType::ClaimExtended, 1) => vec![(
            "least",
            PoolEvent::ClaimExtended(ClaimExtended {
                claim: claim(),
                customer: reference("customer-1"),
                old_expire_time: deadline(),
                expire_time: show_time(),
                held: 2,
            }),
        )],
        (EventType::TicketRefunded, 1) => vec![
            (
                "full",
                PoolEvent::TicketRefunded(TicketRefunded {
                    granted: true,
                    reason: Some(sentence("The customer is ill")),
                    ..refunded()
                }),
            ),
            ("least", PoolEvent::TicketRefunded(refunded())),
        ],
        (EventType::PoolCancelled, 1) => vec![
            ("full", cancelled(Some("The singer is ill"))),
            ("least", cancelled(None)),
        ],
        (EventType::CapacityChanged, 1) => vec![(
            "least",
            PoolEvent::CapacityChanged(CapacityChanged { capacity: 12_000 }),
        )],
        (EventType::PricingChanged, 1) => vec![
            (
                "full",
                PoolEvent::PricingChanged(PricingChanged { pricing: moving() }),
            ),
            (
                "least",
                PoolEvent::PricingChanged(PricingChanged {
                    pricing: fixed("KWD", 1_500),
                }),
            ),
        ],
        (EventType::PoolRescheduled, 1) => vec![
            (
                "full",
                PoolEvent::PoolRescheduled(PoolRescheduled {
                    schedule: schedule(),
                }),
            ),
            (
                "least",
                PoolEvent::PoolRescheduled(PoolRescheduled {
                    schedule: Schedule::default(),
                }),
            ),
        ],
        (EventType::LimitsChanged, 1) => vec![
            (
                "full",
                PoolEvent::LimitsChanged(LimitsChanged { limits: limits() }),
            ),
            (
                "least",
                PoolEvent::LimitsChanged(LimitsChanged {
                    limits: no_limits(),
                }),
            ),
        ],
        (kind, schema) => panic!("say here what golden/{}.{schema}.json means", kind.as_str()),
    }
}

fn pool_created() -> PoolEvent {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    PoolEvent::PoolCreated(PoolCreated {
        display_name: Some(sentence("Träume – opening night")),
        promoter: Some(reference("promoter-7")),
        show: Some(reference("show-1")),
        labels: [label("hall", "main"), label("tour", "ünicode")].into(),
        schedule: Schedule {
            show_time: Some(show_time()),
            ..Schedule::default()
        },
        capacity: 10_000_000,
        pricing: fixed("EUR", Minor::PRICE_MAX.get()),
        limits: no_limits(),
    })
}

/// As of before there were limits per customer and late payments.
fn no_limits() -> Limits {
    Limits {
        max_tickets_per_order: 4,
        max_tickets_per_customer: u32::MAX,
        claim_duration: Duration::from_mins(10),
        late_purchase_window: Duration::ZERO,
    }
}

fn limits() -> Limits {
    Limits {
        max_tickets_per_customer: 6,
        late_purchase_window: Duration::from_mins(15),
        ..no_limits()
    }
}

fn schedule() -> Schedule {
    Schedule {
        show_time: Some(show_time()),
        sales_start_time: Some(Timestamp::from_micros(1_795_000_000_000_000)),
        sales_end_time: Some(Timestamp::from_micros(1_803_925_800_000_000)),
    }
}

fn show_time() -> Timestamp {
    Timestamp::from_micros(1_803_929_400_000_000)
}

fn fixed(currency: &str, units: i64) -> Pricing {
    Pricing::fixed(Amount {
        currency: Currency::parse(currency).unwrap(),
        minor: minor(units),
    })
}

fn moving() -> Pricing {
    Pricing {
        floor_price: minor(2_000),
        cap_price: Some(minor(9_999)),
        demand_steps: vec![
            DemandStep {
                sold_percent: 0,
                change_basis_points: 0,
            },
            DemandStep {
                sold_percent: 80,
                change_basis_points: 5_000,
            },
        ],
        demand_basis: DemandBasis::Committed,
        time_steps: vec![TimeStep {
            before_show: Duration::from_hours(72),
            change_basis_points: -1_500,
        }],
        interpolation: Interpolation::Linear,
        ..fixed("EUR", 4_999)
    }
}

/// With all that was added after the first files were written.
fn pool_created_with_rules() -> PoolEvent {
    let PoolEvent::PoolCreated(created) = pool_created() else {
        unreachable!("pool_created() creates")
    };
    PoolEvent::PoolCreated(PoolCreated {
        schedule: schedule(),
        pricing: moving(),
        limits: limits(),
        ..created
    })
}

fn cancelled(reason: Option<&str>) -> PoolEvent {
    let reason = reason.map(sentence);
    PoolEvent::PoolCancelled(PoolCancelled { reason })
}

fn refused(command: &str, reason: &str, customer: Option<&str>) -> PoolEvent {
    PoolEvent::CommandRefused(CommandRefused {
        command: command.to_owned(),
        reason: reason.to_owned(),
        customer: customer.map(reference),
    })
}

fn released(cause: ReleaseCause, customer: Option<&str>) -> PoolEvent {
    PoolEvent::TicketReleased(TicketReleased {
        claim: claim(),
        ticket: ticket(),
        customer: customer.map(reference),
        cause,
        expire_time: deadline(),
    })
}

fn refunded() -> TicketRefunded {
    TicketRefunded {
        claim: claim(),
        ticket: ticket(),
        customer: reference("customer-1"),
        unit_price: minor(2_550),
        granted: false,
        reason: None,
    }
}

fn claim() -> ClaimId {
    ClaimId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_c1a1))
}

fn ticket() -> TicketId {
    TicketId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_001c))
}

fn other_ticket() -> TicketId {
    TicketId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_002d))
}

fn deadline() -> Timestamp {
    Timestamp::from_micros(1_795_005_400_000_007)
}

fn minor(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn sentence(text: &str) -> Sentence {
    Sentence::parse(text, 200).unwrap()
}
