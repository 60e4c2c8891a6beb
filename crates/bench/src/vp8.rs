//! What the head of a payload of VP8 says (RFC 7741, section 4.2; RFC 6386, section 9.1).

/// There is a second byte.
const EXTENDED: u8 = 0x80;
/// A partition begins.
const BEGINS: u8 = 0x10;
/// Which partition.
const PARTITION: u8 = 0x07;
/// The second byte: there is a picture id.
const PICTURE: u8 = 0x80;
/// The second byte: there is an index of the base layer.
const BASE: u8 = 0x40;
/// The second byte: there is a layer in time, or a number of the last key frame.
const LAYER_OR_KEY: u8 = 0x30;
/// The picture id has two bytes.
const LONG: u8 = 0x80;

/// What one payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// A frame begins with it that stands on its own.
    pub begins_key: bool,
    /// The picture's id, in 15 bits or 7.
    pub picture: Option<u16>,
}

impl Head {
    /// Reads it; none if the payload ends before.
    pub fn read(payload: &[u8]) -> Option<Head> {
        let mut bytes = payload.iter().copied();
        let first = bytes.next()?;
        let second = if first & EXTENDED != 0 { bytes.next()? } else { 0 };
        let picture = match second & PICTURE {
            0 => None,
            _ => match bytes.next()? {
                high if high & LONG != 0 => Some(u16::from_be_bytes([high & !LONG, bytes.next()?])),
                short => Some(u16::from(short)),
            },
        };
        let rest = usize::from(second & BASE != 0) + usize::from(second & LAYER_OR_KEY != 0);
        let frame = bytes.nth(rest)?;
        let begins = first & BEGINS != 0 && first & PARTITION == 0;
        Some(Head { begins_key: begins && frame & 1 == 0, picture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &[u8], expected: Option<(bool, Option<u16>)>) {
        let expected = expected.map(|(begins_key, picture)| Head { begins_key, picture });
        assert_eq!(Head::read(payload), expected, "{payload:x?}");
    }

    #[test]
    fn heads_of_every_length_are_read() {
        check(&[0x10, 0x10, 0, 0], Some((true, None)));
        check(&[0x10, 0x11, 0, 0], Some((false, None)));
        check(&[0x90, 0x80, 0x85, 0x07, 0x10], Some((true, Some(0x507))));
        check(&[0x80, 0x80, 0x85, 0x07, 0x10], Some((false, Some(0x507))));
        check(&[0x91, 0x80, 0x05, 0x10], Some((false, Some(5))));
        check(&[0x90, 0xe0, 0x05, 9, 9, 0x10], Some((true, Some(5))));
        check(&[0x90, 0xf0, 0x85, 7, 9, 9, 0x11], Some((false, Some(0x507))));
    }

    #[test]
    fn what_ends_too_soon_says_nothing() {
        let whole = [0x90, 0xe0, 0x85, 7, 9, 9, 0x10];
        (0..whole.len()).for_each(|length| check(&whole[..length], None));
        check(&whole, Some((true, Some(0x507))));
    }
}
