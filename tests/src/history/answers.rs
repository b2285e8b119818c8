//! Does a version give every field of an answer?

use onsale_command_service::{
    domain::{self, Pool},
    grpc::convert,
    pools::{Answer, ClaimView},
};
use onsale_proto::v1;
use onsale_shared::{
    id::{PoolId, RequestId},
    log::RecordedEvent,
    time::Timestamp,
};

/// The receipt of a command whose last event this is.
pub(super) fn receipt(last: &RecordedEvent) -> v1::Receipt {
    convert::receipt(&Answer {
        version: last.version,
        position: Some(last.position),
        time: last.time,
        claim: None,
        price_preview: Vec::new(),
    })
}

/// Whether an answer to the command has a claim.
pub(super) const fn has_claim(asked: &domain::Command) -> bool {
    use domain::Command;
    match asked {
        Command::ClaimTickets(_)
        | Command::ExtendClaim(_)
        | Command::BuyTickets(_)
        | Command::PurchaseTickets(_)
        | Command::ReleaseTickets(_)
        | Command::GrantTickets(_) => true,
        Command::CreatePool(_)
        | Command::RefundTickets(_)
        | Command::StopSales(_)
        | Command::ResumeSales(_)
        | Command::CancelPool(_)
        | Command::ChangeCapacity(_)
        | Command::ChangePricing(_)
        | Command::ReschedulePool(_)
        | Command::ChangeLimits(_) => false,
    }
}

/// The claim that a command was about, as it is then.
pub(super) fn claim(
    name: &PoolId,
    pool: &Pool,
    request: RequestId,
    at: Timestamp,
) -> Option<v1::Claim> {
    let id = pool.requests.get(request)?.claim?;
    let claim = pool.claims.get(id)?;
    let view = ClaimView {
        id,
        claim: claim.clone(),
        death: pool.claims.death(claim, at),
        currency: pool.pricing.rule()?.value.currency,
    };
    Some(convert::claim(name, &view))
}
