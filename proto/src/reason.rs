//! The published catalogue of error reasons (<https://google.aip.dev/193>): every `ErrorInfo.reason` that the services
//! can give, its gRPC code, what it says, and what the caller can do. Reasons are added, never renamed.
//! `docs/errors.md` is this table; a test compares the two.

use tonic::Code;

/// The `domain` of every `ErrorInfo`.
pub const DOMAIN: &str = "onsale";

macro_rules! catalogue {
    ($($variant:ident $name:literal $code:ident, $meaning:literal, $remedy:literal, [$($key:literal),*];)*) => {
        /// Why a call was not answered with success.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
        }

        impl Reason {
            /// All reasons, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The reason on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The gRPC code that the reason is always sent with.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)* }
            }

            /// What happened, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What the caller can do, in a sentence.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// The keys of `ErrorInfo.metadata` that the reason is always sent with.
            #[must_use]
            pub const fn metadata_keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }
        }
    };
}

catalogue! {
    InvalidField "INVALID_FIELD" InvalidArgument,
        "One or more fields are missing or malformed; `BadRequest` lists every violation.",
        "Mend the listed fields and send the request again.", [];
    RequestIdReused "REQUEST_ID_REUSED" InvalidArgument,
        "The pool knows this `request_id` from a command with other content.",
        "Make a new `request_id` for a new command; repeat a command unchanged.", ["request_id"];
    AlreadyRefused "ALREADY_REFUSED" FailedPrecondition,
        "A repeat of this command was refused, as `refused_as` says; that holds for all its attempts.",
        "Stop asking with this `request_id`; make a new one to try again.", ["pool", "refused_as", "refuse_time", "version"];
    MalformedMessage "MALFORMED_MESSAGE" InvalidArgument,
        "The bytes received are not a message of this method.",
        "Generate the client from the contract, or from reflection.", [];
    MessageTooLarge "MESSAGE_TOO_LARGE" InvalidArgument,
        "The message is larger than the server accepts.",
        "Send less; no valid request is that large.", [];
    UnknownMethod "UNKNOWN_METHOD" Unimplemented,
        "The server has no such service, method or encoding.",
        "Ask reflection what the server offers.", [];
    PoolNotFound "POOL_NOT_FOUND" NotFound,
        "There is no pool of this name.",
        "Check the name; a new pool is known to readers once its consistency token is reached.", ["pool"];
    ClaimNotFound "CLAIM_NOT_FOUND" NotFound,
        "The pool has no claim of this id, or forgot it some time after it ended.",
        "Check the name; claim anew.", ["claim"];
    PoolExists "POOL_EXISTS" AlreadyExists,
        "There is a pool of this name already.",
        "Choose another name.", ["pool"];
    PoolCorrupted "POOL_CORRUPTED" FailedPrecondition,
        "The log holds an event that contradicts the pool; it does not sell until an operator has looked.",
        "Call the operator; other pools are not affected.", ["pool", "version"];
    PoolCancelled "POOL_CANCELLED" FailedPrecondition,
        "The promoter has cancelled this pool for good.",
        "Stop asking; what was sold can be refunded.", ["pool", "cancel_time"];
    VersionConflict "VERSION_CONFLICT" Aborted,
        "The pool was changed after the state that the edit was made on; every later edit is listed, with who made it.",
        "Look at what was changed; send the edit again with the current etag, or with `merge`.",
        ["pool", "etag", "current_etag", "tickets_sold_since", "changed"];
    SalesStopped "SALES_STOPPED" FailedPrecondition,
        "The promoter has stopped the sale of this pool.",
        "Wait for the sale to resume; watch `sale_status`.", ["pool", "mode"];
    SalesNotOpen "SALES_NOT_OPEN" FailedPrecondition,
        "The sale of this pool has not begun.",
        "Ask again at `sales_start_time`.", ["pool", "sales_start_time"];
    SalesEnded "SALES_ENDED" FailedPrecondition,
        "The sale of this pool is over.",
        "Stop asking.", ["pool", "sales_end_time"];
    OrderLimitExceeded "ORDER_LIMIT_EXCEEDED" FailedPrecondition,
        "One order asked for more tickets than the pool allows.",
        "Ask for at most `max_tickets_per_order` tickets.", ["pool", "requested", "max_tickets_per_order"];
    CustomerLimitExceeded "CUSTOMER_LIMIT_EXCEEDED" FailedPrecondition,
        "The customer would have more tickets of this pool, held and bought, than it allows.",
        "Ask for at most `max_tickets_per_customer` less `has` tickets; releases and refunds give the allowance back.",
        ["pool", "requested", "has", "max_tickets_per_customer"];
    SoldOut "SOLD_OUT" FailedPrecondition,
        "All tickets are sold.",
        "Stop asking; tickets come back by refund only.", ["pool", "requested", "available", "held", "sold", "capacity"];
    SoldOutForNow "SOLD_OUT_FOR_NOW" FailedPrecondition,
        "All tickets are sold or held in claims; held ones may come back.",
        "Watch availability and try again when some are back.", ["pool", "requested", "available", "held", "sold", "capacity"];
    InsufficientAvailability "INSUFFICIENT_AVAILABILITY" FailedPrecondition,
        "Fewer tickets are available than one order asked for.",
        "Ask for at most `available` tickets.", ["pool", "requested", "available", "held", "sold", "capacity"];
    PriceChanged "PRICE_CHANGED" FailedPrecondition,
        "A ticket costs more than `max_unit_price`.",
        "Show the customer the new price and ask again.", ["pool", "unit_price", "max_unit_price", "currency"];
    ClaimExpired "CLAIM_EXPIRED" FailedPrecondition,
        "The deadline of the claim passed; its places went back to the stock.",
        "Claim anew; if it is paid already, buy with `reclaim`.", ["claim", "expire_time"];
    ClaimVoided "CLAIM_VOIDED" FailedPrecondition,
        "The promoter stopped sales and voided the claim, or cancelled the pool.",
        "Watch `sale_status`; claim anew when the sale resumes.", ["claim", "void_time"];
    ClaimAlreadyExtended "CLAIM_ALREADY_EXTENDED" FailedPrecondition,
        "The claim got its one extension already.",
        "Buy before `expire_time`.", ["claim", "expire_time"];
    TicketNotHeld "TICKET_NOT_HELD" FailedPrecondition,
        "A ticket that was named, or every ticket of the claim, is not held any more, or is not of this claim.",
        "Look at the claim's tickets and name those that are held.", ["claim"];
    TicketNotFound "TICKET_NOT_FOUND" NotFound,
        "The pool knows no sale of this ticket.",
        "Check the name; a ticket that is only held is released, not refunded.", ["ticket"];
    TicketNotSold "TICKET_NOT_SOLD" FailedPrecondition,
        "The ticket was sold, and refunded since.",
        "Nothing to do.", ["ticket"];
    EventNotFound "EVENT_NOT_FOUND" NotFound,
        "There is no event of this id, or not yet.",
        "Check the id; a new event is known to readers once its consistency token is reached.", ["event_id"];
    CapacityBelowCommitted "CAPACITY_BELOW_COMMITTED" FailedPrecondition,
        "More tickets are sold and held than there would be.",
        "Choose at least `sold` plus `held` tickets, or refund some before.",
        ["pool", "requested", "available", "held", "sold", "capacity"];
    AlreadyStopped "ALREADY_STOPPED" FailedPrecondition,
        "Sales are stopped already, in the same or a stronger mode.",
        "Nothing to do.", ["pool", "mode"];
    NotStopped "NOT_STOPPED" FailedPrecondition,
        "Sales are not stopped.",
        "Nothing to do.", ["pool"];
    ReadModelBehind "READ_MODEL_BEHIND" Unavailable,
        "What answers this read has not reached the position of `at_least_as_fresh` within the deadline, or is filled for the first time and has not reached what the log had when that began.",
        "Repeat the read, with a longer deadline or on another replica.", ["position", "required_position"];
    NotReady "NOT_READY" Unavailable,
        "The server is starting, or its log cannot be followed at the moment.",
        "Repeat after the retry delay, on another replica if there is one.", [];
    Overloaded "OVERLOADED" Unavailable,
        "The server has more to do than it can, or the command waited until its deadline; nothing was recorded.",
        "Repeat with the same `request_id` after the retry delay.", [];
    Draining "DRAINING" Unavailable,
        "The server is shutting down; nothing was recorded.",
        "Repeat with the same `request_id`; a load balancer picks another instance.", [];
    Contention "CONTENTION" Unavailable,
        "Other instances changed the pool faster than this one could decide; nothing was recorded.",
        "Repeat with the same `request_id` after the retry delay.", ["pool"];
    DatabaseUnavailable "DATABASE_UNAVAILABLE" Unavailable,
        "PostgreSQL cannot be reached or refuses to work; nothing was recorded.",
        "Repeat with the same `request_id` after the retry delay.", [];
    OutcomeUnknown "OUTCOME_UNKNOWN" Unavailable,
        "The command was sent to the log, and the answer did not come in time.",
        "Repeat with the same `request_id` to learn the outcome; it is never applied twice.", [];
    DeadlineExceeded "DEADLINE_EXCEEDED" DeadlineExceeded,
        "The deadline of the call passed before it was answered, or the answer took longer than the server allows.",
        "Repeat with the same `request_id` and a longer deadline; ask for less in one read.", [];
    Internal "INTERNAL" Internal,
        "A defect of the server; the log of the server holds the details under the correlation id.",
        "Report the correlation id; a repeat with the same `request_id` is safe.", ["correlation_id"];
}

/// The catalogue as it stands in `docs/errors.md`, between its markers.
#[must_use]
pub fn as_markdown() -> String {
    let mut table = String::from(
        "| Reason | Code | What happened | What to do | Metadata |\n|---|---|---|---|---|\n",
    );
    for reason in Reason::ALL {
        let keys: Vec<_> = reason
            .metadata_keys()
            .iter()
            .map(|key| format!("`{key}`"))
            .collect();
        table.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            reason.as_str(),
            code_name(reason.code()),
            reason.meaning(),
            reason.remedy(),
            keys.join(", "),
        ));
    }
    table
}

fn code_name(code: Code) -> String {
    // `Code`'s Debug is its CamelCase name; the gRPC documents write SCREAMING_SNAKE_CASE.
    let mut name = String::new();
    for (i, letter) in format!("{code:?}").chars().enumerate() {
        if letter.is_uppercase() && i > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_unique_and_well_formed() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        // AIP-193: UPPER_SNAKE_CASE of at most 63 characters.
        for name in &names {
            assert!(
                name.len() <= 63 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
                "{name}"
            );
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn codes_are_written_as_the_grpc_documents_do() {
        assert_eq!(code_name(Code::FailedPrecondition), "FAILED_PRECONDITION");
    }
}
