//! What holds for every command, in the order in which refusals win: a repeat's answer comes before every rule.

use std::sync::Arc;

use onsale_shared::{
    event::{CommandHash, CommandRefused, PoolEvent},
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
    /// The caller says that there were attempts before this one, and does not know what became of them.
    pub is_repeat: bool,
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
    /// It is refused, which is to be recorded, since an earlier attempt may still be on its way: with the refusal in the
    /// log, nothing of it can get there any more.
    Refuse(Vec<Fact>, Rejection),
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
    if let Some(refused) = pool.refused.known(request.id, at) {
        return Err(if refused.hash == request.hash {
            Rejection::AlreadyRefused {
                reason: Arc::clone(&refused.reason),
                version: refused.version,
                refuse_time: refused.time,
            }
        } else {
            Rejection::RequestIdReused {
                request_id: request.id,
            }
        });
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
        Ok(()) if facts.count() > request.command.events_max() => Ok(Decision::SweepFirst),
        Ok(()) => Ok(Decision::Record(facts.into_vec())),
        Err(Refusal::SweepFirst) => Ok(Decision::SweepFirst),
        Err(Refusal::Rejected(rejection)) if is_recorded(pool, request, &rejection) => {
            Ok(refuse_for_good(request, rejection, ids))
        }
        Err(Refusal::Rejected(rejection)) => Err(rejection),
    }
}

/// Whether a refusal is for good by an event that says so. A pool's first event is its creation: before it there is no
/// stream to record a refusal in, not even that of a creation which comes too late.
const fn is_recorded(pool: &Pool, request: &Request, rejection: &Rejection) -> bool {
    request.is_repeat && !rejection.is_lasting() && pool.limits.get().is_some()
}

fn refuse_for_good(request: &Request, rejection: Rejection, ids: &mut Ids) -> Decision {
    let mut facts = Facts::new(ids);
    let refused = CommandRefused {
        command: request.command.name().to_owned(),
        reason: rejection.reason().to_owned(),
        customer: request.command.customer().cloned(),
    };
    facts.record(PoolEvent::CommandRefused(refused), None);
    Decision::Refuse(facts.into_vec(), rejection)
}
