//! A story as it unfolds: commands are decided, what comes of them is folded and checked.

use std::{collections::HashSet, time::Duration};

use onsale_shared::{
    event::{CommandHash, PoolEvent},
    id::{ClaimId, Ids, RequestId, TicketId},
    log::Position,
    text::Reference,
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    model::Model,
    repeats::Fate,
    sorted,
    steps::{Edit, Seen, Step},
};
use crate::domain::{
    Decision, Entry, Fact, Pool, Request,
    commands::{
        BuyTickets, ClaimTickets, Command, ExtendClaim, GrantTickets, PurchaseTickets,
        RefundTickets, ReleaseTickets, SLICES, sweep::sweep, testing::*,
    },
    decide,
    journal::Mark,
    slice::GENERAL_REFUSALS,
};

/// A story as it unfolds.
pub(super) struct Story {
    pub(super) pool: Pool,
    pub(super) model: Model,
    pub(super) now: Timestamp,
    ids: u128,
    claims: Vec<(ClaimId, Vec<TicketId>)>,
    pub(super) requests: Vec<(Request, Fate)>,
    pub(super) log: Vec<(Fact, Timestamp, Option<Request>)>,
    pub(super) reached: HashSet<&'static str>,
}

impl Story {
    pub(super) fn new() -> Self {
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

    pub(super) fn ids(&mut self) -> Ids {
        self.ids += 1;
        Ids::from(Uuid::from_u128(self.ids << 16))
    }

    pub(super) fn tell(&mut self, step: Step) {
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
            Step::Restore => return self.restore(),
            Step::PayLate { claim } => return self.pay_late(claim),
            Step::Shrink => {
                // Whatever is held when the first claim ends is in the way.
                let dead = self.pool.claims.next_deadline().unwrap_or(self.now);
                self.now = self.now.max(dead);
                change_capacity(self.pool.stock.counts().sold.max(1))
            }
            Step::Create => ten_tickets(None),
            Step::CreateTooLate => ten_tickets(Some(self.now)),
            Step::Claim { customer, quantity } => {
                Command::ClaimTickets(self.order(customer, quantity, None))
            }
            Step::Purchase {
                customer,
                quantity,
                max_cents,
            } => Command::PurchaseTickets(PurchaseTickets {
                order: self.order(customer, quantity, max_cents),
                payment_reference: None,
            }),
            Step::Extend { claim } => {
                // A claim that nobody made yet is one that the pool does not know.
                let unknown = ClaimId(Uuid::from_u128(0xdead));
                let claim = self.named(claim, &[]).map_or(unknown, |(claim, _)| claim);
                Command::ExtendClaim(ExtendClaim { claim })
            }
            Step::Buy {
                claim,
                tickets,
                reclaim,
            } => {
                let Some((claim, tickets)) = self.named(claim, &tickets) else {
                    return;
                };
                Command::BuyTickets(BuyTickets {
                    claim,
                    tickets,
                    payment_reference: None,
                    reclaim,
                })
            }
            Step::Release {
                claim,
                tickets,
                by_operator,
            } => {
                let Some((claim, tickets)) = self.named(claim, &tickets) else {
                    return;
                };
                Command::ReleaseTickets(ReleaseTickets {
                    claim,
                    tickets,
                    by_operator,
                })
            }
            Step::Refund { claim, tickets } => match self.named(claim, &tickets) {
                Some((_, mut tickets)) if !tickets.is_empty() => {
                    // The edge refuses a ticket that is named twice.
                    tickets.sort_unstable_by_key(|ticket| ticket.0);
                    tickets.dedup();
                    Command::RefundTickets(RefundTickets {
                        tickets,
                        reason: None,
                    })
                }
                _nothing_named => return,
            },
            Step::Grant { customer, quantity } => Command::GrantTickets(GrantTickets {
                customer: self.order(customer, quantity, None).customer,
                quantity,
                reason: None,
            }),
            Step::Edit { edit, seen } => self.edit(edit, seen),
        };
        let number = u128::try_from(self.requests.len()).unwrap();
        let request = Request {
            id: RequestId(Uuid::from_u128(number + 1)),
            hash: CommandHash(number + 1),
            is_repeat: false,
            command,
        };
        self.decide(&request);
    }

    /// A minute after the deadline.
    fn pay_late(&mut self, claim: usize) {
        let known = self.named(claim, &[]);
        if let Some(known) = known.and_then(|(id, _)| self.pool.claims.get(id)) {
            self.now = self
                .now
                .max(known.expire_time.plus(Duration::from_secs(60)));
        }
        self.tell(Step::Buy {
            claim,
            tickets: vec![],
            reclaim: true,
        });
    }

    fn order(&self, customer: u8, quantity: u32, max_cents: Option<i64>) -> ClaimTickets {
        ClaimTickets {
            customer: Reference::parse(&format!("customer-{customer}")).unwrap(),
            max_unit_price: max_cents.map(euros),
            ..order(quantity)
        }
    }

    fn edit(&self, edit: Edit, seen: Option<Seen>) -> Command {
        let command = match edit {
            Edit::Stop(mode) => stop(mode),
            Edit::Resume => resume(),
            Edit::Cancel => cancel(),
            Edit::Capacity(capacity) => change_capacity(capacity),
            Edit::Pricing(rule) => change_rule(rule),
            Edit::Reschedule(minutes) => reschedule(self.schedule(minutes)),
            Edit::Limits(limits) => change_limits(limits),
        };
        let Some(Seen {
            versions_ago,
            merge,
        }) = seen
        else {
            return command;
        };
        on_version(
            (self.pool.version().get() - versions_ago).max(0),
            merge,
            command,
        )
    }

    /// Show, start and end of sales, so many minutes from now.
    fn schedule(&self, minutes: [Option<i64>; 3]) -> Schedule {
        let from_now =
            |minutes: i64| Timestamp::from_micros(self.now.as_micros() + minutes * 60_000_000);
        let [show_time, sales_start_time, sales_end_time] = minutes.map(|at| at.map(from_now));
        Schedule {
            show_time,
            sales_start_time,
            sales_end_time,
        }
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
                assert!(
                    !self.is_conflict(&request.command),
                    "an edit overlooks another"
                );
                for fact in &facts {
                    assert!(
                        slice.records.contains(&fact.event.kind()),
                        "{} records {:?}",
                        slice.command,
                        fact.event
                    );
                }
                // Comparing whole states is slow; an eighth of the decisions will do.
                if self.ids.is_multiple_of(8) {
                    self.speculate_and_undo(&facts);
                }
                self.record(&facts, Some(request));
                let fate = Fate::Recorded(self.pool.version());
                self.requests.push((request.clone(), fate));
            }
            Ok(Decision::Repeat(_) | Decision::Refuse(..)) => {
                panic!("a new request id is not a repeat")
            }
            Ok(Decision::SweepFirst) => {
                self.reached.insert("SWEEP_FIRST");
                self.tell(Step::Sweep { max: 500 });
                self.decide(request);
            }
            Err(rejection) => {
                let reason = rejection.reason();
                let declared =
                    slice.refusals.contains(&reason) || GENERAL_REFUSALS.contains(&reason);
                assert!(declared, "{} refuses with {reason}", slice.command);
                self.check_refusal(&rejection, &request.command);
                self.reached.insert(reason);
                self.requests.push((request.clone(), Fate::Refused));
            }
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

    pub(super) fn record(&mut self, facts: &[Fact], request: Option<&Request>) {
        fold_into(&mut self.pool, facts, self.now, request);
        let mut first = true;
        for fact in facts {
            self.check_claim(&fact.event, first);
            first &= !matches!(fact.event, PoolEvent::TicketClaimed(_));
            self.happen(&fact.event);
            if let PoolEvent::TicketClaimed(claimed) = &fact.event {
                let known = self.claims.iter_mut().find(|(id, _)| *id == claimed.claim);
                match known {
                    Some((_, tickets)) => tickets.push(claimed.ticket),
                    None => self.claims.push((claimed.claim, vec![claimed.ticket])),
                }
                if claimed.replaces.is_some() {
                    self.reached.insert("PAID_LATE");
                }
            }
            self.reached.insert(fact.event.kind().as_str());
            self.log.push((fact.clone(), self.now, request.cloned()));
        }
        self.check();
        self.reach_states();
    }

    /// Folding the log from the start gives the state that lived.
    pub(super) fn replay(&self) -> Pool {
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

pub(super) fn fold_into(
    pool: &mut Pool,
    facts: &[Fact],
    time: Timestamp,
    request: Option<&Request>,
) {
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
            actor: Some("promoter-1"),
        });
    }
}

/// Ten tickets, at most four an order and six a customer.
fn ten_tickets(show_time: Option<Timestamp>) -> Command {
    let Command::CreatePool(mut create) = a_pool() else {
        unreachable!("a_pool() creates")
    };
    create.limits.max_tickets_per_customer = 6;
    create.schedule.show_time = show_time.or(create.schedule.show_time);
    Command::CreatePool(create)
}
