//! What `QuotePrice` is asked. What depends on the pool is checked with the pool.

use onsale_proto::v1;
use onsale_shared::log::Position;

use super::{Violations, moment, pool, required};
use crate::queries::QuoteQuery;

/// The most numbers of sold tickets of a preview.
const PREVIEW_SOLD_MAX: usize = 200;
/// The most moments of a preview.
const PREVIEW_TIMES_MAX: usize = 50;

/// A quote of a pool.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct Asked {
    pub(in crate::grpc) query: QuoteQuery,
    pub(in crate::grpc) required: Position,
}

pub(in crate::grpc) fn quote_price(request: &v1::QuotePriceRequest) -> Result<Asked, Violations> {
    let mut violations = Violations::default();
    let pool = violations.take("pool", pool(&request.pool));
    let quote_time = request.quote_time.as_ref().map(moment).transpose();
    let time = violations.take("quote_time", quote_time);
    let preview_sold = violations.each(
        "preview_sold",
        &request.preview_sold,
        PREVIEW_SOLD_MAX,
        |&sold| tickets(sold),
    );
    let preview_times = violations.each(
        "preview_times",
        &request.preview_times,
        PREVIEW_TIMES_MAX,
        moment,
    );
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (pool, time, preview_sold, preview_times, required) {
        (Some(pool), Some(time), Some(preview_sold), Some(preview_times), Some(required)) => {
            let query = QuoteQuery {
                pool,
                quantity: request.quantity.max(1),
                time,
                preview_sold,
                preview_times,
            };
            Ok(Asked { query, required })
        }
        _ => Err(violations),
    }
}

impl Violations {
    /// All values, or one more violation for each that is wrong, or for their number.
    fn each<T, U>(
        &mut self,
        field: &str,
        values: &[T],
        most: usize,
        value: impl Fn(&T) -> Result<U, String>,
    ) -> Option<Vec<U>> {
        let actual = values.len();
        if actual > most {
            let text = format!("must have at most {most} values, not {actual}");
            return self.take(field, Err(text));
        }
        let taken: Vec<_> = (0..)
            .zip(values)
            .filter_map(|(index, given)| self.take(&format!("{field}[{index}]"), value(given)))
            .collect();
        (taken.len() == actual).then_some(taken)
    }
}

fn tickets(number: i64) -> Result<u32, String> {
    u32::try_from(number)
        .map_err(|_out_of_range| format!("must be 0 to the pool's capacity, not {number}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fields;
    use super::*;

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos: 0 }
    }

    #[test]
    fn a_quote_is_of_one_ticket_now_unless_said_otherwise() {
        let asked = quote_price(&v1::QuotePriceRequest {
            pool: "pools/abc".into(),
            ..Default::default()
        })
        .unwrap();
        assert_eq!((asked.query.quantity, asked.query.time), (1, None));
        assert_eq!(asked.required, Position::START);
        let asked = quote_price(&v1::QuotePriceRequest {
            pool: "pools/abc".into(),
            quantity: 3,
            quote_time: Some(at(-62_135_596_800)),
            preview_sold: vec![0, 7],
            preview_times: vec![at(253_402_300_799)],
            at_least_as_fresh: String::new(),
        })
        .unwrap();
        assert_eq!(asked.query.quantity, 3);
        assert_eq!(asked.query.preview_sold, [0, 7]);
        assert_eq!(asked.query.preview_times.len(), 1);
    }

    #[test]
    fn every_violation_of_a_quote_is_in_one_answer() {
        let refused = quote_price(&v1::QuotePriceRequest {
            pool: "abc".into(),
            quantity: 0,
            quote_time: Some(at(253_402_300_800)),
            preview_sold: vec![0, -1, i64::MAX],
            preview_times: vec![at(0), at(-62_135_596_801)],
            at_least_as_fresh: "x".into(),
        });
        assert_eq!(
            fields(refused.unwrap_err()),
            [
                "pool",
                "quote_time",
                "preview_sold[1]",
                "preview_sold[2]",
                "preview_times[1]",
                "at_least_as_fresh"
            ]
        );
    }

    #[test]
    fn a_preview_has_its_limits() {
        let of = |sold, times| {
            quote_price(&v1::QuotePriceRequest {
                pool: "pools/abc".into(),
                preview_sold: vec![-1; sold],
                preview_times: vec![at(0); times],
                ..Default::default()
            })
        };
        assert_eq!(
            fields(of(201, 51).unwrap_err()),
            ["preview_sold", "preview_times"]
        );
        let each = fields(of(200, 50).unwrap_err());
        assert_eq!(each[..2], ["preview_sold[0]", "preview_sold[1]"]);
        assert!(of(0, 50).is_ok());
    }
}
