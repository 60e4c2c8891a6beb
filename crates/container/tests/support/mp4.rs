//! Tracks and blocks that an MP4 may have, and its boxes.

use std::time::Duration;

use container::{Block, Codec, Shape, Track, h264};

/// A sequence parameter set and one of pictures, as a stream has them.
pub const SETS: &[u8] =
    &[0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x80, 0x80, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];

pub fn frame(keyframe: bool, fill: u8) -> Vec<u8> {
    let slice = [&[0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }][..], &[fill; 40]].concat();
    h264::with_lengths(&if keyframe { [SETS, &slice].concat() } else { slice })
}

pub fn avc() -> Track {
    let private = h264::private(h264::units_of_stream(SETS)).expect("parameter sets");
    Track { codec: Codec::H264, shape: Shape::Picture { width: 320, height: 180, rotation: 90 }, private }
}

/// Three seconds of pictures and of sound that begins 100 ms later.
pub fn blocks() -> Vec<Block> {
    let block = |track, ms, keyframe, bytes| Block { track, time: Duration::from_millis(ms), keyframe, rotation: None, bytes };
    let pictures = (0..75).map(|n| block(0, 40 * n, n % 25 == 0, frame(n % 25 == 0, n as u8)));
    let sounds = (0..145).map(|n| block(1, 100 + 20 * n, true, vec![0xfc, n as u8, 1]));
    let mut blocks: Vec<Block> = pictures.chain(sounds).collect();
    blocks.sort_by_key(|block| block.time);
    blocks
}

/// The boxes in some bytes: names, where their insides begin, and these.
pub fn boxes(bytes: &[u8], from: usize) -> Vec<(String, usize, &[u8])> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
        let (size, head) = match number(at) {
            1 => (number(at + 12), 16),
            size => (size, 8),
        };
        let name = String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned();
        found.push((name, from + at + head, &bytes[at + head..at + size]));
        at += size;
    }
    found
}

/// The insides of the box at the end of this way, of the n-th track.
pub fn inside<'a>(file: &'a [u8], track: usize, way: &[&str]) -> &'a [u8] {
    let named = |bytes: &'a [u8], name: &str, n: usize| {
        let mut all = boxes(bytes, 0).into_iter().filter(|(own, ..)| own == name);
        all.nth(n).unwrap_or_else(|| panic!("no {name}")).2
    };
    let mut bytes = named(named(file, "moov", 0), "trak", track);
    for name in way {
        bytes = named(bytes, name, 0);
    }
    bytes
}

/// Numbers of four bytes, without a version and flags.
pub fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes[4..].chunks_exact(4).map(|four| u32::from_be_bytes(four.try_into().expect("four"))).collect()
}

pub fn table(name: &str) -> Vec<&str> {
    vec!["mdia", "minf", "stbl", name]
}

/// The blocks of a track, from where the tables say that they are.
pub fn stored(file: &[u8], track: usize) -> Vec<Vec<u8>> {
    let mut sizes = numbers(inside(file, track, &table("stsz")))[2..].to_vec().into_iter();
    let offsets: Vec<u32> = numbers(inside(file, track, &table("co64")))[1..].chunks(2).map(|both| both[1]).collect();
    let runs = numbers(inside(file, track, &table("stsc")))[1..].to_vec();
    let mut read = Vec::new();
    for (chunk, offset) in (1_u32..).zip(offsets) {
        let of = runs.chunks(3).rfind(|run| run[0] <= chunk).expect("a run")[1];
        let mut at = offset as usize;
        for size in sizes.by_ref().take(of as usize) {
            read.push(file[at..at + size as usize].to_vec());
            at += size as usize;
        }
    }
    assert_eq!(sizes.next(), None);
    read
}
