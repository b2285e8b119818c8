//! A subscriber who looks at every frame.

use std::{collections::BTreeMap, time::Duration};

use onsale_proto::{
    name, v1,
    v1::{WatchAvailabilityResponse, query_service_client::QueryServiceClient},
};
use onsale_tests::wait::within;
use tonic::{Status, Streaming, transport::Channel};

use super::{db::LIMIT, reader::position};

/// A request to watch `pools`, as often as the contract allows.
pub(crate) fn watch_request<S: AsRef<str>>(pools: &[S]) -> v1::WatchAvailabilityRequest {
    v1::WatchAvailabilityRequest {
        pools: pools.iter().map(|pool| name::pool(pool.as_ref())).collect(),
        min_interval: Some(millis(20)),
        ..v1::WatchAvailabilityRequest::default()
    }
}

/// A span as the contract writes it.
pub(crate) fn millis(count: u64) -> prost_types::Duration {
    Duration::from_millis(count).try_into().unwrap()
}

/// An open stream. Each frame is checked when it comes: counts sum, versions rise, and what the stream includes never
/// goes back.
#[derive(Debug)]
pub(crate) struct Subscription {
    stream: Streaming<WatchAvailabilityResponse>,
    pools: Vec<String>,
    /// The newest state of each pool, by its resource name.
    pub(crate) states: BTreeMap<String, v1::Availability>,
    /// How many frames came with a state.
    pub(crate) frames: usize,
    /// The last that came.
    pub(crate) resume_token: String,
    included: i64,
}

impl Subscription {
    pub(crate) async fn open(
        queries: &QueryServiceClient<Channel>,
        request: v1::WatchAvailabilityRequest,
    ) -> Result<Self, Status> {
        let pools = request.pools.clone();
        let stream = queries.clone().watch_availability(request).await?;
        Ok(Self {
            stream: stream.into_inner(),
            pools,
            states: BTreeMap::new(),
            frames: 0,
            resume_token: String::new(),
            included: 0,
        })
    }

    /// The next frame, or why the stream ended.
    pub(crate) async fn next(&mut self) -> Result<WatchAvailabilityResponse, Status> {
        let frame = within(LIMIT, "a frame", self.stream.message()).await?;
        let frame = frame.expect("a stream ends with a status");
        let included = position(&frame.consistency_token);
        assert!(included >= self.included, "{included} of {frame:?}");
        self.included = included;
        if !frame.resume_token.is_empty() {
            self.resume_token.clone_from(&frame.resume_token);
        }
        if let Some(state) = &frame.availability {
            self.check(state);
            self.frames += 1;
            self.states.insert(state.pool.clone(), state.clone());
        } else {
            assert!(!frame.resume_token.is_empty(), "{frame:?}");
        }
        Ok(frame)
    }

    fn check(&self, state: &v1::Availability) {
        let v1::Availability {
            pool,
            capacity,
            sold,
            held,
            available,
            ..
        } = state;
        assert!(self.pools.contains(pool), "{state:?}");
        assert_eq!(sold + held + available, *capacity, "{state:?}");
        assert!(*sold >= 0 && *held >= 0 && *available >= 0, "{state:?}");
        if let Some(before) = self.states.get(pool) {
            // Time alone changes what a customer can expect and pays, and nothing else.
            let expects = |state: &v1::Availability| (state.sale_status, state.unit_price.clone());
            let changed = state.version > before.version
                || state.version == before.version && expects(state) != expects(before);
            assert!(changed, "{state:?} after {before:?}");
            let (before, now) = (before.as_of_time, state.as_of_time);
            let order = |time: Option<prost_types::Timestamp>| time.map(|t| (t.seconds, t.nanos));
            assert!(order(now) >= order(before), "{now:?} after {before:?}");
        }
    }

    /// The next state, past signs of life.
    pub(crate) async fn state(&mut self) -> v1::Availability {
        let looking = async {
            loop {
                let frame = self.next().await.expect("the stream goes on");
                if let Some(state) = frame.availability {
                    return state;
                }
            }
        };
        within(LIMIT, "a state", looking).await
    }

    /// The next sign of life, past states.
    pub(crate) async fn heartbeat(&mut self) -> WatchAvailabilityResponse {
        let looking = async {
            loop {
                let frame = self.next().await.expect("the stream goes on");
                if frame.availability.is_none() {
                    return frame;
                }
            }
        };
        within(LIMIT, "a sign of life", looking).await
    }

    /// Reads on until a pool is at a version at least, and returns its state.
    pub(crate) async fn reach(&mut self, pool: &str, version: i64) -> v1::Availability {
        let name = name::pool(pool);
        let reaching = async {
            loop {
                if let Some(state) = self.states.get(&name)
                    && state.version >= version
                {
                    return state.clone();
                }
                self.state().await;
            }
        };
        within(LIMIT, format!("{pool} at version {version}"), reaching).await
    }

    /// Reads on until the stream ends, and says why.
    pub(crate) async fn end(&mut self) -> Status {
        let looking = async {
            loop {
                if let Err(status) = self.next().await {
                    return status;
                }
            }
        };
        within(LIMIT, "the end of the stream", looking).await
    }
}
