//! Following a log: register for hints, then read, then wait for a hint or the poll deadline. Losing every hint costs
//! latency and nothing else.

use std::{future::pending, pin::Pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{EventLog, Hints, Position, ReadError, RecordedEvent, recorded::check_positions};
use crate::time::Timestamp;

/// How a tail reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailConfig {
    /// The longest time between two looks at the log, hints or none.
    pub poll_interval: Duration,
    /// The most events of one page.
    pub page_events: usize,
    /// Whether hints are used at all; without them the tail polls.
    pub hints: bool,
}

impl TailConfig {
    /// The first wait after a failure; doubles with each one after it.
    const RETRY_MIN: Duration = Duration::from_millis(50);
    /// The longest wait after a failure.
    const RETRY_MAX: Duration = Duration::from_secs(2);
    /// After so many polls in a row that found what no hint had announced, hints are registered for anew: a network
    /// may lose a connection without a word.
    const UNANNOUNCED_MAX: u32 = 50;
}

impl Default for TailConfig {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(100),
            page_events: 2_000,
            hints: true,
        }
    }
}

/// Follows a log from a position. Every event comes once, in order, without gaps.
pub struct Tail {
    log: Arc<dyn EventLog>,
    config: TailConfig,
    position: Position,
    registration: Registration,
    /// The look under way. It stays with the tail when whoever waits for it is gone, so that being asked again and again
    /// does not begin it again and again.
    look: Option<Look>,
    /// The last page was full, so there is more to read without waiting.
    more: bool,
    /// When the last look at the log began.
    looked_at: Option<Instant>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// What a look at the log found.
#[derive(Clone, Debug)]
pub struct Page {
    /// The next events; empty when there are none yet.
    pub events: Vec<RecordedEvent>,
    /// The time, by the log's clock, when the look began: every event that was in the log then has been delivered, if
    /// the page is the last for now.
    pub time: Timestamp,
    /// There is nothing more to read at this moment.
    pub last: bool,
}

/// Why a log cannot be followed any further. What can be tried again is tried again inside.
#[derive(Debug, thiserror::Error)]
#[error("the log cannot be followed")]
pub struct TailError(#[from] ReadError);

impl Tail {
    /// Follows `log` after `position`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, position: Position, config: TailConfig) -> Self {
        Self {
            log,
            config,
            position,
            registration: Registration::Off,
            look: None,
            more: true,
            looked_at: None,
        }
    }

    /// The position up to which events were delivered.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Goes on after `position`: whoever follows knows already what comes before it. Never goes back.
    pub fn advance(&mut self, position: Position) {
        if position > self.position {
            self.position = position;
            self.look = None;
        }
    }

    /// Waits until it is time to look, and looks. An outage is waited for, with growing pauses and one warning.
    ///
    /// Dropping the future loses nothing: the position moves only with the page that is returned.
    ///
    /// # Errors
    /// The log breaks its promises; nobody may go on from here.
    pub async fn next_page(&mut self) -> Result<Page, TailError> {
        let mut pause = TailConfig::RETRY_MIN;
        loop {
            match self.look().await {
                Ok(page) => return Ok(page),
                Err(error @ ReadError::NotDense { .. }) => return Err(error.into()),
                Err(error @ ReadError::Unavailable { .. }) => {
                    if pause == TailConfig::RETRY_MIN {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the log cannot be read; trying again"
                        );
                    }
                    self.registration = Registration::Off;
                    self.more = true;
                    sleep(pause).await;
                    pause = (pause * 2).min(TailConfig::RETRY_MAX);
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Page, ReadError> {
        let look = match self.look.take() {
            Some(begun) => begun,
            None if self.more => self.begin(Woken::Full),
            None => {
                let woken = self.wait().await;
                self.begin(woken)
            }
        };
        let look = self.look.insert(look);
        let events = (&mut look.reading).await;
        let (woken, time) = (look.woken, look.time);
        self.look = None;
        let events = events?;
        check_positions(self.position, &events)?;
        if let Some(last) = events.last() {
            self.position = last.position;
            self.registration.note(woken);
        }
        self.more = events.len() == self.config.page_events;
        Ok(Page {
            events,
            time,
            last: !self.more,
        })
    }

    fn begin(&mut self, woken: Woken) -> Look {
        self.looked_at = Some(Instant::now());
        let (log, after, limit) = (
            Arc::clone(&self.log),
            self.position,
            self.config.page_events,
        );
        Look {
            woken,
            time: self.log.clock().now(),
            reading: Box::pin(async move { log.read(after, limit).await }),
        }
    }

    /// Until a hint of something new, or the poll deadline. New or lost hints end the wait as well: what was appended
    /// before they were registered for is found by looking after it.
    async fn wait(&mut self) -> Woken {
        let looked_at = self.looked_at.unwrap_or_else(Instant::now);
        let deadline = looked_at + self.config.poll_interval;
        if self.config.hints && matches!(self.registration, Registration::Off) {
            self.registration = Registration::UnderWay(Box::pin(register(Arc::clone(&self.log))));
        }
        tokio::select! {
            () = sleep_until(deadline) => Woken::Poll,
            () = self.registration.hint(self.position) => Woken::Hint,
        }
    }
}

/// One look at the log.
struct Look {
    woken: Woken,
    /// When it began.
    time: Timestamp,
    reading: Pin<Box<dyn Future<Output = Result<Vec<RecordedEvent>, ReadError>> + Send>>,
}

/// Why a tail looks at the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// The last page was full.
    Full,
    Poll,
    Hint,
}

/// Where a tail has its hints from. Registering takes its time beside the poll, never instead of it.
enum Registration {
    Off,
    UnderWay(Pin<Box<dyn Future<Output = Box<dyn Hints>> + Send>>),
    Done {
        hints: Box<dyn Hints>,
        /// How many polls in a row found what no hint had announced.
        unannounced: u32,
    },
}

impl Registration {
    /// Waits until there is a reason to look at the log after `position`.
    async fn hint(&mut self, position: Position) {
        match self {
            Self::Off => pending().await,
            Self::UnderWay(registering) => {
                *self = Self::Done {
                    hints: registering.await,
                    unannounced: 0,
                };
            }
            Self::Done { hints, unannounced } => {
                while let Ok(head) = hints.next().await {
                    *unannounced = 0;
                    if head > position {
                        return;
                    }
                }
                *self = Self::Off;
            }
        }
    }

    /// Something was found.
    fn note(&mut self, woken: Woken) {
        let Self::Done { unannounced, .. } = self else {
            return;
        };
        if woken == Woken::Poll {
            *unannounced += 1;
        }
        if *unannounced >= TailConfig::UNANNOUNCED_MAX {
            *self = Self::Off;
        }
    }
}

/// Registers, if need be again and again, with growing pauses.
async fn register(log: Arc<dyn EventLog>) -> Box<dyn Hints> {
    let mut pause = TailConfig::RETRY_MIN;
    loop {
        match log.hints().await {
            Ok(hints) => return hints,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "no hints for now; polling"
                );
                sleep(pause).await;
                pause = (pause * 2).min(TailConfig::RETRY_MAX);
            }
        }
    }
}
