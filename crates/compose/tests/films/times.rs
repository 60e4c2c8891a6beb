//! What is in the film when.

use compose::Failure;

use crate::world::{BLUE, GRID, RED, Room, letter, ms, order};

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

#[test]
fn what_does_not_change_is_not_written_again() {
    let made = Room::default().flat("a", (0, 12_000), (64, 64), RED).compose(&order((64, 64), GRID));
    // One each 40 ms would be 300. This film changes by nothing that can be seen, but its recording has 20 pictures a second.
    assert_eq!(made.duration, ms(12_000));
    let mut order = order((64, 64), GRID);
    order.trim = false;
    let made = Room::default().flat("a", (0, 40), (64, 64), RED).flat("b", (30_000, 40), (64, 64), BLUE).compose(&order);
    assert_eq!(made.duration, ms(30_040));
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
