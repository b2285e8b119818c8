//! `ListRefusals`: validate, read, convert.

use std::time::Duration;

use onsale_proto::{name, reason::Reason, status::RichStatus, v1};
use onsale_shared::{id::PoolId, time::Timestamp};
use sha2::{Digest as _, Sha256};
use tonic::{Response, Status};

use super::{convert::timestamp, validate::Fields};
use crate::refusals::{
    Sample,
    store::{Asked, Last, Refused, Store},
};

/// The size of a page that asks for none.
const PAGE_SIZE_DEFAULT: usize = 50;
/// The largest page; who asks for more gets this.
const PAGE_SIZE_MAX: usize = 500;
/// When to ask again while the table cannot be read.
const RETRY_DATABASE: Duration = Duration::from_secs(1);

/// Answers the call.
///
/// # Errors
/// A field is wrong, or the table cannot be read.
pub async fn list(
    store: &Store,
    request: &v1::ListRefusalsRequest,
) -> Result<Response<v1::ListRefusalsResponse>, Status> {
    let (asked, query) = read(request)?;
    let mut rows = store.list(&asked).await.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "refusals cannot be read"
        );
        RichStatus::new(
            Reason::DatabaseUnavailable,
            "refusals cannot be read at the moment",
        )
        .retry_after(RETRY_DATABASE)
    })?;
    // One row more than is answered tells whether there is a next page.
    let more = rows.len() == asked.limit;
    rows.truncate(asked.limit - 1);
    let last = rows.last().filter(|_| more);
    Ok(Response::new(v1::ListRefusalsResponse {
        next_page_token: last.map(|row| token(&query, &row.at)).unwrap_or_default(),
        refusals: rows.into_iter().map(count).collect(),
    }))
}

/// What is asked, and what tells the query from another one.
fn read(request: &v1::ListRefusalsRequest) -> Result<(Asked, String), Status> {
    let mut fields = Fields::default();
    let pool = match &*request.pool {
        "" => None,
        given => {
            let id = name::parse_pool(given).and_then(|id| PoolId::parse(id).ok());
            if id.is_none() {
                fields.violate("pool", "must have the form pools/{pool}");
            }
            id
        }
    };
    let known = Reason::ALL
        .iter()
        .any(|reason| reason.as_str() == request.reason);
    if !known && !request.reason.is_empty() {
        fields.violate("reason", "must be a reason of docs/errors.md");
    }
    let from = time("start_time", request.start_time.as_ref(), &mut fields);
    let until = time("end_time", request.end_time.as_ref(), &mut fields);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        fields.violate("end_time", "must be after start_time");
    }
    let size = match usize::try_from(request.page_size) {
        Ok(0) => PAGE_SIZE_DEFAULT,
        Ok(size) => size.min(PAGE_SIZE_MAX),
        Err(_negative) => {
            fields.violate("page_size", "must not be negative");
            0
        }
    };
    let query = query(request);
    let first = Last {
        second: until.unwrap_or(Timestamp::MAX),
        reason: String::new(),
        instance: String::new(),
    };
    let before = match &*request.page_token {
        "" => Some(first),
        token => after(&query, token),
    };
    let Some(before) = before else {
        fields.violate("page_token", "is not a page token of the same query");
        return Err(RichStatus::invalid(fields.into_violations()).into());
    };
    let violations = fields.into_violations();
    if !violations.is_empty() {
        return Err(RichStatus::invalid(violations).into());
    }
    let asked = Asked {
        pool,
        reason: Some(request.reason.clone()).filter(|reason| !reason.is_empty()),
        // Of the second in which it lies.
        from: from.map(|from| {
            from.minus(Duration::from_micros(
                from.as_micros().rem_euclid(1_000_000).unsigned_abs(),
            ))
        }),
        before,
        limit: size + 1,
    };
    Ok((asked, query))
}

fn time(
    field: &str,
    asked: Option<&prost_types::Timestamp>,
    fields: &mut Fields,
) -> Option<Timestamp> {
    let asked = asked?;
    let time = Timestamp::from_seconds_and_nanos(asked.seconds, asked.nanos);
    if time.is_none() {
        fields.violate(field, "must be a time between the years 1 and 9999");
    }
    time
}

/// Tells one query from another, in 16 digits.
fn query(request: &v1::ListRefusalsRequest) -> String {
    let v1::ListRefusalsRequest {
        pool,
        reason,
        start_time,
        end_time,
        ..
    } = request;
    let digest = Sha256::digest(format!("{pool}\n{reason}\n{start_time:?}\n{end_time:?}"));
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// The query, and the last row that was answered. It carries no authority.
fn token(query: &str, last: &Last) -> String {
    let Last {
        second,
        reason,
        instance,
    } = last;
    format!("{query}~{}~{reason}~{instance}", second.as_micros())
}

fn after(query: &str, token: &str) -> Option<Last> {
    let rest = token.strip_prefix(query)?.strip_prefix('~')?;
    let (second, rest) = rest.split_once('~')?;
    let (reason, instance) = rest.split_once('~')?;
    let second = Timestamp::from_micros(second.parse().ok()?);
    // The one character that PostgreSQL's texts cannot have.
    let is_text = !rest.contains('\0') && second <= Timestamp::MAX;
    is_text.then(|| Last {
        second,
        reason: reason.to_owned(),
        instance: instance.to_owned(),
    })
}

fn count(row: Refused) -> v1::RefusalCount {
    v1::RefusalCount {
        second: Some(timestamp(row.at.second)),
        reason: row.at.reason,
        instance: row.at.instance,
        count: row.counted.count,
        samples: row.counted.samples.into_iter().map(sample).collect(),
    }
}

fn sample(sample: Sample) -> v1::RefusalSample {
    v1::RefusalSample {
        time: Some(timestamp(sample.time)),
        command: sample.command,
        request_id: sample.request_id,
        customer: sample.customer.unwrap_or_default(),
        correlation_id: sample.correlation_id,
        message: sample.message,
    }
}
