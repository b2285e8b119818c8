//! Commands as requests, told by the test itself, and their answers.

use onsale_command_service::domain::Command;
use onsale_proto::{
    PREVIOUS_ATTEMPTS_KEY, name,
    v1::{self, command_service_client::CommandServiceClient},
};
use onsale_shared::{
    event::StopMode,
    id::{RequestId, TicketId},
    money::Amount,
};
use onsale_tests::history::Grant;
use tonic::{Request, Status, transport::Channel};

use crate::storm::POOL;

/// Calls, and returns what was answered.
macro_rules! call {
    ($client:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }, $answer:ident => $claim:expr) => {{
        let (client, previous): (&mut CommandServiceClient<Channel>, usize) = $client;
        let mut request = Request::new(v1::$request { $($field: $value,)* ..v1::$request::default() });
        request.metadata_mut().insert(PREVIOUS_ATTEMPTS_KEY, previous.into());
        let $answer = client.$method(request).await?.into_inner();
        let claim = $claim;
        let receipt = $answer.receipt.expect("every success has a receipt");
        Ok(Grant { receipt, claim })
    }};
}

/// Sends a command, and says how often it was sent before.
#[expect(clippy::wildcard_enum_match_arm, reason = "nobody here wants the rest")]
pub(crate) async fn send(
    client: &mut CommandServiceClient<Channel>,
    id: RequestId,
    previous: usize,
    asked: &Command,
) -> Result<Grant, Status> {
    let (request_id, client) = (id.to_string(), (client, previous));
    match asked {
        Command::ClaimTickets(order) => call!(client, claim_tickets, ClaimTicketsRequest {
            request_id: request_id,
            pool: name::pool(POOL),
            customer: order.customer.to_string(),
            quantity: order.quantity,
            max_unit_price: order.max_unit_price.map(money),
        }, answer => answer.claim),
        Command::PurchaseTickets(purchase) => {
            call!(client, purchase_tickets, PurchaseTicketsRequest {
            request_id: request_id,
            pool: name::pool(POOL),
            customer: purchase.order.customer.to_string(),
            quantity: purchase.order.quantity,
            max_unit_price: purchase.order.max_unit_price.map(money),
        }, answer => answer.claim)
        }
        Command::BuyTickets(buy) => call!(client, buy_tickets, BuyTicketsRequest {
            request_id: request_id,
            claim: name::claim(POOL, buy.claim),
            tickets: names(&buy.tickets),
            reclaim: buy.reclaim,
        }, answer => answer.claim),
        Command::ReleaseTickets(release) => call!(client, release_tickets, ReleaseTicketsRequest {
            request_id: request_id,
            claim: name::claim(POOL, release.claim),
            tickets: names(&release.tickets),
        }, answer => answer.claim),
        Command::ExtendClaim(extend) => call!(client, extend_claim, ExtendClaimRequest {
            request_id: request_id,
            claim: name::claim(POOL, extend.claim),
        }, answer => answer.claim),
        Command::RefundTickets(refund) => call!(client, refund_tickets, RefundTicketsRequest {
            request_id: request_id,
            tickets: names(&refund.tickets),
        }, answer => None),
        Command::StopSales(stop) => call!(client, stop_sales, StopSalesRequest {
            request_id: request_id,
            pool: name::pool(POOL),
            mode: mode(stop.mode).into(),
        }, answer => None),
        Command::ResumeSales(_) => call!(client, resume_sales, ResumeSalesRequest {
            request_id: request_id,
            pool: name::pool(POOL),
        }, answer => None),
        Command::ChangeCapacity(change) => call!(client, change_capacity, ChangeCapacityRequest {
            request_id: request_id,
            pool: name::pool(POOL),
            capacity: change.capacity.into(),
        }, answer => None),
        other => panic!("nobody here asks for {}", other.name()),
    }
}

fn names(tickets: &[TicketId]) -> Vec<String> {
    let names = tickets.iter().map(|ticket| name::ticket(POOL, ticket));
    names.collect()
}

fn money(amount: Amount) -> onsale_proto::Money {
    let (units, nanos) = amount.to_units();
    onsale_proto::Money {
        currency_code: amount.currency.to_string(),
        units,
        nanos,
    }
}

const fn mode(mode: StopMode) -> v1::StopMode {
    match mode {
        StopMode::FinishClaims => v1::StopMode::FinishClaims,
        StopMode::VoidClaims => v1::StopMode::VoidClaims,
    }
}
