//! What a container has to say of H.264: where units begin and end, and what the parameter sets tell.

use crate::bits::Bits;
use crate::picture::Size;

/// Unit types (ITU-T H.264, table 7-1).
const IDR: u8 = 5;
const SEQUENCE: u8 = 7;
const PICTURE: u8 = 8;

/// Profiles whose parameter sets say more about colour (section 7.3.2.1.1).
const PROFILES_WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Bytes before each unit that say how long it is.
const LENGTH: usize = 4;

/// The units of a frame that has each after its length in four bytes. Ends where that makes no sense.
pub fn units(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frame;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<LENGTH>()?;
        let (unit, next) = tail.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
        rest = next;
        Some(unit)
    })
}

/// The units of a stream that has a start code before each (ITU-T H.264, annex B).
pub fn units_of_stream(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = stream.get(start_code(stream).unwrap_or(stream.len())..).unwrap_or_default();
    std::iter::from_fn(move || {
        let body = rest.get(3..)?;
        let end = start_code(body).unwrap_or(body.len());
        let (unit, next) = body.split_at_checked(end)?;
        rest = next;
        // Zeros before a start code belong to it.
        let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
        unit.get(..unit.len() - zeros)
    })
    .filter(|unit| !unit.is_empty())
}

/// A frame of a stream with start codes, as files have it: each unit after its length.
#[must_use]
pub fn with_lengths(stream: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(stream.len() + LENGTH);
    for unit in units_of_stream(stream) {
        // No frame is that long.
        frame.extend(u32::try_from(unit.len()).unwrap_or(0).to_be_bytes());
        frame.extend_from_slice(unit);
    }
    frame
}

/// A frame of a file, as streams have it: with a start code before each unit. Before one that a decoder can start with stand the
/// parameter sets of the track (ISO/IEC 14496-15, section 5.3.3.1), unless it has its own.
#[must_use]
pub fn with_start_codes(private: &[u8], frame: &[u8]) -> Vec<u8> {
    let bare = is_keyframe(units(frame)) && !units(frame).any(|unit| kind(unit) == Some(SEQUENCE));
    let sets = if bare { parameter_sets(private) } else { Vec::new() };
    let mut stream = Vec::with_capacity(frame.len() + sets.iter().map(|set| set.len() + LENGTH).sum::<usize>());
    for unit in sets.into_iter().chain(units(frame)) {
        stream.extend([0, 0, 0, 1]);
        stream.extend_from_slice(unit);
    }
    stream
}

/// A frame of a file without the parameter sets that stand in its track anyway.
#[must_use]
pub fn without_sets(private: &[u8], frame: &[u8]) -> Vec<u8> {
    let sets = parameter_sets(private);
    let mut bare = Vec::with_capacity(frame.len());
    for unit in units(frame).filter(|unit| !sets.contains(unit)) {
        bare.extend(u32::try_from(unit.len()).unwrap_or(0).to_be_bytes());
        bare.extend_from_slice(unit);
    }
    bare
}

/// Whether a decoder can start with these units, given the parameter sets.
#[must_use]
pub fn is_keyframe<'a>(mut units: impl Iterator<Item = &'a [u8]>) -> bool {
    units.any(|unit| kind(unit) == Some(IDR))
}

/// The parameter sets among these units, for who is to decode them (ISO/IEC 14496-15, section 5.3.3.1); none: they are not there.
#[must_use]
pub fn private<'a>(units: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let (mut sequence, mut picture) = (None, None);
    for unit in units {
        match kind(unit) {
            Some(SEQUENCE) => sequence = sequence.or(Some(unit)),
            Some(PICTURE) => picture = picture.or(Some(unit)),
            _ => {}
        }
    }
    let (sequence, picture) = (sequence?, picture?);
    let read = Sequence::read(sequence.get(1..)?)?;
    let &[profile, compatible, level] = sequence.get(1..)?.first_chunk()?;
    let mut private = vec![1, profile, compatible, level, 0xfc | (LENGTH as u8 - 1), 0xe0 | 1];
    private.extend(u16::try_from(sequence.len()).ok()?.to_be_bytes());
    private.extend_from_slice(sequence);
    private.push(1);
    private.extend(u16::try_from(picture.len()).ok()?.to_be_bytes());
    private.extend_from_slice(picture);
    if [100, 110, 122, 144].contains(&profile) {
        private.extend([0xfc | read.chroma, 0xf8 | read.luma_depth, 0xf8 | read.chroma_depth, 0]);
    }
    Some(private)
}

/// The parameter sets of a track, as far as they make sense.
fn parameter_sets(private: &[u8]) -> Vec<&[u8]> {
    let mut sets = Vec::new();
    let mut rest = private.get(5..).unwrap_or_default();
    // First those of sequences, whose number has other bits beside it, then those of pictures.
    for bits in [0x1f, 0xff] {
        let Some((count, tail)) = rest.split_first() else { break };
        rest = tail;
        for _ in 0..count & bits {
            let Some((length, tail)) = rest.split_first_chunk() else { break };
            let Some((set, tail)) = tail.split_at_checked(u16::from_be_bytes(*length).into()) else { break };
            sets.push(set);
            rest = tail;
        }
    }
    sets
}

/// The size that a unit tells, if it is a sequence parameter set.
#[must_use]
pub fn size(unit: &[u8]) -> Option<Size> {
    unit.get(1..).filter(|_| kind(unit) == Some(SEQUENCE)).and_then(sequence_size)
}

/// The size that a sequence parameter set tells, of which this is all but the first byte.
#[must_use]
pub fn sequence_size(body: &[u8]) -> Option<Size> {
    Sequence::read(body).map(|read| read.size)
}

fn kind(unit: &[u8]) -> Option<u8> {
    Some(unit.first()? & 0x1f)
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| three == [0, 0, 1])
}

/// A sequence parameter set up to its cropping (section 7.3.2.1.1).
struct Sequence {
    size: Size,
    /// chroma_format_idc, bit_depth_luma_minus8, bit_depth_chroma_minus8.
    chroma: u8,
    luma_depth: u8,
    chroma_depth: u8,
}

impl Sequence {
    fn read(body: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(plain(body));
        let profile = bits.take(8)?;
        bits.take(16)?;
        bits.number()?;
        let (mut chroma, mut depths) = (1, (0, 0));
        if PROFILES_WITH_CHROMA.iter().any(|one| u32::from(*one) == profile) {
            chroma = bits.number()?;
            depths = read_colour(&mut bits, chroma)?;
        }
        bits.number()?;
        skip_order_count(&mut bits)?;
        bits.number()?;
        bits.take(1)?;
        let width = bits.number()?.checked_add(1)?.checked_mul(16)?;
        let map_units = bits.number()?.checked_add(1)?.checked_mul(16)?;
        let fields = 2 - bits.take(1)?;
        if fields == 2 {
            bits.take(1)?;
        }
        bits.take(1)?;
        let (across, down) = if bits.take(1)? == 1 { read_crop(&mut bits, chroma, fields)? } else { (0, 0) };
        let width = u16::try_from(width.checked_sub(across)?).ok()?;
        let height = u16::try_from(map_units.checked_mul(fields)?.checked_sub(down)?).ok()?;
        let depth = |depth: u32| (depth & 7) as u8;
        Some(Sequence {
            size: Size { width, height },
            chroma: (chroma & 3) as u8,
            luma_depth: depth(depths.0),
            chroma_depth: depth(depths.1),
        })
    }
}

/// Without the bytes that were put in to keep start codes unique (section 7.4.1).
fn plain(body: &[u8]) -> impl Iterator<Item = u8> {
    let mut zeros = 0;
    body.iter().copied().filter(move |byte| {
        let inserted = zeros >= 2 && *byte == 3;
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        !inserted
    })
}

/// Bit depths beyond 8, of brightness and of colour.
fn read_colour(bits: &mut Bits<impl Iterator<Item = u8>>, chroma: u32) -> Option<(u32, u32)> {
    if chroma == 3 {
        bits.take(1)?;
    }
    let depths = (bits.number()?, bits.number()?);
    bits.take(1)?;
    if bits.take(1)? == 1 {
        for list in 0..if chroma == 3 { 12 } else { 8 } {
            if bits.take(1)? == 1 {
                skip_scaling(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(depths)
}

/// Section 7.3.2.1.1.1.
fn skip_scaling(bits: &mut Bits<impl Iterator<Item = u8>>, entries: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn skip_order_count(bits: &mut Bits<impl Iterator<Item = u8>>) -> Option<()> {
    match bits.number()? {
        0 => {
            bits.number()?;
        }
        1 => {
            bits.take(1)?;
            bits.number()?;
            bits.number()?;
            for _ in 0..bits.number()?.min(255) {
                bits.number()?;
            }
        }
        _ => {}
    }
    Some(())
}

/// Pixels cut off across and down (section 7.4.2.1.1), whose unit depends on the colour format (table 6-1).
fn read_crop(bits: &mut Bits<impl Iterator<Item = u8>>, chroma: u32, fields: u32) -> Option<(u32, u32)> {
    let across = bits.number()?.checked_add(bits.number()?)?;
    let down = bits.number()?.checked_add(bits.number()?)?;
    let unit_across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let unit_down = if chroma == 1 { 2 } else { 1 };
    Some((across.checked_mul(unit_across)?, down.checked_mul(unit_down)?.checked_mul(fields)?))
}
