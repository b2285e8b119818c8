//! Runs one projection on this replica: stands by until it may lead, then follows the log into the live generation.

use std::{sync::Arc, time::Duration};

use onsale_shared::log::Position;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Blocked, Projection,
    board::Board,
    pages::Pages,
    session::{self, HEARTBEAT, in_time},
    writer::{Interrupted, Step, Writer},
};
use crate::{
    availability::Hub,
    database::Database,
    read_models::generations::{self, Generation},
    readiness::{Observer, Readiness},
    tail::Backoff,
};

/// The most events of a write; what is behind catches up in such steps.
const BATCH_EVENTS_MAX: usize = 2_000;
/// How long the statements of a write may take in all.
const BATCH_TIME: Duration = Duration::from_secs(20);
/// How long to wait before an event that could not be applied is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// What all projections of a process work with.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) database: Database,
    pub(crate) pages: Arc<Pages>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) readiness: Observer,
    pub(crate) board: Arc<Board>,
    /// How often to look while standing by, and at a log that memory does not follow.
    pub(crate) poll_interval: Duration,
    /// The shortest time between two writes.
    pub(crate) write_interval: Duration,
}

/// See the module.
pub(crate) struct Runner {
    post: Post,
    writer: Writer,
}

/// Where a runner stands.
struct Post {
    projection: &'static Projection,
    engine: Engine,
}

/// Why a runner that leads goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// There may be more to write.
    Log,
    /// It is time for a sign of life.
    Heartbeat,
}

impl Runner {
    pub(crate) fn new(projection: &'static Projection, engine: Engine) -> Self {
        Self {
            post: Post { projection, engine },
            writer: Writer::new(projection, BATCH_EVENTS_MAX, BATCH_TIME),
        }
    }

    /// Stands by, leads, and stands by again, until `stop`. An outage is waited for.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let working = async {
            let mut backoff = Backoff::new();
            loop {
                match self.serve_a_term(&mut backoff).await {
                    Ok(()) => tracing::warn!(
                        projection = self.post.projection.name,
                        "the checkpoint of `{}` was moved by somebody else; standing by",
                        self.post.projection.name
                    ),
                    Err(error) if backoff.is_first() => tracing::error!(
                        projection = self.post.projection.name,
                        error = &error as &dyn std::error::Error,
                        "the read model `{}` cannot be written; trying again",
                        self.post.projection.name
                    ),
                    Err(_again) => {}
                }
                backoff.pause().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = working => {}
        }
    }

    /// One session: stands by until it may lead, then leads until somebody else does, or another generation is live.
    async fn serve_a_term(&mut self, backoff: &mut Backoff) -> Result<(), Interrupted> {
        let mut session = session::open(&self.post.engine.database).await?;
        let mut told = false;
        let live = loop {
            let live = in_time(generations::live(&mut session, self.post.projection.name)).await?;
            self.post.engine.board.tell(&live);
            *backoff = Backoff::new();
            if live.version == self.post.projection.version {
                if session::leads(&mut session, self.post.projection.name).await? {
                    break live;
                }
            } else if !told {
                told = true;
                tracing::warn!(
                    projection = self.post.projection.name,
                    "the tables of `{}` are of version {}, this program writes version {}; they stay as they are until they are built anew",
                    self.post.projection.name,
                    live.version,
                    self.post.projection.version
                );
            }
            sleep(self.post.engine.poll_interval.min(HEARTBEAT)).await;
        };
        drop(live);
        // Whoever led before may have written until just now.
        let live = in_time(generations::live(&mut session, self.post.projection.name)).await?;
        if live.version != self.post.projection.version {
            return Ok(());
        }
        tracing::info!(
            projection = self.post.projection.name,
            generation = live.number,
            position = live.progress.position.get(),
            "leading the projection `{}`",
            self.post.projection.name
        );
        self.lead(&mut session, live, backoff).await
    }

    async fn lead(
        &mut self,
        session: &mut PgConnection,
        mut live: Generation,
        backoff: &mut Backoff,
    ) -> Result<(), Interrupted> {
        in_time(generations::use_schema(session, &live.schema())).await?;
        self.writer.forget();
        self.post.engine.board.tell(&live);
        let mut said = Instant::now();
        loop {
            let woken = self.post.wait(live.progress.position).await;
            if woken == Woken::Heartbeat || said.elapsed() >= HEARTBEAT {
                if !self.post.is_still(session, &live).await? {
                    return Ok(());
                }
                said = Instant::now();
            }
            if woken == Woken::Heartbeat {
                continue;
            }
            let observed = self.post.engine.hub.progress();
            let position = live.progress.position;
            let pages = &self.post.engine.pages;
            let batch = pages.after(position, self.writer.events_max()).await?;
            let entries = batch.entries();
            let Some(last) = entries.last() else {
                continue;
            };
            let last = last.event.position;
            match self
                .writer
                .write(session, &live, &entries, observed)
                .await?
            {
                Step::Moved(progress) => {
                    if let Some(blocked) = live.blocked.take() {
                        tracing::info!(
                            projection = self.post.projection.name,
                            position = blocked.position.get(),
                            "the projection `{}` goes on past the event that blocked it",
                            self.post.projection.name
                        );
                    }
                    live.progress = progress;
                    self.post.engine.board.tell(&live);
                    *backoff = Backoff::new();
                    let is_behind =
                        progress.position < last || entries.len() == self.writer.events_max();
                    let pause = self.post.engine.write_interval;
                    if !is_behind && !self.post.pause(session, &live, pause).await? {
                        return Ok(());
                    }
                }
                Step::Replaced => return Ok(()),
                Step::Blocked(blocked) => {
                    if !self.post.stand_before(session, &mut live, blocked).await? {
                        return Ok(());
                    }
                }
            }
            said = Instant::now();
        }
    }
}

impl Post {
    /// Says what is in the way, and waits; false if somebody else leads meanwhile.
    async fn stand_before(
        &self,
        session: &mut PgConnection,
        live: &mut Generation,
        blocked: Blocked,
    ) -> Result<bool, Interrupted> {
        if live.blocked.as_ref() != Some(&blocked) {
            tracing::error!(
                projection = self.projection.name,
                position = blocked.position.get(),
                reason = blocked.reason,
                "the projection `{}` cannot go past an event; all before it is applied, and it is tried again from time to time",
                self.projection.name
            );
            let moved = in_time(generations::block(session, live, &blocked)).await?;
            if moved == generations::Moved::No {
                return Ok(false);
            }
            live.blocked = Some(blocked);
        }
        self.engine.board.tell(live);
        self.pause(session, live, RETRY_INTERVAL).await
    }

    /// Waits, with signs of life; false if somebody else leads meanwhile.
    async fn pause(
        &self,
        session: &mut PgConnection,
        live: &Generation,
        time: Duration,
    ) -> Result<bool, Interrupted> {
        let mut left = time;
        while left > HEARTBEAT {
            sleep(HEARTBEAT).await;
            left -= HEARTBEAT;
            if !self.is_still(session, live).await? {
                return Ok(false);
            }
        }
        sleep(left).await;
        Ok(true)
    }

    /// Whether the live generation is where this leader has left it; also a sign of life to the server.
    async fn is_still(
        &self,
        session: &mut PgConnection,
        live: &Generation,
    ) -> Result<bool, sqlx::Error> {
        let now = in_time(generations::live(session, self.projection.name)).await?;
        self.engine.board.tell(&now);
        Ok(now.number == live.number && now.progress.position == live.progress.position)
    }

    /// Waits until memory is further than `position`, or it is time to look.
    async fn wait(&self, position: Position) -> Woken {
        let mut memory = self.engine.hub.subscribe_progress();
        let followed = *self.engine.readiness.borrow() == Readiness::Ready;
        let patience = if followed {
            HEARTBEAT
        } else {
            self.engine.poll_interval.min(HEARTBEAT)
        };
        let ahead = async {
            let ahead = memory.wait_for(|memory| memory.position > position).await;
            if ahead.map(drop).is_err() {
                // Only at the end of the process is there no sender any more.
                std::future::pending::<()>().await;
            }
        };
        match timeout(patience, ahead).await {
            Ok(()) => Woken::Log,
            Err(_elapsed) if followed => Woken::Heartbeat,
            Err(_elapsed) => Woken::Log,
        }
    }
}
