//! Customers who buy as fast as they can, until they are told to stop.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use onsale_proto::v1::Receipt;
use onsale_tests::{caller::Caller, wait::eventually};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::db::LIMIT;

/// What a storm sells of; more than any test does.
pub(crate) const CAPACITY: i64 = 1_000_000;

/// See the module. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Storm {
    stop: CancellationToken,
    customers: JoinSet<()>,
    bought: Arc<Bought>,
}

#[derive(Debug, Default)]
struct Bought {
    purchases: AtomicU64,
    /// The newest receipt of each pool.
    newest: Mutex<BTreeMap<String, Receipt>>,
}

impl Storm {
    /// Customers who buy a ticket of one pool after the other.
    pub(crate) fn start(caller: &Caller, pools: &[String], customers: usize) -> Self {
        let (stop, bought) = (CancellationToken::new(), Arc::<Bought>::default());
        let mut set = JoinSet::new();
        for number in 0..customers {
            let mut caller = caller.clone();
            let (pools, stop, bought) = (pools.to_vec(), stop.clone(), Arc::clone(&bought));
            set.spawn(async move {
                let customer = format!("customer-{number}");
                for pool in pools.iter().cycle().skip(number) {
                    if stop.is_cancelled() {
                        return;
                    }
                    let answer = caller.purchase(pool, &customer, 1).await;
                    bought.note(pool, answer.expect("a ticket").receipt);
                }
            });
        }
        Self {
            stop,
            customers: set,
            bought,
        }
    }

    /// Waits for so many purchases more.
    pub(crate) async fn go_on(&self, purchases: u64) {
        let goal = self.purchases() + purchases;
        eventually(LIMIT, "customers buy", || async {
            (self.purchases() >= goal).then_some(())
        })
        .await;
    }

    /// How many purchases were acknowledged.
    pub(crate) fn purchases(&self) -> u64 {
        self.bought.purchases.load(Ordering::SeqCst)
    }

    /// The newest receipt of each pool.
    pub(crate) fn newest(&self) -> BTreeMap<String, Receipt> {
        self.bought.newest.lock().unwrap().clone()
    }

    /// Stops, and returns the last receipt of each pool.
    pub(crate) async fn end(mut self) -> BTreeMap<String, Receipt> {
        self.stop.cancel();
        while let Some(ended) = self.customers.join_next().await {
            ended.expect("every purchase succeeds");
        }
        self.newest()
    }
}

impl Bought {
    fn note(&self, pool: &str, receipt: Option<Receipt>) {
        let receipt = receipt.expect("a receipt");
        self.purchases.fetch_add(1, Ordering::SeqCst);
        let mut newest = self.newest.lock().unwrap();
        let known = newest.get(pool).map_or(0, |receipt| receipt.version);
        if receipt.version > known {
            newest.insert(pool.to_owned(), receipt);
        }
    }
}

/// Creates pools that a storm can buy of, and waits until memory and the table, which is a projection of its own, have them;
/// their names begin with `prefix`.
pub(crate) async fn pools(caller: &mut Caller, prefix: &str, count: usize) -> Vec<String> {
    let names: Vec<_> = (0..count).map(|n| format!("{prefix}-{n}")).collect();
    for name in &names {
        let created = caller
            .create_pool(name, CAPACITY)
            .await
            .expect("a new pool");
        let token = created.consistency_token;
        let known = caller.availability(name, &token).await;
        known.expect("memory has it");
        let shown = caller.pool(name, &token).await;
        shown.expect("the table has it");
    }
    names
}
