//! PostgreSQL comes back without the last events that it had acknowledged, as a standby does that was behind: what was lost
//! must not live on in the memory of services, and nothing may be recorded on top of it.

use std::time::Duration;

use onsale_proto::v1;
use onsale_tests::{
    caller::claim_request,
    proof,
    service::{Kind, Service},
    system::System,
    wait::eventually,
};

const LIMIT: Duration = Duration::from_secs(20);

/// What follows from the log stays where it is, as it does on a standby: it is as far behind as the log.
const HOLD: &str = "BEGIN; SELECT FROM onsale_query.generations FOR UPDATE; \
                    SELECT FROM onsale_command.checkpoints FOR UPDATE";

fn says_why(service: &Service) -> bool {
    let log = service.log();
    log.iter().any(|line| {
        line.to_string()
            .contains("is not the one that this process")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failover_has_lost_lives_on_nowhere() {
    let mut system = System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("tour", 3).await.unwrap();
    caller.claim("tour", "early", 2).await.unwrap();
    let mut log = system.database.admin().await;
    let kept: i64 = sqlx::query_scalar("SELECT max(position) FROM onsale_log.events")
        .fetch_one(&mut log)
        .await
        .unwrap();
    let mut hold = system.database.admin().await;
    sqlx::raw_sql(HOLD).execute(&mut hold).await.unwrap();

    let lost = claim_request("tour", "late", 1);
    let answer = caller.commands.claim_tickets(lost.clone()).await.unwrap();
    let token = answer.into_inner().receipt.unwrap().consistency_token;
    let seen = caller.availability("tour", &token).await.unwrap();
    assert_eq!((seen.held, seen.available), (3, 0));
    system.database.lose_events_after(kept).await;

    // Neither a repeat of what was lost, nor anything else, is answered from what was.
    caller
        .commands
        .claim_tickets(lost.clone())
        .await
        .unwrap_err();
    caller.claim("tour", "next", 1).await.unwrap_err();
    assert_eq!(system.commands[0].ended().await, Some(1));
    assert_eq!(system.query.ended().await, Some(1));
    // What a process has written is read by a task of this one.
    eventually(LIMIT, "they say why", async || {
        (says_why(&system.commands[0]) && says_why(&system.query)).then_some(())
    })
    .await;

    let database = system.database.url();
    system.commands = vec![Service::start(Kind::Command, database, &[]).await];
    system.query = Service::start(Kind::Query, database, &[]).await;
    let mut caller = system.caller().await;
    let seen = caller.availability("tour", "").await.unwrap();
    assert_eq!((seen.held, seen.available), (2, 1));
    let listing = v1::ListClaimsRequest {
        pool: "pools/tour".to_owned(),
        ..v1::ListClaimsRequest::default()
    };
    // The one that was kept, though its table was behind when the server was lost.
    let customers = eventually(LIMIT, "the table has it", async || {
        let listed = caller.queries.clone().list_claims(listing.clone()).await;
        let claims = listed.ok()?.into_inner().claims.into_iter();
        let customers = claims.filter_map(|record| Some(record.claim?.customer));
        Some(customers.collect::<Vec<_>>()).filter(|customers| !customers.is_empty())
    })
    .await;
    assert_eq!(customers, ["early"]);
    let answer = caller.commands.claim_tickets(lost).await.unwrap();
    assert_eq!(
        answer.into_inner().receipt.unwrap().position,
        kept + 1,
        "decided anew"
    );
    let mut log = system.database.admin().await;
    let proof = proof::of_pool(&mut log, "tour").await;
    assert!(proof.is_sound() && proof.held == 3, "{proof:?}");
}
