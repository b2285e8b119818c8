//! What commands do to what is read: counts, states, prices, settings.

mod claims;
mod edits;
mod prices;

use onsale_proto::v1;
use onsale_tests::{caller::Caller, system::System};

use super::db::Db;

/// What is read of a pool after a command.
#[derive(Debug)]
struct Seen {
    pool: v1::Pool,
    /// Sold, held, available, of how many.
    counts: [i64; 4],
    status: v1::SaleStatus,
}

/// Reads a pool from the table and from memory, which say the same, as the log does.
async fn seen(
    system: &System,
    caller: &mut Caller,
    id: &str,
    receipt: Option<v1::Receipt>,
) -> Seen {
    let token = receipt.expect("a receipt").consistency_token;
    let live = caller.availability(id, &token).await.unwrap();
    let pool = caller.pool(id, &token).await.unwrap();
    let stored = pool.availability.clone().unwrap();
    let of = |seen: &v1::Availability| (counts(seen), seen.sale_status(), seen.version);
    assert_eq!(of(&stored), of(&live));
    let differences = Db::of(&system.database).await.differences().await;
    assert_eq!(differences.get(id), None);
    Seen {
        counts: counts(&live),
        status: live.sale_status(),
        pool,
    }
}

const fn counts(seen: &v1::Availability) -> [i64; 4] {
    [seen.sold, seen.held, seen.available, seen.capacity]
}
