//! How much is sent to a client that reports no arrivals, as simple players do. What it says it has lost is all there is to go by: enough
//! to notice a way that is much too narrow, not to find out how much it takes.

use std::time::{Duration, Instant};

use crate::reception::Block;

/// Share lost, of 256, above which less is sent, and below which more is tried: 10 and 2 % (draft-ietf-rmcat-gcc-02, section 6).
const TOO_MUCH: u32 = 26;
const LITTLE: u32 = 5;

/// What is left after a report of too much, and what is tried after one of little.
const LESS: f64 = 0.85;
const MORE: f64 = 1.05;

/// Bits per second at least.
const LEAST: f64 = 100_000.0;

/// Reports that follow each other sooner are of the same moment.
const GAP: Duration = Duration::from_millis(500);

/// What such a client said.
#[derive(Debug)]
pub(super) struct Blind {
    most: f64,
    estimate: f64,
    /// The estimate that was asked for last.
    polled: Option<u64>,
    /// The sum of what was lost, of 256 each, and of how many sources, in the report that is being read.
    report: (u32, u32),
    /// When it was judged last.
    judged: Option<Instant>,
    loss: f32,
    rtt: Option<Duration>,
}

impl Blind {
    /// `most`: bits per second, until something is lost.
    pub fn new(most: u64) -> Self {
        let most = most as f64;
        Blind { most, estimate: most, polled: None, report: (0, 0), judged: None, loss: 0.0, rtt: None }
    }

    /// It said that of a source. `clock`: the middle of our clock's time (RFC 3550, section 6.4.1).
    pub fn note(&mut self, block: &Block, clock: u32) {
        let (sum, count) = self.report;
        self.report = (sum.saturating_add(block.fraction.into()), count.saturating_add(1));
        let passed = clock.wrapping_sub(block.heard).wrapping_sub(block.waited);
        // What is longer is a clock that was set.
        if block.heard != 0 && passed < 10 << 16 {
            self.rtt = Some(Duration::from_secs(1) * passed / 65_536);
        }
    }

    /// A report has been read to its end.
    pub fn judge(&mut self, now: Instant) {
        let (sum, count) = std::mem::take(&mut self.report);
        let Some(lost) = sum.checked_div(count) else { return };
        if self.judged.is_some_and(|judged| now.saturating_duration_since(judged) < GAP) {
            return;
        }
        self.judged = Some(now);
        self.loss = lost as f32 / 256.0;
        let changed = if lost > TOO_MUCH {
            self.estimate * LESS
        } else if lost < LITTLE {
            self.estimate * MORE
        } else {
            self.estimate
        };
        self.estimate = changed.clamp(LEAST, self.most);
    }

    /// Bits per second, if they changed since the last time.
    pub fn poll_estimate(&mut self) -> Option<u64> {
        let estimate = self.estimate as u64;
        (self.polled.replace(estimate) != Some(estimate)).then_some(estimate)
    }

    /// When it was heard last.
    pub fn told(&self) -> Option<Instant> {
        self.judged
    }

    /// The share of packets lost lately, 0 to 1.
    pub fn loss(&self) -> f32 {
        self.loss
    }

    /// The round trip.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_makes_less_and_what_is_not_slowly_more() {
        let now = Instant::now();
        let mut blind = Blind::new(5_000_000);
        let mut second = 0;
        let mut check = |fraction: u8, reports: u64, expected: std::ops::RangeInclusive<u64>| {
            for _ in 0..reports {
                second += 1;
                blind.note(&Block { fraction, ..Block::default() }, 0);
                blind.note(&Block { fraction, ..Block::default() }, 0);
                blind.judge(now + Duration::from_secs(second));
                blind.judge(now + Duration::from_secs(second));
            }
            assert!(expected.contains(&(blind.estimate as u64)), "{} after {fraction} of 256", blind.estimate);
        };
        check(0, 100, 5_000_000..=5_000_000);
        check(20, 10, 5_000_000..=5_000_000);
        check(60, 1, 4_250_000..=4_250_000);
        check(60, 9, 950_000..=1_000_000);
        check(20, 10, 950_000..=1_000_000);
        check(0, 10, 1_550_000..=1_650_000);
        check(255, 100, 100_000..=100_000);
        assert_eq!((blind.poll_estimate(), blind.poll_estimate()), (Some(100_000), None));
    }

    #[test]
    fn the_round_trip_is_what_passed_since_our_report_less_what_it_waited_there() {
        let mut blind = Blind::new(1);
        let mut check = |heard: u32, waited: u32, expected_ms: Option<u64>| {
            blind.rtt = None;
            blind.note(&Block { heard, waited, ..Block::default() }, 5 << 16);
            assert_eq!(blind.rtt(), expected_ms.map(Duration::from_millis));
        };
        check(3 << 16, 3 << 15, Some(500));
        check(0, 0, None);
        check(5 << 16, 1 << 16, None);
        check(u32::MAX << 16, 0, Some(6_000));
    }
}
