//! Deliveries as frames. A change is encoded once for all its subscribers; what a stream includes is each one's own.

use bytes::Bytes;
use futures::{Stream as Frames, stream::unfold};
use onsale_proto::{frame::AvailabilityFrame, v1};
use onsale_shared::time::Timestamp;
use prost::Message as _;
use tonic::Status;

use super::{
    convert,
    resume::{self, Fingerprint},
    status,
};
use crate::{
    availability::{Snapshot, watch::Delivery},
    pool::Pool,
    queries::Stream,
};

/// The frames of a stream, until it ends with a status that says why.
pub(super) fn frames(
    stream: Stream,
    pools: Fingerprint,
) -> impl Frames<Item = Result<AvailabilityFrame, Status>> {
    unfold(Some(stream), move |stream| async move {
        let mut stream = stream?;
        match stream.next().await {
            Ok(delivery) => Some((Ok(frame(delivery, pools)), Some(stream))),
            Err(ending) => Some((Err(status::of_ending(ending)), None)),
        }
    })
}

fn frame(delivery: Delivery, pools: Fingerprint) -> AvailabilityFrame {
    let resume_token = |delivered| resume::encode(pools, delivered);
    match delivery {
        Delivery::State {
            snapshot,
            as_of,
            included,
            delivered,
        } => {
            let shared = match as_of {
                Some(as_of) => encode(&snapshot.pool, as_of.max(snapshot.progress.time)),
                None => snapshot.frame(of_change),
            };
            let resume_token = delivered.map(resume_token).unwrap_or_default();
            AvailabilityFrame::of_stream(shared, convert::token(included), resume_token)
        }
        Delivery::Heartbeat {
            included,
            delivered,
        } => AvailabilityFrame::heartbeat(convert::token(included), resume_token(delivered)),
    }
}

fn of_change(snapshot: &Snapshot) -> Bytes {
    encode(&snapshot.pool, snapshot.progress.time)
}

fn encode(pool: &Pool, as_of: Timestamp) -> Bytes {
    let message = v1::WatchAvailabilityResponse {
        availability: Some(convert::availability(pool, as_of)),
        ..v1::WatchAvailabilityResponse::default()
    };
    message.encode_to_vec().into()
}
