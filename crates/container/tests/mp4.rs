//! MP4 as its boxes are: what is where, and that it is so.

mod support;

use std::time::Duration;

use container::mp4::Writer;
use container::{Block, Output, Track, h264};
use support::mp4::{avc, blocks, boxes, frame, inside, numbers, stored, table};
use support::{BEGAN, apply, camera};

fn written(blocks_expected: u64) -> Vec<u8> {
    let mut writer =
        Writer::new(&[avc(), Track::opus(2)], BEGAN, blocks_expected, Duration::from_secs(blocks_expected / 75)).expect("tracks");
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
        let read = stored(&file, track);
        // The parameter sets are in the track, and not in the pictures.
        let private = avc().private;
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
    let mut writer = Writer::new(&[avc()], BEGAN, 10, Duration::from_secs(4)).expect("a track");
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
    assert!(Writer::new(&[avc(), camera()], BEGAN, 1, Duration::ZERO).is_none());
}

#[test]
fn nothing_at_all_is_a_file() {
    let mut writer = Writer::new(&[avc(), Track::opus(2)], BEGAN, 0, Duration::ZERO).expect("tracks");
    writer.push(Block { track: 7, time: Duration::ZERO, keyframe: true, rotation: None, bytes: vec![1] });
    writer.push(Block { track: 1, time: Duration::ZERO, keyframe: true, rotation: None, bytes: Vec::new() });
    writer.finish();
    let mut file = Vec::new();
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    assert_eq!(boxes(&file, 0).len(), 4);
    assert_eq!(writer.poll(), None::<Output>);
}
