//! VP9 over RTP: RFC 9628. Only key frames and layers; its counters are forwarded as they are.

use super::{Bytes, Descriptor, Size};

const PICTURE_ID: u8 = 0x80;
const INTER_PREDICTED: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGINS: u8 = 0x08;
const STRUCTURE: u8 = 0x02;

/// What a payload descriptor is followed by: a part of a frame. Frames of several layers may be of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub bytes: &'a [u8],
    /// It is the first of its frame.
    pub begins: bool,
}

/// What follows the descriptor.
pub(crate) fn frame_part(payload: &[u8]) -> Option<Part<'_>> {
    let head = Head::read(payload)?;
    Some(Part { bytes: head.rest, begins: head.present & BEGINS != 0 })
}

pub(super) fn parse(payload: &[u8]) -> Option<Descriptor> {
    let Head { present, layers, size, .. } = Head::read(payload)?;
    let lowest = layers.is_none_or(|octet| octet & 0x0e == 0);
    let starts_frame = present & BEGINS != 0 && lowest;
    let keyframe = starts_frame && present & INTER_PREDICTED == 0;
    Some(Descriptor {
        keyframe,
        self_contained: keyframe,
        starts_frame,
        size,
        temporal: layers.map(|octet| octet >> 5),
        layer_sync: layers.is_some_and(|octet| octet & 0x10 != 0),
        ..Descriptor::default()
    })
}

/// A payload descriptor (RFC 9628, section 4.2).
struct Head<'a> {
    present: u8,
    layers: Option<u8>,
    size: Option<Size>,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(payload);
        let present = bytes.u8()?;
        if present & PICTURE_ID != 0 && bytes.u8()? & 0x80 != 0 {
            bytes.u8()?;
        }
        let layers = if present & LAYERS != 0 { Some(bytes.u8()?) } else { None };
        if present & (LAYERS | FLEXIBLE) == LAYERS {
            bytes.u8()?;
        }
        if present & (FLEXIBLE | INTER_PREDICTED) == FLEXIBLE | INTER_PREDICTED {
            skip_references(&mut bytes)?;
        }
        let size = if present & STRUCTURE != 0 { read_structure(&mut bytes)? } else { None };
        Some(Head { present, layers, size, rest: bytes.0 })
    }
}

/// Up to three differences, each saying whether one more follows.
fn skip_references(bytes: &mut Bytes<'_>) -> Option<()> {
    for _ in 0..3 {
        if bytes.u8()? & 1 == 0 {
            break;
        }
    }
    Some(())
}

/// The scalability structure (RFC 9628, section 4.2.1); the size of its largest spatial layer.
fn read_structure(bytes: &mut Bytes<'_>) -> Option<Option<Size>> {
    let head = bytes.u8()?;
    let mut size = None;
    if head & 0x10 != 0 {
        for _ in 0..=head >> 5 {
            size = Some(Size { width: bytes.u16()?, height: bytes.u16()? });
        }
    }
    if head & 0x08 != 0 {
        for _ in 0..bytes.u8()? {
            let references = bytes.u8()? >> 2 & 3;
            (0..references).try_for_each(|_| bytes.u8().map(drop))?;
        }
    }
    Some(size)
}
