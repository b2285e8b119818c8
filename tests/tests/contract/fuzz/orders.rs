//! What customers' callers send, and who only reads.

use onsale_proto::{name, v1};
use rand::{RngExt as _, seq::IndexedRandom as _};

use super::draw::Draw;

impl Draw<'_> {
    pub(super) fn claim_tickets(&mut self) -> v1::ClaimTicketsRequest {
        v1::ClaimTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            customer: self.customer(),
            quantity: self.number(&[1, 2]),
            max_unit_price: self.max_unit_price(),
            reference: self.optional_text(),
            labels: self.labels(),
        }
    }

    pub(super) fn purchase(&mut self) -> v1::PurchaseTicketsRequest {
        v1::PurchaseTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            pool: self.pool(),
            customer: self.customer(),
            quantity: self.number(&[1, 2]),
            max_unit_price: self.max_unit_price(),
            reference: self.optional_text(),
            labels: self.labels(),
            payment_reference: self.optional_text(),
        }
    }

    pub(super) fn buy(&mut self) -> v1::BuyTicketsRequest {
        let (claim, tickets) = self.claim();
        v1::BuyTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            claim,
            tickets,
            payment_reference: self.optional_text(),
            reclaim: self.one_in(2),
        }
    }

    pub(super) fn release(&mut self) -> v1::ReleaseTicketsRequest {
        let (claim, tickets) = self.claim();
        v1::ReleaseTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            claim,
            tickets,
        }
    }

    pub(super) fn extend(&mut self) -> v1::ExtendClaimRequest {
        v1::ExtendClaimRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            claim: self.claim().0,
        }
    }

    pub(super) fn refund(&mut self) -> v1::RefundTicketsRequest {
        v1::RefundTicketsRequest {
            request_id: self.request_id(),
            validate_only: self.one_in(8),
            tickets: self.claim().1,
            reason: self.optional_text(),
        }
    }

    /// A claim and some of its tickets, or of others, or none.
    fn claim(&mut self) -> (String, Vec<String>) {
        let known = self.world.claims.lock().expect("no panic");
        let drawn = [
            known.choose(self.rng).cloned(),
            known.choose(self.rng).cloned(),
        ];
        drop(known);
        let [Some(claim), Some(other)] = drawn else {
            let claim = self.uuid();
            return (name::claim("pool-1", claim), Vec::new());
        };
        let mut tickets: Vec<_> = claim
            .tickets
            .iter()
            .map(|ticket| ticket.name.clone())
            .collect();
        if self.fault() {
            tickets.extend(other.tickets.into_iter().map(|ticket| ticket.name));
        }
        if self.fault() {
            tickets.push(self.text());
        }
        tickets.truncate(self.rng.random_range(0..=tickets.len()));
        let name = if self.fault() {
            self.text()
        } else {
            claim.name
        };
        (name, tickets)
    }

    pub(super) fn get_pool(&mut self) -> v1::GetPoolRequest {
        v1::GetPoolRequest {
            name: self.pool(),
            at_least_as_fresh: self.token(),
        }
    }

    pub(super) fn get_availability(&mut self) -> v1::GetAvailabilityRequest {
        v1::GetAvailabilityRequest {
            pool: self.pool(),
            at_least_as_fresh: self.token(),
        }
    }

    pub(super) fn quote(&mut self) -> v1::QuotePriceRequest {
        let most = if self.fault() { 300 } else { 3 };
        let sold = self.rng.random_range(0..most);
        let times = self.rng.random_range(0..=most / 3);
        v1::QuotePriceRequest {
            pool: self.pool(),
            quantity: self.number(&[0, 1, 2]),
            quote_time: self.time(&[2_000_000_000, 4_000_000_000]),
            preview_sold: (0..sold).map(|_| self.number(&[0, 5])).collect(),
            preview_times: (0..times)
                .filter_map(|_| self.time(&[2_000_000_000, 4_000_000_000]))
                .collect(),
            at_least_as_fresh: self.token(),
        }
    }

    pub(super) fn watch(&mut self) -> v1::WatchAvailabilityRequest {
        let most = if self.fault() && self.one_in(8) {
            120
        } else {
            3
        };
        let number = self.rng.random_range(0..=most);
        v1::WatchAvailabilityRequest {
            pools: (0..number).map(|_| self.pool()).collect(),
            min_interval: self.duration(),
            at_least_as_fresh: self.token(),
            resume_token: if self.fault() {
                self.text()
            } else {
                String::new()
            },
        }
    }

    fn token(&mut self) -> String {
        match (self.fault(), self.one_in(2)) {
            (true, _) => self.text(),
            (false, true) => self.world.token.clone(),
            (false, false) => String::new(),
        }
    }
}
