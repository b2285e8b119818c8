//! `grpc.health.v1`: SERVING only while memory follows the log and nothing is too far behind it. Each projection has a
//! service name of its own, `onsale.v1.QueryService/projections/<name>`: `NOT_SERVING` if it is blocked, too far behind, or
//! of an older version than this program; that alone does not make the server `NOT_SERVING`.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::LogClock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

use super::Service;
use crate::{
    availability::Hub,
    lag::LagWatch,
    projections::{Projection, all::ALL, board::Board, pools::POOLS},
    readiness::{Observer, Readiness},
};

const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What health follows from.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) hub: Arc<Hub>,
    pub(crate) clock: LogClock,
    pub(crate) readiness: Observer,
    pub(crate) board: Arc<Board>,
    pub(crate) lag_max: Duration,
}

/// Says `NOT_SERVING`, of the whole server and of its service.
pub(crate) async fn not_serving(reporter: &HealthReporter) {
    report(reporter, ServingStatus::NotServing).await;
}

/// Looks and reports until `stop`; from then on, `NOT_SERVING`.
pub(crate) async fn keep_reporting(
    mut vitals: Vitals,
    reporter: HealthReporter,
    stop: CancellationToken,
) {
    let mut pools = LagWatch::new(Instant::now());
    let mut reported = ServingStatus::NotServing;
    let mut projections: Vec<_> = ALL.iter().map(|of| ProjectionHealth::of(of)).collect();
    while !stop.is_cancelled() {
        let status = vitals.look(&mut pools);
        if status != reported {
            report(&reporter, status).await;
            tracing::info!(health = %status, "health changed");
            reported = status;
        }
        for projection in &mut projections {
            projection.report(&vitals, &reporter).await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            Ok(()) = vitals.readiness.changed() => {}
        }
    }
    not_serving(&reporter).await;
    for projection in projections {
        let status = ServingStatus::NotServing;
        reporter
            .set_service_status(projection.service, status)
            .await;
    }
}

/// The health of one projection.
struct ProjectionHealth {
    projection: &'static Projection,
    /// The name that it is asked by.
    service: String,
    lag: LagWatch,
    reported: Option<ServingStatus>,
}

impl ProjectionHealth {
    fn of(projection: &'static Projection) -> Self {
        Self {
            projection,
            service: format!("{}/projections/{}", Service::NAME, projection.name),
            lag: LagWatch::new(Instant::now()),
            reported: None,
        }
    }

    async fn report(&mut self, vitals: &Vitals, reporter: &HealthReporter) {
        let known = vitals.board.get(self.projection.name);
        let memory = vitals.hub.progress().position;
        let lag = self
            .lag
            .look(memory, known.progress.position, Instant::now());
        let goes_on = known.version == self.projection.version && known.blocked.is_none();
        let status = if goes_on && lag <= vitals.lag_max {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        if self.reported != Some(status) {
            reporter.set_service_status(&self.service, status).await;
            tracing::info!(projection = self.projection.name, health = %status, "health of a projection changed");
            self.reported = Some(status);
        }
    }
}

async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in ["", Service::NAME] {
        reporter.set_service_status(service, status).await;
    }
}

impl Vitals {
    fn look(&self, pools: &mut LagWatch) -> ServingStatus {
        let memory = self.hub.progress();
        let memory_lag = self.clock.now().since(memory.time);
        let checkpoint = self.board.get(POOLS.name).progress.position;
        let pools_lag = pools.look(memory.position, checkpoint, Instant::now());
        let ready = *self.readiness.borrow() == Readiness::Ready;
        if ready && memory_lag.max(pools_lag) <= self.lag_max {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    }
}
