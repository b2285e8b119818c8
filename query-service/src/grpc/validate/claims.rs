//! What claims, tickets and customers are asked for.

use onsale_proto::{name, v1};
use onsale_shared::{
    id::{ClaimId, PoolId},
    log::Position,
    text::Reference,
};

use super::{Violations, pool, required};
use crate::{
    grpc::pages::{PageQuery, page},
    queries::Page,
    read_models::{
        claims::{
            ClaimState, TicketState,
            read::{ClaimFilter, TicketFilter},
        },
        customers::read::StoryFilter,
    },
};

/// A read of one claim.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct OneClaim {
    pub(in crate::grpc) pool: PoolId,
    pub(in crate::grpc) claim: ClaimId,
    pub(in crate::grpc) required: Position,
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::grpc) struct List<F, K> {
    pub(in crate::grpc) filter: F,
    pub(in crate::grpc) page: Page<K>,
    /// What the token of the next page is bound to.
    pub(in crate::grpc) query: PageQuery,
    pub(in crate::grpc) required: Position,
}

pub(in crate::grpc) fn get_claim(request: &v1::GetClaimRequest) -> Result<OneClaim, Violations> {
    let mut violations = Violations::default();
    let name = violations.take("name", claim(&request.name));
    let required = violations.take("at_least_as_fresh", required(&request.at_least_as_fresh));
    match (name, required) {
        (Some((pool, claim)), Some(required)) => Ok(OneClaim {
            pool,
            claim,
            required,
        }),
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn list_claims(
    request: &v1::ListClaimsRequest,
) -> Result<List<ClaimFilter, Position>, Violations> {
    let v1::ListClaimsRequest {
        pool: of_pool,
        customer,
        reference: referred,
        state,
        page_size,
        page_token,
        at_least_as_fresh,
    } = request;
    let mut violations = Violations::default();
    let query = PageQuery::of("ListClaims", &(of_pool, customer, referred, state));
    if [of_pool, customer, referred].iter().all(|f| f.is_empty()) {
        let text = "is required, or customer, or reference".to_owned();
        violations.take("pool", Err::<(), _>(text));
    }
    let pool = violations.take("pool", given(of_pool, pool));
    let customer = violations.take("customer", given(customer, reference));
    let referred = violations.take("reference", given(referred, reference));
    let state = violations.take("state", claim_state(*state));
    let page = page(&mut violations, query, *page_size, page_token);
    let required = violations.take("at_least_as_fresh", required(at_least_as_fresh));
    match (pool, customer, referred, state, page, required) {
        (Some(pool), Some(customer), Some(reference), Some(state), Some(page), Some(required))
            if violations.is_empty() =>
        {
            let filter = ClaimFilter {
                pool,
                customer,
                reference,
                state,
            };
            Ok(List {
                filter,
                page,
                query,
                required,
            })
        }
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn list_tickets(
    request: &v1::ListTicketsRequest,
) -> Result<List<TicketFilter, Position>, Violations> {
    let v1::ListTicketsRequest {
        pool: of_pool,
        customer,
        claim: of_claim,
        state,
        page_size,
        page_token,
        at_least_as_fresh,
    } = request;
    let mut violations = Violations::default();
    let query = PageQuery::of("ListTickets", &(of_pool, customer, of_claim, state));
    if [of_pool, customer, of_claim].iter().all(|f| f.is_empty()) {
        let text = "is required, or customer, or claim".to_owned();
        violations.take("pool", Err::<(), _>(text));
    }
    let pool = violations.take("pool", given(of_pool, pool));
    let customer = violations.take("customer", given(customer, reference));
    let named = violations.take("claim", given(of_claim, claim));
    if let (Some(Some(pool)), Some(Some((other, _)))) = (&pool, &named)
        && pool != other
    {
        let text = "is not a claim of the pool that is given".to_owned();
        violations.take("claim", Err::<(), _>(text));
    }
    let state = violations.take("state", ticket_state(*state));
    let page = page(&mut violations, query, *page_size, page_token);
    let required = violations.take("at_least_as_fresh", required(at_least_as_fresh));
    match (pool, customer, named, state, page, required) {
        (Some(pool), Some(customer), Some(named), Some(state), Some(page), Some(required))
            if violations.is_empty() =>
        {
            let (of_claim, claim) = named.unzip();
            let filter = TicketFilter {
                pool: pool.or(of_claim),
                customer,
                claim,
                state,
            };
            Ok(List {
                filter,
                page,
                query,
                required,
            })
        }
        _ => Err(violations),
    }
}

pub(in crate::grpc) fn customer_history(
    request: &v1::GetCustomerHistoryRequest,
) -> Result<List<StoryFilter, Position>, Violations> {
    let v1::GetCustomerHistoryRequest {
        customer,
        pool: of_pool,
        page_size,
        page_token,
        at_least_as_fresh,
    } = request;
    let mut violations = Violations::default();
    let query = PageQuery::of("GetCustomerHistory", &(customer, of_pool));
    let customer = violations.take("customer", reference(customer));
    let pool = violations.take("pool", given(of_pool, pool));
    let page = page(&mut violations, query, *page_size, page_token);
    let required = violations.take("at_least_as_fresh", required(at_least_as_fresh));
    match (customer, pool, page, required) {
        (Some(customer), Some(pool), Some(page), Some(required)) => Ok(List {
            filter: StoryFilter { customer, pool },
            page,
            query,
            required,
        }),
        _ => Err(violations),
    }
}

/// What may be left out.
pub(super) fn given<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text.is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some)
    }
}

pub(super) fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

fn claim(resource: &str) -> Result<(PoolId, ClaimId), String> {
    if resource.is_empty() {
        return Err("is required".to_owned());
    }
    let (pool, claim) =
        name::parse_claim(resource).ok_or("must have the form pools/{pool}/claims/{claim}")?;
    let pool = PoolId::parse(pool).map_err(|error| format!("has a pool id that {error}"))?;
    let claim = claim.parse();
    let claim = claim.map_err(|_no_uuid| "has a claim id that is not a UUID".to_owned())?;
    Ok((pool, claim))
}

fn claim_state(number: i32) -> Result<Option<ClaimState>, String> {
    match v1::ClaimState::try_from(number) {
        Ok(v1::ClaimState::Unspecified) => Ok(None),
        Ok(v1::ClaimState::Held) => Ok(Some(ClaimState::Held)),
        Ok(v1::ClaimState::Bought) => Ok(Some(ClaimState::Bought)),
        Ok(v1::ClaimState::Released) => Ok(Some(ClaimState::Released)),
        Ok(v1::ClaimState::Expired) => Ok(Some(ClaimState::Expired)),
        Ok(v1::ClaimState::Voided) => Ok(Some(ClaimState::Voided)),
        Err(_unknown) => Err(unknown_state(number)),
    }
}

fn ticket_state(number: i32) -> Result<Option<TicketState>, String> {
    match v1::TicketState::try_from(number) {
        Ok(v1::TicketState::Unspecified) => Ok(None),
        Ok(v1::TicketState::Held) => Ok(Some(TicketState::Held)),
        Ok(v1::TicketState::Bought) => Ok(Some(TicketState::Bought)),
        Ok(v1::TicketState::Released) => Ok(Some(TicketState::Released)),
        Ok(v1::TicketState::Refunded) => Ok(Some(TicketState::Refunded)),
        Err(_unknown) => Err(unknown_state(number)),
    }
}

pub(super) fn unknown_state(number: i32) -> String {
    format!("is not a state that there is: {number}")
}

#[cfg(test)]
mod tests;
