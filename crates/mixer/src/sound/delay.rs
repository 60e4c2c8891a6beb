//! How long packets must wait so that hardly any comes too late.
//!
//! A packet's transit is when it arrived less when its first sample was taken, by two clocks that have nothing to do with each other:
//! only differences count. The quickest of the last seconds is what the path takes when nothing is in the way; how much longer the
//! slow ones took is what the others have to wait. That only recent ones count is what follows a sender's clock that goes wrong.

use std::collections::VecDeque;

use super::clock::Samples;
use super::limit::{ARRIVALS_AGE_MAX, ARRIVALS_MAX, DELAY_MAX, DELAY_MIN, DELAY_START, JUMP, TOO_LATE_PER_MILLE};

/// Arrivals after which the delay is made anew.
const ROUND: u32 = 10;

/// Arrivals before which too little is known.
const KNOWN_MIN: usize = 50;

/// The arrivals of one voice.
#[derive(Debug)]
pub struct Delay {
    arrivals: VecDeque<(Samples, Samples)>,
    sorted: Vec<Samples>,
    round: u32,
    quickest: Samples,
    target: Samples,
}

impl Default for Delay {
    fn default() -> Self {
        Delay { arrivals: VecDeque::new(), sorted: Vec::new(), round: 0, quickest: 0, target: DELAY_START }
    }
}

impl Delay {
    /// Whether a packet with this time stamp that arrives now belongs to another counting.
    pub fn is_jump(&self, now: Samples, timestamp: Samples) -> bool {
        !self.arrivals.is_empty() && (now - timestamp - self.quickest).abs() > JUMP
    }

    /// Learns from an arrival.
    pub fn note(&mut self, now: Samples, timestamp: Samples) {
        // After a long pause a clock that is wrong is somewhere else.
        if self.arrivals.back().is_some_and(|(at, _)| now - at > ARRIVALS_AGE_MAX) {
            self.clear();
        }
        let transit = now - timestamp;
        self.quickest = if self.arrivals.is_empty() { transit } else { self.quickest.min(transit) };
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((now, transit));
        self.round += 1;
        if self.round >= ROUND {
            self.round = 0;
            self.measure(now);
        }
    }

    /// How long a packet waits on its way if the quickest one waits for nothing.
    pub fn lateness(&self, now: Samples, timestamp: Samples) -> Samples {
        now - timestamp - self.quickest
    }

    /// The lateness that a packet should be heard at.
    pub fn target(&self) -> Samples {
        self.target
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.arrivals.clear();
        self.round = 0;
        self.target = DELAY_START;
    }

    fn measure(&mut self, now: Samples) {
        while self.arrivals.front().is_some_and(|(at, _)| now - at > ARRIVALS_AGE_MAX) {
            self.arrivals.pop_front();
        }
        self.sorted.clear();
        self.sorted.extend(self.arrivals.iter().map(|(_, transit)| *transit));
        let Some(last) = self.sorted.len().checked_sub(1) else { return };
        self.quickest = self.sorted.iter().copied().min().unwrap_or(self.quickest);
        let slow = last - last * TOO_LATE_PER_MILLE / 1_000;
        let (_, slow, _) = self.sorted.select_nth_unstable(slow);
        let least = if last < KNOWN_MIN { DELAY_START } else { DELAY_MIN };
        self.target = (DELAY_MIN + *slow - self.quickest).clamp(least, DELAY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::ms;
    use super::*;

    /// The delay after packets of 20 ms whose way takes so long.
    fn settled(count: i64, way_ms: impl Fn(i64) -> i64) -> Delay {
        let mut delay = Delay::default();
        for n in 0..count {
            delay.note(ms(20 * n + way_ms(n)), ms(20 * n) - 123_456);
        }
        delay
    }

    #[test]
    fn the_slow_ones_decide() {
        fn check(way_ms: impl Fn(i64) -> i64, expected: std::ops::RangeInclusive<i64>) {
            let delay = settled(600, way_ms).target();
            assert!(expected.contains(&(delay / ms(1))), "{} ms", delay / ms(1));
        }
        check(|_| 70, 22..=22);
        check(|n| n % 10 * 4, 58..=58);
        // One of a hundred may be late, one of ten may not.
        check(|n| if n % 100 == 0 { 150 } else { 10 }, 22..=22);
        check(|n| if n % 10 == 0 { 90 } else { 10 }, 102..=102);
        check(|n| if n % 10 == 0 { 900 } else { 10 }, 200..=200);
        // What is over is forgotten.
        check(|n| if n < 99 { n % 10 * 10 } else { 0 }, 22..=22);
        // A way that has become longer is no longer late.
        check(|n| if n < 99 { 0 } else { 100 }, 22..=22);
    }

    #[test]
    fn little_is_known_at_first() {
        assert_eq!(settled(20, |_| 0).target(), DELAY_START);
    }

    #[test]
    fn a_wrong_clock_is_followed() {
        let mut delay = Delay::default();
        for n in 0..200_000_i64 {
            // Loses 200 of a million samples.
            let (now, timestamp) = (n * 960, n * 960 - n * 960 / 5_000);
            delay.note(now, timestamp);
            assert!(delay.lateness(now, timestamp) <= ms(3), "after {n}");
        }
        assert_eq!(delay.target() / ms(1), 23);
    }

    #[test]
    fn a_wrong_clock_is_found_again_after_a_pause() {
        let mut delay = settled(100, |_| 0);
        let (now, timestamp) = (ms(3_600_000), ms(3_600_000 - 720) - 123_456);
        assert!(!delay.is_jump(now, timestamp));
        delay.note(now, timestamp);
        assert_eq!(delay.lateness(now, timestamp), 0);
    }

    #[test]
    fn far_off_is_a_jump() {
        let delay = settled(100, |_| 0);
        let (now, timestamp) = (ms(2_000), ms(2_000) - 123_456);
        assert!(!delay.is_jump(now, timestamp));
        assert!(!delay.is_jump(now + ms(1_999), timestamp));
        assert!(delay.is_jump(now + ms(2_001), timestamp));
        assert!(delay.is_jump(now, timestamp + ms(2_001)));
        assert!(!Delay::default().is_jump(0, 1 << 40));
    }
}
