use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time on a clock that never jumps: how long the process has run. Never the time of day. What began before the process
/// did, because it was written down by an earlier one, has moments before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

/// Room for moments before the start: 1,000 years.
const BEFORE_START: Duration = Duration::from_secs(1_000 * 365 * 86_400);

impl Moment {
    /// The start of the clock.
    pub const START: Moment = Moment(BEFORE_START);

    /// The moment this long after the start.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        Moment(BEFORE_START.saturating_add(elapsed))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Default for Moment {
    fn default() -> Self {
        Moment::START
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    /// Saturates: a deadline of "never" stays a deadline.
    fn add(self, delay: Duration) -> Moment {
        Moment(self.0.saturating_add(delay))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, delay: Duration) -> Moment {
        Moment(self.0.saturating_sub(delay))
    }
}
