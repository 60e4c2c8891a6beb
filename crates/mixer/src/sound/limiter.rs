//! Many voices at once kept within what a sample can hold. The loudness is taken back before a peak comes, stays there for a moment and
//! returns slowly, so that nobody hears it breathe.

use super::clock::{TICK, ms};

/// The loudest sample that is let through as it is: -1.4 dB, because a decoder may give a little more than was encoded.
const CEILING: f32 = 0.85;

/// Samples of each channel that share a peak: 2.5 ms. A divisor of a tick.
const BLOCK: usize = 120;

const BLOCKS: usize = TICK / BLOCK;

/// Where a tick begins louder than the last one let expect, loudness is taken back within this many samples.
const ATTACK: usize = 24;

/// Blocks for which loudness stays taken back: 150 ms.
const HOLD: u32 = 60;

/// The share of what was taken back that returns in a block: two thirds of it in half a second.
const RELEASE: f32 = BLOCK as f32 / ms(500) as f32;

/// What was taken back so far.
#[derive(Debug)]
pub struct Limiter {
    gain: f32,
    hold: u32,
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter { gain: 1.0, hold: 0 }
    }
}

impl Limiter {
    /// Limits one tick. No sample is beyond 1 after that.
    pub fn run(&mut self, samples: &mut [f32], channels: usize) {
        let size = BLOCK * channels;
        let mut needed = [1.0_f32; BLOCKS];
        for (needed, block) in needed.iter_mut().zip(samples.chunks(size)) {
            let peak = block.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            *needed = if peak > CEILING { CEILING / peak } else { 1.0 };
        }
        if self.gain >= 1.0 && needed.iter().all(|needed| *needed >= 1.0) {
            return;
        }
        for (n, block) in samples.chunks_mut(size).enumerate() {
            let now = needed.get(n).copied().unwrap_or(1.0);
            let soon = needed.get(n + 1).copied().unwrap_or(1.0);
            let start = self.gain;
            self.gain = self.next(now.min(soon));
            let ramp = if now < start { ATTACK } else { BLOCK };
            apply(block, channels, start, self.gain, ramp);
        }
    }

    fn next(&mut self, needed: f32) -> f32 {
        if needed <= self.gain {
            self.hold = HOLD;
            return needed;
        }
        if self.hold > 0 {
            self.hold -= 1;
            return self.gain;
        }
        let gain = self.gain + (needed - self.gain) * RELEASE;
        if gain > 0.999 { needed } else { gain }
    }
}

/// From one loudness to another within so many samples; what is left over is bent.
fn apply(block: &mut [f32], channels: usize, from: f32, to: f32, ramp: usize) {
    let step = (to - from) / ramp as f32;
    for (n, frame) in block.chunks_mut(channels).enumerate() {
        let gain = if n < ramp { from + step * (n + 1) as f32 } else { to };
        for sample in frame {
            *sample = bend(*sample * gain);
        }
    }
}

fn bend(sample: f32) -> f32 {
    let over = sample.abs() - CEILING;
    if over <= 0.0 {
        return sample;
    }
    let left = 1.0 - CEILING;
    (CEILING + left * (over / left).tanh()).copysign(sample)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn sum(hz: &[f32], start: usize) -> Vec<f32> {
        let at = |n: usize| hz.iter().map(|hz| (TAU * hz * (start + n) as f32 / 48_000.0).sin()).sum();
        (0..TICK).map(at).collect()
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn what_fits_is_not_touched() {
        let mut limiter = Limiter::default();
        let tone: Vec<f32> = sum(&[300.0], 0).iter().map(|s| s * CEILING).collect();
        let mut limited = tone.clone();
        limiter.run(&mut limited, 1);
        assert_eq!(limited, tone);
    }

    #[test]
    fn nothing_is_beyond_one() {
        for channels in [1, 2] {
            let mut limiter = Limiter::default();
            for n in 0..50 {
                let hz: Vec<f32> = (0..16).map(|n| 200.0 + 137.0 * n as f32).collect();
                let mut samples: Vec<f32> =
                    sum(&hz, n * TICK).iter().flat_map(|s| std::iter::repeat_n(s * 300.0, channels)).collect();
                limiter.run(&mut samples, channels);
                assert!(samples.iter().all(|s| s.abs() <= 1.0));
            }
        }
    }

    #[test]
    fn loudness_is_taken_back_evenly() {
        let mut limiter = Limiter::default();
        let mut gains = Vec::new();
        for n in 0..200 {
            let before = sum(&[200.0, 333.0, 777.0, 1_201.0], n * TICK);
            let mut after = before.clone();
            limiter.run(&mut after, 1);
            gains.push((power(&after) / power(&before)).sqrt());
        }
        let (least, most) =
            gains[20..].iter().fold((1.0_f32, 0.0_f32), |(least, most), gain| (least.min(*gain), most.max(*gain)));
        assert!((0.2..0.3).contains(&least), "{least}");
        assert!(most / least < 1.12, "it breathes by {most} to {least}");
    }

    #[test]
    fn loudness_returns_slowly() {
        let mut limiter = Limiter::default();
        limiter.run(&mut sum(&[300.0, 300.0, 300.0, 300.0], 0), 1);
        let mut last = limiter.gain;
        assert!(last < 0.25);
        let mut ticks = 0;
        while limiter.gain < 1.0 {
            limiter.run(&mut [0.1; TICK], 1);
            assert!(limiter.gain - last < 0.05, "too fast");
            (last, ticks) = (limiter.gain, ticks + 1);
        }
        assert!((50..300).contains(&ticks), "{ticks}");
    }
}
