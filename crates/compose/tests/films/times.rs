//! What is in the film when.

use compose::layout::Span;
use compose::{Composer, Failure, Kind};
use mixer::picture::VideoCodec;

use crate::world::{BLUE, EPOCH, GRID, RED, Room, film, letter, ms, order, packets, sound};

const CANVAS: (u16, u16) = (320, 180);

/// Two recordings with a gap between them, long after the beginning of the room.
fn apart() -> Room {
    Room::default()
        .flat("a", (60_000, 1_000), (320, 180), RED)
        .tone("a", (60_100, 900), 500.0)
        .flat("b", (63_000, 1_000), (320, 180), BLUE)
        .tone("b", (63_000, 500), 800.0)
}

#[test]
fn gaps_are_cut_if_asked() {
    let made = apart().compose(&order(CANVAS, GRID));
    assert_eq!(made.duration, ms(2_000));
    assert_eq!(made.began, crate::world::EPOCH + ms(60_000));
    let seen = [0, 960, 1_040, 1_960].map(|time| letter(made.at(time), 160, 90));
    assert_eq!(seen, ['R', 'R', 'B', 'B']);
    assert!(made.hears(500, 500.0) > 0.2 && made.hears(1_100, 500.0) < 0.02);
    assert!(made.hears(1_300, 800.0) > 0.2 && made.hears(500, 800.0) < 0.02);
    assert!(made.loudness(20) < 0.01 && made.loudness(1_600) < 0.01);
}

#[test]
fn gaps_are_black_and_silent_otherwise() {
    let mut order = order(CANVAS, GRID);
    order.trim = false;
    let made = apart().compose(&order);
    assert_eq!(made.duration, ms(4_000));
    let seen = [960, 1_040, 2_000, 2_960, 3_040, 3_960].map(|time| letter(made.at(time), 160, 90));
    assert_eq!(seen, ['R', '.', '.', '.', 'B', 'B']);
    assert!(made.loudness(2_000) < 0.001);
    assert!(made.hears(3_300, 800.0) > 0.2);
}

/// Red for so long, then blue, with one key frame at its beginning only; and two tones beside it.
fn changing() -> Room {
    let colour = |time| if time < 3_000 { RED } else { BLUE };
    Room::default()
        .with(Kind::Video, "a", (10_000, 6_000), film(VideoCodec::Vp8, (320, 180), 6_000, colour, 0))
        .tone("a", (10_000, 6_000), 500.0)
        .flat("late", (20_000, 1_000), (320, 180), RED)
}

#[test]
fn a_part_begins_and_ends_in_the_middle_of_recordings() {
    let check = |(from, to): (u64, u64), duration: u64, seen: &[(u64, char)]| {
        let part = Some(Span { from: EPOCH + ms(from), to: EPOCH + ms(to) });
        let made = changing().compose(&compose::Order { part, ..order(CANVAS, GRID) });
        assert_eq!((made.duration, made.damaged), (ms(duration), 0), "{from} {to}");
        for (time, expected) in seen {
            assert_eq!(letter(made.at(*time), 160, 90), *expected, "{from} {to}: {time}");
            assert!(made.hears(*time, 500.0) > 0.2, "{from} {to}: {time}");
        }
        made.began
    };
    assert_eq!(check((11_000, 14_000), 3_000, &[(20, 'R'), (1_900, 'R'), (2_100, 'B'), (2_900, 'B')]), EPOCH + ms(11_000));
    check((14_500, 15_500), 1_000, &[(20, 'B'), (900, 'B')]);
    check((0, 11_000), 1_000, &[(40, 'R'), (900, 'R')]);
    check((15_000, 20_520), 1_520, &[(0, 'B'), (900, 'B')]);
    let nothing = Some(Span { from: EPOCH + ms(17_000), to: EPOCH + ms(19_000) });
    let nothing = changing().try_compose(&compose::Order { part: nothing, ..order(CANVAS, GRID) });
    assert!(matches!(nothing, Err(Failure::Nothing)));
}

#[test]
fn what_is_far_into_a_recording_is_come_to_in_steps() {
    let packets: Vec<_> = packets(60_000, 500.0, |_| Some(0.25));
    let room = || Room::default().with(Kind::Audio, "a", (0, 60_000), sound(&packets));
    let part = Some(Span { from: EPOCH + ms(55_000), to: EPOCH + ms(56_000) });
    let made = room().compose(&compose::Order { part, ..order(CANVAS, "") });
    assert_eq!(made.duration, ms(1_000));
    // From its first moment, although the decoder began in the middle.
    assert!(made.hears(0, 500.0) > 0.2 && made.hears(900, 500.0) > 0.2);
    let mut composer = Composer::new(&compose::Order { part, ..order(CANVAS, "") }, room().inputs()).expect("a film");
    let mut file = std::io::Cursor::new(Vec::new());
    let waits = (0..).take_while(|_| composer.step(&mut file).expect("a step").done == ms(0)).count();
    assert!((2..6).contains(&waits), "{waits} steps of 1,000 packets each");
}

#[test]
fn what_does_not_change_is_not_written_again() {
    let mut order = order((64, 64), GRID);
    order.trim = false;
    let made = Room::default().flat("a", (0, 40), (64, 64), RED).flat("b", (30_000, 40), (64, 64), BLUE).compose(&order);
    assert_eq!(made.duration, ms(30_040));
    // One each 40 ms would be 750.
    assert!((50..80).contains(&made.pictures.len()), "{} pictures", made.pictures.len());
    let times: Vec<_> = made.pictures.iter().map(|(time, _)| *time).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= ms(1_000)));
}

#[test]
fn one_can_jump_every_five_seconds() {
    let made = Room::default().flat("a", (0, 12_000), (64, 64), RED).compose(&order((64, 64), GRID));
    let keys: Vec<_> = made.keys.iter().map(|key| made.pictures[*key].0).collect();
    assert_eq!(keys, [ms(0), ms(5_000), ms(10_000)]);
}

#[test]
fn only_what_is_asked_for_counts() {
    let room =
        || Room::default().flat("a", (0, 1_000), (320, 180), RED).tone("a", (500, 1_500), 500.0).tone("b", (500, 1_500), 800.0);
    let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let audio = |include: &[&str], exclude: &[&str]| {
        let (include, exclude) = (list(include), list(exclude));
        compose::sources::Sources::read(("", &include), ("", &exclude)).expect("names")
    };
    let with = |layout: &str, audio| compose::Order { audio, ..order(CANVAS, layout) };
    let made = room().compose(&with(GRID, audio(&[], &[])));
    assert_eq!((made.duration, made.tracks.len(), made.sound.len()), (ms(1_000), 1, 0));
    let made = room().compose(&with("", audio(&["*"], &["b"])));
    assert_eq!((made.duration, made.tracks.len(), made.pictures.len()), (ms(1_520), 1, 0));
    assert!(made.hears(700, 500.0) > 0.2 && made.hears(700, 800.0) < 0.02);
    let made = room().compose(&with(r#"{"r": {"video_sources": ["nobody"]}}"#, audio(&["b"], &[])));
    assert_eq!((made.duration, made.tracks.len()), (ms(1_520), 2));
    assert_eq!(letter(made.at(700), 160, 90), '.');
    let nothing = room().try_compose(&with(r#"{"r": {"video_sources": ["nobody"]}}"#, audio(&[], &[])));
    assert!(matches!(nothing, Err(Failure::Nothing)));
    assert!(matches!(Room::default().try_compose(&order(CANVAS, GRID)), Err(Failure::Nothing)));
}
