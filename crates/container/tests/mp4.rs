//! MP4 as its boxes are: what is where, and that it is so.

mod support;

use std::time::Duration;

use container::mp4::Writer;
use container::{Block, Codec, Output, Shape, Track, h264};
use support::{BEGAN, apply, camera};

/// A sequence parameter set and one of pictures, as a stream has them.
const SETS: &[u8] =
    &[0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x80, 0x80, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];

fn frame(keyframe: bool, fill: u8) -> Vec<u8> {
    let slice = [&[0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }][..], &[fill; 40]].concat();
    h264::with_lengths(&if keyframe { [SETS, &slice].concat() } else { slice })
}

fn pictures() -> Track {
    let private = h264::private(h264::units_of_stream(SETS)).expect("parameter sets");
    Track { codec: Codec::H264, shape: Shape::Picture { width: 320, height: 180, rotation: 90 }, private }
}

/// Three seconds of pictures and of sound that begins 100 ms later.
fn blocks() -> Vec<Block> {
    let block = |track, ms, keyframe, bytes| Block { track, time: Duration::from_millis(ms), keyframe, rotation: None, bytes };
    let pictures = (0..75).map(|n| block(0, 40 * n, n % 25 == 0, frame(n % 25 == 0, n as u8)));
    let sounds = (0..145).map(|n| block(1, 100 + 20 * n, true, vec![0xfc, n as u8, 1]));
    let mut blocks: Vec<Block> = pictures.chain(sounds).collect();
    blocks.sort_by_key(|block| block.time);
    blocks
}

fn written(blocks_expected: u64) -> Vec<u8> {
    let mut writer =
        Writer::new(&[pictures(), Track::opus(2)], BEGAN, blocks_expected, Duration::from_secs(blocks_expected / 75))
            .expect("tracks");
    let mut file = Vec::new();
    for block in blocks() {
        writer.push(block);
        apply(&mut file, std::iter::from_fn(|| writer.poll()));
    }
    writer.finish();
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    assert_eq!(file.len() as u64, writer.bytes());
    file
}

/// The boxes in some bytes: names, where their insides begin, and these.
fn boxes(bytes: &[u8], from: usize) -> Vec<(String, usize, &[u8])> {
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
fn inside<'a>(file: &'a [u8], track: usize, way: &[&str]) -> &'a [u8] {
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
fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes[4..].chunks_exact(4).map(|four| u32::from_be_bytes(four.try_into().expect("four"))).collect()
}

fn table(name: &str) -> Vec<&str> {
    vec!["mdia", "minf", "stbl", name]
}

#[test]
fn what_players_must_know_comes_first_if_there_is_room() {
    let names = |expected| boxes(&written(expected), 0).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    assert_eq!(names(225), ["ftyp", "moov", "free", "mdat"]);
    // Nobody expects that a film of nothing is three seconds long: there is some room anyway.
    assert_eq!(names(0), ["ftyp", "moov", "free", "mdat"]);
    let mut writer = Writer::new(&[Track::opus(1)], BEGAN, 0, Duration::ZERO).expect("a track");
    let mut file = Vec::new();
    for n in 0..3_000 {
        let block = Block { track: 0, time: Duration::from_millis(20 * n), keyframe: true, rotation: None, bytes: vec![0xfc; 3] };
        writer.push(block);
    }
    writer.finish();
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    assert_eq!(boxes(&file, 0).iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["ftyp", "free", "mdat", "moov"]);
    assert_eq!(numbers(inside(&file, 0, &table("stsz")))[..2], [0, 3_000]);
}

#[test]
fn every_block_is_where_the_tables_say() {
    let file = written(225);
    let expected: Vec<Block> = blocks();
    for track in 0..2 {
        let sizes = numbers(inside(&file, track, &table("stsz")))[2..].to_vec();
        let offsets: Vec<u32> = numbers(inside(&file, track, &table("co64")))[1..].chunks(2).map(|both| both[1]).collect();
        let runs = numbers(inside(&file, track, &table("stsc")))[1..].to_vec();
        let mut read = Vec::new();
        let mut sizes = sizes.into_iter();
        for (chunk, offset) in (1_u32..).zip(offsets) {
            let of = runs.chunks(3).rfind(|run| run[0] <= chunk).expect("a run")[1];
            let mut at = offset as usize;
            for size in sizes.by_ref().take(of as usize) {
                read.push(file[at..at + size as usize].to_vec());
                at += size as usize;
            }
        }
        assert_eq!(sizes.next(), None);
        // The parameter sets are in the track, and not in the pictures.
        let private = pictures().private;
        let mine = expected.iter().filter(|block| block.track == track).map(|block| match track {
            0 => h264::without_sets(&private, &block.bytes),
            _ => block.bytes.clone(),
        });
        assert_eq!(read, mine.collect::<Vec<_>>());
    }
    assert_eq!(numbers(inside(&file, 0, &table("stss"))), [3, 1, 26, 51]);
}

#[test]
fn times_and_edits_are_told() {
    let file = written(225);
    assert_eq!(numbers(inside(&file, 0, &table("stts"))), [1, 75, 3_600]);
    assert_eq!(numbers(inside(&file, 1, &table("stts"))), [1, 145, 960]);
    // One edit: 3 s from the beginning.
    assert_eq!(numbers(inside(&file, 0, &["edts", "elst"])), [1, 0, 3_000, 0, 0, 0x1_0000]);
    // Nothing for 100 ms, then all but the first 312 samples.
    let sound = numbers(inside(&file, 1, &["edts", "elst"]));
    assert_eq!(sound, [2, 0, 100, u32::MAX, u32::MAX, 0x1_0000, 0, 2_893, 0, 312, 0x1_0000]);
    // Turned by 90 degrees.
    let header = numbers(inside(&file, 0, &["tkhd"]));
    assert_eq!(header[header.len() - 11..], [0, 0x1_0000, 0, 0xffff_0000, 0, 0, 0, 0, 0x4000_0000, 320 << 16, 180 << 16]);
}

#[test]
fn pauses_are_runs() {
    let mut writer = Writer::new(&[pictures()], BEGAN, 10, Duration::from_secs(4)).expect("a track");
    let mut file = Vec::new();
    for ms in [0, 40, 80, 1_080, 2_080, 2_120] {
        let block =
            Block { track: 0, time: Duration::from_millis(ms), keyframe: ms == 0, rotation: None, bytes: frame(ms == 0, 7) };
        writer.push(block);
    }
    writer.finish();
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    assert_eq!(numbers(inside(&file, 0, &table("stts"))), [3, 2, 3_600, 2, 90_000, 2, 3_600]);
}

#[test]
fn other_codecs_are_refused() {
    assert!(Writer::new(&[camera()], BEGAN, 1, Duration::ZERO).is_none());
    assert!(Writer::new(&[pictures(), camera()], BEGAN, 1, Duration::ZERO).is_none());
}

#[test]
fn nothing_at_all_is_a_file() {
    let mut writer = Writer::new(&[pictures(), Track::opus(2)], BEGAN, 0, Duration::ZERO).expect("tracks");
    writer.push(Block { track: 7, time: Duration::ZERO, keyframe: true, rotation: None, bytes: vec![1] });
    writer.push(Block { track: 1, time: Duration::ZERO, keyframe: true, rotation: None, bytes: Vec::new() });
    writer.finish();
    let mut file = Vec::new();
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    assert_eq!(boxes(&file, 0).len(), 4);
    assert_eq!(writer.poll(), None::<Output>);
}
