//! Which streams a client's data may be on (RFC 8831, section 6.2). The library has no limit of them, and looks at each that was begun
//! whenever a piece of data comes: tens of thousands of messages that never end would take a worker's time from everybody.

use std::iter;

use crate::limit::STREAMS_MAX;

/// Bytes before the first chunk of a packet (RFC 9260, section 3).
const COMMON_HEADER: usize = 12;
/// Kinds of chunks that carry data (RFC 9260, section 3.3.1; RFC 8260, section 2.1). Both have their stream at the same place.
const DATA: u8 = 0;
const I_DATA: u8 = 64;

/// The streams of one association.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Those of our numbering end before this one: who answers us does it there.
    ours_end: u32,
}

impl Streams {
    /// A packet that we send. `odd`: whether the streams that we number are.
    pub fn note_sent(&mut self, packet: &[u8], odd: bool) {
        for stream in streams_of(packet).filter(|stream| (stream % 2 == 1) == odd) {
            self.ours_end = self.ours_end.max(u32::from(stream) + 1);
        }
    }

    /// Whether a packet of the client's has data only where it may: on its own streams, of which both ends take the lowest that is
    /// free, and on ours.
    pub fn takes(&self, packet: &[u8], odd: bool) -> bool {
        streams_of(packet).all(|stream| match (stream % 2 == 1) == odd {
            true => u32::from(stream) < self.ours_end,
            false => stream / 2 < STREAMS_MAX,
        })
    }
}

/// The stream of each piece of data in a packet, up to where it makes no sense. The library drops such a packet whole.
fn streams_of(packet: &[u8]) -> impl Iterator<Item = u16> {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    let chunks = iter::from_fn(move || {
        let &[kind, _, a, b, ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([a, b]));
        let chunk = rest.get(..length).filter(|chunk| chunk.len() >= 4)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, chunk))
    });
    chunks.filter_map(|(kind, chunk)| match (kind, chunk) {
        (DATA | I_DATA, &[_, _, _, _, _, _, _, _, a, b, ..]) => Some(u16::from_be_bytes([a, b])),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet with a chunk of each of these kinds, of data of so many bytes.
    fn packet(chunks: &[(u8, u16, usize)]) -> Vec<u8> {
        let mut packet = vec![7; COMMON_HEADER];
        for &(kind, stream, bytes) in chunks {
            let length = (16 + bytes) as u16;
            packet.extend([kind, 2]);
            packet.extend(length.to_be_bytes());
            packet.extend([0, 0, 0, 1]);
            packet.extend(stream.to_be_bytes());
            packet.extend(vec![9; 6 + bytes]);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        packet
    }

    #[test]
    fn a_client_has_its_own_streams_up_to_the_limit() {
        let streams = Streams::default();
        for (odd, first) in [(true, 0), (false, 1)] {
            let last = first + 2 * (STREAMS_MAX - 1);
            assert!([first, last].into_iter().all(|stream| streams.takes(&packet(&[(DATA, stream, 3)]), odd)));
            for stream in [last + 2, 60_000 + first] {
                assert!(!streams.takes(&packet(&[(DATA, stream, 1)]), odd), "{stream}");
                assert!(!streams.takes(&packet(&[(I_DATA, stream, 1)]), odd), "{stream}");
                assert!(!streams.takes(&packet(&[(DATA, first, 5), (3, stream, 0), (DATA, stream, 2)]), odd), "{stream}");
            }
        }
    }

    #[test]
    fn on_streams_of_ours_it_may_answer() {
        let mut streams = Streams::default();
        assert!(!streams.takes(&packet(&[(DATA, 301, 1)]), true));
        streams.note_sent(&packet(&[(3, 900, 4), (DATA, 301, 4)]), true);
        assert!(streams.takes(&packet(&[(DATA, 301, 1), (DATA, 7, 1)]), true));
        assert!(!streams.takes(&packet(&[(DATA, 303, 1)]), true));
        streams.note_sent(&packet(&[(DATA, u16::MAX, 4)]), true);
        assert!(streams.takes(&packet(&[(DATA, u16::MAX, 1)]), true));
    }

    #[test]
    fn what_carries_no_data_is_left_to_the_library() {
        let streams = Streams::default();
        for end in 0..40 {
            let whole = packet(&[(130, 60_000, 8)]);
            assert!(streams.takes(whole.get(..end.min(whole.len())).unwrap_or_default(), true));
        }
        assert!(
            streams.takes(&[&[7; COMMON_HEADER][..], &[0, 0, 0, 0, 1, 2, 3, 4, 255, 255]].concat(), true),
            "a chunk without a length"
        );
        assert!(streams.takes(&[&[7; COMMON_HEADER][..], &[0, 0, 0, 9, 1, 2, 3, 4, 255]].concat(), true), "one without a stream");
    }
}
