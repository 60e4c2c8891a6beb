//! All that is seen, made one picture.

use std::collections::BTreeSet;
use std::time::Duration;

use mixer::codec::CodecError;
use mixer::codec::h264::{H264Encoder, H264Settings};
use mixer::frame::Colour;
use mixer::input::InputId;
use mixer::limit::FRAMES_AHEAD_MAX;
use mixer::picture::{Canvas, Cell, Fit, PictureMixer, PictureSettings, Pushed, Show, VideoFrame};

use crate::film::{Film, Shot};
use crate::layout::Scene;
use crate::limit::UNSEEN_ALL_BYTES_MAX;
use crate::order::{Failure, Format};
use crate::timeline::PICTURE;

/// Pictures a second.
const FPS: u8 = 25;

/// Bits for 100 pixels: 2.07 Mbit/s for 1280x720, 691 kbit/s for 640x480, about what a camera of that size sends.
const BITS_OF_100_PIXELS: u32 = 9;

/// Bits a second, at least and at most.
const BITRATE_MIN: u32 = 100_000;
const BITRATE_MAX: u32 = 4_000_000;

/// Pictures from one key frame to the next, so that a player can jump: 5 s.
const KEY_GAP: u64 = 125;

/// So many times a picture that does not change is encoded, which makes it better; then once a second.
const STILL: u64 = 25;

/// Recordings, the scenes that they are in, and an encoder.
#[derive(Debug)]
pub struct Pictures {
    films: Vec<Film>,
    /// From now on.
    scenes: std::vec::IntoIter<Scene>,
    mixer: PictureMixer,
    /// Of the kind of file that the mixer has none for.
    encoder: Option<H264Encoder>,
    /// Those of which a picture could not be decoded.
    broken: BTreeSet<usize>,
    /// Pictures since the last one that was another.
    still: u64,
}

/// One encoded picture. Of H.264 it has start codes before its units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// A decoder can start here.
    pub keyframe: bool,
    /// What is decoded.
    pub bytes: Vec<u8>,
}

impl Pictures {
    /// The pictures of these, in these scenes, for a canvas of this width and height in pixels and a file of that kind.
    ///
    /// # Errors
    /// [`CodecError`] if there is no encoder for it.
    pub fn new(films: Vec<Film>, scenes: Vec<Scene>, size: (u16, u16), format: Format) -> Result<Pictures, CodecError> {
        let (width, height) = (size.0 & !1, size.1 & !1);
        let (canvas, bitrate) = (Canvas { width, height, fps: FPS }, bitrate(width, height));
        let settings = PictureSettings { background: Colour::BLACK, ..PictureSettings::new(canvas, bitrate) };
        let mut mixer = PictureMixer::new(settings)?;
        let encoder = match format {
            Format::WebM => None,
            Format::Mp4 => {
                mixer.set_streams(&[]);
                Some(H264Encoder::new(H264Settings { width, height, fps: FPS, bitrate })?)
            }
        };
        Ok(Pictures { films, scenes: scenes.into_iter(), mixer, encoder, broken: BTreeSet::new(), still: 0 })
    }

    /// The n-th picture, of that time; none: it is the one before. `last`: it is given in any case.
    ///
    /// # Errors
    /// [`Failure::Open`], and [`Failure::Codec`] with what the encoder says.
    pub fn picture(&mut self, n: u64, clock: Duration, last: bool) -> Result<Option<Encoded>, Failure> {
        self.set_scene(clock);
        let changed = self.draw(clock)?;
        self.still = if changed { 0 } else { self.still + 1 };
        let keyframe = n.is_multiple_of(KEY_GAP);
        if self.still > STILL && !self.still.is_multiple_of(STILL) && !keyframe && !last {
            return Ok(None);
        }
        let pts_ms = n * PICTURE.as_millis() as u64;
        let encoded = match &mut self.encoder {
            None => self.mixer.encode(0, pts_ms, keyframe)?,
            Some(encoder) => encoder.encode(&self.mixer.canvas().picture(), pts_ms, keyframe)?,
        };
        Ok(Some(Encoded { keyframe: encoded.key, bytes: encoded.bytes.to_vec() }))
    }

    /// Reads on to where the film begins, a piece of each recording; false: there is more to be read.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn catch_up(&mut self, clock: Duration) -> Result<bool, Failure> {
        let mut done = true;
        for film in &mut self.films {
            done &= film.catch_up(clock)?;
        }
        self.forget_excess();
        Ok(done)
    }

    /// How many recordings are damaged.
    pub fn damaged(&self) -> usize {
        let damaged = |(n, film): &(usize, &Film)| self.broken.contains(n) || film.is_damaged();
        self.films.iter().enumerate().filter(damaged).count()
    }

    fn set_scene(&mut self, clock: Duration) {
        let mut now = None;
        while self.scenes.as_slice().first().is_some_and(|scene| scene.from <= clock) {
            now = self.scenes.next();
        }
        let cell = |(film, area): (usize, _)| Cell {
            input: InputId(film as u64),
            area,
            fit: Fit::Letterbox,
            show: Show::Bare,
            name: "".into(),
        };
        if let Some(scene) = now {
            self.mixer.set_cells(&scene.shown.into_iter().map(cell).collect::<Vec<_>>());
        }
    }

    /// Brings all that is shown up to date, rather half a picture early than a whole one late. Whether anything changed.
    fn draw(&mut self, clock: Duration) -> Result<bool, Failure> {
        let until = clock.saturating_add(PICTURE / 2);
        let mut changed = false;
        for (n, film) in self.films.iter_mut().enumerate() {
            let mut ahead = 0;
            film.advance(clock, until, |shot| {
                ahead += 1;
                if ahead % FRAMES_AHEAD_MAX == 0 {
                    changed |= self.mixer.mix();
                }
                if is_broken(&mut self.mixer, n, &shot) {
                    self.broken.insert(n);
                }
            })?;
        }
        self.forget_excess();
        Ok(self.mixer.mix() || changed)
    }

    fn forget_excess(&mut self) {
        for n in excess(self.films.iter().map(Film::kept).collect(), UNSEEN_ALL_BYTES_MAX) {
            self.films.get_mut(n).into_iter().for_each(Film::forget);
        }
    }
}

/// Which of these sizes are too much, the largest first.
fn excess(mut sizes: Vec<usize>, most: usize) -> Vec<usize> {
    let (mut all, mut gone) = (sizes.iter().sum::<usize>(), Vec::new());
    while all > most
        && let Some((n, size)) = sizes.iter_mut().enumerate().max_by_key(|(_, size)| **size)
    {
        all -= std::mem::take(size);
        gone.push(n);
    }
    gone
}

fn is_broken(mixer: &mut PictureMixer, film: usize, shot: &Shot) -> bool {
    let frame = VideoFrame { codec: shot.codec, bytes: &shot.bytes, rotation: shot.rotation };
    matches!(mixer.push(InputId(film as u64), frame), Pushed::Broken { .. })
}

fn bitrate(width: u16, height: u16) -> u32 {
    let pixels = u32::from(width) * u32::from(height);
    (pixels * u32::from(FPS) / 100 * BITS_OF_100_PIXELS).clamp(BITRATE_MIN, BITRATE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_go_first() {
        let check = |sizes: &[usize], most, expected: &[usize]| assert_eq!(excess(sizes.to_vec(), most), expected, "{sizes:?}");
        check(&[], 0, &[]);
        check(&[4, 0, 6], 10, &[]);
        check(&[4, 0, 6], 9, &[2]);
        check(&[4, 5, 6], 3, &[2, 1, 0]);
        check(&[4, 5, 6], 4, &[2, 1]);
    }
}
