//! What came before the packet that it follows.

/// The packets behind a hole, kept until the hole is filled: the first packet of a key frame may be the one that was lost, and
/// who was waiting for it had no use for the rest. One per layer of a track. Allocates when it is made only.
#[derive(Debug)]
pub struct Recent<T> {
    packets_max: usize,
    stream: u32,
    /// All up to here have come, or are not waited for any more.
    whole: u64,
    /// In their order.
    held: Vec<(u64, T)>,
}

impl<T> Recent<T> {
    /// Waits for a missing packet until the stream is so many packets further.
    pub fn new(packets_max: usize) -> Self {
        Recent { packets_max, stream: 0, whole: 0, held: Vec::with_capacity(packets_max) }
    }

    /// A packet of a stream that came; before it is forwarded. Made only if it must be kept.
    pub fn insert(&mut self, stream: u32, seq: u64, packet: impl FnOnce() -> T) {
        let packets_max = self.packets_max as u64;
        if self.stream != stream || seq.saturating_add(2 * packets_max) < self.whole || self.whole == 0 {
            self.held.clear();
            (self.stream, self.whole) = (stream, seq.saturating_sub(1));
        }
        self.pass(seq.saturating_sub(packets_max));
        if self.held.is_empty() && self.whole.checked_add(1) == Some(seq) {
            self.whole = seq;
        } else if seq > self.whole {
            self.keep(seq, packet);
        }
    }

    /// Those that are here of the next `count` packets after this one.
    pub fn after(&self, seq: u64, count: u64) -> impl Iterator<Item = &T> {
        let start = self.held.partition_point(|(held, _)| *held <= seq);
        let wanted = self.held.iter().skip(start).take_while(move |(held, _)| *held - seq <= count);
        wanted.map(|(_, packet)| packet)
    }

    /// How many packets are kept.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Forgets what nothing is missing before, and waits no longer for what is not newer than `oldest`.
    fn pass(&mut self, oldest: u64) {
        self.whole = self.whole.max(oldest);
        let outdated = self.held.partition_point(|(held, _)| *held <= self.whole);
        self.held.drain(..outdated);
        let following = self.held.iter().zip(1..).take_while(|((held, _), ahead)| held - self.whole == *ahead).count();
        self.held.drain(..following);
        self.whole = self.whole.saturating_add(following as u64);
    }

    fn keep(&mut self, seq: u64, packet: impl FnOnce() -> T) {
        let at = self.held.partition_point(|(held, _)| *held < seq);
        let known = self.held.get(at).is_some_and(|(held, _)| *held == seq);
        if !known && self.held.len() < self.packets_max {
            self.held.insert(at, (seq, packet()));
        }
    }
}
