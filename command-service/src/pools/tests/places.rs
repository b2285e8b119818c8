//! A full server: who finds a place for his pool.

use onsale_shared::{event::StopMode, id::PoolId, log::memory::MemoryLog};

use super::{gated_log::GatedLog, instance::Instance};
use crate::{domain::commands::testing::*, pools::Failure};

fn pool(number: usize) -> PoolId {
    PoolId::parse(&format!("pool-{number}")).unwrap()
}

#[tokio::test]
async fn the_sweep_leaves_places_to_callers_and_callers_leave_some_to_promoters() {
    let log = std::sync::Arc::new(GatedLog::new(MemoryLog::new(minute(1))));
    let instance = Instance::start_with_pools("a", log, 16);
    // Nothing is awaited, so that no actor ends meanwhile.
    for number in 0..20 {
        instance.touch(&pool(number));
    }
    let mut answers: Vec<_> = (20..24)
        .map(|number| instance.send_to(&pool(number), 1, claim(1)))
        .collect();
    let a_stop = || stop(StopMode::FinishClaims);
    answers.extend((24..26).map(|number| instance.send_to(&pool(number), 2, a_stop())));
    let shed: Vec<_> = answers
        .iter_mut()
        .map(|answer| matches!(answer.try_recv(), Ok(Err(Failure::Overloaded))))
        .collect();
    assert_eq!(
        shed,
        [false, false, false, true, false, true],
        "12 places for the sweep, 15 with claims, 16 in all"
    );
}
