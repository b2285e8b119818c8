//! What cannot be asked: the right code, the right field, and never a scan.

use onsale_proto::{reason::Reason, v1};
use onsale_shared::{log::Position, token::ConsistencyToken};
use tonic::Request;

use super::asking::{of_pool, page};
use crate::{
    refused::{number, refused, violates},
    shared::{fresh_pool, shared},
};

type Asked = v1::ReadEventsRequest;

const fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused_with_its_field() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let claim = "pools/abc/claims/00000000-0000-0000-0000-000000000001";
    let cases = [
        (
            Asked {
                pool: "abc".into(),
                ..Asked::default()
            },
            "pool",
        ),
        (
            Asked {
                customer: "a b".into(),
                ..Asked::default()
            },
            "customer",
        ),
        (
            Asked {
                customer: "a\0b".into(),
                ..Asked::default()
            },
            "customer",
        ),
        (
            Asked {
                customer: "c".repeat(129),
                ..Asked::default()
            },
            "customer",
        ),
        (
            Asked {
                claim: "1".into(),
                ..Asked::default()
            },
            "claim",
        ),
        (
            Asked {
                claim: claim.replace("claims", "tickets"),
                ..Asked::default()
            },
            "claim",
        ),
        (
            Asked {
                claim: claim.into(),
                pool: "pools/abd".into(),
                ..Asked::default()
            },
            "claim",
        ),
        (
            Asked {
                ticket: "pools/abc/tickets/1".into(),
                ..Asked::default()
            },
            "ticket",
        ),
        (
            Asked {
                r#type: "ticketclaimed".into(),
                ..Asked::default()
            },
            "type",
        ),
        (
            Asked {
                actor: "Käthe".into(),
                ..Asked::default()
            },
            "actor",
        ),
        (
            Asked {
                ip: "127.0.0.1:80".into(),
                ..Asked::default()
            },
            "ip",
        ),
        (
            Asked {
                ip: "10.0.0.0/8".into(),
                ..Asked::default()
            },
            "ip",
        ),
        (
            Asked {
                ip: "localhost".into(),
                ..Asked::default()
            },
            "ip",
        ),
        (
            Asked {
                request_id: "7".into(),
                ..Asked::default()
            },
            "request_id",
        ),
        (
            Asked {
                correlation_id: " ".into(),
                ..Asked::default()
            },
            "correlation_id",
        ),
        (
            Asked {
                causation_id: "x".into(),
                ..Asked::default()
            },
            "causation_id",
        ),
        (
            Asked {
                start_time: at(i64::MAX),
                ..Asked::default()
            },
            "start_time",
        ),
        (
            Asked {
                end_time: at(i64::MIN),
                ..Asked::default()
            },
            "end_time",
        ),
        (
            Asked {
                start_time: at(8),
                end_time: at(7),
                ..Asked::default()
            },
            "end_time",
        ),
        (
            Asked {
                start_time: at(7),
                end_time: at(7),
                ..Asked::default()
            },
            "end_time",
        ),
        (
            Asked {
                from_position: -1,
                ..Asked::default()
            },
            "from_position",
        ),
        (
            Asked {
                from_position: i64::MIN,
                newest_first: true,
                ..Asked::default()
            },
            "from_position",
        ),
        (
            Asked {
                page_size: -1,
                ..Asked::default()
            },
            "page_size",
        ),
        (
            Asked {
                page_size: i32::MIN,
                ..Asked::default()
            },
            "page_size",
        ),
        (
            Asked {
                page_token: "x".into(),
                ..Asked::default()
            },
            "page_token",
        ),
        (
            Asked {
                page_token: "A".repeat(50_000),
                ..Asked::default()
            },
            "page_token",
        ),
        (
            Asked {
                at_least_as_fresh: "x".into(),
                ..Asked::default()
            },
            "at_least_as_fresh",
        ),
    ];
    for (asked, field) in cases {
        violates(page(&mut caller, &asked).await, &[field]);
    }
    let two = Asked {
        ip: "x".into(),
        page_size: -1,
        ..Asked::default()
    };
    violates(page(&mut caller, &two).await, &["ip", "page_size"]);
}

#[tokio::test]
async fn what_nobody_has_is_an_empty_page() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = "00000000-0000-7000-8000-000000000001";
    for asked in [
        of_pool(&fresh_pool(), ""),
        Asked {
            ip: "2001:db8::7".into(),
            ..Asked::default()
        },
        Asked {
            request_id: id.into(),
            ..Asked::default()
        },
        Asked {
            causation_id: id.into(),
            newest_first: true,
            ..Asked::default()
        },
        Asked {
            end_time: at(0),
            ..Asked::default()
        },
        Asked {
            start_time: at(253_402_300_799),
            newest_first: true,
            ..Asked::default()
        },
    ] {
        let answer = page(&mut caller, &asked).await.expect("an answer");
        assert_eq!(
            (answer.events, &*answer.next_page_token),
            (Vec::new(), ""),
            "{asked:?}"
        );
        assert!(!answer.consistency_token.is_empty());
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_query_alone() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, other) = (fresh_pool(), fresh_pool());
    for pool in [&id, &other] {
        caller.create_pool(pool, 10).await.expect("a new name");
    }
    let bought = caller.purchase(&id, "kim", 3).await.expect("places");
    let fresh = super::asking::token(bought.receipt);
    let asked = Asked {
        page_size: 2,
        ..of_pool(&id, &fresh)
    };
    let page_token = page(&mut caller, &asked)
        .await
        .expect("a page")
        .next_page_token;
    assert!(!page_token.is_empty());
    let next = Asked {
        page_token: page_token.clone(),
        ..asked
    };
    // Another size is the same query, and so is another freshness.
    for next in [
        next.clone(),
        Asked {
            page_size: 1,
            ..next.clone()
        },
        Asked {
            at_least_as_fresh: String::new(),
            ..next.clone()
        },
    ] {
        assert!(
            !page(&mut caller, &next)
                .await
                .expect("a page")
                .events
                .is_empty()
        );
    }
    for next in [
        of_pool(&other, ""),
        Asked {
            newest_first: true,
            ..next.clone()
        },
        Asked {
            customer: "kim".into(),
            ..next.clone()
        },
        Asked {
            from_position: 1,
            ..next.clone()
        },
        Asked {
            start_time: at(0),
            ..next.clone()
        },
    ] {
        let next = Asked {
            page_token: page_token.clone(),
            ..next
        };
        violates(page(&mut caller, &next).await, &["page_token"]);
    }
    let mut broken = page_token.clone();
    let other_letter = if broken[4..].starts_with('_') {
        "A"
    } else {
        "_"
    };
    broken.replace_range(4..5, other_letter);
    for page_token in [broken, page_token[..20].to_owned(), fresh] {
        let next = Asked {
            page_token,
            ..next.clone()
        };
        violates(page(&mut caller, &next).await, &["page_token"]);
    }
}

#[tokio::test]
async fn a_position_from_the_future_is_refused_and_the_next_one_is_not() {
    let system = onsale_tests::system::System::start().await;
    let mut caller = system.caller().await;
    caller.create_pool("future", 10).await.expect("a new name");
    for newest_first in [false, true] {
        let from = |from_position| Asked {
            from_position,
            newest_first,
            ..Asked::default()
        };
        for future in [3, i64::MAX] {
            violates(page(&mut caller, &from(future)).await, &["from_position"]);
        }
        // The next event will be there: whoever follows the log asks so.
        let next = page(&mut caller, &from(2)).await.expect("a page");
        assert_eq!(next.events.len(), usize::from(newest_first));
        assert_eq!(next.next_page_token, "");
    }
    let bought = caller.purchase("future", "kim", 1).await.expect("places");
    drop(bought);
    // A position that the log has is waited for.
    let from = Asked {
        from_position: 3,
        ..Asked::default()
    };
    assert_eq!(
        page(&mut caller, &from).await.expect("a page").events.len(),
        1
    );

    // A token from the future is waited for until the deadline.
    let token = ConsistencyToken::new(Position::new(1_000).expect("a position")).encode();
    let mut asked = Request::new(Asked {
        at_least_as_fresh: token,
        ..Asked::default()
    });
    asked.set_timeout(std::time::Duration::from_millis(400));
    let behind = refused(
        caller.queries.read_events(asked).await,
        Reason::ReadModelBehind,
    );
    assert_eq!(number(&behind, "required_position"), 1_000);
    assert_eq!(number(&behind, "position"), 3);
}
