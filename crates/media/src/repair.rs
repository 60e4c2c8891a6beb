//! How much of what one client gets may be packets sent again.
//!
//! One datagram can ask for thousands.

use std::time::{Duration, Instant};

use crate::limit::{REPAIR_FLOOR_BYTES, REPAIR_SHARE_MAX};

/// Bytes are added up for twice this time, and for once at least.
const SPAN: Duration = Duration::from_millis(500);

/// What one client got lately.
#[derive(Debug)]
pub(crate) struct Repairs {
    began: Instant,
    /// In this span and in the one before.
    spans: [Sums; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    media: u64,
    repairs: u64,
}

impl Repairs {
    pub fn new(now: Instant) -> Self {
        Repairs { began: now, spans: [Sums::default(); 2] }
    }

    /// So many bytes of a track were sent for the first time.
    pub fn note_media(&mut self, now: Instant, bytes: usize) {
        self.now(now).media += bytes as u64;
    }

    /// Whether so many bytes may be sent again; then they count.
    pub fn may_send(&mut self, now: Instant, bytes: usize) -> bool {
        self.now(now);
        let sum = |of: fn(&Sums) -> u64| self.spans.iter().map(of).fold(0, u64::saturating_add);
        let share = f64::from(REPAIR_SHARE_MAX / (1.0 - REPAIR_SHARE_MAX)) * sum(|span| span.media) as f64;
        let most = (share as u64).saturating_add(REPAIR_FLOOR_BYTES);
        let may = sum(|span| span.repairs).saturating_add(bytes as u64) <= most;
        self.now(now).repairs += if may { bytes as u64 } else { 0 };
        may
    }

    fn now(&mut self, now: Instant) -> &mut Sums {
        let passed = now.saturating_duration_since(self.began);
        if passed >= SPAN {
            let before = if passed < 2 * SPAN { self.spans[0] } else { Sums::default() };
            (self.began, self.spans) = (now, [Sums::default(), before]);
        }
        &mut self.spans[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KB: usize = 1_000;
    const FLOOR: usize = REPAIR_FLOOR_BYTES as usize;

    /// Bytes that are let through of so many asked for in packets of a kilobyte.
    fn sent(repairs: &mut Repairs, now: Instant, bytes: usize) -> usize {
        (0..bytes / KB).filter(|_| repairs.may_send(now, KB)).count() * KB
    }

    #[test]
    fn two_thirds_of_the_media_of_the_last_second_and_a_little_may_be_sent_again() {
        let start = Instant::now();
        let mut repairs = Repairs::new(start);
        assert_eq!(sent(&mut repairs, start, 1_000 * KB), FLOOR / KB * KB, "without any media");
        let later = start + 2 * SPAN;
        for ms in 0..500 {
            repairs.note_media(later + Duration::from_millis(ms), KB);
        }
        let sum = sent(&mut repairs, later + Duration::from_millis(499), 1_000 * KB);
        assert!((332 * KB..=334 * KB).contains(&(sum - FLOOR)), "{sum}");
        assert_eq!(sent(&mut repairs, later + Duration::from_millis(900), 1_000 * KB), 0, "still counted");
        let again = sent(&mut repairs, later + 2 * SPAN + SPAN, 1_000 * KB);
        assert_eq!(again, FLOOR / KB * KB, "forgotten");
    }
}
