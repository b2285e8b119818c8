//! What is asked, as types, or every violation in one answer. Shapes only: whether a pool exists is not asked here.

mod claims;
mod events;
mod history;
mod list_pools;
mod quote;
mod refusals;
mod sales;

use std::{collections::HashSet, time::Duration};

use onsale_proto::{name, status::RichStatus, v1};
use onsale_shared::{id::PoolId, log::Position, time::Timestamp, token::ConsistencyToken};
use tonic::Status;
use tonic_types::FieldViolation;

use super::resume::{self, Fingerprint};
use crate::availability::Progress;

pub(super) use claims::{customer_history, get_claim, list_claims, list_tickets};
pub(super) use events::{read_events, subscribe_events, trace_event};
pub(super) use history::{get_pool_as_of, list_price_changes};
pub(super) use list_pools::list_pools;
pub(super) use quote::quote_price;
pub(super) use refusals::list_refusals;
pub(super) use sales::{export_sales_report, get_sales_report};

/// The most pools of one stream.
const POOLS_MAX: usize = 100;
const MIN_INTERVAL_DEFAULT: Duration = Duration::from_millis(100);
const MIN_INTERVAL_MIN: Duration = Duration::from_millis(20);
const MIN_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// A read of one pool.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OnePool {
    pub(super) pool: PoolId,
    pub(super) required: Position,
}

/// A stream of pools.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ManyPools {
    pub(super) pools: Vec<PoolId>,
    pub(super) fingerprint: Fingerprint,
    pub(super) min_interval: Duration,
    pub(super) required: Position,
    pub(super) seen: Option<Progress>,
}

pub(super) fn get_pool(request: &v1::GetPoolRequest) -> Result<OnePool, Violations> {
    one_pool("name", &request.name, &request.at_least_as_fresh)
}

pub(super) fn get_availability(
    request: &v1::GetAvailabilityRequest,
) -> Result<OnePool, Violations> {
    one_pool("pool", &request.pool, &request.at_least_as_fresh)
}

fn one_pool(field: &str, name: &str, token: &str) -> Result<OnePool, Violations> {
    let mut violations = Violations::default();
    let pool = violations.take(field, pool(name));
    let required = violations.take("at_least_as_fresh", required(token));
    match (pool, required) {
        (Some(pool), Some(required)) => Ok(OnePool { pool, required }),
        _ => Err(violations),
    }
}

pub(super) fn watch_availability(
    request: &v1::WatchAvailabilityRequest,
) -> Result<ManyPools, Violations> {
    let mut violations = Violations::default();
    let pools = violations.pools(&request.pools);
    let min_interval = violations.take("min_interval", min_interval(request.min_interval.as_ref()));
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    // Which stream a token belongs to can be said only of pools that are right.
    let fingerprint = pools.as_deref().map(Fingerprint::of);
    let token = Some(request.resume_token.as_str()).filter(|token| !token.is_empty());
    let seen = token.zip(fingerprint);
    let seen = seen.map(|(token, pools)| resume::decode(pools, token).map_err(|e| e.to_string()));
    let seen = violations.take("resume_token", seen.transpose());
    match (pools, fingerprint, min_interval, required, seen) {
        (Some(pools), Some(fingerprint), Some(min_interval), Some(required), Some(seen)) => {
            Ok(ManyPools {
                pools,
                fingerprint,
                min_interval,
                required,
                seen,
            })
        }
        _ => Err(violations),
    }
}

pub(super) fn get_projections(request: &v1::GetProjectionsRequest) -> Result<Position, Violations> {
    let mut violations = Violations::default();
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    required.ok_or(violations)
}

/// What is wrong with a request, field by field.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<FieldViolation>);

impl Violations {
    /// The value, or one more violation.
    pub(super) fn take<T>(&mut self, field: &str, value: Result<T, String>) -> Option<T> {
        value
            .map_err(|description| self.0.push(FieldViolation::new(field, description)))
            .ok()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pools(&mut self, names: &[String]) -> Option<Vec<PoolId>> {
        let number = match names.len() {
            0 => Err("is required".to_owned()),
            actual if actual > POOLS_MAX => {
                Err(format!("must name at most {POOLS_MAX} pools, not {actual}"))
            }
            _ => Ok(()),
        };
        let mut good = self.take("pools", number).is_some();
        let mut pools = Vec::with_capacity(names.len().min(POOLS_MAX));
        let mut known = HashSet::new();
        // A limit on what is looked at is a limit on the answer.
        for (index, name) in names.iter().take(POOLS_MAX).enumerate() {
            let unique = |pool: PoolId| {
                let unique = known.insert(pool.clone());
                unique
                    .then_some(pool)
                    .ok_or_else(|| "is named twice".to_owned())
            };
            let pool = self.take(&format!("pools[{index}]"), pool(name).and_then(unique));
            good &= pool.is_some();
            pools.extend(pool);
        }
        good.then_some(pools)
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        RichStatus::invalid(violations.0).into()
    }
}

fn pool(resource: &str) -> Result<PoolId, String> {
    if resource.is_empty() {
        return Err("is required".to_owned());
    }
    let id = name::parse_pool(resource).ok_or("must have the form pools/{pool}")?;
    PoolId::parse(id).map_err(|error| format!("has a pool id that {error}"))
}

fn required(token: &str) -> Result<Position, String> {
    if token.is_empty() {
        return Ok(Position::START);
    }
    match ConsistencyToken::decode(token) {
        Ok(token) => Ok(token.position),
        Err(error) => Err(error.to_string()),
    }
}

fn moment(asked: &prost_types::Timestamp) -> Result<Timestamp, String> {
    let moment = Timestamp::from_seconds_and_nanos(asked.seconds, asked.nanos);
    moment.ok_or_else(|| "must be a time between the years 1 and 9999".to_owned())
}

fn min_interval(asked: Option<&prost_types::Duration>) -> Result<Duration, String> {
    let Some(asked) = asked else {
        return Ok(MIN_INTERVAL_DEFAULT);
    };
    let interval = match (u64::try_from(asked.seconds), u32::try_from(asked.nanos)) {
        (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) => Some(Duration::new(seconds, nanos)),
        _ => None,
    };
    interval
        .filter(|interval| (MIN_INTERVAL_MIN..=MIN_INTERVAL_MAX).contains(interval))
        .ok_or_else(|| "must be between 20 milliseconds and 1 minute".to_owned())
}

#[cfg(test)]
pub(super) mod tests;
