//! Files of one publisher are in step, and those of several on one clock.

use std::time::Duration;

use media::codec::Codec;
use media::tap::Packet;

use crate::tape::{MS, PICTURES, SECOND, SINCE_1970, SOUND, Stream, Tape};

/// When something in a file was made, by what file and outcome say, since the test began; in milliseconds.
fn made(tape: &Tape, recording: room::RecordingId, block: usize) -> i64 {
    let offset = tape.outcome(recording).expect("it ended").offset;
    let time = tape.play(recording).blocks[block].time;
    (offset + time).as_millis() as i64 - SINCE_1970.as_millis() as i64
}

fn check_in_step(tape: &Tape, sounds: usize, pictures: usize) {
    for part in [0, 1, 2, 5, 10, 20, 50, 100] {
        let (n, m) = (part * (sounds - 1) / 100, part * (pictures - 1) / 100);
        let (sound, picture) = (made(tape, SOUND, n), made(tape, PICTURES, m));
        let apart = (sound - 20 * n as i64) - (picture - 40 * m as i64);
        assert!(apart.abs() < 40, "{apart} ms after {part} %");
    }
}

/// Records sound and pictures for so many seconds.
fn record(tape: &mut Tape, seconds: u64, sound: &Stream, picture: &Stream) {
    let mut packets: Vec<(bool, Packet)> = (0..50 * seconds).map(|n| (false, sound.sound(n))).collect();
    packets.extend((0..25 * seconds).map(|n| (true, picture.picture(n, 250))));
    packets.sort_by_key(|(_, packet)| packet.arrival);
    for (video, packet) in packets {
        tape.push(if video { PICTURES } else { SOUND }, packet);
    }
    tape.end(SOUND);
    tape.end(PICTURES);
}

#[test]
fn sound_and_pictures_of_one_publisher_are_in_step_whatever_their_ways() {
    let check = |sound: &dyn Fn(Stream) -> Stream, picture: &dyn Fn(Stream) -> Stream| {
        let mut tape = Tape::of_both();
        let (sound, picture) = (sound(Stream::new(&tape, Codec::Opus)), picture(Stream::new(&tape, Codec::Vp8)));
        record(&mut tape, 60, &sound, &picture);
        check_in_step(&tape, 3_000, 1_500);
    };
    let as_it_is = |stream: Stream| stream;
    let late = |way: u32| move |stream: Stream| Stream { ssrc: 5, way: way * MS, ..stream };
    check(&as_it_is, &late(30));
    check(&as_it_is, &late(250));
    check(&late(400), &late(10));
    // Reports come after a while.
    let later = |from: u32, way: u32| move |stream: Stream| Stream { reports_from: Some(from * MS), ..late(way)(stream) };
    check(&later(2_000, 30), &later(4_000, 300));
    // The clock of the publisher is not a good one.
    let fast = |fast: i64, way: u32| move |stream: Stream| Stream { fast, ..late(way)(stream) };
    check(&fast(300, 20), &fast(300, 150));
    check(&fast(-300, 20), &fast(-300, 150));
}

#[test]
fn a_clock_that_drifts_is_followed_for_an_hour() {
    let mut tape = Tape::of_both();
    let sound = Stream { fast: 100, ..Stream::new(&tape, Codec::Opus) };
    (0..180_000).for_each(|n| tape.push(SOUND, sound.sound(n)));
    let outcome = tape.end(SOUND);
    // By the publisher's clock it is 360 ms longer.
    let seconds = outcome.duration.as_secs_f64();
    assert!((3_599.98..3_600.04).contains(&seconds), "{seconds}");
    let times = tape.times(SOUND);
    assert!(times.windows(2).all(|pair| (19..=21).contains(&(pair[1] - pair[0]))), "no packet is moved by what can be heard");
}

#[test]
fn no_publisher_makes_a_file_longer_than_it_takes() {
    for reports_from in [None, Some(Duration::ZERO)] {
        let mut tape = Tape::of_both();
        let sound = Stream { reports_from, ..Stream::new(&tape, Codec::Opus) };
        for n in 0..5_000_u32 {
            // A second further each time, 500 times a second.
            let packet = sound.packet(n.into(), n * SECOND, &[0xfc, n as u8]);
            tape.push(SOUND, Packet { arrival: sound.start + n * 2 * MS, ..packet });
        }
        let outcome = tape.end(SOUND);
        assert!(outcome.duration < 21 * SECOND, "{outcome:?}");
        assert!(outcome.bytes < 100_000, "{outcome:?}");
    }
}

#[test]
fn a_line_that_stood_still_at_the_beginning_moves_nothing() {
    let mut tape = Tape::of_both();
    let sound = Stream { reports_from: None, ..Stream::new(&tape, Codec::Opus) };
    for n in 0..1_000 {
        let packet = sound.sound(n);
        let arrival = packet.arrival.max(tape.start + 5 * SECOND);
        tape.push(SOUND, Packet { arrival, ..packet });
    }
    tape.end(SOUND);
    let times = tape.times(SOUND);
    assert!(times.len() == 1_000 && times.windows(2).all(|pair| (19..=21).contains(&(pair[1] - pair[0]))));
}

#[test]
fn two_publishers_are_on_one_clock() {
    let offset = |way: Duration, begins: u64| {
        let mut tape = Tape::of_both();
        let stream = Stream { way, ..Stream::new(&tape, Codec::Opus) };
        (begins..begins + 500).for_each(|n| tape.push(SOUND, stream.sound(n)));
        tape.end(SOUND).offset - SINCE_1970
    };
    assert_eq!(offset(20 * MS, 100) - offset(20 * MS, 0), 2 * SECOND);
    assert_eq!(offset(45 * MS, 0) - offset(20 * MS, 0), 25 * MS);
}

#[test]
fn the_line_may_be_uneven() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    let mut random = 1_u64;
    for n in 0..1_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut packet = stream.sound(n);
        packet.arrival += (random >> 33) as u32 % 60 * MS;
        tape.push(SOUND, packet);
    }
    let outcome = tape.end(SOUND);
    let away = outcome.offset.abs_diff(SINCE_1970 + 30 * MS);
    assert!(away < 10 * MS, "{away:?}");
    let steps: Vec<u64> = tape.times(SOUND).windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (18..=22).contains(step)), "{steps:?}");
}

#[test]
fn a_stream_that_begins_anew_goes_on_when_it_was_made() {
    let check = |change: &dyn Fn(&mut Stream), reports: bool| {
        let mut tape = Tape::of_both();
        let mut stream = Stream::new(&tape, Codec::Opus);
        stream.reports_from = stream.reports_from.filter(|_| reports);
        (0..500).for_each(|n| tape.push(SOUND, stream.sound(n)));
        change(&mut stream);
        // Three seconds without anything.
        (650..900).for_each(|n| tape.push(SOUND, stream.sound(n)));
        tape.end(SOUND);
        let times = tape.times(SOUND);
        assert_eq!(times.len(), 750);
        let away = times[500].abs_diff(13_000);
        assert!(away <= 20, "{away} ms");
        assert!(times.last().expect("some").abs_diff(17_980) <= 20);
    };
    for reports in [true, false] {
        check(&|_| (), reports);
        check(&|stream| stream.ssrc = 99, reports);
        check(&|stream| stream.time = stream.time.wrapping_add(1 << 31), reports);
        check(&|stream| (stream.time, stream.seq) = (5, 9_000_000), reports);
    }
}
