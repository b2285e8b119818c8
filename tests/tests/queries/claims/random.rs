//! Random commands: each claim is read as its command answered it, and in the end every row is what the log says.

use onsale_proto::v1;
use onsale_tests::{
    caller::{
        Caller, a_pool, buy_request, extend_request, grant_request, refund_request, release_request,
    },
    system::System,
    wait::eventually,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{claim, fold::assert_rows_are_fold, seconds};
use crate::db::{Db, LIMIT};

const ROUNDS: usize = 3;
const COMMANDS: usize = 120;
/// A round goes on until more than so many answers were compared, for all that stops and limits of customers refuse ...
const COMPARED_MIN: usize = 5;
/// ... and has at most so many commands.
const COMMANDS_MAX: usize = 20 * COMMANDS;
const POOLS: [&str; 3] = ["calm", "hasty", "tight"];

/// How many tickets wait for a deadline that comes soon.
const LASTING: &str = "
SELECT count(*) FROM onsale_log.events e WHERE type = 'TicketClaimed' AND stream <> 'pools/calm'
   AND NOT EXISTS (SELECT FROM onsale_log.events x WHERE x.type IN ('TicketBought', 'TicketReleased')
                      AND x.data ->> 'ticket' = e.data ->> 'ticket')";

/// A command that may be refused; the claim that it answers with.
async fn command(
    caller: &mut Caller,
    dice: &mut StdRng,
    known: &[v1::Claim],
) -> Option<(v1::Claim, Option<v1::Receipt>)> {
    let pool = *POOLS.choose(dice)?;
    let customer = format!("customer-{}", dice.random_range(0..5));
    let quantity = dice.random_range(1..=4);
    let of = known.choose(dice).cloned().unwrap_or_default();
    let some = |dice: &mut StdRng| -> Vec<String> {
        let named = of.tickets.iter().filter(|_| dice.random_bool(0.5));
        named.map(|ticket| ticket.name.clone()).collect()
    };
    match dice.random_range(0..100) {
        0..25 => {
            let made = caller.claim(pool, &customer, quantity).await.ok()?;
            Some((made, None))
        }
        25..40 => {
            let made = caller.purchase(pool, &customer, quantity).await.ok()?;
            Some((made.claim?, made.receipt))
        }
        40..65 => {
            let request = v1::BuyTicketsRequest {
                tickets: some(dice),
                reclaim: dice.random_bool(0.6),
                ..buy_request(&of.name)
            };
            let bought = caller
                .commands
                .buy_tickets(request)
                .await
                .ok()?
                .into_inner();
            Some((bought.claim?, bought.receipt))
        }
        65..75 => {
            let request = v1::ReleaseTicketsRequest {
                tickets: some(dice),
                ..release_request(&of.name)
            };
            let released = caller
                .commands
                .release_tickets(request)
                .await
                .ok()?
                .into_inner();
            Some((released.claim?, released.receipt))
        }
        75..82 => {
            let request = extend_request(&of.name);
            let extended = caller
                .commands
                .extend_claim(request)
                .await
                .ok()?
                .into_inner();
            Some((extended.claim?, extended.receipt))
        }
        82..90 => {
            let bought = of.tickets.get(..1)?;
            caller
                .commands
                .refund_tickets(refund_request(bought))
                .await
                .ok()?;
            None
        }
        90..94 => {
            let request = grant_request(pool, &customer, quantity);
            let granted = caller
                .commands
                .grant_tickets(request)
                .await
                .ok()?
                .into_inner();
            Some((granted.claim?, granted.receipt))
        }
        94..97 => {
            let mode = if dice.random_bool(0.5) {
                v1::StopMode::VoidClaims
            } else {
                v1::StopMode::FinishClaims
            };
            caller.stop_sales(pool, mode).await.ok()?;
            None
        }
        _ => {
            caller.resume_sales(pool).await.ok()?;
            None
        }
    }
}

/// A claim that was extended and will expire, whatever the dice say.
async fn claim_for_late(caller: &mut Caller) -> v1::Claim {
    caller.resume_sales("hasty").await.ok();
    let made = caller.claim("hasty", "late", 2).await.unwrap();
    let extend = caller.commands.extend_claim(extend_request(&made.name));
    extend.await.ok();
    made
}

/// Buys it when it has expired, and gives a ticket back.
async fn pay_late(caller: &mut Caller, expired: &v1::Claim) {
    let request = v1::BuyTicketsRequest {
        reclaim: true,
        ..buy_request(&expired.name)
    };
    let bought = caller.commands.buy_tickets(request).await.unwrap();
    let bought = bought.into_inner().claim.unwrap();
    let refund = caller
        .commands
        .refund_tickets(refund_request(&bought.tickets[3..]));
    refund.await.unwrap();
}

#[tokio::test]
async fn whatever_is_commanded_the_rows_are_what_the_log_says() {
    let system = System::start().await;
    let mut caller = system.caller().await;
    for (pool, capacity, duration) in [
        ("calm", 1_000, 3_600),
        ("hasty", 1_000, 1),
        ("tight", 12, 1),
    ] {
        let pool_of = v1::Pool {
            claim_duration: seconds(duration),
            late_purchase_window: seconds(600),
            ..a_pool(capacity)
        };
        caller.create(pool, pool_of).await.unwrap();
    }
    let db = Db::of(&system.database).await;
    let seed = rand::random();
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut known, mut compared): (Vec<v1::Claim>, usize) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut commands = 0;
        while commands < COMMANDS || compared <= COMPARED_MIN {
            assert!(
                commands < COMMANDS_MAX,
                "seed {seed}, round {round}: {compared}"
            );
            if commands % COMMANDS == 0 {
                for pool in POOLS {
                    caller.resume_sales(pool).await.ok();
                }
            }
            commands += 1;
            let Some((of, receipt)) = command(&mut caller, &mut dice, &known).await else {
                continue;
            };
            if let Some(receipt) = receipt.filter(|_| of.pool == "pools/calm") {
                let read = claim(&caller, &of.name, Some(&receipt)).await.unwrap();
                assert_eq!(read.claim.as_ref(), Some(&of), "seed {seed}");
                compared += 1;
            }
            known.retain(|claim| claim.name != of.name);
            known.push(of);
            // The newest ones are where something still happens.
            let surplus = known.len().saturating_sub(20);
            known.drain(..surplus);
        }
        let late = claim_for_late(&mut caller).await;
        // What comes next finds claims that have expired.
        eventually(LIMIT, "all deadlines", || async {
            (db.number(LASTING).await == 0).then_some(())
        })
        .await;
        pay_late(&mut caller, &late).await;
    }
    for kind in ["TicketReleased", "TicketRefunded", "ClaimExtended"] {
        let count = format!("SELECT count(*) FROM onsale_log.events WHERE type = '{kind}'");
        assert!(db.number(&count).await > 0, "seed {seed}: no {kind}");
    }
    let late = "SELECT count(*) FROM onsale_log.events WHERE data ->> 'replaces' IS NOT NULL";
    assert!(
        db.number(late).await > 0,
        "seed {seed}: nothing was paid late"
    );
    assert_rows_are_fold(&db, &POOLS).await;
}
