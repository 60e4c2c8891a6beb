//! One stream at one client, by what its packets say of themselves: for what servers make anew, and cannot carry our stamps.

use crate::sink::Verdict;
use crate::vp8::Head;

/// Picture ids of 15 bits begin again after so many.
const PICTURES: u16 = 0x8000;

/// One packet that a client got.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Its running number, which does not begin again.
    pub number: u64,
    /// The last one of its frame.
    pub marker: bool,
    /// Whether it is of pictures.
    pub is_picture: bool,
    /// What it says of its picture, if it says anything.
    pub head: Option<Head>,
    /// Which of our streams is in it, if it has a stamp.
    pub source: Option<u32>,
}

/// What came of one stream.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Whether it is pictures.
    pub is_picture: bool,
    /// Frames that came, by their last packets, while it is judged.
    pub frames: u64,
    /// Pictures missing between two others, while it is judged.
    pub missing: u64,
    /// How often another of our streams came in it, while it is judged.
    pub switches: u64,
    from: Option<u64>,
    to: Option<u64>,
    highest: Option<u64>,
    came: u64,
    picture: Option<u16>,
    source: Option<u32>,
}

impl Watch {
    /// Counts a packet.
    pub fn hear(&mut self, packet: &Packet) {
        self.is_picture = packet.is_picture;
        let from = *self.from.get_or_insert(packet.number);
        let judged = packet.number >= from && self.to.is_none_or(|to| packet.number <= to);
        let newest = self.highest.is_none_or(|highest| packet.number > highest);
        self.came += u64::from(judged);
        self.frames += u64::from(judged && packet.marker && self.is_picture);
        if !newest {
            return;
        }
        self.highest = Some(packet.number);
        if packet.source.is_some() && packet.source != self.source {
            self.switches += u64::from(judged && self.source.is_some());
            self.source = packet.source;
        }
        if let Some(picture) = packet.head.and_then(|head| head.picture) {
            let step = self.picture.map_or(1, |last| picture.wrapping_sub(last) % PICTURES);
            // A step back is a packet that came late, or a count that began anew.
            self.missing += if judged && step < PICTURES / 2 { u64::from(step.saturating_sub(1)) } else { 0 };
            self.picture = Some(picture);
        }
    }

    /// From the next packet on it is judged.
    pub fn open(&mut self) {
        (self.from, self.to) = (self.highest.map(|highest| highest + 1), None);
        (self.came, self.frames, self.missing, self.switches) = (0, 0, 0, 0);
    }

    /// Packets with a higher number than those that are there are not judged.
    pub fn close(&mut self) {
        self.to = self.highest;
    }

    /// What became of its packets while it was judged.
    pub fn verdict(&self) -> Verdict {
        let (Some(from), Some(to)) = (self.from, self.to) else { return Verdict::default() };
        let expected = (to + 1).saturating_sub(from).max(self.came);
        Verdict { expected, delivered: self.came, ..Verdict::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64, picture: u16, source: u32) -> Packet {
        let head = Some(Head { begins_key: false, picture: Some(picture) });
        Packet { number, marker: true, is_picture: true, head, source: Some(source) }
    }

    fn watch(packets: &[(u64, u16, u32)]) -> Watch {
        let mut watch = Watch::default();
        watch.hear(&packet(9, 6, 0));
        watch.open();
        packets.iter().for_each(|(number, picture, source)| watch.hear(&packet(*number, *picture, *source)));
        watch.close();
        watch
    }

    #[test]
    fn what_is_missing_between_two_packets_is_lost() {
        let check = |packets: &[(u64, u16, u32)], expected: u64, delivered: u64, missing: u64| {
            let seen = watch(packets);
            let verdict = Verdict { expected, delivered, ..Verdict::default() };
            assert_eq!((seen.verdict(), seen.missing), (verdict, missing), "{packets:?}");
        };
        check(&[(10, 7, 0), (11, 8, 0), (12, 9, 0)], 3, 3, 0);
        check(&[(10, 7, 0), (13, 9, 0)], 4, 2, 1);
        check(&[(10, 7, 0), (12, 8, 0), (11, 8, 0)], 3, 3, 0);
        check(&[], 0, 0, 0);
    }

    #[test]
    fn what_begins_while_it_is_judged_begins_with_what_came() {
        let mut watch = Watch::default();
        watch.open();
        [(70, 5), (71, 6), (73, 7)].into_iter().for_each(|(number, picture)| watch.hear(&packet(number, picture, 0)));
        watch.close();
        assert_eq!((watch.verdict().expected, watch.verdict().delivered, watch.missing, watch.switches), (4, 3, 0, 0));
    }

    #[test]
    fn picture_ids_begin_again() {
        let mut watch = watch(&[(10, 0x7ffe, 0)]);
        watch.open();
        [0x7fff, 0, 1, 3].into_iter().zip(11..).for_each(|(picture, number)| watch.hear(&packet(number, picture, 0)));
        assert_eq!((watch.missing, watch.frames), (1, 4));
    }

    #[test]
    fn another_stream_in_it_is_a_switch() {
        assert_eq!(watch(&[(10, 7, 0), (11, 8, 2), (12, 9, 2), (13, 10, 1)]).switches, 2);
        assert_eq!(watch(&[(10, 7, 1), (11, 8, 1)]).switches, 1);
    }

    #[test]
    fn what_comes_after_the_end_is_not_judged() {
        let mut watch = watch(&[(10, 7, 0), (12, 8, 0)]);
        watch.hear(&packet(13, 9, 1));
        watch.hear(&packet(11, 8, 0));
        assert_eq!(watch.verdict(), Verdict { expected: 3, delivered: 3, ..Verdict::default() });
        assert_eq!((watch.frames, watch.switches), (3, 0));
    }
}
