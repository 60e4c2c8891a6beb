//! Recordings of known colours and tones, and what is made of them.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it")]

#[path = "../../../mixer/tests/pictures/scene.rs"]
pub mod scene;

use std::io::Cursor;
use std::time::Duration;

use compose::layout::VideoLayout;
use compose::sources::{SourceNames, Sources};
use compose::{Composer, Failure, Format, Input, Kind, Open, Order, Source};
use container::matroska::{Event, Reader, Writer};
use container::{Block, Codec, Output, Track, h264};
use mixer::codec::opus::{Channels, OpusDecoder, OpusEncoder};
use mixer::codec::vp8::Vp8Decoder;
use mixer::codec::{vp8, vp9};
use mixer::frame::{Colour, Frame};
use mixer::picture::VideoCodec;
use scene::Camera;

/// When recordings begin whose offset is 0, on the clock of all.
pub const EPOCH: Duration = Duration::from_secs(1_795_305_600);

/// The four colours that films of VP9 can have, too.
pub const RED: u32 = scene::VP9_COLOURS[0];
pub const GREEN: u32 = scene::VP9_COLOURS[1];
pub const BLUE: u32 = scene::VP9_COLOURS[2];
pub const WHITE: u32 = scene::VP9_COLOURS[3];
pub const YELLOW: u32 = 0xd0_c0_20;

/// Milliseconds between the pictures of a recording.
pub const STEP_MS: u64 = 50;

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A recording of whole blocks: its file.
pub fn file(track: Track, blocks: impl IntoIterator<Item = Block>) -> Vec<u8> {
    let mut writer = Writer::new(&[track], EPOCH);
    blocks.into_iter().for_each(|block| writer.push(block));
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

/// A film of so many milliseconds: its colour at each time, and by how much it is turned.
pub fn film(codec: VideoCodec, size: (u16, u16), length: u64, colour: impl Fn(u64) -> u32, rotation: u16) -> Vec<u8> {
    let mut camera = Camera::new(codec, size.0, size.1);
    let frames = (0..length.div_ceil(STEP_MS)).map(|n| (n * STEP_MS, camera.flat(colour(n * STEP_MS))));
    pictures(codec, &frames.collect::<Vec<_>>(), rotation)
}

/// A film of these frames.
pub fn pictures(codec: VideoCodec, frames: &[(u64, Vec<u8>)], rotation: u16) -> Vec<u8> {
    let in_file = |bytes: &[u8]| if codec == VideoCodec::H264 { h264::with_lengths(bytes) } else { bytes.to_vec() };
    let block = |(time, bytes): &(u64, Vec<u8>)| Block {
        track: 0,
        time: ms(*time),
        keyframe: is_keyframe(codec, bytes),
        rotation: None,
        bytes: in_file(bytes),
    };
    let codec = match codec {
        VideoCodec::Vp8 => Codec::Vp8,
        VideoCodec::Vp9 => Codec::Vp9,
        VideoCodec::H264 => Codec::H264,
    };
    file(Track::picture(codec, &in_file(&frames[0].1), rotation).expect("a key frame"), frames.iter().map(block))
}

fn is_keyframe(codec: VideoCodec, bytes: &[u8]) -> bool {
    match codec {
        VideoCodec::Vp8 => matches!(vp8::Header::of(bytes), Some(vp8::Header::Key(..))),
        VideoCodec::Vp9 => matches!(vp9::Header::of(bytes), Some(vp9::Header::Key(..))),
        VideoCodec::H264 => h264::is_keyframe(h264::units_of_stream(bytes)),
    }
}

/// Packets of a tone of so many Hz whose loudness at each time is told; none where it is none.
pub fn packets(length: u64, hz: f32, loudness: impl Fn(u64) -> Option<f32>) -> Vec<(u64, Vec<u8>)> {
    let mut encoder = OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap();
    let mut packets = Vec::new();
    for tick in 0..length / 20 {
        let sample = |n: u64| {
            let at = (tick * 960 + n) as f32 / 48_000.0;
            (std::f32::consts::TAU * hz * at).sin() * loudness(tick * 20 + n / 48).unwrap_or(0.0)
        };
        let samples: Vec<f32> = (0..960).map(sample).collect();
        let mut packet = [0; 1_275];
        let bytes = encoder.encode(&samples, &mut packet).unwrap();
        if loudness(tick * 20).is_some() {
            packets.push((tick * 20, packet[..bytes].to_vec()));
        }
    }
    packets
}

/// A recording of sound.
pub fn sound(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let block = |(time, bytes): &(u64, Vec<u8>)| Block {
        track: 0,
        time: ms(*time),
        keyframe: true,
        rotation: None,
        bytes: bytes.clone(),
    };
    file(Track::opus(2), packets.iter().map(block))
}

/// A recording of a tone.
pub fn tone(length: u64, hz: f32) -> Vec<u8> {
    sound(&packets(length, hz, |_| Some(0.25)))
}

/// A file that is there.
pub fn opens(file: impl Source + 'static) -> Open {
    Box::new(|| Ok(Box::new(file)))
}

/// Recordings of a room.
#[derive(Default)]
pub struct Room {
    inputs: Vec<Input>,
}

impl Room {
    /// A recording that begins so many milliseconds after the first that could, and is so long.
    pub fn with(mut self, kind: Kind, name: &str, (from, length): (u64, u64), file: Vec<u8>) -> Room {
        let names = SourceNames { name: name.to_owned(), ..SourceNames::default() };
        let file = opens(Cursor::new(file));
        self.inputs.push(Input { names, kind, offset: EPOCH + ms(from), duration: ms(length), file });
        self
    }

    /// A film of one colour.
    pub fn flat(self, name: &str, times: (u64, u64), size: (u16, u16), rgb: u32) -> Room {
        self.with(Kind::Video, name, times, film(VideoCodec::Vp8, size, times.1, |_| rgb, 0))
    }

    /// A tone.
    pub fn tone(self, name: &str, times: (u64, u64), hz: f32) -> Room {
        self.with(Kind::Audio, name, times, tone(times.1, hz))
    }

    /// What it is made of.
    pub fn inputs(self) -> Vec<Input> {
        self.inputs
    }

    /// The composition.
    pub fn compose(self, order: &Order) -> Made {
        let (file, damaged) = self.try_compose(order).unwrap();
        Made { damaged, ..Made::read(&file) }
    }

    /// The composition as a file, and how many recordings are damaged.
    pub fn try_compose(self, order: &Order) -> Result<(Vec<u8>, usize), Failure> {
        let mut composer = Composer::new(order, self.inputs)?;
        let mut file = Cursor::new(Vec::new());
        let mut before = Duration::ZERO;
        loop {
            let progress = composer.step(&mut file)?;
            assert!(progress.done >= before && progress.done <= progress.total);
            before = progress.done;
            if progress.finished {
                assert_eq!(progress.done, progress.total);
                return Ok((file.into_inner(), composer.damaged()));
            }
        }
    }
}

/// A film of all pictures laid out so, and of all sound.
pub fn order(canvas: (u16, u16), layout: &str) -> Order {
    let layout = if layout.is_empty() { VideoLayout::default() } else { VideoLayout::read(layout, canvas).unwrap() };
    let audio = Sources::read(("", &["*".to_owned()]), ("", &[])).unwrap();
    Order { canvas, format: Format::WebM, layout, audio, trim: true, part: None }
}

/// A grid of all pictures.
pub const GRID: &str = r#"{"grid": {"video_sources": ["*"]}}"#;

/// A composition, decoded.
pub struct Made {
    pub tracks: Vec<Track>,
    /// Pictures and their times.
    pub pictures: Vec<(Duration, Frame)>,
    /// Which of them are key frames.
    pub keys: Vec<usize>,
    /// Samples of the left, from the beginning of the film.
    pub sound: Vec<f32>,
    pub duration: Duration,
    pub began: Duration,
    pub damaged: usize,
}

impl Made {
    pub fn read(file: &[u8]) -> Made {
        let mut reader = Reader::default();
        reader.push(file);
        let (mut tracks, mut pictures, mut keys, mut sound) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut eye, mut ear) = (Vp8Decoder::new().unwrap(), OpusDecoder::new(Channels::Stereo).unwrap());
        while let Some(event) = reader.poll() {
            match event {
                Event::Tracks(found) => tracks = found,
                Event::Block(block) if tracks[block.track].codec == Codec::Opus => {
                    let mut samples = [0.0; 1_920];
                    assert_eq!(ear.decode(&block.bytes, &mut samples).unwrap(), 960);
                    assert_eq!(block.time.as_millis() as usize * 48, sound.len(), "sound has no gaps");
                    sound.extend(samples.chunks(2).map(|both| both[0]));
                }
                Event::Block(block) => {
                    assert!(eye.decode(&block.bytes).unwrap());
                    let picture = eye.picture().unwrap();
                    let (width, height) = picture.size();
                    let mut frame = Frame::new(width as u16, height as u16, Colour::BLACK);
                    frame.copy_from(&picture);
                    if block.keyframe {
                        keys.push(pictures.len());
                    }
                    pictures.push((block.time, frame));
                }
            }
        }
        sound.drain(..sound.len().min(312));
        let duration = reader.duration().expect("a finished file");
        Made { tracks, pictures, keys, sound, duration, began: reader.began().unwrap(), damaged: 0 }
    }

    /// The picture that is shown at that time.
    pub fn at(&self, time: u64) -> &Frame {
        let after = self.pictures.partition_point(|(from, _)| *from <= ms(time));
        &self.pictures[after - 1].1
    }

    /// How loud a tone is at that time, in 20 ms: 1 for a full one.
    pub fn hears(&self, time: u64, hz: f32) -> f32 {
        let from = time as usize * 48;
        let part = &self.sound[from..from + 960];
        let (mut sin, mut cos) = (0.0, 0.0);
        for (n, sample) in part.iter().enumerate() {
            let at = std::f32::consts::TAU * hz * n as f32 / 48_000.0;
            (sin, cos) = (sin + sample * at.sin(), cos + sample * at.cos());
        }
        (sin * sin + cos * cos).sqrt() / 480.0
    }

    /// How loud it is at that time, whatever it is.
    pub fn loudness(&self, time: u64) -> f32 {
        let from = time as usize * 48;
        let part = &self.sound[from..from + 960];
        (part.iter().map(|sample| sample * sample).sum::<f32>() / 960.0).sqrt()
    }
}

/// Letters for colours.
const LETTERS: [(char, u32); 6] = [('.', 0), ('R', RED), ('G', GREEN), ('B', BLUE), ('W', WHITE), ('Y', YELLOW)];

/// The letter of the colour of a pixel; a question mark for one that is none of them.
pub fn letter(frame: &Frame, x: usize, y: usize) -> char {
    let [luma, u, v] = frame.picture().planes();
    let seen = [luma.row(y)[x], u.row(y / 2)[x / 2], v.row(y / 2)[x / 2]];
    let near = |rgb: u32| {
        let Colour { y, u, v } = Colour::of(rgb);
        seen.iter().zip([y, u, v]).all(|(seen, meant)| seen.abs_diff(meant) < 16)
    };
    LETTERS.iter().find(|(_, rgb)| near(*rgb)).map_or('?', |(letter, _)| *letter)
}

/// A small picture of a picture: the colours in the middles of 32 by 18 parts.
pub fn drawing(frame: &Frame) -> String {
    let (width, height) = frame.size();
    let row = |y: usize| (0..32).map(move |x| letter(frame, (2 * x + 1) * width / 64, (2 * y + 1) * height / 36));
    (0..18).map(|y| row(y).chain(['\n']).collect::<String>()).collect()
}
