//! More as long as nothing waits, less at once when something does (draft-ietf-rmcat-gcc-02, section 5.5).

use super::trend::Usage;

/// Bits per second that an estimate may have.
pub const LEAST: f64 = 40_000.0;
pub const MOST: f64 = 100_000_000.0;

/// What is left of what passes when packets wait.
const BACK_OFF: f64 = 0.85;

/// Microseconds of waiting in which what waits should be gone: the longer it is, the less is left, but never less than this.
const DRAIN_TIME: f64 = 1_000_000.0;
const BACK_OFF_LEAST: f64 = 0.5;

/// Growth a second while nothing is known of the limit.
const GROWTH: f64 = 1.08;

/// Bits that a step near the limit has, and how often: once each round trip and so many microseconds.
const STEP_BITS: f64 = 1_200.0 * 8.0;
const STEP_TIME: f64 = 100_000.0;

/// But no more than this share in a second: the packets of a small picture are small.
const STEP_SHARE: f64 = 0.04;

/// Bits per second that it grows by at least, in a second.
const STEP_LEAST: f64 = 4_000.0;

/// An estimate grows to so many times what arrives, and a little: beyond, nothing is known.
const BEYOND: (f64, f64) = (1.5, 10_000.0);

/// Microseconds until a cut shows, beyond the round trip.
const CUT_PAUSE: u64 = 100_000;

/// Less than this share of what came over a longer time was not even.
const EVEN: f64 = 0.5;

/// What the rate depends on.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Now, in microseconds.
    pub at: u64,
    pub usage: Usage,
    /// Bits per second that arrive, over a longer and a shorter time.
    pub long: Option<f64>,
    pub brief: Option<f64>,
    /// Microseconds.
    pub rtt: u64,
    pub waits: u64,
}

impl Seen {
    /// What passes now. Through a full way it comes evenly, so a short time tells best; if next to nothing came in it, the receiver slept.
    fn arrives(&self) -> Option<f64> {
        let long = self.long?;
        Some(self.brief.filter(|brief| *brief > long * EVEN).unwrap_or(long))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Hold,
    Grow,
    Cut,
}

/// What delays allow.
#[derive(Debug)]
pub struct Rate {
    phase: Phase,
    estimate: f64,
    ceiling: Ceiling,
    grown_at: u64,
    cut_at: Option<u64>,
}

impl Rate {
    pub fn new(at: u64, estimate: f64) -> Self {
        let estimate = estimate.clamp(LEAST, MOST);
        Rate { phase: Phase::Grow, estimate, ceiling: Ceiling::default(), grown_at: at, cut_at: None }
    }

    /// Bits per second.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// When it last was cut.
    pub fn cut_at(&self) -> Option<u64> {
        self.cut_at
    }

    /// A probe, or nobody's word for long, says so.
    pub fn set(&mut self, at: u64, estimate: f64) {
        self.estimate = estimate.clamp(LEAST, MOST);
        self.grown_at = at;
    }

    /// Takes a report; true if it had to be cut.
    pub fn update(&mut self, seen: &Seen) -> bool {
        self.phase = match (seen.usage, self.phase) {
            (Usage::Over, _) => Phase::Cut,
            (Usage::Under, _) | (Usage::Normal, Phase::Cut) => Phase::Hold,
            (Usage::Normal, Phase::Hold | Phase::Grow) => Phase::Grow,
        };
        match self.phase {
            Phase::Hold => self.grown_at = seen.at,
            Phase::Grow => self.grow(seen),
            Phase::Cut => return self.cut(seen),
        }
        false
    }

    fn grow(&mut self, seen: &Seen) {
        let passed = seen.at.saturating_sub(self.grown_at).min(1_000_000) as f64 / 1e6;
        self.grown_at = seen.at;
        let Some(arrives) = seen.long else { return };
        let most = (arrives * BEYOND.0 + BEYOND.1).min(MOST);
        if self.estimate >= most {
            return;
        }
        let more = if self.ceiling.is_near(arrives) {
            (STEP_BITS / ((seen.rtt as f64 + STEP_TIME) / 1e6)).min(self.estimate * STEP_SHARE) * passed
        } else {
            self.estimate * (GROWTH.powf(passed) - 1.0)
        };
        self.estimate = (self.estimate + more.max(STEP_LEAST * passed)).min(most);
    }

    fn cut(&mut self, seen: &Seen) -> bool {
        let pause = seen.rtt.min(1_000_000) + CUT_PAUSE;
        let shows = self.cut_at.is_none_or(|at| seen.at.saturating_sub(at) >= pause);
        let Some(arrives) = seen.arrives().filter(|_| shows) else { return false };
        self.ceiling.note(arrives);
        let share = (1.0 - seen.waits as f64 / DRAIN_TIME).clamp(BACK_OFF_LEAST, BACK_OFF);
        self.estimate = self.estimate.min(arrives * share).max(LEAST);
        (self.cut_at, self.grown_at, self.phase) = (Some(seen.at), seen.at, Phase::Hold);
        true
    }
}

/// Where it had to be cut: mean and variance of what arrived then.
#[derive(Debug, Default)]
struct Ceiling {
    mean: Option<f64>,
    /// Kilobits per second squared, by kilobit of the mean.
    variance: f64,
}

/// How much one more counts; and bounds of the variance.
const WEIGHT: f64 = 0.05;
const VARIANCE_RANGE: (f64, f64) = (0.4, 2.5);

impl Ceiling {
    /// Whether so much is close to it. What is beyond by three deviations shows that it was another.
    fn is_near(&mut self, bitrate: f64) -> bool {
        let Some(mean) = self.mean else { return false };
        if bitrate / 1e3 > mean + self.reach(mean) {
            self.mean = None;
        }
        self.mean.is_some()
    }

    fn note(&mut self, bitrate: f64) {
        let kilobits = bitrate / 1e3;
        let mean = self.mean.filter(|mean| kilobits >= mean - self.reach(*mean));
        let mean = match mean {
            None => {
                self.variance = VARIANCE_RANGE.0;
                kilobits
            }
            Some(mean) => mean + WEIGHT * (kilobits - mean),
        };
        let error = mean - kilobits;
        let variance = (1.0 - WEIGHT) * self.variance + WEIGHT * error * error / mean.max(1.0);
        self.variance = variance.clamp(VARIANCE_RANGE.0, VARIANCE_RANGE.1);
        self.mean = Some(mean);
    }

    fn reach(&self, mean: f64) -> f64 {
        3.0 * (self.variance * mean).sqrt()
    }
}
