//! Files that are made here: what is decoded where.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use container::matroska::Writer;
use container::{Block, Codec, Output, Track};
use film::{Bytes, Film, RATE_HZ};
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn open(tracks: &[Track], blocks: Vec<Block>) -> Film {
    Film::open(Arc::new(written(tracks, blocks))).expect("a film")
}

fn written(tracks: &[Track], blocks: Vec<Block>) -> Vec<u8> {
    let mut writer = Writer::new(tracks, Duration::ZERO);
    blocks.into_iter().for_each(|block| writer.push(block));
    writer.finish(true);
    let mut file = Vec::new();
    while let Some(output) = writer.poll() {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => file[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes),
        }
    }
    file
}

/// A tone of 20 ms at each of these times.
fn beeps(times_ms: impl IntoIterator<Item = u64>) -> Film {
    let mut encoder = OpusEncoder::new(Channels::Mono, 48_000, 3).expect("an encoder");
    let mut blocks = Vec::new();
    for time in times_ms {
        let tone = (0..960_u16).map(|n| (std::f32::consts::TAU * 440.0 * f32::from(n) / 48_000.0).sin() / 2.0);
        let mut packet = [0; 1_000];
        let size = encoder.encode(&tone.collect::<Vec<_>>(), &mut packet).expect("a packet");
        blocks.push(Block { track: 0, time: MS(time), keyframe: true, rotation: None, bytes: packet[..size].to_vec() });
    }
    open(&[Track::opus(1)], blocks)
}

/// In which tenths of a second something is heard.
fn heard(film: &mut Film) -> Vec<usize> {
    let sound: Vec<f32> = std::iter::from_fn(|| film.next_sound().expect("readable")).flatten().collect();
    let tenths = sound.chunks(RATE_HZ as usize / 10).enumerate();
    tenths.filter(|(_, tenth)| tenth.iter().any(|sample| sample.abs() > 0.2)).map(|(place, _)| place).collect()
}

#[test]
fn a_long_gap_is_as_long_as_it_is() {
    let mut film = beeps((0..20).map(|n| n * 20).chain((0..20).map(|n| 14_000 + n * 20)));
    let expected: Vec<usize> = (0..4).chain(140..144).collect();
    assert_eq!(heard(&mut film), expected);
    film.seek(MS(3_000)).expect("a place");
    assert_eq!(heard(&mut film), (110..114).collect::<Vec<_>>());
}

#[test]
fn the_picture_of_a_place_is_the_last_one_before_it() {
    let mut encoder = Vp8Encoder::new(Vp8Settings { width: 64, height: 48, fps: 20, bitrate: 500_000 }).expect("an encoder");
    let frame = Frame::new(64, 48, Colour::of(0x00_ff_00));
    let mut blocks = Vec::new();
    for time in [0, 1_000, 2_000] {
        let encoded = encoder.encode(&frame.picture(), time, time == 0).expect("a frame");
        let (keyframe, bytes) = (encoded.key, encoded.bytes.to_vec());
        blocks.push(Block { track: 0, time: MS(time), keyframe, rotation: None, bytes });
    }
    let mut film = open(&[Track::picture(Codec::Vp8, &blocks[0].bytes, 0).expect("a key frame")], blocks);
    let mut times = |to: u64| {
        film.seek(MS(to)).expect("a place");
        std::iter::from_fn(|| film.next_picture().expect("readable")).map(|shown| shown.time).collect::<Vec<_>>()
    };
    assert_eq!(times(0), [MS(0), MS(1_000), MS(2_000)]);
    assert_eq!(times(500), [MS(500), MS(1_000), MS(2_000)]);
    assert_eq!(times(1_000), [MS(1_000), MS(2_000)]);
    assert_eq!(times(9_000), [], "beyond its end");
}

/// A file of which as much is there as one likes, and of which is counted how much is read.
struct Counted {
    file: Vec<u8>,
    read: AtomicU64,
    there: AtomicU64,
}

impl Bytes for Counted {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(at, into)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }

    fn is_there(&self, end: u64) -> bool {
        end <= self.there.load(Ordering::Relaxed)
    }
}

impl Counted {
    fn new(file: Vec<u8>) -> Arc<Self> {
        let there = AtomicU64::new(file.len() as u64);
        Arc::new(Counted { file, read: AtomicU64::new(0), there })
    }

    /// What is read while it goes to this time, and when the first picture is and the first sound is heard.
    fn seek(&self, film: &mut Film, to: Duration) -> (u64, Duration) {
        self.read.store(0, Ordering::Relaxed);
        film.seek(to).expect("a place");
        let shown = film.next_picture().expect("readable").expect("a picture");
        assert!(film.next_sound().expect("readable").is_some_and(|sound| !sound.is_empty()));
        (self.read.load(Ordering::Relaxed), shown.time)
    }
}

/// Ten minutes of sound, and a picture each second, every tenth of them a key frame.
fn long() -> Vec<u8> {
    let mut encoder = Vp8Encoder::new(Vp8Settings { width: 64, height: 48, fps: 20, bitrate: 500_000 }).expect("an encoder");
    let frame = Frame::new(64, 48, Colour::of(0x00_ff_00));
    let mut blocks = Vec::new();
    for second in 0..600 {
        let encoded = encoder.encode(&frame.picture(), second * 1_000, second % 10 == 0).expect("a frame");
        let (keyframe, bytes) = (encoded.key, encoded.bytes.to_vec());
        blocks.push(Block { track: 1, time: MS(second * 1_000), keyframe, rotation: None, bytes });
        let packet = [&[0xfc][..], &[0; 300]].concat();
        let sounds = (0..50).map(|n| MS(second * 1_000 + n * 20));
        blocks.extend(sounds.map(|time| Block { track: 0, time, keyframe: true, rotation: None, bytes: packet.clone() }));
    }
    let pictures = Track::picture(Codec::Vp8, &blocks[0].bytes, 0).expect("a key frame");
    written(&[Track::opus(1), pictures], blocks)
}

#[test]
fn a_place_far_away_is_found_by_what_the_file_says_of_it() {
    let file = Counted::new(long());
    let size = file.file.len() as u64;
    let mut film = Film::open(file.clone()).expect("a film");
    for to in [590_500, 30_000, 314_159, 599_000, 0] {
        let (read, shown) = file.seek(&mut film, MS(to));
        assert!(read < size / 8, "{to}: {read} bytes of {size}");
        assert_eq!(shown, MS(to));
    }
    film.seek(MS(700_000)).expect("a place");
    assert!(film.next_picture().expect("readable").is_none() && film.next_sound().expect("readable").is_none());
}

#[test]
fn what_says_where_places_are_is_not_waited_for() {
    let file = Counted::new(long());
    let size = file.file.len() as u64;
    file.there.store(size - 1, Ordering::Relaxed);
    let mut film = Film::open(file.clone()).expect("a film");
    let (read, shown) = file.seek(&mut film, MS(300_000));
    assert!(read > size / 2 && shown == MS(300_000), "{read} of {size}: {shown:?}");
    file.there.store(size, Ordering::Relaxed);
    let (read, shown) = file.seek(&mut film, MS(500_000));
    assert!(read < size / 8 && shown == MS(500_000), "{read} of {size}: {shown:?}");
}

#[test]
fn a_file_that_says_wrongly_where_places_are_is_read_to_there() {
    for wrong in [1_u8, 0xfe] {
        let mut file = long();
        let cues = file.windows(4).rposition(|four| four == [0x1c, 0x53, 0xbb, 0x6b]).expect("cues");
        let mut changed = 0;
        // Of each place its track's number, then where its cluster is.
        for at in cues..=file.len() - 8 {
            if file[at..at + 2] == [0xf7, 0x81] && file[at + 3] == 0xf1 {
                let bytes = usize::from(file[at + 4] & 0x7f);
                file[at + 5..at + 5 + bytes].fill(wrong);
                changed += 1;
            }
        }
        assert_eq!(changed, 60);
        let mut film = Film::open(Arc::new(file)).expect("a film");
        film.seek(MS(400_000)).expect("a place");
        assert_eq!(film.next_picture().expect("readable").expect("a picture").time, MS(400_000), "{wrong}");
    }
}
