//! Somebody who hands every token on to the next read, whichever replica answers it.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use onsale_proto::{name, v1, v1::query_service_client::QueryServiceClient};
use onsale_shared::token::ConsistencyToken;
use onsale_tests::{
    service::Service,
    wait::{eventually, within},
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};

use super::db::LIMIT;

/// How long one read may take before it is asked again.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// How long somebody waits who was not answered.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The replicas that can be asked; changed while readers read.
#[derive(Debug)]
pub(crate) struct Replicas(watch::Sender<Vec<Channel>>);

impl Replicas {
    pub(crate) fn of(services: &[&Service]) -> Self {
        let replicas = Self(watch::Sender::default());
        replicas.set(services);
        replicas
    }

    pub(crate) fn set(&self, services: &[&Service]) {
        let channels = services.iter().map(|service| {
            let endpoint = Endpoint::from_shared(service.address().to_owned()).unwrap();
            endpoint.connect_lazy()
        });
        self.0.send_replace(channels.collect());
    }
}

/// The position that a token names.
pub(crate) fn position(token: &str) -> i64 {
    let token = ConsistencyToken::decode(token);
    token
        .unwrap_or_else(|error| unreachable!("a token {error}"))
        .position
        .get()
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Reader {
    stop: CancellationToken,
    answers: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Reader {
    /// Reads `pool` in turn from the table and from memory, of one replica after the other. It fails when a version, or
    /// what an answer includes, goes back.
    pub(crate) fn start(replicas: &Replicas, pool: &str) -> Self {
        let (stop, answers) = (CancellationToken::new(), Arc::<AtomicU64>::default());
        let reading = read(
            replicas.0.subscribe(),
            pool.to_owned(),
            stop.clone(),
            Arc::clone(&answers),
        );
        let task = tokio::spawn(reading);
        Self {
            stop,
            answers,
            task,
        }
    }

    /// Waits for so many answers more.
    pub(crate) async fn go_on(&self, answers: u64) {
        let goal = self.answers.load(Ordering::SeqCst) + answers;
        eventually(LIMIT, "reads are answered", || async {
            let reached = self.answers.load(Ordering::SeqCst) >= goal;
            (reached || self.task.is_finished()).then_some(())
        })
        .await;
    }

    /// Stops; nothing had gone back. Returns how many answers there were.
    pub(crate) async fn end(self) -> u64 {
        self.stop.cancel();
        within(LIMIT, "the reader ends", self.task)
            .await
            .expect("time goes forward");
        self.answers.load(Ordering::SeqCst)
    }
}

async fn read(
    replicas: watch::Receiver<Vec<Channel>>,
    pool: String,
    stop: CancellationToken,
    answers: Arc<AtomicU64>,
) {
    let (mut version, mut token) = (0, String::new());
    for turn in 0_usize.. {
        if stop.is_cancelled() {
            return;
        }
        let channel = {
            let channels = replicas.borrow();
            channels[turn / 2 % channels.len()].clone()
        };
        match ask(channel, turn % 2 == 0, &pool, &token).await {
            Ok((found, includes)) => {
                assert!(found >= version, "{pool}: {found} after {version}");
                let before = if token.is_empty() {
                    0
                } else {
                    position(&token)
                };
                assert!(
                    position(&includes) >= before,
                    "{pool}: what an answer includes went back"
                );
                (version, token) = (found, includes);
                answers.fetch_add(1, Ordering::SeqCst);
            }
            // Nobody is there, or not ready, or behind: asked again.
            Err(status) => {
                let passing = [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled];
                // A connection that is cut in the middle of an answer.
                let cut = status.code() == Code::Unknown && status.source().is_some();
                let is_passing = passing.contains(&status.code()) || cut;
                assert!(is_passing, "{pool} at {token:?}: {status:?}");
                sleep(RETRY_INTERVAL).await;
            }
        }
    }
}

/// The version, and what the answer includes.
async fn ask(
    channel: Channel,
    table: bool,
    pool: &str,
    token: &str,
) -> Result<(i64, String), Status> {
    let mut queries = QueryServiceClient::new(channel);
    if table {
        let mut request = Request::new(v1::GetPoolRequest {
            name: name::pool(pool),
            at_least_as_fresh: token.to_owned(),
        });
        request.set_timeout(READ_TIMEOUT);
        let answer = queries.get_pool(request).await?.into_inner();
        let pool = answer.pool.unwrap();
        assert_eq!(
            pool.etag,
            pool.availability.unwrap().version.to_string(),
            "one version in one answer"
        );
        Ok((pool.etag.parse().unwrap(), answer.consistency_token))
    } else {
        let mut request = Request::new(v1::GetAvailabilityRequest {
            pool: name::pool(pool),
            at_least_as_fresh: token.to_owned(),
        });
        request.set_timeout(READ_TIMEOUT);
        let answer = queries.get_availability(request).await?.into_inner();
        Ok((
            answer.availability.unwrap().version,
            answer.consistency_token,
        ))
    }
}
