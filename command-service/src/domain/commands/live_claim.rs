//! A claim that a command is about, while it is alive.

use onsale_shared::{id::ClaimId, time::Timestamp};

use crate::domain::{
    Rejection,
    partials::{Claim, Claims, Death, Limits},
};

/// The claim.
///
/// # Errors
/// There is no such pool or claim.
pub(super) fn find<'a>(
    limits: &Limits,
    claims: &'a Claims,
    id: ClaimId,
) -> Result<&'a Claim, Rejection> {
    limits.get().ok_or(Rejection::PoolNotFound)?;
    claims.get(id).ok_or(Rejection::ClaimNotFound { claim: id })
}

/// # Errors
/// The claim is dead: its deadline has come, or something has voided it, swept or not.
pub(super) fn check(
    claims: &Claims,
    id: ClaimId,
    claim: &Claim,
    at: Timestamp,
) -> Result<(), Rejection> {
    match claims.death(claim, at) {
        None => Ok(()),
        Some(Death::Voided(void)) => Err(Rejection::ClaimVoided { claim: id, void }),
        Some(Death::Expired) => Err(Rejection::ClaimExpired {
            claim: id,
            expire_time: claim.expired_at(),
        }),
    }
}
