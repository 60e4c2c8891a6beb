//! The one place where the shell reads clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment by both clocks: durations go by `at`, which never jumps; what people and tokens see goes by `unix_ms`.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The monotonic clock.
    pub at: Instant,
    /// Milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

/// This moment.
pub fn now() -> Now {
    Now { at: Instant::now(), unix_ms: unix_ms() }
}

/// Milliseconds since 1970 UTC; 0 before that.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How often whoever watches the clocks looks at them.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A gap this long is one: less is a busy machine.
pub const GAP_MIN: Duration = Duration::from_secs(5);

/// Notices when the program did not run for a while. A machine that sleeps stops the monotonic clock and not the wall clock; a process
/// that is stopped, or a virtual machine, finds that both went on without it. A wall clock that is set forward looks like sleep, so what
/// follows from a gap must do no harm; one that is set back means nothing.
pub struct Gaps {
    last: Now,
}

impl Gaps {
    /// Watches from now on.
    #[must_use]
    pub fn start(now: Now) -> Self {
        Gaps { last: now }
    }

    /// To be called at least each [`LOOK_EVERY`]. How long the program did not run before this, if that is worth a word.
    pub fn look(&mut self, now: Now) -> Option<Duration> {
        let passed = now.at.saturating_duration_since(self.last.at);
        let told = Duration::from_millis(now.unix_ms.saturating_sub(self.last.unix_ms));
        self.last = now;
        let gap = told.saturating_sub(passed).max(passed.saturating_sub(LOOK_EVERY));
        (gap > GAP_MIN).then_some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY_MS: i64 = 86_400_000;

    /// Looks after so much time by the monotonic clock and so many milliseconds by the other, ten seconds after the clocks were last right.
    fn check(monotonic: Duration, wall_ms: i64, expected: Option<Duration>) {
        let start = Now { at: Instant::now(), unix_ms: 1_800_000_000_000 };
        let later = |at: Duration, ms: i64| Now { at: start.at + at, unix_ms: start.unix_ms.saturating_add_signed(ms) };
        let mut gaps = Gaps::start(start);
        for second in 1..=10_u32 {
            assert_eq!(gaps.look(later(second * SECOND, i64::from(second) * 1_000)), None, "second {second}");
        }
        assert_eq!(gaps.look(later(10 * SECOND + monotonic, 10_000 + wall_ms)), expected, "{monotonic:?}, {wall_ms} ms");
        assert_eq!(gaps.look(later(11 * SECOND + monotonic, 11_000 + wall_ms)), None, "it is told once");
    }

    #[test]
    fn a_machine_that_slept_is_noticed() {
        check(SECOND, 20_000, Some(19 * SECOND));
        check(Duration::ZERO, 3_600_000, Some(3_600 * SECOND));
    }

    #[test]
    fn a_process_that_stood_still_is_noticed() {
        check(20 * SECOND, 20_000, Some(19 * SECOND));
        // As in a virtual machine whose wall clock is set right only later.
        check(20 * SECOND, 1_000, Some(19 * SECOND));
    }

    #[test]
    fn a_busy_machine_or_a_clock_that_is_nudged_is_no_gap() {
        check(5 * SECOND, 5_000, None);
        check(SECOND, 6_000, None);
        check(SECOND, -4_000, None);
    }

    #[test]
    fn a_clock_that_is_set_back_means_nothing_and_one_that_is_set_forward_looks_like_sleep() {
        check(SECOND, -DAY_MS, None);
        check(SECOND, DAY_MS, Some(86_399 * SECOND));
    }

    #[test]
    fn any_times_can_be_looked_at() {
        let now = Instant::now();
        let mut gaps = Gaps::start(Now { at: now, unix_ms: 0 });
        assert_eq!(gaps.look(Now { at: now, unix_ms: u64::MAX }), Some(Duration::from_millis(u64::MAX)));
        assert_eq!(gaps.look(Now { at: now, unix_ms: 0 }), None);
    }
}
