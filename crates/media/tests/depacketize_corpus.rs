//! The corpus of the fuzz target for frames out of packets, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew.
//! Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#[path = "../../../fuzz/harness/media_depacketize.rs"]
mod media_depacketize;

use std::fs;
use std::path::PathBuf;

fn packet(what: u8, seq: u8, time: u8, payload: &[u8]) -> Vec<u8> {
    [&[what, seq, time, u8::try_from(payload.len()).expect("short")], payload].concat()
}

#[test]
fn frames() {
    let key: &[u8] = &[0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0];
    let vp8 =
        [packet(16, 1, 0, key), packet(24, 2, 0, &[0, 1]), packet(24, 4, 2, &[0x10, 0x11]), packet(24, 3, 1, &[0x10, 0x11])];
    let hole = [packet(24, 1, 0, key), packet(250, 3, 2, &[0x10, 0x11]), packet(250, 4, 3, key), packet(26, 5, 3, key)];
    let h264 = [
        packet(17, 1, 0, &[0x78, 0, 2, 0x67, 9, 0, 1, 0x68]),
        packet(17, 2, 0, &[0x7c, 0x85, 0x80]),
        packet(25, 3, 0, &[0x7c, 0x45, 3]),
        packet(25, 4, 1, &[0x7c, 0x85, 1]),
    ];
    // Of one layer, and of two with a structure before the first.
    let vp9 = [
        packet(16, 1, 128, &[0x88, 0x80, 1, 0x82]),
        packet(24, 2, 128, &[0x84, 0x80, 1, 1]),
        packet(16, 3, 129, &[0xae, 0x80, 2, 0, 0, 0x18, 0, 64, 0, 48, 1, 0x10, 0x82]),
        packet(24, 4, 129, &[0xac, 0x80, 2, 2, 0, 0x86]),
    ];
    let seeds = [("vp9", vp9.concat()), ("vp8", vp8.concat()), ("hole", hole.concat()), ("h264", h264.concat())];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/media_depacketize");
    for (name, seed) in &seeds {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == *seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        media_depacketize::run(&fs::read(file.expect("a file").path()).expect("readable"));
    }
}

#[test]
fn anything() {
    let mut random = 9_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as u8
    };
    for round in 0..2_000 {
        let heads: [&[u8]; 5] = [
            &[0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0],
            &[0x7c, 0x85, 0x80],
            &[0x67, 1],
            &[0x10, 0x11],
            &[0xac, 0x80, 2, 2],
        ];
        let script: Vec<u8> = (0..40_u8)
            .flat_map(|n| {
                let tail = [next(), next()];
                let seq = if next() < 40 { next() } else { n };
                packet(
                    next(),
                    seq,
                    n / 3 + 0x80 * u8::from(round % 2 == 0),
                    &[heads[usize::from(next()) % 5], &tail[..usize::from(round % 3 == 0)]].concat(),
                )
            })
            .collect();
        media_depacketize::run(&script);
    }
}
