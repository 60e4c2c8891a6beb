//! Bits, the highest of each byte first.

pub(crate) struct Bits<I> {
    bytes: I,
    current: u8,
    left: u32,
}

impl<I: Iterator<Item = u8>> Bits<I> {
    pub fn new(bytes: I) -> Self {
        Bits { bytes, current: 0, left: 0 }
    }

    pub fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            (self.current, self.left) = (self.bytes.next()?, 8);
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    pub fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// An unsigned Exp-Golomb code (ITU-T H.264, section 9.1).
    pub fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// A signed one (section 9.1.1).
    pub fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.number()?);
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}
