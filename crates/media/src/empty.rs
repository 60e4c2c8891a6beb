//! Messages with nothing in them. On the wire they are one byte that does not count, and a kind of their own (RFC 8831, section 6.6). The
//! library reads them so, but writes none: it counts the message and sends nothing, and an ordered channel waits for it for ever. So it
//! is given something in their place, which nobody else knows, and that is written over in its packets before they are encrypted.

use std::iter;
use std::sync::OnceLock;

/// Bytes before the first chunk of a packet, and those of its checksum (RFC 9260, section 3.1).
const COMMON_HEADER: usize = 12;
const CHECKSUM: std::ops::Range<usize> = 8..12;

/// Bytes of a chunk of data before what it carries, and among them its kind of message (RFC 9260, section 3.3.1).
const DATA_HEADER: usize = 16;
const KIND: usize = 12;
const DATA: u8 = 0;
/// It begins and ends its message.
const WHOLE: u8 = 3;

/// Kinds of messages (RFC 8831, section 8).
const TEXT: u32 = 51;
const BINARY: u32 = 53;
const TEXT_EMPTY: u32 = 56;
const BINARY_EMPTY: u32 = 57;

const STAND_IN_BYTES: usize = 16;

/// What is given to the library for a message with nothing in it; none if there is no random number to be had.
pub fn stand_in() -> Option<&'static [u8]> {
    static STAND_IN: OnceLock<Option<[u8; STAND_IN_BYTES]>> = OnceLock::new();
    let random = || {
        let mut bytes = [0; STAND_IN_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).is_ok().then_some(bytes)
    };
    STAND_IN.get_or_init(random).as_ref().map(|bytes| &bytes[..])
}

/// A packet of ours with such messages as they should be; none if it has no such message.
pub(crate) fn write_over(packet: &[u8]) -> Option<Vec<u8>> {
    let stand_in = stand_in()?;
    if !chunks(packet).any(|chunk| stands_in(chunk, stand_in)) {
        return None;
    }
    let mut written = packet.get(..COMMON_HEADER)?.to_vec();
    for chunk in chunks(packet) {
        match empty(chunk).filter(|_| stands_in(chunk, stand_in)) {
            Some(empty) => written.extend(empty),
            None => written.extend(chunk),
        }
        written.resize(written.len().next_multiple_of(4), 0);
    }
    written.get_mut(CHECKSUM)?.fill(0);
    let sum = crc32c(&written).to_le_bytes();
    written.get_mut(CHECKSUM)?.copy_from_slice(&sum);
    Some(written)
}

/// A whole message with nothing in it, in place of this one.
fn empty(chunk: &[u8]) -> Option<[u8; DATA_HEADER + 1]> {
    let kind = match u32::from_be_bytes(chunk.get(KIND..DATA_HEADER)?.try_into().ok()?) {
        TEXT => TEXT_EMPTY,
        BINARY => BINARY_EMPTY,
        _ => return None,
    };
    let mut empty = [0; DATA_HEADER + 1];
    empty.get_mut(..KIND)?.copy_from_slice(chunk.get(..KIND)?);
    empty.get_mut(2..4)?.copy_from_slice(&(DATA_HEADER as u16 + 1).to_be_bytes());
    empty.get_mut(KIND..DATA_HEADER)?.copy_from_slice(&kind.to_be_bytes());
    Some(empty)
}

fn stands_in(chunk: &[u8], stand_in: &[u8]) -> bool {
    let whole = chunk.first() == Some(&DATA) && chunk.get(1).is_some_and(|flags| flags & WHOLE == WHOLE);
    whole && chunk.get(DATA_HEADER..) == Some(stand_in)
}

/// The chunks of a packet of ours.
fn chunks(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    iter::from_fn(move || {
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        let chunk = rest.get(..length).filter(|chunk| chunk.len() >= 4)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(chunk)
    })
}

/// The checksum of packets (RFC 9260, appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let next = |sum: u32, byte: &u8| sum >> 8 ^ TABLE.get(usize::from(sum as u8 ^ byte)).copied().unwrap_or(0);
    !bytes.iter().fold(u32::MAX, next)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let (mut sum, mut bit) = (n as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
            bit += 1;
        }
        table[n] = sum;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk of data of this kind of message.
    fn data(kind: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
        let length = (DATA_HEADER + bytes.len()) as u16;
        let head = [&[DATA, flags][..], &length.to_be_bytes(), &[0, 0, 0, 9, 0, 3, 0, 7], &kind.to_be_bytes()].concat();
        let mut chunk = [&head[..], bytes].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut packet = [&[0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0][..], &chunks.concat()].concat();
        let sum = crc32c(&packet).to_le_bytes();
        packet[CHECKSUM].copy_from_slice(&sum);
        packet
    }

    #[test]
    fn the_checksum_is_the_one_of_the_rules() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn what_stands_for_nothing_is_written_over() {
        let stand_in = stand_in().unwrap();
        for (kind, empty) in [(TEXT, TEXT_EMPTY), (BINARY, BINARY_EMPTY)] {
            let (before, after) = (data(TEXT, WHOLE, b"woof"), data(BINARY, 2, &[1; 30]));
            let given = packet(&[before.clone(), data(kind, 7, stand_in), after.clone()]);
            let expected = packet(&[before, data(empty, 7, &[0]), after]);
            assert_eq!(write_over(&given), Some(expected));
        }
    }

    #[test]
    fn all_else_is_left_alone() {
        let stand_in = stand_in().unwrap();
        let (longer, shorter) = ([stand_in, &[0]].concat(), &stand_in[1..]);
        for other in
            [data(TEXT, WHOLE, &longer), data(TEXT, WHOLE, shorter), data(TEXT, 1, stand_in), data(TEXT, WHOLE, &[0; 16])]
        {
            assert_eq!(write_over(&packet(&[other])), None);
        }
        let whole = packet(&[data(TEXT, WHOLE, stand_in)]);
        for end in 0..whole.len() {
            assert_eq!(write_over(&whole[..end]), None);
        }
    }
}
