//! What a load calls: which method, with which requests, and which answers it expects.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use onsale_proto::{reason::Reason, status::reason_of};
use prost::Message;
use tonic::Status;

use super::{
    connection::{Answer, Method},
    template::Template,
};

/// Of each so many refusals one is looked at closely: is it the refusal that is expected?
const LOOKED_AT: u64 = 64;
/// What is said of an answer that should be a refusal.
const NOT_REFUSED: &str = "answered, and had to be refused";

/// An endless supply of requests.
#[derive(Debug)]
pub struct Calls {
    /// What is called.
    pub method: Method,
    templates: Vec<Template>,
    /// Which template comes next, over and over.
    order: Vec<usize>,
    next: AtomicUsize,
    refusal: Option<Reason>,
    refusals: AtomicU64,
}

/// The numbers of requests, of all loads of this program: none comes twice.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Calls {
    /// The same request each time, but for its id and its customer.
    #[must_use]
    pub fn of(method: Method, template: Template) -> Self {
        Self::in_order(method, vec![template], vec![0])
    }

    /// The same request each time.
    ///
    /// # Errors
    /// It is longer than gRPC's prefix can say.
    pub fn fixed(method: Method, message: &impl Message) -> anyhow::Result<Self> {
        Ok(Self::of(method, Template::fixed(message)?))
    }

    /// Requests in this order of templates, over and over.
    #[must_use]
    pub const fn in_order(method: Method, templates: Vec<Template>, order: Vec<usize>) -> Self {
        Self {
            method,
            templates,
            order,
            next: AtomicUsize::new(0),
            refusal: None,
            refusals: AtomicU64::new(0),
        }
    }

    /// Every request has to be refused for this reason.
    #[must_use]
    pub fn refused(mut self, reason: Reason) -> Self {
        self.refusal = Some(reason);
        self
    }

    /// The template of the next request, and the request's number.
    #[must_use]
    pub fn next_template(&self) -> (&Template, u64) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.order.len();
        let template = &self.templates[self.order[turn]];
        (template, number())
    }

    /// The next request.
    #[must_use]
    pub fn next(&self) -> Bytes {
        let (template, number) = self.next_template();
        template.stamped(number)
    }

    /// Whether this is the answer that is expected; otherwise, what it says.
    ///
    /// # Errors
    /// What the answer says.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        let as_expected = match self.refusal {
            None => answer.is_ok(),
            Some(_) if answer.is_ok() => false,
            Some(reason) => {
                let count = self.refusals.fetch_add(1, Ordering::Relaxed);
                match count % LOOKED_AT {
                    0 => answer.reason() == Some(reason),
                    _ => answer.is_refused(),
                }
            }
        };
        match as_expected {
            true => Ok(()),
            false if answer.is_ok() => Err(NOT_REFUSED.to_owned()),
            false => Err(answer.error()),
        }
    }

    /// As [`Self::check`], of an answer that came through a stream.
    ///
    /// # Errors
    /// What the answer says.
    pub fn check_outcome(&self, outcome: Result<(), &Status>) -> Result<(), String> {
        match (outcome, self.refusal) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(_)) => Err(NOT_REFUSED.to_owned()),
            (Err(status), Some(reason)) if reason_of(status) == Some(reason) => Ok(()),
            (Err(status), _) => Err(format!("{:?}: {}", status.code(), status.message())),
        }
    }
}

/// A number that no other request of this program has.
#[must_use]
pub fn number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}
