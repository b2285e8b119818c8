//! Messages of every RPC, valid and with fields that are not.

use std::sync::Mutex;

use onsale_proto::v1;
use onsale_tests::{
    caller::{a_pool, create_request},
    system::System,
};
use prost::Message as _;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

use super::draw::Draw;

/// What there is to name.
#[derive(Debug)]
pub(super) struct World {
    /// The pools that were made for this, each with the request id of its creation.
    pub(super) created: Vec<(String, String)>,
    pub(super) claims: Mutex<Vec<v1::Claim>>,
    /// What a service could say of its log and streams.
    pub(super) token: String,
}

/// As many claims are known at once.
const CLAIMS_MAX: usize = 512;
const POOLS: usize = 6;

/// A method of the contract, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    CreatePool,
    ClaimTickets,
    BuyTickets,
    ReleaseTickets,
    PurchaseTickets,
    ExtendClaim,
    RefundTickets,
    GrantTickets,
    StopSales,
    ResumeSales,
    CancelPool,
    ChangeCapacity,
    ChangePricing,
    ReschedulePool,
    ChangeLimits,
    GetPool,
    GetAvailability,
    QuotePrice,
    WatchAvailability,
    Unknown,
}

impl World {
    pub(super) async fn open(system: &System) -> Self {
        let mut caller = system.caller().await;
        let mut created = Vec::new();
        let mut token = String::new();
        for number in 0..POOLS {
            let id = format!("pool-{number}");
            let mut pool = a_pool(if number == 0 { 7 } else { 1_000_000 });
            // Half of them with claims that end while this goes on.
            let seconds = if number % 2 == 0 { 1 } else { 600 };
            pool.claim_duration = Some(prost_types::Duration { seconds, nanos: 0 });
            let request = create_request(&id, pool);
            created.push((id, request.request_id.clone()));
            let answer = caller.commands.create_pool(request).await;
            token = answer
                .expect("a new name")
                .into_inner()
                .receipt
                .unwrap_or_default()
                .consistency_token;
        }
        caller
            .availability("pool-0", &token)
            .await
            .expect("it is known");
        Self {
            created,
            claims: Mutex::default(),
            token,
        }
    }

    /// Remembers a claim, to be bought, released and named elsewhere.
    pub(super) fn claimed(&self, claim: v1::Claim, rng: &mut StdRng) {
        let mut claims = self.claims.lock().expect("no panic");
        if claims.len() < CLAIMS_MAX {
            claims.push(claim);
        } else {
            claims[rng.random_range(0..CLAIMS_MAX)] = claim;
        }
    }

    /// A message of `method`: in two of three, one or more fields are not what they should be.
    pub(super) fn message(&self, method: Method, rng: &mut StdRng) -> Vec<u8> {
        let faults = *[0.0, 0.15, 0.5].choose(rng).expect("three");
        let mut draw = Draw {
            world: self,
            rng,
            faults,
        };
        match method {
            Method::CreatePool => draw.create().encode_to_vec(),
            Method::ClaimTickets => draw.claim_tickets().encode_to_vec(),
            Method::PurchaseTickets => draw.purchase().encode_to_vec(),
            Method::BuyTickets => draw.buy().encode_to_vec(),
            Method::ReleaseTickets => draw.release().encode_to_vec(),
            Method::ExtendClaim => draw.extend().encode_to_vec(),
            Method::RefundTickets => draw.refund().encode_to_vec(),
            Method::GrantTickets => draw.grant().encode_to_vec(),
            Method::StopSales => draw.stop().encode_to_vec(),
            Method::ResumeSales => draw.resume().encode_to_vec(),
            Method::CancelPool => draw.cancel().encode_to_vec(),
            Method::ChangeCapacity => draw.change_capacity().encode_to_vec(),
            Method::ChangePricing => draw.change_pricing().encode_to_vec(),
            Method::ReschedulePool => draw.reschedule().encode_to_vec(),
            Method::ChangeLimits => draw.change_limits().encode_to_vec(),
            Method::GetPool => draw.get_pool().encode_to_vec(),
            Method::GetAvailability => draw.get_availability().encode_to_vec(),
            Method::QuotePrice => draw.quote().encode_to_vec(),
            Method::WatchAvailability => draw.watch().encode_to_vec(),
            Method::Unknown => draw.text().into_bytes(),
        }
    }
}
