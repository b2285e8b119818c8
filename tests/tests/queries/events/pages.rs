//! Pages: each event once, in order, while the log grows.

use onsale_proto::v1;

use super::asking::{all, of_pool, page, positions};
use crate::shared::{fresh_pool, shared};

#[tokio::test]
async fn pages_of_any_size_have_every_event_once_in_both_directions() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a new name");
    let mut token = String::new();
    for number in 0..8 {
        let bought = caller
            .purchase(&id, &format!("c{number}"), 1)
            .await
            .expect("places");
        token = super::asking::token(bought.receipt);
    }
    let whole = positions(&all(&mut caller, &of_pool(&id, &token)).await);
    assert_eq!(whole.len(), 17);
    assert!(whole.is_sorted());
    for page_size in [1, 2, 16, 17, 18, 500, 501, i32::MAX] {
        for newest_first in [false, true] {
            let request = v1::ReadEventsRequest {
                page_size,
                newest_first,
                ..of_pool(&id, &token)
            };
            let mut actual = positions(&all(&mut caller, &request).await);
            if newest_first {
                actual.reverse();
            }
            assert_eq!(actual, whole, "{page_size}");
        }
    }
    for (from, expected) in [(whole[3], &whole[3..]), (1, &whole[..])] {
        let request = v1::ReadEventsRequest {
            from_position: from,
            ..of_pool(&id, &token)
        };
        assert_eq!(positions(&all(&mut caller, &request).await), expected);
    }
    let past = v1::ReadEventsRequest {
        from_position: whole[3],
        newest_first: true,
        ..of_pool(&id, &token)
    };
    let mut actual = positions(&all(&mut caller, &past).await);
    actual.reverse();
    assert_eq!(actual, &whole[..=3]);
}

#[tokio::test]
async fn what_happens_between_two_pages_repeats_nothing_and_leaves_nothing_out() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 100).await.expect("a new name");
    let bought = caller.purchase(&id, "c", 3).await.expect("places");
    let token = super::asking::token(bought.receipt);
    for newest_first in [false, true] {
        let mut request = v1::ReadEventsRequest {
            page_size: 2,
            newest_first,
            ..of_pool(&id, &token)
        };
        let first = page(&mut caller, &request).await.expect("a page");
        let more = caller.purchase(&id, "d", 2).await.expect("places");
        request.page_token = first.next_page_token;
        request.at_least_as_fresh = super::asking::token(more.receipt);
        let mut seen = positions(&first.events);
        seen.extend(positions(&all(&mut caller, &request).await));
        let mut expected = all(&mut caller, &of_pool(&id, &request.at_least_as_fresh)).await;
        if newest_first {
            // What came later is before the first page.
            expected.reverse();
            expected.retain(|event| event.position <= seen[0]);
        }
        assert_eq!(seen, positions(&expected));
    }
}
