//! One track and its file.

use std::time::Duration;

use container::opus::{duration, is_silence};
use container::{Codec as Written, Shape};
use media::codec::Codec;
use media::limit::{RECORD_FILL_WAIT, RECORD_KEYFRAME_GAP, RECORD_SILENCE};
use media::record::{Form, FromRecorder};
use room::{Kind, RecordNews, RecordedCodec, TrackId, WhyStopped};

use crate::tape::{MS, PICTURES, Played, ROOM, SECOND, SINCE_1970, SOUND, Stream, Tape};

#[test]
fn sound_is_written_as_it_came() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..250).for_each(|n| tape.push(SOUND, stream.sound(n)));
    let outcome = tape.end(SOUND);
    assert_eq!((outcome.duration, outcome.why, outcome.codec), (5 * SECOND, WhyStopped::Stopped, Some(RecordedCodec::Opus)));
    // The shortest way is all that anybody knows of the line.
    assert_eq!(outcome.offset, SINCE_1970 + 30 * MS);
    let played = tape.play(SOUND);
    assert_eq!((played.began, played.duration), (Some(outcome.offset), Some(5 * SECOND)));
    assert!(played.blocks.iter().zip(0..).all(|(block, n)| block.bytes == [0xfc, n as u8] && block.time == n * 20 * MS));
    assert_eq!((played.blocks.len(), tape.files[&SOUND].0), (250, Form::Sound));
    let began = RecordNews::Began { codec: RecordedCodec::Opus, offset: outcome.offset };
    assert_eq!(tape.news[0], (SOUND, began));
}

#[test]
fn sound_that_comes_out_of_order_twice_or_never_stands_where_it_belongs() {
    let check = |order: &[u64], expected: &[u64]| {
        let mut tape = Tape::of_both();
        let stream = Stream::new(&tape, Codec::Opus);
        for (n, place) in order.iter().zip(0..) {
            let mut packet = stream.sound(*n);
            packet.arrival = tape.start + place * 20 * MS + 500 * MS;
            tape.push(SOUND, packet);
        }
        tape.end(SOUND);
        assert_eq!(tape.times(SOUND), expected.iter().map(|n| 20 * n).collect::<Vec<_>>(), "{order:?}");
    };
    check(&[0, 1, 2, 3], &[0, 1, 2, 3]);
    check(&[0, 2, 1, 3, 3, 1], &[0, 1, 2, 3]);
    check(&[0, 2, 3, 4], &[0, 2, 3, 4]);
    // Too late: it is not waited for so long.
    check(&[0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1], &[0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn silence_that_is_not_sent_is_in_the_file() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    let sent: Vec<u64> = (0..50).chain([70, 90, 110]).chain(120..170).collect();
    for (n, seq) in sent.iter().zip(0..) {
        tape.push(SOUND, media::tap::Packet { seq: stream.seq + seq, ..stream.sound(*n) });
    }
    tape.end(SOUND);
    let played = tape.play(SOUND);
    assert_unbroken(&played, 20 * MS);
    // What was said stands where it stood.
    assert_eq!(tape.times(SOUND), sent.iter().map(|n| 20 * n).collect::<Vec<_>>());
}

#[test]
fn sound_that_is_missing_for_long_is_filled_while_time_passes() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..100).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.run(40 * SECOND);
    let grown = tape.play(SOUND).blocks.last().map(|block| block.time).expect("blocks");
    // A second is in a cluster that has not ended.
    assert!(grown + RECORD_FILL_WAIT + 2 * SECOND >= 42 * SECOND && grown + RECORD_FILL_WAIT <= 42 * SECOND, "{grown:?}");
    (2_200..2_300).for_each(|n| tape.push(SOUND, stream.sound(n)));
    assert_eq!(tape.end(SOUND).duration, 46 * SECOND);
    assert_unbroken(&tape.play(SOUND), 20 * MS);
}

#[test]
fn what_comes_later_than_the_silence_in_its_place_is_left_out() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..100).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.run(20 * SECOND);
    // All that was said meanwhile comes at once, as after a line that stood still.
    for n in 100..1_100 {
        tape.push(SOUND, media::tap::Packet { arrival: tape.now, ..stream.sound(n) });
    }
    assert_eq!(tape.end(SOUND).duration, 22 * SECOND);
    let played = tape.play(SOUND);
    assert_unbroken(&played, 20 * MS);
    let silent = played.blocks.iter().filter(|block| is_silence(&block.bytes)).count() as u32 * 120 * MS;
    assert!((14 * SECOND..16 * SECOND).contains(&silent), "{silent:?}");
}

/// A laptop that slept counts on as if nothing had been.
#[test]
fn a_clock_that_stood_still_costs_its_moment_and_no_more() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..1_000).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.run(60 * SECOND);
    let awake = tape.now;
    for n in 1_000..2_500 {
        let arrival = awake + (n as u32 - 1_000) * 20 * MS;
        tape.push(SOUND, media::tap::Packet { arrival, report: None, ..stream.sound(n) });
    }
    let length = tape.end(SOUND).duration;
    assert!((108 * SECOND..112 * SECOND).contains(&length), "{length:?}");
    let played = tape.play(SOUND);
    assert_unbroken(&played, 40 * MS);
    let heard = played.blocks.iter().filter(|block| !is_silence(&block.bytes)).count();
    assert!(heard > 2_500 - 150, "{heard} of 2,500");
}

#[test]
fn many_gaps_do_not_add_up() {
    let mut tape = Tape::of_both();
    let stream = Stream { fast: 200, ..Stream::new(&tape, Codec::Opus) };
    // A publisher whose clock goes wrong says something four times a second, and 7 ms beside the frames of before each time.
    let made = |n: u64| (n / 4 * 2_000 + n % 4 * 487) as u32 * MS / 2;
    (0..2_000).for_each(|n| tape.push(SOUND, stream.packet(n, made(n), &[0xfc, n as u8])));
    tape.end(SOUND);
    assert_unbroken(&tape.play(SOUND), 40 * MS);
}

/// Whoever plays one packet after the other hears each no more than so much beside its time.
fn assert_unbroken(played: &Played, near: Duration) {
    let mut end = Duration::ZERO;
    for block in &played.blocks {
        assert!(block.time.abs_diff(end) < near, "at {:?} by its time, {end:?} when played", block.time);
        end += duration(&block.bytes).expect("a packet");
    }
}

#[test]
fn pictures_begin_with_a_key_frame_and_go_on_at_one_after_a_hole() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Vp8);
    let key = FromRecorder::Keyframe(ROOM, Some(TrackId(PICTURES.0)));
    for n in (3..100).filter(|n| *n != 33) {
        tape.push(PICTURES, stream.picture(n, 20));
    }
    let outcome = tape.end(PICTURES);
    let played = tape.play(PICTURES);
    assert_eq!(played.tracks[0].codec, Written::Vp8);
    assert_eq!(played.tracks[0].shape, Shape::Picture { width: 320, height: 180, rotation: 0 });
    let expected: Vec<u64> = (20..33).chain(40..100).map(|n| (n - 20) * 40).collect();
    assert_eq!(tape.times(PICTURES), expected);
    assert!(played.blocks.iter().all(|block| block.keyframe == (block.time.as_millis() % 800 == 0)));
    assert_eq!((outcome.offset, outcome.duration), (SINCE_1970 + 830 * MS, 3_200 * MS));
    let lost = tape.start + 33 * 40 * MS;
    let asked = |wishes: &[_], from, to| wishes.iter().any(|(at, wish)| *wish == key && (from..to).contains(at));
    assert!(asked(&tape.wishes, tape.start, tape.start + SECOND) && asked(&tape.wishes, lost, lost + 300 * MS));
}

#[test]
fn pictures_that_come_out_of_order_are_all_there() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Vp8);
    for n in [0, 1, 3, 4, 2, 5, 7, 6, 8] {
        let arrival = tape.now + 10 * MS;
        tape.push(PICTURES, media::tap::Packet { arrival, ..stream.picture(n, 20) });
    }
    tape.end(PICTURES);
    assert_eq!(tape.times(PICTURES), (0..9).map(|n| 40 * n).collect::<Vec<_>>());
}

#[test]
fn there_is_a_key_frame_to_jump_to_every_few_seconds() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Vp8);
    let (mut key, mut wishes) = (0, 0);
    for n in 0..2_500 {
        // Who is asked sends one.
        if tape.wishes.len() > wishes {
            (key, wishes) = (n, tape.wishes.len());
        }
        let picture = if n == key { stream.picture(0, 1) } else { stream.picture(1, 9) };
        tape.push(PICTURES, media::tap::Packet { payload: picture.payload, ..stream.picture(n, 9) });
    }
    tape.end(PICTURES);
    let keys: Vec<Duration> = tape.play(PICTURES).blocks.iter().filter(|block| block.keyframe).map(|block| block.time).collect();
    assert_eq!(keys.len(), 10);
    assert!(keys.windows(2).all(|pair| pair[1] - pair[0] < RECORD_KEYFRAME_GAP + SECOND), "{keys:?}");
}

#[test]
fn turns_of_the_camera_are_kept() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Vp8);
    for n in 0..100 {
        let rotation = if n < 30 { 90 } else { 0 };
        tape.push(PICTURES, media::tap::Packet { rotation: Some(rotation), ..stream.picture(n, 20) });
    }
    tape.end(PICTURES);
    let played = tape.play(PICTURES);
    assert_eq!(played.tracks[0].shape, Shape::Picture { width: 320, height: 180, rotation: 90 });
    let turns: Vec<_> = played.blocks.iter().zip(0..).filter_map(|(block, n)| Some((n, block.rotation?))).collect();
    assert_eq!(turns, [(20, 90), (30, 0)]);
}

#[test]
fn h264_has_its_parameter_sets_in_the_file() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::H264);
    let sps: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x80, 0x80];
    let together = [&[0x78, 0, 11][..], sps, &[0, 3, 0x68, 0xce, 0x3c, 0, 3, 0x65, 0x88, 0x84]].concat();
    let payload = |n: u64| -> &[u8] {
        match n {
            // A key frame without its parameter sets is no beginning.
            0 => &[0x65, 0x88, 0x84],
            10 | 30 => &together,
            _ => &[0x61, 0x9a, 0x01],
        }
    };
    (0..50).for_each(|n| tape.push(PICTURES, stream.packet(n, n as u32 * 40 * MS, payload(n))));
    let outcome = tape.end(PICTURES);
    let played = tape.play(PICTURES);
    assert_eq!((outcome.codec, played.blocks.len()), (Some(RecordedCodec::H264), 40));
    assert_eq!(played.tracks[0].shape, Shape::Picture { width: 640, height: 360, rotation: 0 });
    assert_eq!(played.blocks[1].bytes, [0, 0, 0, 3, 0x61, 0x9a, 0x01]);
    assert_eq!(container::h264::units(&played.blocks[0].bytes).count(), 3);
}

#[test]
fn a_track_that_never_sends_anything_ends_without_a_file() {
    let mut tape = Tape::of_both();
    tape.run(20 * SECOND);
    let outcome = tape.end(SOUND);
    assert_eq!((outcome.why, outcome.bytes, outcome.codec), (WhyStopped::NoMedia, 0, None));
    assert!(tape.files.is_empty());
    let silent = |recording| (recording, RecordNews::Silent(true));
    assert_eq!(tape.news[..2], [silent(SOUND), silent(PICTURES)]);
    // What cannot be written down is nothing.
    let stream = Stream { start: tape.now, ..Stream::new(&tape, Codec::OtherAudio) };
    tape.begin(SOUND, Kind::Audio);
    tape.news.clear();
    (0..9).for_each(|n| tape.push(SOUND, stream.sound(n)));
    assert_eq!(tape.end(SOUND).why, WhyStopped::NoMedia);
}

#[test]
fn silence_is_told_once_and_its_end_too() {
    let mut tape = Tape::of_both();
    tape.tell(media::record::ToRecorder::End(PICTURES));
    tape.news.clear();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..100).for_each(|n| tape.push(SOUND, stream.sound(n)));
    tape.run(RECORD_SILENCE - 100 * MS);
    assert!(matches!(tape.news[..], [(SOUND, RecordNews::Began { .. })]));
    tape.run(20 * SECOND);
    assert_eq!(tape.news[1..], [(SOUND, RecordNews::Silent(true))]);
    (1_500..1_600).for_each(|n| tape.push(SOUND, stream.sound(n)));
    assert_eq!(tape.news[1..], [(SOUND, RecordNews::Silent(true)), (SOUND, RecordNews::Silent(false))]);
    assert_eq!(tape.end(SOUND).duration, 32 * SECOND);
}
