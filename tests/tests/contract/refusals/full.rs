//! What a server refuses that has enough to do, or that is about to end.

use std::time::Duration;

use onsale_proto::{health::is_serving, name, reason::Reason, v1};
use onsale_tests::{caller::claim_request, wait::eventually};
use tonic::Status;

use crate::{
    log::{self, LIMIT, LogLock},
    refused::{Refused, refused},
    shop::{Shop, fresh_pool},
};

const RETRY_OVERLOADED: Duration = Duration::from_millis(250);
const RETRY_CONTENTION: Duration = Duration::from_millis(50);

type Answer = Result<tonic::Response<v1::ClaimTicketsResponse>, Status>;

/// So many claims are sent at once; further ones when all but those that wait are answered.
const ROUND: usize = 40;

/// Sends claims of a ticket each; when all but `waiting` of them are answered, frees the log for the others.
async fn claims_while_locked(
    shop: &Shop,
    pool: &str,
    number: usize,
    waiting: usize,
) -> Vec<(String, Answer)> {
    let caller = shop.caller().await;
    let lock = LogLock::take(&shop.database).await;
    let (sender, mut receiver) = tokio::sync::mpsc::channel(number);
    let mut answers = Vec::new();
    for i in 0..number {
        let (mut caller, sender) = (caller.clone(), sender.clone());
        let request = claim_request(pool, &format!("c{i}"), 1);
        tokio::spawn(async move {
            let id = request.request_id.clone();
            let answer = caller.commands.claim_tickets(request).await;
            sender.send((id, answer)).await.expect("the test waits");
        });
        let sent = i + 1;
        if sent.is_multiple_of(ROUND) || sent == number {
            while answers.len() + waiting < sent {
                answers.push(receiver.recv().await.expect("so many are refused at once"));
            }
        }
    }
    drop(sender);
    lock.release().await;
    while let Some(answer) = receiver.recv().await {
        answers.push(answer);
    }
    answers
}

async fn check(shop: &Shop, answers: Vec<(String, Answer)>, refused_at_once: usize) {
    for (i, (id, answer)) in answers.into_iter().enumerate() {
        let recorded = log::recorded(&shop.database, &id).await;
        if i < refused_at_once {
            refused(answer, Reason::Overloaded, &[]).again_after(RETRY_OVERLOADED);
            assert_eq!(recorded, 0);
        } else {
            answer.expect("who found a place is served");
            assert_eq!(recorded, 1);
        }
    }
}

#[tokio::test]
async fn a_full_pool_refuses_at_once_and_serves_who_waits() {
    let shop = Shop::start(&[("ONSALE_QUEUE_MAX", "4")]).await;
    let id = fresh_pool();
    shop.caller()
        .await
        .create_pool(&id, 100)
        .await
        .expect("a pool");
    // Four in the lane find a place, one to four more on their way, and four decided on top of them; one round is
    // refused before the actor has looked, three are not.
    let mut answers = claims_while_locked(&shop, &id, 3 * ROUND, 13).await;
    // The last refusals may come beside the first claims.
    answers.sort_by_key(|(_, answer)| answer.is_ok());
    let placed = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
    assert!((9..=13).contains(&placed), "{placed} found a place");
    let refused = answers.len() - placed;
    check(&shop, answers, refused).await;
}

#[tokio::test]
async fn a_full_server_refuses_at_once_whatever_the_pool() {
    let shop = Shop::start(&[("ONSALE_CALLS_MAX", "3"), ("ONSALE_POOLS_MAX", "1")]).await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 100).await.expect("a pool");
    let answers = claims_while_locked(&shop, &id, 10, 3).await;
    check(&shop, answers, 7).await;

    let further = caller.create_pool(&fresh_pool(), 1).await;
    refused(further, Reason::Overloaded, &[]).again_after(RETRY_OVERLOADED);
    caller
        .claim(&id, "d", 1)
        .await
        .expect("the pool that is loaded is served");
}

#[tokio::test]
async fn a_command_whose_deadline_passes_in_the_queue_is_dropped() {
    let options = [
        ("ONSALE_DEADLINE_DEFAULT_MS", "300"),
        ("ONSALE_BATCH_EVENTS", "1"),
    ];
    let shop = Shop::start(&options).await;
    let id = fresh_pool();
    shop.caller()
        .await
        .create_pool(&id, 100)
        .await
        .expect("a pool");
    // One is on its way; one is decided on top of it and the others wait in the lane, until nobody waits for them.
    let answers = claims_while_locked(&shop, &id, 10, 0).await;
    let mut unknown = 0;
    for (_, answer) in &answers {
        let refused = Refused::of(answer.as_ref().expect_err("the log is locked").clone());
        if refused.reason == Reason::OutcomeUnknown {
            unknown += 1;
        } else {
            assert_eq!(refused.reason, Reason::Overloaded);
        }
    }
    assert_eq!(unknown, 1, "one was sent to the log");
    eventually(LIMIT, "what was sent is in the log", || async {
        (log::count(&shop.database, &id, "TicketClaimed").await == unknown).then_some(())
    })
    .await;
    // What is decided after them would stand behind what was dropped.
    let last = shop.caller().await.claim(&id, "d", 1).await;
    last.expect("the log is free");
    assert_eq!(
        log::count(&shop.database, &id, "TicketClaimed").await,
        unknown + 1
    );
}

#[tokio::test]
async fn who_loses_every_race_is_told_of_the_contention() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a pool");
    // A log that always has another version than the one expected, under its lock and without it.
    always_stale(&shop).await;
    let pool = name::pool(&id);
    let lost = caller.claim(&id, "c", 1).await;
    refused(lost, Reason::Contention, &[("pool", &pool)]).again_after(RETRY_CONTENTION);
    assert_eq!(log::events(&shop.database, &id).await.len(), 1);
}

async fn always_stale(shop: &Shop) {
    let mut admin = shop.database.admin().await;
    let arguments: String = sqlx::query_scalar(
        "SELECT pg_get_function_arguments('onsale_log.append_known'::regproc) || ') RETURNS ' || pg_get_function_result('onsale_log.append_known'::regproc)",
    )
    .fetch_one(&mut admin)
    .await
    .expect("the function is there");
    let function = format!(
        "CREATE OR REPLACE FUNCTION onsale_log.append_known({arguments} LANGUAGE sql SECURITY DEFINER AS $$ \
           SELECT false, false, 0::bigint, NULL::bigint, 1::bigint, clock_timestamp() FROM unnest(write_group) $$"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(function))
        .execute(&mut admin)
        .await
        .expect("a superuser may replace it");
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_refuses_new_commands_and_ends() {
    let mut shop = Shop::start(&[("ONSALE_DRAIN_NOTICE_MS", "2000")]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a pool");
    shop.command.signal("TERM").await;
    let address = shop.command.address().to_owned();
    eventually(LIMIT, "it says so", || async {
        (!is_serving(address.clone()).await).then_some(())
    })
    .await;
    let request = claim_request(&id, "c", 1);
    let answer = caller.commands.claim_tickets(request.clone()).await;
    refused(answer, Reason::Draining, &[]).again_after(RETRY_OVERLOADED);
    assert_eq!(log::recorded(&shop.database, &request.request_id).await, 0);
    assert_eq!(shop.command.ended().await, Some(0));
}
