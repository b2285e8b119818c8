//! Why a question is not answered, as the contract says it: each failure its one reason, without inner text.

use std::time::Duration;

use onsale_proto::{name, reason::Reason, status::RichStatus};
use tonic::Status;
use tonic_types::FieldViolation;

use crate::{
    availability::watch::Ending,
    queries::{QueryError, WrongField},
};

const RETRY_SOON: Duration = Duration::from_millis(200);
const RETRY_LATER: Duration = Duration::from_secs(1);

/// The status of a failed query; `correlation` is what the caller can report.
pub(super) fn of_error(error: &QueryError, correlation: &str) -> Status {
    let status = match error {
        QueryError::Wrong(fields) => {
            let violation = |field: &WrongField| FieldViolation::new(&*field.name, &*field.text);
            RichStatus::invalid(fields.iter().map(violation).collect())
        }
        QueryError::NoPrice { pool, version } => {
            let resource = name::pool(pool.as_str());
            let text = format!("the log does not say what {resource} sells, or at what price");
            RichStatus::new(Reason::PoolCorrupted, text)
                .with("pool", &resource)
                .with("version", version)
                .precondition(resource)
        }
        QueryError::UnknownPool(pool) => {
            let resource = name::pool(pool.as_str());
            RichStatus::new(Reason::PoolNotFound, format!("there is no pool {resource}"))
                .with("pool", &resource)
                .resource("onsale.v1.Pool", resource)
        }
        QueryError::UnknownClaim(pool, claim) => {
            let resource = name::claim(pool.as_str(), claim);
            RichStatus::new(
                Reason::ClaimNotFound,
                format!("there is no claim {resource}"),
            )
            .with("claim", &resource)
            .resource("onsale.v1.Claim", resource)
        }
        QueryError::UnknownEvent(event) => {
            RichStatus::new(Reason::EventNotFound, format!("there is no event {event}"))
                .with("event_id", event)
                .resource("onsale.v1.Event", event.to_string())
        }
        QueryError::NotReady => not_ready(),
        QueryError::Behind { position, required } => RichStatus::new(
            Reason::ReadModelBehind,
            format!("this replica is at position {position}; position {required} was not reached in time"),
        )
        .with("position", position)
        .with("required_position", required)
        .retry_after(RETRY_SOON),
        QueryError::TooManyStreams => RichStatus::new(
            Reason::Overloaded,
            "the server has as many open streams as it may",
        )
        .retry_after(RETRY_LATER),
        QueryError::Database(_) | QueryError::Log(_) | QueryError::DatabaseTooSlow => RichStatus::new(
            Reason::DatabaseUnavailable,
            "the read model cannot be read at the moment; GetAvailability answers from memory",
        )
        .retry_after(RETRY_LATER),
        QueryError::TookTooLong => RichStatus::new(
            Reason::DeadlineExceeded,
            "the answer took longer than it may; ask for less: fewer pools, a shorter time, longer buckets, a filter that few rows pass; and read an export faster",
        ),
        QueryError::Unreadable(_) => RichStatus::new(
            Reason::Internal,
            format!("a defect of the server; report the correlation id {correlation}"),
        )
        .with("correlation_id", correlation),
    };
    status.into()
}

/// The status that ends a stream.
pub(super) fn of_ending(ending: Ending) -> Status {
    let status = match ending {
        Ending::Draining => RichStatus::new(
            Reason::Draining,
            "the server is shutting down; go on from where you are (resume_token, next_position), on another replica if there is one",
        )
        .retry_after(RETRY_SOON),
        Ending::Stopped => not_ready(),
    };
    status.into()
}

fn not_ready() -> RichStatus {
    RichStatus::new(
        Reason::NotReady,
        "the server is starting, or cannot follow its log at the moment",
    )
    .retry_after(RETRY_LATER)
}

#[cfg(test)]
mod tests {
    use onsale_proto::status::reason_of;
    use onsale_shared::{
        id::{ClaimId, PoolId},
        log::{Position, ReadError, Version},
    };
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn each_failure_has_its_reason_and_every_key_of_the_catalogue() {
        let database = || sqlx::Error::PoolTimedOut;
        let pool = PoolId::parse("abc").unwrap();
        let behind = QueryError::Behind {
            position: Position::START,
            required: Position::START.next(),
        };
        let wrong = QueryError::Wrong(vec![WrongField {
            name: "quantity".to_owned(),
            text: "must be at most 4".to_owned(),
        }]);
        let no_price = QueryError::NoPrice {
            pool: pool.clone(),
            version: Version::START,
        };
        let errors = [
            (wrong, Reason::InvalidField),
            (no_price, Reason::PoolCorrupted),
            (
                QueryError::UnknownClaim(pool.clone(), ClaimId(sqlx::types::Uuid::nil())),
                Reason::ClaimNotFound,
            ),
            (QueryError::UnknownPool(pool), Reason::PoolNotFound),
            (
                QueryError::UnknownEvent("00000000-0000-0000-0000-000000000001".parse().unwrap()),
                Reason::EventNotFound,
            ),
            (QueryError::NotReady, Reason::NotReady),
            (behind, Reason::ReadModelBehind),
            (QueryError::TooManyStreams, Reason::Overloaded),
            (
                QueryError::Database(database()),
                Reason::DatabaseUnavailable,
            ),
            (QueryError::DatabaseTooSlow, Reason::DatabaseUnavailable),
            (QueryError::Unreadable(database()), Reason::Internal),
            (QueryError::TookTooLong, Reason::DeadlineExceeded),
            (
                QueryError::Log(ReadError::Unavailable {
                    during: "reading",
                    source: "away".into(),
                }),
                Reason::DatabaseUnavailable,
            ),
        ];
        let statuses = errors.map(|(error, reason)| (of_error(&error, "id"), reason));
        let endings = [
            (of_ending(Ending::Draining), Reason::Draining),
            (of_ending(Ending::Stopped), Reason::NotReady),
        ];
        for (status, reason) in statuses.into_iter().chain(endings) {
            assert_eq!(reason_of(&status), Some(reason));
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            for key in reason.metadata_keys() {
                assert!(info.metadata.contains_key(*key), "{reason:?} {key}");
            }
            let again = status.code() == tonic::Code::Unavailable;
            assert_eq!(details.retry_info().is_some(), again, "{reason:?}");
        }
    }
}
