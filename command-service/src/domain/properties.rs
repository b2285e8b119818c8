//! Long random sequences of commands with a moving clock, against a naive model that shares nothing with the parts.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use onsale_shared::{
    event::{CommandHash, PoolEvent},
    id::{ClaimId, Ids, RequestId, TicketId},
    log::{Position, Version},
    time::Timestamp,
};
use proptest::{prelude::*, test_runner::TestRunner};
use uuid::Uuid;

mod model;
mod steps;

use model::Model;
use steps::{Step, steps};

use super::{
    Decision, Entry, Fact, Pool, Rejection, Request,
    commands::{BuyTickets, Command, ReleaseTickets, SLICES, sweep::sweep, testing::*},
    decide,
    journal::Mark,
    slice::GENERAL_REFUSALS,
};

const CASES: u32 = 1_000;

/// A story as it unfolds.
struct Story {
    pool: Pool,
    model: Model,
    now: Timestamp,
    ids: u128,
    claims: Vec<(ClaimId, Vec<TicketId>)>,
    requests: Vec<(Request, Option<Version>)>,
    log: Vec<(Fact, Timestamp, Option<Request>)>,
    reached: HashSet<&'static str>,
}

impl Story {
    fn new() -> Self {
        Self {
            pool: Pool::default(),
            model: Model::default(),
            now: minute(0),
            ids: 1,
            claims: Vec::new(),
            requests: Vec::new(),
            log: Vec::new(),
            reached: HashSet::new(),
        }
    }

    fn ids(&mut self) -> Ids {
        self.ids += 1;
        Ids::from(Uuid::from_u128(self.ids << 16))
    }

    fn tell(&mut self, step: Step) {
        let command = match step {
            Step::Wait { seconds } => {
                self.now = self.now.plus(Duration::from_secs(seconds));
                return;
            }
            Step::Sweep { max } => {
                let mut ids = self.ids();
                let facts = sweep(&self.pool, self.now, max, &mut ids);
                assert!(facts.len() <= max);
                self.record(&facts, None);
                return;
            }
            Step::Repeat { of } => return self.repeat(of),
            Step::Create => a_pool(),
            Step::Claim { quantity } => claim(quantity),
            Step::Purchase { quantity } => purchase(quantity),
            Step::Buy { claim, tickets } => {
                let Some((claim, tickets)) = self.named(claim, &tickets) else {
                    return;
                };
                Command::BuyTickets(BuyTickets {
                    claim,
                    tickets,
                    payment_reference: None,
                })
            }
            Step::Release { claim, tickets } => {
                let Some((claim, tickets)) = self.named(claim, &tickets) else {
                    return;
                };
                Command::ReleaseTickets(ReleaseTickets { claim, tickets })
            }
            Step::Stop { mode } => stop(mode),
            Step::Resume => resume(),
        };
        let number = u128::try_from(self.requests.len()).unwrap();
        let request = Request {
            id: RequestId(Uuid::from_u128(number + 1)),
            hash: CommandHash(number),
            command,
        };
        self.decide(&request);
    }

    fn named(&self, claim: usize, tickets: &[usize]) -> Option<(ClaimId, Vec<TicketId>)> {
        let (claim, all) = self.claims.get(claim)?;
        let tickets = tickets
            .iter()
            .filter_map(|ticket| all.get(*ticket))
            .copied()
            .collect();
        Some((*claim, tickets))
    }

    fn decide(&mut self, request: &Request) {
        let mut ids = self.ids();
        let slice = SLICES
            .iter()
            .find(|slice| slice.command == request.command.name())
            .unwrap();
        match decide(&self.pool, request, self.now, &mut ids) {
            Ok(Decision::Record(facts)) => {
                assert!(!facts.is_empty(), "an accepted command records something");
                for fact in &facts {
                    assert!(
                        slice.records.contains(&fact.event.kind()),
                        "{} records {:?}",
                        slice.command,
                        fact.event
                    );
                }
                // Comparing whole states is slow; a fourth of the decisions will do.
                if self.ids.is_multiple_of(4) {
                    self.speculate_and_undo(&facts);
                }
                self.record(&facts, Some(request));
                self.requests
                    .push((request.clone(), Some(self.pool.version())));
            }
            Ok(Decision::Repeat(_)) => panic!("a new request id is not a repeat"),
            Err(rejection) => {
                let reason = rejection.reason();
                let declared =
                    slice.refusals.contains(&reason) || GENERAL_REFUSALS.contains(&reason);
                assert!(declared, "{} refuses with {reason}", slice.command);
                self.check_refusal(&rejection);
                self.reached.insert(reason);
                self.requests.push((request.clone(), None));
            }
        }
    }

    /// A repeat gets its first version; a refused command is decided as if it were new.
    fn repeat(&mut self, of: usize) {
        let Some((request, recorded)) = self.requests.get(of).cloned() else {
            return;
        };
        let mut ids = self.ids();
        let again = decide(&self.pool, &request, self.now, &mut ids);
        if let Some(version) = recorded {
            let age = self
                .now
                .since(self.log[usize::try_from(version.get() - 1).unwrap()].1);
            if age > Duration::from_hours(24) {
                return;
            }
            match again {
                Ok(Decision::Repeat(remembered)) => {
                    assert_eq!(remembered.version, version);
                }
                other => panic!("{other:?} is not the first answer"),
            }
            let other = Request {
                hash: CommandHash(u128::MAX),
                ..request
            };
            let reused = decide(&self.pool, &other, self.now, &mut ids);
            assert!(
                matches!(reused, Err(Rejection::RequestIdReused { .. })),
                "{reused:?}"
            );
            self.reached.insert("REPEATED");
        }
    }

    /// What is folded under a mark and undone has never been.
    fn speculate_and_undo(&mut self, facts: &[Fact]) {
        let before = format!("{:?}", self.pool);
        let mut other = self.pool.clone();
        other.begin(Some(Mark(7)));
        fold_into(&mut other, facts, self.now, None);
        other.undo(Mark(7));
        assert_eq!(sorted(&before), sorted(&format!("{other:?}")), "undone");
    }

    fn record(&mut self, facts: &[Fact], request: Option<&Request>) {
        fold_into(&mut self.pool, facts, self.now, request);
        for fact in facts {
            self.model.apply(&fact.event);
            if let PoolEvent::TicketClaimed(claimed) = &fact.event {
                match self.claims.last_mut() {
                    Some((claim, tickets)) if *claim == claimed.claim => {
                        tickets.push(claimed.ticket);
                    }
                    _ => self.claims.push((claimed.claim, vec![claimed.ticket])),
                }
            }
            self.reached.insert(fact.event.kind().as_str());
            self.log.push((fact.clone(), self.now, request.cloned()));
        }
        self.check();
    }

    fn check(&self) {
        assert_eq!(
            self.pool.corrupted_at(),
            None,
            "decided events never contradict the pool"
        );
        let counts = self.pool.stock.counts();
        assert_eq!(
            counts.sold + counts.held + counts.available(),
            counts.capacity,
            "counts always sum"
        );
        assert!(
            counts.sold + counts.held <= counts.capacity,
            "never oversold"
        );
        assert_eq!(
            (counts.sold, counts.held),
            (self.model.count("bought"), self.model.count("claimed")),
            "as the model"
        );
        for life in self.model.lives.values() {
            let legal = matches!(
                life.as_slice(),
                ["claimed"] | ["claimed", "bought"] | ["claimed", "released"]
            );
            assert!(legal, "{life:?} is no ticket's life");
        }
    }

    /// `SOLD_OUT` and its kin, against the model: dead claims count as free.
    fn check_refusal(&self, rejection: &Rejection) {
        let (sold, held) = (self.model.count("bought"), self.model.count("claimed"));
        let dead = u32::try_from(self.pool.claims.dead_tickets(self.now).count()).unwrap();
        let free = CAPACITY - sold - held + dead;
        if let Rejection::SoldOut { .. } = rejection {
            assert_eq!(sold, CAPACITY);
        }
        if let Rejection::SoldOutForNow { .. } = rejection {
            assert!(free == 0 && sold < CAPACITY);
        }
        if let Rejection::InsufficientAvailability { requested, counts } = rejection {
            assert!(free > 0 && free < *requested && counts.available() == free);
        }
    }

    /// Folding the log from the start gives the state that lived.
    fn replay(&self) -> Pool {
        let mut pool = Pool::default();
        for (fact, time, request) in &self.log {
            fold_into(
                &mut pool,
                std::slice::from_ref(fact),
                *time,
                request.as_ref(),
            );
        }
        pool
    }
}

fn fold_into(pool: &mut Pool, facts: &[Fact], time: Timestamp, request: Option<&Request>) {
    for fact in facts {
        let version = pool.version().next();
        pool.evolve(&Entry {
            event: &fact.event,
            id: fact.id,
            version,
            position: Position::new(version.get()),
            time,
            request: request.map(|request| request.id),
            command_hash: request.map(|request| request.hash),
        });
    }
}

/// Hash maps have no order of their own: their text is compared as a bag of its words.
fn sorted(text: &str) -> Vec<&str> {
    // The journal remembers its last mark; that is not part of the state.
    let mut words: Vec<_> = text
        .split([' ', ',', '{', '}', '(', ')'])
        .filter(|word| !word.is_empty())
        .collect();
    words.sort_unstable();
    words
}

#[test]
fn random_stories_keep_every_invariant() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let reached: std::cell::RefCell<HashMap<&'static str, u32>> = std::cell::RefCell::default();
    let told = runner.run(&steps(), |steps| {
        let mut story = Story::new();
        story.tell(Step::Create);
        for step in steps {
            story.tell(step);
        }
        let replayed = format!("{:?}", story.replay());
        assert_eq!(
            sorted(&replayed),
            sorted(&format!("{:?}", story.pool)),
            "replay = live"
        );
        for what in story.reached {
            *reached.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failure) = told {
        panic!("{failure}");
    }
    let reached = reached.into_inner();
    eprintln!("reached in {CASES} stories: {reached:?}");
    let events = onsale_shared::event::EventType::ALL
        .iter()
        .map(|kind| kind.as_str());
    let refusals = [
        "POOL_EXISTS",
        "SALES_STOPPED",
        "ORDER_LIMIT_EXCEEDED",
        "SOLD_OUT",
        "SOLD_OUT_FOR_NOW",
        "INSUFFICIENT_AVAILABILITY",
        "CLAIM_EXPIRED",
        "CLAIM_VOIDED",
        "TICKET_NOT_HELD",
        "ALREADY_STOPPED",
        "NOT_STOPPED",
        "REPEATED",
    ];
    for what in events.chain(refusals) {
        assert!(
            reached.get(what).copied().unwrap_or(0) >= CASES / 100,
            "{what} was reached in under 1 % of the stories"
        );
    }
}
