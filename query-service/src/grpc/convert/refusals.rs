//! Refusals as the contract writes them.

use onsale_proto::{name, v1};
use onsale_shared::refusals::{Refusals, Sample};

use super::timestamp;

pub(in crate::grpc) fn refusals(refusals: &Refusals) -> v1::RefusalCount {
    let pool = Some(&refusals.pool).filter(|pool| !pool.is_empty());
    v1::RefusalCount {
        pool: pool.map(|pool| name::pool(pool)).unwrap_or_default(),
        reason: refusals.reason.clone(),
        time: Some(timestamp(refusals.second)),
        instance: refusals.instance.clone(),
        count: i64::try_from(refusals.count).unwrap_or(i64::MAX),
        samples: refusals.samples.iter().map(sample).collect(),
    }
}

fn sample(sample: &Sample) -> v1::RefusalSample {
    v1::RefusalSample {
        time: Some(timestamp(sample.time)),
        command: sample.command.clone(),
        request_id: sample.request_id.clone(),
        correlation_id: sample.correlation_id.clone().unwrap_or_default(),
        actor: sample.actor.clone(),
        customer: sample.customer.clone().unwrap_or_default(),
        message: sample.message.clone(),
    }
}
