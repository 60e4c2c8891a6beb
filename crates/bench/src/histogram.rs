//! Durations, counted in classes of at most 1.6 % width, so that memory does not grow with what is counted.

use std::time::Duration;

/// Bits of a value that its class keeps.
const BITS: u32 = 6;

/// Classes for each power of two.
const CLASSES: u64 = 1 << BITS;

/// How often which duration was seen.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, value: Duration) {
        let ns = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        let class = class_of(ns);
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.count += 1;
        self.max = self.max.max(ns);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The duration that this share of all does not exceed: 0.5 is the median. Zero if none was counted.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        for (class, count) in self.counts.iter().enumerate() {
            passed += count;
            if passed >= rank {
                return Duration::from_nanos(upper_end(class as u64).min(self.max));
            }
        }
        Duration::ZERO
    }
}

fn class_of(ns: u64) -> usize {
    let shift = (64 - ns.leading_zeros()).saturating_sub(BITS + 1);
    (u64::from(shift) * CLASSES + (ns >> shift)) as usize
}

fn upper_end(class: u64) -> u64 {
    let shift = (class / CLASSES).saturating_sub(1);
    let start = class - shift * CLASSES;
    (start << shift).saturating_add((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_narrow_and_holds_its_values() {
        for ns in [0, 1, 63, 64, 127, 128, 129, 1_000, 1_023, 1_024, 999_999, 1 << 40, (1 << 40) + 12_345] {
            let end = upper_end(class_of(ns) as u64);
            assert!(ns <= end && end - ns <= ns / CLASSES, "{ns} is taken for {end}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|ms| histogram.add(Duration::from_millis(ms)));
        for (share, ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0), (0.0, 1.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e3;
            assert!((found / ms - 1.0).abs() < 0.016, "{share}: {found} ms instead of {ms}");
        }
        assert_eq!((histogram.count(), histogram.max()), (1_000, Duration::from_secs(1)));
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
