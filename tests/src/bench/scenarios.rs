//! What is measured, a scenario a file.

pub mod append;
pub mod contest;
pub mod expiry;
pub mod failover;
pub mod frames;
pub mod instances;
pub mod lag;
pub mod lapse;
pub mod memory;
pub mod overload;
pub mod pages;
pub mod quiet;
pub mod reads;
pub mod rebuild;
pub mod steady;
pub mod void;
pub mod watchers;

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::{
    load::Timing,
    report::{Findings, progress},
};

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Everybody claims from one pool
    HotClaim,
    /// Everybody purchases from one pool: two events each
    HotPurchase,
    /// Claims from 1,000 pools, some much more popular than others (Zipf)
    ManyPools,
    /// Everybody asks for the pool that is sold out
    SoldOut,
    /// One request in flight
    Single,
    /// 80 % of the highest rate, in an open loop
    Steady,
    /// Half of all claims are bought, half lapse, and their places are claimed again
    Lapse,
    /// Claims while 1,000 subscribers watch the pool
    Watchers,
    /// A quiet pool, alone and beside a hot one
    Quiet,
    /// The append function alone, with ready batches
    Append,
    /// Two instances on the same hot pool
    Instances,
    /// Two instances on the same hot pool: their turns, and how soon one goes on when the other is killed
    Failover,
    /// Twice the load that can be served, with an append that takes 20 ms longer
    Overload,
    /// Reads of one pool, from memory beside an echo, from its table beside a bare SELECT
    Reads,
    /// Pages of 100 tickets of one customer among ten million
    Pages,
    /// How fast read models are filled from a log
    Rebuild,
    /// How far read models are behind under 2,000 purchases a second
    Lag,
    /// From the acknowledgement of a command to a subscriber's frame
    Frames,
    /// What sales feel of ten thousand claims that end at once
    Expiry,
    /// 1,000 claims of 100 tickets, voided at once
    Void,
    /// Memory after the start
    Memory,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Settings {
    /// How often each engine has its turn; medians count.
    pub rounds: usize,
    /// Of each turn, in milliseconds.
    pub warm_up_ms: u64,
    /// Of each turn, in milliseconds.
    pub span_ms: u64,
    /// Calls in flight, unless a scenario says otherwise.
    pub in_flight: usize,
    /// As many connections carry them.
    pub connections: usize,
    /// Samples of the latency from acknowledgement to frame.
    pub frames: usize,
}

impl Settings {
    /// A run whose figures may be quoted.
    pub const WHOLE: Self = Self {
        rounds: 3,
        warm_up_ms: 1_000,
        span_ms: 3_000,
        in_flight: 256,
        connections: 4,
        frames: 1_000,
    };
    /// A look, in about three minutes.
    pub const QUICK: Self = Self {
        rounds: 1,
        warm_up_ms: 300,
        span_ms: 1_200,
        frames: 100,
        ..Self::WHOLE
    };

    /// How long a turn runs.
    #[must_use]
    pub const fn timing(&self) -> Timing {
        Timing {
            warm_up: Duration::from_millis(self.warm_up_ms),
            span: Duration::from_millis(self.span_ms),
        }
    }
}

impl Scenario {
    /// What a look leaves out: it takes a minute by itself.
    pub const NOT_QUICK: Self = Self::Expiry;

    /// Its name, in tables and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HotClaim => "hot-claim",
            Self::HotPurchase => "hot-purchase",
            Self::ManyPools => "many-pools",
            Self::SoldOut => "sold-out",
            Self::Single => "single",
            Self::Steady => "steady",
            Self::Lapse => "lapse",
            Self::Watchers => "watchers",
            Self::Quiet => "quiet",
            Self::Append => "append",
            Self::Instances => "instances",
            Self::Failover => "failover",
            Self::Overload => "overload",
            Self::Reads => "reads",
            Self::Pages => "pages",
            Self::Rebuild => "rebuild",
            Self::Lag => "lag",
            Self::Frames => "frames",
            Self::Expiry => "expiry",
            Self::Void => "void",
            Self::Memory => "memory",
        }
    }

    /// Measures it.
    ///
    /// # Errors
    /// Something does not start, or the measurement itself fails.
    pub async fn run(self, settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
        progress(self.name());
        match self {
            Self::HotClaim | Self::HotPurchase | Self::ManyPools | Self::SoldOut | Self::Single => {
                contest::run(self, settings, findings).await
            }
            Self::Steady => steady::run(settings, findings).await,
            Self::Lapse => lapse::run(settings, findings).await,
            Self::Watchers => watchers::run(settings, findings).await,
            Self::Quiet => quiet::run(settings, findings).await,
            Self::Append => append::run(settings, findings).await,
            Self::Instances => instances::run(settings, findings).await,
            Self::Failover => failover::run(settings, findings).await,
            Self::Overload => overload::run(settings, findings).await,
            Self::Reads => reads::run(settings, findings).await,
            Self::Pages => pages::run(settings, findings).await,
            Self::Rebuild => rebuild::run(settings, findings).await,
            Self::Lag => lag::run(settings, findings).await,
            Self::Frames => frames::run(settings, findings).await,
            Self::Expiry => expiry::run(settings, findings).await,
            Self::Void => void::run(findings).await,
            Self::Memory => memory::run(findings).await,
        }
    }
}
