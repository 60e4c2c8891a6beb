//! Where pictures are, judged by drawings.

use compose::Kind;
use mixer::picture::VideoCodec;

use crate::golden::looks_like;
use crate::world::{BLUE, GREEN, GRID, RED, Room, WHITE, YELLOW, film, order};

const CANVAS: (u16, u16) = (640, 360);

/// Four who come one after the other and go one after the other.
fn four() -> Room {
    Room::default()
        .flat("anna", (0, 1_000), (320, 180), RED)
        .flat("ben", (200, 600), (320, 180), GREEN)
        .flat("carl", (400, 600), (320, 180), BLUE)
        .flat("screen", (400, 200), (640, 360), WHITE)
}

#[test]
fn grids() {
    let made = four().compose(&order(CANVAS, GRID));
    looks_like("grid-one", made.at(100));
    looks_like("grid-two", made.at(300));
    looks_like("grid-four", made.at(500));
    looks_like("grid-three-left", made.at(700));
    looks_like("grid-one-left", made.at(900));
    let made = four().compose(&order(CANVAS, r#"{"row": {"video_sources": ["*"], "max_rows": 1}}"#));
    looks_like("row", made.at(500));
    let made = four().compose(&order(CANVAS, r#"{"column": {"video_sources": ["*"], "max_columns": 1}}"#));
    looks_like("column", made.at(500));
    let made = four().compose(&order(CANVAS, r#"{"grid": {"video_sources": ["*"], "cells_excluded": [1]}}"#));
    looks_like("cell-excluded", made.at(500));
}

#[test]
fn one_cell_is_shared() {
    let one = |reuse: &str| {
        let layout = format!(r#"{{"single": {{"video_sources": ["*"], "max_columns": 1, "max_rows": 1, "reuse": "{reuse}"}}}}"#);
        let made = four().compose(&order(CANVAS, &layout));
        [100, 300, 500, 700, 900].map(|time| crate::world::letter(made.at(time), 320, 180)).into_iter().collect::<String>()
    };
    assert_eq!(one("show_oldest"), "RRRRR");
    // The screen ends first, and what was there before comes back as it is by then.
    assert_eq!(one("show_newest"), "RGWBB");
}

#[test]
fn regions_lie_on_each_other() {
    let layout = r#"{
        "main": {"video_sources": ["screen"]},
        "pip": {"video_sources": ["anna"], "x_pos": 440, "y_pos": 240, "width": 180, "height": 100, "z_pos": 1},
        "side": {"video_sources": ["ben", "carl"], "x_pos": 20, "y_pos": 20, "width": 120, "height": 320, "max_columns": 1, "z_pos": 2}
    }"#;
    let made = four().compose(&order(CANVAS, layout));
    looks_like("stacked", made.at(500));
    looks_like("stacked-without-main", made.at(700));
    // What is quite covered is not decoded, and is there again when it is no more.
    let layout = r#"{
        "back": {"video_sources": ["anna"], "x_pos": 100, "y_pos": 100, "width": 200, "height": 100},
        "front": {"video_sources": ["screen"], "z_pos": 5}
    }"#;
    let made = four().compose(&order(CANVAS, layout));
    looks_like("before-covered", made.at(100));
    looks_like("covered", made.at(500));
    looks_like("before-covered", made.at(700));
}

#[test]
fn shapes_are_kept() {
    let room = Room::default()
        .flat("tall", (0, 200), (180, 320), RED)
        .flat("square", (0, 200), (200, 200), GREEN)
        .flat("wide", (0, 200), (640, 180), BLUE)
        .flat("odd", (0, 200), (321, 181), YELLOW);
    looks_like("shapes", room.compose(&order(CANVAS, GRID)).at(100));
    let turned = |degrees: u16, rgb: u32| film(VideoCodec::Vp8, (320, 180), 200, |_| rgb, degrees);
    let room = Room::default()
        .with(Kind::Video, "a", (0, 200), turned(90, RED))
        .with(Kind::Video, "b", (0, 200), turned(180, GREEN))
        .with(Kind::Video, "c", (0, 200), turned(270, BLUE))
        .with(Kind::Video, "d", (0, 200), turned(0, WHITE));
    looks_like("turned", room.compose(&order(CANVAS, GRID)).at(100));
}

#[test]
fn every_codec_is_read() {
    let one = |codec, rgb| film(codec, (320, 180), 400, move |_| rgb, 0);
    let room = Room::default()
        .with(Kind::Video, "vp8", (0, 400), one(VideoCodec::Vp8, RED))
        .with(Kind::Video, "vp9", (0, 400), one(VideoCodec::Vp9, GREEN))
        .with(Kind::Video, "h264", (0, 400), one(VideoCodec::H264, BLUE));
    let made = room.compose(&order(CANVAS, GRID));
    assert_eq!(made.damaged, 0);
    looks_like("codecs", made.at(300));
}

#[test]
fn canvases_of_any_size() {
    for canvas in [(16, 16), (17, 33), (1280, 720), (720, 1280), (1920, 1080)] {
        let room = Room::default().flat("a", (0, 80), (320, 180), RED);
        let made = room.compose(&order(canvas, r#"{"r": {"video_sources": ["*"]}}"#));
        let (width, height) = made.at(0).size();
        assert_eq!((width, height), (usize::from(canvas.0 & !1), usize::from(canvas.1 & !1)));
        assert_eq!(crate::world::letter(made.at(0), width / 2, height / 2), 'R', "{canvas:?}");
    }
}

#[test]
fn of_more_than_can_be_shown_those_in_front_are() {
    let still = film(VideoCodec::Vp8, (32, 18), 40, |_| RED, 0);
    let mut room = Room::default().flat("front", (0, 200), (320, 180), BLUE);
    for n in 0..70 {
        room = room.with(Kind::Video, &format!("back {n}"), (0, 200), still.clone());
    }
    let layout = r#"{
        "back": {"video_sources": ["back*"]},
        "pip": {"video_sources": ["front"], "x_pos": 440, "y_pos": 240, "width": 180, "height": 100, "z_pos": 1}
    }"#;
    let made = room.compose(&order(CANVAS, layout));
    // Of a grid of 9 by 8 one cell is covered, and the first six are not shown.
    let seen = [(30, 20), (610, 20), (30, 330), (530, 290)].map(|(x, y)| crate::world::letter(made.at(160), x, y));
    assert_eq!(seen, ['.', 'R', 'R', 'B']);
}
