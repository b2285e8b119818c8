//! A sale that goes on step by step, and what every read has to say of it after each.

use onsale_proto::{name, v1};
use onsale_tests::caller::{Caller, a_pool, euros, fixed_price, pricing_request};
use uuid::Uuid;

use crate::shared::fresh_pool;

/// Tickets of one purchase.
pub(super) const TICKETS: i64 = 2;

/// See the module. Nobody else buys of its pool.
pub(super) struct Sale {
    caller: Caller,
    pub(super) pool: String,
    pub(super) promoter: String,
    pub(super) customer: String,
    /// The claim that was made and bought last.
    pub(super) claim: String,
    /// How many claims were made and bought; after each of them the price was changed.
    pub(super) rounds: i64,
    /// The price of the next round, in euros.
    pub(super) price: i64,
    /// Of the last event.
    pub(super) version: i64,
    /// Of the last receipt.
    pub(super) token: String,
}

impl Sale {
    pub(super) async fn begin(mut caller: Caller) -> Self {
        let (pool, promoter) = (fresh_pool(), format!("p-{}", Uuid::new_v4().simple()));
        let price = 50;
        let created = v1::Pool {
            promoter: promoter.clone(),
            pricing: Some(fixed_price(euros(price, 0))),
            ..a_pool(100_000)
        };
        let receipt = caller.create(&pool, created).await.unwrap();
        Self {
            caller,
            customer: format!("c-{}", Uuid::new_v4().simple()),
            promoter,
            pool,
            claim: String::new(),
            rounds: 0,
            price,
            version: receipt.version,
            token: receipt.consistency_token,
        }
    }

    /// Claims, buys, and changes the price.
    pub(super) async fn go_on(&mut self) {
        let (caller, pool) = (&mut self.caller, &self.pool);
        let claim = caller.claim(pool, &self.customer, 2).await.unwrap();
        caller.buy(&claim.name).await.unwrap();
        self.claim = claim.name;
        self.price += 1;
        let dearer = pricing_request(pool, fixed_price(euros(self.price, 0)));
        let changed = caller.commands.change_pricing(dearer).await.unwrap();
        let receipt = changed.into_inner().receipt.unwrap();
        self.rounds += 1;
        // One event a ticket claimed and bought, and one of the price.
        assert_eq!(receipt.version, self.version + 2 * TICKETS + 1);
        (self.version, self.token) = (receipt.version, receipt.consistency_token);
    }

    pub(super) fn pool_name(&self) -> String {
        name::pool(&self.pool)
    }

    pub(super) const fn tickets(&self) -> i64 {
        self.rounds * TICKETS
    }
}
