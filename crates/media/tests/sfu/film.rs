//! Real pictures: films that ffmpeg makes, cut into packets, and what came of them, put together again and decoded by ffmpeg.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use room::VideoCodec;
use str0m::format::Codec;
use str0m::rtp::RtpPacket;

use crate::picture::Projector;

/// Bytes of a frame in one packet.
const PIECE: usize = 1_100;
const SECONDS: u32 = 6;
/// Frames from one key frame to the next, where none is asked for. A film has an even number of them.
const GROUP: u32 = 45;

/// Width and height, in pixels.
pub type Size = (u16, u16);

/// Size in bytes and checksum of a decoded picture.
pub type Sum = (usize, String);

/// A film without end: begun anew after its last frame, and at its next key frame when one is asked for.
pub struct Film {
    format: Format,
    size: Size,
    frames: Vec<Frame>,
}

struct Frame {
    bytes: Vec<u8>,
    keyframe: bool,
    sum: Sum,
}

impl Film {
    /// A test picture with a clock in it. `bitrate` as ffmpeg writes it.
    pub fn make(codec: VideoCodec, size: Size, bitrate: &str) -> Rc<Self> {
        let format = Format(codec);
        let (width, height) = size;
        let path = scratch(&format!("film-{width}.{}", format.extension()));
        let source = format!("testsrc2=size={width}x{height}:rate=30:duration={SECONDS}");
        let common =
            ["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p", "-threads", "1", "-b:v", bitrate, "-g", &GROUP.to_string()];
        let path_text = path.to_str().unwrap();
        ffmpeg(&[&common[..], format.encoder(), &["-y", path_text]].concat());
        let bytes = std::fs::read(&path).unwrap();
        let (frames, sums) = (format.split(&bytes), decode_file(&path));
        std::fs::remove_file(&path).unwrap();
        assert_eq!((frames.len(), sums.len()), ((30 * SECONDS) as usize, (30 * SECONDS) as usize));
        let frame = |(bytes, sum): (Vec<u8>, Sum)| Frame { keyframe: format.is_keyframe(&bytes), bytes, sum };
        Rc::new(Film { format, size, frames: frames.into_iter().zip(sums).map(frame).collect() })
    }

    /// Shows the film, its counters beginning anywhere.
    pub fn projector(self: &Rc<Self>, start: u16) -> Projector {
        let film = Rc::clone(self);
        let (mut next, mut picture, mut tl0) = (0, start & 0x7fff, start as u8);
        Box::new(move |keyframe| {
            while keyframe && !film.frames[next].keyframe {
                next = (next + 1) % film.frames.len();
            }
            let payloads = film.format.cut(&film.frames[next], film.size, picture, tl0);
            next = (next + 1) % film.frames.len();
            (picture, tl0) = ((picture + 1) & 0x7fff, tl0.wrapping_add(1));
            payloads
        })
    }

    /// Which of its frames this is.
    pub fn find(&self, frame: &[u8]) -> Option<usize> {
        self.frames.iter().position(|one| one.bytes == frame)
    }

    pub fn size(&self) -> Size {
        self.size
    }
}

/// What came of films: every frame in turn.
pub struct Tape {
    format: Format,
    pub frames: Vec<Vec<u8>>,
    /// Of each frame.
    pub times: Vec<u32>,
}

impl Tape {
    /// Puts frames together, and sees to it that nothing is missing, cut or left out, and that numbers and times only grow.
    pub fn new(codec: VideoCodec, mut packets: Vec<RtpPacket>) -> Self {
        let format = Format(codec);
        packets.sort_by_key(|packet| packet.seq_no);
        for pair in packets.windows(2) {
            assert_eq!(*pair[0].seq_no + 1, *pair[1].seq_no, "numbers are left out, or come twice");
        }
        let mut tape = Tape { format, frames: Vec::new(), times: Vec::new() };
        let mut counters = None;
        for frame in packets.chunk_by(|a, b| a.header.timestamp == b.header.timestamp) {
            let marks: Vec<bool> = frame.iter().map(|packet| packet.header.marker).collect();
            let (last, others) = marks.split_last().unwrap();
            assert!(*last && !others.contains(&true), "a frame is cut: {marks:?}");
            let time = frame[0].header.timestamp;
            assert!(tape.times.last().is_none_or(|before| time.wrapping_sub(*before).cast_signed() > 0), "time goes back");
            let payloads: Vec<&[u8]> = frame.iter().map(|packet| &*packet.payload).collect();
            counters = format.follow(counters, &payloads);
            tape.frames.push(format.join(&payloads));
            tape.times.push(time);
        }
        tape
    }

    /// What ffmpeg makes of the tape, which must be what it makes of the films; the size of each picture.
    pub fn decode(&self, name: &str, films: &[Rc<Film>]) -> Vec<Size> {
        let mut known: HashMap<&[u8], Vec<(&Sum, Size)>> = HashMap::new();
        for film in films {
            film.frames.iter().for_each(|frame| known.entry(&frame.bytes).or_default().push((&frame.sum, film.size)));
        }
        let path = scratch(&format!("{name}.{}", self.format.extension()));
        std::fs::write(&path, self.format.file(&self.frames)).unwrap();
        let sums = decode_file(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(sums.len(), self.frames.len(), "frames are decoded");
        let shown = self.frames.iter().zip(&sums).enumerate().map(|(n, (frame, sum))| {
            let made = known.get(&**frame).unwrap_or_else(|| panic!("frame {n} is of no film"));
            let size = made.iter().find(|(own, _)| *own == sum).map(|(_, size)| *size);
            size.unwrap_or_else(|| panic!("frame {n} does not look as it should"))
        });
        shown.collect()
    }
}

/// How a codec is written to files and packets.
#[derive(Clone, Copy)]
struct Format(VideoCodec);

/// Number of a picture, and of one of the lowest layer.
type Counters = Option<(u16, u8)>;

impl Format {
    fn extension(self) -> &'static str {
        if self.0 == VideoCodec::H264 { "h264" } else { "ivf" }
    }

    fn encoder(self) -> &'static [&'static str] {
        const FAST: [&str; 8] = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0"];
        const VP8: [&str; 10] = ["-c:v", "libvpx", FAST[0], FAST[1], FAST[2], FAST[3], FAST[4], FAST[5], FAST[6], FAST[7]];
        const VP9: [&str; 10] = ["-c:v", "libvpx-vp9", FAST[0], FAST[1], FAST[2], FAST[3], FAST[4], FAST[5], FAST[6], FAST[7]];
        // Delimiters between the pictures are what the file is split at.
        const H264: [&str; 8] = ["-c:v", "libx264", "-profile:v", "baseline", "-tune", "zerolatency", "-x264-params", "aud=1"];
        match self.0 {
            VideoCodec::Vp8 => &VP8,
            VideoCodec::Vp9 => &VP9,
            VideoCodec::H264 => &H264,
        }
    }

    /// The frames in a file.
    fn split(self, file: &[u8]) -> Vec<Vec<u8>> {
        if self.0 == VideoCodec::H264 {
            let units = units(file);
            let frames = units.split(|unit| unit[0] & 0x1f == 9).filter(|frame| !frame.is_empty());
            return frames.map(file_of_units).collect();
        }
        let (mut rest, mut frames) = (&file[32..], Vec::new());
        while let Some((head, tail)) = rest.split_at_checked(12) {
            let size = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
            frames.push(tail[..size].to_vec());
            rest = &tail[size..];
        }
        frames
    }

    /// A file of these frames, 30 a second.
    fn file(self, frames: &[Vec<u8>]) -> Vec<u8> {
        let fourcc: &[u8] = match self.0 {
            VideoCodec::H264 => return frames.concat(),
            VideoCodec::Vp8 => b"VP80",
            VideoCodec::Vp9 => b"VP90",
        };
        let mut file = [b"DKIF\0\0 \0", fourcc, &[64, 1, 180, 0, 30, 0, 0, 0, 1, 0, 0, 0]].concat();
        file.extend((frames.len() as u32).to_le_bytes());
        file.extend([0; 4]);
        for (frame, time) in frames.iter().zip(0_u64..) {
            file.extend((frame.len() as u32).to_le_bytes());
            file.extend(time.to_le_bytes());
            file.extend(frame);
        }
        file
    }

    fn is_keyframe(self, frame: &[u8]) -> bool {
        match self.0 {
            VideoCodec::Vp8 => frame[0] & 1 == 0,
            VideoCodec::Vp9 => frame[0] & 4 == 0,
            VideoCodec::H264 => units(frame).iter().any(|unit| unit[0] & 0x1f == 5),
        }
    }

    /// RFC 7741, section 4.2; RFC 9628, section 4.2; RFC 6184, section 5.8.
    fn cut(self, frame: &Frame, (width, height): Size, picture: u16, tl0: u8) -> Vec<Vec<u8>> {
        let [high, low] = (picture | 0x8000).to_be_bytes();
        let pieces: Vec<&[u8]> = frame.bytes.chunks(PIECE).collect();
        let last = pieces.len() - 1;
        let vp8 = |(n, piece): (usize, &&[u8])| [&[if n == 0 { 0x90 } else { 0x80 }, 0xe0, high, low, tl0, 0], *piece].concat();
        let vp9 = |(n, piece): (usize, &&[u8])| {
            let (begins, ends) = (if n == 0 { 0x08 } else { 0 }, if n == last { 0x04 } else { 0 });
            let structured = n == 0 && frame.keyframe;
            let kind = if frame.keyframe { 0 } else { 0x40 } | if structured { 0x02 } else { 0 };
            let ([w0, w1], [h0, h1]) = (width.to_be_bytes(), height.to_be_bytes());
            let structure: &[u8] = if structured { &[0x10, w0, w1, h0, h1] } else { &[] };
            [&[0x80 | kind | begins | ends, high, low], structure, *piece].concat()
        };
        match self.0 {
            VideoCodec::Vp8 => pieces.iter().enumerate().map(vp8).collect(),
            VideoCodec::Vp9 => pieces.iter().enumerate().map(vp9).collect(),
            VideoCodec::H264 => units(&frame.bytes).into_iter().flat_map(cut_unit).collect(),
        }
    }

    /// The frame that these packets carry.
    fn join(self, payloads: &[&[u8]]) -> Vec<u8> {
        match self.0 {
            VideoCodec::Vp8 => payloads.iter().flat_map(|payload| &payload[6..]).copied().collect(),
            VideoCodec::Vp9 => {
                let head = |payload: &[u8]| if payload[0] & 0x02 != 0 { 8 } else { 3 };
                payloads.iter().flat_map(|payload| &payload[head(payload)..]).copied().collect()
            }
            VideoCodec::H264 => join_units(payloads),
        }
    }

    /// Every packet has the counters of its frame, and they go on by one.
    fn follow(self, before: Counters, payloads: &[&[u8]]) -> Counters {
        let read = |payload: &[u8]| match self.0 {
            VideoCodec::Vp8 => Some((u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff, payload[4])),
            VideoCodec::Vp9 | VideoCodec::H264 => None,
        };
        let counters = read(payloads[0]);
        assert!(payloads.iter().all(|payload| read(payload) == counters), "packets of several frames under one time");
        if self.0 == VideoCodec::Vp8 {
            let begins: Vec<bool> = payloads.iter().map(|payload| payload[0] & 0x10 != 0).collect();
            assert!(begins[0] && !begins[1..].contains(&true), "a frame without a beginning: {begins:?}");
        }
        let expected = before.map(|(picture, tl0)| ((picture + 1) & 0x7fff, tl0.wrapping_add(1)));
        assert!(expected.is_none() || expected == counters, "{counters:?} after {before:?}");
        counters
    }
}

/// How the transport calls a codec.
pub fn codec_of(codec: VideoCodec) -> Codec {
    match codec {
        VideoCodec::Vp8 => Codec::Vp8,
        VideoCodec::Vp9 => Codec::Vp9,
        VideoCodec::H264 => Codec::H264,
    }
}

/// The units of a byte stream (ITU-T H.264, annex B).
pub fn units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..stream.len()).filter(|at| stream[*at..].starts_with(&[0, 0, 1])).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| &stream[start + 3..end];
    let trimmed = |unit: &'_ [u8]| unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    starts.iter().zip(ends).map(unit).map(|unit| &unit[..trimmed(unit)]).collect()
}

fn file_of_units(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit]).flatten().copied().collect()
}

/// One packet, or several pieces (FU-A).
pub fn cut_unit(unit: &[u8]) -> Vec<Vec<u8>> {
    if unit.len() <= PIECE {
        return vec![unit.to_vec()];
    }
    let (head, body) = (unit[0], &unit[1..]);
    let pieces = body.chunks(PIECE).enumerate();
    let last = body.len().div_ceil(PIECE) - 1;
    let flags = |n: usize| if n == 0 { 0x80 } else { 0 } | if n == last { 0x40 } else { 0 };
    pieces.map(|(n, piece)| [&[head & 0x60 | 28, flags(n) | head & 0x1f], piece].concat()).collect()
}

fn join_units(payloads: &[&[u8]]) -> Vec<u8> {
    let mut stream = Vec::new();
    for payload in payloads {
        match payload[0] & 0x1f {
            28 if payload[1] & 0x80 != 0 => {
                stream.extend([&[0, 0, 0, 1, payload[0] & 0x60 | payload[1] & 0x1f], &payload[2..]].concat())
            }
            28 => stream.extend(&payload[2..]),
            _ => stream.extend([&[0, 0, 0, 1], *payload].concat()),
        }
    }
    stream
}

/// What each picture of a file looks like. The decoder must not complain.
fn decode_file(path: &Path) -> Vec<Sum> {
    let text = ffmpeg(&["-i", path.to_str().unwrap(), "-autoscale", "0", "-vsync", "passthrough", "-f", "framemd5", "-"]);
    let sum = |line: &str| {
        let columns: Vec<&str> = line.split(',').map(str::trim).collect();
        (columns[4].parse().unwrap(), columns[5].to_owned())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sum).collect()
}

fn ffmpeg(arguments: &[&str]) -> String {
    let run = Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-xerror"]).args(arguments).output();
    let done = run.unwrap_or_else(|why| panic!("ffmpeg is needed to judge pictures, scripts/bootstrap test installs it: {why}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "ffmpeg {arguments:?}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}
