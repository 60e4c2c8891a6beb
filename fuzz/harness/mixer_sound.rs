//! A script for the mixer of sound: packets of two voices, of which the second is honest, pauses, ticks and wishes. Each step is what
//! happens, a number in two bytes, a time in two, how many bytes of a payload follow, and these.

use std::time::{Duration, Instant};

use mixer::codec::opus::{Channels, OpusDecoder, OpusEncoder, PACKET_BYTES_MAX};
use mixer::input::InputId;
use mixer::sound::{Chime, Ear, OpusPacket, SoundMixer, SoundSettings, Voice};

const HARMFUL: InputId = InputId(1);
const HONEST: InputId = InputId(2);
const EAR: InputId = InputId(3);

/// Ticks of one script. A longer one is cut short.
const TICKS_MAX: usize = 500;

struct Scene {
    mixer: SoundMixer,
    start: Instant,
    now: Duration,
    ticks: usize,
    honest: Vec<u8>,
    decoder: OpusDecoder,
    muted: bool,
}

pub fn run(data: &[u8]) {
    let Some((which, mut rest)) = data.split_first() else { return };
    let channels = if which.is_multiple_of(2) { Channels::Mono } else { Channels::Stereo };
    let mut scene = Scene::new(channels);
    while let [what, n0, n1, t0, t1, size, after @ ..] = rest {
        let (payload, left) = after.split_at(usize::from(*size).min(after.len()));
        scene.step(*what, u16::from_be_bytes([*n0, *n1]), u16::from_be_bytes([*t0, *t1]), payload);
        rest = left;
    }
    // What was pushed in the end is heard too.
    (0..30).for_each(|_| scene.tick());
    let counts = scene.mixer.counts();
    assert!(counts.received >= counts.broken + counts.duplicate + counts.late, "{counts:?}");
    assert!(scene.mixer.delay(HONEST) < Duration::from_millis(500), "{:?}", scene.mixer.delay(HONEST));
}

impl Scene {
    fn new(channels: Channels) -> Scene {
        let mut mixer = SoundMixer::new(SoundSettings { complexity: 0, ..SoundSettings::of(channels) });
        mixer.set_voices(&[Voice::of(HARMFUL), Voice::of(HONEST)]);
        mixer.set_ears(&[Ear::of(HARMFUL), Ear::of(HONEST), Ear::of(EAR)]);
        let mut honest = vec![0; PACKET_BYTES_MAX];
        let mut encoder = OpusEncoder::new(Channels::Mono, 24_000, 0).expect("an encoder");
        let sound: Vec<f32> = (0..960).map(|n| (n as f32 * 0.05).sin() * 0.1).collect();
        let size = encoder.encode(&sound, &mut honest).expect("a packet");
        honest.truncate(size);
        let decoder = OpusDecoder::new(channels).expect("a decoder");
        Scene { mixer, start: Instant::now(), now: Duration::ZERO, ticks: 0, honest, decoder, muted: false }
    }

    fn step(&mut self, what: u8, number: u16, time: u16, payload: &[u8]) {
        match what % 8 {
            0 => self.tick(),
            1 => self.now += Duration::from_millis(u64::from(time)),
            2 => {
                self.muted = !self.muted;
                let gain_db = f32::from(number) - 100.0;
                let voice = Voice { muted: self.muted, gain_db, sensitivity: (time % 256) as u8, ..Voice::of(HARMFUL) };
                self.mixer.set_voices(&[voice, Voice::of(HONEST)]);
            }
            3 => {
                let ear = Ear {
                    hears: number.is_multiple_of(2),
                    gain_db: f32::from(time),
                    loss_percent: (number >> 8) as u8,
                    ..Ear::of(EAR)
                };
                self.mixer.set_ears(&[ear, Ear::of(HONEST), Ear::of(HARMFUL)]);
            }
            4 => self.mixer.chime(if number.is_multiple_of(2) { Chime::Enter } else { Chime::Exit }),
            // Packets in order, with whatever is in them.
            5 => self.push(number, u32::from(number) * 960, payload),
            // Packets with a time stamp of their own.
            6 => self.push(number, u32::from(time) << 16 | u32::from(number), payload),
            _ => self.push(number, u32::from(time) * 120, payload),
        }
    }

    fn push(&mut self, sequence: u16, timestamp: u32, payload: &[u8]) {
        self.mixer.push(self.start + self.now, HARMFUL, OpusPacket { sequence, timestamp, payload });
    }

    fn tick(&mut self) {
        if self.ticks == TICKS_MAX {
            return;
        }
        let n = self.ticks as u32;
        self.ticks += 1;
        let now = self.start + self.now;
        self.mixer.push(now, HONEST, OpusPacket { sequence: n as u16, timestamp: n * 960, payload: &self.honest });
        self.mixer.tick(now);
        self.now += Duration::from_millis(20);
        self.hear();
    }

    /// Each ear has one packet, which can be decoded and is within bounds.
    fn hear(&mut self) {
        let mut ears = Vec::new();
        let mut samples = [0.0; 1_920];
        while let Some(out) = self.mixer.poll() {
            ears.push(out.ear);
            if out.ear == HARMFUL {
                continue;
            }
            assert!(!out.payload.is_empty());
            if out.ear == EAR {
                assert_eq!(self.decoder.decode(out.payload, &mut samples), Ok(960));
            }
        }
        ears.sort_unstable();
        assert_eq!(ears, [HARMFUL, HONEST, EAR]);
        assert!(samples.iter().all(|sample| sample.abs() < 2.0), "beyond all bounds");
        while self.mixer.poll_talking().is_some() {}
    }
}
