//! Messages that a server encodes or decodes in a way of its own: frames of `WatchAvailability` are encoded once for all
//! their subscribers, commands of `Execute` that cannot be read do not end their stream.

use bytes::{Buf, BufMut, Bytes};
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType},
};

use crate::v1::{ExecuteRequest, WatchAvailabilityResponse};

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

/// What the server reads as an `ExecuteRequest`: the command, or why the bytes are none. tonic ends a stream at a message
/// that it cannot decode; this one can always be decoded.
#[derive(Clone, Debug)]
pub struct ExecuteFrame(pub Result<ExecuteRequest, DecodeError>);

impl Default for ExecuteFrame {
    fn default() -> Self {
        Self(Ok(ExecuteRequest::default()))
    }
}

impl Message for ExecuteFrame {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if let Ok(request) = &self.0 {
            request.encode_raw(buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match &mut self.0 {
            Ok(request) => request.merge_field(tag, wire_type, buf, ctx),
            Err(error) => Err(error.clone()),
        }
    }

    fn decode(mut buf: impl Buf) -> Result<Self, DecodeError> {
        let request = ExecuteRequest::decode(&mut buf);
        // What is left of a message that could not be read is not the beginning of the next.
        buf.advance(buf.remaining());
        Ok(Self(request))
    }

    fn encoded_len(&self) -> usize {
        self.0.as_ref().map_or(0, Message::encoded_len)
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

    #[test]
    fn bytes_that_are_no_command_are_read_to_their_end() {
        let mut good = Bytes::from(
            ExecuteRequest {
                correlation_id: "c".into(),
                ..ExecuteRequest::default()
            }
            .encode_to_vec(),
        );
        let read = ExecuteFrame::decode(&mut good).unwrap();
        assert_eq!(read.0.unwrap().correlation_id, "c");
        let mut bad = Bytes::from_static(&[0x12, 0xff, 0xff, 0x01, 0x00]);
        assert!(ExecuteFrame::decode(&mut bad).unwrap().0.is_err());
        assert!(!bad.has_remaining());
    }
}
