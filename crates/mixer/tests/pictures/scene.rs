//! A mixer, and cameras that send it flat colours and patterns.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "tests and benches use parts of it")]

use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame, Plane};
use mixer::input::InputId;
use mixer::picture::{
    Canvas, Cell, Fit, PictureMixer, PictureSettings, Pushed, Rect, Rotation, Show, Stream, VideoCodec, VideoFrame,
};
use openh264::formats::YUVSource;

/// The canvas of every scene.
pub const CANVAS: Canvas = Canvas { width: 1280, height: 720, fps: 30 };

/// Its main stream.
pub const MAIN: Stream = Stream { width: 1280, height: 720, bitrate: 2_000_000 };

/// A mixer under test.
pub struct Scene {
    pub mixer: PictureMixer,
}

impl Scene {
    pub fn new() -> Scene {
        Scene { mixer: PictureMixer::new(PictureSettings::new(CANVAS, MAIN.bitrate)).unwrap() }
    }

    pub fn set(&mut self, cells: &[Cell]) {
        self.mixer.set_cells(cells);
    }

    /// The next frame of a camera, of one colour.
    pub fn push(&mut self, input: u64, camera: &mut Camera, rgb: u32) -> Pushed {
        let bytes = camera.flat(rgb);
        self.push_bytes(input, camera.codec, &bytes, Rotation::None)
    }

    pub fn push_bytes(&mut self, input: u64, codec: VideoCodec, bytes: &[u8], rotation: Rotation) -> Pushed {
        self.mixer.push(id(input), VideoFrame { codec, bytes, rotation })
    }

    /// All of an area, but for its soft edges, has this colour.
    #[track_caller]
    pub fn sees(&self, area: Rect, rgb: u32) {
        let meant = Colour::of(rgb);
        let picture = self.mixer.canvas().picture();
        for ((index, plane), value) in picture.planes().into_iter().enumerate().zip([meant.y, meant.u, meant.v]) {
            let scale = if index == 0 { 1 } else { 2 };
            let edge = 8 / scale;
            let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|side| usize::from(side) / scale);
            for y in y + edge..y + height - edge {
                for x in x + edge..x + width - edge {
                    let seen = plane.row(y)[x];
                    assert!(seen.abs_diff(value) < 12, "{seen} and not {value} at {x},{y} of plane {index}");
                }
            }
        }
    }

    /// The brightest pixel of an area.
    pub fn brightest(&self, area: Rect) -> u8 {
        let plane = self.mixer.canvas().picture().y;
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(usize::from);
        let part = plane.part(x, y, width, height);
        (0..height).flat_map(|y| part.row(y).iter().copied()).max().unwrap_or(0)
    }
}

/// One that sends.
pub struct Camera {
    pub codec: VideoCodec,
    frame: Frame,
    encoder: Encoder,
    key: bool,
}

enum Encoder {
    Vp8(Vp8Encoder, u64),
    H264(Box<openh264::encoder::Encoder>),
    /// We have no encoder for VP9: frames that another one made.
    Vp9 {
        colours: Vec<Vec<u8>>,
        moving: Vec<Vec<u8>>,
    },
}

/// Colours of which there are key frames of VP9, of 320x180 pixels.
pub const VP9_COLOURS: [u32; 4] = [0xc0_20_20, 0x20_a0_30, 0x20_30_c0, 0xe0_e0_e0];

/// What is in a file (IVF): 32 bytes, then each frame after 12 bytes that begin with its size.
pub fn film(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut frames) = (&file[32..], Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(12) {
        let size = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        frames.push(tail[..size].to_vec());
        rest = &tail[size..];
    }
    frames
}

impl Camera {
    pub fn new(codec: VideoCodec, width: u16, height: u16) -> Camera {
        let bitrate = 200_000 + u32::from(width) * u32::from(height) * 3;
        let encoder = match codec {
            VideoCodec::Vp8 => Encoder::Vp8(Vp8Encoder::new(Vp8Settings { width, height, fps: 30, bitrate }).unwrap(), 0),
            VideoCodec::H264 => Encoder::H264(Box::new(openh264::encoder::Encoder::new().unwrap())),
            VideoCodec::Vp9 => Encoder::Vp9 {
                colours: film(include_bytes!("../data/vp9-colours.ivf")),
                moving: film(include_bytes!("../data/vp9-moving.ivf")),
            },
        };
        Camera { codec, frame: Frame::new(width, height, Colour::BLACK), encoder, key: false }
    }

    pub fn vp8(width: u16, height: u16) -> Camera {
        Camera::new(VideoCodec::Vp8, width, height)
    }

    /// The next frame is a key frame.
    pub fn want_key(&mut self) {
        self.key = true;
    }

    /// A frame of one colour.
    pub fn flat(&mut self, rgb: u32) -> Vec<u8> {
        if let Encoder::Vp9 { colours, .. } = &self.encoder {
            let place = VP9_COLOURS.iter().position(|own| *own == rgb).expect("a colour of which there is a frame");
            return colours[place].clone();
        }
        let colour = Colour::of(rgb);
        for (mut plane, value) in self.frame.planes_mut().into_iter().zip([colour.y, colour.u, colour.v]) {
            plane.fill(value);
        }
        self.encode()
    }

    /// A frame of one colour whose upper left quarter has another one.
    pub fn corner(&mut self, rgb: u32, corner: u32) -> Vec<u8> {
        let (all, corner) = (Colour::of(rgb), Colour::of(corner));
        let values = [(all.y, corner.y), (all.u, corner.u), (all.v, corner.v)];
        for (mut plane, (value, corner)) in self.frame.planes_mut().into_iter().zip(values) {
            plane.fill(value);
            let (width, height) = (plane.width / 2, plane.height / 2);
            plane.part(0, 0, width, height).fill(corner);
        }
        self.encode()
    }

    /// The n-th frame of something that moves: waves of brightness with fine grain, and a box.
    pub fn pattern(&mut self, n: usize) -> Vec<u8> {
        if let Encoder::Vp9 { moving, .. } = &self.encoder {
            return moving[n % moving.len()].clone();
        }
        draw_pattern(&mut self.frame, n);
        self.encode()
    }

    fn encode(&mut self) -> Vec<u8> {
        let key = std::mem::take(&mut self.key);
        match &mut self.encoder {
            Encoder::Vp8(encoder, pts_ms) => {
                *pts_ms += 33;
                // An odd size, where one is wanted, is cut from the next even one.
                let (width, height) = (encoder.settings().width, encoder.settings().height);
                let mut picture = self.frame.picture();
                picture.y = picture.y.part(0, 0, width.into(), height.into());
                encoder.encode(&picture, *pts_ms, key).unwrap().bytes.to_vec()
            }
            Encoder::H264(encoder) => {
                if key {
                    encoder.force_intra_frame();
                }
                encoder.encode(&Source(&self.frame)).unwrap().to_vec()
            }
            Encoder::Vp9 { .. } => unimplemented!("only flat colours and what moves"),
        }
    }
}

/// Waves, grain that moves with them, and a box that wanders.
pub fn draw_pattern(frame: &mut Frame, n: usize) {
    let (width, height) = frame.size();
    for (index, mut plane) in frame.planes_mut().into_iter().enumerate() {
        let scale = if index == 0 { 1 } else { 2 };
        for y in 0..plane.height {
            for (x, pixel) in plane.row(y).iter_mut().enumerate() {
                let (x, y) = (x * scale + n * 3, y * scale + n);
                let wave = ((x * (index + 2) / 3) % 256).abs_diff(128) + (y % 200).abs_diff(100) / 2;
                let grain = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7 & 7;
                *pixel = (40 + wave + grain) as u8;
            }
        }
        let (x, y) = (n * 11 % (width * 3 / 4), n * 5 % (height * 3 / 4));
        plane.part(x / scale, y / scale, width / 6 / scale, height / 6 / scale).fill(200 - 40 * index as u8);
    }
}

struct Source<'a>(&'a Frame);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        self.0.size()
    }
    fn strides(&self) -> (usize, usize, usize) {
        let [y, u, v] = self.0.picture().planes().map(|plane| plane.stride);
        (y, u, v)
    }
    fn y(&self) -> &[u8] {
        self.0.picture().y.bytes
    }
    fn u(&self) -> &[u8] {
        self.0.picture().u.bytes
    }
    fn v(&self) -> &[u8] {
        self.0.picture().v.bytes
    }
}

pub fn id(input: u64) -> InputId {
    InputId(input)
}

pub fn area(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect { x, y, width, height }
}

pub fn cell(input: u64, area: Rect) -> Cell {
    Cell { input: id(input), area, fit: Fit::Letterbox, show: Show::Picture, name: "".into() }
}

/// The first cells of a grid with so many rows and columns, without names.
pub fn grid(side: u16, count: u16) -> Vec<Cell> {
    let (width, height) = ((CANVAS.width / side) & !1, (CANVAS.height / side) & !1);
    let cells = (0..count).map(|n| cell(n.into(), area(n % side * width, n / side * height, width, height)));
    cells.collect()
}

/// How alike two planes are, in dB.
pub fn psnr(one: &Plane<'_>, other: &Plane<'_>) -> f64 {
    let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
    let sum: f64 = (0..one.height).flat_map(|y| one.row(y).iter().zip(other.row(y))).map(square).sum();
    10.0 * (255.0 * 255.0 / (sum / (one.width * one.height) as f64).max(1e-9)).log10()
}

/// Memory that this process has, in MB.
pub fn resident_mb() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4_096.0 / 1e6
}

/// A frame cut off at many places, with bits turned, and noise.
pub fn damaged(frame: &[u8]) -> Vec<Vec<u8>> {
    let cut = (1..8).map(|n| frame[..frame.len() * n / 8].to_vec());
    let turned = (0..60).map(|n| {
        let mut bytes = frame.to_vec();
        let at = n * 7919 % bytes.len();
        bytes[at] ^= 1 << (n % 8);
        bytes
    });
    let noise = (1..30_u32).map(|n| (0..n * 40).map(|at| (at.wrapping_mul(2_654_435_761 ^ n) >> 13) as u8).collect());
    cut.chain(turned).chain(noise).collect()
}
