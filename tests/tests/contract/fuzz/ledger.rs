//! What was accepted, to be compared with the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use onsale_proto::{name, reason::Reason, status::reason_of, v1};
use onsale_tests::database::TestDatabase;
use prost::Message as _;
use tonic::Status;
use uuid::Uuid;

use super::messages::Method;

/// A pool and the request id of a command on it.
type Key = (String, Uuid);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    accepted: BTreeSet<Key>,
    /// Sent to the log, and nobody said what became of it.
    unknown: BTreeSet<Key>,
    answers: BTreeMap<&'static str, usize>,
}

impl Ledger {
    pub(super) fn note(&self, method: Method, message: &[u8], refusal: Option<&Status>) {
        let mut entries = self.0.lock().expect("no panic");
        let reason = refusal.and_then(reason_of);
        let name = reason.map_or("OK", Reason::as_str);
        *entries.answers.entry(name).or_insert(0) += 1;
        // What was not accepted and is not unknown must not be in the log: it is in neither set.
        let Some(key) = key_of(method, message) else {
            return;
        };
        match reason {
            None => {
                entries.accepted.insert(key);
            }
            Some(Reason::OutcomeUnknown | Reason::DeadlineExceeded) => {
                entries.unknown.insert(key);
            }
            Some(_refused) => {}
        }
    }

    /// Each command that was accepted is in the log, and each command in the log was accepted.
    pub(super) async fn check_against(
        &self,
        database: &TestDatabase,
        created: &[(String, String)],
        seed: u64,
    ) {
        let rows: Vec<(String, Uuid)> = sqlx::query_as(
            "SELECT DISTINCT stream, (metadata ->> 'request_id')::uuid FROM onsale_log.events \
              WHERE metadata ->> 'request_id' IS NOT NULL",
        )
        .fetch_all(&mut database.admin().await)
        .await
        .expect("the log can be asked");
        let mut entries = self.0.lock().expect("no panic");
        for (pool, request_id) in created {
            entries
                .accepted
                .insert((name::pool(pool), request_id.parse().expect("a UUID")));
        }
        let log: BTreeSet<Key> = rows.into_iter().collect();
        let missing: Vec<_> = entries.accepted.difference(&log).collect();
        assert!(
            missing.is_empty(),
            "seed {seed}: accepted, but not in the log: {missing:?}"
        );
        let caused: Vec<_> = log
            .iter()
            .filter(|key| !entries.accepted.contains(*key) && !entries.unknown.contains(*key))
            .collect();
        assert!(
            caused.is_empty(),
            "seed {seed}: in the log, but not accepted: {caused:?}"
        );
        assert!(
            entries.unknown.len() < 100,
            "seed {seed}: {}",
            entries.unknown.len()
        );
        // The run hit what it is for.
        let number = |reason: Reason| entries.answers.get(reason.as_str()).copied().unwrap_or(0);
        assert!(log.len() > 3_000, "seed {seed}: {}", log.len());
        for reason in [
            Reason::MalformedMessage,
            Reason::InvalidField,
            Reason::UnknownMethod,
        ] {
            assert!(
                number(reason) > 2_000,
                "seed {seed}: {reason:?} {:?}",
                entries.answers
            );
        }
        for reason in [
            Reason::RequestIdReused,
            Reason::SalesStopped,
            Reason::TicketNotHeld,
            Reason::PoolNotFound,
            Reason::VersionConflict,
            Reason::ClaimAlreadyExtended,
            Reason::TicketNotSold,
            Reason::CapacityBelowCommitted,
            Reason::PoolCancelled,
            Reason::MessageTooLarge,
        ] {
            assert!(
                number(reason) > 10,
                "seed {seed}: {reason:?} {:?}",
                entries.answers
            );
        }
    }

    pub(super) fn summary(&self) -> String {
        let entries = self.0.lock().expect("no panic");
        format!(
            "{:?}; {} commands accepted",
            entries.answers,
            entries.accepted.len()
        )
    }
}

/// The pool and the request id of a command that is to be recorded, as the service reads them.
fn key_of(method: Method, message: &[u8]) -> Option<Key> {
    macro_rules! of_pool {
        ($request:ident) => {{
            let request = v1::$request::decode(message).ok()?;
            (request.pool, request.request_id, request.validate_only)
        }};
    }
    macro_rules! of_claim {
        ($request:ident) => {{
            let request = v1::$request::decode(message).ok()?;
            let (pool, _) = name::parse_claim(&request.claim)?;
            (name::pool(pool), request.request_id, request.validate_only)
        }};
    }
    let (pool, request_id, validate_only) = match method {
        Method::CreatePool => {
            let request = v1::CreatePoolRequest::decode(message).ok()?;
            (
                name::pool(&request.pool_id),
                request.request_id,
                request.validate_only,
            )
        }
        Method::ClaimTickets => of_pool!(ClaimTicketsRequest),
        Method::PurchaseTickets => of_pool!(PurchaseTicketsRequest),
        Method::GrantTickets => of_pool!(GrantTicketsRequest),
        Method::StopSales => of_pool!(StopSalesRequest),
        Method::ResumeSales => of_pool!(ResumeSalesRequest),
        Method::CancelPool => of_pool!(CancelPoolRequest),
        Method::ChangeCapacity => of_pool!(ChangeCapacityRequest),
        Method::ChangePricing => of_pool!(ChangePricingRequest),
        Method::ReschedulePool => of_pool!(ReschedulePoolRequest),
        Method::ChangeLimits => of_pool!(ChangeLimitsRequest),
        Method::BuyTickets => of_claim!(BuyTicketsRequest),
        Method::ReleaseTickets => of_claim!(ReleaseTicketsRequest),
        Method::ExtendClaim => of_claim!(ExtendClaimRequest),
        Method::RefundTickets => {
            let request = v1::RefundTicketsRequest::decode(message).ok()?;
            let (pool, _) = name::parse_ticket(request.tickets.first()?)?;
            (name::pool(pool), request.request_id, request.validate_only)
        }
        Method::GetPool
        | Method::GetAvailability
        | Method::QuotePrice
        | Method::WatchAvailability
        | Method::Unknown => return None,
    };
    (!validate_only).then_some((pool, request_id.parse().ok()?))
}
