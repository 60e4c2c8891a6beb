//! What came before the packet that it follows.

use crate::limit::STRAYS_MAX;

/// The packets behind a hole, kept until the hole is filled: the first packet of a key frame may be the one that was lost, and
/// who was waiting for it had no use for the rest. One per stream (SSRC). Takes memory from the first hole on only: most streams have
/// none for minutes, and packets are large.
#[derive(Debug)]
pub struct Recent<T> {
    packets_max: usize,
    /// All up to here have come, or are not waited for any more.
    whole: Option<u64>,
    /// From here on everything is kept, missing or not.
    wanted: Option<u64>,
    /// In their order.
    held: Vec<(u64, T)>,
    strays: u8,
}

impl<T> Recent<T> {
    /// Waits for a missing packet until the stream is so many packets further.
    pub fn new(packets_max: usize) -> Self {
        Recent { packets_max, whole: None, wanted: None, held: Vec::new(), strays: 0 }
    }

    /// A packet of the stream came, and is about to be forwarded. True if all that came of what follows it is here.
    pub fn hear(&mut self, seq: u64) -> bool {
        let oldest = seq.saturating_sub(self.packets_max as u64);
        let whole = *self.whole.get_or_insert(oldest);
        self.strays = if self.is_far_behind(seq, whole) { self.strays.saturating_add(1) } else { 0 };
        if self.strays >= STRAYS_MAX {
            self.held.clear();
            self.whole = Some(oldest);
        }
        seq > self.pass(oldest)
    }

    /// The packet that was [heard](Self::hear) last, when it was forwarded. Dropped if nothing is missing before it.
    pub fn keep(&mut self, seq: u64, packet: T) {
        let whole = self.whole.unwrap_or(0);
        if self.held.is_empty() && seq == whole.saturating_add(1) && self.is_free(seq) {
            self.whole = Some(seq);
        } else if seq > whole {
            self.insert(seq, packet);
        }
    }

    /// Those that are here of the next `count` packets after this one.
    pub fn after(&self, seq: u64, count: u64) -> impl Iterator<Item = &T> {
        self.since(seq.saturating_add(1)).take_while(move |(held, _)| *held - seq <= count).map(|(_, packet)| packet)
    }

    /// Those that are here from this packet on, each with its number.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &(u64, T)> {
        let start = self.held.partition_point(|(held, _)| *held < seq);
        self.held.iter().skip(start)
    }

    /// From this packet on everything is kept, until something else is said. To be said before that packet is [kept](Self::keep).
    pub fn want(&mut self, from: Option<u64>) {
        self.wanted = from;
    }

    /// How many packets are kept.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Forgets what nothing is missing before, and waits no longer for what is not newer than `oldest`. Up to where all is here.
    fn pass(&mut self, oldest: u64) -> u64 {
        let whole = self.whole.unwrap_or(0).max(oldest);
        let outdated = self.held.partition_point(|(held, _)| *held <= whole);
        self.held.drain(..outdated);
        let follows = |((held, _), ahead): &(&(u64, T), u64)| held - whole == *ahead && self.is_free(*held);
        let following = self.held.iter().zip(1..).take_while(follows).count();
        self.held.drain(..following);
        let whole = whole.saturating_add(following as u64);
        self.whole = Some(whole);
        whole
    }

    fn is_free(&self, seq: u64) -> bool {
        self.wanted.is_none_or(|wanted| seq < wanted)
    }

    fn insert(&mut self, seq: u64, packet: T) {
        let at = self.held.partition_point(|(held, _)| *held < seq);
        let known = self.held.get(at).is_some_and(|(held, _)| *held == seq);
        if !known && self.held.len() < self.packets_max {
            self.held.insert(at, (seq, packet));
        }
    }

    fn is_far_behind(&self, seq: u64, whole: u64) -> bool {
        whole.saturating_sub(seq) > 2 * self.packets_max as u64
    }
}
