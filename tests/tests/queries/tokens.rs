//! Tokens on every read: whoever hands them on sees what they name and never goes back in time, whichever replica answers,
//! however far behind it is, and while tables are switched.

mod balancer;
mod reads;
mod sale;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use onsale_proto::{
    reason::Reason, status::reason_of, v1, v1::query_service_client::QueryServiceClient,
};
use onsale_tests::{
    bench::fill::fill,
    service::{Kind, Service},
    system::{System, migrated_database},
    wait::{eventually, within},
};
use tokio::time::Duration;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use self::{balancer::Balancer, reads::every_read, sale::Sale};
use super::{
    db::{Db, LIMIT},
    reader::position,
    rebuild,
    refused::refused,
};

const PROJECTIONS: [&str; 6] = ["pools", "claims", "customers", "sales", "history", "audit"];

/// It neither listens nor looks more often, and writes tables as rarely.
const SLOW: [(&str, &str); 3] = [
    ("ONSALE_QUERY_HINTS", "false"),
    ("ONSALE_QUERY_POLL_INTERVAL_MS", "200"),
    ("ONSALE_QUERY_PROJECTION_INTERVAL_MS", "200"),
];

#[tokio::test]
async fn every_read_of_each_replica_sees_what_its_token_names_though_one_and_all_tables_are_behind()
{
    // The first one writes all tables, and is slow; the second one has only its memory to itself, which is up to date.
    let system = System::start_with(1, &SLOW).await;
    let fast = Service::start(Kind::Query, system.database.url(), &[]).await;
    let slow = QueryServiceClient::new(system.query.channel().await);
    let fast = QueryServiceClient::new(fast.channel().await);
    let mut sale = Sale::begin(system.caller().await).await;
    for _ in 0..3 {
        sale.go_on().await;
        // What the command says, then what the reads of one replica say to the other.
        let seen = every_read(|| slow.clone(), &sale, &sale.token).await;
        every_read(|| fast.clone(), &sale, &seen).await;
        sale.go_on().await;
        let seen = every_read(|| fast.clone(), &sale, &sale.token).await;
        every_read(|| slow.clone(), &sale, &seen).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_goes_back_in_time_while_every_table_is_built_anew_and_switched() {
    let system = System::start().await;
    let queries = QueryServiceClient::new(system.query.channel().await);
    let mut sale = Sale::begin(system.caller().await).await;
    let (built, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    let building = async {
        for projection in PROJECTIONS {
            let url = system.database.url();
            let (went_well, printed, said) = rebuild::run(url, &["rebuild", projection]).await;
            assert!(went_well, "{printed}{said}");
            let before = rounds.load(Ordering::SeqCst);
            eventually(LIMIT, "every read is made of the new tables", || async {
                (rounds.load(Ordering::SeqCst) > before + 1).then_some(())
            })
            .await;
        }
        built.store(true, Ordering::SeqCst);
    };
    let reading = async {
        let mut seen = sale.token.clone();
        while !built.load(Ordering::SeqCst) {
            sale.go_on().await;
            let token = later(&seen, &sale.token);
            seen = every_read(|| queries.clone(), &sale, &token).await;
            rounds.fetch_add(1, Ordering::SeqCst);
        }
    };
    tokio::join!(building, reading);
    let db = Db::of(&system.database).await;
    let switched =
        "SELECT count(*) FROM onsale_query.generations WHERE state = 'live' AND generation = 2";
    assert_eq!(db.number(switched).await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_behind_one_address_answer_as_one_also_when_one_is_killed() {
    let mut system = System::start_with(1, &SLOW).await;
    let second = Service::start(Kind::Query, system.database.url(), &[]).await;
    let balancer = Balancer::of(&[&system.query, &second]).await;
    let endpoint = Endpoint::from_shared(balancer.address()).unwrap();
    // A connection for each read, as short-lived callers have: each may meet another replica.
    let queries = || QueryServiceClient::new(endpoint.connect_lazy());
    let mut sale = Sale::begin(system.caller().await).await;
    let mut seen = sale.token.clone();
    for turn in 0..6 {
        sale.go_on().await;
        let token = later(&seen, &sale.token);
        seen = every_read(queries, &sale, &token).await;
        if turn == 2 {
            let connections = balancer.connections();
            assert!(connections.iter().all(|of| *of > 5), "{connections:?}");
            // Who wrote the tables.
            let third = Service::start(Kind::Query, system.database.url(), &[]).await;
            std::mem::replace(&mut system.query, third).kill().await;
            balancer.set(&[&system.query, &second]);
        }
    }
    let connections = balancer.connections();
    assert!(connections.iter().all(|of| *of > 5), "{connections:?}");
    follow_from_replica_to_replica(queries, &sale).await;
}

/// All events of a sale, a few from each stream: none is missing, none comes twice.
async fn follow_from_replica_to_replica(
    queries: impl Fn() -> QueryServiceClient<Channel>,
    sale: &Sale,
) {
    let (mut from_position, mut versions) = (1, Vec::new());
    while versions.last() != Some(&sale.version) {
        let request = v1::SubscribeEventsRequest {
            pool: sale.pool_name(),
            from_position,
            ..v1::SubscribeEventsRequest::default()
        };
        let stream = queries().subscribe_events(request).await;
        let mut stream = stream.unwrap().into_inner();
        for _ in 0..5 {
            let message = within(LIMIT, "an event", stream.message()).await.unwrap();
            let message = message.expect("streams go on");
            from_position = message.next_position;
            versions.extend(message.event.map(|event| event.version));
            if versions.last() == Some(&sale.version) {
                break;
            }
        }
    }
    let all: Vec<_> = (1..=sale.version).collect();
    assert_eq!(versions, all);
}

/// Reads without a token, too: a table that is filled for the first time shows a past in which half did not happen.
#[tokio::test]
async fn nobody_reads_tables_that_are_filled_for_the_first_time_before_they_have_what_there_was() {
    const EVENTS: i64 = 60_001;
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    fill(&mut admin, 1, EVENTS).await.expect("an empty log");
    let service = Service::start(Kind::Query, database.url(), &[]).await;
    let queries = QueryServiceClient::new(service.channel().await);
    let (mut refusals, db) = (0, Db::of(&database).await);
    let report = eventually(LIMIT * 3, "the sales are read", || async {
        let mut request = Request::new(v1::GetSalesReportRequest {
            selection: Some(super::sales::of_pool("pool-1")),
            ..v1::GetSalesReportRequest::default()
        });
        request.set_timeout(Duration::from_millis(500));
        let answer = queries.clone().get_sales_report(request).await;
        answer.ok().map(tonic::Response::into_inner)
    });
    let lists = async {
        loop {
            let mut request = Request::new(v1::ListTicketsRequest {
                pool: "pools/pool-1".to_owned(),
                page_size: 1,
                ..v1::ListTicketsRequest::default()
            });
            request.set_timeout(Duration::from_millis(500));
            match queries.clone().list_tickets(request).await {
                Ok(answer) => return position(&answer.into_inner().consistency_token),
                // On a busy machine the caller, or who asks PostgreSQL, gives up before the answer is there.
                Err(status) if status.code() == Code::Cancelled => {}
                Err(status) if reason_of(&status) == Some(Reason::DatabaseUnavailable) => {}
                behind => {
                    let status = refused(behind, Reason::ReadModelBehind);
                    let required = super::refused::number(&status, "required_position");
                    assert_eq!(required, EVENTS);
                    refusals += 1;
                }
            }
        }
    };
    let (report, listed) = tokio::join!(report, within(LIMIT * 3, "tickets are listed", lists));
    assert_eq!(report.totals[0].tickets, (EVENTS - 1) / 2);
    assert_eq!(listed, EVENTS);
    assert!(refusals > 0, "it was filled too fast to be seen");
    let readable = "SELECT count(*) FROM onsale_query.generations WHERE readable_from = 60001";
    assert_eq!(db.number(readable).await, 6);
}

/// The one that names more.
fn later(one: &str, other: &str) -> String {
    let newest = [one, other].into_iter().max_by_key(|token| position(token));
    newest.unwrap_or_default().to_owned()
}
