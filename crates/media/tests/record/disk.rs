//! Disks that are full or slow.

use media::codec::Codec;
use media::limit::{RECORD_OVERLOAD_TIME, RECORD_SPACE_BEGIN_BYTES, RECORD_SPACE_LEAST_BYTES};
use room::{Kind, RecordingId, WhyStopped};

use crate::tape::{PICTURES, SECOND, SOUND, Stream, Tape};

fn why(tape: &Tape, recording: RecordingId) -> Option<WhyStopped> {
    tape.outcome(recording).map(|outcome| outcome.why)
}

#[test]
fn a_full_disk_ends_a_recording_and_what_is_there_can_be_played() {
    for room_for in [0, 10, 200, 700, 3_000, 5_000] {
        let mut tape = Tape::of_both();
        tape.room_for = room_for;
        let stream = Stream::new(&tape, Codec::Opus);
        (0..1_000).for_each(|n| tape.push(SOUND, stream.sound(n)));
        let outcome = tape.outcome(SOUND).expect("it ended");
        assert_eq!(outcome.why, WhyStopped::Disk);
        assert!(outcome.bytes <= room_for as u64);
        if room_for > 3_000 {
            let played = tape.play(SOUND);
            assert!(played.blocks.len() > 100 && played.duration == Some(outcome.duration), "{room_for}");
        }
    }
}

#[test]
fn a_disk_that_is_full_at_the_very_end_does_not_cost_what_is_there() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..1_000).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.room_for = tape.files[&SOUND].1.len();
    assert_eq!(tape.end(SOUND).why, WhyStopped::Disk);
    assert!(tape.play(SOUND).blocks.len() > 900);
}

#[test]
fn without_space_nothing_begins_and_in_the_end_nothing_goes_on() {
    let mut tape = Tape::new();
    tape.recorder.handle_free(tape.now, RECORD_SPACE_BEGIN_BYTES);
    tape.begin(SOUND, Kind::Audio);
    let stream = Stream::new(&tape, Codec::Opus);
    (0..100).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.recorder.handle_free(tape.now, RECORD_SPACE_BEGIN_BYTES - 1);
    tape.begin(PICTURES, Kind::Video);
    assert_eq!((why(&tape, SOUND), why(&tape, PICTURES)), (None, Some(WhyStopped::Disk)));
    (100..200).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.recorder.handle_free(tape.now, RECORD_SPACE_LEAST_BYTES - 1);
    tape.carry_out();
    assert_eq!(why(&tape, SOUND), Some(WhyStopped::Disk));
    assert_eq!(tape.outcome(SOUND).expect("it ended").duration, 4 * SECOND);
}

#[test]
fn a_slow_disk_ends_the_youngest_recordings_until_the_rest_can_be_written() {
    let mut tape = Tape::new();
    let all: Vec<RecordingId> = (10..15).map(RecordingId).collect();
    for recording in &all {
        tape.begin(*recording, if recording.0 % 2 == 0 { Kind::Video } else { Kind::Audio });
    }
    let mut dropped = 0;
    let mut drop_for = |tape: &mut Tape, seconds: u32| {
        for _ in 0..seconds {
            dropped += 7;
            tape.recorder.handle_dropped(tape.now, dropped);
            tape.run(SECOND);
        }
    };
    drop_for(&mut tape, RECORD_OVERLOAD_TIME.as_secs() as u32 - 1);
    assert!(all.iter().all(|recording| why(&tape, *recording).is_none()), "a moment is no overload");
    tape.run(5 * SECOND);
    drop_for(&mut tape, RECORD_OVERLOAD_TIME.as_secs() as u32 - 1);
    assert!(all.iter().all(|recording| why(&tape, *recording).is_none()), "two moments are none either");
    drop_for(&mut tape, 2);
    let ended = |tape: &Tape| -> Vec<u128> { all.iter().filter(|one| why(tape, **one).is_some()).map(|one| one.0).collect() };
    assert_eq!(ended(&tape), [12, 14]);
    drop_for(&mut tape, 1);
    assert_eq!(ended(&tape), [10, 12, 14]);
    tape.run(30 * SECOND);
    assert_eq!(ended(&tape), [10, 12, 14], "sound goes on");
}
