//! Sound and pictures, and recordings, in step.

use compose::Kind;
use container::opus::silence;
use mixer::picture::VideoCodec;

use crate::world::{BLUE, GRID, Made, RED, Room, film, letter, order, packets, sound};

const CANVAS: (u16, u16) = (320, 180);

/// When something is first so, in ms, looked at this often.
fn first(from: u64, to: u64, step: usize, is_so: impl Fn(u64) -> bool) -> u64 {
    (from..to).step_by(step).find(|time| is_so(*time)).expect("it happens")
}

/// When the picture turns blue, and when the tone begins.
fn moments(made: &Made, from: u64) -> (u64, u64) {
    let turned = first(from, from + 2_000, 1, |time| letter(made.at(time), 160, 90) == 'B');
    let sounds =
        first(from, from + 2_000, 1, |time| made.sound[time as usize * 48..][..48].iter().any(|sample| sample.abs() > 0.08));
    (turned, sounds)
}

#[test]
fn what_was_at_one_moment_is_at_one_moment() {
    // Both happen 1 s after the camera began, which began where no picture of the film does; the microphone was there 333 ms before.
    for (camera, trim) in [(0, true), (7, true), (13, false), (29, false), (39, true)] {
        let colour = |time: u64| if time < 1_000 { RED } else { BLUE };
        let beep = |time: u64| Some(if time < 1_333 + camera { 0.0 } else { 0.25 });
        let room = Room::default()
            .with(Kind::Video, "camera", (5_333 + camera, 2_000), film(VideoCodec::Vp8, (320, 180), 2_000, colour, 0))
            .with(Kind::Audio, "microphone", (5_000, 2_400), sound(&packets(2_400, 1_000.0, beep)));
        let made = room.compose(&compose::Order { trim, ..order(CANVAS, GRID) });
        let (turned, sounds) = moments(&made, 500);
        let moment = 1_333 + camera;
        assert!(turned.abs_diff(moment) <= 20, "the picture is at {turned}, not at {moment}");
        assert!(sounds.abs_diff(moment) <= 5, "the sound is at {sounds}, not at {moment}");
    }
}

#[test]
fn they_are_after_a_cut() {
    let colour = |time: u64| if time < 1_000 { RED } else { BLUE };
    let beep = |time: u64| Some(if time < 1_000 { 0.0 } else { 0.25 });
    let room = Room::default()
        .flat("before", (0, 1_013), (320, 180), RED)
        .with(Kind::Video, "camera", (60_005, 2_000), film(VideoCodec::Vp8, (320, 180), 2_000, colour, 0))
        .with(Kind::Audio, "microphone", (60_005, 2_000), sound(&packets(2_000, 1_000.0, beep)));
    let made = room.compose(&order(CANVAS, GRID));
    let (turned, sounds) = moments(&made, 1_100);
    // The first part ends with a whole picture.
    assert!(turned.abs_diff(2_040) <= 20, "the picture is at {turned}");
    assert!(sounds.abs_diff(2_040) <= 5, "the sound is at {sounds}");
}

#[test]
fn clocks_that_go_wrong_are_followed() {
    // A packet each 20.01 ms: after 60 s it is 30 ms late by its samples.
    let drifting = |packets: Vec<(u64, Vec<u8>)>| {
        packets.into_iter().enumerate().map(|(n, (_, bytes))| ((n as f64 * 20.01).round() as u64, bytes)).collect::<Vec<_>>()
    };
    let beep = |time: u64| Some(if time < 59_000 { 0.05 } else { 0.25 });
    let recording = sound(&drifting(packets(60_000, 1_000.0, beep)));
    let made = Room::default().with(Kind::Audio, "a", (0, 60_000), recording).compose(&order(CANVAS, ""));
    let sounds = first(58_000, 60_000, 1, |time| made.sound[time as usize * 48..][..48].iter().any(|sample| sample.abs() > 0.15));
    assert!(sounds.abs_diff(59_030) <= 5, "the sound is at {sounds}");
    // Nowhere is there a crack: what is left of the tone's neighbour samples is even.
    let steps = made.sound[4_800..].windows(2).take(57 * 48_000).map(|pair| (pair[1] - pair[0]).abs());
    let largest = steps.fold(0.0_f32, f32::max);
    assert!(largest < 0.05 * 0.14 * 1.6, "a step of {largest}");
}

#[test]
fn lost_packets_are_made_up_and_silence_is_silent() {
    let all = packets(4_000, 500.0, |time| if (2_000..3_000).contains(&time) { None } else { Some(0.25) });
    let lossy: Vec<_> = all.into_iter().filter(|(time, _)| *time % 500 != 240).collect();
    let made = Room::default().with(Kind::Audio, "a", (0, 4_000), sound(&lossy)).compose(&order(CANVAS, ""));
    assert_eq!(made.damaged, 0);
    for time in (100..1_900).step_by(20) {
        assert!(made.hears(time, 500.0) > 0.1, "at {time} there is {}", made.hears(time, 500.0));
    }
    for time in (2_060..2_960).step_by(20) {
        assert!(made.loudness(time) < 0.001, "at {time} there is {}", made.loudness(time));
    }
    assert!(made.hears(3_100, 500.0) > 0.2);
}

#[test]
fn silence_that_was_written_for_players_changes_nothing() {
    // One packet is lost, two, three, and for a second nothing is sent.
    let missing = |time: u64| [300, 500, 520, 700, 720, 740].contains(&time) || (1_000..2_000).contains(&time);
    let sent: Vec<_> = packets(3_000, 500.0, |_| Some(0.25)).into_iter().filter(|(time, _)| !missing(*time)).collect();
    let fillers =
        [(300, 1), (500, 2), (700, 3)].into_iter().chain((1_000..1_960).step_by(120).map(|time| (time, 6))).chain([(1_960, 2)]);
    let mut filled: Vec<_> =
        sent.iter().cloned().chain(fillers.map(|(time, frames)| (time, silence(frames, &sent[0].1)))).collect();
    filled.sort_by_key(|(time, _)| *time);
    let compose = |packets: &[_]| Room::default().with(Kind::Audio, "a", (0, 3_000), sound(packets)).compose(&order(CANVAS, ""));
    let (plain, made) = (compose(&sent), compose(&filled));
    assert_eq!((made.damaged, plain.sound == made.sound), (0, true));
    assert!(made.hears(520, 500.0) > 0.1 && made.loudness(1_500) < 0.001);
}

#[test]
fn many_loud_voices_are_kept_within_bounds() {
    let mut room = Room::default();
    for n in 0..8 {
        let loud = packets(1_000, 300.0 + 70.0 * n as f32, |_| Some(0.9));
        room = room.with(Kind::Audio, "voice", (0, 1_000), sound(&loud));
    }
    let made = room.compose(&order(CANVAS, ""));
    assert!(made.sound.iter().all(|sample| sample.abs() < 1.1));
    assert!((300..860).step_by(70).all(|hz| made.hears(500, hz as f32) > 0.05));
}
