//! Failures become statuses: what happened, with every number, and what the caller can do.

mod conflict;

use std::time::Duration;

use onsale_proto::{name, reason::Reason, status::RichStatus};
use onsale_shared::{
    event::{ReleaseCause, StopMode},
    id::PoolId,
};
use tonic_types::FieldViolation;

use crate::{
    domain::{Command, Rejection, partials::Counts},
    pools::Failure,
};

/// When to repeat what a full or draining server refused.
const RETRY_OVERLOADED: Duration = Duration::from_millis(250);
/// When to repeat what lost too many races.
const RETRY_CONTENTION: Duration = Duration::from_millis(50);
/// When to repeat what the database refused.
const RETRY_DATABASE: Duration = Duration::from_secs(1);

/// Whether the caller says that the command was paid for: a refusal then means that the money is due back.
#[must_use]
pub const fn is_paid(command: &Command) -> bool {
    matches!(command, Command::BuyTickets(buy) if buy.reclaim)
}

/// What a caller is told.
#[must_use]
pub fn of_failure(
    failure: Failure,
    pool: &PoolId,
    correlation_id: &str,
    is_paid: bool,
) -> RichStatus {
    match failure {
        // Not a refusal of this command: another has its id, and perhaps its tickets.
        Failure::Rejected(rejection @ Rejection::RequestIdReused { .. }) => {
            of_rejection(&rejection, pool)
        }
        Failure::Rejected(rejection) if is_paid => {
            of_rejection(&rejection, pool).with("refund_due", true)
        }
        Failure::Rejected(rejection) => of_rejection(&rejection, pool),
        Failure::Overloaded => RichStatus::new(
            Reason::Overloaded,
            "the server has more to do than it can; nothing was recorded",
        )
        .retry_after(RETRY_OVERLOADED),
        Failure::TooLate => RichStatus::new(
            Reason::Overloaded,
            "the command waited until its deadline and was not decided; nothing was recorded",
        )
        .retry_after(RETRY_OVERLOADED),
        Failure::Contention => RichStatus::new(
            Reason::Contention,
            format!("other instances changed {} too fast; nothing was recorded", name::pool(pool.as_str())),
        )
        .with("pool", name::pool(pool.as_str()))
        .retry_after(RETRY_CONTENTION),
        Failure::DatabaseUnavailable => RichStatus::new(
            Reason::DatabaseUnavailable,
            "the event log cannot be reached; nothing was recorded",
        )
        .retry_after(RETRY_DATABASE),
        Failure::Draining => {
            RichStatus::new(Reason::Draining, "the server is shutting down; nothing was recorded")
                .retry_after(RETRY_OVERLOADED)
        }
        Failure::OutcomeUnknown => RichStatus::new(
            Reason::OutcomeUnknown,
            "the command was sent to the log and the answer did not come in time; repeat it with the same request_id",
        )
        .retry_after(RETRY_DATABASE),
        Failure::Internal => RichStatus::new(
            Reason::Internal,
            format!("a defect of the server; it is in its log under {correlation_id}"),
        )
        .with("correlation_id", correlation_id),
    }
}

/// What ends a stream of commands when the server ends.
#[must_use]
pub fn draining() -> RichStatus {
    RichStatus::new(
        Reason::Draining,
        "the server is shutting down; every command that it took of this stream has been answered, of the others nothing was recorded",
    )
    .retry_after(RETRY_OVERLOADED)
}

fn of_rejection(rejection: &Rejection, pool: &PoolId) -> RichStatus {
    let pool_name = name::pool(pool.as_str());
    match rejection {
        Rejection::RequestIdReused { request_id } => RichStatus::new(
            Reason::RequestIdReused,
            format!("request_id {request_id} was used for a command with other content"),
        )
        .with("request_id", request_id),
        Rejection::AlreadyRefused { reason, version, refuse_time } => RichStatus::new(
            Reason::AlreadyRefused,
            format!("this command was refused for good at {refuse_time}, as {reason}; nothing of it was or will be recorded"),
        )
        .with("refused_as", reason)
        .with("refuse_time", refuse_time)
        .with("version", version)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::PoolNotFound => RichStatus::new(Reason::PoolNotFound, format!("there is no {pool_name}"))
            .with("pool", &pool_name)
            .resource("onsale.v1.Pool", pool_name),
        Rejection::PoolExists => RichStatus::new(Reason::PoolExists, format!("{pool_name} exists already"))
            .with("pool", &pool_name)
            .resource("onsale.v1.Pool", pool_name),
        Rejection::PoolCorrupted { version } => RichStatus::new(
            Reason::PoolCorrupted,
            format!("event {version} of {pool_name} contradicts the pool; it does not sell until an operator has looked"),
        )
        .with("version", version)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::PoolCancelled { cancel_time } => RichStatus::new(
            Reason::PoolCancelled,
            format!("{pool_name} was cancelled for good at {cancel_time}"),
        )
        .with("cancel_time", cancel_time)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::VersionConflict { conflict } => conflict::status(conflict, &pool_name),
        Rejection::WrongCurrency { field, given, expected } => {
            let text = format!("must be {expected}, the currency of the pool, not {given}");
            RichStatus::invalid(vec![FieldViolation::new(*field, text)])
        }
        Rejection::TimesPassed { fields, now } => {
            let text = format!("must lie in the future; it is {now} now");
            let violations = fields.iter().map(|field| FieldViolation::new(*field, text.clone()));
            RichStatus::invalid(violations.collect())
        }
        Rejection::ShowTimeRequired { field } => {
            let text = "needs a show_time: the price of the pool follows the time to the show";
            RichStatus::invalid(vec![FieldViolation::new(*field, text)])
        }
        Rejection::SalesStopped { mode } => {
            RichStatus::new(Reason::SalesStopped, format!("sales of {pool_name} are stopped"))
                .with("mode", mode_name(*mode))
                .with("pool", &pool_name)
                .precondition(pool_name)
        }
        Rejection::SalesNotOpen { sales_start_time } => RichStatus::new(
            Reason::SalesNotOpen,
            format!("the sale of {pool_name} begins at {sales_start_time}"),
        )
        .with("sales_start_time", sales_start_time)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::SalesEnded { sales_end_time } => RichStatus::new(
            Reason::SalesEnded,
            format!("the sale of {pool_name} ended at {sales_end_time}"),
        )
        .with("sales_end_time", sales_end_time)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::OrderLimitExceeded { requested, max } => RichStatus::new(
            Reason::OrderLimitExceeded,
            format!("one order of {pool_name} may name at most {max} tickets, not {requested}"),
        )
        .with("requested", requested)
        .with("max_tickets_per_order", max)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::CustomerLimitExceeded { requested, has, max } => RichStatus::new(
            Reason::CustomerLimitExceeded,
            format!("a customer of {pool_name} may have at most {max} tickets: this one has {has} and asks for {requested} more"),
        )
        .with("requested", requested)
        .with("has", has)
        .with("max_tickets_per_customer", max)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::SoldOut { requested, counts } => {
            let text = format!("all {} tickets of {pool_name} are sold", counts.capacity);
            of_counts(Reason::SoldOut, text, *requested, *counts, pool_name)
        }
        Rejection::SoldOutForNow { requested, counts } => {
            let text = format!(
                "no ticket of {pool_name} is available now: {} are sold, {} are held and may come back",
                counts.sold, counts.held
            );
            of_counts(Reason::SoldOutForNow, text, *requested, *counts, pool_name)
        }
        Rejection::InsufficientAvailability { requested, counts } => {
            let text = format!("{requested} tickets of {pool_name} were asked for, {} are available", counts.available());
            of_counts(Reason::InsufficientAvailability, text, *requested, *counts, pool_name)
        }
        Rejection::PriceChanged { unit_price, max } => RichStatus::new(
            Reason::PriceChanged,
            format!("a ticket of {pool_name} costs {unit_price}, more than the accepted {max}"),
        )
        .with("unit_price", unit_price.minor.get())
        .with("max_unit_price", max.minor.get())
        .with("currency", unit_price.currency)
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::ClaimNotFound { claim } => {
            let claim = name::claim(pool.as_str(), claim);
            RichStatus::new(Reason::ClaimNotFound, format!("there is no {claim}"))
                .with("claim", &claim)
                .resource("onsale.v1.Claim", claim)
        }
        Rejection::ClaimExpired { claim, expire_time } => {
            let claim = name::claim(pool.as_str(), claim);
            RichStatus::new(Reason::ClaimExpired, format!("{claim} expired at {expire_time}"))
                .with("expire_time", expire_time)
                .with("claim", &claim)
                .precondition(claim)
        }
        Rejection::ClaimVoided { claim, void } => {
            let claim = name::claim(pool.as_str(), claim);
            let by = match void.cause {
                ReleaseCause::Cancelled => "the end of the pool",
                ReleaseCause::Stopped
                | ReleaseCause::Customer
                | ReleaseCause::Operator
                | ReleaseCause::Expired => "a stop of sales",
            };
            RichStatus::new(Reason::ClaimVoided, format!("{claim} was voided by {by} at {}", void.time))
                .with("void_time", void.time)
                .with("claim", &claim)
                .precondition(claim)
        }
        Rejection::ClaimAlreadyExtended { claim, expire_time } => {
            let claim = name::claim(pool.as_str(), claim);
            RichStatus::new(
                Reason::ClaimAlreadyExtended,
                format!("{claim} was extended once already, until {expire_time}"),
            )
            .with("expire_time", expire_time)
            .with("claim", &claim)
            .precondition(claim)
        }
        Rejection::TicketNotHeld { claim, ticket } => {
            let claim = name::claim(pool.as_str(), claim);
            let status = match ticket {
                Some(ticket) => {
                    let ticket = name::ticket(pool.as_str(), ticket);
                    RichStatus::new(Reason::TicketNotHeld, format!("{ticket} is not held by {claim}"))
                        .with("ticket", ticket)
                }
                None => RichStatus::new(Reason::TicketNotHeld, format!("{claim} holds no ticket any more")),
            };
            status.with("claim", &claim).precondition(claim)
        }
        Rejection::TicketNotFound { ticket } => {
            let ticket = name::ticket(pool.as_str(), ticket);
            RichStatus::new(Reason::TicketNotFound, format!("{pool_name} knows no sale of {ticket}"))
                .with("ticket", &ticket)
                .resource("onsale.v1.Ticket", ticket)
        }
        Rejection::TicketNotSold { ticket } => {
            let ticket = name::ticket(pool.as_str(), ticket);
            RichStatus::new(Reason::TicketNotSold, format!("{ticket} was refunded already"))
                .with("ticket", &ticket)
                .precondition(ticket)
        }
        Rejection::CapacityBelowCommitted { requested, counts } => {
            let text = format!(
                "{} tickets of {pool_name} are sold and {} are held, more than {requested}",
                counts.sold, counts.held
            );
            of_counts(Reason::CapacityBelowCommitted, text, *requested, *counts, pool_name)
        }
        Rejection::AlreadyStopped { mode } => RichStatus::new(
            Reason::AlreadyStopped,
            format!("sales of {pool_name} are stopped already, with {}", mode_name(*mode)),
        )
        .with("mode", mode_name(*mode))
        .with("pool", &pool_name)
        .precondition(pool_name),
        Rejection::NotStopped => {
            RichStatus::new(Reason::NotStopped, format!("sales of {pool_name} are not stopped"))
                .with("pool", &pool_name)
                .precondition(pool_name)
        }
    }
}

fn of_counts(
    reason: Reason,
    text: String,
    requested: u32,
    counts: Counts,
    pool_name: String,
) -> RichStatus {
    RichStatus::new(reason, text)
        .with("requested", requested)
        .with("available", counts.available())
        .with("held", counts.held)
        .with("sold", counts.sold)
        .with("capacity", counts.capacity)
        .with("pool", &pool_name)
        .precondition(pool_name)
}

const fn mode_name(mode: StopMode) -> &'static str {
    match mode {
        StopMode::FinishClaims => "STOP_MODE_FINISH_CLAIMS",
        StopMode::VoidClaims => "STOP_MODE_VOID_CLAIMS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_has_a_reason_of_the_catalogue() {
        for name in Rejection::REASONS {
            assert!(
                Reason::ALL.iter().any(|reason| reason.as_str() == *name),
                "{name}"
            );
        }
    }
}
