//! What lists of pools are asked for.

use onsale_proto::v1;
use onsale_shared::id::PoolId;

use super::{
    Violations,
    claims::{List, given, reference, unknown_state},
    moment, required,
};
use crate::{
    grpc::pages::{PageQuery, page},
    read_models::pools::{PoolFilter, PoolState},
};

pub(in crate::grpc) fn list_pools(
    request: &v1::ListPoolsRequest,
) -> Result<List<PoolFilter, PoolId>, Violations> {
    let v1::ListPoolsRequest {
        state,
        promoter,
        show,
        show_time_from,
        show_time_before,
        page_size,
        page_token,
        at_least_as_fresh,
    } = request;
    let mut violations = Violations::default();
    let written = |time: &Option<prost_types::Timestamp>| time.map(|t| (t.seconds, t.nanos));
    let times = (written(show_time_from), written(show_time_before));
    let query = PageQuery::of("ListPools", &(state, promoter, show, times));
    let state = violations.take("state", pool_state(*state));
    let promoter = violations.take("promoter", given(promoter, reference));
    let show = violations.take("show", given(show, reference));
    let from = show_time_from.as_ref().map(moment).transpose();
    let from = violations.take("show_time_from", from);
    let before = show_time_before.as_ref().map(moment).transpose();
    let before = violations.take("show_time_before", before);
    if let (Some(Some(from)), Some(Some(before))) = (from, before)
        && before <= from
    {
        let text = "must be after show_time_from".to_owned();
        violations.take("show_time_before", Err::<(), _>(text));
    }
    let page = page(&mut violations, query, *page_size, page_token);
    let required = violations.take("at_least_as_fresh", required(at_least_as_fresh));
    match (state, promoter, show, from, before, page, required) {
        (
            Some(state),
            Some(promoter),
            Some(show),
            Some(show_time_from),
            Some(show_time_before),
            Some(page),
            Some(required),
        ) if violations.is_empty() => {
            let filter = PoolFilter {
                state,
                promoter,
                show,
                show_time_from,
                show_time_before,
            };
            Ok(List {
                filter,
                page,
                query,
                required,
            })
        }
        _ => Err(violations),
    }
}

fn pool_state(number: i32) -> Result<Option<PoolState>, String> {
    match v1::PoolState::try_from(number) {
        Ok(v1::PoolState::Unspecified) => Ok(None),
        Ok(v1::PoolState::Active) => Ok(Some(PoolState::Active)),
        Ok(v1::PoolState::Stopped) => Ok(Some(PoolState::Stopped)),
        Ok(v1::PoolState::Cancelled) => Ok(Some(PoolState::Cancelled)),
        Ok(v1::PoolState::Corrupted) => Ok(Some(PoolState::Corrupted)),
        Err(_unknown) => Err(unknown_state(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fields;
    use super::*;

    #[test]
    fn every_violation_of_a_list_of_pools_is_in_one_answer() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let asked = |from, before| v1::ListPoolsRequest {
            state: 9,
            promoter: "a b".into(),
            show: "ä".into(),
            show_time_from: from,
            show_time_before: before,
            page_size: -1,
            page_token: "x".into(),
            at_least_as_fresh: "x".into(),
        };
        for (from, before, times) in [
            (at(7), at(7), &["show_time_before"][..]),
            (at(8), at(7), &["show_time_before"]),
            (
                at(i64::MAX),
                at(i64::MIN),
                &["show_time_from", "show_time_before"],
            ),
        ] {
            let refused = list_pools(&asked(from, before)).unwrap_err();
            let expected = [
                &["state", "promoter", "show"],
                times,
                &["page_size", "page_token", "at_least_as_fresh"],
            ];
            assert_eq!(fields(refused), expected.concat());
        }
    }

    #[test]
    fn nothing_has_to_be_given() {
        let asked = list_pools(&v1::ListPoolsRequest::default()).unwrap();
        assert_eq!(asked.filter, PoolFilter::default());
        assert_eq!((asked.page.size, asked.page.after), (50, None));
    }
}
