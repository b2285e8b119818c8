//! Which tickets a command on a claim means: those named, or all that the claim still holds.

use onsale_shared::id::{ClaimId, TicketId};

use crate::domain::{Rejection, partials::Claim};

/// The tickets meant; each is held.
///
/// # Errors
/// A named ticket is not held, or nothing is.
pub(super) fn meant(
    id: ClaimId,
    claim: &Claim,
    named: &[TicketId],
) -> Result<Vec<TicketId>, Rejection> {
    let held: Vec<_> = claim.held().collect();
    let not_held = |ticket| Rejection::TicketNotHeld { claim: id, ticket };
    if held.is_empty() {
        return Err(not_held(named.first().copied()));
    }
    if named.is_empty() {
        return Ok(held);
    }
    match named.iter().find(|ticket| !held.contains(ticket)) {
        Some(ticket) => Err(not_held(Some(*ticket))),
        None => Ok(named.to_vec()),
    }
}
