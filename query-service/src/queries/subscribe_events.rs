//! All events that meet a filter, from a position on, as they come: none left out, none twice. A stream is a row of pages
//! of the read model `audit`; it reads the next one when the last one was taken, so a slow reader costs a page of memory.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use onsale_shared::log::Position;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{EventsQuery, Freshness, Page, Paged, Queries, QueryError, Told};
use crate::{
    availability::{Progress, watch::Ending},
    projections::{audit::AUDIT, board::Known},
    read_models::audit::Direction,
};

/// How many events are read at once.
const PAGE_EVENTS: usize = 200;
/// How long reading them may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time between two looks of a stream that is at the end: during a sale the table grows 50 times a second,
/// whatever the stream asks for.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// An open stream; counts against the limit until it is dropped.
pub(crate) struct Subscription {
    queries: Queries,
    query: EventsQuery,
    /// What was read and not yet taken.
    read: VecDeque<Told>,
    /// Everything up to here was read.
    after: Position,
    /// Nothing more was in the table when it was read last, which began then.
    at_end: Option<Instant>,
    known: Option<watch::Receiver<Known>>,
    _permit: OwnedSemaphorePermit,
}

/// What a stream sends.
pub(crate) enum Sent {
    Event(Box<Told>),
    /// Everything up to here was sent.
    Heartbeat(Position),
}

/// Why a stream ends.
pub(crate) enum Ended {
    With(Ending),
    By(QueryError),
}

impl Queries {
    /// Opens a stream, which begins where the query does.
    pub(crate) async fn subscribe_events(
        &self,
        query: EventsQuery,
        freshness: Freshness,
    ) -> Result<Subscription, QueryError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        let permit = permit.map_err(|_none_left| QueryError::TooManyStreams)?;
        let mut subscription = Subscription {
            queries: self.clone(),
            read: VecDeque::new(),
            after: Position::START,
            at_end: None,
            known: self.board.subscribe(AUDIT.name),
            query: EventsQuery {
                direction: Direction::Forwards,
                page: Page {
                    size: PAGE_EVENTS,
                    after: None,
                },
                ..query
            },
            _permit: permit,
        };
        // What is wrong with the query is said at once.
        subscription.read_page(freshness).await?;
        Ok(subscription)
    }
}

impl Subscription {
    /// Waits for the next thing to send.
    pub(crate) async fn next(&mut self) -> Result<Sent, Ended> {
        let stop = self.queries.endings.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Ended::With(Ending::Draining)),
            sent = self.next_now() => sent.map_err(Ended::By),
        }
    }

    async fn next_now(&mut self) -> Result<Sent, QueryError> {
        let heartbeat = Instant::now() + self.queries.heartbeat_interval;
        loop {
            if let Some(told) = self.read.pop_front() {
                return Ok(Sent::Event(Box::new(told)));
            }
            if Instant::now() >= heartbeat {
                return Ok(Sent::Heartbeat(self.after));
            }
            if let Some(looked) = self.at_end {
                sleep_until(heartbeat.min(looked + LOOK_INTERVAL)).await;
                self.wait(heartbeat).await;
            }
            // All streams together leave most connections to those who wait for an answer.
            let turn = Arc::clone(&self.queries.streams_reading).acquire_owned();
            let Ok(turn) = timeout_at(heartbeat, turn).await else {
                // A sign of life needs none.
                continue;
            };
            let freshness = Freshness {
                required: self.after,
                deadline: Instant::now() + READ_TIMEOUT,
            };
            self.read_page(freshness).await?;
            drop(turn);
        }
    }

    async fn read_page(&mut self, freshness: Freshness) -> Result<(), QueryError> {
        let began = Instant::now();
        let answer = self
            .queries
            .read_events(self.query.clone(), freshness)
            .await;
        let (Paged { rows, next }, Progress { position, .. }) = answer?;
        self.at_end = next.is_none().then_some(began);
        self.after = next.unwrap_or(position).max(self.after);
        self.query.page.after = Some(self.after);
        self.read.extend(rows);
        Ok(())
    }

    /// Until the table has more, or it is time for a sign of life.
    async fn wait(&mut self, heartbeat: Instant) {
        let patience = heartbeat.saturating_duration_since(Instant::now());
        let Some(known) = &mut self.known else {
            return tokio::time::sleep(patience).await;
        };
        let after = self.after;
        let more = known.wait_for(|known| known.progress.position > after);
        // Whatever ended the wait, the table itself says what it has.
        drop(timeout(patience, more).await);
    }
}
