//! Follows the log, keeps the deadlines, and has the pools that are due look at their claims.

use std::{collections::HashMap, sync::Arc, time::Duration};

use onsale_shared::{
    id::PoolId,
    log::{
        EventLog, Position, Tail,
        postgres::Lineage,
        tail::{Page, TailConfig},
    },
};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{index::Index, store};
use crate::{
    aside::Aside,
    pools::{Pools, Recorded},
};

/// How often due pools are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// A pool is left to whoever sells it for so long after a deadline; it sweeps by itself.
const GRACE: Duration = Duration::from_millis(250);
/// A pool that stays due is touched again after so long.
const TOUCH_INTERVAL: Duration = Duration::from_secs(1);
/// So many pools are touched at one look at most. Most of them have to be loaded, by the reads that a stop of a pool that is
/// not loaded waits for, too: after an outage thousands are due.
const TOUCHES_MAX: usize = 200;
/// How often the deadlines are stored.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait before starting anew after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What the sweeper works with.
#[derive(Debug)]
pub struct Sweeper {
    /// The log that is followed.
    pub log: Arc<dyn EventLog>,
    /// The history of that log; the deadlines are stored beside it.
    pub lineage: Lineage,
    /// Where the deadlines are stored.
    pub store: Aside,
    /// Which pools to touch.
    pub pools: Arc<Pools>,
    /// How the log is followed.
    pub tail: TailConfig,
    /// What this instance records: it need not be read from the log again.
    pub recorded: mpsc::Receiver<Recorded>,
}

impl Sweeper {
    /// Sweeps until `stop`. A failure of the database is waited out; an event that cannot be read stops the sweeping of
    /// pools that are not loaded, visibly, and nothing else.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.sweep() => {}
        }
    }

    async fn sweep(&mut self) {
        loop {
            match self.load().await {
                Ok((index, position)) => {
                    if let Err(error) = self.follow(index, position).await {
                        tracing::error!(
                            error = &*error,
                            "deadlines cannot be followed any further: pools that no instance has loaded are not swept"
                        );
                        return;
                    }
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "deadlines cannot be loaded"
                ),
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn load(&mut self) -> Result<(Index, Position), sqlx::Error> {
        let mut connection = self.store.take().await?;
        let loaded = store::load(&mut connection).await?;
        self.store.put_back(connection);
        Ok(loaded)
    }

    async fn save(
        &mut self,
        index: &Index,
        from: Position,
        to: Position,
    ) -> Result<Position, sqlx::Error> {
        let mut connection = self.store.take().await?;
        let position = store::save(&mut connection, &self.lineage, index, from, to).await?;
        self.store.put_back(connection);
        Ok(position)
    }

    async fn follow(
        &mut self,
        mut index: Index,
        position: Position,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut tail = Tail::new(Arc::clone(&self.log), position, self.tail);
        let mut stored = position;
        let mut touched = HashMap::new();
        let mut caught_up = false;
        // Recorded behind events that are still to be read.
        let mut ahead = None;
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut save = interval(SAVE_INTERVAL);
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                page = tail.next_page() => {
                    let page = page?;
                    caught_up |= page.last;
                    fold(&mut index, &page)?;
                    ahead = ahead.take().and_then(|recorded| go_on(&mut index, &mut tail, recorded));
                }
                Some(recorded) = self.recorded.recv(), if ahead.is_none() => {
                    ahead = go_on(&mut index, &mut tail, recorded);
                }
                _ = look.tick(), if caught_up => self.touch_due(&index, &mut touched),
                _ = save.tick(), if tail.position() > stored => {
                    match self.save(&index, stored, tail.position()).await {
                        Ok(position) if position < stored => {
                            tracing::warn!(stored = stored.get(), position = position.get(), "deadlines were set back and are loaded anew");
                            return Ok(());
                        }
                        Ok(position) => {
                            stored = position;
                            index.stored(position);
                        }
                        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "deadlines were not stored"),
                    }
                }
            }
        }
    }

    fn touch_due(&self, index: &Index, touched: &mut HashMap<PoolId, Instant>) {
        // A moment ago by the log's clock: whoever has the pool loaded had time to sweep it.
        let due_by = self.log.clock().at(std::time::Instant::now()
            .checked_sub(GRACE)
            .unwrap_or_else(std::time::Instant::now));
        for pool in take_due(index.due(due_by), touched, Instant::now()) {
            self.pools.touch(pool);
        }
    }
}

/// The next of the pools that are due; those that were touched a moment ago have their time.
fn take_due<'a>(
    due: impl Iterator<Item = &'a PoolId>,
    touched: &mut HashMap<PoolId, Instant>,
    now: Instant,
) -> Vec<&'a PoolId> {
    touched.retain(|_, at| now.duration_since(*at) < TOUCH_INTERVAL);
    let next = due.filter(|pool| !touched.contains_key(pool));
    let next: Vec<_> = next.take(TOUCHES_MAX).collect();
    touched.extend(next.iter().map(|pool| (PoolId::clone(pool), now)));
    next
}

fn fold(index: &mut Index, page: &Page) -> Result<(), onsale_shared::event::DecodeError> {
    for recorded in &page.events {
        if let Some(pool) = recorded.stream.pool() {
            index.fold(&pool, &recorded.decode()?, recorded.position);
        }
    }
    Ok(())
}

/// Folds what comes next in the log; gives back what does not.
fn go_on(index: &mut Index, tail: &mut Tail, recorded: Recorded) -> Option<Recorded> {
    if recorded.first > tail.position().next() {
        return Some(recorded);
    }
    let mut position = recorded.first;
    for (pool, events) in &recorded.events {
        for event in events {
            if position > tail.position() {
                index.fold(pool, event, position);
                tail.advance(position);
            }
            position = position.next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use onsale_shared::{
        event::PoolEvent,
        log::{Position, memory::MemoryLog},
    };

    use super::*;
    use crate::domain::commands::testing::*;

    fn position(number: i64) -> Position {
        Position::new(number).unwrap()
    }

    fn recorded(first: i64, events: Vec<PoolEvent>) -> Recorded {
        Recorded {
            first: position(first),
            events: vec![(PoolId::parse("a-pool").unwrap(), events)],
        }
    }

    /// Two tickets are held after three events.
    fn followed() -> (Index, Tail) {
        let log = Arc::new(MemoryLog::new(minute(0)));
        let (mut index, mut tail) = (
            Index::default(),
            Tail::new(log, Position::START, TailConfig::default()),
        );
        let events = vec![created(), claimed(1, 1), claimed(1, 2)];
        assert!(go_on(&mut index, &mut tail, recorded(1, events)).is_none());
        (index, tail)
    }

    fn held(index: &Index) -> u32 {
        index.changes().map(|(_, held)| held).sum()
    }

    #[test]
    fn what_comes_next_is_folded() {
        let (mut index, mut tail) = followed();
        assert_eq!((held(&index), tail.position()), (2, position(3)));
        let next = recorded(4, vec![bought(1, 1)]);
        assert!(go_on(&mut index, &mut tail, next).is_none());
        assert_eq!((held(&index), tail.position()), (1, position(4)));
    }

    #[test]
    fn what_was_read_already_is_not_folded_again() {
        let (mut index, mut tail) = followed();
        let again = recorded(2, vec![claimed(1, 1), claimed(1, 2), claimed(1, 3)]);
        assert!(go_on(&mut index, &mut tail, again).is_none());
        assert_eq!((held(&index), tail.position()), (3, position(4)));
        let old = recorded(1, vec![created(), claimed(1, 1)]);
        assert!(go_on(&mut index, &mut tail, old).is_none());
        assert_eq!((held(&index), tail.position()), (3, position(4)));
    }

    #[test]
    fn after_an_outage_pools_that_are_due_are_touched_some_at_a_time() {
        let due: Vec<_> = (0..2 * TOUCHES_MAX + 1)
            .map(|n| PoolId::parse(&format!("pool-{n}")).unwrap())
            .collect();
        let (mut touched, mut now) = (HashMap::new(), Instant::now());
        let mut seen = Vec::new();
        for expected in [TOUCHES_MAX, TOUCHES_MAX, 1, 0] {
            let next = take_due(due.iter(), &mut touched, now);
            assert_eq!(next.len(), expected);
            seen.extend(next);
        }
        assert_eq!(seen, due.iter().collect::<Vec<_>>());
        // Whoever is due still is touched again.
        now += TOUCH_INTERVAL;
        assert_eq!(take_due(due.iter(), &mut touched, now).len(), TOUCHES_MAX);
    }

    #[test]
    fn what_lies_behind_a_gap_waits_until_the_gap_is_read() {
        let (mut index, mut tail) = followed();
        let ahead = go_on(&mut index, &mut tail, recorded(5, vec![bought(1, 1)]));
        assert!(ahead.is_some());
        assert_eq!((held(&index), tail.position()), (2, position(3)));
    }
}
