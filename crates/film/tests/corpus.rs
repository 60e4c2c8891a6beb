//! The corpus of the fuzz target, replayed as it is and mangled.

#[path = "../../../fuzz/harness/film_file.rs"]
mod film_file;

use std::path::PathBuf;

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/film_file");
    let files = std::fs::read_dir(folder).expect("a corpus").flatten().map(|file| file.path());
    let mut all: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).expect("readable"))).collect();
    all.sort();
    all
}

#[test]
fn films() {
    assert!(corpus().len() >= 4);
    for (path, bytes) in corpus() {
        println!("{}", path.display());
        film_file::run(&bytes);
    }
}

#[test]
fn mangled_films_harm_nothing() {
    let mut random: u64 = 7;
    let mut next = move |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let corpus = corpus();
    for _ in 0..400 {
        let mut bytes = corpus[next(corpus.len())].1.clone();
        for _ in 0..=next(6) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = next(256) as u8,
                1 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                _ => bytes.truncate(at.max(16)),
            }
        }
        film_file::run(&bytes);
    }
}
