//! Events as they come, as messages, until the stream ends with a status that says why.

use futures::{Stream, stream::unfold};
use onsale_proto::v1;
use tonic::Status;

use super::{convert, status};
use crate::queries::{Ended, Sent, Subscription};

/// The messages of a stream; `correlation` is what the caller can report.
pub(super) fn subscription(
    stream: Subscription,
    correlation: String,
) -> impl Stream<Item = Result<v1::SubscribeEventsResponse, Status>> {
    unfold(Some((stream, correlation)), |stream| async move {
        let (mut stream, correlation) = stream?;
        let ended = match stream.next().await {
            Ok(sent) => return Some((Ok(message(&sent)), Some((stream, correlation)))),
            Err(ended) => ended,
        };
        let status = match ended {
            Ended::With(ending) => status::of_ending(ending),
            Ended::By(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    correlation_id = correlation,
                    "a stream of events ended"
                );
                status::of_error(&error, &correlation)
            }
        };
        Some((Err(status), None))
    })
}

fn message(sent: &Sent) -> v1::SubscribeEventsResponse {
    let (event, position) = match sent {
        Sent::Event(told) => (Some(convert::event(told)), told.event.position),
        Sent::Heartbeat(position) => (None, *position),
    };
    v1::SubscribeEventsResponse {
        event,
        next_position: position.next().get(),
        consistency_token: convert::token(position),
    }
}
