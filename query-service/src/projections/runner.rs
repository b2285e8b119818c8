//! Runs one projection on this replica: stands by until it may lead, then follows the log into the live generation.

mod feed;

use std::{sync::Arc, time::Duration};

use onsale_shared::log::{Position, postgres::Lineage};
use sqlx::PgConnection;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::feed::{Feed, More};
use super::{
    Blocked, Projection,
    board::Board,
    pages::Pages,
    pools::POOLS,
    rebuild::RETIRED_KEPT,
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
/// How often the leader drops what another generation has replaced some time ago.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);
/// How long who could not go on leaves the lead to others, before he tries again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// What all projections of a process work with.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) database: Database,
    pub(crate) pages: Arc<Pages>,
    /// Of what `pages` and `hub` have.
    pub(crate) lineage: Lineage,
    pub(crate) hub: Arc<Hub>,
    pub(crate) readiness: Observer,
    /// Which event memory cannot go past.
    pub(crate) memory_blocked: watch::Receiver<Option<Blocked>>,
    pub(crate) board: Arc<Board>,
    /// How often to look while standing by, and at a log that memory does not follow.
    pub(crate) poll_interval: Duration,
    /// The shortest time between two writes.
    pub(crate) write_interval: Duration,
}

/// One projection on this replica.
pub(crate) struct Runner {
    post: Post,
    feed: Feed,
}

/// Where a runner stands.
struct Post {
    projection: &'static Projection,
    engine: Engine,
}

/// Why a term is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Somebody else leads, or another generation is live.
    Replaced,
    /// This process cannot go on; another one may have other code, or a memory that follows the log.
    Stuck,
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
        let feed = if projection.name == POOLS.name {
            Feed::Memory
        } else {
            Feed::Log(Writer::new(projection, BATCH_EVENTS_MAX, BATCH_TIME))
        };
        Self {
            post: Post { projection, engine },
            feed,
        }
    }

    /// Stands by, leads, and stands by again, until `stop`. An outage is waited for.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let working = async {
            let (mut backoff, mut leads_from) = (Backoff::new(), Instant::now());
            loop {
                match self.serve_a_term(&mut backoff, leads_from).await {
                    Ok(Over::Stuck) => {
                        leads_from = Instant::now() + RETRY_INTERVAL;
                        continue;
                    }
                    Ok(Over::Replaced) => tracing::warn!(
                        projection = self.post.projection.name,
                        "the checkpoint of `{}` was moved by somebody else; standing by",
                        self.post.projection.name
                    ),
                    Err(error) if backoff.is_first() => tracing::warn!(
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

    /// One session: stands by until it may lead, at the earliest at `leads_from`, then leads as long as it can.
    async fn serve_a_term(
        &mut self,
        backoff: &mut Backoff,
        leads_from: Instant,
    ) -> Result<Over, Interrupted> {
        let mut session = session::open(&self.post.engine.database).await?;
        let mut told = false;
        loop {
            let live = in_time(generations::live(&mut session, self.post.projection.name)).await?;
            self.post.engine.board.tell(&live);
            if live.version == self.post.projection.version {
                if Instant::now() >= leads_from
                    && session::leads(&mut session, self.post.projection.name).await?
                {
                    break;
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
            // Only what is written shows that writing works: a leader whose writes fail comes back ever more slowly.
            *backoff = Backoff::new();
            sleep(self.post.engine.poll_interval.min(HEARTBEAT)).await;
        }
        // Whoever led before may have written until just now.
        let live = in_time(generations::live(&mut session, self.post.projection.name)).await?;
        if live.version != self.post.projection.version {
            return Ok(Over::Replaced);
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
    ) -> Result<Over, Interrupted> {
        let post = &self.post;
        // Pages and memory are older than this session: another log may be at its other end.
        in_time(async { Ok(post.engine.lineage.prove(session).await) }).await??;
        in_time(generations::use_schema(session, &live.schema())).await?;
        self.feed.forget();
        post.engine.board.tell(&live);
        let (mut said, mut tidied) = (Instant::now(), Instant::now());
        loop {
            if tidied.elapsed() >= TIDY_INTERVAL {
                post.tidy(session).await?;
                tidied = Instant::now();
            }
            let woken = post.wait(live.progress.position).await;
            if woken == Woken::Heartbeat || said.elapsed() >= HEARTBEAT {
                if !post.is_still(session, &live).await? {
                    return Ok(Over::Replaced);
                }
                said = Instant::now();
            }
            if woken == Woken::Heartbeat {
                continue;
            }
            let Some((step, more)) = self.feed.write(&post.engine, session, &live).await? else {
                if self.feed.has_ended(&post.engine) {
                    return Ok(Over::Stuck);
                }
                // There is more, but not for now.
                sleep(post.engine.poll_interval.min(HEARTBEAT)).await;
                continue;
            };
            match step {
                Step::Moved(progress) => {
                    post.note_unblocked(&mut live);
                    live.progress = progress;
                    post.engine.board.tell(&live);
                    *backoff = Backoff::new();
                    let pause = post.engine.write_interval;
                    if more == More::No && !post.pause(session, &live, pause).await? {
                        return Ok(Over::Replaced);
                    }
                }
                Step::Replaced => return Ok(Over::Replaced),
                Step::Blocked(blocked) => return post.give_up(session, live, blocked).await,
            }
            said = Instant::now();
        }
    }
}

impl Post {
    /// Drops what was replaced some time ago. What is read yet is left for the next time.
    async fn tidy(&self, session: &mut PgConnection) -> Result<(), sqlx::Error> {
        let name = self.projection.name;
        match in_time(generations::drop_retired(session, name, RETIRED_KEPT)).await {
            Err(error) if error.as_database_error().is_some() => {
                tracing::warn!(
                    projection = name,
                    error = &error as &dyn std::error::Error,
                    "tables that another generation has replaced are not dropped; trying again"
                );
                Ok(())
            }
            dropped => dropped.map(drop),
        }
    }

    /// Nothing is in the way any more.
    fn note_unblocked(&self, live: &mut Generation) {
        if let Some(blocked) = live.blocked.take() {
            tracing::info!(
                projection = self.projection.name,
                position = blocked.position.get(),
                "the projection `{}` goes on past the event that blocked it",
                self.projection.name
            );
        }
    }

    /// Says what is in the way, and leaves the lead to others.
    async fn give_up(
        &self,
        session: &mut PgConnection,
        mut live: Generation,
        blocked: Blocked,
    ) -> Result<Over, Interrupted> {
        if live.blocked.as_ref() != Some(&blocked) {
            tracing::error!(
                projection = self.projection.name,
                position = blocked.position.get(),
                reason = blocked.reason,
                "the projection `{}` cannot go past an event; all before it is applied, and it is tried again from time to time",
                self.projection.name
            );
            let moved = in_time(generations::block(session, &live, &blocked)).await?;
            if moved == generations::Moved::No {
                return Ok(Over::Replaced);
            }
            live.blocked = Some(blocked);
        }
        self.engine.board.tell(&live);
        Ok(Over::Stuck)
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
