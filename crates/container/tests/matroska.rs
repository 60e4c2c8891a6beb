//! Files written, read, cut off and repaired, without any other program.

mod support;

use std::time::Duration;

use container::limit::{BLOCK_BYTES_MAX, CLUSTER_TIME_MAX};
use container::matroska::{Event, Repair, Writer, cues_at, cues_bytes};
use container::{Block, Codec, Output, Shape, Track, h264};
use support::{BEGAN, apply, camera, drain, picture, read, scene, sound, vp8};

fn written(tracks: &[Track], blocks: &[Block], finish: Option<bool>) -> Vec<u8> {
    let (mut writer, mut file) = (Writer::new(tracks, BEGAN), Vec::new());
    blocks.iter().for_each(|block| writer.push(block.clone()));
    if let Some(with_cues) = finish {
        writer.finish(with_cues);
    }
    drain(&mut writer, &mut file);
    file
}

/// The bytes of an element's name, somewhere in a file.
fn has(file: &[u8], id: &[u8]) -> bool {
    file.windows(id.len()).any(|bytes| bytes == id)
}

const CUES: [u8; 4] = [0x1c, 0x53, 0xbb, 0x6b];

#[test]
fn what_is_written_is_read() {
    let (tracks, blocks) = scene();
    let file = written(&tracks, &blocks, Some(true));
    for piece in [1, 7, 1_000, usize::MAX] {
        let (read_tracks, read_blocks, reader) = read(&file, piece);
        assert_eq!(read_tracks, tracks);
        assert_eq!(read_blocks, blocks, "in pieces of {piece}");
        assert_eq!(reader.began(), Some(BEGAN));
        assert_eq!(reader.duration(), Some(Duration::from_millis(3_000)));
    }
}

#[test]
fn a_file_can_be_played_before_it_is_finished() {
    let (tracks, blocks) = scene();
    let mut writer = Writer::new(&tracks, BEGAN);
    let mut file = Vec::new();
    for block in &blocks {
        writer.push(block.clone());
        drain(&mut writer, &mut file);
        let (_, there, _) = read(&file, usize::MAX);
        assert_eq!(there, blocks[..there.len()], "no block is missing in between");
        let behind = there.last().map_or(block.time, |last| block.time - last.time);
        assert!(behind <= CLUSTER_TIME_MAX + Duration::from_millis(40), "{behind:?} are not there");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_repaired() {
    let (tracks, blocks) = scene();
    for finish in [None, Some(true), Some(false)] {
        let whole = written(&tracks, &blocks, finish);
        let mut last = 0;
        for bytes in 0..=whole.len() {
            let mut file = whole[..bytes].to_vec();
            let mut repair = Repair::default();
            repair.push(&file);
            let Some(repaired) = repair.finish() else {
                assert_eq!(last, 0, "nothing of {bytes}");
                continue;
            };
            let (duration, began) = (repaired.duration, repaired.began);
            support::repair(&mut file, repaired);
            let (read_tracks, there, reader) = read(&file, 999);
            assert_eq!((&read_tracks, began), (&tracks, Some(BEGAN)));
            assert_eq!(there, blocks[..there.len()]);
            assert!(there.len() >= last, "{bytes} bytes have fewer blocks than one byte less");
            last = there.len();
            assert!(reader.duration() == Some(duration) && !reader.is_over(), "at {bytes}");
            assert_eq!(has(&file, &CUES), there.iter().any(|block| block.track == 1), "at {bytes}");
            let mut again = Repair::default();
            again.push(&file);
            let again = again.finish().expect("it was repaired");
            let before = file.clone();
            support::repair(&mut file, again);
            assert!(file == before, "repairing twice changes nothing");
        }
        assert!(last >= blocks.len() - 75, "{last} of {}", blocks.len());
    }
}

#[test]
fn what_a_second_file_behind_the_first_says_of_places_is_cut_off_with_it() {
    let (tracks, blocks) = scene();
    let first = written(&tracks, &blocks[..100], None);
    let second = written(&tracks, &[], None);
    for bytes in 0..=second.len() {
        let mut file = [&first, &second[..bytes]].concat();
        let mut repair = Repair::default();
        repair.push(&file);
        let repaired = repair.finish().expect("blocks");
        let cut = repaired.bytes;
        for output in repaired.patches.iter().chain(&repaired.outputs) {
            let Output::Patch { at, bytes } = output else { continue };
            assert!(at + bytes.len() as u64 <= cut, "{at} of {cut}");
        }
        let after = repaired.bytes_after;
        support::repair(&mut file, repaired);
        assert_eq!(file.len() as u64, after);
    }
}

#[test]
fn a_finished_file_tells_how_long_it_is_and_where_one_can_jump() {
    let check = |blocks: Vec<Block>, tracks: &[Track], ms: u64, cues: usize| {
        let file = written(tracks, &blocks, Some(true));
        let (_, there, reader) = read(&file, 64);
        assert_eq!((there.len(), reader.duration()), (blocks.len(), Some(Duration::from_millis(ms))));
        let at = file.windows(4).rposition(|bytes| bytes == CUES).expect("cues");
        let points = file[at..].windows(2).filter(|bytes| bytes[0] == 0xbb && bytes[1] & 0x80 != 0).count();
        assert_eq!(points, cues);
    };
    check((0..1_000).map(|n| sound(20 * n)).collect(), &[Track::opus(1)], 20_000, 4);
    let pictures: Vec<Block> = (0..100).map(|n| picture(0, 50 * n, n % 20 == 0)).collect();
    check(pictures.clone(), &[camera()], 5_000, 5);
    // A still picture does not last longer than a second.
    check(vec![picture(0, 0, true), picture(0, 9_000, false)], &[camera()], 10_000, 1);
}

#[test]
fn without_cues_nothing_is_appended_at_the_end() {
    let (tracks, blocks) = scene();
    let mut writer = Writer::new(&tracks, BEGAN);
    blocks.iter().for_each(|block| writer.push(block.clone()));
    let mut file = Vec::new();
    drain(&mut writer, &mut file);
    writer.cut(file.len() as u64);
    writer.finish(false);
    let outputs: Vec<Output> = std::iter::from_fn(|| writer.poll()).collect();
    assert!(outputs.iter().all(|output| matches!(output, Output::Patch { .. })));
    apply(&mut file, outputs);
    let (_, _, reader) = read(&file, 64);
    assert!(reader.duration().is_some() && !has(&file, &CUES));
}

#[test]
fn what_could_not_be_written_is_not_told() {
    let (tracks, blocks) = scene();
    let mut writer = Writer::new(&tracks, BEGAN);
    assert_eq!((writer.cut(10), writer.duration()).1, Duration::ZERO, "nothing was");
    let mut writer = Writer::new(&tracks, BEGAN);
    blocks.iter().for_each(|block| writer.push(block.clone()));
    let mut file = Vec::new();
    drain(&mut writer, &mut file);
    (150..300).for_each(|n| writer.push(sound(20 * n)));
    writer.cut(file.len() as u64);
    writer.finish(false);
    drain(&mut writer, &mut file);
    let (_, there, reader) = read(&file, 64);
    let end = there.iter().map(|block| block.time).max().expect("blocks") + Duration::from_millis(20);
    assert!(writer.duration().abs_diff(end) <= Duration::from_millis(20), "{:?}, not {end:?}", writer.duration());
    assert_eq!(reader.duration(), Some(writer.duration()));
}

#[test]
fn the_largest_picture_gives_the_file_its_size() {
    // Of those that are as large the first: most of the file may be like it.
    let blocks: Vec<Block> = [(320, 180), (1_280, 720), (640, 360), (720, 1_280)]
        .into_iter()
        .zip(0..)
        .map(|((width, height), n)| Block { bytes: vp8(width, height), ..picture(0, 40 * n, true) })
        .collect();
    let mut file = written(&[camera()], &blocks, None);
    let mut repair = Repair::default();
    repair.push(&file);
    support::repair(&mut file, repair.finish().expect("clusters are there"));
    for file in [file, written(&[camera()], &blocks, Some(true))] {
        let (tracks, ..) = read(&file, 64);
        assert_eq!(tracks[0].shape, Shape::Picture { width: 1_280, height: 720, rotation: 0 });
    }
}

#[test]
fn turns_of_the_camera_are_kept() {
    let track = |rotation| Track { shape: Shape::Picture { width: 320, height: 180, rotation }, ..camera() };
    for rotation in [0, 90, 180, 270] {
        let turned = Block { rotation: Some(rotation), ..picture(0, 40, false) };
        let blocks = vec![picture(0, 0, true), turned, Block { rotation: Some(90), ..picture(0, 2_000, true) }];
        let (tracks, there, _) = read(&written(&[track(rotation)], &blocks, Some(true)), 64);
        assert_eq!((tracks, there), (vec![track(rotation)], blocks));
    }
}

#[test]
fn what_comes_out_of_order_is_put_in_order() {
    let blocks = [sound(0), sound(40), picture(1, 20, false), sound(20)];
    let (_, there, _) = read(&written(&[Track::opus(1), camera()], &blocks, Some(true)), 64);
    let times: Vec<u128> = there.iter().map(|block| block.time.as_millis()).collect();
    assert_eq!(times, [0, 20, 20, 40]);
}

#[test]
fn what_is_too_large_or_empty_is_left_out() {
    let huge = Block { bytes: vec![1; BLOCK_BYTES_MAX + 1], ..sound(20) };
    let empty = Block { bytes: Vec::new(), ..sound(40) };
    let (_, there, _) = read(&written(&[Track::opus(1)], &[sound(0), huge, empty, sound(60)], Some(true)), 4_096);
    assert_eq!(there, [sound(0), sound(60)]);
}

#[test]
fn a_better_known_beginning_takes_the_place_of_the_first() {
    let (mut writer, mut file) = (Writer::new(&[Track::opus(1)], Duration::ZERO), Vec::new());
    writer.push(sound(0));
    writer.set_began(BEGAN);
    writer.finish(true);
    drain(&mut writer, &mut file);
    assert_eq!(read(&file, 64).2.began(), Some(BEGAN));
}

#[test]
fn what_is_not_ours_is_read_as_far_as_it_makes_sense() {
    let check = |file: &[u8]| {
        let (tracks, blocks, _) = read(file, 3);
        assert!(tracks.is_empty() && blocks.is_empty());
        let mut repair = Repair::default();
        repair.push(file);
        assert_eq!(repair.finish(), None);
    };
    check(b"");
    check(b"RIFF....WAVE");
    check(&[0; 100]);
    check(&[0x1f, 0x43, 0xb6, 0x75, 0x84, 0xe7, 0x81, 0, 0xa3]);
    // A block before any cluster, and one of a track that is not there.
    check(&[0xa3, 0x85, 0x81, 0, 0, 0x80, 1]);
}

#[test]
fn h264_is_kept_as_files_have_it() {
    let stream = [&[0, 0, 0, 1, 0x67][..], &SPS, &[0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84]].concat();
    let frame = container::h264::with_lengths(&stream);
    let units: Vec<usize> = container::h264::units(&frame).map(<[u8]>::len).collect();
    assert_eq!(units, [1 + SPS.len(), 4, 3]);
    assert!(container::h264::is_keyframe(container::h264::units(&frame)));
    let track = Track::picture(Codec::H264, &frame, 90).expect("it has its parameter sets");
    assert_eq!(track.shape, Shape::Picture { width: 640, height: 360, rotation: 90 });
    assert_eq!(track.private[..6], [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1]);
    assert_eq!(Track::picture(Codec::H264, &frame[4 + 1 + SPS.len()..], 0), None);
}

/// 640x360, constrained baseline, level 3.
const SPS: [u8; 10] = [0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x80, 0x80];

#[test]
fn the_last_picture_tells_when_it_ends() {
    let mut writer = Writer::new(&[camera()], BEGAN);
    let mut file = Vec::new();
    [0, 900, 940].into_iter().for_each(|ms| writer.push(picture(0, ms, ms == 0)));
    writer.finish(false);
    drain(&mut writer, &mut file);
    assert_eq!(writer.duration(), Duration::from_millis(980));
}

#[test]
fn units_are_told_apart_by_lengths_or_by_start_codes() {
    let stream = [&[0, 0, 0, 1, 0x67][..], &SPS, &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84]].concat();
    let frame = h264::with_lengths(&stream);
    let private = h264::private(h264::units(&frame)).expect("parameter sets");
    assert_eq!(h264::with_start_codes(&private, &frame), stream, "it has its own");
    let bare = h264::without_sets(&private, &frame);
    assert_eq!(bare, [0, 0, 0, 3, 0x65, 0x88, 0x84]);
    assert_eq!(h264::with_start_codes(&private, &bare), stream, "they are in the track");
    assert_eq!(h264::with_start_codes(&[1, 2], &bare), [0, 0, 0, 1, 0x65, 0x88, 0x84]);
    for cut in 0..private.len() {
        let _ = h264::with_start_codes(&private[..cut], &bare);
    }
}

#[test]
fn cues_lead_to_where_they_say() {
    let (tracks, blocks) = scene();
    let (mut writer, mut file) = (Writer::new(&tracks, BEGAN), Vec::new());
    blocks.into_iter().for_each(|block| writer.push(block));
    writer.finish(true);
    drain(&mut writer, &mut file);
    let at = cues_at(&file[..4_096.min(file.len())]).expect("they are there") as usize;
    let size = cues_bytes(&file[at..]).expect("they are") as usize;
    assert_eq!(at + size, file.len());
    let (_, blocks, mut reader) = read(&file, 1_000);
    let cues = reader.cues(&file[at..]);
    let keys: Vec<Duration> = blocks.iter().filter(|block| block.track == 1 && block.keyframe).map(|block| block.time).collect();
    assert_eq!(cues.iter().map(|cue| cue.time).collect::<Vec<_>>(), keys);
    for cue in cues {
        reader.go_to(cue.at);
        reader.push(&file[cue.at as usize..]);
        let found = std::iter::from_fn(|| reader.poll()).find_map(|event| match event {
            Event::Block(block) if block.track == cue.track => Some((block.time, block.keyframe)),
            _ => None,
        });
        assert_eq!(found, Some((cue.time, true)));
    }
    assert_eq!((cues_at(&file[..20]), cues_at(b"\0\0\0\x24ftypisom"), cues_bytes(&file)), (None, None, None));
    assert!(reader.cues(&file[at..file.len() - 1]).is_empty() && reader.cues(b"").is_empty());
}
