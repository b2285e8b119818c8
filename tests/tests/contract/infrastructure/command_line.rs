//! What the programs say to who starts them: in a sentence, and never a password.

use std::process::{Command, Output};

use onsale_tests::{
    database::TestDatabase,
    service::{Kind, Service, binary},
};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::shop::Shop;

/// The subcommands that need a database.
const ON_A_DATABASE: [(Kind, &[&str]); 2] = [
    (Kind::Command, &["serve", "migrate", "verify"]),
    (
        Kind::Query,
        &["serve", "migrate", "verify", "rebuild pools"],
    ),
];

/// One of them, with this URL.
fn run_on(url: &str, kind: Kind, subcommand: &str) -> (Option<i32>, String) {
    let mut arguments: Vec<_> = subcommand.split(' ').collect();
    arguments.extend(["--database-url", url]);
    if subcommand == "serve" {
        arguments.extend(["--listen", "127.0.0.1:0"]);
    }
    run(kind, &arguments)
}

fn run(kind: Kind, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = Command::new(binary(kind))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .output()
        .expect("it runs");
    (
        status.code(),
        String::from_utf8(stderr).expect("it says text"),
    )
}

#[test]
fn a_database_that_is_none_ends_every_subcommand_with_code_2_and_is_not_shown() {
    for (kind, subcommands) in ON_A_DATABASE {
        for subcommand in subcommands {
            for url in [
                "mysql://user:secret@127.0.0.1/database",
                "postgres://user:secret@[broken/database",
                "secret",
            ] {
                let (code, said) = run_on(url, kind, subcommand);
                assert_eq!(code, Some(2), "{kind:?} {subcommand} {url}: {said}");
                assert!(said.contains("postgres://user:password@host"), "{said}");
                assert!(!said.contains("secret"), "{said}");
            }
        }
    }
}

/// Each in one line: what happened, and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_told_with_a_cure() {
    let empty = TestDatabase::create_empty().await;
    let url = |user: &str, password: &str, database: &str| {
        let options = empty.options().username(user).password(password);
        options.database(database).to_url_lossy().to_string()
    };
    let stranger = format!("stranger_{}", empty.name());
    let mut admin = empty.admin().await;
    let create = format!("CREATE ROLE {stranger} LOGIN PASSWORD 'known'");
    sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut admin)
        .await
        .expect("a superuser may");
    let nobody = empty.options().port(1).to_url_lossy().to_string();
    for (kind, subcommands) in ON_A_DATABASE {
        for subcommand in subcommands {
            let said = |url: &str| {
                let (code, said) = run_on(url, kind, subcommand);
                assert_eq!(code, Some(1), "{kind:?} {subcommand}: {said}");
                assert_eq!(said.lines().count(), 1, "{kind:?} {subcommand}: {said}");
                assert!(
                    !said.contains("at line") && !said.contains("secret"),
                    "{said}"
                );
                said
            };
            let none = said(&nobody);
            assert!(
                none.contains("check the host and port in DATABASE_URL"),
                "{none}"
            );
            let wrong = said(&url(&stranger, "secret", empty.name()));
            assert!(wrong.contains("check the user and the password"), "{wrong}");
            let missing = said(&url(&stranger, "known", "no_such_database"));
            assert!(
                missing.contains("check the name of the database"),
                "{missing}"
            );
            if *subcommand != "migrate" {
                let unmade = said(empty.url());
                assert!(
                    unmade.contains("`command-service migrate` first"),
                    "{unmade}"
                );
            }
        }
    }
    onsale_command_service::migrate(empty.url())
        .await
        .expect("it migrates");
    let foreign = url(&stranger, "known", empty.name());
    for arguments in [["serve", "--listen=127.0.0.1:0"], ["verify", "--log=info"]] {
        let arguments = [&arguments[..], &["--database-url", &foreign]].concat();
        let (code, said) = run(Kind::Command, &arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("grant the login the role of its service"),
            "{said}"
        );
    }
    let gone = format!("DROP ROLE {stranger}");
    sqlx::raw_sql(AssertSqlSafe(gone))
        .execute(&mut admin)
        .await
        .expect("it owns nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_why_a_server_does_not_count_as_ready() {
    let shop = Shop::start(&[]).await;
    let host_and_port = shop.command.address().trim_start_matches("http://");
    let health = |address: &str, service: &str| {
        let arguments = ["health", "--address", address, "--service", service];
        run(Kind::Command, &arguments)
    };
    for (address, service) in [
        (shop.command.address(), ""),
        (host_and_port, "onsale.v1.CommandService"),
    ] {
        assert_eq!(health(address, service), (Some(0), String::new()));
    }
    let stopped = Service::start(Kind::Command, shop.database.url(), &[]).await;
    let closed = stopped.address().to_owned();
    stopped.kill().await;
    for (address, service, why) in [
        (
            host_and_port,
            "onsale.v1.Nobody",
            "has no service `onsale.v1.Nobody`",
        ),
        (closed.as_str(), "", "cannot be reached: Connection refused"),
        ("http://[", "", "is not the address of a server"),
    ] {
        let (code, said) = health(address, service);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(why) && said.lines().count() == 1, "{said}");
    }
}
