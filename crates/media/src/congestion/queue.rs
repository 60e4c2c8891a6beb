//! How long packets wait on the way, as far as one clock at each end can tell: the shortest delay of now, less the shortest of long.
//!
//! A slope tells that a queue grows, not that there is one; and one late packet, or a receiver that was busy, makes a slope too. The
//! shortest of many delays is long only if there is a queue.

/// Microseconds of a span of now, and of long. Two of each are looked at.
const NOW_SPAN: i64 = 100_000;
const LONG_SPAN: i64 = 30_000_000;

/// The delays of one way.
#[derive(Debug, Default)]
pub struct Queue {
    now: Lowest,
    long: Lowest,
}

impl Queue {
    /// A packet that took so long arrived in this microsecond of the receiver's clock, by which the other is measured too.
    pub fn note(&mut self, arrival: i64, delay: i64) {
        self.now.note(arrival, NOW_SPAN, delay);
        self.long.note(arrival, LONG_SPAN, delay);
    }

    /// Microseconds that packets wait.
    pub fn waits(&self) -> u64 {
        let (now, long) = (self.now.lowest(), self.long.lowest());
        now.zip(long).map_or(0, |(now, long)| now.saturating_sub(long).max(0).unsigned_abs())
    }

    /// The way is as long as it is now: what seemed to wait did not.
    pub fn rebase(&mut self) {
        if let Some(now) = self.now.lowest() {
            self.long = Lowest { began: self.now.began, spans: [Some(now), None] };
        }
    }
}

/// The lowest of this span and the one before.
#[derive(Debug, Default)]
struct Lowest {
    began: i64,
    spans: [Option<i64>; 2],
}

impl Lowest {
    fn note(&mut self, at: i64, span: i64, value: i64) {
        let [current, before] = &mut self.spans;
        if at - self.began >= span || at < self.began - span || current.is_none() {
            (*before, *current, self.began) = (*current, None, at);
        }
        *current = Some(current.map_or(value, |lowest| lowest.min(value)));
    }

    fn lowest(&self) -> Option<i64> {
        self.spans.iter().flatten().min().copied()
    }
}
