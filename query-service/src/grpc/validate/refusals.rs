//! What `ListRefusals` is asked.

use std::time::Duration;

use onsale_proto::{reason::Reason, v1};

use super::{Violations, pool};
use crate::{
    grpc::pages::{PageQuery, page},
    queries::RefusalsQuery,
};

/// The longest span of time that is looked at.
const SPAN_MAX: Duration = Duration::from_hours(31 * 24);

/// A page of refusals.
#[derive(Debug)]
pub(in crate::grpc) struct Asked {
    pub(in crate::grpc) query: RefusalsQuery,
    pub(in crate::grpc) page_query: PageQuery,
}

pub(in crate::grpc) fn list_refusals(
    request: &v1::ListRefusalsRequest,
) -> Result<Asked, Violations> {
    let mut violations = Violations::default();
    let named = Some(&*request.pool).filter(|name| !name.is_empty());
    let pool = violations.take("pool", named.map(pool).transpose());
    let reason = Some(&*request.reason).filter(|name| !name.is_empty());
    let reason = violations.take("reason", reason.map(known).transpose());
    let times = [request.start_time.as_ref(), request.end_time.as_ref()];
    let range = violations.range(["start_time", "end_time"], times);
    let range = range.and_then(|[start, end]| {
        let span = start.zip(end).map(|(start, end)| end.since(start));
        let fits = span.is_none_or(|span| span <= SPAN_MAX);
        let text = || "must be at most 31 days after start_time".to_owned();
        violations.take("end_time", if fits { Ok(()) } else { Err(text()) })?;
        Some([start, end])
    });
    let fields = (&request.pool, &request.reason, range);
    let page_query = PageQuery::of("ListRefusals", &fields);
    let page = page(
        &mut violations,
        page_query,
        request.page_size,
        &request.page_token,
    );
    match (pool, reason, range, page) {
        (Some(pool), Some(reason), Some([start, end]), Some(page)) => Ok(Asked {
            query: RefusalsQuery {
                pool: pool.map(|pool| pool.to_string()),
                reason,
                start,
                end,
                page,
            },
            page_query,
        }),
        _ => Err(violations),
    }
}

fn known(name: &str) -> Result<String, String> {
    let mut all = Reason::ALL.iter().map(|reason| reason.as_str());
    all.find(|known| *known == name)
        .map(str::to_owned)
        .ok_or_else(|| "must be a reason of docs/errors.md, such as SOLD_OUT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::fields;
    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn every_violation_of_a_question_for_refusals_is_in_one_answer() {
        assert!(list_refusals(&v1::ListRefusalsRequest::default()).is_ok());
        let refused = list_refusals(&v1::ListRefusalsRequest {
            pool: "abc".into(),
            reason: "sold out".into(),
            start_time: at(7),
            end_time: at(7),
            page_size: -1,
            page_token: "x".into(),
        });
        let expected = ["pool", "reason", "end_time", "page_size", "page_token"];
        assert_eq!(fields(refused.unwrap_err()), expected);
        let day = 24 * 60 * 60;
        let asked = |days: i64| {
            list_refusals(&v1::ListRefusalsRequest {
                start_time: at(0),
                end_time: at(days * day),
                ..Default::default()
            })
        };
        assert!(asked(31).is_ok());
        assert_eq!(fields(asked(32).unwrap_err()), ["end_time"]);
    }
}
