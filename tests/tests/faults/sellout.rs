//! 200 customers sell out a pool through two instances, each customer claiming through one and buying through the other;
//! one instance is killed in the middle, and what got no answer is repeated on the survivor.

mod storm;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onsale_proto::{reason::Reason, v1};
use onsale_tests::{proof, system::System, wait::eventually};
use sqlx::{PgConnection, Row as _};
use tokio::sync::{Mutex, watch};

use super::watcher::Watcher;
use storm::{Records, Storm, version};

const POOL: &str = "sellout";
const CUSTOMERS: usize = 200;
const CAPACITY: i64 = 3_000;
/// The instance is killed once so many tickets are sold, and while so many commands are under way on it.
const SOLD_BEFORE_KILL: i64 = 400;
const IN_FLIGHT_AT_KILL: usize = 50;
const LIMIT: Duration = Duration::from_secs(60);

/// The pool's sold and held after each version, from 0, by SQL.
async fn counts_by_version(reader: &mut PgConnection) -> Vec<(i64, i64)> {
    let rows = sqlx::query(
        "SELECT sum((type = 'TicketBought')::int) OVER w AS sold, \
                sum(CASE type WHEN 'TicketClaimed' THEN 1 WHEN 'TicketBought' THEN -1 WHEN 'TicketReleased' THEN -1 ELSE 0 END) \
                    OVER w AS held \
           FROM onsale_log.events WHERE stream = 'pools/' || $1 WINDOW w AS (ORDER BY version) ORDER BY version",
    )
    .bind(POOL)
    .fetch_all(reader)
    .await
    .unwrap();
    let after_each = rows.iter().map(|row| (row.get("sold"), row.get("held")));
    [(0, 0)].into_iter().chain(after_each).collect()
}

/// SIGKILL of the first instance, while at least 50 commands are under way on it and some of them are in the log without
/// their callers knowing. Returns how many were under way.
async fn kill_in_the_middle(system: &mut System, storm: &Storm, log: &mut PgConnection) -> usize {
    loop {
        eventually(LIMIT, "enough is under way", || async {
            (storm.in_flight.load(Ordering::SeqCst) >= IN_FLIGHT_AT_KILL).then_some(())
        })
        .await;
        // Frozen, it answers nobody; what its backend is at goes into the log all the same.
        system.commands[0].signal("STOP").await;
        sqlx::raw_sql("BEGIN; SELECT onsale_log.lock(); COMMIT")
            .execute(&mut *log)
            .await
            .unwrap();
        let acknowledged = settled(&storm.acknowledged_by_first).await;
        let in_flight = storm.in_flight.load(Ordering::SeqCst);
        let recorded = proof::commands_by_instance(log, POOL).await;
        let of_first = recorded
            .iter()
            .find(|(instance, _)| instance == "first")
            .map_or(0, |(_, count)| *count);
        let sold = proof::of_pool(log, POOL).await.sold;
        let unanswered = usize::try_from(of_first)
            .unwrap()
            .saturating_sub(acknowledged);
        // The pool's creation is the promoter's.
        if sold >= SOLD_BEFORE_KILL && in_flight >= IN_FLIGHT_AT_KILL && unanswered > 1 {
            system.commands.remove(0).kill().await;
            storm.killed.store(true, Ordering::SeqCst);
            return in_flight;
        }
        assert!(sold < CAPACITY, "the pool was sold out before the kill");
        system.commands[0].signal("CONT").await;
        tokio::task::yield_now().await;
    }
}

/// The count, once what was on its way to the callers has arrived.
async fn settled(count: &AtomicUsize) -> usize {
    let mut last = (count.load(Ordering::SeqCst), Instant::now());
    eventually(LIMIT, "answers have arrived", || {
        let now = count.load(Ordering::SeqCst);
        if now != last.0 {
            last = (now, Instant::now());
        }
        let (count, since) = last;
        async move { (since.elapsed() > Duration::from_millis(50)).then_some(count) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_sell_out_a_pool_while_one_is_killed() {
    let mut system = System::start_with(0, &[]).await;
    system.add_command(&[("ONSALE_INSTANCE", "first")]).await;
    system.add_command(&[("ONSALE_INSTANCE", "second")]).await;
    let mut promoter = system.caller().await;
    let receipt = promoter.create_pool(POOL, CAPACITY).await.unwrap();
    promoter
        .availability(POOL, &receipt.consistency_token)
        .await
        .unwrap();
    let mut watchers = Vec::new();
    for _ in 0..5 {
        watchers.push(Watcher::start(system.query.channel().await, POOL).await);
    }

    let (seen, versions) = watch::channel((Instant::now(), 0));
    let mut observer = system.database.admin().await;
    let observing = tokio::spawn(async move {
        while !seen.is_closed() {
            let looked_at = Instant::now();
            let version = version(&mut observer).await;
            seen.send_replace((looked_at, version));
        }
    });
    let storm = Storm {
        instances: [system.caller_of(0).await, system.caller_of(1).await],
        version: versions,
        killed: Arc::default(),
        in_flight: Arc::default(),
        acknowledged_by_first: Arc::default(),
    };
    let mut customers = Vec::new();
    let asked = Arc::new(Mutex::new(system.database.admin().await));
    for number in 0..CUSTOMERS {
        customers.push(tokio::spawn(
            storm.clone().customer(number, Arc::clone(&asked)),
        ));
    }

    let mut log = system.database.admin().await;
    let in_flight = kill_in_the_middle(&mut system, &storm, &mut log).await;
    let recorded_before = proof::commands_by_instance(&mut log, POOL).await;

    let mut records = Records::default();
    for customer in customers {
        let of_one = tokio::time::timeout(LIMIT, customer)
            .await
            .expect("the pool sells out")
            .unwrap();
        records.bought.extend(of_one.bought);
        records.refusals.extend(of_one.refusals);
        records.answered_from_first += of_one.answered_from_first;
        records.repeats += of_one.repeats;
        for instance in 0..2 {
            records.acknowledged_by[instance] += of_one.acknowledged_by[instance];
        }
    }
    eprintln!(
        "{in_flight} commands in flight at the kill, {recorded_before:?} recorded before it, {} repeats, {} answered from \
         the first attempt, {:?} acknowledged by instance, {} refusals",
        records.repeats,
        records.answered_from_first,
        records.acknowledged_by,
        records.refusals.len()
    );

    // The log: sold out, nothing oversold, every ticket one legal life.
    let proof = proof::of_pool(&mut log, POOL).await;
    assert!(proof.is_sound(), "{proof:?}");
    assert_eq!((proof.sold, proof.held), (CAPACITY, 0), "{proof:?}");

    // No acknowledged purchase is missing, and none is doubled.
    let acknowledged: Vec<_> = records.bought.values().flatten().cloned().collect();
    let in_log: Vec<String> = sqlx::query_scalar(
        "SELECT 'pools/' || $1 || '/tickets/' || (data ->> 'ticket') FROM onsale_log.events \
          WHERE stream = 'pools/' || $1 AND type = 'TicketBought'",
    )
    .bind(POOL)
    .fetch_all(&mut log)
    .await
    .unwrap();
    let (mut acknowledged, mut in_log) = (acknowledged, in_log);
    acknowledged.sort_unstable();
    in_log.sort_unstable();
    assert_eq!(
        acknowledged, in_log,
        "each ticket sold was acknowledged once, and each acknowledged one is sold"
    );

    // No refusal was untrue at every version between its call and its answer.
    let counts = counts_by_version(&mut log).await;
    for refusal in &records.refusals {
        let mut versions =
            usize::try_from(refusal.from).unwrap()..=usize::try_from(refusal.to).unwrap();
        let holds = |version: usize| {
            let (sold, held) = counts[version];
            let available = CAPACITY - sold - held;
            (refusal.reason == Reason::SoldOut && sold == CAPACITY)
                || (refusal.reason == Reason::SoldOutForNow && available == 0 && held > 0)
                || (refusal.reason == Reason::InsufficientAvailability
                    && (1..4).contains(&available))
        };
        assert!(
            versions.any(holds),
            "untrue from {} to {}: {:?}",
            refusal.from,
            refusal.to,
            refusal.status
        );
    }

    // Every subscriber's last frame is the fold of the log.
    let last_version = version(&mut log).await;
    for watcher in &watchers {
        eventually(LIMIT, "the last frame", || async {
            (watcher.last().version == last_version).then_some(())
        })
        .await;
        let last = watcher.frames().pop().unwrap();
        assert_eq!((last.sold, last.held, last.available), (CAPACITY, 0, 0));
        assert_eq!(last.sale_status(), v1::SaleStatus::SoldOut);
    }

    observing.abort();

    // What was hit; a run that hit too little shows nothing.
    let total: i64 = recorded_before.iter().map(|(_, count)| count).sum();
    for name in ["first", "second"] {
        let share = recorded_before
            .iter()
            .find(|(instance, _)| instance == name)
            .map_or(0, |(_, count)| count * 100 / total);
        assert!(
            share >= 30,
            "{name} recorded {share} % of the commands before the kill"
        );
    }
    assert!(in_flight >= IN_FLIGHT_AT_KILL);
    assert!(
        records.answered_from_first > 0,
        "no repeat was answered from the first attempt"
    );
}
