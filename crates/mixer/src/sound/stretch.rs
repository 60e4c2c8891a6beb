//! Sound made a little shorter or longer without a click: where it resembles itself, as voices and tones do from one period of theirs to
//! the next, one period is blended with the next. The idea is that of waveform-similarity overlap-add (Verhelst and Roelands, 1993).

use std::cmp::Ordering;

use super::clock::{Samples, ms};

/// The shortest piece: the period of a very high voice, twice.
const PIECE_MIN: usize = ms(3) as usize;

/// The longest piece.
const PIECE_MAX: usize = ms(15) as usize;

/// What is compared.
const COMPARED: usize = ms(8) as usize;

/// Samples of each channel that let every piece be tried.
pub const WANTED: usize = 2 * PIECE_MAX;

/// Every which sample is compared while one searches coarsely, and every which piece tried.
const COARSE: usize = 4;

/// The mean square below which all is alike: -66 dB.
const QUIET: f32 = 2.5e-7;

/// The way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What waits gets less.
    Shorten,
    /// What waits gets more.
    Lengthen,
}

/// Stretches the beginning of these samples by no more than `most` of each channel, if it resembles itself by at least this (1: repeats
/// itself exactly). Returns by how many samples of each channel.
pub fn stretch(line: &mut Vec<f32>, channels: usize, way: Way, most: Samples, alike_min: f32) -> Option<Samples> {
    let piece = best_piece(line, channels, usize::try_from(most).ok()?, alike_min)?;
    let (first, second) = line.get(..2 * piece * channels)?.split_at(piece * channels);
    let fade = |n: usize| (n / channels) as f32 / piece as f32;
    let blended: Vec<f32> = match way {
        Way::Shorten => first.iter().zip(second).enumerate().map(|(n, (a, b))| a + (b - a) * fade(n)).collect(),
        Way::Lengthen => first.iter().zip(second).enumerate().map(|(n, (a, b))| b + (a - b) * fade(n)).collect(),
    };
    match way {
        Way::Shorten => drop(line.splice(..2 * piece * channels, blended)),
        Way::Lengthen => drop(line.splice(piece * channels..piece * channels, blended)),
    }
    Samples::try_from(piece).ok()
}

/// The length after which the beginning repeats itself best.
fn best_piece(line: &[f32], channels: usize, most: usize, alike_min: f32) -> Option<usize> {
    let mono: Vec<f32> = line.chunks_exact(channels).map(|frame| frame.iter().sum()).collect();
    let most = most.min(PIECE_MAX).min(mono.len() / 2).min(mono.len().checked_sub(COMPARED)?);
    let start = mono.get(..COMPARED)?;
    let quiet = |part: &[f32]| part.iter().map(|s| s * s).sum::<f32>() < QUIET * part.len() as f32;
    if most >= PIECE_MIN && quiet(mono.get(..most + COMPARED)?) {
        return Some(most);
    }
    let alike = |piece: usize, step: usize| mono.get(piece..piece + COMPARED).map_or(-1.0, |later| likeness(start, later, step));
    let best_of = |pieces: &mut dyn Iterator<Item = usize>, step: usize| {
        pieces.map(|piece| (alike(piece, step), piece)).max_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal))
    };
    let (_, coarse) = best_of(&mut (PIECE_MIN..=most).step_by(COARSE), COARSE)?;
    let around = coarse.saturating_sub(COARSE).max(PIECE_MIN)..=(coarse + COARSE).min(most);
    let (likeness, piece) = best_of(&mut around.into_iter(), 1)?;
    (likeness >= alike_min).then_some(piece)
}

/// How much two stretches of sound are alike: 1 the same, 0 nothing in common. Loudness counts: a beginning is not like what it becomes.
fn likeness(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut both, mut powers) = (0.0, 1e-12);
    for (x, y) in a.iter().step_by(step).zip(b.iter().step_by(step)) {
        both += x * y;
        powers += x * x + y * y;
    }
    2.0 * both / powers
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn tone(hz: f32, samples: usize, channels: usize) -> Vec<f32> {
        (0..samples * channels).map(|n| (TAU * hz * (n / channels) as f32 / 48_000.0).sin() * 0.5).collect()
    }

    /// The largest jump of the slope, which is where one hears a click.
    fn roughness(line: &[f32], channels: usize) -> f32 {
        let left: Vec<f32> = line.iter().copied().step_by(channels).collect();
        left.windows(3).map(|s| (s[2] - 2.0 * s[1] + s[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn tones_are_stretched_without_a_click() {
        for channels in [1, 2] {
            for hz in [110.0, 220.0, 441.0, 997.0, 2_500.0] {
                for way in [Way::Shorten, Way::Lengthen] {
                    let mut line = tone(hz, WANTED, channels);
                    let before = roughness(&line, channels);
                    let by = stretch(&mut line, channels, way, ms(10), 0.95).unwrap();
                    let after = WANTED as i64 + if way == Way::Shorten { -by } else { by };
                    assert_eq!(line.len() as i64, after * channels as i64);
                    let rough = roughness(&line, channels) / before;
                    assert!(rough < 1.6, "{hz} Hz, {channels} channels, {way:?} by {by}: {rough}");
                }
            }
        }
    }

    #[test]
    fn silence_is_stretched_by_most() {
        let check = |samples, way, most, expected| assert_eq!(stretch(&mut vec![0.0; samples], 1, way, most, 1.0), expected);
        check(WANTED, Way::Shorten, ms(20), Some(720));
        check(TICK, Way::Lengthen, ms(20), Some(480));
        check(WANTED, Way::Shorten, ms(5), Some(240));
        check(WANTED, Way::Shorten, ms(2), None);
    }

    #[test]
    fn what_does_not_resemble_itself_is_left() {
        let mut seed = 1_u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let mut line: Vec<f32> = (0..WANTED).map(|_| noise()).collect();
        assert_eq!(stretch(&mut line, 1, Way::Shorten, ms(20), 0.9), None);
        assert_eq!(line.len(), WANTED);
        assert_eq!(stretch(&mut tone(300.0, 500, 1), 1, Way::Shorten, ms(20), 0.9), None, "too little");
        assert_eq!(stretch(&mut Vec::new(), 1, Way::Lengthen, ms(20), 0.9), None, "nothing");
    }

    const TICK: usize = super::super::clock::TICK;
}
