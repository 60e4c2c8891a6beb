//! A file in memory, and blocks to put into it.

#![allow(dead_code)]

pub mod mp4;

use std::time::Duration;

use container::matroska::{Event, Reader, Writer};
use container::{Block, Codec, Output, Repaired, Shape, Track};

/// Does what is to be done with a file.
pub fn apply(file: &mut Vec<u8>, outputs: impl IntoIterator<Item = Output>) {
    for output in outputs {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => {
                let at = usize::try_from(at).expect("in memory");
                file[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }
}

pub fn repair(file: &mut Vec<u8>, repaired: Repaired) {
    file.truncate(usize::try_from(repaired.bytes).expect("in memory"));
    apply(file, repaired.outputs);
    assert_eq!(file.len() as u64, repaired.bytes_after);
}

/// All of a writer's work so far.
pub fn drain(writer: &mut Writer, file: &mut Vec<u8>) {
    apply(file, std::iter::from_fn(|| writer.poll()));
    assert!(file.len() as u64 >= writer.bytes(), "{} of {}", file.len(), writer.bytes());
}

/// What is in a file, given to the reader in pieces of that size.
pub fn read(file: &[u8], piece: usize) -> (Vec<Track>, Vec<Block>, Reader) {
    let (mut tracks, mut blocks, mut reader) = (Vec::new(), Vec::new(), Reader::default());
    for piece in file.chunks(piece) {
        reader.push(piece);
        while let Some(event) = reader.poll() {
            match event {
                Event::Tracks(read) => tracks = read,
                Event::Block(block) => blocks.push(block),
            }
        }
    }
    (tracks, blocks, reader)
}

pub const BEGAN: Duration = Duration::from_millis(1_795_305_600_123);

/// The beginning of a key frame of VP8 of that size.
pub fn vp8(width: u16, height: u16) -> Vec<u8> {
    [&[0x10, 0, 0, 0x9d, 1, 0x2a][..], &width.to_le_bytes(), &height.to_le_bytes(), &[7; 30]].concat()
}

pub fn sound(ms: u64) -> Block {
    Block { track: 0, time: Duration::from_millis(ms), keyframe: true, rotation: None, bytes: vec![0xfc, ms as u8, 1] }
}

pub fn picture(track: usize, ms: u64, keyframe: bool) -> Block {
    let bytes = if keyframe { vp8(320, 180) } else { vec![0x11, ms as u8] };
    Block { track, time: Duration::from_millis(ms), keyframe, rotation: None, bytes }
}

pub fn camera() -> Track {
    Track { codec: Codec::Vp8, shape: Shape::Picture { width: 320, height: 180, rotation: 0 }, private: Vec::new() }
}

/// Three seconds of sound and pictures, in the order of their times.
pub fn scene() -> (Vec<Track>, Vec<Block>) {
    let sounds = (0..150).map(|n| sound(20 * n));
    let pictures = (0..75).map(|n| picture(1, 40 * n, n % 40 == 0));
    let mut blocks: Vec<Block> = sounds.chain(pictures).collect();
    blocks.sort_by_key(|block| block.time);
    (vec![Track::opus(2), camera()], blocks)
}
