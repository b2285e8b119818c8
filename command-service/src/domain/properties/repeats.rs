//! What repeats get: the first answer of what was recorded, and no other answer than the first after a refusal for good.

use std::time::Duration;

use onsale_shared::{
    event::{CommandHash, PoolEvent},
    log::Version,
};

use super::story::Story;
use crate::domain::{Decision, Rejection, Request, decide};

/// What became of a command.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It was recorded, up to this version.
    Recorded(Version),
    /// Its only attempts were refused.
    Refused,
    /// It was refused for good, at this version, with this reason.
    RefusedForGood(Version, &'static str),
}

impl Story {
    pub(super) fn repeat(&mut self, of: usize) {
        let Some((request, fate)) = self.requests.get(of).cloned() else {
            return;
        };
        match fate {
            Fate::Recorded(version) if self.is_remembered(version) => {
                let again = self.decide_again(&request);
                let Ok(Decision::Repeat(remembered)) = again else {
                    panic!("{again:?} is not the first answer");
                };
                assert_eq!(remembered.version, version);
                self.reached.insert("REPEATED");
                self.reuse(&request);
            }
            Fate::RefusedForGood(version, reason) if self.is_remembered(version) => {
                self.is_refused_still(&request, version, reason);
            }
            Fate::Refused => self.refuse_for_good(of, request),
            Fate::Recorded(_) | Fate::RefusedForGood(..) => {}
        }
    }

    fn decide_again(&mut self, request: &Request) -> Result<Decision, Rejection> {
        let mut ids = self.ids();
        decide(&self.pool, request, self.now, &mut ids)
    }

    /// Whether what was recorded at a version must not be forgotten yet.
    fn is_remembered(&self, version: Version) -> bool {
        let (_, decided, _) = self.log[usize::try_from(version.get() - 1).unwrap()];
        self.now.since(decided) <= Duration::from_hours(24)
    }

    /// Another command may not have the same id.
    fn reuse(&mut self, request: &Request) {
        let other = Request {
            hash: CommandHash(u128::MAX),
            ..request.clone()
        };
        let reused = self.decide_again(&other);
        assert!(
            matches!(reused, Err(Rejection::RequestIdReused { .. })),
            "{reused:?}"
        );
        self.reached.insert("REQUEST_ID_REUSED");
    }

    /// A repeat of what was refused, whose caller says that it is one. If the rules still say no, that is recorded.
    fn refuse_for_good(&mut self, of: usize, request: Request) {
        let repeat = Request {
            is_repeat: true,
            ..request
        };
        match self.decide_again(&repeat) {
            Ok(Decision::Refuse(facts, rejection)) => {
                self.check_refusal(&rejection, &repeat.command);
                let [fact] = facts.as_slice() else {
                    panic!("{facts:?} say more than no");
                };
                let PoolEvent::CommandRefused(refused) = &fact.event else {
                    panic!("{fact:?} does not say no");
                };
                assert_eq!(refused.command, repeat.command.name());
                assert_eq!(refused.reason, rejection.reason());
                assert_eq!(refused.customer.as_ref(), repeat.command.customer());
                self.record(&facts, Some(&repeat));
                let version = self.pool.version();
                self.is_refused_still(&repeat, version, rejection.reason());
                self.requests[of].1 = Fate::RefusedForGood(version, rejection.reason());
            }
            Ok(Decision::Record(facts)) => {
                self.record(&facts, Some(&repeat));
                self.requests[of].1 = Fate::Recorded(self.pool.version());
            }
            Ok(Decision::SweepFirst) => {}
            Ok(Decision::Repeat(remembered)) => panic!("{remembered:?} was never recorded"),
            Err(rejection) => {
                let will_never_hold = matches!(
                    rejection,
                    Rejection::PoolExists
                        | Rejection::PoolNotFound
                        | Rejection::PoolCancelled { .. }
                );
                let has_no_stream = self.log.is_empty();
                assert!(will_never_hold || has_no_stream, "{rejection:?} may change");
            }
        }
    }

    /// Whoever sends it, and whatever the rules would say now.
    fn is_refused_still(&mut self, request: &Request, version: Version, reason: &str) {
        for is_repeat in [false, true] {
            let repeat = Request {
                is_repeat,
                ..request.clone()
            };
            let again = self.decide_again(&repeat);
            let Err(Rejection::AlreadyRefused {
                reason: as_before,
                version: since,
                ..
            }) = &again
            else {
                panic!("{again:?} is not the first answer");
            };
            assert_eq!((&**as_before, *since), (reason, version));
        }
        self.reached.insert("ALREADY_REFUSED");
        self.reuse(request);
    }
}
