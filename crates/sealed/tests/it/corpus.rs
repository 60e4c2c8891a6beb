//! The corpus of the fuzz target for sealed files, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew. Whatever a
//! fuzz run adds to `fuzz/corpus` is replayed too.

use std::fs;
use std::path::PathBuf;

use sealed::Writer;

use crate::sealed_file::{self, Disk, keys};

fn file(finish: bool) -> Vec<u8> {
    let disk = Disk::default();
    let mut writer = Writer::create(disk.clone(), &keys().0[0], |buffer| buffer.fill(9)).expect("written");
    writer.write_at(0, b"what is in it").expect("written");
    writer.flush().expect("written");
    if finish {
        writer.finish().expect("written");
    }
    disk.bytes()
}

/// What is to be done, as the harness reads it: appends, changes, cuts and ends.
fn seeds() -> [(&'static str, Vec<u8>); 4] {
    let growing = [[0, 90, 7], [3, 0, 200], [1, 180, 0], [3, 250, 9], [5, 0, 0], [2, 255, 0], [7, 0, 0]].concat();
    let finished = [[0, 200, 0], [6, 0, 0], [0, 3, 3], [3, 0, 1], [6, 0, 0], [4, 255, 255], [6, 0, 0], [0, 0, 5]].concat();
    [("unfinished", file(false)), ("whole", file(true)), ("growing", growing), ("finished", finished)]
}

#[test]
fn files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sealed_file");
    for (name, seed) in seeds() {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        sealed_file::run(&fs::read(file.expect("a file").path()).expect("readable"));
    }
}

#[test]
fn anything() {
    let mut random = 5_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as u8
    };
    for _ in 0..50 {
        let script: Vec<u8> = (0..30).map(|_| next()).collect();
        sealed_file::run(&script);
    }
}
