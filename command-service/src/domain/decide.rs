//! What holds for every command, in the order in which refusals win: a repeat's answer comes before every rule.

use onsale_shared::{
    event::CommandHash,
    id::{Ids, RequestId},
    time::Timestamp,
};

use super::{
    commands::Command,
    fact::{Fact, Facts},
    partials::Remembered,
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
    if let Some(remembered) = pool.requests.get(request.id) {
        return if remembered.hash == Some(request.hash) {
            Ok(Decision::Repeat(*remembered))
        } else {
            Err(Rejection::RequestIdReused {
                request_id: request.id,
            })
        };
    }
    if let Some(version) = pool.corrupted_at() {
        return Err(Rejection::PoolCorrupted { version });
    }
    let mut facts = Facts::new(ids);
    request.command.decide(pool, at, &mut facts)?;
    Ok(Decision::Record(facts.into_vec()))
}
