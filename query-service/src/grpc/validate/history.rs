//! What `ListPriceChanges` and `GetPoolAsOf` are asked.

use onsale_proto::v1::{self, get_pool_as_of_request::AsOf};
use onsale_shared::{
    id::PoolId,
    log::{Position, Version},
    time::Timestamp,
};

use super::{Violations, moment, pool, required};
use crate::{
    grpc::pages::{PageQuery, page},
    queries::PriceChangesQuery,
    read_models::history::Moment,
};

/// Changes of a price.
#[derive(Debug)]
pub(in crate::grpc) struct AskedPrices {
    pub(in crate::grpc) query: PriceChangesQuery,
    pub(in crate::grpc) page: PageQuery,
    pub(in crate::grpc) required: Position,
}

/// A pool as it was.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct AskedPool {
    pub(in crate::grpc) pool: PoolId,
    pub(in crate::grpc) moment: Moment,
    pub(in crate::grpc) required: Position,
}

pub(in crate::grpc) fn list_price_changes(
    request: &v1::ListPriceChangesRequest,
) -> Result<AskedPrices, Violations> {
    let mut violations = Violations::default();
    let pool = violations.take("pool", pool(&request.pool));
    let [start, end] = [request.start_time.as_ref(), request.end_time.as_ref()];
    let range = violations.range(["start_time", "end_time"], [start, end]);
    let fields = (&request.pool, range);
    let query = PageQuery::of("ListPriceChanges", &fields);
    let page = page(
        &mut violations,
        query,
        request.page_size,
        &request.page_token,
    );
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (pool, range, page, required) {
        (Some(pool), Some(range), Some(page), Some(required)) => Ok(AskedPrices {
            query: PriceChangesQuery { pool, range, page },
            page: query,
            required,
        }),
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn get_pool_as_of(
    request: &v1::GetPoolAsOfRequest,
) -> Result<AskedPool, Violations> {
    let mut violations = Violations::default();
    let pool = violations.take("pool", pool(&request.pool));
    let moment = match &request.as_of {
        Some(AsOf::Version(asked)) => violations
            .take("version", version(*asked))
            .map(Moment::Version),
        Some(AsOf::EventTime(asked)) => violations
            .take("event_time", moment(asked))
            .map(Moment::Time),
        None => violations.take(
            "as_of",
            Err("is required: version or event_time".to_owned()),
        ),
    };
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (pool, moment, required) {
        (Some(pool), Some(moment), Some(required)) => Ok(AskedPool {
            pool,
            moment,
            required,
        }),
        _ => Err(violations),
    }
}

fn version(asked: i64) -> Result<Version, String> {
    let version = Version::new(asked).filter(|version| *version > Version::START);
    version.ok_or_else(|| format!("must be 1 to the pool's version, not {asked}"))
}

impl Violations {
    /// Two times of which both, one or none is given, the first before the second.
    pub(super) fn range(
        &mut self,
        [start_field, end_field]: [&str; 2],
        [start, end]: [Option<&prost_types::Timestamp>; 2],
    ) -> Option<[Option<Timestamp>; 2]> {
        let start = self.take(start_field, start.map(moment).transpose());
        let end = self.take(end_field, end.map(moment).transpose());
        let (start, end) = (start?, end?);
        let is_upside_down = start.zip(end).is_some_and(|(start, end)| start >= end);
        let text = || format!("must be after {start_field}");
        self.take(end_field, if is_upside_down { Err(text()) } else { Ok(()) })?;
        Some([start, end])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fields;
    use super::*;

    const fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    fn prices() -> v1::ListPriceChangesRequest {
        v1::ListPriceChangesRequest {
            pool: "pools/abc".into(),
            ..v1::ListPriceChangesRequest::default()
        }
    }

    #[test]
    fn a_range_may_be_open_on_both_sides() {
        let asked = list_price_changes(&prices()).unwrap();
        assert_eq!(asked.query.range, [None, None]);
        let asked = list_price_changes(&v1::ListPriceChangesRequest {
            end_time: at(5),
            ..prices()
        });
        assert_eq!(
            asked.unwrap().query.range[1],
            Some(Timestamp::from_micros(5_000_000))
        );
    }

    #[test]
    fn every_violation_of_a_list_is_in_one_answer() {
        let refused = list_price_changes(&v1::ListPriceChangesRequest {
            pool: "abc".into(),
            start_time: at(5),
            end_time: at(5),
            page_size: -1,
            page_token: "x".into(),
            at_least_as_fresh: "x".into(),
        });
        assert_eq!(
            fields(refused.unwrap_err()),
            [
                "pool",
                "end_time",
                "page_size",
                "page_token",
                "at_least_as_fresh"
            ]
        );
    }

    #[test]
    fn a_pool_is_asked_for_at_one_moment() {
        let of = |as_of| {
            get_pool_as_of(&v1::GetPoolAsOfRequest {
                pool: "pools/abc".into(),
                as_of,
                at_least_as_fresh: String::new(),
            })
        };
        assert_eq!(fields(of(None).unwrap_err()), ["as_of"]);
        for version in [0, -1, i64::MIN] {
            assert_eq!(
                fields(of(Some(AsOf::Version(version))).unwrap_err()),
                ["version"]
            );
        }
        let never = AsOf::EventTime(prost_types::Timestamp {
            seconds: 0,
            nanos: -1,
        });
        assert_eq!(fields(of(Some(never)).unwrap_err()), ["event_time"]);
        let version = Version::new(7).unwrap();
        assert_eq!(
            of(Some(AsOf::Version(7))).unwrap().moment,
            Moment::Version(version)
        );
    }
}
