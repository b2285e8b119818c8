//! `grpc.health.v1`.

use onsale_tests::{
    service::{Kind, Service},
    system::{System, migrated_database},
    wait::eventually,
};
use sqlx::Connection as _;
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::log::LIMIT;

const COMMAND: &str = "onsale.v1.CommandService";
const QUERY: &str = "onsale.v1.QueryService";

async fn check(channel: &Channel, service: &str) -> Result<ServingStatus, Status> {
    let service = service.to_owned();
    let request = HealthCheckRequest { service };
    let answer = HealthClient::new(channel.clone()).check(request).await?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn a_server_is_serving_as_a_whole_and_by_the_name_of_its_service_until_it_drains() {
    let options = [("ONSALE_DRAIN_NOTICE_MS", "1500")];
    let mut system = System::start_with(1, &options).await;
    let command = system.command_channel(0).await;
    let query = system.query.channel().await;
    for (channel, own, other) in [(&command, COMMAND, QUERY), (&query, QUERY, COMMAND)] {
        assert_eq!(
            check(channel, "").await.expect("known"),
            ServingStatus::Serving
        );
        assert_eq!(
            check(channel, own).await.expect("known"),
            ServingStatus::Serving
        );
        let unknown = check(channel, other).await.expect_err("not here");
        assert_eq!(unknown.code(), Code::NotFound);
    }
    // Who watches is told.
    let request = HealthCheckRequest {
        service: COMMAND.to_owned(),
    };
    let watch = HealthClient::new(command.clone()).watch(request).await;
    let mut watch = watch.expect("a stream").into_inner();
    let first = watch.message().await.expect("a status").expect("a status");
    assert_eq!(first.status(), ServingStatus::Serving);
    system.commands[0].signal("TERM").await;
    let next = watch.message().await.expect("a status").expect("a status");
    assert_eq!(next.status(), ServingStatus::NotServing);
    for service in ["", COMMAND] {
        eventually(LIMIT, "it says that it drains", || async {
            (check(&command, service).await.expect("it still answers") == ServingStatus::NotServing)
                .then_some(())
        })
        .await;
    }
    assert_eq!(system.commands[0].ended().await, Some(0));
    assert_eq!(
        check(&query, QUERY).await.expect("known"),
        ServingStatus::Serving
    );
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_not_serving() {
    let database = migrated_database().await;
    let mut admin = database.admin().await;
    let mut lock = admin.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE onsale_log.events IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("a superuser may lock");
    let query = Service::start_unready(Kind::Query, database.url(), &[]).await;
    let channel = query.channel().await;
    for service in ["", QUERY] {
        assert_eq!(
            check(&channel, service).await.expect("known"),
            ServingStatus::NotServing
        );
    }
    lock.rollback().await.expect("the lock is given back");
    for service in ["", QUERY] {
        eventually(LIMIT, "it is ready", || async {
            (check(&channel, service).await.expect("known") == ServingStatus::Serving).then_some(())
        })
        .await;
    }
}
