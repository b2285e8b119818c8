//! Density and order; each group accepted or rejected as one and by itself; what is written is kept as written.

use std::sync::Arc;

use onsale_shared::{
    log::{EventLog, Group, NewEvent, StreamWrite},
    time::Timestamp,
};

use crate::{
    conformance::for_each_engine,
    given::{
        append, appended, batch, event, event_with, fill, group, ids, ids_of, number, one,
        position, read_all, read_stream, stale, write,
    },
};

for_each_engine! {
    positions_and_versions_are_dense_and_in_order,
    a_stale_group_does_not_sink_its_neighbours,
    an_expected_version_beyond_the_stream_is_stale,
    a_group_of_many_streams_is_all_or_nothing,
    a_large_batch_is_one_append,
    a_batch_of_many_streams_is_one_append,
    text_is_kept_byte_for_byte,
    times_and_schemas_are_kept,
    the_answer_names_the_head,
}

async fn positions_and_versions_are_dense_and_in_order(log: Arc<dyn EventLog>) {
    let first = batch([group("pools/a", 0, 2), group("pools/b", 0, 1)]);
    let second = batch([group("pools/b", 1, 2), group("pools/a", 2, 1)]);
    assert_eq!(append(&*log, &first).await, [appended([1]), appended([3])]);
    assert_eq!(append(&*log, &second).await, [appended([4]), appended([6])]);

    let events = read_all(&*log).await;
    assert_eq!(ids_of(&events), [ids(&first), ids(&second)].concat());
    let places: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.position.get(),
                event.stream.as_str(),
                event.version.get(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (1, "pools/a", 1),
            (2, "pools/a", 2),
            (3, "pools/b", 1),
            (4, "pools/b", 2),
            (5, "pools/b", 3),
            (6, "pools/a", 3),
        ]
    );
    let of_a: Vec<_> = events
        .iter()
        .filter(|event| event.stream.as_str() == "pools/a")
        .cloned()
        .collect();
    assert_eq!(read_stream(&*log, "pools/a").await, of_a);
}

async fn a_stale_group_does_not_sink_its_neighbours(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/moved", 0, 3).await;
    let mixed = batch([
        group("pools/a", 0, 1),
        group("pools/moved", 1, 2),
        group("pools/b", 0, 2),
        group("pools/never", 7, 1),
        group("pools/c", 0, 1),
    ]);
    assert_eq!(
        append(&*log, &mixed).await,
        [
            appended([4]),
            stale([3]),
            appended([5]),
            stale([0]),
            appended([7])
        ]
    );
    assert_eq!(read_all(&*log).await.len(), 7);
    assert_eq!(read_stream(&*log, "pools/moved").await.len(), 3);
    assert_eq!(read_stream(&*log, "pools/never").await, []);
}

async fn an_expected_version_beyond_the_stream_is_stale(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/a", 0, 2).await;
    assert_eq!(append(&*log, &one("pools/a", 3, 1)).await, [stale([2])]);
    assert_eq!(append(&*log, &one("pools/a", 0, 1)).await, [stale([2])]);
    assert_eq!(append(&*log, &one("pools/a", 2, 1)).await, [appended([3])]);
}

async fn a_group_of_many_streams_is_all_or_nothing(log: Arc<dyn EventLog>) {
    fill(&*log, "pools/b", 0, 1).await;
    let of = |expected_of_b| Group {
        writes: vec![
            write("pools/a", 0, 2),
            write("pools/b", expected_of_b, 1),
            write("pools/c", 0, 1),
        ],
    };
    let torn = batch([of(0), group("pools/d", 0, 1)]);
    assert_eq!(
        append(&*log, &torn).await,
        [stale([0, 1, 0]), appended([2])]
    );
    assert_eq!(read_all(&*log).await.len(), 2);

    let whole = batch([of(1)]);
    assert_eq!(append(&*log, &whole).await, [appended([3, 5, 6])]);
    assert_eq!(ids_of(&read_all(&*log).await[2..]), ids(&whole));
}

async fn a_large_batch_is_one_append(log: Arc<dyn EventLog>) {
    let large = one("pools/a", 0, 1_000);
    assert_eq!(append(&*log, &large).await, [appended([1])]);
    assert_eq!(ids_of(&read_all(&*log).await), ids(&large));
}

async fn a_batch_of_many_streams_is_one_append(log: Arc<dyn EventLog>) {
    let streams: Vec<_> = (0..500).map(|number| format!("pools/{number}")).collect();
    let large = batch(streams.iter().map(|stream| group(stream, 0, 1)));
    let expected: Vec<_> = (1..=500).map(|first| appended([first])).collect();
    assert_eq!(append(&*log, &large).await, expected);

    // Every other stream has moved; the rest goes in without gaps.
    let halved = batch(
        streams
            .iter()
            .zip(0..)
            .map(|(stream, number)| group(stream, number % 2, 1)),
    );
    let expected: Vec<_> = (0..500)
        .map(|number| match number % 2 {
            0 => stale([1]),
            _ => appended([501 + number / 2]),
        })
        .collect();
    assert_eq!(append(&*log, &halved).await, expected);
    assert_eq!(read_all(&*log).await.len(), 750);
}

async fn text_is_kept_byte_for_byte(log: Arc<dyn EventLog>) {
    let texts = [
        r#"{"b": 1,   "a":2, "a": 3}"#,
        r#"{"name":"Träume – 日本 🎟 '; DROP TABLE events; --"}"#,
        r#"{"quoted":"\"{}\\ , NULL \u0000 \ud83c\udf9f \t"}"#,
        r#"{"number":1.00000000000000000000001e400}"#,
        " {\n\t\"space\" : [ ]\r\n} ",
        r#""null""#,
        "null",
        r#"["{a,b}", "$1", "%s", "\\N"]"#,
    ];
    let events: Vec<NewEvent> = texts
        .iter()
        .zip(texts.iter().rev())
        .map(|(data, metadata)| event_with(data, metadata))
        .collect();
    let stream = "pools/ünïcode 'quoted\" {x,y} \\ 日本";
    let written = batch([Group::of_stream(
        stream.into(),
        crate::given::version(0),
        events,
    )]);
    append(&*log, &written).await;

    let read = read_stream(&*log, stream).await;
    let kept: Vec<_> = read.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(kept, texts);
    let kept: Vec<_> = read.iter().map(|event| event.metadata.as_str()).collect();
    assert!(kept.iter().rev().eq(texts.iter()), "{kept:?}");
    assert_eq!(read[0].stream.as_str(), stream);
}

async fn times_and_schemas_are_kept(log: Arc<dyn EventLog>) {
    let micros = [1_800_000_000_123_457, -1, 0, Timestamp::MAX.as_micros()];
    let events = micros.map(|micros| NewEvent {
        time: Timestamp::from_micros(micros),
        kind: "TicketClaimed",
        schema: 7,
        ..event()
    });
    let events = batch([Group {
        writes: vec![StreamWrite {
            stream: "pools/a".into(),
            expected: crate::given::version(0),
            events: events.into(),
        }],
    }]);
    append(&*log, &events).await;
    for (event, micros) in read_all(&*log).await.iter().zip(micros) {
        assert_eq!(event.time.as_micros(), micros);
        assert_eq!((event.kind.as_str(), event.schema), ("TicketClaimed", 7));
    }
}

async fn the_answer_names_the_head(log: Arc<dyn EventLog>) {
    assert_eq!(log.head().await.unwrap().position, position(0));
    for count in [1, 4] {
        let stream = format!("pools/{count}");
        let answer = log.append(&one(&stream, 0, count)).await.unwrap();
        let length = number(read_all(&*log).await.len());
        assert_eq!(answer.head, position(length));
        assert_eq!(log.head().await.unwrap().position, position(length));
    }
    let answer = log.append(&one("pools/1", 9, 3)).await.unwrap();
    assert_eq!(
        answer.head,
        position(5),
        "a stale group does not move the head"
    );
}
