//! A connection that is cut at any byte of the exchange: after sending the same batch again it is in the log once.

use std::sync::Arc;

use onsale_shared::log::{
    AppendBatch, AppendError, EventLog, Group, GroupOutcome,
    postgres::{PostgresLog, PostgresLogConfig},
};
use onsale_tests::{
    database::TestDatabase,
    proxy::{Direction, Proxy},
};

use crate::given::{
    append, batch, fill, group, ids, ids_of, number, position, read_all, settle, write,
};

/// What the cuts came upon, so that the test fails if it hits too little.
#[derive(Debug, Default)]
struct Met {
    /// Unknown outcomes of batches that were in the log.
    was_there: usize,
    /// Unknown outcomes of batches that were not.
    was_not_there: usize,
    /// Attempts that certainly appended nothing.
    not_appended: usize,
    /// Answers that came before the cut.
    answered: usize,
}

struct Exchange {
    database: TestDatabase,
    proxy: Proxy,
    log: Arc<PostgresLog>,
    batches: usize,
    met: Met,
}

impl Exchange {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let proxy = Proxy::to(&database.options()).await;
        let log = database
            .log_with(|config| PostgresLogConfig {
                options: proxy.through(config.options),
                notify: false,
                ..config
            })
            .await;
        Self {
            database,
            proxy,
            log,
            batches: 0,
            met: Met::default(),
        }
    }

    /// Batches of the same number of bytes on the wire.
    fn next_batch(&mut self) -> AppendBatch {
        self.batches += 1;
        let name = |stream| format!("pools/{stream}-{:06}", self.batches);
        let across = Group {
            writes: vec![write(&name("b"), 0, 1), write(&name("c"), 0, 1)],
        };
        batch([group(&name("a"), 0, 2), across])
    }

    /// How many bytes an append takes, each way, on a connection that was used before.
    async fn measure(&mut self) -> [u64; 2] {
        let directions = [Direction::ToServer, Direction::ToClient];
        let mut taken = [0, 0];
        for _warm_then_measured in 0..2 {
            let before = directions.map(|direction| self.proxy.forwarded(direction));
            let next = self.next_batch();
            append(&*self.log, &next).await;
            let after = directions.map(|direction| self.proxy.forwarded(direction));
            taken = [after[0] - before[0], after[1] - before[1]];
        }
        taken
    }

    async fn cut_after(&mut self, direction: Direction, bytes: u64) {
        let sent = self.next_batch();
        self.proxy.cut_after(direction, bytes);
        let first = self.log.append(&sent).await;
        assert!(
            !self.proxy.is_armed(direction),
            "{bytes} bytes {direction:?} are not reached"
        );
        let settled = settle(&*self.log, &sent).await.outcomes;
        let repeated = settled
            .iter()
            .all(|outcome| matches!(outcome, GroupOutcome::Appended { repeated: true, .. }));
        let new = settled.iter().all(|outcome| {
            matches!(
                outcome,
                GroupOutcome::Appended {
                    repeated: false,
                    ..
                }
            )
        });
        assert!(
            repeated || new,
            "half a batch after {bytes} bytes {direction:?}: {settled:?}"
        );
        let met = match first {
            Ok(_) => {
                assert!(repeated, "answered, but not in the log");
                &mut self.met.answered
            }
            Err(AppendError::NotAppended(_)) => {
                assert!(new, "certainly not appended, but in the log");
                &mut self.met.not_appended
            }
            Err(AppendError::OutcomeUnknown(_)) if repeated => &mut self.met.was_there,
            Err(AppendError::OutcomeUnknown(_)) => &mut self.met.was_not_there,
        };
        *met += 1;
        let log = read_all(&*self.log).await;
        let tail = &log[log.len() - 4..];
        assert_eq!(ids_of(tail), ids(&sent), "{bytes} bytes {direction:?}");
    }

    async fn assert_each_batch_once(&self) {
        // By a connection of its own, not through the proxy.
        let log = self.database.log().await;
        let head = log.head().await.unwrap().position;
        assert_eq!(head, position(4 * number(self.batches)));
    }
}

#[tokio::test]
async fn cut_while_the_request_is_under_way() {
    let mut exchange = Exchange::new().await;
    let [to_server, _] = exchange.measure().await;
    // The first bytes one by one, then in steps, then the last ones, after which the server may have it all.
    let bytes = (1..to_server).filter(|byte| byte % 13 == 0 || *byte < 6 || *byte + 6 > to_server);
    for byte in bytes.chain([to_server]) {
        exchange.cut_after(Direction::ToServer, byte).await;
    }
    exchange.assert_each_batch_once().await;
    assert!(exchange.met.was_not_there > 50, "{:?}", exchange.met);
}

#[tokio::test]
async fn cut_while_the_answer_is_under_way() {
    let mut exchange = Exchange::new().await;
    let [_, to_client] = exchange.measure().await;
    for byte in (1..=to_client).filter(|byte| byte % 3 == 0 || byte + 6 > to_client) {
        exchange.cut_after(Direction::ToClient, byte).await;
    }
    exchange.assert_each_batch_once().await;
    assert!(exchange.met.was_there > 30, "{:?}", exchange.met);
    assert!(exchange.met.answered <= 1, "{:?}", exchange.met);
}

/// From the first byte of a new connection on: its start, its settings, its role, the statement.
#[tokio::test]
async fn cut_while_a_connection_is_opened() {
    let mut exchange = Exchange::new().await;
    let before = exchange.proxy.forwarded(Direction::ToServer);
    let first = exchange.next_batch();
    append(&*exchange.log, &first).await;
    let opening = exchange.proxy.forwarded(Direction::ToServer) - before;
    for byte in (1..opening).step_by(83) {
        // Whatever is idle, and is found to be dead by the first attempt.
        exchange.proxy.cut();
        while exchange.log.append(&first).await.is_err() {}
        exchange.proxy.cut();
        let next = exchange.next_batch();
        assert!(
            exchange.log.append(&next).await.is_err(),
            "a dead connection"
        );
        settle_on_new_connection(&mut exchange, byte, &next).await;
    }
    exchange.assert_each_batch_once().await;
    assert!(exchange.met.not_appended >= 5, "{:?}", exchange.met);
}

async fn settle_on_new_connection(exchange: &mut Exchange, byte: u64, next: &AppendBatch) {
    exchange.proxy.cut_after(Direction::ToServer, byte);
    match exchange.log.append(next).await {
        Ok(_) => exchange.met.answered += 1,
        Err(AppendError::NotAppended(_)) => exchange.met.not_appended += 1,
        Err(AppendError::OutcomeUnknown(_)) => exchange.met.was_not_there += 1,
    }
    settle(&*exchange.log, next).await;
}

/// The same for readers: a connection that dies costs them an error at most, and never a gap.
#[tokio::test]
async fn reads_survive_dead_connections() {
    let exchange = Exchange::new().await;
    fill(&*exchange.log, "pools/a", 0, 5).await;
    for _ in 0..5 {
        exchange.proxy.cut();
        // What was idle is dead, which is nobody's business but the log's.
        assert_eq!(read_all(&*exchange.log).await.len(), 5);
        assert_eq!(exchange.log.head().await.unwrap().position, position(5));
    }
}
