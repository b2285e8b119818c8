//! Bytes, changed at random.

use rand::{RngExt as _, rngs::StdRng};

/// Random bytes, fewer more often.
pub(super) fn noise(rng: &mut StdRng) -> Vec<u8> {
    let length = 1 << rng.random_range(0..9);
    let length = rng.random_range(0..length);
    (0..length).map(|_| rng.random()).collect()
}

/// One to four changes: a bit, a byte, a part cut out, doubled, or put in, the end cut off or grown.
pub(super) fn mutate(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len());
        match rng.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            4 => {
                let part = noise(rng);
                bytes.splice(at..at, part);
            }
            5 => bytes.truncate(at),
            6 => bytes.extend(noise(rng)),
            // A length or number of the most bytes.
            _ => drop(bytes.splice(at..at, [0xff; 9])),
        }
    }
    if rng.random_ratio(1, 500) {
        bytes.resize(70_000, 0);
    }
}

/// A body that holds no frame with a request: cut short, announcing too much, compressed, or noise in a frame.
pub(super) fn no_frames(rng: &mut StdRng) -> Vec<u8> {
    let frame = |flag: u8, length: u32, data: &[u8]| {
        let mut frame = vec![flag];
        frame.extend(length.to_be_bytes());
        frame.extend(data);
        frame
    };
    // A field of a kind that there is none of, so that no noise is a message.
    let mut data = vec![0x0f];
    match rng.random_range(0..6) {
        0 => vec![0; rng.random_range(0..5)],
        1 => frame(0, rng.random_range(1..u32::MAX), b""),
        2 => frame(rng.random_range(1..=255), rng.random(), &data),
        3 => {
            data.extend(noise(rng));
            let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
            frame(0, length, &data)
        }
        4 => frame(0, 0, b""),
        _ => {
            let mut noise = noise(rng);
            noise.insert(0, 2);
            noise
        }
    }
}
