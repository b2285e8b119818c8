//! Requests as commands: which fields make which command.

mod customers;
mod promoters;

use onsale_proto::v1;
use onsale_shared::id::PoolId;

use super::validate::Fields;
use crate::domain::Command;

/// A request of `CommandService`.
pub(super) trait CommandRequest {
    /// The field of that name.
    fn request_id(&self) -> &str;

    /// The field of that name.
    fn validate_only(&self) -> bool;

    /// The pool and the command that are meant; none exactly when `fields` has noted a violation.
    fn command(&self, fields: &mut Fields) -> Option<(PoolId, Command)>;
}

/// Each request has the same two fields, and a function that makes its command.
macro_rules! command_requests {
    ($($request:ident by $module:ident::$function:ident;)*) => {
        $(impl CommandRequest for v1::$request {
            fn request_id(&self) -> &str {
                &self.request_id
            }

            fn validate_only(&self) -> bool {
                self.validate_only
            }

            fn command(&self, fields: &mut Fields) -> Option<(PoolId, Command)> {
                $module::$function(self, fields)
            }
        })*
    };
}

command_requests! {
    CreatePoolRequest by promoters::create_pool;
    ClaimTicketsRequest by customers::claim_tickets;
    ExtendClaimRequest by customers::extend_claim;
    BuyTicketsRequest by customers::buy_tickets;
    PurchaseTicketsRequest by customers::purchase_tickets;
    ReleaseTicketsRequest by customers::release_tickets;
    RefundTicketsRequest by customers::refund_tickets;
    GrantTicketsRequest by promoters::grant_tickets;
    StopSalesRequest by promoters::stop_sales;
    ResumeSalesRequest by promoters::resume_sales;
    CancelPoolRequest by promoters::cancel_pool;
    ChangeCapacityRequest by promoters::change_capacity;
    ChangePricingRequest by promoters::change_pricing;
    ReschedulePoolRequest by promoters::reschedule_pool;
    ChangeLimitsRequest by promoters::change_limits;
}
