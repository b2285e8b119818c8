//! A database and services on it.

use tonic::transport::Channel;

use crate::{
    caller::Caller,
    database::TestDatabase,
    service::{Kind, Service},
};

/// A database with command-services and one query-service, each a process of its own. Dropped, all of it goes.
#[derive(Debug)]
pub struct System {
    /// The instances of command-service.
    pub commands: Vec<Service>,
    /// The query-service.
    pub query: Service,
    /// The database; last, so that the services go first.
    pub database: TestDatabase,
}

impl System {
    /// One command-service and one query-service.
    pub async fn start() -> Self {
        Self::start_with(1, &[]).await
    }

    /// `commands` instances of command-service and one query-service; `options` are environment variables of all.
    ///
    /// # Panics
    /// Something does not start.
    pub async fn start_with(commands: usize, options: &[(&str, &str)]) -> Self {
        let database = migrated_database().await;
        let mut instances = Vec::new();
        for _ in 0..commands {
            instances.push(Service::start(Kind::Command, database.url(), options).await);
        }
        Self {
            commands: instances,
            query: Service::start(Kind::Query, database.url(), options).await,
            database,
        }
    }

    /// A caller of the first command-service and the query-service, with connections of its own.
    pub async fn caller(&self) -> Caller {
        self.caller_of(0).await
    }

    /// A caller of one of the command-services and the query-service, with connections of its own.
    pub async fn caller_of(&self, instance: usize) -> Caller {
        Caller::new(
            self.commands[instance].channel().await,
            self.query.channel().await,
        )
    }

    /// A further command-service on the same database.
    pub async fn add_command(&mut self, options: &[(&str, &str)]) {
        let service = Service::start(Kind::Command, self.database.url(), options).await;
        self.commands.push(service);
    }

    /// A new connection to a command-service.
    pub async fn command_channel(&self, instance: usize) -> Channel {
        self.commands[instance].channel().await
    }
}

/// A database that both services have migrated.
///
/// # Panics
/// A migration fails.
pub async fn migrated_database() -> TestDatabase {
    let database = TestDatabase::create_empty().await;
    onsale_command_service::migrate(database.url())
        .await
        .expect("command-service migrates");
    onsale_query_service::migrate(database.url())
        .await
        .expect("query-service migrates");
    database
}
