//! A stream in pieces: the first byte is how long they are, the rest the stream.

use media::demux::is_named_request;
use media::limit::FRAME_BYTES_MAX;
use media::tcp::{Frames, TooLong};

pub fn run(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = frames([stream].into_iter());
    assert_eq!(whole, frames(stream.chunks(usize::from(*size).max(1))));
    assert_eq!(whole, frames(stream.chunks(1)));
    assert!(whole.0.iter().all(|frame| (1..=FRAME_BYTES_MAX).contains(&frame.len())));
    let named = whole.0.iter().filter(|frame| is_named_request(frame));
    assert!(named.into_iter().all(|frame| frame.len() >= 20 + 8 + 8));
}

/// The frames before the end of the stream, or before one that is too long.
fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Result<(), TooLong>) {
    let (mut reader, mut found) = (Frames::default(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.take() {
                Ok(Some(frame)) => found.push(frame.to_vec()),
                Ok(None) => break,
                Err(e) => return (found, Err(e)),
            }
        }
    }
    (found, Ok(()))
}
