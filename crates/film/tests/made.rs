//! Files that are made here: what is decoded where.

use std::sync::Arc;
use std::time::Duration;

use container::matroska::Writer;
use container::{Block, Codec, Output, Track};
use film::{Film, RATE_HZ};
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn open(tracks: &[Track], blocks: Vec<Block>) -> Film {
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
    Film::open(Arc::new(file)).expect("a film")
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
