//! How large the pictures are that begin with a key frame.

use crate::bits::Bits;
use crate::{Codec, h264};

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
}

impl Size {
    /// Pixels.
    #[must_use]
    pub fn area(self) -> u32 {
        u32::from(self.width) * u32::from(self.height)
    }
}

/// As the frame says; none: it is no key frame, or says nothing of it.
#[must_use]
pub fn size(codec: Codec, frame: &[u8]) -> Option<Size> {
    let size = match codec {
        Codec::Opus => None,
        Codec::Vp8 => vp8(frame),
        Codec::Vp9 => vp9(frame),
        Codec::H264 => h264::units(frame).find_map(h264::size),
    };
    size.filter(|size| size.width > 0 && size.height > 0)
}

/// RFC 6386, section 9.1: 14 bits each, below 2 bits of scaling.
fn vp8(frame: &[u8]) -> Option<Size> {
    let &[tag, _, _, 0x9d, 0x01, 0x2a, a, b, c, d, ..] = frame else { return None };
    let number = |low, high| u16::from_le_bytes([low, high]) & 0x3fff;
    (tag & 1 == 0).then(|| Size { width: number(a, b), height: number(c, d) })
}

/// The uncompressed header (VP9 Bitstream & Decoding Process Specification 0.6, section 6.2).
fn vp9(frame: &[u8]) -> Option<Size> {
    const SYNC: u32 = 0x49_83_42;
    const RGB: u32 = 7;
    let mut bits = Bits::new(frame.iter().copied());
    let marker = bits.take(2)?;
    let profile = bits.bit()? | bits.bit()? << 1;
    if profile == 3 {
        bits.bit()?;
    }
    let (again, inter) = (bits.bit()?, bits.bit()?);
    bits.take(2)?;
    if marker != 2 || again == 1 || inter == 1 || bits.take(24)? != SYNC {
        return None;
    }
    if profile >= 2 {
        bits.bit()?;
    }
    let space = bits.take(3)?;
    bits.take(match (space, profile % 2) {
        (RGB, 0) => 0,
        (RGB, _) => 1,
        (_, 0) => 1,
        _ => 4,
    })?;
    let mut number = || u16::try_from(bits.take(16)? + 1).ok();
    Some(Size { width: number()?, height: number()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_say_how_large_they_are() {
        let check = |codec, frame: &[u8], expected: Option<(u16, u16)>| {
            let expected = expected.map(|(width, height)| Size { width, height });
            assert_eq!(size(codec, frame), expected, "{codec:?} {frame:?}");
        };
        let vp8 = [0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 0x41, 0xb4, 0];
        check(Codec::Vp8, &vp8, Some((320, 180)));
        check(Codec::Vp8, &vp8[..9], None);
        check(Codec::Vp8, &[0x11, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0], None);
        check(Codec::Vp8, &[0x10, 0, 0, 0x9d, 1, 0x2a, 0, 0, 180, 0], None);
        // 640x360, profile 0: the first bytes of a frame of libvpx.
        check(Codec::Vp9, &[0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x76], Some((640, 360)));
        check(Codec::Vp9, &[0x86, 0, 0x40, 0x92, 0x9c, 0, 0, 0, 0], None);
        check(Codec::Vp9, &[0x82, 0x49], None);
        check(Codec::Opus, &vp8, None);
    }
}
