//! Files that are played into the mix of a room. Somebody else reads and decodes them; the mix takes of that what is due, and so its
//! clock is theirs.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ::film::Shown;
use mixer::input::InputId;
use mixer::picture::{PictureMixer, Rotation};
use mixer::sound::SoundMixer;
use room::{Film, RoomId};

/// Samples of one tick of sound.
const TICK_SAMPLES: usize = 960;

/// One tick of sound.
const TICK: Duration = Duration::from_millis(20);

/// Who plays files.
pub trait Projector: Send + Sync {
    /// Begins with one, from its `from` on. None: nothing more can be played, and whoever asked is told otherwise.
    fn project(&self, room: RoomId, film: &Film) -> Option<Box<dyn Reel>>;
}

/// What comes of one file. Nothing here waits; whoever has no use for it any more drops it.
pub trait Reel: Send {
    /// Goes to this place: what was there of another is gone.
    fn jump(&self, to: Duration);

    /// The next sound, if it goes on: not while there is too little of it. What is missing at its end is silence.
    fn sound(&self, samples: &mut [f32]) -> bool;

    /// The picture that is to be seen at this time of the file, if that is another one than before.
    fn picture(&self, at: Duration) -> Option<Shown>;
}

/// A file that is played here.
pub(super) struct Projection {
    reel: Box<dyn Reel>,
    input: InputId,
    jump: u32,
    paused: bool,
    at: Duration,
    /// How loud it is to be, and was at the end of the last tick.
    target: f32,
    gain: f32,
    /// The picture that is to be seen, and whether the mix has it. It may have had no place for it yet, or another canvas since.
    last: Option<Shown>,
    given: bool,
}

impl Projection {
    pub fn new(reel: Box<dyn Reel>, input: InputId, film: &Film) -> Projection {
        let target = gain(film);
        Projection {
            reel,
            input,
            jump: film.jump,
            paused: film.paused,
            at: film.from,
            target,
            gain: 0.0,
            last: None,
            given: false,
        }
    }

    pub fn set(&mut self, film: &Film) {
        if self.jump != film.jump {
            (self.jump, self.at, self.gain) = (film.jump, film.from, 0.0);
            self.reel.jump(film.from);
        }
        (self.paused, self.target) = (film.paused, gain(film));
    }

    /// Gives the next sound, unless it stands still.
    pub fn tick(&mut self, mix: &mut SoundMixer) {
        let mut samples = [0.0; TICK_SAMPLES];
        let silent = self.target <= 0.0 && self.gain <= 0.0;
        if self.paused && silent || !self.reel.sound(&mut samples) {
            return;
        }
        self.at += TICK;
        let step = (self.target - self.gain) / TICK_SAMPLES as f32;
        for (sample, n) in samples.iter_mut().zip(1_u16..) {
            *sample *= self.gain + step * f32::from(n);
        }
        self.gain = self.target;
        mix.play(&samples);
    }

    /// Which time of the file is heard.
    pub fn place(&self) -> Duration {
        self.at
    }

    /// The mix may have forgotten what it was given.
    pub fn give_again(&mut self) {
        self.given = false;
    }

    /// Shows the picture that is due.
    pub fn show(&mut self, mix: &mut PictureMixer) {
        if let Some(shown) = self.reel.picture(self.at) {
            (self.last, self.given) = (Some(shown), false);
        }
        if let Some(Shown { frame, rotation, .. }) = self.last.as_ref().filter(|_| !self.given) {
            self.given = mix.give(self.input, frame.clone(), Rotation::of(*rotation));
        }
    }
}

/// As a factor. What stands still fades out.
fn gain(film: &Film) -> f32 {
    if film.paused { 0.0 } else { 10.0_f32.powf(f32::from(film.volume) / 20.0) }
}
