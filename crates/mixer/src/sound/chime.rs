//! The tones for coming and leaving.

use std::f32::consts::{PI, TAU};

use super::clock::{Samples, ms};
use super::limit::CHIMES_MAX;

/// Amplitude of all tones of a chime together.
const LOUDNESS: f32 = 0.25;

/// A chime swells and dies down within this many samples.
const FADE: Samples = ms(10);

/// A tone for all who hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chime {
    /// Somebody has come: 500, 600 and 700 Hz for 200 ms.
    Enter,
    /// Somebody has left: 300, 200, 100, 50 and 25 Hz for 500 ms.
    Exit,
}

impl Chime {
    fn hz(self) -> &'static [f32] {
        match self {
            Chime::Enter => &[500.0, 600.0, 700.0],
            Chime::Exit => &[300.0, 200.0, 100.0, 50.0, 25.0],
        }
    }

    fn length(self) -> Samples {
        match self {
            Chime::Enter => ms(200),
            Chime::Exit => ms(500),
        }
    }

    fn sample(self, at: Samples) -> f32 {
        let to_edge = at.min(self.length() - 1 - at);
        let swell = if to_edge < FADE { 0.5 - 0.5 * (PI * to_edge as f32 / FADE as f32).cos() } else { 1.0 };
        let seconds = at as f32 / ms(1_000) as f32;
        let sum: f32 = self.hz().iter().map(|hz| (TAU * hz * seconds).sin()).sum();
        sum * swell * LOUDNESS / self.hz().len() as f32
    }
}

/// The chimes that play, and how far they have come.
#[derive(Debug, Default)]
pub struct Chimes(Vec<(Chime, Samples)>);

impl Chimes {
    /// Begins one.
    pub fn add(&mut self, chime: Chime) {
        if self.0.len() < CHIMES_MAX {
            self.0.push((chime, 0));
        }
    }

    /// Adds what plays to this tick.
    pub fn mix(&mut self, samples: &mut [f32], channels: usize) {
        for (chime, at) in &mut self.0 {
            for frame in samples.chunks_mut(channels).take(usize::try_from(chime.length() - *at).unwrap_or(0)) {
                let tone = chime.sample(*at);
                frame.iter_mut().for_each(|sample| *sample += tone);
                *at += 1;
            }
        }
        self.0.retain(|(chime, at)| *at < chime.length());
    }
}
