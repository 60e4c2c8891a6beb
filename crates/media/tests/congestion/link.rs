//! A way through a network: so wide, a queue in front, a delay, and bad luck. Microseconds.

use std::collections::BTreeMap;

pub const MS: u64 = 1_000;
pub const SECOND: u64 = 1_000_000;

/// A small generator of our own (xorshift64*), so that a seed is all it takes to see a run again.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides.max(1)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub bits_per_s: u64,
    /// What waits longer is dropped.
    pub queue: u64,
    pub delay: u64,
    /// Up to so much later.
    pub jitter: u64,
    /// Whether packets overtake each other then.
    pub overtakes: bool,
    /// Per thousand.
    pub loss: u64,
    pub twice: u64,
}

impl Weather {
    pub fn wide(bits_per_s: u64) -> Self {
        Weather { bits_per_s, queue: 400 * MS, delay: 25 * MS, jitter: 0, overtakes: false, loss: 0, twice: 0 }
    }

    /// The way back: never full.
    pub fn back(&self) -> Self {
        Weather { bits_per_s: 100_000_000, ..*self }
    }
}

pub struct Link<T> {
    pub weather: Weather,
    free: u64,
    last: u64,
    serial: u64,
    flying: BTreeMap<(u64, u64), T>,
    dice: Dice,
}

impl<T: Clone> Link<T> {
    pub fn new(weather: Weather, seed: u64) -> Self {
        Link { weather, free: 0, last: 0, serial: 0, flying: BTreeMap::new(), dice: Dice::new(seed) }
    }

    /// How long something would wait now.
    pub fn waits(&self, now: u64) -> u64 {
        self.free.saturating_sub(now)
    }

    /// False if it was dropped at the queue.
    pub fn send(&mut self, now: u64, bytes: usize, what: T) -> bool {
        let Weather { bits_per_s, queue, delay, jitter, overtakes, loss, twice } = self.weather;
        if self.waits(now) > queue {
            return false;
        }
        self.free = self.free.max(now) + (bytes as u64 + 28) * 8 * SECOND / bits_per_s;
        if self.dice.roll(1_000) < loss {
            return true;
        }
        let copies = 1 + u64::from(self.dice.roll(1_000) < twice);
        for _ in 0..copies {
            let at = self.free + delay + self.dice.roll(jitter);
            let at = if overtakes { at } else { at.max(self.last) };
            self.last = self.last.max(at);
            self.serial += 1;
            self.flying.insert((at, self.serial), what.clone());
        }
        true
    }

    /// The next thing that is there by now, and when it came.
    pub fn arrive(&mut self, now: u64) -> Option<(u64, T)> {
        let first = self.flying.first_entry().filter(|first| first.key().0 <= now)?;
        let ((at, _), what) = first.remove_entry();
        Some((at, what))
    }
}
