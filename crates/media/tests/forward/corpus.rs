//! The corpora of the fuzz targets for payloads and forwarding, replayed, and some that nobody keeps. The seeds are made here:
//! `UPDATE=1 cargo test` writes them anew. Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#[path = "../../../../fuzz/harness/media_codec.rs"]
mod media_codec;
#[path = "../../../../fuzz/harness/media_forward.rs"]
mod media_forward;

use std::fs;
use std::path::PathBuf;

use crate::network::Dice;
use crate::source::Vp8;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

/// Replays all that is there, the seeds being as they should.
fn replay(target: &str, seeds: &[(&str, Vec<u8>)], run: impl Fn(&[u8])) {
    for (name, seed) in seeds {
        let path = folder(target).join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(folder(target)).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == *seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder(target)).expect("a corpus") {
        let path = file.expect("a file").path();
        println!("{}", path.display());
        run(&fs::read(path).expect("readable"));
    }
}

#[test]
fn payloads() {
    let vp8 = Vp8 { key: true, starts: true, picture: Some((300, 15)), tl0: Some(9), temporal: Some(2), sync: true };
    let of = |codec: u8, payload: &[u8]| [&[codec], payload].concat();
    let sps = [
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00,
        0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6,
    ];
    let seeds = [
        ("opus", of(0, &[0x78, 1, 2])),
        ("vp8-key", of(2, &vp8.bytes())),
        ("vp8-narrow", of(2, &Vp8 { picture: Some((3, 7)), key: false, ..vp8 }.bytes())),
        ("vp9-structure", of(3, &[0xaa, 0x01, 0x00, 0x07, 0x30, 1, 64, 0, 180, 2, 128, 1, 104])),
        ("vp9-references", of(3, &[0xf8, 0x01, 0x00, 0x03, 0x02, 1])),
        ("h264-sps", of(4, &sps)),
        ("h264-aggregate", of(4, &[&[0x78, 0, 26], &sps[..], &[0, 2, 0x65, 0x88]].concat())),
        ("h264-piece", of(4, &[0x7c, 0x85, 0x88])),
    ];
    replay("media_codec", &seeds, media_codec::run);
}

const KEY: u8 = 0b1111;
const DELTA: u8 = 0b1110;

#[test]
fn scripts() {
    let wish = |layer: u8| vec![0, layer, 0, 0, 0, 0];
    let packet = |layer: u8, number: u8, payload: u8| vec![3, layer, 0, number, 33, payload];
    let lost = [packet(0, 2, DELTA), packet(0, 4, DELTA), packet(0, 3, DELTA), packet(0, 3, DELTA)];
    let switches = [
        [wish(0), packet(0, 1, KEY)].concat(),
        lost.concat(),
        [wish(2), packet(2, 9, DELTA), packet(0, 5, DELTA), packet(2, 10, KEY), packet(0, 6, DELTA)].concat(),
        [wish(3), packet(2, 11, KEY), wish(1), packet(1, 7, DELTA), packet(1, 8, KEY), packet(1, 9, 0)].concat(),
    ];
    let restarts = [
        [wish(0), packet(0, 1, KEY), packet(0x40, 9, DELTA), packet(0x40, 10, KEY), packet(0, 2, KEY)].concat(),
        [vec![2, 0, 0x10, 0, 0, 9], packet(0x40, 11, DELTA), packet(0x40, 12, KEY)].concat(),
        [vec![1, 0, 0, 0, 0, 0], packet(0x40, 13, DELTA | 0x40), packet(0x40, 14, DELTA), vec![1, 3, 0, 0, 0, 0]].concat(),
        packet(0x40, 15, DELTA | 0x60),
    ];
    let sound = (0..30).map(|n| packet(0, n * 3 % 31, 1));
    let seeds = [
        ("switches", [&[0], &switches.concat()[..]].concat()),
        ("restarts", [&[0], &restarts.concat()[..]].concat()),
        ("h264", [vec![1], wish(0), packet(0, 1, 7), packet(0, 2, 8), packet(0, 3, 0x85), packet(0, 4, 0x81)].concat()),
        ("sound", [vec![2], wish(0), sound.flatten().collect()].concat()),
    ];
    replay("media_forward", &seeds, media_forward::run);
}

#[test]
fn anything_at_all() {
    let seed = std::env::var("KENNEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    println!("seed {seed}: run again with KENNEL_TEST_SEED={seed}");
    let mut dice = Dice::new(seed);
    for _ in 0..5_000 {
        let small = dice.percent(70);
        let mut data: Vec<u8> = (0..dice.roll(400)).map(|_| dice.roll(256) as u8).collect();
        // Numbers close to each other, or hardly anything is forwarded.
        data.iter_mut().skip(3).step_by(6).filter(|_| small).for_each(|high| *high %= 4);
        media_forward::run(&data);
        media_codec::run(&data);
    }
}
