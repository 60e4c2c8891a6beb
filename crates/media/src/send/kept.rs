//! What was sent of one track lately, to be sent again when it gets lost.

use std::sync::Arc;

use super::line::HEADER_BYTES_MAX;
use crate::codec::{Picture, Vp8};
use crate::limit::{REPAIR_PACKETS, REPAIR_PACKETS_LEAST, REPAIR_TIME, REPAIRS_OF_ONE_MAX};
use crate::send::{Extras, Packet};
use crate::srtp::SIGNATURE_BYTES_MAX;

/// Milliseconds until a packet may be sent again once more: the same datagram asks twice, and so does another on its way.
const AGAIN_GAP: u32 = 10;

/// What is sent again of a packet, or was kept back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub seq: u64,
    pub time: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub counters: Option<Vp8>,
    pub extras: Extras,
    pub payload: Arc<[u8]>,
}

/// The packets of one track. Payloads are shared with all who receive it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// As many as a power of two, or none.
    slots: Vec<Option<Slot>>,
    newest: u64,
    /// How the same packets left, place by place; none where repairs have a source of their own.
    ways: Vec<Option<Left>>,
}

/// How a packet left: with what its slot has, enough to make the same datagram again.
#[derive(Clone, Debug)]
pub(super) struct Left {
    /// Its number over all that the client is sent, if it has one.
    pub number: Option<u64>,
    header: Short<HEADER_BYTES_MAX>,
    signature: Short<SIGNATURE_BYTES_MAX>,
}

/// A few bytes that take no memory of their own.
#[derive(Clone, Debug)]
struct Short<const MOST: usize> {
    bytes: [u8; MOST],
    length: u8,
}

const _: () = assert!(HEADER_BYTES_MAX <= u8::MAX as usize, "the length of a header does not fit");

impl<const MOST: usize> Short<MOST> {
    /// None, if they are too many.
    fn of(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Short { bytes, length: from.len() as u8 })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Left {
    /// With this header and signature; none if they are longer than any of ours.
    pub fn new(number: Option<u64>, header: &[u8], signature: &[u8]) -> Option<Self> {
        Some(Left { number, header: Short::of(header)?, signature: Short::of(signature)? })
    }

    pub fn header(&self) -> &[u8] {
        self.header.bytes()
    }

    pub fn signature(&self) -> &[u8] {
        self.signature.bytes()
    }
}

impl Kept {
    /// Keeps a packet that is sent in this millisecond under this number. Of its extensions all but the level of sound, which no picture
    /// has.
    pub fn keep(&mut self, now: u32, seq: u64, packet: &Packet<'_>) {
        if let Some(Some(old)) = self.slot(seq)
            && old.is_young(now)
            && self.slots.len() < REPAIR_PACKETS
        {
            self.resize(self.slots.len() * 2);
        } else if self.slots.is_empty() {
            self.resize(REPAIR_PACKETS_LEAST);
        }
        self.newest = self.newest.max(seq);
        if let Some(slot) = self.slot(seq) {
            *slot = Some(Slot::new(now, seq, packet));
        }
        if let Some(way) = self.place_of(seq).and_then(|place| self.ways.get_mut(place)) {
            *way = None;
        }
    }

    /// What was [kept](Kept::keep) under this number left so.
    pub fn keep_left(&mut self, seq: u64, left: Left) {
        if self.ways.len() < self.slots.len() {
            self.ways.resize(self.slots.len(), None);
        }
        if let Some(way) = self.place_of(seq).and_then(|place| self.ways.get_mut(place)) {
            *way = Some(left);
        }
    }

    /// How a packet left that was [asked](Kept::ask) for; none: it did not.
    pub fn left(&self, seq: u64) -> Option<&Left> {
        self.ways.get(self.place_of(seq)?)?.as_ref()
    }

    /// The packet with this end of its number, if it is there, young, and was not sent again just now or too often. It counts as sent again
    /// now.
    pub fn ask(&mut self, now: u32, end: u16) -> Option<Entry> {
        let seq = self.newest.checked_sub(u64::from((self.newest as u16).wrapping_sub(end)))?;
        let slot = self.slot(seq)?.as_mut().filter(|slot| slot.is(seq) && slot.is_young(now))?;
        slot.may_repeat(now).then(|| slot.entry(seq))
    }

    /// The last packet.
    pub fn newest(&mut self, now: u32) -> Option<Entry> {
        let seq = self.newest;
        let slot = self.slot(seq)?.as_ref().filter(|slot| slot.is(seq) && slot.is_young(now))?;
        Some(slot.entry(seq))
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn forget(&mut self) {
        self.slots.fill(None);
    }

    /// Gives back what is too old, and half of the places if a sixteenth more than what is young fits into the other half.
    pub fn trim(&mut self, now: u32) {
        let (newest, mut span) = (self.newest as u32, 0);
        for slot in &mut self.slots {
            slot.take_if(|slot| !slot.is_young(now));
            let places = slot.as_ref().map_or(0, |slot| newest.wrapping_sub(slot.seq) as usize + 1);
            span = span.max(places);
        }
        let fewer = self.slots.len() / 2;
        if fewer >= REPAIR_PACKETS_LEAST && span + span / 16 <= fewer {
            self.resize(fewer);
        }
    }

    fn slot(&mut self, seq: u64) -> Option<&mut Option<Slot>> {
        let place = self.place_of(seq)?;
        self.slots.get_mut(place)
    }

    fn place_of(&self, seq: u64) -> Option<usize> {
        Some(seq as usize & self.slots.len().checked_sub(1)?)
    }

    /// `places`: a power of two.
    #[cold]
    fn resize(&mut self, places: usize) {
        let mut slots = Vec::with_capacity(places);
        slots.resize_with(places, || None);
        let mut ways = vec![None; if self.ways.is_empty() { 0 } else { places }];
        for (former, slot) in self.slots.drain(..).enumerate() {
            let Some(slot) = slot else { continue };
            let place = slot.seq as usize & (places - 1);
            if let Some((old, new)) = self.ways.get_mut(former).zip(ways.get_mut(place)) {
                std::mem::swap(old, new);
            }
            if let Some(place) = slots.get_mut(place) {
                *place = Some(slot);
            }
        }
        (self.slots, self.ways) = (slots, ways);
    }
}

/// One packet, in as few bytes as will do: each receiver has hundreds for each picture.
#[derive(Clone, Debug)]
struct Slot {
    payload: Arc<[u8]>,
    /// The end of its number. There are fewer places than it can tell apart.
    seq: u32,
    /// The millisecond in which it was sent.
    at: u32,
    time: u32,
    /// How many milliseconds later it was sent again last, and in the upper bits how often it was.
    again: u16,
    picture: u16,
    tl0: u8,
    /// With the marker as its upper bit, as in a packet.
    payload_type: u8,
    orientation: u8,
    content: u8,
    delay: [u8; 3],
    /// Which of these it has.
    has: u8,
}

const _: () = assert!(size_of::<Option<Slot>>() == 40, "a slot takes more memory");

/// What there is of a slot.
const PICTURE: u8 = 1;
const WIDE_PICTURE: u8 = 2;
const TL0: u8 = 4;
const ORIENTATION: u8 = 8;
const CONTENT: u8 = 16;
const DELAY: u8 = 32;

const MARKER: u8 = 0x80;

/// Bits of the milliseconds after which a packet was sent again, and of how often.
const AGAIN_BITS: u32 = 13;
const _: () = assert!(REPAIR_TIME.as_millis() < 1 << AGAIN_BITS && (REPAIRS_OF_ONE_MAX as u32) < 1 << (u16::BITS - AGAIN_BITS));

impl Slot {
    fn new(at: u32, seq: u64, packet: &Packet<'_>) -> Self {
        let &Packet { time, payload_type, marker, counters, extras, payload, .. } = packet;
        let picture = counters.and_then(|counters| counters.picture);
        let tl0 = counters.and_then(|counters| counters.tl0);
        let flag = |has: bool, flag: u8| if has { flag } else { 0 };
        let has = flag(picture.is_some(), PICTURE)
            | flag(picture.is_some_and(|picture| picture.bits > 7), WIDE_PICTURE)
            | flag(tl0.is_some(), TL0)
            | flag(extras.orientation.is_some(), ORIENTATION)
            | flag(extras.content.is_some(), CONTENT)
            | flag(extras.delay.is_some(), DELAY);
        Slot {
            payload: Arc::clone(payload),
            seq: seq as u32,
            at,
            time,
            again: 0,
            picture: picture.map_or(0, |picture| picture.id),
            tl0: tl0.unwrap_or(0),
            payload_type: payload_type & !MARKER | flag(marker, MARKER),
            orientation: extras.orientation.unwrap_or(0),
            content: extras.content.unwrap_or(0),
            delay: extras.delay.unwrap_or_default(),
            has,
        }
    }

    /// `seq`: its whole number.
    fn entry(&self, seq: u64) -> Entry {
        let bits = if self.has & WIDE_PICTURE != 0 { 15 } else { 7 };
        let counters = Vp8 {
            picture: (self.has & PICTURE != 0).then_some(Picture { id: self.picture, bits }),
            tl0: (self.has & TL0 != 0).then_some(self.tl0),
        };
        Entry {
            seq,
            time: self.time,
            payload_type: self.payload_type & !MARKER,
            marker: self.payload_type & MARKER != 0,
            counters: (self.has & (PICTURE | TL0) != 0).then_some(counters),
            extras: Extras {
                level: None,
                orientation: (self.has & ORIENTATION != 0).then_some(self.orientation),
                content: (self.has & CONTENT != 0).then_some(self.content),
                delay: (self.has & DELAY != 0).then_some(self.delay),
            },
            payload: Arc::clone(&self.payload),
        }
    }

    fn is(&self, seq: u64) -> bool {
        self.seq == seq as u32
    }

    fn is_young(&self, now: u32) -> bool {
        u128::from(now.wrapping_sub(self.at)) < REPAIR_TIME.as_millis()
    }

    /// Whether it may be sent again, in this millisecond; then it counts. Only for what is young.
    fn may_repeat(&mut self, now: u32) -> bool {
        let passed = now.wrapping_sub(self.at);
        let (times, last) = (self.again >> AGAIN_BITS, u32::from(self.again) & ((1 << AGAIN_BITS) - 1));
        let may = times < u16::from(REPAIRS_OF_ONE_MAX) && (times == 0 || passed.saturating_sub(last) >= AGAIN_GAP);
        if may {
            self.again = (times + 1) << AGAIN_BITS | passed as u16;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn packet(payload: &Arc<[u8]>) -> Packet<'_> {
        let (counters, extras, shown) = (None, Extras::default(), Instant::now());
        let (seq, time, payload_type, marker, repairable, keyframe) = (0, 0, 96, false, true, false);
        Packet { payload_type, marker, seq, time, shown, extras, counters, payload, repairable, keyframe }
    }

    fn keep(kept: &mut Kept, now: u32, seq: u64) {
        kept.keep(now, seq, &packet(&[1].into()));
    }

    #[test]
    fn what_was_sent_lately_is_found_by_the_end_of_its_number() {
        let mut kept = Kept::default();
        assert!(kept.ask(0, 5).is_none());
        (65_530..65_600).for_each(|seq| keep(&mut kept, 100, seq));
        let found = |kept: &mut Kept, end: u16| kept.ask(150, end).map(|entry| entry.seq);
        assert_eq!(found(&mut kept, 65_531), Some(65_531));
        assert_eq!(found(&mut kept, 3), Some(65_539));
        assert_eq!(found(&mut kept, 64), None, "not sent yet");
        assert_eq!(found(&mut kept, 65_529), None);
        assert_eq!(found(&mut kept, 3), None, "just sent again");
        assert_eq!(kept.ask(150 + AGAIN_GAP, 3).map(|entry| entry.seq), Some(65_539));
        assert!(kept.ask(100 + REPAIR_TIME.as_millis() as u32, 4).is_none(), "too old");
        let times = (2..100).filter(|round| kept.ask(150 + round * AGAIN_GAP, 3).is_some()).count();
        assert_eq!(times, usize::from(REPAIRS_OF_ONE_MAX) - 2, "as often as one packet may be");
    }

    #[test]
    fn it_grows_while_what_it_would_forget_is_young_and_no_further_than_allowed() {
        let mut kept = Kept::default();
        for seq in 0..10_000_u64 {
            keep(&mut kept, (seq * 20) as u32, seq);
        }
        assert!(kept.slots.len() <= 128, "{} for fifty a second", kept.slots.len());
        for seq in 10_000..20_000 {
            keep(&mut kept, 200_000, seq);
        }
        assert_eq!(kept.slots.len(), REPAIR_PACKETS);
        assert!(kept.ask(200_000, 19_000).is_some());
        kept.trim(300_000);
        assert!(kept.slots.iter().all(Option::is_none));
    }

    #[test]
    fn it_shrinks_when_less_is_sent_and_forgets_nothing_that_is_young() {
        let mut kept = Kept::default();
        (0..2_000).for_each(|seq| keep(&mut kept, 100, seq));
        assert_eq!(kept.slots.len(), REPAIR_PACKETS);
        // One each 20 ms: 75 of them are young.
        for (seq, second) in (2_000_u64..).step_by(50).zip(1..=20_u32) {
            for (nth, step) in (0_u64..50).zip(0_u32..) {
                keep(&mut kept, second * 1_000 + step * 20, seq + nth);
            }
            let now = second * 1_000 + 999;
            kept.trim(now);
            let young = if second == 1 { 50 } else { 74 };
            let found = (0..young).filter(|back| kept.ask(now, (seq + 49 - back) as u16).is_some()).count();
            assert_eq!(found as u64, young, "after {second} s");
        }
        assert_eq!(kept.slots.len(), 128);
        kept.trim(100_000);
        (0..20).for_each(|_| kept.trim(100_000));
        assert_eq!(kept.slots.len(), REPAIR_PACKETS_LEAST);
    }

    #[test]
    fn how_it_left_is_known_wherever_its_place_is() {
        let mut kept = Kept::default();
        let header = |seq: u64| (seq as u16).to_be_bytes();
        let left = |seq: u64| Left::new(Some(seq + 7), &header(seq), &[seq as u8; 10]).unwrap();
        for seq in 0..600 {
            keep(&mut kept, 100, seq);
            kept.keep_left(seq, left(seq));
        }
        let check = |kept: &mut Kept, now: u32, seqs: std::ops::Range<u64>| {
            for seq in seqs {
                assert_eq!(kept.ask(now, seq as u16).map(|entry| entry.seq), Some(seq));
                let left = kept.left(seq).unwrap();
                assert_eq!(
                    (left.number, left.header(), left.signature()),
                    (Some(seq + 7), &header(seq)[..], &[seq as u8; 10][..])
                );
            }
        };
        check(&mut kept, 120, 0..600);
        keep(&mut kept, 1_700, 600);
        kept.keep_left(600, left(600));
        for _ in 0..10 {
            kept.trim(1_700);
        }
        assert_eq!((kept.slots.len(), kept.ways.len()), (REPAIR_PACKETS_LEAST, REPAIR_PACKETS_LEAST));
        check(&mut kept, 1_720, 600..601);
        keep(&mut kept, 1_730, 601);
        assert!(kept.left(601).is_none(), "what did not leave");
        assert!(Left::new(None, &[0; HEADER_BYTES_MAX + 1], &[]).is_none());
    }

    #[test]
    fn all_that_a_packet_has_is_kept() {
        let check = |payload_type: u8, marker: bool, counters: Option<Vp8>, extras: Extras| {
            const SEQ: u64 = 1 << 33 | 70_000;
            let payload: Arc<[u8]> = [7, 8].into();
            let mut kept = Kept::default();
            kept.keep(5, SEQ, &Packet { time: 9, payload_type, marker, counters, extras, ..packet(&payload) });
            let whole = Some(Entry { seq: SEQ, time: 9, payload_type, marker, counters, extras, payload });
            assert_eq!(kept.newest(6), whole);
            assert_eq!(kept.ask(7, SEQ as u16), whole);
        };
        let counters = |picture, tl0| Some(Vp8 { picture, tl0 });
        check(0, false, None, Extras::default());
        check(127, true, counters(Some(Picture { id: 0x7fff, bits: 15 }), Some(255)), Extras::default());
        check(96, true, counters(Some(Picture { id: 0, bits: 7 }), None), Extras::default());
        check(96, false, counters(None, Some(0)), Extras { orientation: Some(3), ..Extras::default() });
        check(96, false, None, Extras { content: Some(1), delay: Some([1, 2, 3]), ..Extras::default() });
    }
}
