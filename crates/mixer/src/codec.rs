//! The codecs. Each module wraps a library of C in types that nobody can misuse: what comes from outside is looked at before C sees it.

pub mod h264;
pub mod opus;
pub mod vp8;
pub mod vp9;
mod vpx;

use std::fmt;

use crate::limit;

/// Why a codec did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// The library could not be set up: no memory, or settings that it refuses.
    Setup,
    /// A picture of this width and height in pixels is larger than allowed, or empty.
    Size(u16, u16),
    /// The bytes are no frame of this codec, or a damaged one.
    Broken,
    /// The frame builds on one that was never seen.
    KeyMissing,
    /// The library failed to encode, with its own number for the reason.
    Encode(i32),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::Setup => write!(f, "the codec could not be set up"),
            CodecError::Size(width, height) => write!(f, "a picture of {width}x{height} is not allowed"),
            CodecError::Broken => write!(f, "the frame is damaged"),
            CodecError::KeyMissing => write!(f, "the frame's key frame is missing"),
            CodecError::Encode(code) => write!(f, "the encoder failed ({code})"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Whether a picture of this width and height in pixels may come in.
#[must_use]
pub fn is_size_allowed(width: u16, height: u16) -> bool {
    let pixels = u32::from(width) * u32::from(height);
    pixels > 0 && pixels <= limit::PICTURE_PIXELS_MAX && width.max(height) <= limit::PICTURE_SIDE_MAX
}
