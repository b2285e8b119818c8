//! Do the rules refuse a command for that reason, with these numbers? Asked twice where the reason is one that anybody
//! can see by counting.

use onsale_command_service::{
    domain::{self, Pool, Request, decide},
    grpc::status,
    pools::Failure,
};
use onsale_proto::reason::Reason;
use onsale_shared::{
    event::CommandHash,
    id::{Ids, PoolId},
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Command, Refusal, replay::Naive};

/// Whether the reason is one of the two that may rest on a somewhat older state.
pub(super) const fn may_be_older(reason: Reason) -> bool {
    matches!(reason, Reason::SoldOut | Reason::SoldOutForNow)
}

/// Whether counting allows it. Places of dead claims count as free in a refusal though they are not back: fewer may be
/// held there.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is not seen by counting"
)]
pub(super) fn counts_allow(naive: &Naive, command: &Command, refusal: &Refusal) -> bool {
    let says = |key, count: u32| refusal.number(key).is_none_or(|number| number == count);
    let number = |key| refusal.number(key).unwrap_or(0);
    if !says("sold", naive.sold) || !says("capacity", naive.capacity) || number("held") > naive.held
    {
        return false;
    }
    let available = naive.capacity - naive.sold - number("held");
    match refusal.reason {
        Reason::SoldOut => naive.sold == naive.capacity,
        Reason::SoldOutForNow => available == 0 && number("held") > 0,
        Reason::InsufficientAvailability => {
            available == number("available") && 0 < available && available < number("requested")
        }
        Reason::SalesStopped | Reason::AlreadyStopped => naive.is_stopped,
        Reason::NotStopped => !naive.is_stopped,
        Reason::CustomerLimitExceeded => {
            let customer = customer(&command.asked);
            customer.is_none_or(|customer| number("has") <= naive.tickets_of(customer))
        }
        _ => true,
    }
}

/// Who orders; none where a claim says it.
const fn customer(asked: &domain::Command) -> Option<&Reference> {
    if let domain::Command::ClaimTickets(order) = asked {
        return Some(&order.customer);
    }
    if let domain::Command::PurchaseTickets(purchase) = asked {
        return Some(&purchase.order.customer);
    }
    None
}

/// Whether the rules refuse it so at that time.
pub(super) fn holds(
    name: &PoolId,
    pool: &Pool,
    command: &Command,
    refusal: &Refusal,
    at: Timestamp,
) -> bool {
    // The checker does not make hashes: whether the right one was recorded is seen by who gets the answer.
    let refused = pool.refused.known(command.id, at);
    let request = Request {
        id: command.id,
        hash: refused.map_or(CommandHash(0), |refused| refused.hash),
        is_repeat: false,
        command: command.asked.clone(),
    };
    let Err(rejection) = decide(pool, &request, at, &mut Ids::from(Uuid::nil())) else {
        return false;
    };
    if rejection.reason() != refusal.reason.as_str() {
        return false;
    }
    let is_paid = status::is_paid(&command.asked);
    let rich = status::of_failure(Failure::Rejected(rejection), name, "", is_paid);
    Refusal::of_status(refusal.reason, &rich.into()) == *refusal
}
