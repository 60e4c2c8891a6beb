//! The corpus of the fuzz target for frames, replayed. `UPDATE=1 cargo test` makes the seeds anew; they differ with the encoders.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../fuzz/harness/mixer_frames.rs"]
mod mixer_frames;
#[path = "pictures/scene.rs"]
mod scene;

use std::fs;
use std::path::PathBuf;

use mixer::picture::VideoCodec;
use scene::Camera;

/// One step of a script.
fn step(what: u8, frame: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frame.len()).unwrap();
    [&[what], length.to_be_bytes().as_slice(), frame].concat()
}

/// A few frames of each codec, turned and mixed; sizes that change; the layout that changes in between.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let stream = |codec: VideoCodec, width, height, what: u8| -> Vec<u8> {
        let mut camera = Camera::new(codec, width, height);
        (0..4).flat_map(|n| step(what | (n as u8 % 4) << 1, &camera.pattern(n))).collect()
    };
    let (vp8, h264) = (stream(VideoCodec::Vp8, 64, 48, 0x20), stream(VideoCodec::H264, 64, 48, 0x29));
    let vp9 = stream(VideoCodec::Vp9, 64, 48, 0x31);
    let sizes = [(16, 16), (64, 32), (32, 64), (128, 96)].map(|(width, height)| stream(VideoCodec::Vp8, width, height, 0x20));
    let layouts = [vp8.clone(), step(0x60, &[]), stream(VideoCodec::H264, 48, 64, 0x31), step(0xd0, &[]), vp8.clone()];
    vec![("vp8", vp8), ("vp9", vp9), ("h264", h264), ("sizes", sizes.concat()), ("layouts", layouts.concat())]
}

#[test]
fn frames() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/mixer_frames");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        seeds().iter().for_each(|(name, seed)| fs::write(folder.join(name), seed).unwrap());
    }
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        mixer_frames::run(&fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= seeds().len());
    // What no seed needs to say.
    for script in [&[][..], &[0], &[0, 0, 0], &[1, 0, 0], &[0, 255, 255, 1], &[0x60; 999], &[0xff; 999]] {
        mixer_frames::run(script);
    }
}

/// Seeds with bits turned and bytes lost, hundreds of them: a fuzzer finds more, but not at each test.
#[test]
fn damaged_frames() {
    for (_, seed) in seeds() {
        let mut random = 1_u64;
        for _ in 0..100 {
            let mut script = seed.clone();
            for _ in 0..8 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (random >> 33) as usize % script.len();
                script[at] ^= 1 << (random >> 30 & 7);
            }
            mixer_frames::run(&script);
        }
    }
}
