use std::time::Duration;

use mixer::picture::Rect;
use serde_json::json;

use super::*;

const CANVAS: (u16, u16) = (640, 480);

fn region(fields: Value) -> Region {
    let mut object = json!({ "video_sources": ["*"] });
    object.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let text = json!({ "r": object }).to_string();
    VideoLayout::read(&text, CANVAS).unwrap_or_else(|refused| panic!("{refused}")).regions.remove(0)
}

#[test]
fn a_layout_comes_back_whole() {
    let check = |asked: Value, expected: Value| {
        let layout = VideoLayout::read(&asked.to_string(), CANVAS).expect("readable");
        assert_eq!(layout.to_json(), expected);
        assert_eq!(VideoLayout::read(&expected.to_string(), CANVAS), Ok(layout), "it reads as the same");
    };
    let usual = json!({
        "video_sources": ["*"], "video_sources_excluded": [], "x_pos": 0, "y_pos": 0, "z_pos": 0, "width": 0, "height": 0,
        "max_columns": 0, "max_rows": 0, "cells_excluded": [], "reuse": "show_oldest",
    });
    check(json!({ "grid": { "video_sources": ["*"] } }), json!({ "grid": usual }));
    check(json!({ "grid": { "video_sources": ["*"], "width": null, "reuse": null } }), json!({ "grid": usual }));
    let full = json!({
        "video_sources": ["RT1", "screen*"], "video_sources_excluded": ["*-test"], "x_pos": 10, "y_pos": 464, "z_pos": -99,
        "width": 630, "height": 16, "max_columns": 1000, "max_rows": 1, "cells_excluded": [3, 999_999], "reuse": "none",
    });
    check(json!({ "b": full, "a": usual }), json!({ "a": usual, "b": full }));
}

#[test]
fn regions_lie_back_to_front() {
    let at = |depth: i8| json!({ "video_sources": ["*"], "z_pos": depth });
    let text = json!({ "c": at(0), "a": at(7), "d": at(-3), "b": at(0) }).to_string();
    let layout = VideoLayout::read(&text, CANVAS).expect("readable");
    let names: Vec<_> = layout.regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(names, ["d", "b", "c", "a"]);
}

#[test]
fn what_is_wrong_is_named() {
    let check = |text: &str, parameter: &str| {
        let refused = VideoLayout::read(text, CANVAS).expect_err(text);
        assert_eq!(refused.parameter, parameter, "{text}: {refused}");
    };
    for text in ["", "[]", "null", "7", "{", "{}", r#"{"": {"video_sources": ["*"]}}"#] {
        check(text, "VideoLayout");
    }
    check(r#"{"r": []}"#, "VideoLayout.r");
    check(r#"{"r": {}}"#, "VideoLayout.r.video_sources");
    let check = |field: &str, value: &str| {
        let others = if field == "video_sources" { "" } else { r#""video_sources": ["*"], "# };
        check(&format!(r#"{{"r": {{{others}"{field}": {value}}}}}"#), &format!("VideoLayout.r.{field}"));
    };
    for wrong in ["[]", "\"*\"", "[1]", "[\"\"]", "[\"a*b\"]", "{}", "null"] {
        check("video_sources", wrong);
    }
    check("video_sources_excluded", "[\"**\"]");
    for (field, values) in [
        ("x_pos", ["-1", "625", "1.5", "\"1\"", "99999"]),
        ("y_pos", ["-1", "465", "true", "[]", "65536"]),
        ("z_pos", ["-100", "100", "0.5", "\"0\"", "1e9"]),
        ("width", ["15", "641", "-16", "\"16\"", "16.5"]),
        ("height", ["15", "481", "1", "{}", "100000"]),
        ("max_columns", ["-1", "1001", "\"3\"", "1.0", "70000"]),
        ("max_rows", ["-1", "1001", "[]", "0.1", "70000"]),
        ("cells_excluded", ["[-1]", "[1000000]", "3", "[\"1\"]", "[null]"]),
        ("reuse", ["\"\"", "\"all\"", "true", "0", "[]"]),
        ("xpos", ["1", "0", "null", "[]", "\"\""]),
    ] {
        values.iter().for_each(|value| check(field, value));
    }
    check("cells_excluded", &format!("{:?}", vec![1; 1_001]));
    check("x_pos", r#"600, "width": 100"#);
    check("cells_excluded", r#"[0], "max_columns": 1, "max_rows": 1"#);
    check("cells_excluded", r#"[1, 0, 1, 7, 3, 2], "max_columns": 2, "max_rows": 2"#);
}

#[test]
fn too_much_is_refused() {
    let regions: Map<String, Value> = (0..65).map(|n| (n.to_string(), json!({ "video_sources": ["*"] }))).collect();
    assert!(VideoLayout::read(&Value::from(regions).to_string(), CANVAS).is_err());
    let long = json!({ "r": { "video_sources": vec!["x".repeat(256); 300] } }).to_string();
    assert_eq!(VideoLayout::read(&long, CANVAS).map_err(|refused| refused.why), Err("must have 65536 bytes at most"));
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    assert!(VideoLayout::read(&format!(r#"{{"r": {deep}}}"#), CANVAS).is_err());
}

#[test]
fn grids_are_about_square() {
    let check = |fields: Value, pictures: usize, rows: u32, columns: u32| {
        assert_eq!(Grid::of(&region(fields.clone()), pictures), Grid { columns, rows }, "{pictures} {fields}");
    };
    let free = json!({});
    for (pictures, rows, columns) in
        [(0, 1, 1), (1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2), (5, 2, 3), (6, 2, 3), (7, 3, 3), (10, 3, 4), (17, 4, 5)]
    {
        check(free.clone(), pictures, rows, columns);
    }
    check(json!({ "max_rows": 2 }), 7, 2, 4);
    check(json!({ "max_columns": 2 }), 7, 4, 2);
    check(json!({ "max_columns": 1 }), 5, 5, 1);
    check(json!({ "max_rows": 1 }), 5, 1, 5);
    check(json!({ "max_rows": 9, "max_columns": 9 }), 3, 2, 2);
    check(json!({ "max_rows": 2, "max_columns": 2 }), 17, 2, 2);
    check(json!({ "cells_excluded": [0] }), 4, 2, 3);
    check(json!({ "cells_excluded": [9] }), 4, 2, 2);
    check(json!({ "cells_excluded": [0, 1, 2, 3, 3, 3] }), 4, 3, 3);
    check(json!({ "cells_excluded": [0], "max_rows": 2, "max_columns": 2 }), 4, 2, 2);
    check(json!({ "cells_excluded": (0..1_000).collect::<Vec<_>>() }), 24, 32, 32);
    check(json!({ "cells_excluded": (0..1_000).collect::<Vec<_>>() }), 25, 32, 33);
}

#[test]
fn cells_share_a_region() {
    let check = |fields: Value, pictures: usize, cell: u32, [x, y, width, height]: [u16; 4]| {
        let region = region(fields);
        let area = Grid::of(&region, pictures).area(&region, CANVAS, cell);
        assert_eq!(area, Rect { x, y, width, height }, "{region:?} {pictures} {cell}");
    };
    check(json!({}), 1, 0, [0, 0, 640, 480]);
    check(json!({}), 4, 3, [320, 240, 320, 240]);
    check(json!({}), 9, 0, [0, 0, 212, 160]);
    check(json!({}), 9, 4, [212, 160, 214, 160]);
    check(json!({}), 9, 8, [426, 320, 214, 160]);
    check(json!({ "x_pos": 101, "y_pos": 7, "width": 33, "height": 17 }), 1, 0, [100, 6, 34, 18]);
    check(json!({ "x_pos": 600 }), 2, 1, [620, 0, 20, 480]);
}

/// Whole seconds.
fn spans(times: &[(u64, u64)]) -> Vec<Span> {
    let seconds = Duration::from_secs;
    times.iter().map(|(from, to)| Span { from: seconds(*from), to: seconds(*to) }).collect()
}

/// What is in each cell from each second on: sources by letters, a dot for nothing.
fn scenes(fields: Value, times: &[(u64, u64)]) -> Vec<(u64, String)> {
    let region = region(fields);
    let plan = Plan::new(&region, CANVAS, &spans(times));
    let areas: Vec<Rect> = plan.grid.cells(&region).map(|cell| plan.grid.area(&region, CANVAS, cell)).collect();
    let letter = |source: usize| char::from(b'a' + source as u8);
    let told = |scene: &Scene| {
        let in_cell =
            |area: &Rect| scene.shown.iter().find(|(_, shown)| shown == area).map_or('.', |(source, _)| letter(*source));
        (scene.from.as_secs(), areas.iter().map(in_cell).collect())
    };
    plan.scenes.iter().map(told).collect()
}

#[test]
fn cells_are_used_as_the_region_says() {
    let check = |fields: Value, times: &[(u64, u64)], expected: &[(u64, &str)]| {
        let expected: Vec<_> = expected.iter().map(|(time, shown)| (*time, (*shown).to_owned())).collect();
        assert_eq!(scenes(fields.clone(), times), expected, "{fields} {times:?}");
    };
    let one = |reuse: &str| json!({ "reuse": reuse, "max_columns": 1, "max_rows": 1 });
    let two = |reuse: &str| json!({ "reuse": reuse, "max_columns": 2, "max_rows": 1 });
    // One after the other.
    let apart = [(0, 5), (7, 9)];
    check(json!({ "reuse": "none" }), &apart, &[(0, "a."), (5, ".."), (7, ".b"), (9, "..")]);
    check(json!({}), &apart, &[(0, "a"), (5, "."), (7, "b"), (9, ".")]);
    check(one("none"), &apart, &[(0, "a"), (5, ".")]);
    // A cell is free at the moment at which a picture ends.
    check(json!({}), &[(0, 5), (5, 9)], &[(0, "a"), (5, "b"), (9, ".")]);
    // More than there is room for.
    let crossing = [(0, 9), (2, 6), (4, 12)];
    check(one("none"), &crossing, &[(0, "a"), (9, ".")]);
    check(one("show_oldest"), &crossing, &[(0, "a"), (9, "c"), (12, ".")]);
    check(one("show_newest"), &crossing, &[(0, "a"), (2, "b"), (4, "c"), (12, ".")]);
    check(two("show_oldest"), &crossing, &[(0, "a."), (2, "ab"), (6, "ac"), (9, ".c"), (12, "..")]);
    check(two("show_newest"), &crossing, &[(0, "a."), (2, "ab"), (4, "ac"), (9, ".c"), (12, "..")]);
    // What gave its cell away comes back, the newest first.
    check(one("show_newest"), &[(0, 9), (1, 8), (3, 5)], &[(0, "a"), (1, "b"), (3, "c"), (5, "b"), (8, "a"), (9, ".")]);
    // New cells before used ones.
    check(two("show_oldest"), &[(0, 2), (1, 5), (3, 4)], &[(0, "a."), (1, "ab"), (2, ".b"), (3, "cb"), (4, ".b"), (5, "..")]);
    check(json!({ "cells_excluded": [0] }), &[(0, 2)], &[(0, "a"), (2, ".")]);
    // Nothing lasts no time.
    check(json!({}), &[(3, 3), (1, 2)], &[(1, "b"), (2, ".")]);
    check(json!({}), &[], &[]);
}
