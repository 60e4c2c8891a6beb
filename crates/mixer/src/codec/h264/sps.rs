//! The size in a description of a stream, read before the decoder takes memory for it.

use crate::limit;

/// Profiles that say more of their colours (ITU-T H.264, section 7.3.2.1.1).
const COLOURFUL: [u8; 13] = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];

/// What one of them says of the memory that pictures will take (ITU-T H.264, section 7.3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Pixels of a row, cropping not counted.
    pub width: u16,
    /// Rows, cropping not counted.
    pub height: u16,
    /// Pictures that later ones may refer to.
    pub references: u8,
}

impl Sps {
    /// Reads a whole unit, its first byte included. None if it is cut off or beyond what the standard has.
    #[must_use]
    pub fn parse(unit: &[u8]) -> Option<Sps> {
        let mut bits = Bits::of(unit.get(1..)?);
        let profile = bits.take(8)?;
        bits.take(16)?;
        bits.number()?;
        if COLOURFUL.iter().any(|one| u32::from(*one) == profile) {
            skip_colours(&mut bits)?;
        }
        bits.number()?;
        skip_order(&mut bits)?;
        let references = u8::try_from(bits.number()?).ok().filter(|count| *count <= 16)?;
        bits.take(1)?;
        let (columns, rows) = (bits.number()?.checked_add(1)?, bits.number()?.checked_add(1)?);
        // Interlaced: rows are counted for one of two fields.
        let fields = 2 - bits.take(1)?;
        let width = u16::try_from(columns.checked_mul(16)?).ok()?;
        let height = u16::try_from(rows.checked_mul(16)?.checked_mul(fields)?).ok()?;
        Some(Sps { width, height, references })
    }

    /// Pixels of all pictures that must be kept.
    #[must_use]
    pub fn reference_pixels(&self) -> u32 {
        (u32::from(self.width) * u32::from(self.height)).saturating_mul(self.references.into())
    }
}

fn skip_colours(bits: &mut Bits) -> Option<()> {
    let format = bits.number()?;
    if format == 3 {
        bits.take(1)?;
    }
    bits.number()?;
    bits.number()?;
    bits.take(1)?;
    if bits.take(1)? == 1 {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.take(1)? == 1 {
                skip_scaling(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(())
}

/// A list of this length, which ends early when the next of its numbers would be nought.
fn skip_scaling(bits: &mut Bits, length: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..length {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// In which order pictures are shown.
fn skip_order(bits: &mut Bits) -> Option<()> {
    match bits.number()? {
        0 => bits.number().map(|_| ()),
        1 => {
            bits.take(1)?;
            bits.number()?;
            bits.number()?;
            let count = bits.number()?.min(256);
            (0..count).try_for_each(|_| bits.number().map(|_| ()))
        }
        _ => Some(()),
    }
}

/// Bits, the first of a byte being its highest, without the bytes that only keep start codes from appearing (section 7.4.1).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn of(unit: &[u8]) -> Bits {
        let mut zeros = 0;
        let bytes = unit.iter().take(limit::SPS_BYTES_MAX).copied().filter(|byte| {
            let guard = zeros >= 2 && *byte == 3;
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            !guard
        });
        Bits { bytes: bytes.collect(), at: 0 }
    }

    /// Up to 32 bits as a number.
    fn take(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0_u32, |number, _| {
            let byte = self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(number << 1 | u32::from(bit))
        })
    }

    /// A number without a sign (section 9.1).
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        ((1_u32 << zeros) - 1).checked_add(self.take(zeros)?)
    }

    /// A number with a sign (section 9.1.1), cut to what 16 bits hold; none that is valid has more.
    fn signed(&mut self) -> Option<i32> {
        let number = i32::try_from(self.number()?.min(65_535)).ok()?;
        Some(if number % 2 == 1 { (number + 1) / 2 } else { -number / 2 })
    }
}
