//! What promoters do.

use onsale_proto::v1;
use onsale_shared::id::PoolId;

use crate::{
    domain::{
        Command,
        commands::{
            CancelPool, ChangeCapacity, ChangeLimits, ChangePricing, GrantTickets, ReschedulePool,
            ResumeSales, StopSales,
        },
    },
    grpc::validate::{Fields, GRANT_TICKETS_MAX, REASON_CHARACTERS_MAX},
};

type Parts = Option<(PoolId, Command)>;

pub(super) fn create_pool(message: &v1::CreatePoolRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool_id("pool_id", &message.pool_id);
    let new_pool = fields.new_pool(message.pool.as_ref());
    pool.zip(new_pool.map(Command::CreatePool))
}

pub(super) fn grant_tickets(message: &v1::GrantTicketsRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let customer = fields.reference("customer", &message.customer);
    let quantity = fields.quantity_up_to(message.quantity, GRANT_TICKETS_MAX);
    let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
    let grant = GrantTickets {
        customer: customer?,
        quantity,
        reason,
    };
    Some((pool?, Command::GrantTickets(grant)))
}

pub(super) fn stop_sales(message: &v1::StopSalesRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let mode = fields.stop_mode(message.mode);
    let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
    let precondition = fields.precondition(&message.etag, message.merge);
    let stop = StopSales {
        mode: mode?,
        reason,
        precondition,
    };
    Some((pool?, Command::StopSales(stop)))
}

pub(super) fn resume_sales(message: &v1::ResumeSalesRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
    let precondition = fields.precondition(&message.etag, message.merge);
    let resume = ResumeSales {
        reason,
        precondition,
    };
    Some((pool?, Command::ResumeSales(resume)))
}

pub(super) fn cancel_pool(message: &v1::CancelPoolRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let reason = fields.optional_sentence("reason", &message.reason, REASON_CHARACTERS_MAX);
    let precondition = fields.precondition(&message.etag, message.merge);
    let cancel = CancelPool {
        reason,
        precondition,
    };
    Some((pool?, Command::CancelPool(cancel)))
}

pub(super) fn change_capacity(message: &v1::ChangeCapacityRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let capacity = fields.capacity("capacity", message.capacity);
    let precondition = fields.precondition(&message.etag, message.merge);
    let change = ChangeCapacity {
        capacity: capacity?,
        precondition,
    };
    Some((pool?, Command::ChangeCapacity(change)))
}

pub(super) fn change_pricing(message: &v1::ChangePricingRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    // Whether the pool has a show time is the pool's to say.
    let pricing = fields.pricing("pricing", message.pricing.as_ref(), true);
    let precondition = fields.precondition(&message.etag, message.merge);
    let change = ChangePricing {
        pricing: pricing?,
        precondition,
    };
    Some((pool?, Command::ChangePricing(change)))
}

pub(super) fn reschedule_pool(message: &v1::ReschedulePoolRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let schedule = fields.schedule(
        "",
        message.show_time.as_ref(),
        message.sales_start_time.as_ref(),
        message.sales_end_time.as_ref(),
    );
    let precondition = fields.precondition(&message.etag, message.merge);
    let reschedule = ReschedulePool {
        schedule,
        precondition,
    };
    Some((pool?, Command::ReschedulePool(reschedule)))
}

pub(super) fn change_limits(message: &v1::ChangeLimitsRequest, fields: &mut Fields) -> Parts {
    let pool = fields.pool("pool", &message.pool);
    let limits = fields.limits(
        "",
        message.max_tickets_per_order,
        message.max_tickets_per_customer,
        message.claim_duration.as_ref(),
        message.late_purchase_window.as_ref(),
    );
    let precondition = fields.precondition(&message.etag, message.merge);
    let change = ChangeLimits {
        limits,
        precondition,
    };
    Some((pool?, Command::ChangeLimits(change)))
}
