//! H264 by openh264: decoding for those who publish nothing else, encoding for files.

mod encoder;
mod sps;

use openh264::OpenH264API;
use openh264::decoder::{DecodedYUV, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use super::{CodecError, is_size_allowed};
use crate::frame::{Colour, Frame, Picture, Plane};
use crate::limit;

pub use encoder::{H264Encoder, H264Settings};
pub use sps::Sps;

/// Kinds of units (ITU-T H.264, table 7-1).
mod unit {
    pub const SLICE: u8 = 1;
    pub const IDR: u8 = 5;
    pub const SPS: u8 = 7;
    pub const SUBSET_SPS: u8 = 15;
}

/// What a frame says of itself before it is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    /// It stands on its own, or would if it had its parameters.
    idr: bool,
    /// It has parameters.
    sps: bool,
    /// Pixels of the largest picture that they allow.
    pixels: usize,
    /// How many pictures begin in it.
    pictures: usize,
}

/// A decoder. After a damaged frame it wants a key frame.
pub struct H264Decoder {
    library: Decoder,
    frame: Frame,
    shown: bool,
    keyed: bool,
    /// Whether it ever had parameters that are within the limits.
    described: bool,
    /// Of the largest picture that it ever had parameters for, and of all pictures in the last frame.
    largest: usize,
    pixels: usize,
}

impl std::fmt::Debug for H264Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("H264Decoder").field("keyed", &self.keyed).finish_non_exhaustive()
    }
}

impl H264Decoder {
    /// A decoder that waits for its first key frame.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for it.
    pub fn new() -> Result<H264Decoder, CodecError> {
        // Browsers send no frame that is shown later than it is decoded; what of a file is held back comes with the next ones.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let library = Decoder::with_api_config(OpenH264API::from_source(), config).map_err(|_| CodecError::Setup)?;
        let frame = Frame::new(2, 2, Colour::BLACK);
        Ok(H264Decoder { library, frame, shown: false, keyed: false, described: false, largest: 0, pixels: 0 })
    }

    /// Decodes one whole frame, with start codes before its units (ITU-T H.264, annex B). Whether there is a [`Self::picture`] now.
    ///
    /// # Errors
    /// Whatever is wrong with the frame. There is no picture then.
    pub fn decode(&mut self, frame: &[u8]) -> Result<bool, CodecError> {
        self.shown = false;
        let header = header(frame)?;
        self.described |= header.sps;
        self.largest = self.largest.max(header.pixels);
        self.pixels = self.largest * header.pictures.max(1);
        if !self.described || !(self.keyed || header.idr) {
            return Err(CodecError::KeyMissing);
        }
        let Ok(decoded) = self.library.decode(frame) else {
            self.keyed = false;
            return Err(CodecError::Broken);
        };
        let picture = decoded.as_ref().map(picture_of).transpose();
        self.shown = picture.as_ref().is_ok_and(Option::is_some);
        self.keyed = picture.is_ok();
        if let Some(picture) = picture? {
            keep(&mut self.frame, &picture);
        }
        Ok(self.shown)
    }

    /// The pictures that were held back because others may have come before them, in their order. Files have such, browsers never.
    pub fn finish(&mut self) -> Vec<Frame> {
        self.keyed = false;
        let Ok(held) = self.library.flush_remaining() else { return Vec::new() };
        let copy = |decoded: &DecodedYUV<'_>| {
            let picture = picture_of(decoded).ok()?;
            let mut frame = Frame::new(2, 2, Colour::BLACK);
            keep(&mut frame, &picture);
            Some(frame)
        };
        held.iter().filter_map(copy).collect()
    }

    /// Nothing that comes before the next key frame is decoded, because something in between was left out.
    pub fn wait_for_key(&mut self) {
        self.keyed = false;
    }

    /// Whether only a key frame would be decoded now.
    #[must_use]
    pub fn is_key_wanted(&self) -> bool {
        !self.keyed
    }

    /// Pixels that the last frame took to decode, shown or not.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// What the last frame showed.
    #[must_use]
    pub fn picture(&self) -> Option<Picture<'_>> {
        self.shown.then(|| self.frame.picture())
    }
}

fn header(frame: &[u8]) -> Result<Header, CodecError> {
    if frame.len() > limit::FRAME_BYTES_MAX {
        return Err(CodecError::Broken);
    }
    let mut header = Header::default();
    for unit in units(frame) {
        let kind = unit.first().map(|first| first & 0x1f);
        if matches!(kind, Some(unit::SLICE | unit::IDR)) {
            header.pictures += usize::from(begins_picture(unit));
        }
        match kind {
            Some(unit::IDR) => header.idr = true,
            Some(unit::SPS | unit::SUBSET_SPS) => {
                let sps = Sps::parse(unit).ok_or(CodecError::Broken)?;
                if !is_size_allowed(sps.width, sps.height) || sps.reference_pixels() > limit::REFERENCE_PIXELS_MAX {
                    return Err(CodecError::Size(sps.width, sps.height));
                }
                header.sps = true;
                header.pixels = header.pixels.max(usize::from(sps.width) * usize::from(sps.height));
            }
            _ => {}
        }
    }
    if header.pictures > limit::FRAMES_AT_ONCE_MAX { Err(CodecError::Broken) } else { Ok(header) }
}

/// Whether a slice's first block is the picture's first: a zero, which is one bit that is set (7.3.3, 9.1).
fn begins_picture(slice: &[u8]) -> bool {
    slice.get(1).is_some_and(|bits| bits & 0x80 != 0)
}

/// The units between start codes. What stands before the first start code is none.
fn units(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(frame);
    std::iter::from_fn(move || {
        let unit = rest?;
        rest = after_start_code(unit);
        let end = rest.map_or(unit.len(), |rest| unit.len() - rest.len() - 3);
        unit.get(..end)
    })
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    let at = bytes.windows(3).position(|three| three == [0, 0, 1])?;
    bytes.get(at + 3..)
}

/// The picture as the library holds it, if it is one that may come in.
fn picture_of<'a>(decoded: &'a DecodedYUV<'_>) -> Result<Picture<'a>, CodecError> {
    let (width, height) = decoded.dimensions();
    let small = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    if !is_size_allowed(small(width), small(height)) {
        return Err(CodecError::Size(small(width), small(height)));
    }
    let (y, u, v) = decoded.strides();
    let plane = |bytes: &'a [u8], stride: usize, width: usize, height: usize| Plane { bytes, stride, width, height };
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    Ok(Picture {
        y: plane(decoded.y(), y, width, height),
        u: plane(decoded.u(), u, half_width, half_height),
        v: plane(decoded.v(), v, half_width, half_height),
    })
}

/// The library's picture lives no longer than its borrow.
fn keep(frame: &mut Frame, picture: &Picture<'_>) {
    let (width, height) = picture.size();
    if frame.size() != (width, height) {
        *frame = Frame::new(width as u16, height as u16, Colour::BLACK);
    }
    frame.copy_from(picture);
}

#[cfg(test)]
mod tests;
