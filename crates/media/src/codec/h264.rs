//! H.264 over RTP: RFC 6184.

use super::{Bytes, Descriptor, Size};

/// Unit types of ITU-T H.264, table 7-1, and of RFC 6184, section 5.2.
const SLICE: u8 = 1;
const PARTITION_A: u8 = 2;
const IDR: u8 = 5;
const SPS: u8 = 7;
const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

pub(super) fn parse(payload: &[u8]) -> Option<Descriptor> {
    let mut found = Descriptor::default();
    match payload.first()? & 0x1f {
        STAP_A => read_aggregate(payload.get(1..)?, &mut found),
        FU_A => {
            let head = *payload.get(1)?;
            if head & 0x80 != 0 {
                read_unit(head & 0x1f, payload.get(2..)?, &mut found);
            }
        }
        kind => read_unit(kind, payload.get(1..)?, &mut found),
    }
    Some(found)
}

/// Units one after the other, each after its size in two bytes.
fn read_aggregate(mut rest: &[u8], found: &mut Descriptor) {
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let Some((unit, next)) = tail.split_at_checked(u16::from_be_bytes(*head).into()) else { return };
        if let Some((kind, body)) = unit.split_first() {
            read_unit(kind & 0x1f, body, found);
        }
        rest = next;
    }
}

fn read_unit(kind: u8, body: &[u8], found: &mut Descriptor) {
    // A slice begins with the number of its first macroblock: zero is a single one bit (H.264, 7.3.3 and 9.1).
    let first_slice = body.first().is_some_and(|byte| byte & 0x80 != 0);
    match kind {
        SPS => {
            (found.keyframe, found.self_contained, found.starts_frame) = (true, true, true);
            found.size = sps_size(body).or(found.size);
        }
        IDR if first_slice => (found.keyframe, found.starts_frame) = (true, true),
        SLICE | PARTITION_A if first_slice => found.starts_frame = true,
        DELIMITER => found.starts_frame = true,
        _ => {}
    }
}

/// Profiles whose parameter sets say more about colour (H.264, 7.3.2.1.1).
const PROFILES_WITH_CHROMA: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// A sequence parameter set up to its cropping (H.264, 7.3.2.1.1).
fn sps_size(body: &[u8]) -> Option<Size> {
    let mut bits = Bits::new(body);
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.number()?;
    let mut chroma = 1;
    if PROFILES_WITH_CHROMA.iter().any(|one| u32::from(*one) == profile) {
        chroma = bits.number()?;
        skip_colour(&mut bits, chroma)?;
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
    Some(Size { width, height })
}

fn skip_colour(bits: &mut Bits<'_>, chroma: u32) -> Option<()> {
    if chroma == 3 {
        bits.take(1)?;
    }
    bits.number()?;
    bits.number()?;
    bits.take(1)?;
    if bits.take(1)? == 1 {
        for list in 0..if chroma == 3 { 12 } else { 8 } {
            if bits.take(1)? == 1 {
                skip_scaling(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(())
}

/// H.264, 7.3.2.1.1.1.
fn skip_scaling(bits: &mut Bits<'_>, entries: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn skip_order_count(bits: &mut Bits<'_>) -> Option<()> {
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

/// Pixels cut off across and down (H.264, 7.4.2.1.1), whose unit depends on the colour format (table 6-1).
fn read_crop(bits: &mut Bits<'_>, chroma: u32, fields: u32) -> Option<(u32, u32)> {
    let across = bits.number()?.checked_add(bits.number()?)?;
    let down = bits.number()?.checked_add(bits.number()?)?;
    let unit_across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let unit_down = if chroma == 1 { 2 } else { 1 };
    Some((across.checked_mul(unit_across)?, down.checked_mul(unit_down)?.checked_mul(fields)?))
}

/// Bits of a unit, without the bytes that were put in to keep start codes unique (H.264, 7.4.1).
struct Bits<'a> {
    bytes: Bytes<'a>,
    zeros: u32,
    current: u8,
    left: u32,
}

impl<'a> Bits<'a> {
    fn new(body: &'a [u8]) -> Self {
        Bits { bytes: Bytes(body), zeros: 0, current: 0, left: 0 }
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// An unsigned Exp-Golomb code (H.264, 9.1).
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// A signed one (H.264, 9.1.1).
    fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.number()?);
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }

    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.current = self.next_byte()?;
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    fn next_byte(&mut self) -> Option<u8> {
        let mut byte = self.bytes.u8()?;
        if self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = self.bytes.u8()?;
        }
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        Some(byte)
    }
}
