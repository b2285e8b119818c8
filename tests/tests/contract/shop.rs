//! A database with one command-service: one that tests share, each with pools of its own, or one for a test alone.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use onsale_tests::{
    caller::Caller,
    database::TestDatabase,
    service::{Kind, Service},
    system::migrated_database,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Mutex,
};
use uuid::Uuid;

/// A database with one command-service.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) command: Service,
    /// Last, so that the service goes first.
    pub(crate) database: TestDatabase,
}

impl Shop {
    /// For a test alone; `options` are environment variables.
    pub(crate) async fn start(options: &[(&str, &str)]) -> Self {
        let database = migrated_database().await;
        Self {
            command: Service::start(Kind::Command, database.url(), options).await,
            database,
        }
    }

    /// A caller with a connection of its own; it only sends commands.
    pub(crate) async fn caller(&self) -> Caller {
        caller_of(&self.command).await
    }

    /// A further command-service on the same database.
    pub(crate) async fn another_instance(&self) -> Service {
        Service::start(Kind::Command, self.database.url(), &[]).await
    }
}

/// A caller of one command-service, with a connection of its own; it only sends commands.
pub(crate) async fn caller_of(command: &Service) -> Caller {
    let channel = command.channel().await;
    Caller::new(channel.clone(), channel)
}

/// A name that no other test has.
pub(crate) fn fresh_pool() -> String {
    format!("t-{}", Uuid::new_v4().simple())
}

/// The shop that tests share which only need pools of their own. It lives as long as a test holds it.
pub(crate) async fn shared() -> SharedShop {
    static SHARED: Mutex<Weak<Owner>> = Mutex::const_new(Weak::new());
    let mut shared = SHARED.lock().await;
    if let Some(owner) = shared.upgrade() {
        return SharedShop(owner);
    }
    let owner = tokio::task::spawn_blocking(Owner::start).await;
    let owner = Arc::new(owner.expect("a shop"));
    *shared = Arc::downgrade(&owner);
    SharedShop(owner)
}

/// See [`shared`].
#[derive(Debug)]
pub(crate) struct SharedShop(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    shop: Shop,
    runtime: Option<Runtime>,
}

impl Owner {
    /// On a runtime of its own: that of the test that comes first ends before others do.
    fn start() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            shop: runtime.block_on(Shop::start(&[])),
            runtime: Some(runtime),
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Deref for SharedShop {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.0.shop
    }
}
