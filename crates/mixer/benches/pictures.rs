//! What a mixed picture costs: processor time for each second of it, decoding, drawing and encoding, on one thread.
//!
//! `cargo bench -p kennel-mixer --bench pictures` measures all scenes; `-- "9 people"` what has these words in its name.
//! `scripts/bench-mixer` measures ffmpeg beside it, with what `-- --write FOLDER` writes down.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

#[path = "../tests/pictures/scene.rs"]
mod scene;

use std::io::Write;
use std::time::Duration;

use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use mixer::picture::{Pushed, Rotation, VideoCodec};
use rustix::time::{ClockId, clock_gettime};
use scene::Scene;

/// What inputs send: this size, bits a second, and seconds until it begins again.
const INPUT: Vp8Settings = Vp8Settings { width: 640, height: 360, fps: 30, bitrate: 800_000 };
const SECONDS: usize = 10;

/// Different ones. Where there are more inputs, some send the same.
const CAMERAS: usize = 4;

/// Inputs, and columns of the grid.
const GRIDS: [(u16, u16); 4] = [(1, 1), (4, 2), (9, 3), (16, 4)];

/// What is in the pictures.
#[derive(Clone, Copy)]
enum Content {
    /// Somebody who sways and speaks before a still wall, with a sensor's noise.
    People,
    /// Everything moves.
    Busy,
}

const CONTENTS: [(&str, Content); 2] = [("people", Content::People), ("busy", Content::Busy)];

/// One second's share of each part.
#[derive(Default)]
struct Cost {
    decode: Duration,
    mix: Duration,
    encode: Duration,
    bits: usize,
    /// Memory, in MB.
    mb: f64,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [write, folder] = words.as_slice()
        && write == "--write"
    {
        return CONTENTS.iter().for_each(|(name, content)| write_all(folder, name, *content));
    }
    let filter = words.first().cloned().unwrap_or_default();
    println!("{:>12} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}", "", "cores", "decode", "draw", "encode", "kbit/s", "MB");
    for (content_name, content) in CONTENTS {
        let wanted: Vec<_> = GRIDS.iter().filter(|(inputs, _)| format!("{inputs} {content_name}").contains(&filter)).collect();
        if wanted.is_empty() {
            continue;
        }
        let cameras: Vec<Vec<Vec<u8>>> = (0..CAMERAS).map(|camera| film(content, camera)).collect();
        for (inputs, side) in wanted {
            let cost = measure(&cameras, *inputs, *side);
            let share = |time: Duration| time.as_secs_f64() / SECONDS as f64;
            println!(
                "{:>12} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>8} {:>6.1}",
                format!("{inputs} {content_name}"),
                share(cost.decode + cost.mix + cost.encode),
                share(cost.decode),
                share(cost.mix),
                share(cost.encode),
                cost.bits / SECONDS / 1_000,
                cost.mb
            );
        }
    }
}

/// All frames that a camera sends.
fn film(content: Content, camera: usize) -> Vec<Vec<u8>> {
    let mut frame = Frame::new(INPUT.width, INPUT.height, Colour::BLACK);
    let mut encoder = Vp8Encoder::new(INPUT).unwrap();
    let frames = (0..SECONDS * 30).map(|n| {
        match content {
            Content::People => draw_person(&mut frame, n, camera),
            Content::Busy => scene::draw_pattern(&mut frame, n + 77 * camera),
        }
        encoder.encode(&frame.picture(), n as u64 * 1_000 / 30, false).unwrap().bytes.to_vec()
    });
    frames.collect()
}

fn draw_person(frame: &mut Frame, n: usize, camera: usize) {
    let time = n as f32 / 30.0 + camera as f32 * 1.7;
    let (width, height) = frame.size();
    let middle = (width as f32 * (0.5 + 0.06 * (time * 0.9).sin()), height as f32 * (0.42 + 0.02 * (time * 1.7).sin()));
    let mouth = 6.0 + 5.0 * (time * 9.0).sin();
    let mut noise = (n * 4 + camera + 1) as u32;
    for (index, mut plane) in frame.planes_mut().into_iter().enumerate() {
        let scale = if index == 0 { 1 } else { 2 };
        for row in 0..plane.height {
            for (column, pixel) in plane.row(row).iter_mut().enumerate() {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (x, y) = ((column * scale) as f32, (row * scale) as f32);
                let grain = if index == 0 { (noise >> 29) as f32 - 3.5 } else { 0.0 };
                *pixel = (person(x - middle.0, y - middle.1, (x, y), index, mouth) + grain).clamp(16.0, 235.0) as u8;
            }
        }
    }
}

/// The value of a plane at a place, counted from the middle of the face.
fn person(x: f32, y: f32, wall: (f32, f32), plane: usize, mouth: f32) -> f32 {
    let inside = |x: f32, y: f32, width: f32, height: f32| (x / width).powi(2) + (y / height).powi(2) < 1.0;
    let pick = |values: [f32; 3]| values[plane];
    if inside(x, y - 38.0, 22.0, mouth.max(1.0)) || inside(x.abs() - 28.0, y + 18.0, 9.0, 5.0) {
        return pick([50.0, 120.0, 140.0]);
    }
    if inside(x, y, 70.0, 92.0) {
        return pick([150.0 + x * 0.4 + (y * 0.3).sin() * 3.0, 112.0, 152.0]);
    }
    if inside(x, y - 230.0, 170.0, 150.0) {
        return pick([70.0 + ((x * 0.35).sin() + (y * 0.2).sin()) * 12.0, 150.0, 118.0]);
    }
    let shelf = if (wall.1 as usize / 60).is_multiple_of(2) && wall.0 as usize % 37 < 30 { 40.0 } else { 0.0 };
    pick([110.0 + wall.0 * 0.08 + shelf + ((wall.0 * 1.3).sin() * (wall.1 * 0.9).cos()) * 8.0, 124.0, 132.0 - shelf * 0.2])
}

fn measure(cameras: &[Vec<Vec<u8>>], inputs: u16, side: u16) -> Cost {
    let before = scene::resident_mb();
    let mut scene = Scene::new();
    let mut cells = scene::grid(side, inputs);
    for cell in &mut cells {
        cell.name = "Wilhelmina".into();
    }
    scene.set(&cells);
    let mut cost = Cost::default();
    for n in 0..SECONDS * 30 {
        let start = clock();
        for input in 0..usize::from(inputs) {
            let frame = cameras[input % cameras.len()].get(n).unwrap();
            let pushed = scene.push_bytes(input as u64, VideoCodec::Vp8, frame, Rotation::None);
            assert_eq!(pushed, Pushed::Shown);
        }
        let decoded = clock();
        scene.mixer.mix();
        let mixed = clock();
        cost.bits += scene.mixer.encode(0, n as u64 * 1_000 / 30, false).unwrap().bytes.len() * 8;
        cost.decode += decoded - start;
        cost.mix += mixed - decoded;
        cost.encode += clock() - mixed;
    }
    cost.mb = scene::resident_mb() - before;
    cost
}

/// Processor time of this thread.
fn clock() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What each camera sends, as files that ffmpeg reads (IVF).
fn write_all(folder: &str, name: &str, content: Content) {
    for camera in 0..CAMERAS {
        let frames = film(content, camera);
        let mut file = std::fs::File::create(format!("{folder}/{name}-{camera}.ivf")).unwrap();
        let mut head = b"DKIF\0\0\x20\0VP80".to_vec();
        head.extend([INPUT.width.to_le_bytes(), INPUT.height.to_le_bytes()].concat());
        head.extend([30_u32, 1, frames.len() as u32, 0].map(u32::to_le_bytes).concat());
        file.write_all(&head).unwrap();
        for (n, frame) in frames.iter().enumerate() {
            file.write_all(&[(frame.len() as u32).to_le_bytes().as_slice(), &(n as u64).to_le_bytes(), frame].concat()).unwrap();
        }
    }
}
