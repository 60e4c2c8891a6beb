//! The corpus of the fuzz target for layouts, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew. Whatever a fuzz
//! run adds to `fuzz/corpus` is replayed too.

#[path = "../../../fuzz/harness/compose_layout.rs"]
mod compose_layout;

use std::fs;
use std::path::PathBuf;

const SEEDS: [(&str, &str); 6] = [
    ("grid", "640x480\n0-9 2-6 4-12\n{\"grid\": {\"video_sources\": [\"*\"]}}"),
    (
        "regions",
        "1280x720\n0-5 5-9 1-2 3-8\n{\"main\": {\"video_sources\": [\"cam*\"], \"z_pos\": -3, \"max_columns\": 1, \"max_rows\": 1, \
         \"reuse\": \"show_newest\"}, \"side\": {\"video_sources\": [\"*\"], \"x_pos\": 1000, \"width\": 280, \"height\": 700, \
         \"max_columns\": 1, \"reuse\": \"none\", \"cells_excluded\": [0, 2]}}",
    ),
    ("odd", "17x33\n0-1 0-1 0-1 0-1 0-1\n{\"r\": {\"video_sources\": [\"*\"], \"x_pos\": 1, \"y_pos\": 3, \"width\": 16}}"),
    (
        "excluded",
        "64x64\n1-2\n{\"r\": {\"video_sources\": [\"*\"], \"video_sources_excluded\": [\"b\"], \"cells_excluded\": [0, 1, 2, 3]}}",
    ),
    ("refused", "640x480\n\n{\"r\": {\"video_sources\": [\"a*b\"]}}"),
    ("size", "99x9\n\n{}"),
];

#[test]
fn layouts() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/compose_layout");
    for (name, seed) in SEEDS {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == seed.as_bytes(), "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        compose_layout::run(&fs::read(file.expect("a file").path()).expect("readable"));
    }
}

/// Seeds with pieces put in, left out and changed.
#[test]
fn anything() {
    const PIECES: [&str; 16] =
        ["-", "0", "1", "9", "99", "65535", "null", "\"", "[", "]", "{", "}", ",", "*", "show_newest", "\"max_rows\": 1, "];
    let mut random = 5_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for round in 0..20_000 {
        let mut text = SEEDS[round % 4].1.as_bytes().to_vec();
        for _ in 0..next() % 4 + 1 {
            let at = next() % text.len();
            match next() % 3 {
                0 => text[at] = PIECES[next() % 14].as_bytes()[0],
                1 => drop(text.drain(at..(at + next() % 4).min(text.len()))),
                _ => drop(text.splice(at..at, PIECES[next() % 16].bytes())),
            }
        }
        compose_layout::run(&text);
    }
}
