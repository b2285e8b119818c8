//! What the service measures of itself, in the text format of Prometheus. Without an exporter it measures nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use metrics::{Gauge, Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use onsale_shared::log::{LogClock, Position};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    availability::Hub,
    lag::LagWatch,
    projections::board::{Board, Known},
};

const MEMORY_POSITION: &str = "onsale_memory_position";
const MEMORY_BEHIND_SECONDS: &str = "onsale_memory_behind_seconds";
const PROJECTION_POSITION: &str = "onsale_projection_position";
const PROJECTION_BEHIND: &str = "onsale_projection_behind_events";
const PROJECTION_BEHIND_SECONDS: &str = "onsale_projection_behind_seconds";
const PROJECTION_BLOCKED: &str = "onsale_projection_blocked_position";

/// How often it is looked.
const INTERVAL: Duration = Duration::from_millis(500);

/// Serves what is measured on `address`, to `GET` of any path.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) fn export(address: SocketAddr) -> anyhow::Result<()> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
        .with_context(|| format!("metrics on {address}"))?;
    describe_gauge!(
        MEMORY_POSITION,
        Unit::Count,
        "The last position of the log that memory includes"
    );
    describe_gauge!(
        MEMORY_BEHIND_SECONDS,
        Unit::Seconds,
        "How long ago memory was last known to include the end of the log"
    );
    describe_gauge!(
        PROJECTION_POSITION,
        Unit::Count,
        "The last position of the log that the live tables of a projection include"
    );
    describe_gauge!(
        PROJECTION_BEHIND,
        Unit::Count,
        "How many positions the live tables of a projection are behind memory"
    );
    describe_gauge!(
        PROJECTION_BEHIND_SECONDS,
        Unit::Seconds,
        "For how long the live tables of a projection have been behind where memory was"
    );
    describe_gauge!(
        PROJECTION_BLOCKED,
        Unit::Count,
        "The position of the event that a projection cannot go past; 0 if there is none"
    );
    Ok(())
}

/// What is measured of one projection.
struct OfProjection {
    position: Gauge,
    behind: Gauge,
    behind_seconds: Gauge,
    lag: LagWatch,
    blocked: Gauge,
}

impl OfProjection {
    fn of(projection: &'static str) -> Self {
        Self {
            position: gauge!(PROJECTION_POSITION, "projection" => projection),
            behind: gauge!(PROJECTION_BEHIND, "projection" => projection),
            behind_seconds: gauge!(PROJECTION_BEHIND_SECONDS, "projection" => projection),
            lag: LagWatch::new(Instant::now()),
            blocked: gauge!(PROJECTION_BLOCKED, "projection" => projection),
        }
    }

    fn measure(&mut self, known: &Known, memory: Position) {
        let position = known.progress.position;
        self.position.set(float(position.get()));
        self.behind.set(float(memory.distance_from(position)));
        let behind = self.lag.look(memory, position, Instant::now());
        self.behind_seconds.set(behind.as_secs_f64());
        let blocked = known.blocked.as_ref();
        self.blocked
            .set(float(blocked.map_or(0, |blocked| blocked.position.get())));
    }
}

/// Measures until `stop`.
pub(crate) async fn keep_measuring(
    board: Arc<Board>,
    hub: Arc<Hub>,
    clock: LogClock,
    stop: CancellationToken,
) {
    let (memory, behind) = (gauge!(MEMORY_POSITION), gauge!(MEMORY_BEHIND_SECONDS));
    let names = board.all().map(|(name, _known)| name);
    let mut projections: Vec<_> = names.map(|name| (name, OfProjection::of(name))).collect();
    while !stop.is_cancelled() {
        let progress = hub.progress();
        let position = progress.position;
        memory.set(float(position.get()));
        behind.set(clock.now().since(progress.time).as_secs_f64());
        for (name, of) in &mut projections {
            of.measure(&board.get(name), position);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}
