//! What a customer wants next, by what he knows that he has.

use onsale_command_service::domain::{
    Command,
    commands::{
        BuyTickets, ClaimTickets, ExtendClaim, PurchaseTickets, RefundTickets, ReleaseTickets,
    },
};
use onsale_proto::{name, v1};
use onsale_shared::{
    event::Labels,
    id::{ClaimId, TicketId},
    money::{Amount, Currency, Minor},
    text::Reference,
};
use onsale_tests::history::Grant;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::storm::BASE_PRICE_CENTS;

/// A claim that may be lapsed is remembered so long that it is tried some more times.
const LAPSED_MAX: usize = 2;

/// What a customer believes to have.
#[derive(Debug)]
pub(crate) struct Customer {
    name: Reference,
    held: Vec<(ClaimId, Vec<TicketId>)>,
    /// Left alone until their deadline comes.
    lapsing: Vec<ClaimId>,
    sold: Vec<TicketId>,
}

impl Customer {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: Reference::parse(name).unwrap(),
            held: Vec::new(),
            lapsing: Vec::new(),
            sold: Vec::new(),
        }
    }

    /// What he wants next.
    pub(crate) fn wish(&mut self, random: &mut StdRng) -> Command {
        let dice = random.random_range(0..100);
        if let Some((claim, tickets)) = self.held.pop() {
            let one = tickets.choose(random).copied();
            return match dice {
                0..35 => buy(claim, vec![], false),
                35..45 => buy(claim, one.into_iter().collect(), false),
                45..60 => release(claim, vec![]),
                60..65 => release(claim, one.into_iter().collect()),
                65..80 => {
                    self.held.push((claim, tickets));
                    Command::ExtendClaim(ExtendClaim { claim })
                }
                _ => {
                    self.lapsing.push(claim);
                    self.order(random)
                }
            };
        }
        if dice < 15 && !self.sold.is_empty() {
            let count = random.random_range(1..=self.sold.len().min(4));
            let tickets = self.sold.split_off(self.sold.len() - count);
            let reason = None;
            return Command::RefundTickets(RefundTickets { tickets, reason });
        }
        if dice < 60 && self.lapsing.len() >= LAPSED_MAX {
            let claim = self.lapsing.remove(0);
            return match dice % 4 {
                0 => buy(claim, vec![], false),
                1 => Command::ExtendClaim(ExtendClaim { claim }),
                2 => release(claim, vec![]),
                _ => buy(claim, vec![], true),
            };
        }
        self.order(random)
    }

    fn order(&self, random: &mut StdRng) -> Command {
        // Once in a while more than one order may have; and a price that is soon too low.
        let quantity = match random.random_range(0..20) {
            0 => 5,
            dice => 1 + dice % 4,
        };
        let max_unit_price = random.random_bool(0.1).then(|| Amount {
            currency: Currency::parse("EUR").unwrap(),
            minor: Minor::new(i64::from(BASE_PRICE_CENTS) * 14 / 10).unwrap(),
        });
        let order = ClaimTickets {
            customer: self.name.clone(),
            quantity,
            max_unit_price,
            reference: None,
            labels: Labels::new(),
        };
        if random.random_bool(0.3) {
            let payment_reference = None;
            return Command::PurchaseTickets(PurchaseTickets {
                order,
                payment_reference,
            });
        }
        Command::ClaimTickets(order)
    }

    /// What he knows from an answer.
    pub(crate) fn learn(&mut self, grant: &Grant) {
        let Some(claim) = &grant.claim else { return };
        let (_, id) = name::parse_claim(&claim.name).unwrap();
        let id: ClaimId = id.parse().unwrap();
        let in_state = |state: v1::TicketState| {
            let tickets = claim.tickets.iter().filter(move |t| t.state() == state);
            tickets.map(|ticket| name::parse_ticket(&ticket.name).unwrap().1.parse().unwrap())
        };
        self.held.retain(|(held, _)| *held != id);
        let held: Vec<_> = in_state(v1::TicketState::Held).collect();
        if !held.is_empty() && claim.state() == v1::ClaimState::Held {
            self.held.push((id, held));
        }
        for sold in in_state(v1::TicketState::Bought) {
            if !self.sold.contains(&sold) {
                self.sold.push(sold);
            }
        }
    }
}

fn buy(claim: ClaimId, tickets: Vec<TicketId>, reclaim: bool) -> Command {
    Command::BuyTickets(BuyTickets {
        claim,
        tickets,
        payment_reference: None,
        reclaim,
    })
}

fn release(claim: ClaimId, tickets: Vec<TicketId>) -> Command {
    Command::ReleaseTickets(ReleaseTickets {
        claim,
        tickets,
        by_operator: false,
    })
}
