//! The corpus of the fuzz target for files, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew. Whatever a fuzz
//! run adds to `fuzz/corpus` is replayed too.

#[path = "../../../fuzz/harness/container_repair.rs"]
mod container_repair;
mod support;

use std::fs;
use std::path::PathBuf;

use container::matroska::Writer;
use container::mp4::Growing;
use container::{Block, Track};
use support::mp4::{avc, blocks};
use support::{BEGAN, apply, camera, drain, picture, scene, sound};

fn file(tracks: &[Track], blocks: impl IntoIterator<Item = Block>, finish: bool) -> Vec<u8> {
    let (mut writer, mut file) = (Writer::new(tracks, BEGAN), Vec::new());
    blocks.into_iter().for_each(|block| writer.push(block));
    if finish {
        writer.finish(true);
    }
    drain(&mut writer, &mut file);
    file
}

/// The same of an MP4.
fn mp4(finish: bool) -> Vec<u8> {
    let (mut writer, mut file) = (Growing::new(&[avc(), Track::opus(2)], BEGAN).expect("tracks"), Vec::new());
    blocks().into_iter().for_each(|block| writer.push(block));
    if finish {
        writer.finish(true);
    }
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    file
}

fn seeds() -> [(&'static str, Vec<u8>); 6] {
    let turned = Block { rotation: Some(90), ..picture(0, 40, false) };
    let both = scene();
    let growing = file(&both.0, both.1.into_iter().take(60), false);
    [
        ("sound", file(&[Track::opus(1)], (0..4).map(|n| sound(20 * n)), true)),
        ("turned", file(&[camera()], [picture(0, 0, true), turned, picture(0, 900, true)], true)),
        ("cut", growing[..growing.len() - 9].to_vec()),
        ("growing", growing),
        ("fragments", mp4(false)),
        ("ordinary", mp4(true)),
    ]
}

#[test]
fn files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/container_repair");
    for (name, seed) in seeds() {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        container_repair::run(&fs::read(file.expect("a file").path()).expect("readable"));
    }
}

#[test]
fn anything() {
    let mut random = 5_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for round in 0..6_000 {
        let mut file = seeds_once()[round % 6].clone();
        for _ in 0..next() % 4 + 1 {
            let at = next() % file.len();
            match next() % 3 {
                0 => file[at] = next() as u8,
                1 => drop(file.drain(at..(at + next() % 9).min(file.len()))),
                _ => file.insert(at, [0, 0xff, 0x80, 0xa3][next() % 4]),
            }
            if file.is_empty() {
                break;
            }
        }
        container_repair::run(&file);
    }
}

fn seeds_once() -> &'static [Vec<u8>; 6] {
    static SEEDS: std::sync::OnceLock<[Vec<u8>; 6]> = std::sync::OnceLock::new();
    SEEDS.get_or_init(|| seeds().map(|(_, seed)| seed))
}
