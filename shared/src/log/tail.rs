//! Following a log: register for hints, then read, then wait for a hint or the poll deadline. Losing every hint costs
//! latency and nothing else.

use std::{sync::Arc, time::Duration};

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
    hints: Option<Box<dyn Hints>>,
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
            hints: None,
            more: true,
            looked_at: None,
        }
    }

    /// The position up to which events were delivered.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
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
                    self.hints = None;
                    self.more = true;
                    sleep(pause).await;
                    pause = (pause * 2).min(TailConfig::RETRY_MAX);
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Page, ReadError> {
        // Registered before the read: what is appended after the read is hinted at.
        if self.config.hints && self.hints.is_none() {
            match self.log.hints().await {
                Ok(hints) => {
                    self.hints = Some(hints);
                    self.more = true;
                }
                // Without hints the poll carries on; the next look tries to register again.
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "no hints for now")
                }
            }
        }
        if !self.more {
            self.wait().await;
        }
        self.looked_at = Some(Instant::now());
        let time = self.log.clock().now();
        let events = self
            .log
            .read(self.position, self.config.page_events)
            .await?;
        check_positions(self.position, &events)?;
        if let Some(last) = events.last() {
            self.position = last.position;
        }
        self.more = events.len() == self.config.page_events;
        Ok(Page {
            events,
            time,
            last: !self.more,
        })
    }

    /// Until a hint of something new, or the poll deadline. Lost hints end the wait as well.
    async fn wait(&mut self) {
        let looked_at = self.looked_at.unwrap_or_else(Instant::now);
        let deadline = looked_at + self.config.poll_interval;
        let Some(hints) = &mut self.hints else {
            return sleep_until(deadline).await;
        };
        loop {
            tokio::select! {
                () = sleep_until(deadline) => return,
                hint = hints.next() => match hint {
                    Ok(head) if head <= self.position => {}
                    Ok(_) => return,
                    Err(_lost) => {
                        self.hints = None;
                        return;
                    }
                },
            }
        }
    }
}
