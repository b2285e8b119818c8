//! A customer: comes, orders, does with the tickets what he has in mind, asks again when that makes sense, and leaves.

use std::{sync::Arc, time::Duration};

use onsale_proto::{
    name,
    reason::Reason,
    v1::{self, SaleStatus, TicketState},
};
use tokio::{sync::watch, time::{sleep, timeout}};

use super::{
    line::{Line, Outcome, Refusal},
    plan::{Manner, Plan},
    promoter::CLAIM_DURATION,
    tally::{Bought, Ending, Tally},
    watch::View,
};
use crate::caller::{buy_request, claim_request, purchase_request, request_id};

/// How often somebody asks for tickets before he gives up.
const TRIES: u32 = 6;
/// How long somebody waits for good news before he asks anyway.
const NEWS_WAIT: Duration = Duration::from_secs(4);
/// How often somebody looks for tickets that others were quicker to take before he asks anyway.
const LOOKS: u32 = 3;
/// The most tickets of one order, as the pool says.
const ORDER_MAX: u32 = 4;

/// See the module.
pub(super) struct Customer {
    pub(super) pool_id: Arc<str>,
    pub(super) reference: String,
    pub(super) plan: Plan,
    pub(super) line: Line,
    pub(super) view: watch::Receiver<View>,
    pub(super) tally: Arc<Tally>,
}

/// What came of an order.
enum Order {
    Served(Ending),
    Refused(Refusal),
}

impl Customer {
    /// From coming to leaving.
    pub(super) async fn visit(mut self) {
        sleep(self.plan.arrival).await;
        self.tally.note(|figures| figures.arrived += 1);
        let ending = self.ask_until_served().await;
        self.tally.note(|figures| *figures.endings.entry(ending).or_default() += 1);
    }

    async fn ask_until_served(&mut self) -> Ending {
        let mut tries = 0;
        while tries < TRIES {
            let refusal = match self.order().await {
                Order::Served(ending) => return ending,
                Order::Refused(refusal) => refusal,
            };
            match refusal.reason {
                Some(Reason::SoldOut) => return Ending::FoundSoldOut,
                Some(Reason::SalesStopped) => {
                    self.wait_for(|status| status != SaleStatus::Stopped).await;
                    sleep(self.plan.pause(0..600)).await;
                }
                Some(Reason::OrderLimitExceeded) => self.plan.quantity = ORDER_MAX,
                Some(Reason::InsufficientAvailability) => {
                    tries += 1;
                    self.plan.quantity = refusal.available.unwrap_or(1).clamp(1, ORDER_MAX);
                }
                Some(Reason::SoldOutForNow) => {
                    tries += 1;
                    self.plan.mean_it();
                    self.wait_for_tickets().await;
                }
                _ => return self.odd(&refusal.text),
            }
        }
        Ending::GaveUp
    }

    /// Waits until tickets come back, and still are there when he comes to look; not all look at the same moment.
    async fn wait_for_tickets(&mut self) {
        let is_good = |status| status != SaleStatus::SoldOutForNow;
        for _ in 0..LOOKS {
            sleep(self.plan.pause(200..1_500)).await;
            self.wait_for(is_good).await;
            sleep(self.plan.pause(0..300)).await;
            if is_good(self.view.borrow().availability.sale_status()) {
                return;
            }
        }
    }

    /// Waits until the live view says so; not for ever, since it may be away.
    async fn wait_for(&mut self, is_good: impl Fn(SaleStatus) -> bool) {
        let good = self.view.wait_for(|view| is_good(view.availability.sale_status()));
        timeout(NEWS_WAIT, good).await.ok();
    }

    async fn order(&mut self) -> Order {
        if self.plan.manner == Manner::Purchase {
            return self.purchase().await;
        }
        let request = claim_request(&self.pool_id, &self.reference, self.plan.quantity);
        let claim = match self.line.send(request, self.plan.order_lost()).await {
            Outcome::Done(answer) => answer.claim.unwrap_or_default(),
            Outcome::Refused(refusal) => return Order::Refused(refusal),
            Outcome::NoAnswer => return Order::Served(Ending::NoAnswer),
        };
        if claim.tickets.len() != usize::try_from(self.plan.quantity).unwrap_or_default() {
            return Order::Served(self.odd("a claim has another number of tickets than was asked for"));
        }
        let ending = match self.plan.manner {
            Manner::Buy | Manner::Purchase => {
                sleep(self.plan.pause(400..3_800)).await;
                self.buy(&claim, claim.tickets.len()).await
            }
            Manner::BuySome => {
                sleep(self.plan.pause(400..3_000)).await;
                let some = self.plan.some_of(claim.tickets.len());
                match self.buy(&claim, some).await {
                    Ending::Bought if some < claim.tickets.len() => {
                        self.give_back(&claim).await;
                        Ending::Bought
                    }
                    ending => ending,
                }
            }
            Manner::GiveBack => {
                sleep(self.plan.pause(400..3_000)).await;
                self.give_back(&claim).await
            }
            Manner::Forget => Ending::LetExpire,
            Manner::BuyTooLate => {
                sleep(CLAIM_DURATION + self.plan.pause(50..500)).await;
                self.buy(&claim, claim.tickets.len()).await
            }
        };
        Order::Served(ending)
    }

    async fn purchase(&mut self) -> Order {
        let request = purchase_request(&self.pool_id, &self.reference, self.plan.quantity);
        let id = request.request_id.clone();
        let claim = match self.line.send(request, self.plan.order_lost()).await {
            Outcome::Done(answer) => answer.claim.unwrap_or_default(),
            Outcome::Refused(refusal) => return Order::Refused(refusal),
            Outcome::NoAnswer => return Order::Served(Ending::NoAnswer),
        };
        if claim.tickets.len() != usize::try_from(self.plan.quantity).unwrap_or_default() {
            return Order::Served(self.odd("a purchase has another number of tickets than was asked for"));
        }
        let asked: Vec<_> = claim.tickets.iter().map(|ticket| ticket.name.clone()).collect();
        Order::Served(self.acknowledged(&id, &asked, &claim))
    }

    /// Buys the first so many tickets of a claim.
    async fn buy(&mut self, claim: &v1::Claim, count: usize) -> Ending {
        let asked: Vec<_> = claim.tickets.iter().take(count).map(|ticket| ticket.name.clone()).collect();
        let all = count == claim.tickets.len();
        let request = v1::BuyTicketsRequest {
            tickets: if all { Vec::new() } else { asked.clone() },
            ..buy_request(&claim.name)
        };
        let id = request.request_id.clone();
        match self.line.send(request, self.plan.payment_lost()).await {
            Outcome::Done(answer) => self.acknowledged(&id, &asked, &answer.claim.unwrap_or_default()),
            Outcome::Refused(refusal) if refusal.reason == Some(Reason::ClaimExpired) => Ending::PaidTooLate,
            Outcome::Refused(refusal) => self.odd(&refusal.text),
            Outcome::NoAnswer => Ending::NoAnswer,
        }
    }

    /// Gives back what the claim still holds. It may end meanwhile, if answers take long.
    async fn give_back(&mut self, claim: &v1::Claim) -> Ending {
        let request = v1::ReleaseTicketsRequest {
            request_id: request_id(),
            claim: claim.name.clone(),
            ..v1::ReleaseTicketsRequest::default()
        };
        match self.line.send(request, self.plan.payment_lost()).await {
            Outcome::Done(_) => Ending::GaveBack,
            Outcome::Refused(refusal) if refusal.reason == Some(Reason::ClaimExpired) => Ending::LetExpire,
            Outcome::Refused(refusal) => self.odd(&refusal.text),
            Outcome::NoAnswer => Ending::NoAnswer,
        }
    }

    /// Writes down what he was told is his: what he asked for, all of it bought.
    fn acknowledged(&self, request_id: &str, asked: &[String], claim: &v1::Claim) -> Ending {
        let bought = |name: &String| {
            claim.tickets.iter().any(|ticket| ticket.name == *name && ticket.state() == TicketState::Bought)
        };
        if asked.is_empty() || !asked.iter().all(bought) {
            return self.odd("a purchase was acknowledged, but not all of its tickets are bought");
        }
        let tickets = asked.iter().map(|name| Bought {
            request_id: request_id.to_owned(),
            ticket: name::parse_ticket(name).map_or_else(String::new, |(_, ticket)| ticket.to_owned()),
        });
        self.tally.note(|figures| figures.bought.extend(tickets));
        Ending::Bought
    }

    fn odd(&self, text: &str) -> Ending {
        self.tally.note(|figures| figures.odd.push(text.to_owned()));
        Ending::Odd
    }
}
