use onsale_shared::log::{EventLog as _, Position};
use uuid::Uuid;

use super::*;
use crate::{
    domain::commands::testing::*,
    pools::history,
    snapshots::store::{SnapshotId, Written},
    verify::{
        ProgressBar, replay,
        tests::{a_whole_sale, at_once, log_of},
    },
};

fn version(version: i64) -> Version {
    Version::new(version).unwrap()
}

fn header(last_event: EventId) -> Header {
    Header {
        id: SnapshotId::from(Uuid::nil()),
        state_version: STATE_VERSION,
        version: version(5),
        last_event,
        written: [Written::default(); 3],
        recent_until: minute(1_440),
    }
}

/// With other bytes if one of these is another number.
fn digest(parts: [u8; 3], until: i64) -> Digest {
    Digest {
        parts: parts.map(|part| [part; 32]),
        recent_until: minute(until),
    }
}

fn differs(wrong: &str) -> Result<Digest, Outcome> {
    Err(Outcome::Differs(wrong.to_owned()))
}

#[tokio::test]
async fn the_replay_tells_what_pools_were_at_the_versions_of_their_snapshots() {
    let bad = || at_once([created(), bought(9, 9), claimed(1, 1)]);
    let pools = [
        ("good", a_whole_sale()),
        ("short", at_once([created()])),
        ("bad", bad()),
        ("bad-later", bad()),
        ("without", at_once([created()])),
    ];
    let log = log_of(&pools).await;
    let marks = [
        ("good", 5),
        ("short", 2),
        ("bad", 2),
        ("bad-later", 1),
        ("absent", 1),
    ];
    let marks = marks.map(|(pool, at)| (format!("pools/{pool}").as_str().into(), version(at)));
    let (report, at_marks) = replay(&log, marks.into_iter().collect(), &ProgressBar::hidden())
        .await
        .unwrap();
    assert_eq!(report.findings.count(), 2);

    let at_mark = |pool: &str| at_marks.get(&format!("pools/{pool}").as_str().into());
    let all = log.read(Position::START, usize::MAX).await.unwrap();
    for (pool, length) in [("good", 5), ("bad-later", 1)] {
        let name = format!("pools/{pool}");
        let page: Vec<_> = all
            .iter()
            .filter(|event| event.stream.as_str() == name)
            .take(length)
            .cloned()
            .collect();
        let mut folded = Pool::default();
        history::fold(&mut folded, &page);
        let digest = Digest::of_pool(&folded);
        assert!(digest.is_some());
        let expected = AtMark::State(page[length - 1].id, digest);
        assert_eq!(at_mark(pool), Some(&expected), "{pool}");
    }
    assert_eq!(at_mark("short"), Some(&AtMark::Ended(version(1))));
    assert_eq!(at_mark("bad"), Some(&AtMark::Unknown));
    assert_eq!(at_marks.len(), 4, "{at_marks:?}");
}

#[test]
fn a_snapshot_of_another_history_or_layout_is_known_without_its_bytes() {
    let ours = header(event_id(5));
    let digest = digest([1, 2, 3], 1_440);
    let other_layout = Header {
        state_version: STATE_VERSION + 1,
        ..ours
    };
    let state = |n, digest| AtMark::State(event_id(n), digest);
    let other_event = format!(
        "its last event is {}, and the log has {} there",
        event_id(5),
        event_id(6)
    );
    for (header, given, expected) in [
        (ours, Some(state(5, Some(digest))), Ok(digest)),
        (ours, Some(state(6, Some(digest))), differs(&other_event)),
        (
            ours,
            Some(state(5, None)),
            differs("the state that the log gives cannot be written"),
        ),
        (
            ours,
            Some(AtMark::Ended(version(4))),
            differs("the stream ends with version 4"),
        ),
        (ours, None, differs("the log has no such stream")),
        (ours, Some(AtMark::Unknown), Err(Outcome::Unknown)),
        (other_layout, None, Err(Outcome::OtherLayout)),
    ] {
        assert_eq!(
            compare_header(&header, given.as_ref()),
            expected,
            "{given:?}"
        );
    }
}

#[test]
fn what_differs_is_said() {
    let given = digest([1, 2, 3], 0);
    let state = "its state is not the one that the log gives";
    let claims = "the claims that it remembers for a while are not those that the log gives";
    let commands = "the commands that it remembers are not those that the log gives";
    let until = "it remembers until another time than the log gives";
    for (parts, at, expected) in [
        ([1, 2, 3], 0, None),
        ([9, 2, 3], 0, Some(state)),
        ([1, 9, 3], 0, Some(claims)),
        ([1, 2, 9], 0, Some(commands)),
        ([1, 2, 3], 1, Some(until)),
    ] {
        let stored = digest(parts, at);
        assert_eq!(stored.difference(&given), expected);
    }
}

#[test]
fn of_many_snapshots_that_differ_the_first_are_told_and_all_are_counted() {
    let mut compared = Compared::default();
    for n in 0..102 {
        let outcome = Outcome::Differs(format!("thing {n}"));
        compared.add("pools/abc".into(), version(n + 1), outcome);
    }
    for outcome in [
        Outcome::Equal,
        Outcome::OtherLayout,
        Outcome::Replaced,
        Outcome::Unknown,
    ] {
        compared.add("pools/abc".into(), version(1), outcome);
    }
    compared.unreadable = Some("it is away".to_owned());
    let printed = compared.to_string();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[99], "snapshot of pools/abc at version 100: thing 99");
    let rest = [
        "and 2 more snapshots",
        "103 snapshots compared: 102 differ from what the log gives; 1 not compared, of another layout; \
         1 not compared, replaced meanwhile; 1 not compared, of pools that cannot have become what they are; \
         the others cannot be read: it is away",
    ];
    assert_eq!(lines[100..], rest);
}
