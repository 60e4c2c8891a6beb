//! VP9 by libvpx: decoding only, for those who publish nothing else. Profile 0, which is what browsers send of a camera.

use super::vpx::{Decoding, Format};
use super::{CodecError, is_size_allowed};
use crate::frame::Picture;
use crate::limit;

/// What a frame says of itself before it is decoded (VP9 bitstream specification, section 7.2), as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It stands on its own and has this width and height in pixels.
    Key(u32, u32),
    /// It builds on frames before it, and has this width and height if not that of one of them.
    Delta(Option<(u32, u32)>),
}

impl Header {
    /// Reads it; none if this is no frame of VP9, or one of another profile than 0.
    #[must_use]
    pub fn of(frame: &[u8]) -> Option<Header> {
        let mut bits = Bits { bytes: frame, at: 0 };
        let (marker, profile) = (bits.take(2)?, bits.take(2)?);
        if (marker, profile) != (2, 0) {
            return None;
        }
        let shows_existing = bits.take(1)? == 1;
        if shows_existing {
            return Some(Header::Delta(None));
        }
        let (delta, shown, resilient) = (bits.take(1)? == 1, bits.take(1)? == 1, bits.take(1)? == 1);
        if !delta {
            bits.sync()?;
            bits.colour()?;
            return bits.size().map(|(width, height)| Header::Key(width, height));
        }
        let alone = !shown && bits.take(1)? == 1;
        if !resilient {
            bits.take(2)?;
        }
        if alone {
            bits.sync()?;
            bits.take(8)?;
            return bits.size().map(|size| Header::Delta(Some(size)));
        }
        // Which frames it changes; then for each of the three that it builds on: which, and on which side of it in time.
        bits.take(8 + 3 * 4)?;
        for _ in 0..3 {
            let has_its_size = bits.take(1)? == 1;
            if has_its_size {
                return Some(Header::Delta(None));
            }
        }
        bits.size().map(|size| Header::Delta(Some(size)))
    }

    fn size(self) -> Option<(u32, u32)> {
        match self {
            Header::Key(width, height) => Some((width, height)),
            Header::Delta(size) => size,
        }
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn sync(&mut self) -> Option<()> {
        (self.take(24)? == 0x49_83_42).then_some(())
    }

    /// Of profile 0: any but RGB.
    fn colour(&mut self) -> Option<()> {
        const RGB: u32 = 7;
        (self.take(3)? != RGB).then_some(())?;
        self.take(1).map(drop)
    }

    fn size(&mut self) -> Option<(u32, u32)> {
        Some((self.take(16)? + 1, self.take(16)? + 1))
    }
}

/// A decoder. After a damaged frame it wants a key frame.
#[derive(Debug)]
pub struct Vp9Decoder {
    decoding: Decoding,
    keyed: bool,
    /// Of the largest frame since the last one that stands on its own, for any of them may be built upon; and of all in the last superframe.
    largest: usize,
    pixels: usize,
    /// The frame as the library gets it.
    checked: Vec<u8>,
}

impl Vp9Decoder {
    /// A decoder that waits for its first key frame.
    ///
    /// # Errors
    /// [`CodecError::Setup`] if there is no memory for it.
    pub fn new() -> Result<Vp9Decoder, CodecError> {
        Ok(Vp9Decoder { decoding: Decoding::new(Format::Vp9)?, keyed: false, largest: 0, pixels: 0, checked: Vec::new() })
    }

    /// Decodes one frame, or the frames of one moment as a superframe. Whether there is a [`Self::picture`] now: some are not meant to be
    /// shown.
    ///
    /// # Errors
    /// Whatever is wrong with the frame. There is no picture then.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<bool, CodecError> {
        self.decoding.forget();
        if bytes.len() > limit::FRAME_BYTES_MAX {
            return Err(CodecError::Broken);
        }
        let frames = frames(bytes).ok_or(CodecError::Broken)?;
        let key = self.check(&frames)?;
        if !key && !self.keyed {
            return Err(CodecError::KeyMissing);
        }
        join(&frames, &mut self.checked);
        let shown = self.decoding.decode(&self.checked);
        self.keyed = shown.is_ok();
        shown
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

    /// Pixels that the last frame took to decode, shown or not, and all that came with it.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// What the last frame showed.
    #[must_use]
    pub fn picture(&self) -> Option<Picture<'_>> {
        self.decoding.picture()
    }

    /// Whether they begin with one that stands on its own.
    fn check(&mut self, frames: &[&[u8]]) -> Result<bool, CodecError> {
        let mut key = None;
        for frame in frames {
            let header = Header::of(frame).ok_or(CodecError::Broken)?;
            if let Some((width, height)) = header.size() {
                let [width, height] = [width, height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
                if !is_size_allowed(width, height) {
                    self.keyed = false;
                    return Err(CodecError::Size(width, height));
                }
                let before = if matches!(header, Header::Key(..)) { 0 } else { self.largest };
                self.largest = before.max(usize::from(width) * usize::from(height));
            }
            key.get_or_insert(matches!(header, Header::Key(..)));
        }
        self.pixels = frames.len() * self.largest;
        key.ok_or(CodecError::Broken)
    }
}

/// The frames of a superframe (annex B); none if its index makes no sense. What has no index is one frame.
fn frames(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let Some((mut rest, index, width)) = superframe(bytes) else { return Some(vec![bytes]) };
    let mut frames = Vec::with_capacity(limit::FRAMES_AT_ONCE_MAX);
    for size in index.chunks_exact(width) {
        let size = size.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (frame, after) = rest.split_at_checked(size)?;
        rest = after;
        frames.push(frame);
    }
    frames.retain(|frame| !frame.is_empty());
    Some(frames)
}

/// What is before the index at the end of a superframe; the sizes in it, and how many bytes each of them takes.
fn superframe(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let mark = *bytes.last().filter(|mark| **mark & 0xe0 == 0xc0)?;
    let (count, width) = (usize::from(mark & 7) + 1, usize::from(mark >> 3 & 3) + 1);
    let (before, index) = bytes.split_at(bytes.len().checked_sub(2 + count * width)?);
    (*index.first()? == mark).then_some((before, index.get(1..=count * width)?, width))
}

/// One superframe of these frames. The library takes what follows a frame without an index for another frame, whose size nobody looked
/// at; so there is always one.
fn join(frames: &[&[u8]], to: &mut Vec<u8>) {
    to.clear();
    frames.iter().for_each(|frame| to.extend_from_slice(frame));
    let mark = 0xc0 | 3 << 3 | (frames.len().saturating_sub(1) & 7) as u8;
    to.push(mark);
    frames.iter().for_each(|frame| to.extend_from_slice(&(frame.len() as u32).to_le_bytes()));
    to.push(mark);
}

#[cfg(test)]
mod tests;
