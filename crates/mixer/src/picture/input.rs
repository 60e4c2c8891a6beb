//! What one input sends, decoded.

use super::{Rotation, VideoCodec, VideoFrame};
use crate::codec::CodecError;
use crate::codec::h264::H264Decoder;
use crate::codec::vp8::Vp8Decoder;
use crate::codec::vp9::Vp9Decoder;
use crate::frame::{Frame, Picture};
use crate::limit;

/// An input that is shown.
#[derive(Debug, Default)]
pub(super) struct Input {
    decoder: Option<Decoder>,
    /// A picture that somebody else decoded; what is decoded here goes before it.
    given: Option<Frame>,
    rotation: Rotation,
    /// Whether there is a picture that was not drawn yet.
    fresh: bool,
    /// Frames since the last picture of ours.
    ahead: u32,
}

#[derive(Debug)]
enum Decoder {
    Vp8(Vp8Decoder),
    Vp9(Vp9Decoder),
    H264(H264Decoder),
}

impl Input {
    /// Decodes a frame, which is the input's picture then.
    pub fn push(&mut self, frame: &VideoFrame<'_>) -> Result<(), CodecError> {
        self.ahead += 1;
        let decoder = decoder_for(&mut self.decoder, frame.codec)?;
        if self.ahead > limit::FRAMES_AHEAD_MAX {
            decoder.wait_for_key();
            return Err(CodecError::Broken);
        }
        let shown = decoder.decode(frame.bytes)?;
        self.given = None;
        self.rotation = frame.rotation;
        self.fresh |= shown;
        Ok(())
    }

    /// This is its picture now.
    pub fn give(&mut self, frame: Frame, rotation: Rotation) {
        (self.given, self.rotation, self.fresh) = (Some(frame), rotation, true);
    }

    pub fn is_key_wanted(&self) -> bool {
        match &self.decoder {
            None => true,
            Some(Decoder::Vp8(decoder)) => decoder.is_key_wanted(),
            Some(Decoder::Vp9(decoder)) => decoder.is_key_wanted(),
            Some(Decoder::H264(decoder)) => decoder.is_key_wanted(),
        }
    }

    /// Nothing that comes before the next key frame is decoded.
    pub fn wait_for_key(&mut self) {
        self.decoder.iter_mut().for_each(Decoder::wait_for_key);
    }

    /// Pixels that the last frame took to decode.
    pub fn pixels(&self) -> usize {
        self.decoder.as_ref().map_or(0, Decoder::pixels)
    }

    /// The last picture, and how it must be turned. None before the first one, and after a damaged frame.
    pub fn picture(&self) -> Option<(Picture<'_>, Rotation)> {
        if let Some(given) = &self.given {
            return Some((given.picture(), self.rotation));
        }
        let picture = match self.decoder.as_ref()? {
            Decoder::Vp8(decoder) => decoder.picture(),
            Decoder::Vp9(decoder) => decoder.picture(),
            Decoder::H264(decoder) => decoder.picture(),
        };
        picture.map(|picture| (picture, self.rotation))
    }

    /// Whether the picture is one that was not drawn yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The picture was drawn.
    pub fn settle(&mut self) {
        self.fresh = false;
        self.ahead = 0;
    }
}

impl Decoder {
    fn codec(&self) -> VideoCodec {
        match self {
            Decoder::Vp8(_) => VideoCodec::Vp8,
            Decoder::Vp9(_) => VideoCodec::Vp9,
            Decoder::H264(_) => VideoCodec::H264,
        }
    }

    fn decode(&mut self, frame: &[u8]) -> Result<bool, CodecError> {
        match self {
            Decoder::Vp8(decoder) => decoder.decode(frame),
            Decoder::Vp9(decoder) => decoder.decode(frame),
            Decoder::H264(decoder) => decoder.decode(frame),
        }
    }

    fn pixels(&self) -> usize {
        match self {
            Decoder::Vp8(decoder) => decoder.pixels(),
            Decoder::Vp9(decoder) => decoder.pixels(),
            Decoder::H264(decoder) => decoder.pixels(),
        }
    }

    fn wait_for_key(&mut self) {
        match self {
            Decoder::Vp8(decoder) => decoder.wait_for_key(),
            Decoder::Vp9(decoder) => decoder.wait_for_key(),
            Decoder::H264(decoder) => decoder.wait_for_key(),
        }
    }
}

/// The decoder that there is, or a new one if the input changed its codec.
fn decoder_for(slot: &mut Option<Decoder>, codec: VideoCodec) -> Result<&mut Decoder, CodecError> {
    if slot.as_ref().map(Decoder::codec) != Some(codec) {
        *slot = Some(match codec {
            VideoCodec::Vp8 => Decoder::Vp8(Vp8Decoder::new()?),
            VideoCodec::Vp9 => Decoder::Vp9(Vp9Decoder::new()?),
            VideoCodec::H264 => Decoder::H264(H264Decoder::new()?),
        });
    }
    slot.as_mut().ok_or(CodecError::Setup)
}
