//! The system that tests share which only need pools of their own.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use onsale_tests::system::System;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Mutex,
};
use uuid::Uuid;

/// After how long without a frame the shared query-service shows a sign of life.
pub(crate) const HEARTBEAT_MS: u64 = 1_100;

/// A name that no other test has.
pub(crate) fn fresh_pool() -> String {
    format!("t-{}", Uuid::new_v4().simple())
}

/// The shared system. It lives as long as a test holds it.
pub(crate) async fn shared() -> SharedSystem {
    static SHARED: Mutex<Weak<Owner>> = Mutex::const_new(Weak::new());
    let mut shared = SHARED.lock().await;
    if let Some(owner) = shared.upgrade() {
        return SharedSystem(owner);
    }
    let owner = tokio::task::spawn_blocking(Owner::start).await;
    let owner = Arc::new(owner.expect("a system"));
    *shared = Arc::downgrade(&owner);
    SharedSystem(owner)
}

/// See [`shared`].
#[derive(Debug)]
pub(crate) struct SharedSystem(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    system: System,
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
        let heartbeat = HEARTBEAT_MS.to_string();
        let options = [("ONSALE_QUERY_HEARTBEAT_INTERVAL_MS", heartbeat.as_str())];
        Self {
            system: runtime.block_on(System::start_with(1, &options)),
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

impl Deref for SharedSystem {
    type Target = System;

    fn deref(&self) -> &System {
        &self.0.system
    }
}
