//! What a customer does once tickets are his: buys, gives back, forgets; and what he writes down.

use onsale_proto::{
    name,
    reason::Reason,
    v1::{self, Claim, TicketState},
};
use tokio::time::sleep;

use super::Customer;
use crate::{
    caller::{buy_request, claim_request, purchase_request, request_id},
    demo::{
        line::{Outcome, Refusal},
        plan::Manner,
        promoter::CLAIM_DURATION,
        tally::{Bought, Ending},
    },
};

/// What came of an order.
pub(super) enum Order {
    Served(Ending),
    Refused(Refusal),
}

impl Customer {
    pub(super) async fn order(&mut self) -> Order {
        if self.plan.manner == Manner::Purchase {
            return self.purchase().await;
        }
        let request = claim_request(&self.pool_id, &self.reference, self.plan.quantity);
        let claim = match self.line.send(request, self.plan.order_lost()).await {
            Outcome::Done(answer) => answer.claim.unwrap_or_default(),
            Outcome::Refused(refusal) => return Order::Refused(refusal),
            Outcome::NoAnswer => return Order::Served(Ending::NoAnswer),
        };
        if !self.is_complete(&claim) {
            return Order::Served(
                self.odd("a claim has another number of tickets than was asked for"),
            );
        }
        Order::Served(self.finish(&claim).await)
    }

    async fn purchase(&mut self) -> Order {
        let request = purchase_request(&self.pool_id, &self.reference, self.plan.quantity);
        let id = request.request_id.clone();
        let claim = match self.line.send(request, self.plan.order_lost()).await {
            Outcome::Done(answer) => answer.claim.unwrap_or_default(),
            Outcome::Refused(refusal) => return Order::Refused(refusal),
            Outcome::NoAnswer => return Order::Served(Ending::NoAnswer),
        };
        if !self.is_complete(&claim) {
            return Order::Served(
                self.odd("a purchase has another number of tickets than was asked for"),
            );
        }
        let all = names(&claim, claim.tickets.len());
        Order::Served(self.acknowledged(&id, &all, &claim))
    }

    fn is_complete(&self, claim: &Claim) -> bool {
        u32::try_from(claim.tickets.len()) == Ok(self.plan.quantity)
    }

    /// What he does with a claim.
    async fn finish(&mut self, claim: &Claim) -> Ending {
        let all = claim.tickets.len();
        match self.plan.manner {
            Manner::Buy | Manner::Purchase => {
                sleep(self.plan.pause(400..3_800)).await;
                self.buy(claim, all).await
            }
            Manner::BuySome => {
                sleep(self.plan.pause(400..3_000)).await;
                let some = self.plan.some_of(all);
                let ending = self.buy(claim, some).await;
                if ending == Ending::Bought && some < all {
                    self.give_back(claim).await;
                }
                ending
            }
            Manner::GiveBack => {
                sleep(self.plan.pause(400..3_000)).await;
                self.give_back(claim).await
            }
            Manner::Forget => Ending::LetExpire,
            Manner::BuyTooLate => {
                sleep(CLAIM_DURATION + self.plan.pause(50..500)).await;
                self.buy(claim, all).await
            }
        }
    }

    /// Buys the first so many tickets of a claim.
    async fn buy(&mut self, claim: &Claim, count: usize) -> Ending {
        let asked = names(claim, count);
        let is_all = count == claim.tickets.len();
        let request = v1::BuyTicketsRequest {
            tickets: if is_all { Vec::new() } else { asked.clone() },
            ..buy_request(&claim.name)
        };
        let id = request.request_id.clone();
        match self.line.send(request, self.plan.payment_lost()).await {
            Outcome::Done(answer) => {
                self.acknowledged(&id, &asked, &answer.claim.unwrap_or_default())
            }
            Outcome::Refused(refusal) if refusal.reason == Some(Reason::ClaimExpired) => {
                Ending::PaidTooLate
            }
            Outcome::Refused(refusal) => self.odd(&refusal.text),
            Outcome::NoAnswer => Ending::NoAnswer,
        }
    }

    /// Gives back what the claim still holds. It may end meanwhile, if answers take long.
    async fn give_back(&mut self, claim: &Claim) -> Ending {
        let request = v1::ReleaseTicketsRequest {
            request_id: request_id(),
            claim: claim.name.clone(),
            ..v1::ReleaseTicketsRequest::default()
        };
        match self.line.send(request, self.plan.payment_lost()).await {
            Outcome::Done(_) => Ending::GaveBack,
            Outcome::Refused(refusal) if refusal.reason == Some(Reason::TicketNotHeld) => {
                Ending::LetExpire
            }
            Outcome::Refused(refusal) => self.odd(&refusal.text),
            Outcome::NoAnswer => Ending::NoAnswer,
        }
    }

    /// Writes down what he was told is his: what he asked for, all of it bought.
    fn acknowledged(&self, request_id: &str, asked: &[String], claim: &Claim) -> Ending {
        let is_bought = |name: &String| {
            let mut tickets = claim.tickets.iter();
            tickets.any(|ticket| ticket.name == *name && ticket.state() == TicketState::Bought)
        };
        if asked.is_empty() || !asked.iter().all(is_bought) {
            return self.odd("a purchase was acknowledged, but not all of its tickets are bought");
        }
        let tickets = asked.iter().filter_map(|name| {
            let (_, ticket) = name::parse_ticket(name)?;
            Some(Bought {
                request_id: request_id.to_owned(),
                ticket: ticket.to_owned(),
            })
        });
        self.tally.note(|figures| figures.bought.extend(tickets));
        Ending::Bought
    }
}

fn names(claim: &Claim, count: usize) -> Vec<String> {
    let tickets = claim.tickets.iter().take(count);
    tickets.map(|ticket| ticket.name.clone()).collect()
}
