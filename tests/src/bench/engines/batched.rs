//! The best that plain SQL can do without events: what came while the statement before was under way is applied in one
//! UPDATE, of all pools that were asked for.
//!
//! A statement takes what all orders of a pool ask for together, or what is left; the orders get it first come first
//! served. Tickets that were taken and then fit no order stay with this process for the orders to come, so nothing is
//! ever oversold.

use std::{collections::HashMap, sync::Arc};

use sqlx::{PgPool, Row as _};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::answer::{Order, Taken};

/// As many orders wait at most; further ones wait for a place.
const QUEUE_MAX: usize = 8_192;
/// A statement applies at most so many orders.
const BATCH_MAX: usize = 1_000;

/// Where orders are gathered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Batcher {
    orders: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    order: Order,
    answer: oneshot::Sender<Taken>,
}

impl Batcher {
    /// Applies orders with `connections` statements under way at once.
    #[must_use]
    pub fn start(database: &PgPool, connections: u32) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..connections {
            drop(tokio::spawn(apply_all(
                database.clone(),
                Arc::clone(&queue),
            )));
        }
        Self { orders }
    }

    /// Takes the tickets of an order, if they are there; none if the database failed.
    pub async fn take(&self, order: Order) -> Option<Taken> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Waiting { order, answer }).await.ok()?;
        answered.await.ok()
    }
}

async fn apply_all(database: PgPool, queue: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    let mut left = HashMap::new();
    loop {
        let count = queue.lock().await.recv_many(&mut waiting, BATCH_MAX).await;
        if count == 0 {
            return;
        }
        if let Err(error) = take_all(&database, &waiting, &mut left).await {
            tracing::error!(%error, "orders are lost");
            // Who waited is told by the end of his channel.
            waiting.clear();
        }
        for Waiting { order, answer } in waiting.drain(..) {
            let left = left.entry(order.pool).or_insert(0);
            let quantity = i64::from(order.quantity);
            let taken = if *left >= quantity {
                *left -= quantity;
                Taken::Yes
            } else {
                Taken::No
            };
            // Nobody may be waiting any longer; his tickets are gone, as with every other engine.
            answer.send(taken).ok();
        }
    }
}

/// Takes what `waiting` asks for beyond what is left, and adds it to that.
async fn take_all(
    database: &PgPool,
    waiting: &[Waiting],
    left: &mut HashMap<String, i64>,
) -> Result<(), sqlx::Error> {
    let mut asked: HashMap<&str, i64> = HashMap::new();
    for Waiting { order, .. } in waiting {
        *asked.entry(&order.pool).or_default() += i64::from(order.quantity);
    }
    // In one order, so that two statements never wait for each other.
    let mut asked: Vec<_> = asked
        .into_iter()
        .map(|(pool, asked)| (pool, asked - left.get(pool).copied().unwrap_or(0)))
        .filter(|(_, asked)| *asked > 0)
        .collect();
    asked.sort_unstable();
    let (pools, counts): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    // On the right side of SET, `available` is what it was before.
    let rows = sqlx::query(
        "UPDATE bench_pools p
            SET available = p.available - least(p.available, a.asked), taken = least(p.available, a.asked)
           FROM unnest($1::text[], $2::bigint[]) AS a (id, asked)
          WHERE p.id = a.id AND p.available > 0
      RETURNING p.id, p.taken",
    )
    .bind(pools)
    .bind(counts)
    .fetch_all(database)
    .await?;
    for row in rows {
        *left.entry(row.try_get(0)?).or_insert(0) += row.try_get::<i64, _>(1)?;
    }
    Ok(())
}
