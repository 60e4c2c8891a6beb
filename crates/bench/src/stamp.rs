//! What a payload says of itself: the last 24 bytes of each.

/// Bytes of a stamp.
pub const STAMP_BYTES: usize = 24;

/// Says that the bytes after it are a stamp.
const MAGIC: [u8; 4] = *b"KBN1";

/// Which packet this is and when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which stream, by its number in this run.
    pub source: u32,
    /// The time of day in ns since 1970 when it was given to the transport.
    pub sent_ns: u64,
    /// Running, from 0.
    pub number: u64,
}

impl Stamp {
    /// Writes the stamp over the end of a payload, which must have room for it.
    pub fn write(&self, payload: &mut [u8]) {
        let start = payload.len() - STAMP_BYTES;
        let stamp = &mut payload[start..];
        stamp[..4].copy_from_slice(&MAGIC);
        stamp[4..8].copy_from_slice(&self.source.to_be_bytes());
        stamp[8..16].copy_from_slice(&self.sent_ns.to_be_bytes());
        stamp[16..].copy_from_slice(&self.number.to_be_bytes());
    }

    /// The stamp at the end of a payload, if there is one.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let stamp = payload.last_chunk::<STAMP_BYTES>()?;
        let word = |at: usize| stamp[at..].first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
        let source = u32::try_from(word(4)? >> 32).ok()?;
        (stamp[..4] == MAGIC).then_some(Stamp { source, sent_ns: word(8)?, number: word(16)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let stamp = Stamp { source: 77, sent_ns: 1_700_000_000_123_456_789, number: 1 << 33 };
        let mut payload = vec![9; 80];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(payload[..80 - STAMP_BYTES], [9; 80 - STAMP_BYTES]);
    }

    #[test]
    fn anything_else_is_no_stamp() {
        for payload in [vec![], vec![1; STAMP_BYTES - 1], vec![0; 200]] {
            assert_eq!(Stamp::read(&payload), None);
        }
    }
}
