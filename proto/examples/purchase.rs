//! Buys tickets as a checkout would: one request id for all attempts, so that no retry buys twice.
//!
//! ```sh
//! cargo run -p onsale-proto --example purchase -- opening-night customer-7 2 "$(cat /proc/sys/kernel/random/uuid)"
//! ```

use std::{env, error::Error, time::Duration};

use onsale_proto::{
    PREVIOUS_ATTEMPTS_KEY, name,
    reason::Reason,
    status::reason_of,
    v1::{
        Claim, GetAvailabilityRequest, PurchaseTicketsRequest,
        command_service_client::CommandServiceClient, query_service_client::QueryServiceClient,
    },
};
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

const ATTEMPTS_MAX: u32 = 8;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it shows what was bought")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [pool, customer, quantity, order_id] = arguments.as_slice() else {
        return Err("usage: purchase POOL CUSTOMER QUANTITY ORDER_ID".into());
    };
    let request = PurchaseTicketsRequest {
        // The caller's own id of the order, stored with it before the first attempt.
        request_id: order_id.clone(),
        pool: name::pool(pool),
        customer: customer.clone(),
        quantity: quantity.parse()?,
        ..PurchaseTicketsRequest::default()
    };

    // One connection carries many calls; a client is cheap to clone, and reconnects by itself.
    let commands = address("ONSALE_COMMAND_ADDRESS", "http://127.0.0.1:50051")?.connect_lazy();
    let (claim, token) = match purchase(CommandServiceClient::new(commands), &request).await {
        Ok(bought) => bought,
        // What a program decides on is the reason, never the text.
        Err(status) if reason_of(&status) == Some(Reason::SoldOut) => {
            println!("{}", status.message());
            return Ok(());
        }
        Err(status) => return Err(format!("{:?}: {}", status.code(), status.message()).into()),
    };
    for ticket in &claim.tickets {
        println!("bought {}", ticket.name);
    }

    // Whoever hands the token on reads what was just written, on any replica.
    let queries = address("ONSALE_QUERY_ADDRESS", "http://127.0.0.1:50052")?.connect_lazy();
    let question = GetAvailabilityRequest {
        pool: name::pool(pool),
        at_least_as_fresh: token,
    };
    let answer = QueryServiceClient::new(queries)
        .get_availability(question)
        .await?;
    let left = answer
        .into_inner()
        .availability
        .map_or(0, |counts| counts.available);
    println!("{left} tickets are left");
    Ok(())
}

/// Where a service is: what the variable says, or where `make up` starts it.
fn address(variable: &str, default: &str) -> Result<Endpoint, Box<dyn Error>> {
    let address = env::var(variable).unwrap_or_else(|_unset| default.to_owned());
    Ok(Endpoint::from_shared(address)?)
}

/// Sends the same request until its answer is definite.
async fn purchase(
    mut client: CommandServiceClient<Channel>,
    request: &PurchaseTicketsRequest,
) -> Result<(Claim, String), Status> {
    let mut pause = Duration::from_millis(50);
    let mut attempt = 1;
    loop {
        let mut call = Request::new(request.clone());
        call.set_timeout(ATTEMPT_TIMEOUT);
        // So that a refusal is for good: the first attempt may still be on its way.
        let metadata = call.metadata_mut();
        metadata.insert(PREVIOUS_ATTEMPTS_KEY, (attempt - 1).into());
        let status = match client.purchase_tickets(call).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let token = answer.receipt.unwrap_or_default().consistency_token;
                return Ok((answer.claim.unwrap_or_default(), token));
            }
            Err(status) => status,
        };
        if attempt == ATTEMPTS_MAX || !is_worth_repeating(&status) {
            return Err(status);
        }
        attempt += 1;
        // The server says when, where it knows.
        let asked = status
            .get_error_details()
            .retry_info()
            .and_then(|info| info.retry_delay);
        tokio::time::sleep(asked.unwrap_or(pause).max(pause)).await;
        pause *= 2;
    }
}

/// `UNAVAILABLE` and `DEADLINE_EXCEEDED` are the server's; the others are what a broken connection looks like.
fn is_worth_repeating(status: &Status) -> bool {
    let broken = matches!(status.code(), Code::Unknown | Code::Cancelled);
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded)
        || broken && reason_of(status).is_none()
}
