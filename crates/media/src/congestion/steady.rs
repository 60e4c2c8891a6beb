//! The estimate as it is told: large moves at once, small ones slowly, and none that changes nothing.

/// A move to less or more than these shares is told as it is.
const FALL: f64 = 0.8;
const RISE: f64 = 1.25;

/// Microseconds in which a small move is followed, down and up.
const TIME_DOWN: f64 = 500_000.0;
const TIME_UP: f64 = 1_500_000.0;

/// What is told differs by this share at least.
const TOLD: f64 = 0.05;

/// Smooths an estimate.
#[derive(Debug)]
pub struct Steady {
    at: u64,
    smoothed: f64,
    told: Option<f64>,
}

impl Steady {
    pub fn new(at: u64, estimate: f64) -> Self {
        Steady { at, smoothed: estimate, told: None }
    }

    /// The estimate now.
    pub fn note(&mut self, at: u64, estimate: f64) {
        let passed = at.saturating_sub(self.at) as f64;
        self.at = at;
        let far = estimate < self.smoothed * FALL || estimate > self.smoothed * RISE;
        let time = if estimate < self.smoothed { TIME_DOWN } else { TIME_UP };
        self.smoothed = if far { estimate } else { estimate + (self.smoothed - estimate) * (-passed / time).exp() };
    }

    /// The estimate now, as it is: no other comes soon.
    pub fn jump(&mut self, at: u64, estimate: f64) {
        (self.at, self.smoothed) = (at, estimate);
    }

    /// Bits per second, if they moved.
    pub fn poll(&mut self) -> Option<f64> {
        let new = self.smoothed;
        let moved = self.told.is_none_or(|told| (new - told).abs() > TOLD * told);
        moved.then(|| *self.told.insert(new))
    }
}
