//! What was sent of one track lately, to be sent again when it gets lost.

use std::sync::Arc;

use crate::codec::Vp8;
use crate::limit::{REPAIR_PACKETS, REPAIR_PACKETS_LEAST, REPAIR_TIME, REPAIRS_OF_ONE_MAX};
use crate::send::Extras;

/// Milliseconds until a packet may be sent again once more: the same datagram asks twice, and so does another on its way.
const AGAIN_GAP: u32 = 10;

/// The packets of one track. Payloads are shared with all who receive it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// As many as a power of two, or none.
    slots: Vec<Option<Entry>>,
    newest: u64,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub seq: u64,
    /// The millisecond in which it was sent.
    pub at: u32,
    /// And in which it was sent again, and how often it was.
    pub again: Option<(u32, u8)>,
    pub time: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub counters: Option<Vp8>,
    pub extras: Extras,
    pub payload: Arc<[u8]>,
}

impl Kept {
    pub fn keep(&mut self, entry: Entry) {
        let (seq, at) = (entry.seq, entry.at);
        if let Some(Some(old)) = self.slot(seq)
            && is_young(old, at)
            && self.slots.len() < REPAIR_PACKETS
        {
            self.grow();
        } else if self.slots.is_empty() {
            self.slots.resize(REPAIR_PACKETS_LEAST, None);
        }
        self.newest = self.newest.max(seq);
        if let Some(slot) = self.slot(seq) {
            *slot = Some(entry);
        }
    }

    /// The packet with this end of its number, if it is there, young, and was not sent again just now or too often. It counts as sent again
    /// now.
    pub fn ask(&mut self, now: u32, end: u16) -> Option<&Entry> {
        let seq = self.newest.checked_sub(u64::from((self.newest as u16).wrapping_sub(end)))?;
        let entry = self.slot(seq)?.as_mut().filter(|entry| entry.seq == seq && is_young(entry, now))?;
        let times = entry.again.map_or(0, |(_, times)| times);
        if times >= REPAIRS_OF_ONE_MAX || entry.again.is_some_and(|(last, _)| now.wrapping_sub(last) < AGAIN_GAP) {
            return None;
        }
        entry.again = Some((now, times + 1));
        Some(entry)
    }

    /// The last packet.
    pub fn newest(&mut self, now: u32) -> Option<&Entry> {
        let seq = self.newest;
        self.slot(seq)?.as_ref().filter(|entry| entry.seq == seq && is_young(entry, now))
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn forget(&mut self) {
        self.slots.fill(None);
    }

    /// Gives back what is too old.
    pub fn trim(&mut self, now: u32) {
        for slot in &mut self.slots {
            slot.take_if(|entry| !is_young(entry, now));
        }
    }

    fn slot(&mut self, seq: u64) -> Option<&mut Option<Entry>> {
        let mask = self.slots.len().checked_sub(1)?;
        self.slots.get_mut(seq as usize & mask)
    }

    #[cold]
    fn grow(&mut self) {
        let wider = self.slots.len() * 2;
        let mut slots = vec![None; wider];
        for entry in self.slots.drain(..).flatten() {
            if let Some(slot) = slots.get_mut(entry.seq as usize & (wider - 1)) {
                *slot = Some(entry);
            }
        }
        self.slots = slots;
    }
}

fn is_young(entry: &Entry, now: u32) -> bool {
    u128::from(now.wrapping_sub(entry.at)) < REPAIR_TIME.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, at: u32) -> Entry {
        let (counters, extras, payload) = (None, Extras::default(), [1].into());
        Entry { seq, at, again: None, time: 0, payload_type: 96, marker: false, counters, extras, payload }
    }

    #[test]
    fn what_was_sent_lately_is_found_by_the_end_of_its_number() {
        let mut kept = Kept::default();
        assert!(kept.ask(0, 5).is_none());
        (65_530..65_600).for_each(|seq| kept.keep(entry(seq, 100)));
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
            kept.keep(entry(seq, (seq * 20) as u32));
        }
        assert!(kept.slots.len() <= 128, "{} for fifty a second", kept.slots.len());
        for seq in 10_000..20_000 {
            kept.keep(entry(seq, 200_000));
        }
        assert_eq!(kept.slots.len(), REPAIR_PACKETS);
        assert!(kept.ask(200_000, 19_000).is_some());
        kept.trim(300_000);
        assert!(kept.slots.iter().all(Option::is_none));
    }
}
