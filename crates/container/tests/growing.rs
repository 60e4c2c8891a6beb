//! MP4 files that grow: whatever moment they end at, what is whole of them is there.

mod support;

use std::time::Duration;

use container::mp4::{Growing, is_begun};
use container::{Block, Output, Repair, Repaired, Track, h264};
use support::mp4::{avc, blocks, boxes, inside, numbers, stored, table};
use support::{BEGAN, apply, camera};

fn tracks() -> [Track; 2] {
    [avc(), Track::opus(2)]
}

fn drain(writer: &mut Growing, file: &mut Vec<u8>) {
    apply(file, std::iter::from_fn(|| writer.poll()));
}

/// A file that was not ended, and its writer.
fn growing() -> (Growing, Vec<u8>) {
    let (mut writer, mut file) = (Growing::new(&tracks(), BEGAN).expect("tracks"), Vec::new());
    for block in blocks() {
        writer.push(block);
        drain(&mut writer, &mut file);
        assert_eq!(file.len() as u64, writer.bytes());
    }
    (writer, file)
}

fn finished() -> Vec<u8> {
    let (mut writer, mut file) = growing();
    writer.finish(true);
    drain(&mut writer, &mut file);
    assert_eq!((file.len() as u64, writer.duration()), (writer.bytes(), Duration::from_secs(3)));
    file
}

/// What the blocks of a track are in a file: without the parameter sets that the track has.
fn expected(track: usize) -> Vec<Vec<u8>> {
    let private = avc().private;
    let bare = |block: Block| if track == 0 { h264::without_sets(&private, &block.bytes) } else { block.bytes };
    blocks().into_iter().filter(|block| block.track == track).map(bare).collect()
}

fn repair(file: &[u8]) -> Option<Repaired> {
    let mut repair = Repair::default();
    file.chunks(7).for_each(|piece| repair.push(piece));
    repair.finish()
}

fn names(file: &[u8]) -> Vec<String> {
    boxes(file, 0).into_iter().map(|(name, ..)| name).collect()
}

#[test]
fn a_file_is_in_fragments_and_at_its_end_an_ordinary_one() {
    let (_, file) = growing();
    assert!(is_begun(&file));
    // Three seconds, of which the last one waits for what comes after it; each begins with a key frame.
    assert_eq!(names(&file), ["ftyp", "free", "moov", "prft", "moof", "mdat", "moof", "mdat"]);
    let file = finished();
    assert_eq!(names(&file), ["ftyp", "mdat", "moov"]);
    for track in [0, 1] {
        assert!(stored(&file, track) == expected(track), "track {track}");
    }
    assert_eq!(numbers(inside(&file, 0, &table("stss"))), [3, 1, 26, 51]);
    assert_eq!(numbers(inside(&file, 0, &table("stts"))), [1, 75, 3_600]);
    // The sound begins 100 ms later, and 312 samples of it are not heard.
    assert_eq!(numbers(inside(&file, 1, &["edts", "elst"]))[1..5], [0, 100, u32::MAX, u32::MAX]);
}

#[test]
fn wherever_it_ends_what_is_whole_of_it_is_kept() {
    let (_, file) = growing();
    let whole = finished();
    let first = file.len() - boxes(&file, 0)[6..].iter().map(|(.., bytes)| bytes.len() + 8).sum::<usize>();
    for end in (0..=file.len()).step_by(11).chain([first - 1, first, file.len()]) {
        let mut cut = file[..end].to_vec();
        let Some(repaired) = repair(&cut) else {
            assert!(end < first, "{end} of {first}");
            continue;
        };
        assert!(end >= first);
        assert_eq!((repaired.began, repaired.tracks.clone()), (Some(BEGAN), tracks().to_vec()));
        let seconds = if end < file.len() { 1 } else { 2 };
        // Sound goes on a little beyond the last picture that it came before.
        assert!(repaired.duration.abs_diff(Duration::from_secs(seconds)) <= Duration::from_millis(40), "{:?}", repaired.duration);
        let duration = repaired.duration;
        support::repair(&mut cut, repaired);
        for track in [0, 1] {
            let there = stored(&cut, track);
            assert!(there.len() >= 20 * seconds as usize && expected(track).starts_with(&there), "{end}: track {track}");
        }
        // It is finished now, and stays so.
        let again = repair(&cut).expect("a file");
        assert_eq!((again.bytes_after, again.duration), (cut.len() as u64, duration));
    }
    let looked = repair(&whole).expect("a file");
    assert_eq!((looked.duration, looked.bytes_after), (Duration::from_secs(3), whole.len() as u64));
}

#[test]
fn a_full_disk_leaves_fragments_that_say_how_long_they_are() {
    let (mut writer, mut file) = growing();
    let there = repair(&file).expect("a file").duration;
    // What is to be done at the end cannot be: its end does not fit.
    writer.finish(true);
    writer.cut(file.len() as u64);
    writer.finish(false);
    let before = file.len();
    drain(&mut writer, &mut file);
    assert_eq!((file.len(), names(&file)[1].as_str()), (before, "free"));
    let moov = boxes(&file, 0).into_iter().find(|(name, ..)| name == "moov").expect("one").2;
    let mvex = boxes(moov, 0).into_iter().find(|(name, ..)| name == "mvex").expect("one").2;
    assert_eq!(numbers(boxes(mvex, 0)[0].2), [0, there.as_millis() as u32]);
    assert!(writer.duration() == there && there < Duration::from_secs(3), "what could not be written is not told");
    // The same of a file of which the finishing was broken off after the place was used.
    let mut done = finished();
    let repaired = repair(&done).expect("a file");
    done.truncate(repaired.bytes as usize);
    apply(&mut done, repaired.patches);
    assert_eq!(names(&done)[..3], ["ftyp", "free", "moov"]);
    assert_eq!(repair(&done).map(|repaired| repaired.duration), Some(Duration::from_secs(3)));
}

#[test]
fn what_was_not_told_or_makes_no_sense_ends_a_file() {
    let (_, file) = growing();
    assert!(Growing::new(&[camera()], BEGAN).is_none());
    let second = boxes(&file, 0)[6].1 - 8;
    let damaged = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        repair(&file).map(|repaired| repaired.bytes)
    };
    assert_eq!(damaged(second, &[0, 0, 0, 7]), Some(second as u64), "no size of a box");
    assert_eq!(damaged(second + 4, b"what"), Some(second as u64));
    assert_eq!(damaged(second, &[0xff; 4]), Some(second as u64), "no fragment is that large");
    // Where the data of its first track is: before the fragment itself.
    let offset = second + 8 + 16 + 8 + 16 + 20 + 16;
    assert_eq!(damaged(offset, &[0, 0, 0, 9]), Some(second as u64));
    assert_eq!(damaged(offset, &[0, 9, 0, 0]), Some(second as u64), "behind all data");
    assert_eq!(damaged(0, &[0, 0, 0, 0x20]), None);
    assert_eq!(damaged(40, b"skip"), None, "no place where one must be");
    assert!(repair(b"").is_none());
}

#[test]
fn blocks_that_are_too_large_or_of_no_track_are_left_out() {
    let mut writer = Growing::new(&tracks(), BEGAN).expect("tracks");
    let mut file = Vec::new();
    let block = |track, bytes| Block { track, time: Duration::ZERO, keyframe: true, rotation: None, bytes };
    writer.push(block(2, vec![1]));
    writer.push(block(1, vec![0xfc; container::limit::BLOCK_BYTES_MAX + 1]));
    writer.push(block(1, Vec::new()));
    writer.finish(true);
    let outputs: Vec<Output> = std::iter::from_fn(|| writer.poll()).collect();
    apply(&mut file, outputs);
    assert_eq!(names(&file), ["ftyp", "mdat", "moov"]);
    assert!(repair(&file).is_none(), "nothing is in it");
}
