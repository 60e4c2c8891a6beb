//! Time, counted in samples.

use std::time::{Duration, Instant};

/// Time in samples of one channel: 48,000 a second.
pub type Samples = i64;

/// Samples of each channel in one tick: 20 ms.
pub const TICK: usize = 960;

/// The same, as time.
pub const TICK_SAMPLES: Samples = ms(20);

/// Milliseconds in samples.
pub const fn ms(milliseconds: i64) -> Samples {
    milliseconds * 48
}

/// Samples as a duration. None are fewer than none.
pub fn duration(samples: Samples) -> Duration {
    Duration::from_nanos(u64::try_from(samples).unwrap_or(0).saturating_mul(62_500) / 3)
}

/// So far from where it should be, a tick is not late: ticks were left out.
const LEFT_OUT: f64 = ms(200) as f64;

/// The share of one tick's lateness that is believed.
const BELIEVED: f64 = 1.0 / 64.0;

/// When packets come and when ticks are, by one clock. Ticks may come a little late or several at once; what is heard goes on evenly.
#[derive(Debug, Default)]
pub struct Clock {
    start: Option<Instant>,
    ticks: Samples,
    behind: Option<f64>,
}

impl Clock {
    /// The time of an arrival.
    pub fn at(&mut self, now: Instant) -> Samples {
        let start = *self.start.get_or_insert(now);
        let since = |later: Instant, earlier: Instant| {
            let nanos = later.saturating_duration_since(earlier).as_nanos();
            Samples::try_from(nanos * 3 / 62_500).unwrap_or(Samples::MAX)
        };
        since(now, start) - since(start, now)
    }

    /// The time that what this tick takes is heard at.
    pub fn tick(&mut self, now: Instant) -> Samples {
        let late = (self.at(now) - self.ticks) as f64;
        let behind = self.behind.filter(|behind| (late - behind).abs() < LEFT_OUT).unwrap_or(late);
        self.behind = Some(behind + (late - behind) * BELIEVED);
        let heard = self.ticks + behind as Samples;
        self.ticks += TICK_SAMPLES;
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first time and the largest difference from 20 ms between two ticks, in samples.
    fn uneven(count: u64, at_ms: impl Fn(u64) -> u64) -> (Samples, Samples) {
        let (mut clock, start) = (Clock::default(), Instant::now());
        clock.at(start);
        let heard: Vec<Samples> = (0..count).map(|n| clock.tick(start + Duration::from_millis(at_ms(n)))).collect();
        let most = heard.windows(2).map(|pair| (pair[1] - pair[0] - 960).abs()).max();
        (heard[0], most.unwrap_or(0))
    }

    #[test]
    fn ticks_are_even() {
        assert_eq!(uneven(500, |n| 7 + 20 * n), (ms(7), 0));
        let (_, most) = uneven(500, |n| 20 * n + n % 3 * 5);
        assert!(most < ms(1), "{most}");
        // Two at once, every time.
        let (_, most) = uneven(500, |n| n / 2 * 40);
        assert!(most < ms(1), "{most}");
        // Two seconds in which there were none.
        assert_eq!(uneven(500, |n| 20 * n + n / 250 * 2_000).1, ms(2_000));
    }

    #[test]
    fn samples_are_time() {
        let (mut clock, start) = (Clock::default(), Instant::now());
        assert_eq!(clock.at(start), 0);
        assert_eq!(clock.at(start + Duration::from_secs(12 * 3_600)), 12 * 3_600 * 48_000);
        assert_eq!(duration(ms(1_500)), Duration::from_millis(1_500));
        assert_eq!(duration(-1), Duration::ZERO);
    }
}
