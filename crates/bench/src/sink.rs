//! What arrives at one client: which packets of which stream, in which order.

use crate::stamp::Stamp;

/// What one client heard of each stream.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    /// By the stream's number.
    heard: Vec<Option<Tally>>,
}

/// What was heard of one stream, out of the packets that are judged.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// The first packet that is judged.
    from: u64,
    /// One bit for each packet from there.
    seen: Vec<u64>,
    highest: Option<u64>,
    reordered: u64,
    twice: u64,
}

/// What became of the packets of one stream, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// That were sent.
    pub expected: u64,
    /// That came.
    pub delivered: u64,
    /// That came after one that was sent later, repairs included.
    pub reordered: u64,
    /// That came once more.
    pub twice: u64,
}

impl Sink {
    /// From now on the packets of each stream from this number on are judged. By the streams' numbers.
    pub fn judge_from(&mut self, numbers: &[u64]) {
        for (tally, from) in self.heard.iter_mut().zip(numbers) {
            if let Some(tally) = tally {
                *tally = Tally { from: *from, highest: tally.highest, ..Tally::default() };
            }
        }
    }

    /// Counts a packet.
    pub fn hear(&mut self, stamp: Stamp) {
        let at = stamp.source as usize;
        if self.heard.len() <= at {
            self.heard.resize(at + 1, None);
        }
        self.heard[at].get_or_insert_default().hear(stamp.number);
    }

    /// Whether anything came of this stream since the beginning.
    pub fn knows(&self, source: usize) -> bool {
        self.heard.get(source).is_some_and(Option::is_some)
    }

    /// What became of the packets of a stream from the first that is judged up to, not including, this one.
    pub fn judge(&self, source: usize, from: u64, to: u64) -> Verdict {
        let expected = to.saturating_sub(from);
        let Some(Some(tally)) = self.heard.get(source) else { return Verdict { expected, ..Verdict::default() } };
        let delivered = (from..to).filter(|number| tally.has(*number)).count() as u64;
        Verdict { expected, delivered, reordered: tally.reordered, twice: tally.twice }
    }
}

impl Tally {
    fn hear(&mut self, number: u64) {
        let later = self.highest.is_some_and(|highest| number < highest);
        self.highest = self.highest.max(Some(number));
        let Some(at) = number.checked_sub(self.from) else { return };
        let (word, bit) = ((at / 64) as usize, 1 << (at % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let again = self.seen[word] & bit != 0;
        self.seen[word] |= bit;
        self.twice += u64::from(again);
        self.reordered += u64::from(later && !again);
    }

    fn has(&self, number: u64) -> bool {
        let Some(at) = number.checked_sub(self.from) else { return false };
        self.seen.get((at / 64) as usize).is_some_and(|word| word & 1 << (at % 64) != 0)
    }
}

impl std::ops::AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.delivered += other.delivered;
        self.reordered += other.reordered;
        self.twice += other.twice;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u64], (from, to): (u64, u64), expected: Verdict) {
        let mut sink = Sink::default();
        let hear = |sink: &mut Sink, number| sink.hear(Stamp { source: 3, sent_ns: 0, number });
        hear(&mut sink, 0);
        sink.judge_from(&[0, 0, 0, from]);
        numbers.iter().for_each(|number| hear(&mut sink, *number));
        assert_eq!(sink.judge(3, from, to), expected, "{numbers:?}");
    }

    #[test]
    fn loss_order_and_repetition_are_told_apart() {
        let verdict = |delivered, reordered, twice| Verdict { expected: 5, delivered, reordered, twice };
        check(&[10, 11, 12, 13, 14], (10, 15), verdict(5, 0, 0));
        check(&[10, 11, 13, 14], (10, 15), verdict(4, 0, 0));
        check(&[10, 11, 13, 12, 14], (10, 15), verdict(5, 1, 0));
        check(&[10, 11, 13, 14, 11], (10, 15), verdict(4, 0, 1));
        check(&[], (10, 15), verdict(0, 0, 0));
    }

    #[test]
    fn only_the_packets_asked_for_are_judged() {
        check(&[8, 9, 10, 11, 12, 13, 14, 15, 200], (10, 15), Verdict { expected: 5, delivered: 5, reordered: 0, twice: 0 });
    }

    #[test]
    fn a_stream_never_heard_is_lost_whole() {
        let sink = Sink::default();
        assert_eq!(sink.judge(7, 100, 300), Verdict { expected: 200, ..Verdict::default() });
        assert!(!sink.knows(7));
    }

    #[test]
    fn a_stream_first_heard_while_judged_counts() {
        let mut sink = Sink::default();
        sink.judge_from(&[50]);
        (50..60).for_each(|number| sink.hear(Stamp { source: 0, sent_ns: 0, number }));
        assert_eq!(sink.judge(0, 50, 60).delivered, 10);
    }
}
