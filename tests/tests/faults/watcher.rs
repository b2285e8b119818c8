//! A subscriber who keeps every frame.

use std::sync::{Arc, Mutex};

use onsale_proto::{name, v1, v1::query_service_client::QueryServiceClient};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// Watches one pool until it is dropped.
pub(crate) struct Watcher {
    frames: Arc<Mutex<Vec<v1::Availability>>>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Subscribes, and waits for the first frame.
    pub(crate) async fn start(channel: Channel, pool_id: &str) -> Self {
        let request = v1::WatchAvailabilityRequest {
            pools: vec![name::pool(pool_id)],
            min_interval: Some(prost_types::Duration {
                seconds: 0,
                nanos: 20_000_000,
            }),
            ..v1::WatchAvailabilityRequest::default()
        };
        let mut stream = QueryServiceClient::new(channel)
            .watch_availability(request)
            .await
            .unwrap()
            .into_inner();
        let first = stream
            .message()
            .await
            .unwrap()
            .unwrap()
            .availability
            .unwrap();
        let frames = Arc::new(Mutex::new(vec![first]));
        let seen = Arc::clone(&frames);
        let task = tokio::spawn(async move {
            while let Ok(Some(frame)) = stream.message().await {
                if let Some(availability) = frame.availability {
                    seen.lock().unwrap().push(availability);
                }
            }
        });
        Self { frames, task }
    }

    /// The newest frame.
    pub(crate) fn last(&self) -> v1::Availability {
        self.frames.lock().unwrap().last().cloned().unwrap()
    }

    /// All frames so far, checked: versions rise, and the counts always sum.
    pub(crate) fn frames(&self) -> Vec<v1::Availability> {
        let frames = self.frames.lock().unwrap().clone();
        for pair in frames.windows(2) {
            assert!(pair[0].version < pair[1].version, "versions rise: {pair:?}");
        }
        for frame in &frames {
            assert_eq!(
                frame.sold + frame.held + frame.available,
                frame.capacity,
                "{frame:?}"
            );
            assert!(
                frame.sold >= 0 && frame.held >= 0 && frame.available >= 0,
                "{frame:?}"
            );
        }
        frames
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}
