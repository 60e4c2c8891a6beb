//! The corpus of the fuzz target for sound, replayed. The seeds are made here: `UPDATE=1 cargo test` writes them anew. Whatever a fuzz
//! run adds to `fuzz/corpus` is replayed too.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../../../fuzz/harness/mixer_sound.rs"]
mod mixer_sound;

use std::fs;
use std::path::PathBuf;

use mixer::codec::opus::{Channels, OpusEncoder};

const TICK: u8 = 0;
const PAUSE: u8 = 1;
const VOICE: u8 = 2;
const EAR: u8 = 3;
const CHIME: u8 = 4;
const IN_ORDER: u8 = 5;
const ANY_TIME: u8 = 6;

/// One step of a script.
fn step(what: u8, number: u16, time: u16, payload: &[u8]) -> Vec<u8> {
    let size = u8::try_from(payload.len()).unwrap();
    [&[what], &number.to_be_bytes()[..], &time.to_be_bytes(), &[size], payload].concat()
}

/// Packets of a tone of so many samples each.
fn packets(count: u16, samples: usize) -> Vec<Vec<u8>> {
    let mut encoder = OpusEncoder::new(Channels::Mono, 16_000, 0).unwrap();
    encoder.set_loss(20).unwrap();
    let tone = |n: u16| (0..samples).map(|s| ((usize::from(n) * samples + s) as f32 * 0.04).sin() * 0.3).collect::<Vec<f32>>();
    let encode = |n| {
        let mut bytes = vec![0; 255];
        let size = encoder.encode(&tone(n), &mut bytes).unwrap();
        bytes.truncate(size);
        bytes
    };
    (0..count).map(encode).collect()
}

/// Packets and a tick after each, unless the packet is lost; what comes before each.
fn stream(count: u16, lost: impl Fn(u16) -> bool, before: impl Fn(u16) -> Vec<u8>) -> Vec<u8> {
    let steps = packets(count, 960).into_iter().zip(0_u16..).flat_map(|(packet, n)| {
        let sent = if lost(n) { Vec::new() } else { step(IN_ORDER, n, 0, &packet) };
        [before(n), sent, step(TICK, 0, 0, &[])].concat()
    });
    std::iter::once(0).chain(steps).collect()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let nothing = |_| Vec::new();
    let wishes = |n: u16| match n % 10 {
        3 => step(VOICE, n * 7, n, &[]),
        6 => step(EAR, n.wrapping_mul(1_099), n, &[]),
        9 => step(CHIME, n / 10, 0, &[]),
        _ => Vec::new(),
    };
    let pauses = |n: u16| if n.is_multiple_of(15) { step(PAUSE, 0, n * 20, &[]) } else { Vec::new() };
    let lies = |n: u16| match n % 4 {
        0 => step(IN_ORDER, n, 0, &[0b0000_1011, 63, 1, 2, 3]),
        1 => step(ANY_TIME, n.wrapping_mul(977), n.wrapping_mul(3_001), &[0b1111_1000, 255, 254]),
        2 => step(IN_ORDER, n + 500, 0, &[0b0000_1000]),
        _ => step(IN_ORDER, n, 0, &[]),
    };
    let long = packets(10, 2_880).into_iter().zip(0_u16..).flat_map(|(packet, n)| step(ANY_TIME, n * 2_880, 0, &packet));
    vec![
        ("stream", stream(60, |_| false, nothing)),
        ("losses", stream(60, |n| n % 5 == 0 || (30..37).contains(&n), nothing)),
        ("wishes", stream(60, |_| false, wishes)),
        ("pauses", stream(60, |_| false, pauses)),
        ("lies", stream(60, |_| false, lies)),
        ("long", std::iter::once(1).chain(long).collect()),
    ]
}

#[test]
fn replay() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/mixer_sound");
    for (name, seed) in seeds() {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &seed)).unwrap();
        }
        // What an encoder makes of a tone differs from one version of it to another; that there is a seed does not.
        assert!(path.exists(), "{name} is missing; UPDATE=1 writes it");
        mixer_sound::run(&seed);
    }
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        mixer_sound::run(&fs::read(&path).unwrap());
    }
}
