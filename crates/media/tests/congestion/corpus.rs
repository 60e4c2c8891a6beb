//! The corpus of the fuzz target, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew. Whatever a fuzz run adds to
//! `fuzz/corpus` is replayed too.

#[path = "../../../../fuzz/harness/media_congestion.rs"]
mod media_congestion;

use std::fs;
use std::path::PathBuf;

use crate::link::Dice;

const SEND: u8 = 161;
const WAIT: u8 = 0;
const WANT: u8 = 251;
const TELL: u8 = 5;

/// What a second of reports looks like in a script: packets sent, time passed, all of them reported.
fn seconds(many: u8, chunk: impl Fn(u8) -> [u8; 2], times: u8) -> Vec<u8> {
    let mut script = vec![WANT, 100];
    for round in 0..many {
        script.extend([SEND, 10, WAIT, 7]);
        let mut report = vec![10, 10, round];
        report.extend(chunk(round));
        report.extend(std::iter::repeat_n(times, 10));
        script.extend([TELL, u8::try_from(report.len()).expect("short")]);
        script.extend(report);
    }
    script
}

#[test]
fn corpus() {
    let seeds = [
        ("ordinary", seconds(40, |_| [0x20, 10], 12)),
        ("lossy", seconds(40, |round| if round % 3 == 0 { [0xa9, 0x55] } else { [0x20, 10] }, 40)),
        ("backwards", seconds(40, |_| [0x40, 5], 0xff)),
        ("silence", [seconds(10, |_| [0x20, 10], 12), [SEND, 200, WAIT, 60].repeat(6), seconds(5, |_| [0x20, 10], 12)].concat()),
        ("another_way", [seconds(10, |_| [0x20, 10], 12), vec![7, 3], seconds(10, |_| [0x20, 10], 250)].concat()),
        ("gaps", [[SEND, 3, 2, 40, WAIT, 3].repeat(30), seconds(5, |_| [0x20, 10], 12)].concat()),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/media_congestion");
    for (name, seed) in &seeds {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == *seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        media_congestion::run(&fs::read(file.expect("a file").path()).expect("readable"));
    }
}

#[test]
fn anything() {
    for seed in 0..2_000 {
        let mut dice = Dice::new(seed);
        let mut script = Vec::new();
        for _ in 0..60 {
            match dice.roll(10) {
                0..=2 => script.extend([SEND, dice.roll(40) as u8, WAIT, dice.roll(9) as u8]),
                3..=7 => {
                    let many = dice.roll(60) as u8;
                    script.extend([TELL, many]);
                    script.extend((0..many).map(|_| dice.roll(256) as u8));
                }
                _ => script.extend([dice.roll(256) as u8, dice.roll(256) as u8]),
            }
        }
        media_congestion::run(&script);
    }
}
