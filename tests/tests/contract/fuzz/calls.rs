//! Sending what was drawn, and looking at what comes back.

use std::{sync::Arc, time::Duration};

use onsale_proto::{
    reason::{DOMAIN, Reason},
    status::reason_of,
    v1,
};
use onsale_tests::wait::within;
use prost::Message as _;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use tonic::{
    Code, Request, Status,
    metadata::{AsciiMetadataKey, MetadataMap, MetadataValue},
    transport::Channel,
};
use tonic_types::StatusExt as _;

use super::{
    bytes,
    ledger::Ledger,
    messages::{Method, World},
};
use crate::{log::LIMIT, raw};

/// Where messages go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) commands: Channel,
    pub(super) queries: Channel,
}

/// Each as often as it stands here.
const METHODS: [Method; 36] = [
    Method::CreatePool,
    Method::CreatePool,
    Method::ClaimTickets,
    Method::ClaimTickets,
    Method::ClaimTickets,
    Method::ClaimTickets,
    Method::BuyTickets,
    Method::BuyTickets,
    Method::BuyTickets,
    Method::BuyTickets,
    Method::ReleaseTickets,
    Method::ReleaseTickets,
    Method::ReleaseTickets,
    Method::PurchaseTickets,
    Method::PurchaseTickets,
    Method::PurchaseTickets,
    Method::ExtendClaim,
    Method::ExtendClaim,
    Method::RefundTickets,
    Method::RefundTickets,
    Method::GrantTickets,
    Method::StopSales,
    Method::ResumeSales,
    Method::ResumeSales,
    Method::CancelPool,
    Method::ChangeCapacity,
    Method::ChangeCapacity,
    Method::ChangePricing,
    Method::ReschedulePool,
    Method::ChangeLimits,
    Method::GetPool,
    Method::GetAvailability,
    Method::GetAvailability,
    Method::QuotePrice,
    Method::WatchAvailability,
    Method::Unknown,
];

impl Method {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::CreatePool => "/onsale.v1.CommandService/CreatePool",
            Self::ClaimTickets => "/onsale.v1.CommandService/ClaimTickets",
            Self::BuyTickets => "/onsale.v1.CommandService/BuyTickets",
            Self::ReleaseTickets => "/onsale.v1.CommandService/ReleaseTickets",
            Self::PurchaseTickets => "/onsale.v1.CommandService/PurchaseTickets",
            Self::ExtendClaim => "/onsale.v1.CommandService/ExtendClaim",
            Self::RefundTickets => "/onsale.v1.CommandService/RefundTickets",
            Self::GrantTickets => "/onsale.v1.CommandService/GrantTickets",
            Self::StopSales => "/onsale.v1.CommandService/StopSales",
            Self::ResumeSales => "/onsale.v1.CommandService/ResumeSales",
            Self::CancelPool => "/onsale.v1.CommandService/CancelPool",
            Self::ChangeCapacity => "/onsale.v1.CommandService/ChangeCapacity",
            Self::ChangePricing => "/onsale.v1.CommandService/ChangePricing",
            Self::ReschedulePool => "/onsale.v1.CommandService/ReschedulePool",
            Self::ChangeLimits => "/onsale.v1.CommandService/ChangeLimits",
            Self::GetPool => "/onsale.v1.QueryService/GetPool",
            Self::GetAvailability => "/onsale.v1.QueryService/GetAvailability",
            Self::QuotePrice => "/onsale.v1.QueryService/QuotePrice",
            Self::WatchAvailability => "/onsale.v1.QueryService/WatchAvailability",
            Self::Unknown => "/onsale.v1.CommandService/Refund",
        }
    }
}

pub(super) async fn work(
    mut rng: StdRng,
    target: Target,
    world: Arc<World>,
    ledger: Arc<Ledger>,
    messages: usize,
) {
    for _ in 0..messages {
        let method = *METHODS.choose(&mut rng).expect("some");
        let mut message = world.message(method, &mut rng);
        match rng.random_range(0..10) {
            0 => message = bytes::noise(&mut rng),
            1..=4 => bytes::mutate(&mut rng, &mut message),
            _ => {}
        }
        let mut request = Request::new(message.clone());
        if rng.random_ratio(1, 5) {
            add_metadata(&mut rng, request.metadata_mut());
        }
        let answer = within(LIMIT, "an answer", send(&target, method, request)).await;
        match &answer {
            Ok(response) => {
                if let Some(claim) = claim_in(method, response) {
                    world.claimed(claim, &mut rng);
                }
            }
            Err(status) => check(status, method, &message),
        }
        ledger.note(method, &message, answer.as_ref().err());
    }
}

async fn send(
    target: &Target,
    method: Method,
    request: Request<Vec<u8>>,
) -> Result<Vec<u8>, Status> {
    match method {
        Method::GetPool | Method::GetAvailability | Method::QuotePrice => {
            Ok(raw::unary(&target.queries, method.path(), request)
                .await?
                .into_inner())
        }
        Method::WatchAvailability => {
            let mut stream = raw::streaming(&target.queries, method.path(), request).await?;
            // The first frame is full state; then this subscriber is gone.
            Ok(stream.message().await?.unwrap_or_default())
        }
        Method::CreatePool
        | Method::ClaimTickets
        | Method::BuyTickets
        | Method::ReleaseTickets
        | Method::PurchaseTickets
        | Method::ExtendClaim
        | Method::RefundTickets
        | Method::GrantTickets
        | Method::StopSales
        | Method::ResumeSales
        | Method::CancelPool
        | Method::ChangeCapacity
        | Method::ChangePricing
        | Method::ReschedulePool
        | Method::ChangeLimits
        | Method::Unknown => Ok(raw::unary(&target.commands, method.path(), request)
            .await?
            .into_inner()),
    }
}

/// Keys that mean something, with values that may mean nothing.
fn add_metadata(rng: &mut StdRng, metadata: &mut MetadataMap) {
    const KEYS: [&str; 9] = [
        "x-onsale-actor",
        "x-correlation-id",
        "traceparent",
        "x-forwarded-for",
        "forwarded",
        "grpc-timeout",
        "grpc-encoding",
        "grpc-accept-encoding",
        "user-agent",
    ];
    let key = *KEYS.choose(rng).expect("some");
    let value = match key {
        // What would be a short time is the client's own end of the call too; in a long one a read waits for a token that
        // was made up.
        "grpc-timeout" => {
            let values = [
                "",
                "5",
                "5x",
                "-1S",
                "999999999S",
                "+9S",
                "9S",
                "9999999999999999999S",
                "0.5S",
            ];
            (*values.choose(rng).expect("some")).as_bytes().to_vec()
        }
        "grpc-encoding" | "grpc-accept-encoding" => {
            let values = ["identity", "gzip", "zstd", "snappy", "", "identity,gzip"];
            (*values.choose(rng).expect("some")).as_bytes().to_vec()
        }
        _ if rng.random_ratio(1, 3) => b"backoffice-7".to_vec(),
        // What a header can hold.
        _ => (0..rng.random_range(0..200))
            .map(|_| rng.random_range(32..=255))
            .filter(|b| *b != 127)
            .collect(),
    };
    let (Ok(key), Ok(value)) = (
        key.parse::<AsciiMetadataKey>(),
        MetadataValue::try_from(value),
    ) else {
        return;
    };
    metadata.append(key, value);
}

fn claim_in(method: Method, response: &[u8]) -> Option<v1::Claim> {
    match method {
        Method::ClaimTickets => v1::ClaimTicketsResponse::decode(response).ok()?.claim,
        Method::PurchaseTickets if response.len().is_multiple_of(8) => {
            v1::PurchaseTicketsResponse::decode(response).ok()?.claim
        }
        Method::CreatePool
        | Method::BuyTickets
        | Method::ReleaseTickets
        | Method::PurchaseTickets
        | Method::ExtendClaim
        | Method::RefundTickets
        | Method::GrantTickets
        | Method::StopSales
        | Method::ResumeSales
        | Method::CancelPool
        | Method::ChangeCapacity
        | Method::ChangePricing
        | Method::ReschedulePool
        | Method::ChangeLimits
        | Method::GetPool
        | Method::GetAvailability
        | Method::QuotePrice
        | Method::WatchAvailability
        | Method::Unknown => None,
    }
}

/// A refusal of the catalogue, and never INTERNAL or UNKNOWN.
fn check(status: &Status, method: Method, message: &[u8]) {
    let shown = || format!("{method:?} {message:02x?}: {status:?}");
    assert!(
        !matches!(status.code(), Code::Internal | Code::Unknown),
        "{}",
        shown()
    );
    let Some(reason) = reason_of(status) else {
        unreachable!("no reason of the catalogue: {}", shown());
    };
    assert_eq!(status.code(), reason.code(), "{}", shown());
    let details = status.get_error_details();
    let info = details.error_info().expect("it has a reason");
    assert_eq!(info.domain, DOMAIN, "{}", shown());
    let complete = reason
        .metadata_keys()
        .iter()
        .all(|key| info.metadata.contains_key(*key));
    assert!(complete, "{}", shown());
    let fields = details
        .bad_request()
        .map_or(0, |bad| bad.field_violations.len());
    assert_eq!(fields > 0, reason == Reason::InvalidField, "{}", shown());
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    assert!(
        retry.is_none_or(|delay| delay <= Duration::from_secs(1)),
        "{}",
        shown()
    );
}
