//! VP8 over RTP: RFC 7741.

use str0m::rtp::Vp8Descriptor;

use super::{Bytes, Descriptor, Size};

/// The counters in a VP8 payload descriptor (RFC 7741, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8 {
    /// Number of the frame.
    pub picture: Option<Picture>,
    /// Number of the last frame of the lowest temporal layer, counted in 8 bits.
    pub tl0: Option<u8>,
}

impl Vp8 {
    /// Writes these in place of a payload's own, which has the same ones, as wide. What is not there stays out.
    pub fn write(&self, payload: &mut [u8]) {
        /// The first byte, and what it says is present.
        const HEAD: usize = 2;
        let wide = self.picture.is_some_and(|picture| picture.bits > 7);
        if let (Some(Picture { id, .. }), Some(place)) = (self.picture, payload.get_mut(HEAD)) {
            *place = if wide { 0x80 | (id >> 8) as u8 } else { id as u8 & 0x7f };
        }
        if let (Some(Picture { id, .. }), Some(place)) = (self.picture.filter(|_| wide), payload.get_mut(HEAD + 1)) {
            *place = id as u8;
        }
        let after = HEAD + usize::from(self.picture.is_some()) + usize::from(wide);
        if let (Some(tl0), Some(place)) = (self.tl0, payload.get_mut(after)) {
            *place = tl0;
        }
    }
}

/// The number of a frame, as wide as its sender writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Counts every frame of the stream, and wraps.
    pub id: u16,
    /// 7 or 15.
    pub bits: u8,
}

/// What a key frame's first bytes are followed by (RFC 6386, section 9.1).
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

/// What follows the descriptor: a part of a frame.
pub(crate) fn frame_part(payload: &[u8]) -> Option<&[u8]> {
    Layers::read(payload).map(|layers| layers.rest)
}

pub(super) fn parse(payload: &[u8]) -> Option<Descriptor> {
    let place = Vp8Descriptor::parse(payload).ok()?;
    let layers = Layers::read(payload)?;
    let begins = layers.first & 0x17 == 0x10;
    let size = place.starts_keyframe(payload).then(|| key_frame_size(layers.rest)).flatten();
    let picture = place.picture_id().zip(layers.picture_bits).map(|(id, bits)| Picture { id, bits });
    Some(Descriptor {
        keyframe: size.is_some(),
        self_contained: size.is_some(),
        starts_frame: begins,
        empty: false,
        size,
        temporal: layers.temporal,
        layer_sync: layers.sync,
        vp8: Some(Vp8 { picture, tl0: place.tl0_pic_idx() }),
    })
}

/// The parts of the payload descriptor that the library keeps to itself.
struct Layers<'a> {
    first: u8,
    picture_bits: Option<u8>,
    temporal: Option<u8>,
    sync: bool,
    rest: &'a [u8],
}

impl<'a> Layers<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(payload);
        let first = bytes.u8()?;
        let mut layers = Layers { first, picture_bits: None, temporal: None, sync: false, rest: &[] };
        let present = if first & 0x80 != 0 { bytes.u8()? } else { 0 };
        if present & 0x80 != 0 {
            let wide = bytes.u8()? & 0x80 != 0;
            layers.picture_bits = Some(if wide { 15 } else { 7 });
            if wide {
                bytes.u8()?;
            }
        }
        if present & 0x40 != 0 {
            bytes.u8()?;
        }
        if present & 0x30 != 0 {
            let octet = bytes.u8()?;
            layers.temporal = (present & 0x20 != 0).then_some(octet >> 6);
            layers.sync = present & 0x20 != 0 && octet & 0x20 != 0;
        }
        layers.rest = bytes.0;
        Some(layers)
    }
}

/// From the header of a key frame (RFC 6386, section 9.1): 14 bits each, below 2 bits of scaling.
fn key_frame_size(frame: &[u8]) -> Option<Size> {
    let code = frame.get(3..6)?;
    let dimensions: [u8; 4] = frame.get(6..10)?.try_into().ok()?;
    let [a, b, c, d] = dimensions;
    let size = Size { width: u16::from_le_bytes([a, b]) & 0x3fff, height: u16::from_le_bytes([c, d]) & 0x3fff };
    (code == START_CODE).then_some(size)
}
