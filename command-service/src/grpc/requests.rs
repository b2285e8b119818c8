//! Requests as commands, and what is answered to each: which fields make which command, which answer makes which response.

mod customers;
mod promoters;

use onsale_proto::{name, v1};
use onsale_shared::id::PoolId;

use super::{convert, validate::Fields};
use crate::{domain::Command, pools::Answer};

/// A request of `CommandService`.
pub(super) trait CommandRequest {
    /// The field of that name.
    fn request_id(&self) -> &str;

    /// The field of that name.
    fn validate_only(&self) -> bool;

    /// The pool and the command that are meant; none exactly when `fields` has noted a violation.
    fn command(&self, fields: &mut Fields) -> Option<(PoolId, Command)>;
}

/// A request that has a response of its own.
pub(super) trait Answered: CommandRequest {
    /// The message.
    type Response;

    /// The answer as a message.
    fn response(told: Told<'_>) -> Self::Response;
}

/// The answer to a command for a pool.
pub(super) type Told<'a> = (&'a PoolId, &'a Answer);

/// Makes the answer to one command of a stream.
pub(super) type Respond = fn(Told<'_>) -> v1::execute_response::Outcome;

/// Each request has the same two fields, and a function that makes its command; each response has a receipt, and some
/// have more.
macro_rules! commands {
    ($($variant:ident: $request:ident by $module:ident::$function:ident -> $response:ident {$($field:ident: $value:expr),*};)*) => {
        $(
            impl CommandRequest for v1::$request {
                fn request_id(&self) -> &str {
                    &self.request_id
                }

                fn validate_only(&self) -> bool {
                    self.validate_only
                }

                fn command(&self, fields: &mut Fields) -> Option<(PoolId, Command)> {
                    $module::$function(self, fields)
                }
            }

            impl Answered for v1::$request {
                type Response = v1::$response;

                fn response(told: Told<'_>) -> Self::Response {
                    v1::$response {
                        receipt: Some(convert::receipt(told.1)),
                        $($field: $value(told),)*
                    }
                }
            }
        )*

        /// The command in a message of a stream, and how it is answered.
        pub(super) fn of_stream(command: &v1::execute_request::Command) -> (&dyn CommandRequest, Respond) {
            use v1::{execute_request::Command, execute_response::Outcome};
            match command {
                $(Command::$variant(request) => (request, |told| Outcome::$variant(v1::$request::response(told))),)*
            }
        }
    };
}

commands! {
    CreatePool: CreatePoolRequest by promoters::create_pool -> CreatePoolResponse { name: pool_name, price_preview: preview };
    ClaimTickets: ClaimTicketsRequest by customers::claim_tickets -> ClaimTicketsResponse { claim: claim };
    ExtendClaim: ExtendClaimRequest by customers::extend_claim -> ExtendClaimResponse { claim: claim };
    BuyTickets: BuyTicketsRequest by customers::buy_tickets -> BuyTicketsResponse { claim: claim };
    PurchaseTickets: PurchaseTicketsRequest by customers::purchase_tickets -> PurchaseTicketsResponse { claim: claim };
    ReleaseTickets: ReleaseTicketsRequest by customers::release_tickets -> ReleaseTicketsResponse { claim: claim };
    RefundTickets: RefundTicketsRequest by customers::refund_tickets -> RefundTicketsResponse {};
    GrantTickets: GrantTicketsRequest by promoters::grant_tickets -> GrantTicketsResponse { claim: claim };
    StopSales: StopSalesRequest by promoters::stop_sales -> StopSalesResponse {};
    ResumeSales: ResumeSalesRequest by promoters::resume_sales -> ResumeSalesResponse {};
    CancelPool: CancelPoolRequest by promoters::cancel_pool -> CancelPoolResponse {};
    ChangeCapacity: ChangeCapacityRequest by promoters::change_capacity -> ChangeCapacityResponse {};
    ChangePricing: ChangePricingRequest by promoters::change_pricing -> ChangePricingResponse { price_preview: preview };
    ReschedulePool: ReschedulePoolRequest by promoters::reschedule_pool -> ReschedulePoolResponse {};
    ChangeLimits: ChangeLimitsRequest by promoters::change_limits -> ChangeLimitsResponse {};
}

fn pool_name((pool, _): Told<'_>) -> String {
    name::pool(pool.as_str())
}

fn claim((pool, answer): Told<'_>) -> Option<v1::Claim> {
    convert::claim_of(pool, answer)
}

fn preview((_, answer): Told<'_>) -> Vec<v1::PricePoint> {
    convert::preview(answer)
}
