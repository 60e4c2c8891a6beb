//! What a track says that it is encoded with (`stsd`).

use super::boxes::{Numbers, boxes, find};
use crate::sample::{Codec, Track};

/// Bytes of a sample entry of pictures, and of sound, before the boxes in it (ISO/IEC 14496-12, sections 12.1.3 and 12.2.3).
const PICTURE_ENTRY: usize = 78;
const SOUND_ENTRY: usize = 28;

/// Bytes that QuickTime has more, by the version of the entry.
const SOUND_ENTRY_MORE: [usize; 3] = [0, 16, 36];

/// Tags of descriptors (ISO/IEC 14496-1, section 7.2.2.1).
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;

/// Kinds of objects that are AAC (ISO/IEC 14496-1, section 7.2.6.6.2).
const AAC: [u8; 4] = [0x40, 0x66, 0x67, 0x68];

/// The track that this `stsd` describes by its first entry; none: of a kind that we cannot decode.
pub fn read(stsd: &[u8]) -> Option<Track> {
    let (_, mut entries) = Numbers::of_full(stsd)?;
    entries.u32()?;
    let entry = boxes(entries.0).next()?;
    let track = |codec, private: &[u8]| Track { codec, private: private.to_vec(), rotation: 0 };
    match &entry.name {
        b"avc1" | b"avc3" => avc(entry.data.get(PICTURE_ENTRY..)?),
        b"vp08" => Some(track(Codec::Vp8, &[])),
        b"vp09" => Some(track(Codec::Vp9, &[])),
        b"Opus" => Some(track(Codec::Opus, &[])),
        b"mp4a" => aac(sound_boxes(entry.data)?).map(|config| track(Codec::Aac, config)),
        _ => None,
    }
}

/// With lengths of four bytes before units: nobody makes others.
fn avc(boxes: &[u8]) -> Option<Track> {
    let private = find(boxes, b"avcC").filter(|private| private.get(4).is_some_and(|size| size & 3 == 3))?;
    Some(Track { codec: Codec::H264, private: private.to_vec(), rotation: 0 })
}

fn sound_boxes(entry: &[u8]) -> Option<&[u8]> {
    let version = u16::from_be_bytes(*entry.get(8..)?.first_chunk()?);
    entry.get(SOUND_ENTRY + SOUND_ENTRY_MORE.get(usize::from(version))?..)
}

/// What a decoder must know of AAC (ISO/IEC 14496-3, section 1.6.2.1).
fn aac(boxes: &[u8]) -> Option<&[u8]> {
    let esds = find(boxes, b"esds").or_else(|| find(find(boxes, b"wave")?, b"esds"))?;
    let (_, numbers) = Numbers::of_full(esds)?;
    let (_, mut stream) = descriptor(numbers.0)?;
    // The stream's own descriptor: its number, and what is there by its flags.
    let mut own = Numbers(stream);
    own.u16()?;
    let flags = own.u8()?;
    own.skip(if flags & 0x80 == 0 { 0 } else { 2 })?;
    if flags & 0x40 != 0 {
        let bytes = own.u8()?;
        own.skip(bytes.into())?;
    }
    own.skip(if flags & 0x20 == 0 { 0 } else { 2 })?;
    stream = own.0;
    let (_, config) = descriptor(stream).filter(|(tag, _)| *tag == DECODER_CONFIG)?;
    let known = config.first().is_some_and(|kind| AAC.contains(kind));
    let (_, specific) = descriptor(config.get(13..)?).filter(|(tag, _)| known && *tag == DECODER_SPECIFIC)?;
    Some(specific)
}

/// The first descriptor: its tag, and what is in it. Its size has seven bits in each byte.
fn descriptor(data: &[u8]) -> Option<(u8, &[u8])> {
    let mut numbers = Numbers(data);
    let tag = numbers.u8()?;
    let mut size = 0_usize;
    for _ in 0..4 {
        let byte = numbers.u8()?;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    numbers.0.get(..size).map(|inner| (tag, inner))
}
