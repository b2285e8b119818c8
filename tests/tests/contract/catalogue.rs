//! Which tests show which reason of the catalogue: each reason has one at least.

use std::collections::BTreeSet;

use onsale_proto::reason::Reason;

const CANCELLED: &str = include_str!("refusals/cancelled.rs");
const CONFLICTS: &str = include_str!("refusals/conflicts.rs");
const LATE: &str = include_str!("refusals/late.rs");
const LIMITS: &str = include_str!("refusals/limits.rs");
const TICKETS: &str = include_str!("refusals/tickets.rs");
const WINDOW: &str = include_str!("refusals/window.rs");
const SALE: &str = include_str!("refusals/sale.rs");
const CLAIMS: &str = include_str!("refusals/claims.rs");
const CORRUPTED: &str = include_str!("refusals/corrupted.rs");
const DATABASE: &str = include_str!("refusals/database.rs");
const EDGE: &str = include_str!("refusals/edge.rs");
const FULL: &str = include_str!("refusals/full.rs");
const FOR_GOOD: &str = include_str!("idempotency/for_good.rs");
const QUERIES: &str = include_str!("refusals/queries.rs");

/// A reason, the text of a file, and a test in it.
type Shown = (Reason, &'static str, &'static str);

const SHOWN: &[Shown] = &[
    (
        Reason::InvalidField,
        EDGE,
        "metadata_that_names_nobody_is_an_invalid_field",
    ),
    (
        Reason::InvalidField,
        SALE,
        "a_ticket_never_costs_more_than_the_caller_accepts",
    ),
    (
        Reason::InvalidField,
        QUERIES,
        "every_read_names_all_fields_that_are_invalid",
    ),
    (Reason::InvalidField, LIMITS, "a_pool_keeps_its_currency"),
    (
        Reason::InvalidField,
        WINDOW,
        "a_price_that_follows_the_time_to_the_show_needs_a_show_time",
    ),
    (
        Reason::PoolCancelled,
        CANCELLED,
        "a_cancelled_pool_refuses_every_rpc_but_releases_and_refunds",
    ),
    (
        Reason::VersionConflict,
        CONFLICTS,
        "a_stale_edit_is_told_of_every_setting_that_was_changed_by_whom_and_from_what_to_what",
    ),
    (
        Reason::VersionConflict,
        CONFLICTS,
        "sales_alone_make_an_etag_stale_and_never_stand_in_the_way_of_a_merge",
    ),
    (
        Reason::SalesNotOpen,
        WINDOW,
        "before_the_sale_begins_an_order_is_told_when_it_does",
    ),
    (
        Reason::SalesEnded,
        WINDOW,
        "after_the_end_of_sales_an_order_is_told_so_and_live_claims_are_finished",
    ),
    (
        Reason::CustomerLimitExceeded,
        LIMITS,
        "a_customer_has_at_most_as_many_as_the_pool_allows_held_and_bought_together",
    ),
    (
        Reason::ClaimExpired,
        LATE,
        "after_the_window_an_expired_claim_is_not_paid",
    ),
    (
        Reason::SoldOut,
        LATE,
        "a_late_payment_never_sells_what_others_have",
    ),
    (
        Reason::ClaimAlreadyExtended,
        TICKETS,
        "a_claim_is_extended_once",
    ),
    (
        Reason::TicketNotFound,
        TICKETS,
        "only_a_sold_ticket_is_refunded_and_only_once",
    ),
    (
        Reason::TicketNotSold,
        TICKETS,
        "only_a_sold_ticket_is_refunded_and_only_once",
    ),
    (
        Reason::CapacityBelowCommitted,
        LIMITS,
        "a_pool_never_gets_smaller_than_what_is_sold_and_held",
    ),
    (
        Reason::AlreadyRefused,
        FOR_GOOD,
        "a_refused_repeat_is_recorded_and_is_the_answer_everywhere_from_then_on",
    ),
    (
        Reason::RequestIdReused,
        SALE,
        "a_request_id_belongs_to_one_command_of_its_pool",
    ),
    (
        Reason::MalformedMessage,
        EDGE,
        "bytes_that_are_no_message_are_malformed",
    ),
    (
        Reason::MessageTooLarge,
        EDGE,
        "a_message_beyond_the_limit_is_too_large",
    ),
    (
        Reason::UnknownMethod,
        EDGE,
        "methods_and_encodings_that_the_server_does_not_have_are_unknown",
    ),
    (
        Reason::PoolNotFound,
        SALE,
        "a_command_on_an_unknown_pool_is_refused_by_every_rpc",
    ),
    (
        Reason::PoolNotFound,
        QUERIES,
        "every_read_of_an_unknown_pool_is_refused",
    ),
    (
        Reason::ClaimNotFound,
        CLAIMS,
        "a_claim_that_the_pool_does_not_know_is_refused",
    ),
    (Reason::PoolExists, SALE, "a_name_is_taken_once"),
    (
        Reason::PoolCorrupted,
        CORRUPTED,
        "a_corrupted_pool_refuses_every_sale_and_is_still_read",
    ),
    (
        Reason::SalesStopped,
        SALE,
        "a_stopped_sale_refuses_new_claims_in_either_mode_until_it_is_resumed",
    ),
    (
        Reason::OrderLimitExceeded,
        SALE,
        "an_order_of_too_many_says_how_many_it_may_name",
    ),
    (
        Reason::SoldOut,
        SALE,
        "a_pool_without_places_says_how_many_are_held_and_sold",
    ),
    (
        Reason::SoldOutForNow,
        SALE,
        "a_pool_without_places_says_how_many_are_held_and_sold",
    ),
    (
        Reason::InsufficientAvailability,
        SALE,
        "a_pool_without_places_says_how_many_are_held_and_sold",
    ),
    (
        Reason::PriceChanged,
        SALE,
        "a_ticket_never_costs_more_than_the_caller_accepts",
    ),
    (
        Reason::ClaimExpired,
        CLAIMS,
        "an_expired_claim_is_dead_before_and_after_its_places_are_back",
    ),
    (
        Reason::ClaimVoided,
        CLAIMS,
        "a_voided_claim_is_dead_from_the_stop_on",
    ),
    (
        Reason::TicketNotHeld,
        CLAIMS,
        "only_tickets_that_the_claim_holds_are_bought_or_released",
    ),
    (
        Reason::AlreadyStopped,
        SALE,
        "a_stop_may_become_stronger_and_never_weaker",
    ),
    (
        Reason::NotStopped,
        SALE,
        "a_stopped_sale_refuses_new_claims_in_either_mode_until_it_is_resumed",
    ),
    (
        Reason::EventNotFound,
        QUERIES,
        "an_event_that_nobody_recorded_has_no_chain",
    ),
    (
        Reason::ReadModelBehind,
        QUERIES,
        "a_read_that_is_not_fresh_enough_in_time_says_how_far_it_is",
    ),
    (
        Reason::NotReady,
        QUERIES,
        "a_service_that_cannot_read_its_log_yet_is_not_ready",
    ),
    (
        Reason::Overloaded,
        FULL,
        "a_full_pool_refuses_at_once_and_serves_who_waits",
    ),
    (
        Reason::Overloaded,
        FULL,
        "a_full_server_refuses_at_once_whatever_the_pool",
    ),
    (
        Reason::Overloaded,
        QUERIES,
        "one_stream_too_many_is_refused_and_open_ones_end_with_the_server",
    ),
    (
        Reason::Draining,
        FULL,
        "a_server_that_is_asked_to_stop_refuses_new_commands_and_ends",
    ),
    (
        Reason::Draining,
        QUERIES,
        "one_stream_too_many_is_refused_and_open_ones_end_with_the_server",
    ),
    (
        Reason::Contention,
        FULL,
        "who_loses_every_race_is_told_of_the_contention",
    ),
    (
        Reason::DatabaseUnavailable,
        DATABASE,
        "nothing_is_recorded_while_the_database_is_away",
    ),
    (
        Reason::OutcomeUnknown,
        DATABASE,
        "an_outcome_that_is_not_known_in_time_is_learnt_by_a_repeat",
    ),
    (
        Reason::DeadlineExceeded,
        EDGE,
        "a_deadline_that_passes_before_the_message_came_is_exceeded",
    ),
    // No known way leads to a defect of command-service; a read model that was damaged by hand shows the form.
    (
        Reason::Internal,
        QUERIES,
        "a_defect_says_nothing_but_its_correlation_id",
    ),
];

#[test]
fn each_reason_of_the_catalogue_is_shown_by_a_test() {
    let shown: BTreeSet<_> = SHOWN.iter().map(|(reason, ..)| *reason).collect();
    let all: BTreeSet<_> = Reason::ALL.iter().copied().collect();
    assert_eq!(shown, all);
}

#[test]
fn each_test_that_is_named_is_there_and_its_file_speaks_of_the_reason() {
    for (reason, text, test) in SHOWN {
        let declared = format!("#[tokio::test]\nasync fn {test}() {{");
        assert!(text.contains(&declared), "{test}");
        let named = text.contains(&format!("Reason::{reason:?}"));
        let by_helper = *reason == Reason::InvalidField && text.contains("violates(");
        assert!(named || by_helper, "{test} says nothing of {reason:?}");
    }
}
