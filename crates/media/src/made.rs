//! When a publisher made what it sends, by our clock.
//!
//! Its sender reports say so by its own clock (RFC 3550, section 6.4.1), which is one for all that it sends. What that is on ours is told
//! by the packet that was on its way for the shortest time. So what was made at one moment is of one moment, however long each
//! packet was under way.

use std::time::{Duration, Instant};

use crate::arrival::Arrival;
use crate::forward::SenderReport;
use crate::limit::MADE_LATE_MAX;
use crate::record::PeerClock;

/// The clock of one publisher.
#[derive(Debug, Default)]
pub(crate) struct Made(PeerClock);

impl Made {
    /// The moment that a packet is of: that of its making as far as reports tell, and that of its arrival until they do. `epoch`: the
    /// same for all; `hz`: ticks of its timestamps a second.
    pub fn moment(&mut self, epoch: Instant, packet: &Arrival, hz: u32) -> Instant {
        packet.report.map_or(packet.at, |report| self.place(epoch, packet.at, packet.time, report, hz))
    }

    fn place(&mut self, epoch: Instant, arrival: Instant, time: u32, report: SenderReport, hz: u32) -> Instant {
        let at = us(arrival.saturating_duration_since(epoch));
        let since = i64::from(time.wrapping_sub(report.time).cast_signed());
        let made = us(report.clock).saturating_add(since * 1_000_000 / i64::from(hz.max(1)));
        self.0.note(at, made);
        let late = self.0.ours(made).and_then(|ours| u64::try_from(at.saturating_sub(ours)).ok());
        let late = late.map(Duration::from_micros).filter(|late| *late <= MADE_LATE_MAX);
        late.and_then(|late| arrival.checked_sub(late)).unwrap_or(arrival)
    }
}

fn us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u32 = 48_000;

    /// Moments, in milliseconds, of what was made at these and came at those, by a publisher whose clock is so far from ours.
    fn moments(away: Duration, packets: &[(u64, u64)]) -> Vec<u128> {
        let epoch = Instant::now();
        let mut clock = Made::default();
        let mut moment = |(made, arrival): &(u64, u64)| {
            let report = SenderReport { clock: away, time: 7 };
            let time = 7 + u32::try_from(*made).unwrap() * (HZ / 1_000);
            let at = clock.place(epoch, epoch + Duration::from_millis(*arrival), time, report, HZ);
            at.duration_since(epoch).as_millis()
        };
        packets.iter().map(&mut moment).collect()
    }

    #[test]
    fn what_was_made_at_even_times_is_of_even_times_however_it_comes() {
        for away in [0, 5, 1_700_000_000] {
            let got = moments(Duration::from_secs(away), &[(0, 40), (20, 90), (40, 80), (60, 160), (80, 121)]);
            assert_eq!(got, [40, 60, 80, 100, 120], "by the one that came first");
        }
    }

    #[test]
    fn a_shorter_way_counts_at_once() {
        assert_eq!(moments(Duration::ZERO, &[(0, 90), (20, 80), (40, 130)]), [90, 80, 100]);
    }

    #[test]
    fn a_clock_that_is_far_off_is_not_believed() {
        // Its clock seems to have gone back by two seconds.
        assert_eq!(moments(Duration::from_secs(9), &[(5_000, 5_020), (3_000, 5_040), (5_060, 5_085)]), [5_020, 5_040, 5_080]);
    }
}
