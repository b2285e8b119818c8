//! One request of every command on a pool that is there, so that no RPC is left out where all are meant.

use onsale_proto::v1;
use onsale_tests::caller::{
    Caller, a_pool, buy_request, cancel_request, capacity_request, claim_request, extend_request,
    grant_request, limits_request, pricing_request, purchase_request, refund_request,
    release_request, reschedule_request, resume_request, stop_request,
};
use tonic::Status;

/// What was answered to each command, by its name.
pub(crate) type Answers = Vec<(&'static str, Result<(), Status>)>;

/// Sends every command but `CreatePool`: on a pool, a claim of it, and a ticket of it.
pub(crate) async fn every_command(
    caller: &mut Caller,
    pool: &str,
    claim: &str,
    ticket: &v1::Ticket,
) -> Answers {
    let mut answers = Answers::new();
    macro_rules! send {
        ($name:literal, $rpc:ident, $request:expr) => {
            let answer = caller.commands.$rpc($request).await;
            answers.push(($name, answer.map(drop)));
        };
    }
    let price = a_pool(1).pricing.expect("a price");
    let mode = v1::StopMode::VoidClaims;
    let tickets = std::slice::from_ref(ticket);
    send!("ClaimTickets", claim_tickets, claim_request(pool, "c", 1));
    send!(
        "PurchaseTickets",
        purchase_tickets,
        purchase_request(pool, "c", 1)
    );
    send!("BuyTickets", buy_tickets, buy_request(claim));
    send!("ExtendClaim", extend_claim, extend_request(claim));
    send!("ReleaseTickets", release_tickets, release_request(claim));
    send!("RefundTickets", refund_tickets, refund_request(tickets));
    send!("GrantTickets", grant_tickets, grant_request(pool, "c", 1));
    send!("StopSales", stop_sales, stop_request(pool, mode));
    send!("ResumeSales", resume_sales, resume_request(pool));
    send!("CancelPool", cancel_pool, cancel_request(pool));
    send!(
        "ChangeCapacity",
        change_capacity,
        capacity_request(pool, 20)
    );
    send!(
        "ChangePricing",
        change_pricing,
        pricing_request(pool, price)
    );
    send!("ReschedulePool", reschedule_pool, reschedule_request(pool));
    send!("ChangeLimits", change_limits, limits_request(pool));
    answers
}
