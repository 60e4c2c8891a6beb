//! How many bits a second the main rendition has.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How much of what a viewer's line takes may be used.
const USED_PERCENT: u64 = 90;

/// From one raise to the next.
const RAISE_PAUSE: Duration = Duration::from_secs(1);

/// By how much at a time.
const RAISE_PERCENT: u64 = 110;

/// How long there is no raise after there was too little room.
const LOWERED_PAUSE: Duration = Duration::from_secs(5);

/// How far it is raised again, of the rate that was too much.
const CEILING_PERCENT: u64 = 90;

/// For so long at first; twice as long each time that it was too much again. Otherwise a line that is always narrow is filled again and
/// again, and each time its viewer sees worse for a while.
const CEILING_TIME: Duration = Duration::from_secs(30);

/// How often that is doubled at most.
const CEILING_DOUBLED_MAX: u32 = 3;

/// Follows the viewer whose line has the least room, within bounds: who has less room than the least gets another rendition. Down at
/// once, and up in steps.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    bounds: RangeInclusive<u64>,
    rate: u64,
    /// Before this it is not raised.
    raise_from: Instant,
    /// What falls further until then was not tried on purpose.
    lowered_until: Instant,
    /// What it is not raised above, and until when.
    ceiling: (u64, Instant),
    /// How often in a row a raise was too much.
    regrets: u32,
}

impl Pace {
    /// The most, until somebody has too little room for it.
    pub fn new(now: Instant, bounds: RangeInclusive<u64>) -> Self {
        Pace { rate: *bounds.end(), ceiling: (*bounds.end(), now), regrets: 0, bounds, raise_from: now, lowered_until: now }
    }

    /// Bits per second.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// The most that it may be.
    pub fn most(&self) -> u64 {
        *self.bounds.end()
    }

    /// The least.
    pub fn least(&self) -> u64 {
        *self.bounds.start()
    }

    /// The least and the most from now on. It begins anew if they are others.
    pub fn set_bounds(&mut self, now: Instant, bounds: RangeInclusive<u64>) {
        if self.bounds != bounds {
            *self = Pace::new(now, bounds);
        }
    }

    /// Takes how many bits per second the worst line has room for; none: nobody receives this rendition, or nothing is known.
    pub fn follow(&mut self, now: Instant, room: Option<u64>) {
        if room.is_none() {
            // Whose line it was sees something else by now.
            self.ceiling.1 = now;
        }
        let may = room.map_or(self.most(), |room| room.saturating_mul(USED_PERCENT) / 100);
        let may = may.clamp(self.least(), self.most());
        if may < self.rate {
            self.note_too_much(now);
            (self.rate, self.raise_from) = (may, now + LOWERED_PAUSE);
            self.lowered_until = self.raise_from;
            return;
        }
        let may = self.ceiling(now).map_or(may, |ceiling| may.min(ceiling));
        if may > self.rate && now >= self.raise_from {
            let raised = self.rate.saturating_mul(RAISE_PERCENT) / 100;
            (self.rate, self.raise_from) = (raised.min(may), now + RAISE_PAUSE);
        }
    }

    fn ceiling(&self, now: Instant) -> Option<u64> {
        let (ceiling, until) = self.ceiling;
        (now < until).then_some(ceiling)
    }

    /// The rate is more than the worst line has room for.
    fn note_too_much(&mut self, now: Instant) {
        if now < self.lowered_until {
            return;
        }
        let (_, until) = self.ceiling;
        self.regrets = if now < until + CEILING_TIME && self.rate < self.most() { self.regrets + 1 } else { 0 };
        let time = CEILING_TIME * (1 << self.regrets.min(CEILING_DOUBLED_MAX));
        self.ceiling = (self.rate.saturating_mul(CEILING_PERCENT) / 100, now + time);
    }

    /// Bits per second that a line must have room for so that nothing would be missing that may be sent for now.
    pub fn probe(&self, now: Instant) -> u64 {
        let may = self.ceiling(now).map_or(self.most(), |ceiling| ceiling.clamp(self.rate, self.most()));
        may.saturating_mul(100 + RAISE_PERCENT) / (2 * USED_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates, second by second, with so much room.
    fn check(rooms: &[Option<u64>], expected: &[u64]) {
        let start = Instant::now();
        let mut pace = Pace::new(start, 500..=1_000);
        let rates: Vec<u64> = (0..)
            .zip(rooms)
            .map(|(second, room)| {
                pace.follow(start + Duration::from_secs(second), *room);
                pace.rate()
            })
            .collect();
        assert_eq!(rates, expected);
    }

    #[test]
    fn it_follows_the_worst_line_within_bounds() {
        check(&[None, Some(5_000), Some(1_112), Some(1_000), Some(900), Some(900)], &[1_000, 1_000, 1_000, 900, 810, 810]);
        check(&[Some(400), Some(0), None], &[500, 500, 500]);
    }

    #[test]
    fn it_rises_in_steps_after_a_pause() {
        let more = Some(1_000);
        check(&[Some(700), more, more, more, more, more, more, more, more], &[630, 630, 630, 630, 630, 693, 762, 838, 900]);
        check(&[Some(700), None, None, None, None, None, Some(700), None, None], &[630, 630, 630, 630, 630, 693, 630, 630, 630]);
    }

    #[test]
    fn what_was_too_much_is_not_tried_again_for_a_while_and_then_longer() {
        const STEPS_PER_S: u64 = 5;
        let start = Instant::now();
        let mut pace = Pace::new(start, 500..=2_000);
        // A line that is believed to take anything, until 400 ms after more than 1,300 came.
        let (mut since, mut exceeded) = (None, Vec::new());
        for step in 0..600 * STEPS_PER_S {
            let now = start + Duration::from_millis(step * 1_000 / STEPS_PER_S);
            since = (pace.rate() > 1_300).then(|| since.unwrap_or(now));
            let full = since.is_some_and(|since| now >= since + Duration::from_millis(400));
            pace.follow(now, Some(if full { 1_000 } else { 5_000 }));
            if full {
                exceeded.push(step / STEPS_PER_S);
            }
        }
        let pauses: Vec<u64> = exceeded.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(pauses.len() <= 6, "{pauses:?}");
        // The first time it was nearly twice too much, and says little of where to stop.
        assert!(pauses.iter().skip(1).all(|pause| *pause > 30) && pauses.iter().skip(3).all(|pause| *pause > 100), "{pauses:?}");
    }

    #[test]
    fn other_bounds_are_a_new_beginning() {
        let now = Instant::now();
        let mut pace = Pace::new(now, 500..=1_000);
        pace.follow(now, Some(600));
        pace.set_bounds(now, 500..=1_000);
        assert_eq!(pace.rate(), 540);
        pace.set_bounds(now, 1_000..=2_000);
        assert_eq!((pace.rate(), pace.least(), pace.most()), (2_000, 1_000, 2_000));
    }
}
