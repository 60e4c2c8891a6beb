//! The picture encoded: once for each size in which it is sent.

use super::scale::Scaler;
use crate::codec::CodecError;
use crate::codec::vp8::{Encoded, Vp8Encoder, Vp8Settings};
use crate::frame::{Colour, Frame, Picture};

/// One encoded picture of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Pixels of a row; even.
    pub width: u16,
    /// Rows; even.
    pub height: u16,
    /// Bits a second.
    pub bitrate: u32,
}

#[derive(Debug)]
pub(super) struct Streams {
    fps: u8,
    streams: Vec<One>,
}

#[derive(Debug)]
struct One {
    stream: Stream,
    encoder: Option<Vp8Encoder>,
    /// The canvas in this size, and which version of it.
    small: Option<(u64, Frame)>,
}

impl Streams {
    pub fn new(fps: u8) -> Streams {
        Streams { fps, streams: Vec::new() }
    }

    /// Encoders go on where the size stays; new ones begin when they are first used.
    pub fn set(&mut self, streams: &[Stream]) {
        let mut old = std::mem::take(&mut self.streams);
        self.streams = streams
            .iter()
            .map(|stream| {
                let same = |one: &One| (one.stream.width, one.stream.height) == (stream.width, stream.height);
                let before = old.iter().position(same).map(|at| old.swap_remove(at));
                let mut one = before.unwrap_or(One { stream: *stream, encoder: None, small: None });
                one.stream = *stream;
                if let Some(encoder) = &mut one.encoder {
                    encoder.set_bitrate(stream.bitrate);
                }
                one
            })
            .collect();
    }

    /// The encoder of a stream.
    pub fn open(&mut self, index: usize) -> Result<(), CodecError> {
        let one = self.streams.get_mut(index).ok_or(CodecError::Setup)?;
        if one.encoder.is_none() {
            let Stream { width, height, bitrate } = one.stream;
            one.encoder = Some(Vp8Encoder::new(Vp8Settings { width, height, fps: self.fps, bitrate })?);
        }
        Ok(())
    }

    /// Its next frame is made by another encoder, and stands on its own.
    pub fn remake(&mut self, index: usize) {
        self.streams.get_mut(index).into_iter().for_each(|one| one.encoder = None);
    }

    pub fn encode(
        &mut self,
        index: usize,
        canvas: &Picture<'_>,
        version: u64,
        scaler: &mut Scaler,
        pts_ms: u64,
        key: bool,
    ) -> Result<Encoded<'_>, CodecError> {
        self.open(index)?;
        let one = self.streams.get_mut(index).ok_or(CodecError::Setup)?;
        let encoder = one.encoder.as_mut().ok_or(CodecError::Setup)?;
        let (width, height) = (one.stream.width, one.stream.height);
        if canvas.size() == (usize::from(width), usize::from(height)) {
            return encoder.encode(canvas, pts_ms, key);
        }
        let (seen, small) = one.small.get_or_insert_with(|| (u64::MAX, Frame::new(width, height, Colour::BLACK)));
        if *seen != version {
            for (from, mut to) in canvas.planes().iter().zip(small.planes_mut()) {
                scaler.scale(from, &mut to);
            }
            *seen = version;
        }
        encoder.encode(&small.picture(), pts_ms, key)
    }
}
