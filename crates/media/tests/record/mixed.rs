//! The mix and its file.

use std::sync::Arc;
use std::time::Instant;

use container::{Block, Codec, Repair, Repaired, h264};
use media::record::{Form, FromRecorder, MixFile, Subject, ToRecorder};
use room::{Outcome, RecordedCodec, RecordingId, WhyStopped};

use crate::tape::{MS, ROOM, SECOND, SINCE_1970, Tape};

const MIX: RecordingId = RecordingId(9);

/// A key frame of VP8, and another frame.
const VP8: [&[u8]; 2] = [&[0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0, 7], &[0x11, 7]];

fn begin() -> Tape {
    begin_as(MixFile::WebM)
}

fn begin_as(file: MixFile) -> Tape {
    let mut tape = Tape::new();
    tape.tell(ToRecorder::Begin { room: ROOM, recording: MIX, subject: Subject::Mix(file) });
    tape
}

/// The mixer works for a while: sound 50 times a second, pictures 20 times; a key frame where one is asked for.
fn mix(tape: &mut Tape, ms: u64) {
    mix_as(tape, ms, &VP8);
}

/// The same with this key frame and this other one.
fn mix_as(tape: &mut Tape, ms: u64, frames: &[&[u8]; 2]) {
    let mut asked = tape.wishes.len();
    for _ in 0..ms / 20 {
        let shown: Instant = tape.now;
        tape.tell(ToRecorder::Sound { recording: MIX, shown, packet: Arc::from([0xf8, 1]) });
        let since = (shown - tape.start).as_millis();
        if since.is_multiple_of(60) {
            let key = tape.wishes.len() > asked;
            asked = tape.wishes.len();
            let frame = frames[usize::from(!key)];
            let number = (since / 60) as u64;
            tape.tell(ToRecorder::Picture { recording: MIX, number, shown, frame: frame.into() });
        }
        tape.run(20 * MS);
    }
}

#[test]
fn a_mix_is_one_file_of_sound_and_pictures() {
    let mut tape = begin();
    mix(&mut tape, 5_000);
    let outcome = tape.end(MIX);
    let played = tape.play(MIX);
    assert_eq!(
        (tape.files[&MIX].0, outcome.codec, outcome.why),
        (Form::Mix(MixFile::WebM), Some(RecordedCodec::Vp8), WhyStopped::Stopped)
    );
    assert_eq!(played.tracks.len(), 2);
    assert!(
        played.blocks.iter().any(|block| block.track == 0) && played.blocks.iter().find(|b| b.track == 1).expect("one").keyframe
    );
    // It begins with the first picture, which was asked for.
    assert_eq!(tape.wishes[0].1, FromRecorder::Keyframe(ROOM, None));
    assert!(outcome.offset < SINCE_1970 + 200 * MS && outcome.duration > 4_700 * MS, "{outcome:?}");
}

#[test]
fn a_pause_leaves_no_gap() {
    let mut tape = begin();
    mix(&mut tape, 3_000);
    tape.tell(ToRecorder::Pause(MIX, true));
    // What comes all the same is not wanted.
    mix(&mut tape, 10_000);
    tape.tell(ToRecorder::Pause(MIX, false));
    mix(&mut tape, 3_000);
    let outcome = tape.end(MIX);
    assert!(outcome.duration.abs_diff(6 * SECOND) < 200 * MS, "{outcome:?}");
    let played = tape.play(MIX);
    let sounds: Vec<_> = played.blocks.iter().filter(|block| block.track == 0).map(|block| block.time).collect();
    assert!(sounds.windows(2).all(|pair| pair[1] - pair[0] <= 40 * MS), "sound goes on");
    let keys: Vec<_> = played.blocks.iter().filter(|block| block.track == 1 && block.keyframe).map(|block| block.time).collect();
    assert!(keys.len() == 2 && keys[1].abs_diff(3 * SECOND) < 200 * MS, "pictures go on with a key frame: {keys:?}");
    assert!(tape.news.iter().all(|(_, news)| *news != room::RecordNews::Silent(true)), "a pause is no silence");
}

/// The recorder cannot keep up for two seconds, ten times.
fn mix_with_holes(tape: &mut Tape, frames: &[&[u8]; 2]) -> Outcome {
    for _ in 0..10 {
        mix_as(tape, 1_200, frames);
        tape.run(2 * SECOND - 20 * MS);
    }
    mix_as(tape, 1_200, frames);
    tape.end(MIX)
}

#[test]
fn what_was_dropped_puts_no_sound_ahead_of_its_picture() {
    let mut tape = begin();
    let outcome = mix_with_holes(&mut tape, &VP8);
    let played = tape.play(MIX);
    let sounds: Vec<&Block> = played.blocks.iter().filter(|block| block.track == 0).collect();
    // As a browser plays them: one after the other.
    let mut heard = sounds[0].time;
    for sound in &sounds {
        assert!(heard.abs_diff(sound.time) <= 20 * MS, "what belongs to {:?} is heard at {heard:?}", sound.time);
        heard += container::opus::duration(&sound.bytes).expect("a packet");
    }
    assert!(heard.abs_diff(outcome.duration) <= 40 * MS && outcome.duration > 30 * SECOND, "{heard:?} {outcome:?}");
    let sent = sounds.iter().filter(|sound| !container::opus::is_silence(&sound.bytes)).count();
    assert!(sent > 640, "{sent} packets of the mix's own");
}

#[test]
fn pictures_after_a_hole_begin_with_a_key_frame() {
    let mut tape = begin();
    mix_with_holes(&mut tape, &VP8);
    let played = tape.play(MIX);
    let pictures: Vec<&Block> = played.blocks.iter().filter(|block| block.track == 1).collect();
    let holes: Vec<_> = pictures.windows(2).filter(|pair| pair[1].time - pair[0].time > SECOND).collect();
    assert!(holes.len() == 10 && holes.iter().all(|pair| pair[1].keyframe), "{} holes", holes.len());
    assert!(holes.iter().all(|pair| pair[1].time - pair[0].time < 3 * SECOND), "a key frame is asked for at once");
}

#[test]
fn sound_that_was_dropped_is_made_up_for_in_an_mp4() {
    let mut tape = begin_as(MixFile::Mp4);
    let outcome = mix_with_holes(&mut tape, &[KEY, OTHER]);
    assert!(outcome.duration > 30 * SECOND, "{outcome:?}");
    let file = &tape.files[&MIX].1;
    let at = |name: &[u8], from: usize| from + file[from..].windows(4).position(|four| four == name).expect("a box");
    // The sound is the first track of the movie, which comes last.
    let movie = file.windows(4).rposition(|four| four == b"moov").expect("a movie");
    let number = |place: usize| u32::from_be_bytes(file[place..place + 4].try_into().unwrap());
    let steps = at(b"stts", movie) + 8;
    let longest = (0..number(steps) as usize).map(|run| number(steps + 4 + run * 8 + 4)).max();
    // No packet is to last longer than it sounds: 120 ms at most, and what is left over of a gap.
    assert!(longest.is_some_and(|ticks| ticks < 48 * 140), "{longest:?} ticks");
}

#[test]
fn a_mix_that_is_paused_from_the_beginning_has_no_file() {
    let mut tape = begin();
    tape.tell(ToRecorder::Pause(MIX, true));
    mix(&mut tape, 1_000);
    assert_eq!(tape.end(MIX).why, WhyStopped::NoMedia);
}

/// A key frame of H.264 with its parameter sets, and another frame, with start codes.
const KEY: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x80, 0x80, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1,
    0x65, 7,
];
const OTHER: &[u8] = &[0, 0, 0, 1, 0x41, 7];

fn repair(file: &[u8]) -> Option<Repaired> {
    let mut repair = Repair::default();
    repair.push(file);
    repair.finish()
}

#[test]
fn a_mix_may_be_an_mp4_that_grows() {
    let mut tape = begin_as(MixFile::Mp4);
    mix_as(&mut tape, 5_000, &[KEY, OTHER]);
    // Whatever ends the program now: all but the last second is there.
    let growing = repair(&tape.files[&MIX].1).expect("a file");
    assert!(growing.duration > 3_600 * MS, "{growing:?}");
    tape.tell(ToRecorder::Pause(MIX, true));
    mix_as(&mut tape, 2_000, &[KEY, OTHER]);
    tape.tell(ToRecorder::Pause(MIX, false));
    mix_as(&mut tape, 5_000, &[KEY, OTHER]);
    let outcome = tape.end(MIX);
    let (form, file) = &tape.files[&MIX];
    assert_eq!((*form, form.ending()), (Form::Mix(MixFile::Mp4), "mp4"));
    assert_eq!((outcome.codec, outcome.why), (Some(RecordedCodec::H264), WhyStopped::Stopped));
    assert!(outcome.duration.abs_diff(10 * SECOND) < 300 * MS, "{outcome:?}");
    let read = repair(file).expect("a file");
    assert_eq!((read.duration, read.began, read.bytes_after), (outcome.duration, Some(outcome.offset), outcome.bytes));
    assert_eq!(read.tracks.iter().map(|track| track.codec).collect::<Vec<_>>(), [Codec::Opus, Codec::H264]);
    assert_eq!(read.tracks[1].private, h264::private(h264::units_of_stream(KEY)).expect("parameter sets"));
}

#[test]
fn an_mp4_ends_when_it_is_as_long_as_one_may_be() {
    let mut tape = begin_as(MixFile::Mp4);
    mix_as(&mut tape, 3_000, &[KEY, OTHER]);
    tape.now += container::limit::GROWING_TIME_MAX - 6 * SECOND;
    mix_as(&mut tape, 2_000, &[KEY, OTHER]);
    assert_eq!(tape.outcome(MIX), None, "not yet");
    mix_as(&mut tape, 4_000, &[KEY, OTHER]);
    let outcome = tape.outcome(MIX).expect("it ended");
    assert!(outcome.why == WhyStopped::Long && outcome.duration >= container::limit::GROWING_TIME_MAX, "{outcome:?}");
    assert_eq!(repair(&tape.files[&MIX].1).expect("a file").duration, outcome.duration);
}

#[test]
fn a_full_disk_leaves_an_mp4_that_is_played() {
    let mut tape = begin_as(MixFile::Mp4);
    mix_as(&mut tape, 4_000, &[KEY, OTHER]);
    tape.room_for = tape.files[&MIX].1.len();
    mix_as(&mut tape, 4_000, &[KEY, OTHER]);
    let outcome = tape.outcome(MIX).expect("it ended");
    assert_eq!(outcome.why, WhyStopped::Disk);
    assert_eq!(outcome.bytes, tape.room_for as u64);
    let read = repair(&tape.files[&MIX].1).expect("a file");
    assert!(read.duration > 2_600 * MS && read.duration < 4 * SECOND, "{read:?}");
    assert_eq!(outcome.duration, read.duration, "what could not be written is not told");
}
