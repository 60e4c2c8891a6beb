//! Decoded sound that waits to be heard, and what to fill it with where packets are missing. Nothing begins or ends at once.

use super::clock::{Samples, TICK, ms};
use super::limit::CONCEALED_MAX;
use crate::codec::CodecError;
use crate::codec::opus::{CONCEALED_SAMPLES_STEP, Channels, OpusDecoder};

/// What is made up at a time is a multiple of this, and as much at once as there is room for: Opus does this best.
const STEP: usize = ms(10) as usize;

/// How long what is made up stays as loud as it was. Then it fades until [`CONCEALED_MAX`].
const STEADY: Samples = ms(60);

/// Sound fades in, and out where it ends at once, by this for each sample: within 5 ms.
const FADE: f32 = 1.0 / ms(5) as f32;

/// Made up sound fades out by this for each sample.
const SLOW_FADE: f32 = 1.0 / (CONCEALED_MAX - STEADY) as f32;

/// Four times what a microphone can give, no encoder was ever given: the packet is damaged.
const BEYOND: f32 = 4.0;

/// The line of one voice.
#[derive(Debug)]
pub struct Line {
    decoder: OpusDecoder,
    channels: usize,
    /// Channels interleaved.
    pub samples: Vec<f32>,
    /// How loud what comes next begins: 0 to 1.
    presence: f32,
}

impl Line {
    /// An empty one.
    pub fn new(channels: Channels) -> Result<Line, CodecError> {
        let decoder = OpusDecoder::new(channels)?;
        Ok(Line { decoder, channels: channels.count(), samples: Vec::new(), presence: 0.0 })
    }

    /// Samples of each channel that wait.
    pub fn len(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// What is missing for one tick, in samples of each channel.
    pub fn room(&self) -> usize {
        TICK.saturating_sub(self.len())
    }

    /// Whether anything was heard just now that must not end at once.
    pub fn is_sounding(&self) -> bool {
        self.presence > 0.0
    }

    /// Puts a packet of this many samples at the end. Whether it could be decoded.
    pub fn decode(&mut self, packet: &[u8], samples: usize) -> bool {
        self.put(samples, FADE, |decoder, room| decoder.decode(packet, room))
    }

    /// Puts what was before this packet at the end, at least this many samples. Returns how many.
    pub fn recover(&mut self, next: &[u8], samples: usize) -> Option<usize> {
        let samples = samples.next_multiple_of(CONCEALED_SAMPLES_STEP);
        self.put(samples, FADE, |decoder, room| decoder.recover(next, room)).then_some(samples)
    }

    /// Puts what might have been at the end, after this much of it, until nothing is missing for one tick. Returns how much.
    pub fn conceal(&mut self, concealed: Samples) -> usize {
        let slope = if concealed < STEADY { 0.0 } else { -SLOW_FADE };
        self.make_up(self.room().next_multiple_of(STEP), slope)
    }

    /// Lets what was heard fade out.
    pub fn fade_out(&mut self) {
        self.make_up(STEP, -FADE);
    }

    /// Puts silence at the end.
    pub fn silence(&mut self, samples: usize) {
        self.presence = 0.0;
        self.samples.resize(self.samples.len() + samples * self.channels, 0.0);
    }

    /// Empties it, at once.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.presence = 0.0;
    }

    /// Nothing that was heard says anything about what comes.
    pub fn forget(&mut self) {
        self.decoder.reset();
    }

    /// Moves the next tick's samples out; silence where there are none.
    pub fn take(&mut self, sound: &mut [f32]) {
        let count = sound.len().min(self.samples.len());
        let (filled, rest) = sound.split_at_mut(count);
        for (heard, sample) in filled.iter_mut().zip(self.samples.drain(..count)) {
            *heard = sample;
        }
        rest.fill(0.0);
    }

    fn make_up(&mut self, samples: usize, slope: f32) -> usize {
        if !self.put(samples, slope, OpusDecoder::conceal) {
            self.silence(samples);
        }
        samples
    }

    fn put(
        &mut self,
        samples: usize,
        slope: f32,
        decode: impl FnOnce(&mut OpusDecoder, &mut [f32]) -> Result<usize, CodecError>,
    ) -> bool {
        let before = self.samples.len();
        self.samples.resize(before + samples * self.channels, 0.0);
        let Some(room) = self.samples.get_mut(before..) else { return false };
        let done = decode(&mut self.decoder, room) == Ok(samples);
        let sane = room.iter().all(|sample| sample.abs() < BEYOND);
        if done && sane {
            self.presence = shape(room, self.channels, self.presence, slope);
        } else {
            self.samples.truncate(before);
        }
        if !sane {
            self.forget();
        }
        done && sane
    }
}

/// Changes loudness step by step. Returns the loudness at the end.
fn shape(samples: &mut [f32], channels: usize, start: f32, slope: f32) -> f32 {
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
    if start >= 1.0 && slope >= 0.0 {
        return 1.0;
    }
    let mut presence = start;
    for frame in samples.chunks_exact_mut(channels) {
        presence = (presence + slope).clamp(0.0, 1.0);
        for sample in frame {
            *sample *= presence;
        }
    }
    presence
}
