//! What is done for customers.

use onsale_proto::v1;
use onsale_shared::id::PoolId;

use crate::{
    domain::{
        Command,
        commands::{
            BuyTickets, ClaimTickets, ExtendClaim, PurchaseTickets, RefundTickets, ReleaseTickets,
        },
    },
    grpc::validate::{Fields, REASON_CHARACTERS_MAX},
};

type Parts = Option<(PoolId, Command)>;

pub(super) fn claim_tickets(message: &v1::ClaimTicketsRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let order = order(fields, message);
    pool.zip(order.map(Command::ClaimTickets))
}

pub(super) fn purchase_tickets(message: &v1::PurchaseTicketsRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let payment_reference =
        fields.optional_reference("payment_reference", &message.payment_reference);
    let order = order(fields, &claim_part(message.clone()))?;
    let purchase = PurchaseTickets {
        order,
        payment_reference,
    };
    Some((pool?, Command::PurchaseTickets(purchase)))
}

pub(super) fn extend_claim(message: &v1::ExtendClaimRequest, fields: &mut Fields) -> Parts {
    let (pool, claim) = fields.claim("claim", &message.claim)?;
    Some((pool, Command::ExtendClaim(ExtendClaim { claim })))
}

pub(super) fn buy_tickets(message: &v1::BuyTicketsRequest, fields: &mut Fields) -> Parts {
    let claim = fields.claim("claim", &message.claim);
    let tickets = fields.tickets(claim.as_ref().map(|(pool, _)| pool), &message.tickets);
    let payment_reference =
        fields.optional_reference("payment_reference", &message.payment_reference);
    let (pool, claim) = claim?;
    let buy = BuyTickets {
        claim,
        tickets,
        payment_reference,
        reclaim: message.reclaim,
    };
    Some((pool, Command::BuyTickets(buy)))
}

pub(super) fn release_tickets(message: &v1::ReleaseTicketsRequest, fields: &mut Fields) -> Parts {
    let claim = fields.claim("claim", &message.claim);
    let tickets = fields.tickets(claim.as_ref().map(|(pool, _)| pool), &message.tickets);
    let (pool, claim) = claim?;
    let release = ReleaseTickets {
        claim,
        tickets,
        by_operator: false,
    };
    Some((pool, Command::ReleaseTickets(release)))
}

pub(super) fn refund_tickets(message: &v1::RefundTicketsRequest, fields: &mut Fields) -> Parts {
    let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
    let pool = fields.pool_of_tickets(&message.tickets);
    let tickets = fields.tickets(pool.as_ref(), &message.tickets);
    let refund = RefundTickets { tickets, reason };
    Some((pool?, Command::RefundTickets(refund)))
}

/// The order in a claim; `PurchaseTickets` has the same fields.
fn order(fields: &mut Fields, message: &v1::ClaimTicketsRequest) -> Option<ClaimTickets> {
    let customer = fields.reference("customer", &message.customer);
    let quantity = fields.quantity(message.quantity);
    let max_unit_price = fields.money("max_unit_price", message.max_unit_price.as_ref());
    let reference = fields.optional_reference("reference", &message.reference);
    let labels = fields.labels("labels", &message.labels);
    Some(ClaimTickets {
        customer: customer?,
        quantity,
        max_unit_price,
        reference,
        labels,
    })
}

fn claim_part(message: v1::PurchaseTicketsRequest) -> v1::ClaimTicketsRequest {
    v1::ClaimTicketsRequest {
        request_id: message.request_id,
        validate_only: message.validate_only,
        pool: message.pool,
        customer: message.customer,
        quantity: message.quantity,
        max_unit_price: message.max_unit_price,
        reference: message.reference,
        labels: message.labels,
    }
}
