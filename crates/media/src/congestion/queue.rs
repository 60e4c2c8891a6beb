//! How long packets wait on the way, as far as one clock at each end can tell: the shortest delay of now, less the shortest of long.
//!
//! A slope tells that a queue grows, not that there is one; and one late packet, or a receiver that was busy, makes a slope too. The
//! shortest of many delays is long only if there is a queue.

/// Microseconds of a span of now, and of long. Two of each are looked at.
const NOW_SPAN: i64 = 100_000;
const LONG_SPAN: i64 = 30_000_000;

/// Seconds in which longer waits become usual, and shorter ones.
const USUAL_RISES: f64 = 8.0;
const USUAL_FALLS: f64 = 1.0;

/// Microseconds that are usual at most.
const USUAL_MAX: f64 = 150_000.0;

/// Share of a packet in the jitter; RFC 3550, section 6.4.1, has more of it, and less rest.
const JITTER_WEIGHT: f64 = 1.0 / 64.0;

/// The delays of one way.
#[derive(Debug, Default)]
pub struct Queue {
    now: Lowest,
    long: Lowest,
    last: Option<i64>,
    jitter: f64,
    usual: f64,
    looked: u64,
}

impl Queue {
    /// A packet that took so long arrived in this microsecond of the receiver's clock, by which the other is measured too.
    pub fn note(&mut self, arrival: i64, delay: i64) {
        self.now.note(arrival, NOW_SPAN, delay);
        self.long.note(arrival, LONG_SPAN, delay);
        let differs = self.last.replace(delay).map_or(0, |last| delay.abs_diff(last).min(LONG_SPAN.unsigned_abs()));
        self.jitter += (differs as f64 - self.jitter) * JITTER_WEIGHT;
    }

    /// It is this microsecond of our clock: learns what is usual.
    pub fn learn(&mut self, at: u64) {
        let passed = at.saturating_sub(self.looked).min(1_000_000) as f64 / 1e6;
        self.looked = at;
        let waits = (self.waits() as f64).min(USUAL_MAX);
        let time = if waits > self.usual { USUAL_RISES } else { USUAL_FALLS };
        self.usual += (waits - self.usual) * (passed / time).min(1.0);
    }

    /// Microseconds that packets wait on most days: some ways are never even, and on some there is always somebody else.
    pub fn usual(&self) -> u64 {
        self.usual as u64
    }

    /// Microseconds by which one packet's delay differs from the next one's.
    pub fn jitter(&self) -> u64 {
        self.jitter as u64
    }

    /// Microseconds that packets wait.
    pub fn waits(&self) -> u64 {
        let (now, long) = (self.now.lowest(), self.long.lowest());
        now.zip(long).map_or(0, |(now, long)| now.saturating_sub(long).max(0).unsigned_abs())
    }

    /// Nothing was sent for long: what waited has gone.
    pub fn rest(&mut self) {
        self.now = Lowest::default();
    }

    /// The way is as long as it is now: what seemed to wait did not.
    pub fn rebase(&mut self) {
        if let Some(now) = self.now.lowest() {
            self.long = Lowest { began: self.now.began, spans: [Some(now), None] };
            self.usual = 0.0;
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
