//! VP9 over RTP: RFC 9628. Only key frames and layers; its counters are forwarded as they are.

use super::{Bytes, Descriptor, Size};

const PICTURE_ID: u8 = 0x80;
const INTER_PREDICTED: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGINS: u8 = 0x08;
const STRUCTURE: u8 = 0x02;

/// RFC 9628, section 4.2.
pub(super) fn parse(payload: &[u8]) -> Option<Descriptor> {
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
    let size = if present & STRUCTURE != 0 { structure_size(&mut bytes)? } else { None };
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

/// Up to three differences, each saying whether one more follows.
fn skip_references(bytes: &mut Bytes<'_>) -> Option<()> {
    for _ in 0..3 {
        if bytes.u8()? & 1 == 0 {
            break;
        }
    }
    Some(())
}

/// The largest spatial layer of the scalability structure (RFC 9628, section 4.2.1).
fn structure_size(bytes: &mut Bytes<'_>) -> Option<Option<Size>> {
    let head = bytes.u8()?;
    let mut size = None;
    if head & 0x10 != 0 {
        for _ in 0..=head >> 5 {
            size = Some(Size { width: bytes.u16()?, height: bytes.u16()? });
        }
    }
    Some(size)
}
