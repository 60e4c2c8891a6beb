//! How much of its time a worker works.

use std::time::{Duration, Instant};

use crate::limit::LOAD_TIME;

/// How many spans [`LOAD_TIME`] is made of: so often the figure is made anew.
const SPANS: u32 = 5;

/// Counts the time in which a worker rests.
#[derive(Debug)]
pub(crate) struct Load {
    since: Instant,
    rested: Duration,
    /// Thousandths worked in each of the last spans, and which is the next.
    spans: [u32; SPANS as usize],
    next: usize,
}

impl Load {
    pub fn new(now: Instant) -> Self {
        Load { since: now, rested: Duration::ZERO, spans: [0; SPANS as usize], next: 0 }
    }

    /// The worker rested from then until now. Thousandths of the last [`LOAD_TIME`] in which it worked, once a span of that is over.
    pub fn note_rest(&mut self, from: Instant, now: Instant) -> Option<u32> {
        self.rested += now.saturating_duration_since(from);
        let passed = now.saturating_duration_since(self.since);
        if passed < LOAD_TIME / SPANS {
            return None;
        }
        let worked = passed.saturating_sub(self.rested).as_micros() * 1_000 / passed.as_micros().max(1);
        // A worker that slept longer than a span has done nothing in those before.
        let spans = (passed.as_micros() / (LOAD_TIME / SPANS).as_micros()).min(u128::from(SPANS));
        for _ in 0..spans {
            self.spans[self.next] = u32::try_from(worked).unwrap_or(1_000);
            self.next = (self.next + 1) % self.spans.len();
        }
        (self.since, self.rested) = (now, Duration::ZERO);
        Some(self.spans.iter().sum::<u32>() / SPANS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What is told after so many turns of 10 ms, of which these were rested.
    fn told(load: &mut Load, now: &mut Instant, turns: u32, rest: Duration) -> Option<u32> {
        (0..turns).fold(None, |told, _| {
            *now += 10 * MS;
            load.note_rest(*now - rest, *now).or(told)
        })
    }

    #[test]
    fn a_worker_is_as_busy_as_it_was_in_the_last_five_seconds() {
        let mut now = Instant::now();
        let mut load = Load::new(now);
        assert_eq!(told(&mut load, &mut now, 99, 10 * MS), None);
        assert_eq!(told(&mut load, &mut now, 1, 10 * MS), Some(0));
        assert_eq!(told(&mut load, &mut now, 500, 2 * MS), Some(800));
        assert_eq!(told(&mut load, &mut now, 200, 10 * MS), Some(480));
        assert_eq!(told(&mut load, &mut now, 500, 2 * MS), Some(800));
        // One long sleep is as much rest as many short ones.
        now += 20_000 * MS;
        assert_eq!(load.note_rest(now - 20_000 * MS, now), Some(0));
    }
}
