//! Many rows in frames, so that the first ones are read while the others are still on their way.

use bytes::{Buf as _, Bytes, BytesMut};

use super::{Damaged, Unwritable, Writer};

/// How many bytes a frame has, before these.
type Length = u32;

/// Adds a frame to the bytes of others.
pub(crate) fn put(bytes: &mut Vec<u8>, frame: Writer) -> Result<(), Unwritable> {
    let frame = frame.finish()?;
    let length = Length::try_from(frame.len()).map_err(Unwritable::because)?;
    bytes.extend(length.to_be_bytes());
    bytes.extend(frame);
    Ok(())
}

/// What has come of frames, in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Frames(BytesMut);

impl Frames {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next frame, if all of it has come.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let length = Length::from_be_bytes(*self.0.first_chunk()?);
        let frame = size_of::<Length>()..size_of::<Length>() + usize::try_from(length).ok()?;
        self.0.get(frame.clone())?;
        self.0.advance(frame.start);
        Some(self.0.split_to(frame.len()).freeze())
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Damaged> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Damaged::IMPOSSIBLE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_and_in_order_however_they_are_cut() {
        let written: Vec<Vec<u8>> = (0..9).map(|n| vec![n; usize::from(n) * 3]).collect();
        let mut bytes = Vec::new();
        for frame in &written {
            let mut writer = Writer::default();
            for byte in frame {
                writer.put(byte);
            }
            put(&mut bytes, writer).unwrap();
        }
        for size in 1..=bytes.len() {
            let (mut frames, mut read) = (Frames::default(), Vec::new());
            for piece in bytes.chunks(size) {
                frames.push(piece);
                read.extend(std::iter::from_fn(|| frames.next()));
            }
            assert_eq!(read, written, "pieces of {size}");
            frames.finish().unwrap();
        }
    }
}
