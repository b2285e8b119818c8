//! `ListPools` finds pools by what is asked for, page by page, while they change.

use onsale_proto::{name, v1};
use onsale_tests::caller::{Caller, a_pool, cancel_request};

use super::{
    refused::violates,
    shared::{fresh_pool, shared},
};

const fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

/// The names of all pages.
async fn listed(caller: &Caller, request: v1::ListPoolsRequest) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListPoolsRequest {
            page_token,
            ..request.clone()
        };
        let answer = caller.queries.clone().list_pools(request).await;
        let answer = answer.expect("pools").into_inner();
        names.extend(answer.pools.into_iter().map(|pool| pool.name));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return names;
        }
    }
}

/// Pools of a promoter and a show of their own, in the order of their names; the token of the last.
async fn several(caller: &mut Caller, of: &str) -> (Vec<String>, String) {
    let (mut ids, mut token) = (Vec::new(), String::new());
    for turn in 0..7_i64 {
        let id = fresh_pool();
        let pool = v1::Pool {
            promoter: of.to_owned(),
            show: format!("{of}/{}", turn % 2),
            show_time: (turn > 0).then_some(at(4_000_000_000 + turn)).flatten(),
            ..a_pool(10)
        };
        token = caller.create(&id, pool).await.unwrap().consistency_token;
        ids.push(id);
    }
    (ids, token)
}

#[tokio::test]
async fn pools_are_found_by_state_promoter_show_and_show_time() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let of = fresh_pool();
    let (ids, _) = several(&mut caller, &of).await;
    let finish = v1::StopMode::FinishClaims;
    caller.stop_sales(&ids[1], finish).await.unwrap();
    caller.stop_sales(&ids[2], finish).await.unwrap();
    caller.resume_sales(&ids[2]).await.unwrap();
    let cancelled = caller.commands.cancel_pool(cancel_request(&ids[3])).await;
    let token = cancelled.unwrap().into_inner().receipt.unwrap();
    let all = v1::ListPoolsRequest {
        promoter: of.clone(),
        at_least_as_fresh: token.consistency_token,
        page_size: 2,
        ..v1::ListPoolsRequest::default()
    };
    let expect = |chosen: &[usize]| {
        let mut names: Vec<_> = chosen
            .iter()
            .map(|index| name::pool(&ids[*index]))
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        listed(&caller, all.clone()).await,
        expect(&[0, 1, 2, 3, 4, 5, 6])
    );
    let (active, stopped) = (v1::PoolState::Active, v1::PoolState::Stopped);
    let (cancelled, corrupted) = (v1::PoolState::Cancelled, v1::PoolState::Corrupted);
    for (state, chosen) in [
        (active, &[0, 2, 4, 5, 6][..]),
        (stopped, &[1]),
        (cancelled, &[3]),
        (corrupted, &[]),
    ] {
        let request = v1::ListPoolsRequest {
            state: state.into(),
            ..all.clone()
        };
        assert_eq!(listed(&caller, request).await, expect(chosen), "{state:?}");
        // Of anybody: other tests have theirs.
        let request = v1::ListPoolsRequest {
            state: state.into(),
            promoter: String::new(),
            page_size: 500,
            ..all.clone()
        };
        let found = listed(&caller, request).await;
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(found.contains(&name::pool(id)), chosen.contains(&index));
        }
    }
    let request = v1::ListPoolsRequest {
        promoter: String::new(),
        show: format!("{of}/1"),
        ..all.clone()
    };
    assert_eq!(listed(&caller, request).await, expect(&[1, 3, 5]));
    for promoter in ["", of.as_str()] {
        for (from, before, chosen) in [
            (at(4_000_000_002), at(4_000_000_005), &[2, 3, 4][..]),
            (at(4_000_000_005), at(4_000_000_007), &[5, 6]),
            (at(4_000_000_006), at(4_000_000_007), &[6]),
        ] {
            let request = v1::ListPoolsRequest {
                promoter: promoter.to_owned(),
                show_time_from: from,
                show_time_before: before,
                ..all.clone()
            };
            let mut found = listed(&caller, request).await;
            // Nobody else has shows in 2096, but for another run of this test at the same time.
            found.retain(|name| ids.iter().any(|id| name.ends_with(id)));
            assert_eq!(found, expect(chosen), "{promoter} {from:?}");
        }
    }
    let request = v1::ListPoolsRequest {
        show_time_from: at(4_000_000_003),
        ..all.clone()
    };
    assert_eq!(listed(&caller, request).await, expect(&[3, 4, 5, 6]));
    let request = v1::ListPoolsRequest {
        show_time_before: at(4_000_000_003),
        ..all.clone()
    };
    assert_eq!(listed(&caller, request).await, expect(&[1, 2]));
}

#[tokio::test]
async fn every_pool_is_on_one_page_while_pools_change_between_pages() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let of = fresh_pool();
    let (mut ids, mut token) = several(&mut caller, &of).await;
    ids.sort_unstable();
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListPoolsRequest {
            promoter: of.clone(),
            page_size: 2,
            page_token,
            at_least_as_fresh: token,
            ..v1::ListPoolsRequest::default()
        };
        let answer = caller
            .queries
            .list_pools(request)
            .await
            .unwrap()
            .into_inner();
        for pool in &answer.pools {
            let known = seen.len();
            seen.push(pool.name.clone());
            let sold = pool.availability.as_ref().unwrap().sold;
            assert_eq!(
                sold,
                i64::try_from(known / 2).unwrap(),
                "as fresh as was asked for"
            );
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let mut last = None;
        for id in &ids {
            last = caller.purchase(id, "c", 1).await.unwrap().receipt;
        }
        token = last.unwrap().consistency_token;
    }
    let expected: Vec<_> = ids.iter().map(|id| name::pool(id)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_is_no_page_of_pools_is_refused_by_its_field() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let of = fresh_pool();
    let (_, token) = several(&mut caller, &of).await;
    let first = v1::ListPoolsRequest {
        promoter: of.clone(),
        page_size: 1,
        at_least_as_fresh: token,
        ..v1::ListPoolsRequest::default()
    };
    let answer = caller.queries.list_pools(first.clone()).await.unwrap();
    let page_token = answer.into_inner().next_page_token;
    for request in [
        v1::ListPoolsRequest {
            show: "another".into(),
            page_token: page_token.clone(),
            ..first.clone()
        },
        v1::ListPoolsRequest {
            show_time_from: at(0),
            page_token: page_token.clone(),
            ..first.clone()
        },
        v1::ListPoolsRequest {
            page_token: "garbage".into(),
            ..first.clone()
        },
    ] {
        let answer = caller.queries.list_pools(request).await;
        violates(answer, &["page_token"]);
    }
    let request = v1::ListPoolsRequest {
        state: 77,
        show_time_from: at(9),
        show_time_before: at(8),
        page_size: -5,
        ..first
    };
    let answer = caller.queries.list_pools(request).await;
    violates(answer, &["state", "show_time_before", "page_size"]);
}
