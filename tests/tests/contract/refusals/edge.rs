//! What is refused before anybody looks at a pool: bytes, methods, metadata and deadlines.

use bytes::Bytes;
use onsale_proto::{ACTOR_KEY, CORRELATION_KEY, reason::Reason};
use onsale_tests::{
    caller::{Caller, claim_request},
    proxy::{Direction, Proxy},
    service::connect,
    system::System,
};
use prost::Message as _;
use tonic::{Code, Request, metadata::MetadataValue};

use crate::{
    raw,
    refused::{refused, violates},
    shop::{Shop, fresh_pool, shared},
};

const CLAIM: &str = "/onsale.v1.CommandService/ClaimTickets";

#[tokio::test]
async fn bytes_that_are_no_message_are_malformed() {
    let system = System::start().await;
    let (command, query) = (
        system.command_channel(0).await,
        system.query.channel().await,
    );
    let truncated = claim_request("abc", "c", 1).encode_to_vec();
    let truncated = &truncated[..truncated.len() - 1];
    // A field of another type, a length beyond the end, a tag of nothing, a string that is not UTF-8.
    for bytes in [
        truncated,
        b"\x0a",
        b"\x0a\x7f",
        b"\x00\x00",
        b"\x0a\x02\xff\xfe",
        &[0xff; 40],
    ] {
        let answer = raw::unary(&command, CLAIM, Request::new(bytes.to_vec())).await;
        refused(answer, Reason::MalformedMessage, &[]);
    }
    for method in [
        "/onsale.v1.QueryService/GetPool",
        "/onsale.v1.QueryService/GetAvailability",
    ] {
        let answer = raw::unary(&query, method, Request::new(b"\x0a\x7f".to_vec())).await;
        refused(answer, Reason::MalformedMessage, &[]);
    }
    let watch = "/onsale.v1.QueryService/WatchAvailability";
    let answer = raw::streaming(&query, watch, Request::new(b"\x0a\x7f".to_vec())).await;
    refused(answer, Reason::MalformedMessage, &[]);
    // A frame that says it is compressed, and a call without a message.
    for body in [&b"\x01\x00\x00\x00\x00"[..], b""] {
        let answer = raw::http2(
            &system.commands[0],
            CLAIM,
            &[],
            Some(Bytes::from_static(body)),
        )
        .await;
        refused(answer, Reason::MalformedMessage, &[]);
    }
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_too_large() {
    let system = System::start().await;
    let (command, query) = (
        system.command_channel(0).await,
        system.query.channel().await,
    );
    let large = vec![0; 64 * 1024 + 1];
    let answer = raw::unary(&command, CLAIM, Request::new(large.clone())).await;
    refused(answer, Reason::MessageTooLarge, &[]);
    let answer = raw::unary(
        &query,
        "/onsale.v1.QueryService/GetPool",
        Request::new(large),
    )
    .await;
    refused(answer, Reason::MessageTooLarge, &[]);
    // Only announced: nobody waits for 4 GiB.
    let announced = Bytes::from_static(b"\x00\xff\xff\xff\xff");
    let answer = raw::http2(&system.commands[0], CLAIM, &[], Some(announced)).await;
    refused(answer, Reason::MessageTooLarge, &[]);
}

#[tokio::test]
async fn methods_and_encodings_that_the_server_does_not_have_are_unknown() {
    let shop = shared().await;
    let channel = shop.command.channel().await;
    for path in [
        "/onsale.v1.CommandService/RefundEverything",
        "/onsale.v1.QueryService/GetPool",
        "/onsale.v2.CommandService/ClaimTickets",
        "/",
    ] {
        let answer = raw::unary(&channel, path, Request::new(Vec::new())).await;
        refused(answer, Reason::UnknownMethod, &[]);
    }
    let body = Bytes::from_static(b"\x01\x00\x00\x00\x01x");
    let answer = raw::http2(
        &shop.command,
        CLAIM,
        &[("grpc-encoding", "gzip")],
        Some(body),
    )
    .await;
    refused(answer, Reason::UnknownMethod, &[]);
}

#[tokio::test]
async fn metadata_that_names_nobody_is_an_invalid_field() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 10).await.expect("a pool");
    let long = "x".repeat(129);
    for key in [ACTOR_KEY, CORRELATION_KEY] {
        for value in ["", "a b", "tab\there", &long] {
            let mut request = Request::new(claim_request(&id, "c", 1));
            request
                .metadata_mut()
                .insert(key, value.parse().expect("a header can hold it"));
            violates(caller.commands.claim_tickets(request).await, &[key]);
        }
        let mut request = Request::new(claim_request(&id, "c", 1));
        let latin = http::HeaderValue::from_bytes(b"M\xfcller").expect("a header can hold it");
        let mut headers = http::HeaderMap::new();
        headers.insert(key, latin);
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
        violates(caller.commands.claim_tickets(request).await, &[key]);
    }
    let mut request = Request::new(claim_request(&id, "", 0));
    request
        .metadata_mut()
        .insert(ACTOR_KEY, MetadataValue::from_static("a b"));
    let answer = caller.commands.claim_tickets(request).await;
    violates(answer, &[ACTOR_KEY, "customer", "quantity"]);
}

#[tokio::test]
async fn a_deadline_that_passes_before_the_message_came_is_exceeded() {
    let shop = shared().await;
    for timeout in ["1n", "20m"] {
        // A client of another make: its own clock does not answer in the server's place.
        let answer = raw::http2(&shop.command, CLAIM, &[("grpc-timeout", timeout)], None).await;
        let refusal = refused(answer, Reason::DeadlineExceeded, &[]);
        assert_eq!(refusal.status.code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn the_details_of_equal_refusals_travel_once_over_a_connection() {
    const REFUSALS: u64 = 50;
    let shop = Shop::start(&[]).await;
    let server = shop.command.address().trim_start_matches("http://");
    let proxy = Proxy::to_address(server.to_owned()).await;
    let channel = connect(&format!("http://{}", proxy.address())).await;
    let mut caller = Caller::new(channel.clone(), channel);
    caller.create_pool("gone", 1).await.expect("a new name");
    caller.purchase("gone", "first", 1).await.expect("a place");
    let first = caller.claim("gone", "late", 1).await.expect_err("sold out");
    let before = proxy.forwarded(Direction::ToClient);
    for _ in 0..REFUSALS {
        let again = caller.claim("gone", "late", 1).await.expect_err("sold out");
        assert_eq!(again.details(), first.details());
    }
    let each = (proxy.forwarded(Direction::ToClient) - before) / REFUSALS;
    let details = u64::try_from(first.details().len()).expect("a few hundred bytes");
    assert!(
        each < details / 2,
        "{each} bytes, with details of {details}"
    );
}
