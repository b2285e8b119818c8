//! Rows of pools, as memory writes them.

use std::sync::Arc;

use onsale_shared::log::Position;

use super::given::Given;
use crate::{
    availability::hub::tests::pool,
    pool::Pool,
    projections::pools::POOLS,
    read_models::{generations, pools::upsert},
};

/// A replica that began to follow later does not know of the ticket that an event contradicted.
#[tokio::test]
async fn a_pool_that_was_marked_as_corrupted_stays_so_whoever_writes_it_next() {
    let mut given = Given::new().await;
    let mut session = given.database.session().await.unwrap();
    let live = generations::ensure_live(&mut session, &POOLS, Position::START).await;
    generations::use_schema(&mut session, &live.unwrap().schema())
        .await
        .unwrap();
    let corrupted = Pool {
        corrupted: true,
        ..Pool::clone(&pool("aaa", 1))
    };
    for rows in [
        vec![Arc::new(corrupted), pool("bbb", 2)],
        vec![pool("aaa", 3), pool("bbb", 4)],
    ] {
        upsert(&mut session, &rows).await.unwrap();
    }
    let marked = "SELECT sum(position)::bigint FROM onsale_read.pools WHERE corrupted";
    assert_eq!(given.number(marked).await, 3);
    given.end().await;
}
