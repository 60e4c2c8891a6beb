//! Which packets of media reach the library.
//!
//! The library files a source that it does not know under the section that the packet names, and only then looks whether the client has
//! signed the packet: anybody could take a track's source away so, or fill it up with sources. So it gets packets of sources that the
//! descriptions announce, or that it holds already. Those of others are looked at here first.

use std::collections::VecDeque;

use crate::limit::{SOURCES_GONE_MAX, SOURCES_LEARNT_EVER_MAX, SOURCES_LEARNT_MAX};

/// Bytes of a header without what may follow (RFC 3550, section 5.1).
const HEADER_BYTES: usize = 12;

/// The bit that says that an extension follows.
const EXTENDED: u8 = 0x10;

/// The sources of one client.
#[derive(Default)]
pub(super) struct Gate {
    /// What passes unlooked at, in order.
    known: Vec<u32>,
    /// Sources that nobody announced, of which the client has signed a packet, oldest first.
    learnt: Vec<u32>,
    /// Sources that gave way to others: what is said again of them is no news. Oldest first.
    gone: VecDeque<u32>,
    /// Sources learnt so far.
    ever: u32,
    /// The newest number of each source that was heard, continued beyond 16 bits.
    heard: Vec<(u32, u64)>,
}

impl Gate {
    /// Whether the packets of this source pass.
    pub fn knows(&self, ssrc: u32) -> bool {
        self.known.binary_search(&ssrc).is_ok()
    }

    /// Whether this source gave way to another. A packet of its that is said again would bring it back.
    pub fn is_gone(&self, ssrc: u32) -> bool {
        self.gone.contains(&ssrc)
    }

    /// A packet with this number came of a source that is known.
    pub fn note_heard(&mut self, ssrc: u32, seq: u64) {
        if let Some((_, newest)) = self.heard.iter_mut().find(|(own, _)| *own == ssrc) {
            *newest = seq.max(*newest);
        } else {
            let known = &self.known;
            self.heard.retain(|(own, _)| known.binary_search(own).is_ok());
            self.heard.push((ssrc, seq));
        }
    }

    /// How many times a source had been through all numbers when it sent this one, if that was lately.
    pub fn turn_of(&self, ssrc: u32, seq: u16) -> u32 {
        let newest = self.heard.iter().find(|(own, _)| *own == ssrc).map_or(0, |(_, newest)| *newest);
        // The nearest number that ends so (RFC 3711, section 3.3.1).
        let behind = u64::from((newest as u16).wrapping_add(0x8000).wrapping_sub(seq));
        let nearest = (newest + 0x8000).checked_sub(behind);
        nearest.map_or(0, |nearest| (nearest >> 16) as u32)
    }

    /// The client has signed a packet of this source. False: there are too many.
    pub fn learn(&mut self, ssrc: u32) -> bool {
        if self.learnt.contains(&ssrc) {
            return true;
        }
        if self.learnt.len() >= SOURCES_LEARNT_MAX || self.ever >= SOURCES_LEARNT_EVER_MAX {
            return false;
        }
        self.learnt.push(ssrc);
        self.ever += 1;
        true
    }

    /// Sources learnt, whether or not the library holds them.
    pub fn learnt(&self) -> impl Iterator<Item = u32> {
        self.learnt.iter().copied()
    }

    /// What is known follows from what the descriptions announce and from what the library holds. `repair`: none for a source that is not
    /// held, and else the source of its repairs, if it has one.
    pub fn agree(&mut self, announced: impl Iterator<Item = u32>, mut repair: impl FnMut(u32) -> Option<Option<u32>>) {
        let before = std::mem::take(&mut self.known);
        self.known.extend(announced);
        let held: Vec<u32> = self.learnt().filter(|ssrc| repair(*ssrc).is_some()).collect();
        let repairs: Vec<u32> = self.known.iter().chain(&held).filter_map(|ssrc| repair(*ssrc).flatten()).collect();
        self.known.extend(held.into_iter().chain(repairs));
        self.known.sort_unstable();
        self.known.dedup();
        let known = &self.known;
        self.gone.retain(|ssrc| known.binary_search(ssrc).is_err());
        for ssrc in before.into_iter().filter(|ssrc| known.binary_search(ssrc).is_err()) {
            self.learnt.retain(|own| *own != ssrc);
            if self.gone.len() >= SOURCES_GONE_MAX {
                self.gone.pop_front();
            }
            self.gone.push_back(ssrc);
        }
    }

    /// Forgets the sources that were learnt and that the library does not hold, for others.
    pub fn forget_unheld(&mut self) {
        let known = &self.known;
        self.learnt.retain(|ssrc| known.binary_search(ssrc).is_ok());
    }
}

/// The source of a packet.
pub(super) fn source_of(packet: &[u8]) -> Option<u32> {
    packet.get(8..HEADER_BYTES)?.try_into().ok().map(u32::from_be_bytes)
}

/// The bytes of a packet's header.
pub(super) fn header_of(packet: &[u8]) -> Option<usize> {
    let plain = |first: &u8| HEADER_BYTES + 4 * usize::from(first & 0x0f);
    let plain = packet.first().filter(|first| **first & EXTENDED == 0).map(plain).filter(|end| *end <= packet.len());
    plain.or_else(|| named_header(packet))
}

/// The bytes of a packet's header, if it has an extension: without, nothing says where its source belongs.
pub(super) fn named_header(packet: &[u8]) -> Option<usize> {
    let first = packet.first().filter(|first| **first & EXTENDED != 0)?;
    let extension = HEADER_BYTES + 4 * usize::from(first & 0x0f);
    let words = packet.get(extension + 2..extension + 4)?.try_into().ok().map(u16::from_be_bytes)?;
    let end = extension + 4 + 4 * usize::from(words);
    (end <= packet.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_the_turn_in_which_it_is_nearest() {
        let mut gate = Gate::default();
        agree(&mut gate, &[7], &[]);
        assert_eq!([0, 0x7fff, 0xffff].map(|seq| gate.turn_of(7, seq)), [0; 3]);
        gate.note_heard(7, 0x2_0010);
        gate.note_heard(7, 0x2_0005);
        assert_eq!([0x10, 0x11, 0x7000, 0, 0xfff0].map(|seq| gate.turn_of(7, seq)), [2, 2, 2, 2, 1]);
        gate.note_heard(7, 0x2_fff0);
        assert_eq!([0xfff1, 0x0005].map(|seq| gate.turn_of(7, seq)), [2, 3]);
        agree(&mut gate, &[8], &[]);
        gate.note_heard(8, 1);
        assert_eq!(gate.heard, [(8, 1)], "what is not known any more is forgotten");
    }

    /// Agrees with a library that holds these, each with its repairs or 0.
    fn agree(gate: &mut Gate, announced: &[u32], held: &[(u32, u32)]) {
        let repair = |ssrc| held.iter().find(|(own, _)| *own == ssrc).map(|(_, rtx)| Some(*rtx).filter(|rtx| *rtx != 0));
        gate.agree(announced.iter().copied(), repair);
    }

    #[test]
    fn what_is_announced_passes_and_what_is_held_with_its_repairs() {
        let mut gate = Gate::default();
        agree(&mut gate, &[7, 5], &[(7, 8), (9, 0)]);
        assert_eq!([5, 6, 7, 8, 9].map(|ssrc| gate.knows(ssrc)), [true, false, true, true, false]);
        assert!(gate.learn(9) && !gate.knows(9));
        agree(&mut gate, &[7, 5], &[(7, 8), (9, 10)]);
        assert_eq!([5, 9, 10].map(|ssrc| gate.knows(ssrc)), [true; 3]);
    }

    #[test]
    fn what_gave_way_comes_back_by_a_description_alone() {
        let mut gate = Gate::default();
        assert!(gate.learn(1));
        agree(&mut gate, &[], &[(1, 0)]);
        assert!(gate.learn(2));
        agree(&mut gate, &[], &[(2, 0)]);
        assert!(!gate.knows(1) && gate.is_gone(1) && gate.knows(2));
        agree(&mut gate, &[1], &[(2, 0)]);
        assert!(gate.knows(1) && !gate.is_gone(1) && gate.knows(2));
    }

    #[test]
    fn so_many_are_learnt_at_a_time_and_in_all() {
        let mut gate = Gate::default();
        let fits = u32::try_from(SOURCES_LEARNT_MAX).unwrap();
        assert!((0..fits).all(|ssrc| gate.learn(ssrc)) && !gate.learn(fits) && gate.learn(3));
        agree(&mut gate, &[], &[(3, 0)]);
        gate.forget_unheld();
        assert_eq!(gate.learnt().collect::<Vec<_>>(), [3]);
        let more = (fits..).take_while(|ssrc| {
            let learnt = gate.learn(*ssrc);
            gate.forget_unheld();
            learnt
        });
        assert_eq!(more.count(), usize::try_from(SOURCES_LEARNT_EVER_MAX).unwrap() - SOURCES_LEARNT_MAX);
    }

    #[test]
    fn a_header_ends_where_its_extension_does() {
        let packet = |first: u8, words: u8, length: usize| {
            let mut bytes = vec![first, 96, 0, 1, 0, 0, 0, 1, 0, 0, 1, 7];
            bytes.extend(vec![0; 4 * usize::from(first & 0x0f)]);
            bytes.extend([0xbe, 0xde, 0, words]);
            bytes.resize(length, 0);
            bytes
        };
        assert_eq!(named_header(&packet(0x90, 2, 60)), Some(24));
        assert_eq!(named_header(&packet(0x92, 2, 60)), Some(32));
        assert_eq!(named_header(&packet(0x80, 2, 60)), None);
        assert_eq!(named_header(&packet(0x90, 2, 23)), None);
        assert_eq!(named_header(&packet(0x9f, 255, 200)), None);
        assert_eq!((0..12).find_map(|length| source_of(&packet(0x90, 2, 60)[..length])), None);
        assert_eq!(source_of(&packet(0x90, 2, 60)), Some(0x107));
    }
}
