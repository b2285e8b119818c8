//! What holds for every command, in the order in which refusals win: a repeat's answer comes before every rule.

use onsale_shared::{
    event::CommandHash,
    id::{Ids, RequestId},
    time::Timestamp,
};

use super::{
    commands::Command,
    fact::{Fact, Facts},
    partials::{Remembered, SaleState},
    pool::Pool,
    rejection::Rejection,
};

/// A command with its identity.
#[derive(Clone, Debug)]
pub struct Request {
    /// Made by the caller before the first attempt.
    pub id: RequestId,
    /// Of the command; equal for its repeats.
    pub hash: CommandHash,
    /// What is wanted.
    pub command: Command,
}

/// What came of a command that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be recorded: at least one fact.
    Record(Vec<Fact>),
    /// It was recorded before.
    Repeat(Remembered),
    /// Places of dead claims are in its way, more than go back in one decision: they are to be swept, and the command
    /// is to be decided again.
    SweepFirst,
}

/// Why a command cannot be recorded now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A rule says no.
    Rejected(Rejection),
    /// See [`Decision::SweepFirst`].
    SweepFirst,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Decides a command on the state of its pool. `at` is the decision's time, not before [`Pool::time`].
///
/// # Errors
/// A rule says no; the first that matches.
pub fn decide(
    pool: &Pool,
    request: &Request,
    at: Timestamp,
    ids: &mut Ids,
) -> Result<Decision, Rejection> {
    if let Some(remembered) = pool.requests.known(request.id, at) {
        return if remembered.hash == Some(request.hash) {
            Ok(Decision::Repeat(remembered))
        } else {
            Err(Rejection::RequestIdReused {
                request_id: request.id,
            })
        };
    }
    if let Some(version) = pool.corrupted_at() {
        return Err(Rejection::PoolCorrupted { version });
    }
    if pool.sale.status() == SaleState::Cancelled && !request.command.outlives_the_pool() {
        return Err(Rejection::PoolCancelled {
            cancel_time: pool.sale.changed_at().unwrap_or(at),
        });
    }
    let mut facts = Facts::new(ids);
    match request.command.decide(pool, at, &mut facts) {
        Ok(()) => Ok(Decision::Record(facts.into_vec())),
        Err(Refusal::Rejected(rejection)) => Err(rejection),
        Err(Refusal::SweepFirst) => Ok(Decision::SweepFirst),
    }
}
