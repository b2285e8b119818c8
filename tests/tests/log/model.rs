//! Random batches have the same outcomes and leave the same contents on both engines.

use onsale_shared::{
    log::{
        AppendBatch, EventLog, Group, GroupOutcome, NewEvent, RecordedEvent, StreamWrite, Version,
        memory::MemoryLog,
        postgres::{PostgresLog, PostgresLogConfig},
    },
    time::Timestamp,
};
use onsale_tests::database::TestDatabase;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::given::{append, batch, event, number, read_all, version};

const STREAMS: [&str; 4] = ["pools/a", "pools/b", "pools/c", "pools/d"];

/// What a writer does next.
#[derive(Clone, Debug)]
enum Step {
    /// Sends new events.
    Send(Vec<Vec<Write>>),
    /// Sends a batch again that it sent before.
    Repeat(prop::sample::Index),
    /// Sends some groups of two earlier batches together with new ones, where that makes a batch.
    Mix(prop::sample::Index, prop::sample::Index, Vec<Vec<Write>>),
}

#[derive(Clone, Debug)]
struct Write {
    stream: usize,
    /// The expected version, as its distance from the right one.
    off: i64,
    events: usize,
}

fn writes() -> impl Strategy<Value = Vec<Vec<Write>>> {
    let off = prop_oneof![6 => Just(0_i64), 1 => Just(-1), 1 => Just(-2), 1 => Just(1)];
    let write = (0..STREAMS.len(), off, 1..4_usize).prop_map(|(stream, off, events)| Write {
        stream,
        off,
        events,
    });
    vec(vec(write, 1..3), 1..4)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => writes().prop_map(Step::Send),
        2 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        2 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), writes())
            .prop_map(|(one, other, new)| Step::Mix(one, other, new)),
    ];
    vec(step, 1..16)
}

/// What the steps came upon, so that the test fails if it tests nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    appended: usize,
    repeated: usize,
    stale: usize,
    /// Batches with more than one kind of outcome.
    mixed: usize,
}

#[test]
fn both_engines_agree_on_random_batches() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let admin = tokio::sync::Mutex::new(runtime.block_on(database.admin()));
    let met = std::cell::RefCell::new(Met::default());
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let tested = TestRunner::new(config).run(&steps(), |steps| {
        runtime.block_on(async {
            sqlx::query("TRUNCATE onsale_log.events")
                .execute(&mut *admin.lock().await)
                .await
                .unwrap();
            // Appends alone are looked at here, and each time of another log.
            let log = database.log_with(|config| PostgresLogConfig {
                notify: false,
                ..config
            });
            let log = log.await;
            let mut now = *met.borrow();
            run(&log, steps, &mut now).await?;
            met.replace(now);
            Ok(())
        })
    });
    tested.unwrap();
    let met = met.into_inner();
    let fewest = met.appended.min(met.repeated).min(met.stale).min(met.mixed);
    assert!(fewest >= 20, "too little was met: {met:?}");
}

async fn run(log: &PostgresLog, steps: Vec<Step>, met: &mut Met) -> Result<(), TestCaseError> {
    let model = MemoryLog::new(Timestamp::from_micros(0));
    let mut sent: Vec<AppendBatch> = Vec::new();
    for step in steps {
        let groups = match step {
            Step::Send(writes) => new_groups(&model, &writes).await,
            Step::Repeat(which) if !sent.is_empty() => which.get(&sent).groups().to_vec(),
            Step::Repeat(_) => continue,
            Step::Mix(one, other, writes) => {
                let mut groups = new_groups(&model, &writes).await;
                if !sent.is_empty() {
                    groups.splice(0..0, one.get(&sent).groups().to_vec());
                    groups.extend_from_slice(other.get(&sent).groups());
                }
                groups
            }
        };
        let next = batch(without_stream_twice(groups));
        let expected = append(&model, &next).await;
        let actual = append(log, &next).await;
        prop_assert_eq!(&actual, &expected);
        note(met, &actual);
        sent.push(next);
    }
    let (expected, actual) = (read_all(&model).await, read_all(log).await);
    prop_assert_eq!(comparable(actual), comparable(expected));
    Ok(())
}

async fn new_groups(model: &MemoryLog, writes: &[Vec<Write>]) -> Vec<Group> {
    let mut groups = Vec::new();
    for writes in writes {
        let mut group = Group { writes: Vec::new() };
        for write in writes {
            let stream = STREAMS[write.stream].into();
            let events = model.read_stream(&stream, Version::START, usize::MAX).await;
            let right = number(events.unwrap().len());
            group.writes.push(StreamWrite {
                stream,
                expected: version((right + write.off).max(0)),
                events: new_events(write.events),
            });
        }
        groups.push(group);
    }
    groups
}

fn new_events(count: usize) -> Vec<NewEvent> {
    std::iter::repeat_with(event).take(count).collect()
}

/// A batch names each stream once: of two writes to one stream the first stays, and a group without writes goes.
fn without_stream_twice(mut groups: Vec<Group>) -> Vec<Group> {
    let mut seen = std::collections::HashSet::new();
    for group in &mut groups {
        group
            .writes
            .retain(|write| seen.insert(write.stream.clone()));
    }
    groups.retain(|group| !group.writes.is_empty());
    groups
}

fn note(met: &mut Met, outcomes: &[GroupOutcome]) {
    let mut kinds = [0, 0, 0];
    for outcome in outcomes {
        match outcome {
            GroupOutcome::Appended {
                repeated: false, ..
            } => kinds[0] += 1,
            GroupOutcome::Appended { repeated: true, .. } => kinds[1] += 1,
            GroupOutcome::Stale { .. } => kinds[2] += 1,
        }
    }
    met.appended += kinds[0];
    met.repeated += kinds[1];
    met.stale += kinds[2];
    met.mixed += usize::from(kinds.iter().filter(|&&count| count > 0).count() > 1);
}

/// All but when it was written, which is information only.
fn comparable(events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
    events
        .into_iter()
        .map(|event| RecordedEvent {
            recorded_at: Timestamp::default(),
            ..event
        })
        .collect()
}
