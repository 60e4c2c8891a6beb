//! Senders, the way their packets take, the mixer, and what each ear hears. Time is made up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mixer::codec::opus::{Channels, OpusDecoder, OpusEncoder, PACKET_BYTES_MAX};
use mixer::input::InputId;
use mixer::sound::{Ear, OpusPacket, SoundMixer, SoundSettings, Voice};

/// Samples a second.
pub const RATE: f64 = 48_000.0;

/// What happens to a packet, by its number: it takes so many milliseconds, or is lost.
pub type Way = Box<dyn FnMut(u64) -> Option<f64>>;

/// What happens to what is in a packet.
pub type Spoil = Box<dyn FnMut(u64, &mut Vec<u8>)>;

/// One that sends.
pub struct Sender {
    pub input: InputId,
    /// The sample at this place.
    pub sound: Box<dyn FnMut(u64) -> f32>,
    pub way: Way,
    /// Samples in a packet.
    pub samples: u64,
    /// By how many in a million its clock is too fast.
    pub ppm: f64,
    /// Added to numbers and time stamps.
    pub sequence: u16,
    pub timestamp: u32,
    /// What is sent in place of a packet.
    pub spoil: Spoil,
    /// Sends every packet so often.
    pub copies: u32,
    /// When the next packet goes, in seconds, and which it is.
    pub due: f64,
    pub number: u64,
    encoder: OpusEncoder,
}

impl Sender {
    pub fn new(input: u64, sound: impl FnMut(u64) -> f32 + 'static) -> Sender {
        let encoder = OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap();
        Sender {
            input: InputId(input),
            sound: Box::new(sound),
            way: Box::new(|_| Some(20.0)),
            samples: 960,
            ppm: 0.0,
            sequence: 65_500,
            timestamp: u32::MAX - 48_000,
            spoil: Box::new(|_, _| {}),
            copies: 1,
            due: 0.0,
            number: 0,
            encoder,
        }
    }

    /// From now on every packet brings the one before it again.
    pub fn expect_loss(&mut self, percent: u8) {
        self.encoder.set_loss(percent).unwrap();
    }

    fn packet(&mut self) -> Vec<u8> {
        let from = self.number * self.samples;
        let sound: Vec<f32> = (from..from + self.samples).map(|n| (self.sound)(n)).collect();
        let mut bytes = vec![0; PACKET_BYTES_MAX];
        let size = self.encoder.encode(&sound, &mut bytes).unwrap();
        bytes.truncate(size);
        (self.spoil)(self.number, &mut bytes);
        bytes
    }
}

/// A packet on its way.
struct Sent {
    at: f64,
    input: InputId,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

pub struct World {
    pub mixer: SoundMixer,
    pub senders: Vec<Sender>,
    /// What each ear heard, since it was last cleared.
    pub heard: BTreeMap<InputId, Vec<f32>>,
    pub talked: Vec<(f64, InputId, bool)>,
    /// Seconds since the beginning.
    pub now: f64,
    start: Instant,
    sent: Vec<Sent>,
    decoders: BTreeMap<InputId, OpusDecoder>,
    last: BTreeMap<InputId, u32>,
    channels: Channels,
}

impl World {
    pub fn new(channels: Channels) -> World {
        World {
            mixer: SoundMixer::new(SoundSettings::of(channels)),
            senders: Vec::new(),
            heard: BTreeMap::new(),
            talked: Vec::new(),
            now: 0.0,
            start: Instant::now(),
            sent: Vec::new(),
            decoders: BTreeMap::new(),
            last: BTreeMap::new(),
            channels,
        }
    }

    /// Everyone sends a tone of these frequencies and this loudness, and hears the others.
    pub fn of_tones(hz: &[f64], loudness: f32) -> World {
        let mut world = World::new(Channels::Mono);
        for (n, hz) in hz.iter().enumerate() {
            world.senders.push(Sender::new(n as u64, tone(*hz, loudness)));
        }
        world.join();
        world
    }

    /// Every sender is a voice and an ear as they usually are.
    pub fn join(&mut self) {
        let inputs: Vec<InputId> = self.senders.iter().map(|sender| sender.input).collect();
        self.mixer.set_voices(&inputs.iter().map(|input| Voice::of(*input)).collect::<Vec<_>>());
        self.mixer.set_ears(&inputs.iter().map(|input| Ear::of(*input)).collect::<Vec<_>>());
    }

    pub fn run(&mut self, seconds: f64) {
        let until = self.now + seconds;
        while self.now < until - 1e-9 {
            self.send();
            self.arrive();
            self.tick();
            self.now += 0.02;
        }
    }

    /// What an ear hears in the next seconds.
    pub fn hear(&mut self, ear: u64, seconds: f64) -> Vec<f32> {
        self.heard.clear();
        self.run(seconds);
        self.heard.remove(&InputId(ear)).unwrap_or_default()
    }

    pub fn delay_ms(&self, input: u64) -> f64 {
        self.mixer.delay(InputId(input)).as_secs_f64() * 1e3
    }

    fn send(&mut self) {
        for sender in &mut self.senders {
            while sender.due <= self.now {
                let payload = sender.packet();
                let sequence = sender.sequence.wrapping_add(sender.number as u16);
                let timestamp = sender.timestamp.wrapping_add((sender.number * sender.samples) as u32);
                if let Some(way) = (sender.way)(sender.number).filter(|_| !payload.is_empty()) {
                    for _ in 0..sender.copies {
                        let (input, payload) = (sender.input, payload.clone());
                        self.sent.push(Sent { at: sender.due + way / 1e3, input, sequence, timestamp, payload });
                    }
                }
                sender.number += 1;
                sender.due += sender.samples as f64 / RATE / (1.0 + sender.ppm * 1e-6);
            }
        }
    }

    fn arrive(&mut self) {
        self.sent.sort_by(|a, b| a.at.total_cmp(&b.at));
        let arrived = self.sent.partition_point(|sent| sent.at <= self.now);
        for sent in self.sent.drain(..arrived) {
            let at = self.start + Duration::from_secs_f64(sent.at);
            let (sequence, timestamp, payload) = (sent.sequence, sent.timestamp, &sent.payload[..]);
            self.mixer.push(at, sent.input, OpusPacket { sequence, timestamp, payload });
        }
    }

    fn tick(&mut self) {
        self.mixer.tick(self.start + Duration::from_secs_f64(self.now));
        while let Some(out) = self.mixer.poll() {
            assert!(!out.payload.is_empty());
            let last = self.last.insert(out.ear, out.timestamp);
            assert!(last.is_none_or(|last| out.timestamp == last.wrapping_add(960)), "an ear was left out");
            let decoder = self.decoders.entry(out.ear).or_insert_with(|| OpusDecoder::new(self.channels).unwrap());
            let mut samples = [0.0; 1_920];
            let count = decoder.decode(out.payload, &mut samples[..960 * self.channels.count()]).unwrap();
            assert_eq!(count, 960);
            self.heard.entry(out.ear).or_default().extend(&samples[..960 * self.channels.count()]);
        }
        while let Some((who, talking)) = self.mixer.poll_talking() {
            self.talked.push((self.now, who, talking));
        }
    }
}

/// A tone.
pub fn tone(hz: f64, loudness: f32) -> impl FnMut(u64) -> f32 {
    move |n| (std::f64::consts::TAU * (hz * n as f64 / RATE).fract()).sin() as f32 * loudness
}

/// Numbers that look like chance, 0 to 1.
pub fn chance(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The amplitude of this frequency in decibels (Goertzel's algorithm, with a window so that neighbours do not count).
pub fn level(samples: &[f32], hz: f64) -> f64 {
    let count = samples.len() as f64;
    let turn = 2.0 * (std::f64::consts::TAU * hz / RATE).cos();
    let (mut one, mut two, mut weights) = (0.0, 0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let weight = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / count).cos();
        (one, two) = (f64::from(*sample) * weight + turn * one - two, one);
        weights += weight;
    }
    let power = (one * one + two * two - turn * one * two).max(0.0);
    20.0 * (2.0 * power.sqrt() / weights).max(1e-9).log10()
}

/// The largest sample of what is left of a tone without the tone: a click, where it is more than usual.
pub fn roughness(samples: &[f32], hz: f64) -> f64 {
    let turn = 2.0 * (std::f64::consts::TAU * hz / RATE).cos();
    samples.windows(3).map(|s| (f64::from(s[2]) - turn * f64::from(s[1]) + f64::from(s[0])).abs()).fold(0.0, f64::max)
}

/// The quietest and the loudest 20 ms, in decibels of their mean.
pub fn loudness(samples: &[f32]) -> (f64, f64) {
    let level = |part: &[f32]| {
        let power = part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64;
        10.0 * (2.0 * power).max(1e-18).log10()
    };
    let levels: Vec<f64> = samples.chunks_exact(960).map(level).collect();
    (levels.iter().copied().fold(f64::INFINITY, f64::min), levels.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}
