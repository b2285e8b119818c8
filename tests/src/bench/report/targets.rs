//! The numbers to reach: ratios within one run, since the machine is another every time.

#![expect(
    clippy::float_arithmetic,
    reason = "figures for people; nothing is decided on them"
)]

use serde::Serialize;

use super::{
    Figures, Findings,
    figures::{ratio, real},
};
use crate::bench::{engines::Engine, scenarios::Scenario};

/// A number to reach.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// What is compared.
    pub name: &'static str,
    /// The bound.
    pub bound: f64,
    /// Whether less is better.
    pub at_most: bool,
    /// What was measured; none if it was not, or if more than one call in a hundred went wrong.
    pub value: Option<f64>,
    /// Whether that is good enough.
    pub reached: Option<bool>,
}

impl Target {
    fn at_least(name: &'static str, bound: f64, value: Option<f64>) -> Self {
        Self {
            name,
            bound,
            at_most: false,
            value,
            reached: value.map(|value| value >= bound),
        }
    }

    fn at_most(name: &'static str, bound: f64, value: Option<f64>) -> Self {
        Self {
            name,
            bound,
            at_most: true,
            value,
            reached: value.map(|value| value <= bound),
        }
    }
}

/// All, as far as they were measured.
#[must_use]
pub fn targets(findings: &Findings) -> Vec<Target> {
    let find = |scenario, engine: &str| {
        let figures = findings.figures(scenario, engine);
        figures.filter(|figures| figures.is_sound())
    };
    let rates = |one: Option<&Figures>, other: Option<&Figures>| one?.ratio(other?);
    let [onsale, naive, echo] =
        [Engine::Onsale, Engine::NaiveAtomicUpdate, Engine::Echo].map(Engine::name);
    let hot = |engine| find(Scenario::HotClaim, engine);
    let stream = hot(Engine::OnsaleStream.name());
    let (one, other) = (
        find(Scenario::Single, onsale),
        find(Scenario::Single, naive),
    );
    let single = one.zip(other);
    let quiet =
        find(Scenario::Quiet, "quiet, beside hot").zip(find(Scenario::Quiet, "quiet, alone"));
    let noted = |scenario, name: &str| {
        let mut notes = findings.notes.iter();
        let note = notes.find(|note| note.scenario == scenario && note.name.contains(name))?;
        Some(real(note.value) / 1_000.0)
    };
    vec![
        Target::at_least(
            "hot pool, ClaimTickets : naive-atomic-update",
            6.0,
            rates(hot(onsale), hot(naive)),
        ),
        Target::at_least(
            "hot pool, PurchaseTickets : naive-atomic-update",
            5.0,
            rates(
                find(Scenario::HotPurchase, onsale),
                find(Scenario::HotPurchase, naive),
            ),
        ),
        Target::at_least(
            "hot pool, ClaimTickets : echo",
            0.45,
            rates(hot(onsale), hot(echo)),
        ),
        Target::at_least(
            "Execute, hot pool, ClaimTickets : unary",
            2.5,
            rates(stream, hot(onsale)),
        ),
        Target::at_least(
            "Execute, hot pool : the append function alone, with ready batches of the same events",
            0.5,
            rates(stream, find(Scenario::Append, "append")),
        ),
        Target::at_least(
            "1,000 pools (Zipf), ClaimTickets : hot pool",
            0.8,
            rates(find(Scenario::ManyPools, onsale), hot(onsale)),
        ),
        Target::at_least(
            "SOLD_OUT : echo",
            0.6,
            rates(
                find(Scenario::SoldOut, onsale),
                find(Scenario::SoldOut, echo),
            ),
        ),
        Target::at_most(
            "one request in flight: p50 : that of a single naive UPDATE",
            1.8,
            single.and_then(|(onsale, naive)| ratio(onsale.p50_us, naive.p50_us)),
        ),
        Target::at_most(
            "p99 at 80 % of the highest rate, in ms",
            25.0,
            find(Scenario::Steady, onsale).map(|figures| real(figures.p99_us) / 1_000.0),
        ),
        Target::at_most(
            "p99 of a quiet pool beside a hot one : alone",
            3.0,
            quiet.and_then(|(beside, alone)| ratio(beside.p99_us, alone.p99_us)),
        ),
        Target::at_least(
            "two instances on the same hot pool : one alone",
            0.5,
            rates(
                find(Scenario::Instances, "two instances"),
                find(Scenario::Instances, "one instance"),
            ),
        ),
        Target::at_most(
            "100,000 voided tickets are released in the log, in s",
            10.0,
            noted(Scenario::Void, "released"),
        ),
        Target::at_least(
            "GetAvailability : echo",
            0.8,
            rates(
                find(Scenario::Reads, "GetAvailability"),
                find(Scenario::Reads, "echo"),
            ),
        ),
        Target::at_least(
            "GetPool : a bare SELECT by key",
            0.8,
            rates(
                find(Scenario::Reads, "GetPool"),
                find(Scenario::Reads, "bare SELECT"),
            ),
        ),
        Target::at_most(
            "a page of 100 tickets of one customer among 10 million: p99, in ms",
            10.0,
            find(Scenario::Pages, "ListTickets").map(|figures| real(figures.p99_us) / 1_000.0),
        ),
        Target::at_least(
            "rebuild of pools, in thousand events a second",
            150.0,
            noted(Scenario::Rebuild, "rebuild of pools"),
        ),
        Target::at_least(
            "rebuild of sales, in thousand events a second",
            150.0,
            noted(Scenario::Rebuild, "rebuild of sales"),
        ),
        Target::at_least(
            "rebuild of audit, in thousand events a second",
            30.0,
            noted(Scenario::Rebuild, "rebuild of audit"),
        ),
        Target::at_least(
            "command-service verify, in thousand events a second",
            200.0,
            noted(Scenario::Rebuild, "command-service verify"),
        ),
        Target::at_most(
            "2,000 purchases/s offered: p99 of the lag of pools, in ms",
            250.0,
            noted(Scenario::Lag, "pools: "),
        ),
        Target::at_most(
            "2,000 purchases/s offered: p99 of the lag of claims, in ms",
            1_000.0,
            noted(Scenario::Lag, "claims: "),
        ),
        Target::at_most(
            "2,000 purchases/s offered: p99 of the lag of audit, in ms",
            1_000.0,
            noted(Scenario::Lag, "audit: "),
        ),
        Target::at_most(
            "one of two instances killed: the longest time without a claim, in s",
            2.0,
            noted(Scenario::Failover, "killed"),
        ),
        Target::at_most(
            "append slowed by 20 ms, twice the load: p99 of what is accepted, in ms",
            120.0,
            noted(Scenario::Overload, "served"),
        ),
        Target::at_most(
            "append slowed by 20 ms, twice the load: p99 of what is shed, in ms",
            5.0,
            noted(Scenario::Overload, "shed"),
        ),
    ]
}
