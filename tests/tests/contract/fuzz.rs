//! At least 100,000 random and mutated messages, and metadata, against both services. Whatever comes in, what goes out is
//! an answer or a refusal of the catalogue, and the log holds what was accepted and nothing else.
//!
//! `ONSALE_FUZZ_SEED` repeats a run's messages; how they interleave is the machine's.

mod bytes;
mod calls;
mod draw;
mod edits;
mod ledger;
mod messages;
mod orders;

use std::sync::Arc;

use onsale_tests::{service::Service, system::System};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    fuzz::{calls::Target, ledger::Ledger, messages::World},
    log, raw,
    refused::Refused,
    sound,
};

/// Calls that are open at once.
const WORKERS: usize = 64;
const MESSAGES_PER_WORKER: usize = 1_563;
/// What the issue asks for.
const _: () = assert!(WORKERS * MESSAGES_PER_WORKER >= 100_000);
const COMMAND_CONNECTIONS: usize = 3;

fn seed() -> u64 {
    let given = std::env::var("ONSALE_FUZZ_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok());
    seed.unwrap_or_else(rand::random)
}

fn nothing_broke(service: &Service, seed: u64) {
    assert_eq!(service.panics(), Vec::<String>::new(), "seed {seed}");
    let log = service.log();
    let errors: Vec<_> = log.iter().filter(|line| line["level"] == "ERROR").collect();
    assert!(errors.is_empty(), "seed {seed}: {errors:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_in_is_answered_by_the_contract_and_only_what_is_accepted_is_recorded() {
    let seed = seed();
    println!("ONSALE_FUZZ_SEED={seed}");
    let system = System::start().await;
    let world = Arc::new(World::open(&system).await);
    let ledger = Arc::new(Ledger::default());
    let mut targets = Vec::new();
    for _ in 0..COMMAND_CONNECTIONS {
        targets.push(Target {
            commands: system.command_channel(0).await,
            queries: system.query.channel().await,
        });
    }
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(u64::try_from(number).unwrap_or(0)));
            let target = targets[number % COMMAND_CONNECTIONS].clone();
            let (world, ledger) = (Arc::clone(&world), Arc::clone(&ledger));
            tokio::spawn(calls::work(rng, target, world, ledger, MESSAGES_PER_WORKER))
        })
        .collect();
    for worker in workers {
        worker
            .await
            .unwrap_or_else(|panic| unreachable!("seed {seed}: {panic}"));
    }

    nothing_broke(&system.commands[0], seed);
    nothing_broke(&system.query, seed);
    ledger
        .check_against(&system.database, &world.created, seed)
        .await;
    let unsound = sound::violations(&system.database).await;
    assert!(unsound.is_empty(), "seed {seed}: {unsound:?}");
    println!("{}", ledger.summary());
    for service in [&system.commands[0], &system.query] {
        assert!(onsale_proto::health::is_serving(service.address().to_owned()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_no_frames_of_grpc_are_refused() {
    let seed = seed();
    println!("ONSALE_FUZZ_SEED={seed}");
    let system = System::start().await;
    let mut rng = StdRng::seed_from_u64(seed);
    for (service, path) in [
        (
            &system.commands[0],
            "/onsale.v1.CommandService/ClaimTickets",
        ),
        (&system.query, "/onsale.v1.QueryService/GetPool"),
        (&system.query, "/onsale.v1.QueryService/WatchAvailability"),
    ] {
        for _ in 0..150 {
            let body = bytes::no_frames(&mut rng);
            let answer = raw::http2(service, path, &[], Some(body.clone().into())).await;
            let status = answer.expect_err("nothing of it is a request");
            let reason = Refused::of(status).reason;
            assert_ne!(
                reason,
                onsale_proto::reason::Reason::Internal,
                "seed {seed}: {body:?}"
            );
        }
        nothing_broke(service, seed);
    }
    // A body that never ends is a call that ends with its deadline, not one that anybody waits for.
    let deadline = rng.random_range(1..50);
    let timeout = format!("{deadline}m");
    let headers = [("grpc-timeout", timeout.as_str())];
    let path = "/onsale.v1.QueryService/GetPool";
    let status = raw::http2(&system.query, path, &headers, None)
        .await
        .expect_err("no request");
    assert_eq!(
        Refused::of(status).reason,
        onsale_proto::reason::Reason::DeadlineExceeded
    );
    assert_eq!(log::head(&system.database).await, 0);
}
