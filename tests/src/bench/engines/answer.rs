//! What an engine without rules answers: a claim as large as Onsale's, built from the request.

use onsale_proto::{
    Money, name,
    reason::Reason,
    status::RichStatus,
    v1::{self, ClaimState, TicketState},
};
use prost_types::Timestamp;
use tonic::Status;
use uuid::Uuid;

/// A moment; naive engines have no deadlines, so it does not matter which.
const SOME_TIME: Timestamp = Timestamp {
    seconds: 1_800_000_000,
    nanos: 0,
};

/// What one asks for who claims or purchases.
#[derive(Clone, Debug)]
pub struct Order {
    /// The pool's id.
    pub pool: String,
    /// The customer's reference.
    pub customer: String,
    /// How many tickets.
    pub quantity: u32,
}

/// Whether there are so many tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// They were there, and are counted as gone.
    Yes,
    /// They were not.
    No,
}

impl Order {
    /// Reads what matters of a request.
    ///
    /// # Errors
    /// The pool is not named.
    pub fn new(pool: &str, customer: String, quantity: u32) -> Result<Self, Status> {
        let id = name::parse_pool(pool).ok_or_else(|| Status::invalid_argument("pool"))?;
        Ok(Self {
            pool: id.to_owned(),
            customer,
            quantity,
        })
    }

    /// The claim that answers it.
    #[must_use]
    pub fn claim(self, state: ClaimState, ticket_state: TicketState) -> v1::Claim {
        let ticket = |_| v1::Ticket {
            name: name::ticket(&self.pool, Uuid::new_v4()),
            state: ticket_state.into(),
        };
        v1::Claim {
            name: name::claim(&self.pool, Uuid::new_v4()),
            pool: name::pool(&self.pool),
            state: state.into(),
            unit_price: Some(price(1)),
            total_price: Some(price(self.quantity)),
            expire_time: Some(SOME_TIME),
            tickets: (0..self.quantity).map(ticket).collect(),
            pricing_version: 1,
            customer: self.customer,
            ..v1::Claim::default()
        }
    }

    /// The refusal if there are not so many tickets.
    #[must_use]
    pub fn sold_out(&self) -> Status {
        RichStatus::new(Reason::SoldOut, "all tickets of the pool are sold")
            .precondition(name::pool(&self.pool))
            .into()
    }
}

/// A receipt without a log behind it.
#[must_use]
pub fn receipt() -> v1::Receipt {
    v1::Receipt {
        etag: "1".to_owned(),
        version: 1,
        consistency_token: String::new(),
        server_time: Some(SOME_TIME),
        position: 0,
    }
}

fn price(tickets: u32) -> Money {
    Money {
        currency_code: "EUR".to_owned(),
        units: 50 * i64::from(tickets),
        nanos: 0,
    }
}
