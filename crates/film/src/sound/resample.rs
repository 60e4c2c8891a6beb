//! Sound of one rate as sound of another: a sinc under a window, looked up at as many places between two samples as [`PHASES`].

use std::collections::VecDeque;
use std::f64::consts::PI;

/// Samples on each side of a place that are looked at.
const SIDE: usize = 16;

/// Places between two samples.
const PHASES: usize = 256;

/// Sound on its way from one rate to another.
#[derive(Debug)]
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// By phase, [`SIDE`] twice each.
    taps: Vec<f32>,
    line: VecDeque<f32>,
    /// Where the next sample stands, in parts of `to_hz` after the middle of the line's first samples.
    at: u32,
}

impl Resampler {
    pub fn new(from_hz: u32, to_hz: u32) -> Resampler {
        let cutoff = (f64::from(to_hz) / f64::from(from_hz)).min(1.0) * 0.95;
        let taps = (0..PHASES).flat_map(|phase| row(phase as f64 / PHASES as f64, cutoff)).collect();
        Resampler { from_hz, to_hz, taps, line: VecDeque::from(vec![0.0; SIDE - 1]), at: 0 }
    }

    pub fn run(&mut self, sound: impl Iterator<Item = f32>) -> Vec<f32> {
        if self.from_hz == self.to_hz {
            return sound.collect();
        }
        self.line.extend(sound);
        let mut out = Vec::new();
        while self.line.len() >= 2 * SIDE {
            while self.at < self.to_hz {
                let phase = (u64::from(self.at) * PHASES as u64 / u64::from(self.to_hz)) as usize;
                let taps = self.taps.get(phase * 2 * SIDE..).unwrap_or_default();
                out.push(self.line.iter().zip(taps).take(2 * SIDE).map(|(sample, tap)| sample * tap).sum());
                self.at += self.from_hz;
            }
            while self.at >= self.to_hz && self.line.len() >= 2 * SIDE {
                self.line.pop_front();
                self.at -= self.to_hz;
            }
        }
        out
    }
}

/// What each of the samples around a place counts, which together count one.
fn row(phase: f64, cutoff: f64) -> Vec<f32> {
    let tap = |n: usize| {
        let x = n as f64 - (SIDE as f64 - 1.0) - phase;
        let window = 0.5 + 0.5 * (PI * x / SIDE as f64).cos();
        let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x * cutoff).sin() / (PI * x * cutoff) };
        if x.abs() < SIDE as f64 { window * sinc } else { 0.0 }
    };
    let taps: Vec<f64> = (0..2 * SIDE).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from_hz: u32, tone_hz: f64) {
        let tone = |rate: u32, n: usize| (2.0 * PI * tone_hz * n as f64 / f64::from(rate)).sin() as f32;
        let mut resampler = Resampler::new(from_hz, 48_000);
        let mut out = Vec::new();
        for piece in 0..50 {
            out.extend(resampler.run((0..1024).map(|n| tone(from_hz, piece * 1024 + n))));
        }
        let expected = 50 * 1024 * 48_000 / from_hz as usize;
        assert!(out.len().abs_diff(expected) <= 2 * SIDE * 48_000 / from_hz as usize, "{from_hz}: {} of {expected}", out.len());
        let worst = (1000..out.len() - 1000).map(|n| (out[n] - tone(48_000, n)).abs()).fold(0.0, f32::max);
        assert!(worst < 0.03, "{from_hz} Hz, a tone of {tone_hz}: {worst} off");
    }

    #[test]
    fn a_tone_stays_that_tone() {
        for rate in [8_000, 22_050, 32_000, 44_100, 48_000, 96_000] {
            check(rate, 440.0);
            check(rate, 1_900.0);
        }
    }
}
