//! A full server: who finds a place for his pool, and for his command.

use onsale_shared::{event::StopMode, id::PoolId, log::memory::MemoryLog};

use super::{
    gated_log::GatedLog,
    instance::{Instance, append_foreign},
};
use crate::{
    domain::commands::{Class, testing::*},
    pools::{Admission, Failure},
};

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

#[tokio::test]
async fn who_gave_up_keeps_his_place_until_his_command_is_let_go() {
    let log = std::sync::Arc::new(GatedLog::new(MemoryLog::new(minute(1))));
    append_foreign(&log.inner, 0, &[created()]).await;
    // The first claim fills a batch, which waits at the gate; the second fills the next one; the others stay in the lane.
    let instance = Instance::start_with_batches("a", std::sync::Arc::clone(&log) as _, 1);
    let admission = Admission::new(16);
    let enter = || admission.enter(Class::Claim);
    let mut calls = Vec::new();
    for id in 1..=8 {
        calls.push(instance.submit_in(enter().unwrap(), id, claim(1)));
    }
    log.someone_waits().await;
    let sure = calls.iter().filter(|(stage, _answer)| stage.abandon());
    assert_eq!(sure.count(), 7, "one is on its way");
    let spare: Vec<_> = std::iter::from_fn(enter).collect();
    assert_eq!(spare.len(), 4, "12 places are for claims, and 8 are taken");
    instance.drop_dead();
    let freed: Vec<_> = std::iter::from_fn(enter).collect();
    assert_eq!(freed.len(), 6, "two are decided already");
}
