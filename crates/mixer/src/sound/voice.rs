//! One voice in the mix: its sound, how loud it is, and whether it talks.

use super::SoundCounts;
use super::clock::{Samples, TICK};
use super::limit::GAIN_DB_MAX;
use super::stream::{OpusPacket, Stream};
use super::talk::Talk;
use crate::codec::CodecError;
use crate::codec::opus::Channels;
use crate::input::InputId;

/// One that is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// Who.
    pub input: InputId,
    /// Whether nobody hears it.
    pub muted: bool,
    /// How much louder than it comes it is heard, in decibels: -50 to 50.
    pub gain_db: f32,
    /// How easily it counts as talking: from 1 (only when loud) to 100 (at a whisper). With 0 it never does, and is heard all the same.
    pub sensitivity: u8,
}

impl Voice {
    /// One that is heard as it comes.
    #[must_use]
    pub fn of(input: InputId) -> Voice {
        Voice { input, muted: false, gain_db: 0.0, sensitivity: SENSITIVITY }
    }
}

/// How sensitive one is who has not said.
pub const SENSITIVITY: u8 = 30;

/// The factor for so many decibels. No number is none.
pub fn factor(decibels: f32) -> f32 {
    let decibels = if decibels.is_finite() { decibels.clamp(-GAIN_DB_MAX, GAIN_DB_MAX) } else { 0.0 };
    10.0_f32.powf(decibels / 20.0)
}

/// Makes samples louder or quieter, evenly from one factor to the other.
pub fn ramp(samples: &mut [f32], from: f32, to: f32) {
    if from.to_bits() == to.to_bits() {
        if to.to_bits() != 1.0_f32.to_bits() {
            samples.iter_mut().for_each(|sample| *sample *= to);
        }
        return;
    }
    let step = (to - from) / samples.len().max(1) as f32;
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample *= from + step * (n + 1) as f32;
    }
}

/// A voice and its sound of this tick.
#[derive(Debug)]
pub struct Voiced {
    settings: Voice,
    stream: Stream,
    talk: Talk,
    /// What was last told of its talk.
    told: bool,
    /// How loud it was at the end of the last tick.
    gain: f32,
    /// This tick's, as loud as it is heard. Empty: silence.
    sound: Vec<f32>,
    room: Vec<f32>,
}

impl Voiced {
    /// One that has not said anything.
    pub fn new(settings: Voice, channels: Channels) -> Result<Voiced, CodecError> {
        let mut voiced = Voiced {
            settings,
            stream: Stream::new(channels)?,
            talk: Talk::default(),
            told: false,
            gain: 0.0,
            sound: Vec::new(),
            room: vec![0.0; TICK * channels.count()],
        };
        voiced.gain = voiced.target();
        Ok(voiced)
    }

    /// Who it is.
    pub fn input(&self) -> InputId {
        self.settings.input
    }

    /// Changes how it is heard.
    pub fn set(&mut self, settings: Voice) {
        self.settings = settings;
        if settings.muted || settings.sensitivity == 0 {
            self.talk.hush();
        }
    }

    /// Whether it can be heard, or was in this tick.
    pub fn is_open(&self) -> bool {
        !self.is_gone() || !self.sound.is_empty()
    }

    /// Takes a packet.
    pub fn push(&mut self, now: Samples, packet: OpusPacket<'_>, counts: &mut SoundCounts) {
        self.stream.push(now, packet, counts);
    }

    /// Brings this tick's sound and adds it to all others'.
    pub fn tick(&mut self, now: Samples, sum: &mut [f32], counts: &mut SoundCounts) {
        self.sound.clear();
        if self.is_gone() {
            return self.stream.idle();
        }
        if !self.stream.pull(now, &mut self.room, counts) {
            self.gain = self.target();
            return self.hear();
        }
        self.hear();
        self.sound.extend_from_slice(&self.room);
        let from = self.gain;
        self.gain = self.target();
        ramp(&mut self.sound, from, self.gain);
        sum.iter_mut().zip(&self.sound).for_each(|(sum, sample)| *sum += sample);
    }

    /// Takes it out of the sum.
    pub fn take_from(&self, sum: &mut [f32]) {
        sum.iter_mut().zip(&self.sound).for_each(|(sum, sample)| *sum -= sample);
    }

    /// How long it waits until it is heard.
    pub fn wait(&self) -> Samples {
        self.stream.wait()
    }

    /// Whether it talks, if that has changed since this was asked.
    pub fn poll_talking(&mut self) -> Option<bool> {
        let talking = self.talk.is_talking();
        (std::mem::replace(&mut self.told, talking) != talking).then_some(talking)
    }

    fn hear(&mut self) {
        if !self.settings.muted {
            self.talk.hear(&self.room, self.settings.sensitivity);
        }
    }

    /// Whether it is muted and has faded out.
    fn is_gone(&self) -> bool {
        self.settings.muted && self.gain <= 0.0
    }

    fn target(&self) -> f32 {
        if self.settings.muted { 0.0 } else { factor(self.settings.gain_db) }
    }
}
