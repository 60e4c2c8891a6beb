//! Whether a voice is talking: louder than its owner wants to be noticed at.

/// Ticks of sound that make it talk, less those without: 60 ms. A click is shorter.
const LOUD_MIN: u32 = 3;

/// Ticks without after which it no longer talks: a second.
const QUIET_MAX: u32 = 50;

/// The mean square of what is loud enough for this sensitivity, 0 to 100: -30 dB for 1, -42 dB for 30, -70 dB for 100. For 0 nothing is.
fn loud_enough(sensitivity: u8) -> f32 {
    if sensitivity == 0 {
        return f32::INFINITY;
    }
    let decibels = -30.0 - 0.4 * f32::from(sensitivity.min(100));
    10.0_f32.powf(decibels / 10.0)
}

/// One voice's talk.
#[derive(Debug, Default)]
pub struct Talk {
    loud: u32,
    quiet: u32,
    talking: bool,
}

impl Talk {
    /// Hears one tick of it.
    pub fn hear(&mut self, samples: &[f32], sensitivity: u8) {
        let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
        if power >= loud_enough(sensitivity) {
            self.loud = (self.loud + 1).min(LOUD_MIN);
            self.quiet = 0;
        } else {
            self.loud = self.loud.saturating_sub(1);
            self.quiet = (self.quiet + 1).min(QUIET_MAX);
        }
        self.talking = self.loud == LOUD_MIN || (self.talking && self.quiet < QUIET_MAX);
    }

    /// It is muted.
    pub fn hush(&mut self) {
        *self = Talk::default();
    }

    /// Whether it talks.
    pub fn is_talking(&self) -> bool {
        self.talking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks at which talk begins and ends, for ticks of this loudness.
    fn changes(sensitivity: u8, decibels: impl Fn(usize) -> f32) -> Vec<usize> {
        let (mut talk, mut changes, mut before) = (Talk::default(), Vec::new(), false);
        for n in 0..200 {
            talk.hear(&[10.0_f32.powf(decibels(n) / 20.0); 960], sensitivity);
            if talk.is_talking() != before {
                changes.push(n);
                before = talk.is_talking();
            }
        }
        changes
    }

    #[test]
    fn loudness_decides() {
        let check = |sensitivity, decibels, expected: bool| {
            assert_eq!(!changes(sensitivity, |_| decibels).is_empty(), expected, "{sensitivity}, {decibels} dB");
        };
        check(30, -41.0, true);
        check(30, -43.0, false);
        check(100, -69.0, true);
        check(100, -71.0, false);
        check(200, -71.0, false);
        check(1, -30.0, true);
        check(1, -31.0, false);
        check(0, 0.0, false);
    }

    #[test]
    fn talk_begins_soon_and_ends_late() {
        assert_eq!(changes(30, |n| if (10..30).contains(&n) { -20.0 } else { -90.0 }), [12, 79]);
        assert_eq!(changes(30, |n| if n % 40 < 10 && n < 90 { -20.0 } else { -90.0 }), [2, 139], "pauses between words");
        assert!(changes(30, |n| if n % 4 == 0 { 0.0 } else { -90.0 }).is_empty(), "clicks");
    }

    #[test]
    fn who_is_muted_does_not_talk() {
        let mut talk = Talk::default();
        (0..5).for_each(|_| talk.hear(&[0.5; 960], 30));
        assert!(talk.is_talking());
        talk.hush();
        assert!(!talk.is_talking());
    }
}
