//! The one place where the shell reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
