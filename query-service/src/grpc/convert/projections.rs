//! Projections as the contract writes them.

use std::time::Duration;

use onsale_proto::v1;
use onsale_shared::log::Head;

use super::{timestamp, token};
use crate::{
    projections::all,
    queries::Projections,
    read_models::generations::{Generation, State},
};

/// All projections.
pub(in crate::grpc) fn projections(answer: &Projections) -> v1::GetProjectionsResponse {
    let told = answer.generations.iter();
    v1::GetProjectionsResponse {
        projections: told.map(|of| projection(of, answer.head)).collect(),
        head_position: answer.head.position.get(),
        consistency_token: token(answer.included()),
    }
}

fn projection(of: &Generation, head: Head) -> v1::Projection {
    let lag_events = head.position.distance_from(of.progress.position);
    let lag = match lag_events {
        0 => Duration::ZERO,
        _behind => head.time.since(of.progress.time),
    };
    let rate = of.events_per_second.filter(|_| of.state != State::Live);
    v1::Projection {
        name: of.projection.to_owned(),
        generation: of.number,
        version: of.version,
        state: state(of).into(),
        position: of.progress.position.get(),
        lag_events,
        lag: lag.try_into().ok(),
        as_of_time: Some(timestamp(of.progress.time)),
        blocked_position: of
            .blocked
            .as_ref()
            .map_or(0, |blocked| blocked.position.get()),
        blocked_reason: of
            .blocked
            .as_ref()
            .map_or_else(String::new, |blocked| blocked.reason.clone()),
        events_per_second: rate.unwrap_or_default(),
        time_left: rate.and_then(|rate| time_left(lag_events, rate)),
    }
}

fn state(of: &Generation) -> v1::ProjectionState {
    let version = all::named(of.projection).map_or(of.version, |code| code.version);
    match of.state {
        _ if of.blocked.is_some() => v1::ProjectionState::Blocked,
        State::Building => v1::ProjectionState::Building,
        State::Scratch => v1::ProjectionState::Verifying,
        State::Live if of.version < version => v1::ProjectionState::Outdated,
        State::Live => v1::ProjectionState::Live,
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "an estimate, for people"
)]
fn time_left(events: i64, rate: f64) -> Option<prost_types::Duration> {
    let left = Duration::try_from_secs_f64(events as f64 / rate).ok()?;
    left.try_into().ok()
}
