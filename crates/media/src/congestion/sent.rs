//! What was sent and is not told of yet: eight bytes a packet, by its number.

use crate::limit::{SENT_PACKETS_LEAST, SENT_PACKETS_MAX, SENT_TIME};

/// What is known of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Never sent, or forgotten.
    #[default]
    Gone,
    /// Sent, and no more.
    Unknown,
    /// Counted as if it had come: the report on it seems to be lost.
    Assumed,
    /// Reported missing.
    Missing,
    /// Reported to have come.
    Arrived,
}

/// A packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot {
    /// The lower bits of the microsecond in which it was sent. Reports on packets that are older than these can tell
    /// ([`SENT_TIME`] is less) are not heard.
    at: u32,
    pub bytes: u16,
    /// The probe that it is part of, or 0.
    pub probe: u8,
    pub fate: Fate,
}

impl Slot {
    pub fn new(at: u64, bytes: usize, probe: u8) -> Self {
        Slot { at: at as u32, bytes: u16::try_from(bytes).unwrap_or(u16::MAX), probe, fate: Fate::Unknown }
    }

    /// It was sent only in that microsecond.
    pub fn leave(&mut self, at: u64) {
        self.at = at as u32;
    }

    /// In which microsecond it was sent.
    pub fn sent(&self, now: u64) -> u64 {
        now.saturating_sub(u64::from((now as u32).wrapping_sub(self.at)))
    }
}

/// The latest packets. It grows while what it would forget is young, up to [`SENT_PACKETS_MAX`].
#[derive(Debug)]
pub struct Sent {
    /// As many as a power of two.
    slots: Vec<Slot>,
    oldest: u64,
    next: u64,
    newest_at: u64,
}

impl Sent {
    pub fn new() -> Self {
        Sent { slots: vec![Slot::default(); SENT_PACKETS_LEAST], oldest: 0, next: 0, newest_at: 0 }
    }

    /// Keeps a packet. Numbers rise; those left out were never sent.
    #[inline]
    pub fn push(&mut self, now: u64, number: u64, slot: Slot) {
        if number != self.next && !self.skip(number) {
            return;
        }
        if self.next - self.oldest >= self.slots.len() as u64 {
            self.make_room(now);
        }
        self.newest_at = now;
        self.put(number, slot);
        self.next = number + 1;
    }

    /// The packet with this end of its number, its whole number first. None if it is forgotten or was never sent.
    pub fn find(&mut self, now: u64, end: u16) -> Option<(u64, &mut Slot)> {
        let newest = self.next.checked_sub(1)?;
        let number = newest.checked_sub(u64::from((newest as u16).wrapping_sub(end)))?;
        if number < self.oldest || now.saturating_sub(self.newest_at) > SENT_TIME.as_micros() as u64 {
            return None;
        }
        let mask = self.slots.len() - 1;
        let slot = self.slots.get_mut(number as usize & mask)?;
        (slot.fate != Fate::Gone).then_some((number, slot))
    }

    /// The packet with this number.
    pub fn get(&mut self, now: u64, number: u64) -> Option<&mut Slot> {
        let known = (self.oldest..self.next).contains(&number);
        if known { self.find(now, number as u16).filter(|(found, _)| *found == number).map(|(_, slot)| slot) } else { None }
    }

    /// The number of the oldest packet that is kept.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The number after that of the newest.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Forgets all packets.
    pub fn clear(&mut self) {
        self.oldest = self.next;
    }

    /// Goes on at a higher number; false if it is none.
    #[cold]
    fn skip(&mut self, number: u64) -> bool {
        if number < self.next || number == u64::MAX {
            return false;
        }
        if number - self.next >= self.slots.len() as u64 {
            (self.oldest, self.next) = (number, number);
        }
        for gap in self.next..number {
            self.put(gap, Slot::default());
        }
        self.next = number;
        self.oldest = self.oldest.max(number.saturating_sub(self.slots.len() as u64));
        true
    }

    fn put(&mut self, number: u64, slot: Slot) {
        let mask = self.slots.len() - 1;
        if let Some(place) = self.slots.get_mut(number as usize & mask) {
            *place = slot;
        }
    }

    fn make_room(&mut self, now: u64) {
        let mask = self.slots.len() - 1;
        let oldest = self.slots.get(self.oldest as usize & mask).copied().unwrap_or_default();
        let settled = matches!(oldest.fate, Fate::Gone | Fate::Arrived);
        if settled || self.slots.len() >= SENT_PACKETS_MAX || now.saturating_sub(oldest.sent(now)) >= SENT_TIME.as_micros() as u64
        {
            self.oldest += 1;
        } else {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); self.slots.len() * 2];
        let (mask, wider) = (self.slots.len() - 1, slots.len() - 1);
        for number in self.oldest..self.next {
            if let (Some(to), Some(from)) = (slots.get_mut(number as usize & wider), self.slots.get(number as usize & mask)) {
                *to = *from;
            }
        }
        self.slots = slots;
    }
}
