//! Places of dead claims are given back, whatever else there is to do.

use std::sync::Arc;

use onsale_shared::{event::PoolEvent, log::memory::MemoryLog};

use super::{
    gated_log::GatedLog,
    instance::{Instance, append_foreign, history},
};
use crate::domain::commands::testing::*;

#[tokio::test]
async fn commands_that_fill_every_batch_leave_room_for_claims_that_end() {
    let log = GatedLog::new(MemoryLog::new(minute(CLAIM_MINUTES + 1)));
    let dead = [created(), claimed(1, 1), claimed(1, 2)];
    append_foreign(&log.inner, 0, &dead).await;
    // Two orders are a batch, and four wait.
    let instance = Instance::start_with_batches("a", Arc::new(log.clone()), 4);
    let orders: Vec<_> = (10..14).map(|id| instance.send(id, purchase(1))).collect();
    log.one_passes().await;
    let recorded = history(&log.inner).await;
    let count =
        |is_it: fn(&PoolEvent) -> bool| recorded.iter().filter(|event| is_it(event)).count();
    assert_eq!(
        count(|event| matches!(event, PoolEvent::TicketBought(_))),
        2
    );
    assert_eq!(
        count(|event| matches!(event, PoolEvent::TicketReleased(_))),
        2
    );
    log.open();
    for order in orders {
        order.await.unwrap().expect("there are places");
    }
}
