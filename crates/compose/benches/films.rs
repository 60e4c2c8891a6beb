//! What a composition costs: processor time for each second of it, on one thread. Four participants, pictures (VP8, 640x360, 30 a second)
//! and sound, in a grid of 1280x720.
//!
//! `scripts/bench-compose` runs it beside ffmpeg: it takes a folder with films of cameras (IVF), writes recordings made of them there, and
//! composes these.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::fs::{self, File};
use std::time::Duration;

use compose::layout::VideoLayout;
use compose::sources::{SourceNames, Sources};
use compose::{Composer, Format, Input, Kind, Open, Order};
use container::matroska::Writer;
use container::{Block, Codec, Output, Track};
use mixer::codec::opus::{Channels, OpusEncoder};
use rustix::time::{ClockId, clock_gettime};

const PEOPLE: usize = 4;

/// The films of the cameras last 10 s, and come so often one after the other.
const ROUNDS: u64 = 3;
const ROUND: Duration = Duration::from_secs(10);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let Some(folder) = words.first() else {
        return println!("run by scripts/bench-compose");
    };
    for person in 0..PEOPLE {
        let camera = fs::read(format!("{folder}/people-{person}.ivf")).unwrap();
        fs::write(format!("{folder}/{person}.mkv"), pictures(&camera)).unwrap();
        fs::write(format!("{folder}/{person}.mka"), sound(person)).unwrap();
    }
    for (name, format) in [("webm", Format::WebM), ("mp4", Format::Mp4)] {
        let (spent, bytes) = compose(folder, name, format);
        let seconds = (ROUND * ROUNDS as u32).as_secs_f64();
        let cores = spent.as_secs_f64() / seconds;
        println!("{name} {cores:.3} {:.2} {:.0}", 1.0 / cores, bytes as f64 * 8.0 / seconds / 1_000.0);
    }
}

/// Time of the processor, and bytes of the film.
fn compose(folder: &str, name: &str, format: Format) -> (Duration, u64) {
    let canvas = (1_280, 720);
    let order = Order {
        canvas,
        format,
        layout: VideoLayout::read(r#"{"grid": {"video_sources": ["*"]}}"#, canvas).unwrap(),
        audio: Sources::read(("", &["*".to_owned()]), ("", &[])).unwrap(),
        trim: true,
        part: None,
    };
    let input = |person: usize, kind: Kind, ending: &str| Input {
        names: SourceNames::default(),
        kind,
        offset: Duration::ZERO,
        duration: ROUND * ROUNDS as u32,
        file: open(format!("{folder}/{person}.{ending}")),
    };
    let inputs = (0..PEOPLE).flat_map(|person| [input(person, Kind::Video, "mkv"), input(person, Kind::Audio, "mka")]);
    let start = clock();
    let mut composer = Composer::new(&order, inputs.collect()).unwrap();
    let mut film = File::create(format!("{folder}/film.{name}")).unwrap();
    while !composer.step(&mut film).unwrap().finished {}
    let spent = clock() - start;
    assert_eq!(composer.damaged(), 0);
    (spent, film.metadata().unwrap().len())
}

fn open(path: String) -> Open {
    Box::new(move || Ok(Box::new(File::open(path)?)))
}

/// A recording of what a camera sends (IVF: 32 bytes, then each frame after 12 bytes that begin with its size).
fn pictures(camera: &[u8]) -> Vec<u8> {
    let (mut rest, mut frames) = (&camera[32..], Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(12) {
        let (frame, next) = tail.split_at(u32::from_le_bytes(head[..4].try_into().unwrap()) as usize);
        frames.push(frame);
        rest = next;
    }
    let track = Track::picture(Codec::Vp8, frames[0], 0).unwrap();
    let block = |(n, frame): (u64, &&[u8])| {
        let time = Duration::from_millis(n * 1_000 / 30);
        Block { track: 0, time, keyframe: frame[0] & 1 == 0, rotation: None, bytes: frame.to_vec() }
    };
    let all = (0..).zip((0..ROUNDS).flat_map(|_| &frames));
    file(track, all.map(block))
}

/// A recording of somebody who hums, at another pitch than the others.
fn sound(person: usize) -> Vec<u8> {
    let mut encoder = OpusEncoder::new(Channels::Mono, 32_000, 5).unwrap();
    let packets = (0..ROUNDS * 500).map(|tick| {
        let sample = |n: u64| {
            let at = (tick * 960 + n) as f32 / 48_000.0;
            let voice = |tone: f32| (std::f32::consts::TAU * (110.0 + 30.0 * person as f32) * tone * at).sin() / tone;
            0.1 * (1.0 + (at * 7.0).sin()) * (voice(1.0) + voice(2.0) + voice(3.0) + voice(5.0))
        };
        let samples: Vec<f32> = (0..960).map(sample).collect();
        let mut packet = [0; 1_275];
        let bytes = encoder.encode(&samples, &mut packet).unwrap();
        let time = Duration::from_millis(tick * 20);
        Block { track: 0, time, keyframe: true, rotation: None, bytes: packet[..bytes].to_vec() }
    });
    file(Track::opus(2), packets)
}

fn file(track: Track, blocks: impl Iterator<Item = Block>) -> Vec<u8> {
    let mut writer = Writer::new(&[track], Duration::ZERO);
    blocks.for_each(|block| writer.push(block));
    writer.finish(true);
    let mut file = Vec::new();
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => file[at as usize..][..bytes.len()].copy_from_slice(&bytes),
        }
    }
    file
}

/// Processor time of this thread.
fn clock() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
