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
    let mut held: Vec<_> = claim.held().collect();
    let not_held = |ticket| Rejection::TicketNotHeld { claim: id, ticket };
    if held.is_empty() {
        return Err(not_held(named.first().copied()));
    }
    if named.is_empty() {
        return Ok(held);
    }
    for ticket in named {
        // Named once, it is spoken for: a second time it is not held any more.
        let at = held.iter().position(|held| held == ticket);
        held.swap_remove(at.ok_or_else(|| not_held(Some(*ticket)))?);
    }
    Ok(named.to_vec())
}
