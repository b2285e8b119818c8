//! What the service measures of itself, in the text format of Prometheus.
//!
//! Each instrument is looked up once and kept, so that measuring costs a few nanoseconds. Without an exporter they
//! measure nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio_util::sync::CancellationToken;

use crate::pools::{Admission, Pools};

const COMMAND_SECONDS: &str = "onsale_command_seconds";
const APPEND_SECONDS: &str = "onsale_append_seconds";
const APPEND_EVENTS: &str = "onsale_append_events";
const CONFLICTS: &str = "onsale_conflicts_total";
const TAKE_OVERS: &str = "onsale_take_overs_total";
const WAITED_FOR: &str = "onsale_take_over_waited_for_batches";
const UNKNOWN_OUTCOMES: &str = "onsale_unknown_outcomes_total";
const CORRUPTED_POOLS: &str = "onsale_corrupted_pools_total";
const COMMANDS_WAITING: &str = "onsale_commands_waiting";
const POOLS_LOADED: &str = "onsale_pools_loaded";

/// How often gauges are looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// The upper bounds of times, in seconds.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1.0,
    2.5, 5.0,
];
/// The upper bounds of the events of an append.
const EVENTS: [f64; 10] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_500.0,
];
/// The upper bounds of the batches that a take-over waited for.
const BATCHES: [f64; 6] = [0.0, 1.0, 2.0, 3.0, 5.0, 10.0];

/// Serves what is measured on `address`, to `GET` of any path.
///
/// # Errors
/// The address cannot be listened on.
pub fn export(address: SocketAddr) -> anyhow::Result<()> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full(APPEND_EVENTS.into()), &EVENTS)
        })
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full(WAITED_FOR.into()), &BATCHES)
        })
        .and_then(PrometheusBuilder::install)
        .with_context(|| format!("metrics on {address}"))?;
    describe_histogram!(
        COMMAND_SECONDS,
        Unit::Seconds,
        "From the arrival of a command to its answer, by outcome: accepted, refused by a rule, invalid, shed for want of a place, late, or why it failed"
    );
    describe_histogram!(
        APPEND_SECONDS,
        Unit::Seconds,
        "How long an append took until its outcome was definite, by path: batch, or locked, under the lock of the log"
    );
    describe_histogram!(
        APPEND_EVENTS,
        Unit::Count,
        "How many events an append had, by path"
    );
    describe_counter!(
        CONFLICTS,
        "Batches whose pool another instance had changed meanwhile"
    );
    describe_counter!(
        TAKE_OVERS,
        "Batches decided under the lock of the log, after a conflict"
    );
    describe_histogram!(
        WAITED_FOR,
        Unit::Count,
        "How many batches of other instances for the pool came between asking for the lock of the log and getting it"
    );
    describe_counter!(
        UNKNOWN_OUTCOMES,
        "Batches of a pool whose append got no answer, by what was found when it was sent again: recorded, not recorded, or refused"
    );
    describe_counter!(
        CORRUPTED_POOLS,
        "Pools with an event that contradicts them, each time that one is met or loaded: it sells no more"
    );
    describe_gauge!(
        COMMANDS_WAITING,
        Unit::Count,
        "How many of the places for commands are taken"
    );
    describe_gauge!(POOLS_LOADED, Unit::Count, "How many pools are loaded");
    Ok(())
}

/// How commands end.
#[derive(Clone, Debug)]
pub struct CommandMetrics {
    accepted: Histogram,
    refused: Histogram,
    invalid: Histogram,
    shed: Histogram,
    late: Histogram,
    contention: Histogram,
    database_unavailable: Histogram,
    draining: Histogram,
    outcome_unknown: Histogram,
    internal: Histogram,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Recorded, or a repeat of what was.
    Accepted,
    /// A rule said no.
    Refused,
    /// It could not be read as a command.
    Invalid,
    /// There was no place for it.
    Shed,
    /// It waited until its deadline, and nothing of it was recorded.
    Late,
    /// Other instances changed its pool too fast.
    Contention,
    /// The log could not be reached.
    DatabaseUnavailable,
    /// The server was about to end.
    Draining,
    /// It was sent to the log, and the answer did not come in time.
    OutcomeUnknown,
    /// A defect.
    Internal,
}

impl Default for CommandMetrics {
    fn default() -> Self {
        let of = |outcome| histogram!(COMMAND_SECONDS, "outcome" => outcome);
        Self {
            accepted: of("accepted"),
            refused: of("refused"),
            invalid: of("invalid"),
            shed: of("shed"),
            late: of("late"),
            contention: of("contention"),
            database_unavailable: of("database_unavailable"),
            draining: of("draining"),
            outcome_unknown: of("outcome_unknown"),
            internal: of("internal"),
        }
    }
}

impl CommandMetrics {
    /// A command was answered so long after it arrived.
    pub fn answered(&self, outcome: CommandOutcome, after: Duration) {
        let histogram = match outcome {
            CommandOutcome::Accepted => &self.accepted,
            CommandOutcome::Refused => &self.refused,
            CommandOutcome::Invalid => &self.invalid,
            CommandOutcome::Shed => &self.shed,
            CommandOutcome::Late => &self.late,
            CommandOutcome::Contention => &self.contention,
            CommandOutcome::DatabaseUnavailable => &self.database_unavailable,
            CommandOutcome::Draining => &self.draining,
            CommandOutcome::OutcomeUnknown => &self.outcome_unknown,
            CommandOutcome::Internal => &self.internal,
        };
        histogram.record(after);
    }
}

/// How pools get along with the log.
#[derive(Clone, Debug)]
pub struct PoolMetrics {
    /// Batches whose pool another instance had changed.
    pub conflicts: Counter,
    /// Batches decided under the lock of the log.
    pub take_overs: Counter,
    /// For how many batches of other instances each of them waited.
    pub waited_for: Histogram,
    /// Appends under the lock.
    pub locked: AppendMetrics,
}

impl Default for PoolMetrics {
    fn default() -> Self {
        Self {
            conflicts: counter!(CONFLICTS),
            take_overs: counter!(TAKE_OVERS),
            waited_for: histogram!(WAITED_FOR),
            locked: AppendMetrics::of("locked"),
        }
    }
}

/// How appends go.
#[derive(Clone, Debug)]
pub struct AppendMetrics {
    seconds: Histogram,
    events: Histogram,
    recorded: Counter,
    not_recorded: Counter,
    refused: Counter,
}

impl AppendMetrics {
    /// Of the appends that go one way: `batch`, or `locked`.
    #[must_use]
    pub fn of(path: &'static str) -> Self {
        let unknown = |found| counter!(UNKNOWN_OUTCOMES, "found" => found);
        Self {
            seconds: histogram!(APPEND_SECONDS, "path" => path),
            events: histogram!(APPEND_EVENTS, "path" => path),
            recorded: unknown("recorded"),
            not_recorded: unknown("not_recorded"),
            refused: unknown("refused"),
        }
    }
}

/// What an append without an answer had done, as its repeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its events were in the log.
    Recorded,
    /// They were not, and are now.
    NotRecorded,
    /// They were not, and another instance's are in their place.
    Refused,
}

impl AppendMetrics {
    /// The outcome of an append is definite.
    pub fn settled(&self, events: u32, after: Duration) {
        self.seconds.record(after);
        self.events.record(events);
    }

    /// An unknown outcome was resolved.
    pub fn resolved(&self, found: Found) {
        let counter = match found {
            Found::Recorded => &self.recorded,
            Found::NotRecorded => &self.not_recorded,
            Found::Refused => &self.refused,
        };
        counter.increment(1);
    }
}

/// Looks until `stop` at what is not counted as it comes.
pub async fn keep_measuring(admission: Admission, pools: Arc<Pools>, stop: CancellationToken) {
    let (waiting, loaded) = (gauge!(COMMANDS_WAITING), gauge!(POOLS_LOADED));
    while !stop.is_cancelled() {
        waiting.set(float(admission.taken()));
        loaded.set(float(pools.loaded()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn float(number: usize) -> f64 {
    number as f64
}

/// An event contradicts its pool.
pub fn pool_corrupted() {
    counter!(CORRUPTED_POOLS).increment(1);
}
