//! The customers of a sell-out: each claims through one instance and buys through the other, and repeats what got no
//! answer, with the same request id, where somebody is left.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use onsale_proto::{reason::Reason, status::reason_of, v1};
use onsale_tests::caller::{Caller, buy_request, claim_request};
use sqlx::PgConnection;
use tokio::sync::{Mutex, watch};
use tonic::{Code, Status};

use super::POOL;

/// Both instances, as customers see them.
#[derive(Clone)]
pub(super) struct Storm {
    pub(super) instances: [Caller; 2],
    /// The pool's version, and when somebody began to look.
    pub(super) version: watch::Receiver<(Instant, i64)>,
    /// The first instance was killed.
    pub(super) killed: Arc<AtomicBool>,
    /// Commands under way on the first instance.
    pub(super) in_flight: Arc<AtomicUsize>,
    /// Commands that the first instance answered with success.
    pub(super) acknowledged_by_first: Arc<AtomicUsize>,
}

/// An answer that rested on a version, between the versions that were known before and after it.
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) status: Status,
    pub(super) from: i64,
    pub(super) to: i64,
}

#[derive(Default)]
pub(super) struct Records {
    /// Tickets of acknowledged purchases, by claim.
    pub(super) bought: HashMap<String, Vec<String>>,
    pub(super) refusals: Vec<Refusal>,
    /// Repeats that were answered by the survivor from what the killed instance had recorded.
    pub(super) answered_from_first: usize,
    pub(super) repeats: usize,
    pub(super) acknowledged_by: [usize; 2],
}

impl Storm {
    /// The pool's version at a moment after this call.
    async fn version_now(&mut self) -> i64 {
        let now = Instant::now();
        self.version
            .wait_for(|(looked_at, _)| *looked_at >= now)
            .await
            .unwrap()
            .1
    }

    /// The instance to use instead of `wanted`, if that one is gone.
    fn choose(&self, wanted: usize) -> usize {
        if self.killed.load(Ordering::SeqCst) {
            1
        } else {
            wanted
        }
    }

    /// Sends until there is an answer; a repeat has the same request id. Returns the answer, who gave it, and whether it
    /// was a repeat.
    async fn until_answered<T, F, Fut>(
        &self,
        wanted: usize,
        mut send: F,
    ) -> (Result<T, Status>, usize, bool)
    where
        F: FnMut(Caller) -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let mut repeated = false;
        loop {
            let instance = self.choose(wanted);
            if instance == 0 {
                self.in_flight.fetch_add(1, Ordering::SeqCst);
            }
            let answer = send(self.instances[instance].clone()).await;
            if instance == 0 {
                self.in_flight.fetch_sub(1, Ordering::SeqCst);
            }
            match answer {
                // No answer, or one that says to ask again.
                Err(status)
                    if matches!(
                        status.code(),
                        Code::Unavailable | Code::Unknown | Code::Cancelled
                    ) =>
                {
                    repeated = true;
                    tokio::task::yield_now().await;
                }
                answer => {
                    if instance == 0 && answer.is_ok() {
                        self.acknowledged_by_first.fetch_add(1, Ordering::SeqCst);
                    }
                    return (answer, instance, repeated);
                }
            }
        }
    }

    pub(super) async fn customer(
        mut self,
        number: usize,
        log: Arc<Mutex<PgConnection>>,
    ) -> Records {
        let mut records = Records::default();
        let name = format!("customer-{number}");
        let (claims_at, buys_at) = (number % 2, (number + 1) % 2);
        loop {
            let from = self.version.borrow().1;
            let request = claim_request(POOL, &name, 1 + u32::try_from(number % 4).unwrap());
            let (claimed, instance, repeated) = self
                .until_answered(claims_at, |mut caller| {
                    let request = request.clone();
                    async move {
                        caller
                            .commands
                            .claim_tickets(request)
                            .await
                            .map(tonic::Response::into_inner)
                    }
                })
                .await;
            records.repeats += usize::from(repeated);
            let claimed = match claimed {
                Ok(claimed) => claimed,
                Err(status) => {
                    let to = self.version_now().await;
                    let reason =
                        reason_of(&status).unwrap_or_else(|| panic!("no reason: {status:?}"));
                    records.refusals.push(Refusal {
                        reason,
                        status,
                        from,
                        to,
                    });
                    if reason == Reason::SoldOut {
                        return records;
                    }
                    let come_back = [Reason::SoldOutForNow, Reason::InsufficientAvailability];
                    assert!(come_back.contains(&reason), "{reason:?}");
                    continue;
                }
            };
            let receipt = claimed.receipt.unwrap();
            if repeated && is_of_killed(&mut *log.lock().await, &receipt).await {
                records.answered_from_first += 1;
            }
            records.acknowledged_by[instance] += 1;
            let claim = claimed.claim.unwrap();
            let request = buy_request(&claim.name);
            let (bought, instance, repeated) = self
                .until_answered(buys_at, |mut caller| {
                    let request = request.clone();
                    async move {
                        caller
                            .commands
                            .buy_tickets(request)
                            .await
                            .map(tonic::Response::into_inner)
                    }
                })
                .await;
            records.repeats += usize::from(repeated);
            let bought =
                bought.unwrap_or_else(|status| panic!("a live claim can be bought: {status:?}"));
            if repeated && is_of_killed(&mut *log.lock().await, &bought.receipt.unwrap()).await {
                records.answered_from_first += 1;
            }
            records.acknowledged_by[instance] += 1;
            let tickets = bought
                .claim
                .unwrap()
                .tickets
                .into_iter()
                .map(|ticket| ticket.name)
                .collect();
            records.bought.insert(claim.name, tickets);
        }
    }
}

pub(super) async fn version(reader: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(max(version), 0) FROM onsale_log.events WHERE stream = 'pools/' || $1",
    )
    .bind(POOL)
    .fetch_one(reader)
    .await
    .unwrap()
}

/// Whether what this receipt names was recorded by the instance that was killed.
pub(super) async fn is_of_killed(reader: &mut PgConnection, receipt: &v1::Receipt) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM onsale_log.events l JOIN onsale_log.events f \
            ON f.stream = l.stream AND f.metadata ->> 'request_id' = l.metadata ->> 'request_id' \
           AND f.version BETWEEN l.version - 20 AND l.version \
         WHERE l.position = $1 AND f.metadata -> 'source' ->> 'instance' = 'first')",
    )
    .bind(receipt.position)
    .fetch_one(reader)
    .await
    .unwrap()
}
