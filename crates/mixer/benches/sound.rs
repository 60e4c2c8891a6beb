//! What it costs to mix sound: processor time for each second of it, and allocations for each tick. All voices talk all the time, and
//! there are as many ears, each with a mix of its own. Half of the packets come late by up to 40 ms.
//!
//! `cargo bench -p kennel-mixer --bench sound` measures all, `… -- "9 voices"` what has these words in its name;
//! `KENNEL_BENCH_ROUNDS` (3) and `KENNEL_BENCH_SECONDS` (20, of sound) say how much.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::alloc::System;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use mixer::codec::opus::{Channels, OpusEncoder, PACKET_BYTES_MAX};
use mixer::input::InputId;
use mixer::sound::{Ear, OpusPacket, SoundMixer, SoundSettings, Voice};
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a voice sends: as long as it takes until it repeats itself.
const PACKETS: usize = 250;

/// Ticks until all is as it stays.
const SETTLED: usize = 250;

struct Scene {
    voices: u64,
    ears: u64,
    channels: Channels,
    loss_percent: u8,
    complexity: u8,
}

impl Scene {
    fn name(&self) -> String {
        let Scene { voices, ears, channels, loss_percent, complexity } = self;
        format!("{voices} voices, {ears} ears, {channels:?}, {loss_percent} % lost, complexity {complexity}")
    }
}

fn main() {
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    println!("{:>58} {:>24} {:>8} {:>8}", "", "ms for 1 s of sound", "allocs", "kB");
    let sent: Vec<Vec<Vec<u8>>> = (0..16).map(speech).collect();
    for scene in scenes().iter().filter(|scene| scene.name().contains(&filter)) {
        let mut rounds: Vec<Round> = (0..setting("KENNEL_BENCH_ROUNDS", 3)).map(|_| measure(scene, &sent)).collect();
        rounds.sort_by(|a, b| a.ms.total_cmp(&b.ms));
        let (least, middle, most) = (rounds[0].ms, &rounds[rounds.len() / 2], rounds[rounds.len() - 1].ms);
        let ms = format!("{:.1} [{least:.1}..{most:.1}]", middle.ms);
        println!("{:>58} {ms:>24} {:>8.2} {:>8.0}", scene.name(), middle.allocations, middle.kb);
    }
}

fn scenes() -> Vec<Scene> {
    let scene = |voices, ears, channels, loss_percent, complexity| Scene { voices, ears, channels, loss_percent, complexity };
    let mut scenes = Vec::new();
    for count in [4, 9, 16] {
        scenes.push(scene(count, count, Channels::Mono, 0, 5));
        scenes.push(scene(count, count, Channels::Mono, 10, 5));
        scenes.push(scene(count, count, Channels::Stereo, 0, 5));
    }
    scenes.push(scene(4, 200, Channels::Mono, 0, 5));
    scenes.extend([0, 3, 8, 10].map(|complexity| scene(9, 9, Channels::Mono, 0, complexity)));
    scenes.extend([0, 3, 8, 10].map(|complexity| scene(9, 9, Channels::Mono, 10, complexity)));
    scenes
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

struct Round {
    /// Processor time for each second of sound.
    ms: f64,
    /// For each tick.
    allocations: f64,
    /// What the mixer holds.
    kb: f64,
}

fn measure(scene: &Scene, sent: &[Vec<Vec<u8>>]) -> Round {
    let sent = &sent[..usize::try_from(scene.voices).unwrap()];
    let before = live();
    let mut mixer = SoundMixer::new(SoundSettings { complexity: scene.complexity, ..SoundSettings::of(scene.channels) });
    mixer.set_voices(&(0..scene.voices).map(|n| Voice::of(InputId(n))).collect::<Vec<_>>());
    let ear = |n| Ear { loss_percent: scene.loss_percent, ..Ear::of(InputId(n)) };
    mixer.set_ears(&(0..scene.ears).map(ear).collect::<Vec<_>>());
    let start = Instant::now();
    let ticks = SETTLED..SETTLED + usize::try_from(setting("KENNEL_BENCH_SECONDS", 20)).unwrap() * 50;
    (0..SETTLED).for_each(|n| tick(&mut mixer, sent, start, n));
    let (memory, began) = (MEMORY.stats(), cpu());
    ticks.clone().for_each(|n| tick(&mut mixer, sent, start, n));
    let (spent, after) = (cpu() - began, MEMORY.stats());
    let allocations = after.allocations + after.reallocations - memory.allocations - memory.reallocations;
    Round {
        ms: spent.as_secs_f64() * 1e3 / (ticks.len() as f64 / 50.0),
        allocations: allocations as f64 / ticks.len() as f64,
        kb: (live() - before) as f64 / 1e3,
    }
}

fn tick(mixer: &mut SoundMixer, sent: &[Vec<Vec<u8>>], start: Instant, n: usize) {
    let now = start + Duration::from_millis(20) * u32::try_from(n).unwrap();
    for (voice, packets) in sent.iter().enumerate() {
        // Every other one comes two ticks late.
        let packets = |number: Option<usize>| number.map(|number| (number, &packets[number % PACKETS]));
        let (even, late) = (Some(n).filter(|n| n % 2 == 0), n.checked_sub(2).filter(|n| n % 2 == 1));
        for (number, payload) in [packets(late), packets(even)].into_iter().flatten() {
            let timestamp = u32::try_from(number).unwrap().wrapping_mul(960);
            mixer.push(now, InputId(voice as u64), OpusPacket { sequence: number as u16, timestamp, payload });
        }
    }
    mixer.tick(now);
    while let Some(out) = mixer.poll() {
        assert!(!out.payload.is_empty());
    }
    while mixer.poll_talking().is_some() {}
}

/// Something like a voice: a buzz whose vowels change, with pauses, as a browser would send it.
fn speech(seed: u64) -> Vec<Vec<u8>> {
    let mut encoder = OpusEncoder::new(Channels::Mono, 32_000, 5).unwrap();
    encoder.set_loss(5).unwrap();
    let pitch = 100.0 + 17.0 * seed as f64;
    let sample = |n: usize| {
        let at = n as f64 / 48_000.0;
        let vowel = 600.0 + 400.0 * (TAU * 1.3 * at + seed as f64).sin();
        let voiced = (1..12).map(|k| (f64::from(k) * pitch, f64::from(k)));
        let buzz: f64 = voiced.map(|(hz, k)| (TAU * hz * at).sin() / (1.0 + ((hz - vowel) / 300.0).powi(2)) / k.sqrt()).sum();
        (buzz * 0.2 * (0.5 + 0.5 * (TAU * 3.1 * at + seed as f64).sin())) as f32
    };
    let encode = |n: usize| {
        let samples: Vec<f32> = (n * 960..(n + 1) * 960).map(sample).collect();
        let mut bytes = vec![0; PACKET_BYTES_MAX];
        let size = encoder.encode(&samples, &mut bytes).unwrap();
        bytes.truncate(size);
        bytes
    };
    (0..PACKETS).map(encode).collect()
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

fn live() -> i64 {
    let stats = MEMORY.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}
