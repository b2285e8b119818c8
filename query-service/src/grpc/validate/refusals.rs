//! What `ListRefusals` is asked.

use onsale_proto::{reason::Reason, v1};
use onsale_shared::{
    refusals::{Key, Selection},
    time::Timestamp,
};

use super::{Violations, pool};
use crate::{
    grpc::pages::{self, PageQuery, page},
    queries::{
        Page,
        refusals::{RefusalsQuery, SPAN_MAX, span},
    },
};

/// A page of refusals.
#[derive(Debug)]
pub(in crate::grpc) struct Asked {
    pub(in crate::grpc) query: RefusalsQuery,
    page_query: PageQuery,
}

pub(in crate::grpc) fn list_refusals(
    request: &v1::ListRefusalsRequest,
    now: Timestamp,
) -> Result<Asked, Violations> {
    let mut violations = Violations::default();
    let named = Some(&*request.pool).filter(|name| !name.is_empty());
    let pool = violations.take("pool", named.map(pool).transpose());
    let reason = Some(&*request.reason).filter(|name| !name.is_empty());
    let reason = violations.take("reason", reason.map(known).transpose());
    let times = [request.start_time.as_ref(), request.end_time.as_ref()];
    let range = violations.range(["start_time", "end_time"], times);
    let span = range.and_then(|[start, end]| {
        let (from, until) = span(start, end, now);
        let fits = until.since(from) <= SPAN_MAX;
        let (field, text) = if end.is_some() {
            ("end_time", "must be at most 31 days after start_time")
        } else {
            ("start_time", "must be at most 31 days ago without end_time")
        };
        violations.take(field, if fits { Ok(()) } else { Err(text.to_owned()) })?;
        Some((from, until))
    });
    let fields = (&request.pool, &request.reason, range);
    let page_query = PageQuery::of("ListRefusals", &fields);
    let page = page::<Continued>(
        &mut violations,
        page_query,
        request.page_size,
        &request.page_token,
    );
    let since = page.as_ref().and_then(|page| page.after.as_ref());
    let since = since.map(|(since, _)| *since);
    let span = span.and_then(|(start, end)| {
        // All pages are of what the first one was asked about, however late the last one is asked for.
        let start = since.unwrap_or(start);
        let fits = end.since(start) <= SPAN_MAX;
        let fits = fits.then_some(()).ok_or_else(|| OUTDATED.to_owned());
        violations.take("page_token", fits)?;
        Some((start, end))
    });
    match (pool, reason, span, page) {
        (Some(pool), Some(reason), Some((start, end)), Some(page)) => Ok(Asked {
            query: RefusalsQuery {
                selection: Selection {
                    pool: pool.map(|pool| pool.to_string()),
                    reason,
                    start,
                    end,
                },
                page: Page {
                    size: page.size,
                    after: page.after.map(|(_, key)| key),
                },
            },
            page_query,
        }),
        _ => Err(violations),
    }
}

/// Where a page goes on: since when the first one looked, and after which row.
type Continued = (Timestamp, Key);

const OUTDATED: &str = "leads further back than 31 days";

impl Asked {
    /// The token of the page after this one.
    pub(in crate::grpc) fn next_page_token(&self, next: Option<&Key>) -> String {
        let next = next.map(|key| (self.query.selection.start, key));
        pages::next_page_token(self.page_query, next.as_ref())
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

    const DAY: i64 = 24 * 60 * 60;

    /// What is asked on day 100.
    fn asked(request: &v1::ListRefusalsRequest) -> Result<Asked, Violations> {
        let now = Timestamp::from_seconds_and_nanos(100 * DAY, 0);
        list_refusals(request, now.expect("a time"))
    }

    #[test]
    fn every_violation_of_a_question_for_refusals_is_in_one_answer() {
        assert!(asked(&v1::ListRefusalsRequest::default()).is_ok());
        let refused = asked(&v1::ListRefusalsRequest {
            pool: "abc".into(),
            reason: "sold out".into(),
            start_time: at(7),
            end_time: at(7),
            page_size: -1,
            page_token: "x".into(),
        });
        let expected = ["pool", "reason", "end_time", "page_size", "page_token"];
        assert_eq!(fields(refused.unwrap_err()), expected);
    }

    #[test]
    fn a_span_has_a_limit_wherever_it_is_left_open() {
        let between = |start: Option<i64>, end: Option<i64>| {
            let asked = asked(&v1::ListRefusalsRequest {
                start_time: start.and_then(|day| at(day * DAY)),
                end_time: end.and_then(|day| at(day * DAY)),
                ..Default::default()
            });
            let selection = asked.map(|asked| asked.query.selection);
            let seconds = |time: Timestamp| time.seconds_and_nanos().0;
            selection
                .map(|asked| (seconds(asked.start), seconds(asked.end)))
                .map_err(fields)
        };
        let now = 100 * DAY + 1;
        assert_eq!(between(None, None), Ok((now - 3_600, now)));
        assert_eq!(between(None, Some(9)), Ok((9 * DAY - 3_600, 9 * DAY)));
        assert_eq!(between(Some(70), None), Ok((70 * DAY, now)));
        assert_eq!(between(Some(0), Some(31)), Ok((0, 31 * DAY)));
        assert_eq!(between(Some(0), Some(32)), Err(vec!["end_time".into()]));
        assert_eq!(between(Some(69), None), Err(vec!["start_time".into()]));
        // Nothing was refused yet: an empty answer.
        assert_eq!(between(Some(101), None), Ok((101 * DAY, now)));
    }

    #[test]
    fn later_pages_look_as_far_back_as_the_first() {
        let first = asked(&v1::ListRefusalsRequest::default()).unwrap();
        let key = serde_json::json!({
            "second": first.query.selection.start, "pool": "abc", "reason": "SOLD_OUT", "instance": "i"
        });
        let key: Key = serde_json::from_value(key).unwrap();
        let page_token = first.next_page_token(Some(&key));
        let continued = |seconds: i64| {
            let now = Timestamp::from_seconds_and_nanos(100 * DAY + seconds, 0);
            let request = v1::ListRefusalsRequest {
                page_token: page_token.clone(),
                ..Default::default()
            };
            list_refusals(&request, now.expect("a time"))
        };
        let second = continued(5 * 60).unwrap().query;
        assert_eq!(second.selection.start, first.query.selection.start);
        assert!(second.page.after.is_some());
        let outdated = continued(31 * DAY).map(drop).unwrap_err();
        assert_eq!(fields(outdated), ["page_token"]);
    }

    #[test]
    fn a_token_that_nobody_was_given_is_refused() {
        let fields_of = (&String::new(), &String::new(), Some([None::<Timestamp>; 2]));
        let query = PageQuery::of("ListRefusals", &fields_of);
        let with = |second: serde_json::Value| {
            let key = serde_json::json!(["1970-04-10T23:00:00Z", {
                "second": second, "pool": "abc", "reason": "SOLD_OUT", "instance": "i"
            }]);
            asked(&v1::ListRefusalsRequest {
                page_token: pages::next_page_token(query, Some(&key)),
                ..Default::default()
            })
        };
        assert!(with("2026-01-05T10:00:00Z".into()).is_ok());
        for second in [
            i64::MAX.into(),
            i64::MIN.into(),
            "+12026-01-05T10:00:00Z".into(),
        ] {
            let refused = with(second).map(drop).unwrap_err();
            assert_eq!(fields(refused), ["page_token"]);
        }
    }
}
