//! A request that is encoded once and then only stamped: each copy gets a request id and a customer of its own.

use bytes::Bytes;
use onsale_proto::v1::{self, execute_request::Command};
use prost::Message;

use crate::caller::{claim_request, purchase_request};

/// A UUID of version 4 whose last twelve digits are the request's number.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
/// The request's number in it.
const NUMBER_DIGITS: usize = 12;
/// A customer whose last digits are the request's number, modulo [`CUSTOMERS`].
const CUSTOMER: &str = "customer-000000";
/// The digits in it.
const CUSTOMER_DIGITS: usize = 6;
/// As many customers take turns.
const CUSTOMERS: u64 = 1_000_000;
/// What gRPC puts before each message: a flag (not compressed) and the length.
pub const PREFIX_BYTES: usize = 5;

/// An encoded request, with the places that differ from one copy to the next.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Where the request id and the customer are; none in a message that says neither.
    stamps: Option<Stamps>,
}

/// Where a copy is stamped.
#[derive(Clone, Copy, Debug)]
struct Stamps {
    request_id_at: usize,
    customer_at: usize,
}

impl Template {
    /// Copies of a command, as it goes through `Execute`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn command(command: Command) -> anyhow::Result<Self> {
        Self::new(&v1::ExecuteRequest {
            command: Some(command),
            ..v1::ExecuteRequest::default()
        })
    }

    /// Copies of a message that has the unstamped request id and customer: [`claim`], [`purchase`].
    ///
    /// # Errors
    /// It does not have them.
    pub fn new(message: &impl Message) -> anyhow::Result<Self> {
        let bytes = framed(message)?;
        let end_of = |text: &str| {
            let found = bytes
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            found
                .map(|at| at + text.len())
                .ok_or_else(|| anyhow::anyhow!("the request does not say {text}"))
        };
        let stamps = Stamps {
            request_id_at: end_of(REQUEST_ID)? - NUMBER_DIGITS,
            customer_at: end_of(CUSTOMER)? - CUSTOMER_DIGITS,
        };
        Ok(Self {
            stamps: Some(stamps),
            bytes,
        })
    }

    /// Copies of a message that all are the same.
    ///
    /// # Errors
    /// It is longer than gRPC's prefix can say.
    pub fn fixed(message: &impl Message) -> anyhow::Result<Self> {
        Ok(Self {
            bytes: framed(message)?,
            stamps: None,
        })
    }

    /// Request number `number`, as it goes onto the wire.
    #[must_use]
    pub fn stamped(&self, number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        self.stamp(&mut bytes, number);
        bytes.into()
    }

    /// As [`Self::stamped`], after what `buffer` holds already.
    pub fn append_to(&self, buffer: &mut Vec<u8>, number: u64) {
        let start = buffer.len();
        buffer.extend_from_slice(&self.bytes);
        if let Some(copy) = buffer.get_mut(start..) {
            self.stamp(copy, number);
        }
    }

    fn stamp(&self, copy: &mut [u8], number: u64) {
        let Some(stamps) = self.stamps else { return };
        write_digits(copy, stamps.request_id_at, NUMBER_DIGITS, 16, number);
        let customer = number % CUSTOMERS;
        write_digits(copy, stamps.customer_at, CUSTOMER_DIGITS, 10, customer);
    }
}

/// A claim of `quantity` tickets of a pool, to be stamped.
#[must_use]
pub fn claim(pool: &str, quantity: u32) -> v1::ClaimTicketsRequest {
    v1::ClaimTicketsRequest {
        request_id: REQUEST_ID.to_owned(),
        ..claim_request(pool, CUSTOMER, quantity)
    }
}

/// A purchase of `quantity` tickets of a pool, to be stamped.
#[must_use]
pub fn purchase(pool: &str, quantity: u32) -> v1::PurchaseTicketsRequest {
    v1::PurchaseTicketsRequest {
        request_id: REQUEST_ID.to_owned(),
        ..purchase_request(pool, CUSTOMER, quantity)
    }
}

/// The number that a request id of [`Template::stamped`] carries.
#[must_use]
pub fn number_of(request_id: &[u8]) -> Option<u64> {
    let digits = request_id.get(request_id.len().checked_sub(NUMBER_DIGITS)?..)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A message with its prefix, as gRPC sends it.
///
/// # Errors
/// It is longer than the prefix can say.
pub fn framed(message: &impl Message) -> anyhow::Result<Vec<u8>> {
    let length = message.encoded_len();
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + length);
    bytes.push(0);
    bytes.extend_from_slice(&u32::try_from(length)?.to_be_bytes());
    message.encode(&mut bytes)?;
    Ok(bytes)
}

/// The message of an answer to a unary call.
///
/// # Errors
/// The bytes are not that message.
pub fn unframed<M: Message + Default>(body: &[u8]) -> anyhow::Result<M> {
    Ok(M::decode(body.get(PREFIX_BYTES..).unwrap_or_default())?)
}

fn write_digits(bytes: &mut [u8], at: usize, count: usize, radix: u64, mut number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in bytes.iter_mut().skip(at).take(count).rev() {
        let value = usize::try_from(number % radix).unwrap_or(0);
        *digit = DIGITS.get(value).copied().unwrap_or(b'0');
        number /= radix;
    }
}

/// The request to buy a claim, as it goes onto the wire.
///
/// # Errors
/// None in practice.
pub fn buy(claim: &str, number: u64) -> anyhow::Result<Bytes> {
    let request = v1::BuyTicketsRequest {
        request_id: format!("00000000-0000-4000-9000-{number:012x}"),
        claim: claim.to_owned(),
        ..v1::BuyTicketsRequest::default()
    };
    Ok(framed(&request)?.into())
}

/// The names of so many pools of equal length.
#[must_use]
pub fn pool_ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("pool-{n:04}")).collect()
}

#[cfg(test)]
mod tests {
    use onsale_proto::name;

    use super::*;

    #[test]
    fn each_copy_is_a_valid_request_of_its_own() {
        let template = Template::new(&claim("hot", 2)).unwrap();
        for number in [0, 7, 0xabc_def0_1234, 1_234_567] {
            let copy = template.stamped(number);
            let request: v1::ClaimTicketsRequest = unframed(&copy).unwrap();
            let id: uuid::Uuid = request.request_id.parse().unwrap();
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(number_of(request.request_id.as_bytes()), Some(number));
            let customer = format!("customer-{:06}", number % CUSTOMERS);
            assert_eq!(
                (request.customer, request.quantity, request.pool),
                (customer, 2, name::pool("hot"))
            );
            let mut buffer = b"before".to_vec();
            template.append_to(&mut buffer, number);
            assert_eq!(buffer[6..], copy[..]);
        }
    }
}
