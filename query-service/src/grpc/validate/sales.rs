//! What `GetSalesReport` and `ExportSalesReport` are asked.

use std::time::Duration;

use onsale_proto::v1::{self, sales_selection::Scope as AskedScope};
use onsale_shared::{log::Position, text::Reference, time::Timestamp};

use super::{Violations, pool, required};
use crate::{
    queries::{Scope, Selection},
    read_models::sales_report::Span,
};

/// The most buckets of a report: a day of minutes fits.
const BUCKETS_MAX: u128 = 1_500;
/// The shortest bucket, which all are multiples of.
const MINUTE: Duration = Duration::from_secs(60);
/// The longest bucket: a leap year.
const BUCKET_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);

/// A report.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct AskedReport {
    pub(in crate::grpc) selection: Selection,
    pub(in crate::grpc) by_price: bool,
    pub(in crate::grpc) required: Position,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct AskedExport {
    pub(in crate::grpc) selection: Selection,
    pub(in crate::grpc) required: Position,
}

pub(in crate::grpc) fn get_sales_report(
    request: &v1::GetSalesReportRequest,
) -> Result<AskedReport, Violations> {
    let mut violations = Violations::default();
    let selection = violations.selection(request.selection.as_ref());
    let bounded = selection
        .as_ref()
        .and_then(|selection| violations.buckets(selection.span));
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (selection, bounded, required) {
        (Some(selection), Some(()), Some(required)) => Ok(AskedReport {
            selection,
            by_price: request.by_price,
            required,
        }),
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn export_sales_report(
    request: &v1::ExportSalesReportRequest,
) -> Result<AskedExport, Violations> {
    let mut violations = Violations::default();
    let selection = violations.selection(request.selection.as_ref());
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (selection, required) {
        (Some(mut selection), Some(required)) => {
            selection.span.bucket.get_or_insert(MINUTE);
            Ok(AskedExport {
                selection,
                required,
            })
        }
        _ => Err(violations),
    }
}

impl Violations {
    fn selection(&mut self, asked: Option<&v1::SalesSelection>) -> Option<Selection> {
        let Some(asked) = asked else {
            return self.take("selection", Err("is required".to_owned()));
        };
        let reference = |text: &str| Reference::parse(text).map_err(|error| error.to_string());
        let scope = match &asked.scope {
            Some(AskedScope::Pool(name)) => {
                self.take("selection.pool", pool(name)).map(Scope::Pool)
            }
            Some(AskedScope::Promoter(name)) => self
                .take("selection.promoter", reference(name))
                .map(Scope::Promoter),
            Some(AskedScope::Show(name)) => self
                .take("selection.show", reference(name))
                .map(Scope::Show),
            None => {
                let text = "is required: pool, promoter or show";
                self.take("selection.scope", Err(text.to_owned()))
            }
        };
        let [start, end] = [asked.start_time.as_ref(), asked.end_time.as_ref()];
        let [start_field, end_field] = ["selection.start_time", "selection.end_time"];
        let range = self.range([start_field, end_field], [start, end]);
        let range = range.and_then(|[start, end]| {
            let start = self.take(start_field, whole_minute(start));
            let end = self.take(end_field, whole_minute(end));
            Some([start?, end?])
        });
        let size = asked.bucket_size.as_ref().map(bucket_size).transpose();
        let bucket = self.take("selection.bucket_size", size);
        let ([start, end], bucket) = (range?, bucket?);
        let span = Span { start, end, bucket };
        Some(Selection {
            scope: scope?,
            span,
        })
    }

    /// An answer has a limited number of buckets.
    fn buckets(&mut self, span: Span) -> Option<()> {
        let Some(bucket) = span.bucket else {
            return Some(());
        };
        let required = |time: Option<Timestamp>| {
            time.ok_or_else(|| "is required with a bucket_size".to_owned())
        };
        let start = self.take("selection.start_time", required(span.start));
        let end = self.take("selection.end_time", required(span.end));
        let buckets = end?.since(start?).as_nanos().div_ceil(bucket.as_nanos());
        let bounded = if buckets > BUCKETS_MAX {
            Err(format!(
                "must make at most {BUCKETS_MAX} buckets, not {buckets}; choose longer ones or a shorter time"
            ))
        } else {
            Ok(())
        };
        self.take("selection.bucket_size", bounded)
    }
}

fn whole_minute(time: Option<Timestamp>) -> Result<Option<Timestamp>, String> {
    let micros = i64::try_from(MINUTE.as_micros()).unwrap_or(i64::MAX);
    match time {
        Some(time) if time.as_micros().rem_euclid(micros) != 0 => {
            Err("must be a whole minute".to_owned())
        }
        whole => Ok(whole),
    }
}

fn bucket_size(asked: &prost_types::Duration) -> Result<Duration, String> {
    let seconds = u64::try_from(asked.seconds).ok();
    let size = seconds
        .filter(|_| asked.nanos == 0)
        .map(Duration::from_secs);
    size.filter(|size| {
        (MINUTE..=BUCKET_MAX).contains(size) && size.as_secs() % MINUTE.as_secs() == 0
    })
    .ok_or_else(|| "must be whole minutes, 1 minute to 366 days".to_owned())
}

#[cfg(test)]
mod tests;
