//! A frame of `WatchAvailability` that is encoded once for all its subscribers.

use bytes::{Buf, BufMut, Bytes};
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType},
};

use crate::v1::WatchAvailabilityResponse;

/// What the server sends as a `WatchAvailabilityResponse`: the shared part, already encoded, then what is each
/// stream's own.
///
/// Fields of a protobuf message may be concatenated in any split
/// (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>), so a subscriber decodes one ordinary message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AvailabilityFrame {
    shared: Bytes,
    own: WatchAvailabilityResponse,
}

impl AvailabilityFrame {
    /// A frame of `shared`, the encoding of a `WatchAvailabilityResponse` without `resume_token`, for one stream.
    #[must_use]
    pub fn new(shared: Bytes, resume_token: String) -> Self {
        let own = WatchAvailabilityResponse {
            resume_token,
            ..WatchAvailabilityResponse::default()
        };
        Self { shared, own }
    }

    /// As [`Self::new`], with what this stream includes: the last value of a field wins over one in `shared`.
    #[must_use]
    pub fn of_stream(shared: Bytes, consistency_token: String, resume_token: String) -> Self {
        let own = WatchAvailabilityResponse {
            availability: None,
            consistency_token,
            resume_token,
        };
        Self { shared, own }
    }

    /// A sign of life: a frame without a state.
    #[must_use]
    pub fn heartbeat(consistency_token: String, resume_token: String) -> Self {
        let own = WatchAvailabilityResponse {
            availability: None,
            consistency_token,
            resume_token,
        };
        Self {
            shared: Bytes::new(),
            own,
        }
    }
}

impl Message for AvailabilityFrame {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.shared);
        self.own.encode_raw(buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.own.merge_field(tag, wire_type, buf, ctx)
    }

    fn encoded_len(&self) -> usize {
        self.shared.len() + self.own.encoded_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::Availability;

    #[test]
    fn a_subscriber_decodes_one_ordinary_message() {
        let shared = WatchAvailabilityResponse {
            availability: Some(Availability {
                pool: "pools/a".into(),
                sold: 3,
                ..Availability::default()
            }),
            consistency_token: "token".into(),
            resume_token: String::new(),
        };
        let frame = AvailabilityFrame::new(shared.encode_to_vec().into(), "resume".into());
        let decoded = WatchAvailabilityResponse::decode(frame.encode_to_vec().as_slice()).unwrap();
        assert_eq!(
            decoded,
            WatchAvailabilityResponse {
                resume_token: "resume".into(),
                ..shared
            }
        );
    }
}
