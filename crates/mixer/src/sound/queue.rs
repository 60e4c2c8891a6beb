//! Packets put into order (RFC 3550, section 5.1 and appendix A.1).

use std::collections::VecDeque;

use super::clock::Samples;
use super::limit::{DISORDER_MAX, DROPOUT_MAX, PACKETS_WAITING_MAX};

/// What a packet's number says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is this one, counted without end.
    At(u64),
    /// It was there before.
    Again,
    /// It is far from all others. If the next one follows it, the sender has begun to count anew.
    Doubtful,
    /// The sender has begun to count anew, and this is its number.
    Anew(u64),
}

/// The numbers of one sender's packets.
#[derive(Debug, Default)]
pub struct Numbers {
    highest: Option<u64>,
    /// The highest number and those before it: bit 0 is the highest.
    seen: u128,
    /// What would follow the doubtful number.
    doubtful: Option<u16>,
}

impl Numbers {
    /// Where this number belongs.
    pub fn place(&mut self, number: u16) -> Place {
        let Some(highest) = self.highest else { return Place::At(self.begin(1 << 32, number)) };
        let ahead = number.wrapping_sub(low_bits(highest));
        if (1..=DROPOUT_MAX).contains(&ahead) {
            self.advance(u32::from(ahead));
            return Place::At(highest + u64::from(ahead));
        }
        let behind = ahead.wrapping_neg();
        if behind <= DISORDER_MAX {
            return self.look_back(highest, behind);
        }
        if self.doubtful.replace(number.wrapping_add(1)) == Some(number) {
            // Far enough ahead that no number of before is met again.
            return Place::Anew(self.begin((highest | 0xffff) + 1 + (1 << 16), number));
        }
        Place::Doubtful
    }

    fn begin(&mut self, base: u64, number: u16) -> u64 {
        let at = base + u64::from(number);
        *self = Numbers { highest: Some(at), seen: 1, doubtful: None };
        at
    }

    fn advance(&mut self, by: u32) {
        self.highest = self.highest.map(|highest| highest + u64::from(by));
        self.seen = self.seen.checked_shl(by).unwrap_or(0) | 1;
        self.doubtful = None;
    }

    fn look_back(&mut self, highest: u64, behind: u16) -> Place {
        let bit = 1_u128 << behind.min(127);
        if self.seen & bit != 0 {
            return Place::Again;
        }
        self.seen |= bit;
        Place::At(highest - u64::from(behind))
    }
}

fn low_bits(number: u64) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or(0)
}

/// A packet that waits.
#[derive(Debug)]
pub struct Packet {
    /// Its number, counted without end.
    pub number: u64,
    /// The time of its first sample, counted without end.
    pub timestamp: Samples,
    /// What it lasts.
    pub samples: Samples,
    /// Opus.
    pub payload: Vec<u8>,
}

/// Packets that wait, in order. Their memory is used again.
#[derive(Debug, Default)]
pub struct Queue {
    packets: VecDeque<Packet>,
    spare: Vec<Vec<u8>>,
    taken: Option<u64>,
}

impl Queue {
    /// The one that comes next, if any is there.
    pub fn front(&self) -> Option<&Packet> {
        self.packets.front()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether this number's turn is over.
    pub fn is_past(&self, number: u64) -> bool {
        self.taken.is_some_and(|taken| number <= taken)
    }

    /// Whether packets before the next one are missing, rather than that the sender made a pause.
    pub fn has_gap(&self) -> bool {
        match (self.taken, self.front()) {
            (Some(taken), Some(front)) => front.number != taken + 1,
            _ => false,
        }
    }

    /// Puts a packet into its place. Whether there was room: if not, the oldest is gone.
    pub fn insert(&mut self, number: u64, timestamp: Samples, samples: Samples, payload: &[u8]) -> bool {
        let room = self.packets.len() < PACKETS_WAITING_MAX;
        if !room {
            self.drop_front();
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.extend_from_slice(payload);
        let at = self.packets.partition_point(|packet| packet.number < number);
        self.packets.insert(at, Packet { number, timestamp, samples, payload: kept });
        room
    }

    /// Takes the next one out. To be given back by [`Self::done`].
    pub fn take(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.taken = Some(packet.number);
        Some(packet)
    }

    /// Keeps the memory of a packet.
    pub fn done(&mut self, packet: Packet) {
        let mut payload = packet.payload;
        payload.clear();
        self.spare.push(payload);
    }

    /// Leaves the next one out.
    pub fn drop_front(&mut self) {
        if let Some(packet) = self.take() {
            self.done(packet);
        }
    }

    /// Leaves all out.
    pub fn clear(&mut self) {
        while !self.packets.is_empty() {
            self.drop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_placed() {
        fn check(numbers: &[u16], expected: Place) {
            let mut known = Numbers::default();
            let places: Vec<Place> = numbers.iter().map(|number| known.place(*number)).collect();
            assert_eq!(places.last(), Some(&expected), "{numbers:?}: {places:?}");
        }
        let base = 1_u64 << 32;
        check(&[7], Place::At(base + 7));
        check(&[7, 8], Place::At(base + 8));
        check(&[7, 9, 8], Place::At(base + 8));
        check(&[7, 9, 8, 8], Place::Again);
        check(&[7, 7], Place::Again);
        check(&[65_535, 0], Place::At(base + 65_536));
        check(&[65_535, 0, 65_534], Place::At(base + 65_534));
        check(&[0, 3_000], Place::At(base + 3_000));
        check(&[0, 3_001], Place::Doubtful);
        check(&[200, 100], Place::At(base + 100));
        check(&[200, 99], Place::Doubtful);
        check(&[200, 20_000, 201], Place::At(base + 201));
        check(&[200, 20_000, 201, 20_001], Place::Doubtful);
        check(&[200, 20_000, 20_001], Place::Anew(base + (1 << 17) + 20_001));
        check(&[200, 20_000, 30_000], Place::Doubtful);
        check(&[200, 20_000, 20_001, 20_000], Place::At(base + (1 << 17) + 20_000));
    }

    #[test]
    fn packets_come_in_order() {
        let mut queue = Queue::default();
        for number in [3_u64, 1, 4, 2] {
            assert!(queue.insert(number, 0, 960, &[0]));
        }
        let order: Vec<u64> = std::iter::from_fn(|| queue.take()).map(|packet| packet.number).collect();
        assert_eq!(order, [1, 2, 3, 4]);
        assert!(queue.is_past(4) && !queue.is_past(5));
        queue.insert(6, 0, 960, &[0]);
        assert!(queue.has_gap());
        queue.insert(5, 0, 960, &[0]);
        assert!(!queue.has_gap());
    }

    #[test]
    fn a_full_queue_loses_its_oldest() {
        let mut queue = Queue::default();
        let kept = (0..1_000_u64).filter(|number| queue.insert(*number, 0, 960, &[1, 2])).count();
        assert_eq!((kept, queue.len()), (PACKETS_WAITING_MAX, PACKETS_WAITING_MAX));
        assert_eq!(queue.front().map(|packet| packet.number), Some(1_000 - PACKETS_WAITING_MAX as u64));
        queue.clear();
        assert!(queue.is_past(999));
        assert!(queue.spare.len() <= PACKETS_WAITING_MAX + 1, "{}", queue.spare.len());
    }
}
