//! Questions for events, in few words.

use onsale_proto::{ACTOR_KEY, CORRELATION_KEY, name, v1};
use onsale_tests::caller::Caller;
use tonic::{Request, Status};

/// All events of a pool, at least as fresh as a token.
pub(super) fn of_pool(pool: &str, token: &str) -> v1::ReadEventsRequest {
    v1::ReadEventsRequest {
        pool: name::pool(pool),
        at_least_as_fresh: token.to_owned(),
        ..Default::default()
    }
}

/// A command of somebody's, in a conversation.
pub(super) fn sent<T>(message: T, actor: &str, conversation: &str) -> Request<T> {
    let mut request = Request::new(message);
    for (key, value) in [(ACTOR_KEY, actor), (CORRELATION_KEY, conversation)] {
        let value = value.parse().expect("a header can hold it");
        request.metadata_mut().insert(key, value);
    }
    request
}

/// The events of a question, all pages of it.
pub(super) async fn all(caller: &mut Caller, request: &v1::ReadEventsRequest) -> Vec<v1::Event> {
    let (mut events, mut request) = (Vec::new(), request.clone());
    loop {
        let page = page(caller, &request).await.expect("a page");
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        request.page_token = page.next_page_token;
    }
}

pub(super) async fn page(
    caller: &mut Caller,
    request: &v1::ReadEventsRequest,
) -> Result<v1::ReadEventsResponse, Status> {
    let answer = caller.queries.read_events(request.clone()).await;
    answer.map(tonic::Response::into_inner)
}

/// How an event came about.
pub(super) async fn trace(caller: &mut Caller, event: &str) -> v1::TraceEventResponse {
    let request = v1::TraceEventRequest {
        event_id: event.to_owned(),
        ..Default::default()
    };
    let answer = caller.queries.trace_event(request).await;
    answer.expect("an event").into_inner()
}

pub(super) fn types(events: &[v1::Event]) -> Vec<&str> {
    events.iter().map(|event| event.r#type.as_str()).collect()
}

pub(super) fn positions(events: &[v1::Event]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

/// Who caused an event, from where, and why.
pub(super) fn origin(event: &v1::Event) -> &v1::EventOrigin {
    event.origin.as_ref().expect("every event has an origin")
}

/// The token of what a command recorded.
pub(super) fn token(receipt: Option<v1::Receipt>) -> String {
    receipt.expect("a receipt").consistency_token
}
