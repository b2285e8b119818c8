//! The live view: follows `WatchAvailability` in a task of its own, and goes on where it was when the stream breaks.

use std::{convert::Infallible, time::Duration};

use onsale_proto::{
    name,
    reason::Reason,
    status::reason_of,
    v1::{
        Availability, WatchAvailabilityRequest, WatchAvailabilityResponse,
        query_service_client::QueryServiceClient,
    },
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tonic::{Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

/// How often frames come at most.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// A stream that is silent for longer than its heartbeats are apart is dead.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// How long to wait before the stream is opened again, where the server does not say.
const PAUSE: Duration = Duration::from_millis(250);

/// What the demo knows from the stream.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The newest state.
    pub(super) availability: Availability,
    /// Whether the stream is open.
    pub(super) is_live: bool,
    /// How many states came.
    pub(super) frames: u32,
    /// How often the stream was opened.
    pub(super) streams: u32,
    /// States whose counts do not add up, or that are older than one before.
    pub(super) wrong: u32,
}

/// Where the view is followed from.
#[derive(Debug)]
pub(super) struct Follower {
    client: QueryServiceClient<Channel>,
    pool: String,
    at_least_as_fresh: String,
    resume_token: String,
    view: watch::Sender<View>,
}

impl Follower {
    /// A follower of a pool from `token` on, and what it sees.
    pub(super) fn new(
        connection: Channel,
        pool_id: &str,
        token: String,
    ) -> (Self, watch::Receiver<View>) {
        let (view, seen) = watch::channel(View::default());
        let follower = Self {
            client: QueryServiceClient::new(connection),
            pool: name::pool(pool_id),
            at_least_as_fresh: token,
            resume_token: String::new(),
            view,
        };
        (follower, seen)
    }

    /// Follows until it is dropped.
    pub(super) async fn follow(mut self) {
        loop {
            let Err(status) = self.follow_stream().await;
            if reason_of(&status) == Some(Reason::InvalidField) {
                // Whatever it was, a stream from the beginning shows the same.
                self.resume_token.clear();
            }
            self.view.send_modify(|view| view.is_live = false);
            let asked = status
                .get_error_details()
                .retry_info()
                .and_then(|info| info.retry_delay);
            sleep(asked.unwrap_or(PAUSE)).await;
        }
    }

    /// Until the stream breaks.
    async fn follow_stream(&mut self) -> Result<Infallible, Status> {
        let request = WatchAvailabilityRequest {
            pools: vec![self.pool.clone()],
            min_interval: MIN_INTERVAL.try_into().ok(),
            at_least_as_fresh: self.at_least_as_fresh.clone(),
            resume_token: self.resume_token.clone(),
        };
        let mut frames: Streaming<WatchAvailabilityResponse> =
            self.client.watch_availability(request).await?.into_inner();
        self.view.send_modify(|view| {
            view.is_live = true;
            view.streams += 1;
        });
        loop {
            let next = timeout(SILENCE_MAX, frames.message()).await;
            let frame = next.map_err(|_silent| Status::unavailable("silence"))??;
            self.see(frame.ok_or_else(|| Status::unavailable("the stream ended"))?);
        }
    }

    fn see(&mut self, frame: WatchAvailabilityResponse) {
        if !frame.consistency_token.is_empty() {
            self.at_least_as_fresh = frame.consistency_token;
        }
        if !frame.resume_token.is_empty() {
            self.resume_token = frame.resume_token;
        }
        let Some(availability) = frame.availability else {
            return;
        };
        self.view.send_modify(|view| {
            let adds_up = availability.sold + availability.held + availability.available
                == availability.capacity;
            view.frames += 1;
            view.wrong += u32::from(!adds_up || availability.version < view.availability.version);
            view.availability = availability;
        });
    }
}
