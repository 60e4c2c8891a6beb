//! The sound side: everyone hears all the others.
//!
//! Packets of each voice come when they come; a tick every 20 ms takes 20 ms of each voice's sound, and gives each ear a packet with all
//! voices but its own. Ears get packets in silence too.

mod chime;
mod clock;
mod delay;
mod ears;
pub mod limit;
mod limiter;
mod line;
mod queue;
mod stream;
mod stretch;
mod talk;
mod voice;

use std::time::{Duration, Instant};

pub use chime::Chime;
pub use clock::TICK;
pub use ears::Ear;
pub use limiter::Limiter;
pub use stream::OpusPacket;
pub use voice::{SENSITIVITY, Voice};

use crate::codec::opus::Channels;
use crate::input::InputId;
use chime::Chimes;
use clock::Clock;
use ears::Ears;
use limit::VOICES_MAX;
use voice::Voiced;

/// What lasts as long as a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundSettings {
    /// Of what ears get. Voices may have one or two anyway.
    pub channels: Channels,
    /// Bits a second that each ear gets.
    pub bitrate: u32,
    /// What encoding may cost: 0 (little) to 10 (much).
    pub complexity: u8,
}

impl SoundSettings {
    /// What sounds well with so many channels. More than complexity 5 costs a third more and is hardly heard.
    #[must_use]
    pub fn of(channels: Channels) -> SoundSettings {
        let bitrate = match channels {
            Channels::Mono => 48_000,
            Channels::Stereo => 64_000,
        };
        SoundSettings { channels, bitrate, complexity: 5 }
    }
}

/// A packet for one ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundOut<'a> {
    /// For whom.
    pub ear: InputId,
    /// 20 ms of Opus.
    pub payload: &'a [u8],
    /// For its RTP header: samples at 48 kHz, the same for all ears. From one tick to the next it grows by 960.
    pub timestamp: u32,
}

/// What has happened since the mix began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundCounts {
    /// Packets that came.
    pub received: u64,
    /// Packets that came from nobody who is heard.
    pub unknown: u64,
    /// Packets that came again.
    pub duplicate: u64,
    /// Packets that came when they had been replaced.
    pub late: u64,
    /// Packets that are not Opus, or far from all others.
    pub broken: u64,
    /// Packets left out so that their voice does not lag behind.
    pub skipped: u64,
    /// Gaps that the packet after them was there to help with.
    pub recovered: u64,
    /// Samples of 48,000 a second made up where packets were missing.
    pub concealed: u64,
    /// Times that a voice was made a little shorter or longer.
    pub stretched: u64,
    /// Times that a voice began to count anew.
    pub restarts: u64,
    /// Voices and ears for which there was no room, and packets that could not be encoded.
    pub refused: u64,
}

/// Voices in, a mix for each ear out.
#[derive(Debug)]
pub struct SoundMixer {
    settings: SoundSettings,
    clock: Clock,
    voices: Vec<Voiced>,
    ears: Ears,
    chimes: Chimes,
    sum: Vec<f32>,
    /// What is played besides in the next tick.
    played: Vec<f32>,
    timestamp: u32,
    counts: SoundCounts,
}

impl SoundMixer {
    /// One that nobody is heard in, and nobody hears.
    #[must_use]
    pub fn new(settings: SoundSettings) -> SoundMixer {
        SoundMixer {
            settings,
            clock: Clock::default(),
            voices: Vec::new(),
            ears: Ears::new(settings),
            chimes: Chimes::default(),
            sum: vec![0.0; TICK * settings.channels.count()],
            played: Vec::new(),
            timestamp: 0,
            counts: SoundCounts::default(),
        }
    }

    /// These are all the voices there are. Who was there before goes on.
    pub fn set_voices(&mut self, voices: &[Voice]) {
        self.voices.retain(|known| voices.iter().any(|voice| voice.input == known.input()));
        for voice in voices {
            match self.voices.iter_mut().find(|known| known.input() == voice.input) {
                Some(known) => known.set(*voice),
                None => self.add(*voice),
            }
        }
        self.ears.regroup();
    }

    /// These are all the ears there are. Who was there before goes on.
    pub fn set_ears(&mut self, ears: &[Ear]) {
        self.counts.refused += self.ears.set(ears) as u64;
    }

    /// Takes a packet of a voice that arrives now.
    pub fn push(&mut self, now: Instant, input: InputId, packet: OpusPacket<'_>) {
        let now = self.clock.at(now);
        match self.voices.iter_mut().find(|voice| voice.input() == input) {
            Some(voice) => voice.push(now, packet, &mut self.counts),
            None => self.counts.unknown += 1,
        }
    }

    /// Begins a tone that everyone hears.
    pub fn chime(&mut self, chime: Chime) {
        self.chimes.add(chime);
    }

    /// Something that everyone hears in the next 20 ms, and that is nobody's voice. What is longer is cut off.
    pub fn play(&mut self, samples: &[f32]) {
        self.played.resize(self.sum.len(), 0.0);
        self.played.iter_mut().zip(samples).for_each(|(played, sample)| *played += sample);
    }

    /// Makes the next 20 ms. Packets that were not polled are gone.
    pub fn tick(&mut self, now: Instant) {
        let now = self.clock.tick(now);
        self.sum.fill(0.0);
        for voice in &mut self.voices {
            let open = voice.is_open();
            voice.tick(now, &mut self.sum, &mut self.counts);
            if voice.is_open() != open {
                self.ears.regroup();
            }
        }
        self.sum.iter_mut().zip(self.played.drain(..)).for_each(|(sum, sample)| *sum += sample);
        self.chimes.mix(&mut self.sum, self.settings.channels.count());
        self.timestamp = self.timestamp.wrapping_add(TICK as u32);
        self.counts.refused += self.ears.encode(&self.voices, &self.sum);
    }

    /// The packet of the next ear. Each ear has one each tick.
    pub fn poll(&mut self) -> Option<SoundOut<'_>> {
        let (ear, payload) = self.ears.poll()?;
        Some(SoundOut { ear, payload, timestamp: self.timestamp })
    }

    /// Who has begun (true) or ceased to talk. Who is gone is not told.
    pub fn poll_talking(&mut self) -> Option<(InputId, bool)> {
        self.voices.iter_mut().find_map(|voice| voice.poll_talking().map(|talking| (voice.input(), talking)))
    }

    /// How long this voice waits here until it is heard, so that pictures can wait as long. Nothing if there is no such voice.
    #[must_use]
    pub fn delay(&self, input: InputId) -> Duration {
        let voice = self.voices.iter().find(|voice| voice.input() == input);
        voice.map_or(Duration::ZERO, |voice| clock::duration(voice.wait()))
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> SoundCounts {
        self.counts
    }

    /// How many encoders there are: ears that hear the same share one.
    #[must_use]
    pub fn encoders(&self) -> usize {
        self.ears.encoders()
    }

    fn add(&mut self, voice: Voice) {
        let room = self.voices.len() < VOICES_MAX;
        match Voiced::new(voice, self.settings.channels) {
            Ok(voiced) if room => self.voices.push(voiced),
            _ => self.counts.refused += 1,
        }
    }
}
