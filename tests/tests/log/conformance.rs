//! What the trait promises, held for each engine.

mod append;
mod lock;
mod origins;
mod read;
mod repeat;
mod tail;

/// Makes of each function over `Arc<dyn EventLog>` a test for each engine.
macro_rules! for_each_engine {
    ($($name:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                let time = onsale_shared::time::Timestamp::from_micros(1_800_000_000_000_000);
                super::$name(std::sync::Arc::new(onsale_shared::log::memory::MemoryLog::new(time))).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let database = onsale_tests::database::TestDatabase::create().await;
                super::$name(database.log().await).await;
            })*
        }
    };
}
pub(crate) use for_each_engine;
