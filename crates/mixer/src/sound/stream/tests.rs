//! One voice for hours. What it sends repeats itself, so that it need not be encoded.

use super::super::clock::ms;
use super::*;
use crate::codec::opus::{OpusEncoder, PACKET_BYTES_MAX};

/// A whole number of turns in each packet.
const HZ: f64 = 450.0;

/// Packets after which it is sent from the beginning.
const PACKETS: u64 = 50;

const LOUDNESS: f64 = 0.2;

fn packets() -> Vec<Vec<u8>> {
    let mut encoder = OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap();
    let turn = std::f64::consts::TAU * HZ / 48_000.0;
    let tone: Vec<f32> = (0..960).map(|n| ((turn * f64::from(n)).sin() * LOUDNESS) as f32).collect();
    let encode = |_| {
        let mut bytes = vec![0; PACKET_BYTES_MAX];
        let size = encoder.encode(&tone, &mut bytes).unwrap();
        bytes.truncate(size);
        bytes
    };
    // It takes a while until they are alike.
    (0..2 * PACKETS).map(encode).skip(usize::try_from(PACKETS).unwrap()).collect()
}

/// What became of a voice.
#[derive(Debug)]
struct Heard {
    counts: SoundCounts,
    /// The longest wait, in samples.
    longest: Samples,
    /// The largest sample of what is left without the tone.
    roughness: f64,
}

/// Hears a voice for so many seconds, whose clock is wrong by so many in a million, and whose packets take as many samples as this says.
fn hear(seconds: i64, ppm: i64, way: impl Fn(i64) -> Samples) -> Heard {
    let (packets, mut stream) = (packets(), Stream::new(Channels::Mono).unwrap());
    let mut heard = Heard { counts: SoundCounts::default(), longest: 0, roughness: 0.0 };
    let turn = 2.0 * (std::f64::consts::TAU * HZ / 48_000.0).cos();
    let (mut sound, mut before, mut number) = ([0.0; TICK], [0.0; 2], 0);
    for tick in 0..seconds * 50 {
        let now = tick * TICK_SAMPLES;
        let due = |number: i64| number * TICK_SAMPLES - number * TICK_SAMPLES * ppm / 1_000_000;
        while due(number) <= now {
            let payload = &packets[usize::try_from(number).unwrap() % packets.len()];
            let packet = OpusPacket { sequence: number as u16, timestamp: (number * TICK_SAMPLES) as u32, payload };
            stream.push(due(number) + way(number), packet, &mut heard.counts);
            number += 1;
        }
        stream.pull(now, &mut sound, &mut heard.counts);
        // The first seconds are for finding out.
        if tick > 1_000 {
            heard.longest = heard.longest.max(stream.wait());
            for sample in sound.map(f64::from) {
                heard.roughness = heard.roughness.max((sample - turn * before[1] + before[0]).abs());
                before = [before[1], sample];
            }
        }
        before = [f64::from(sound[TICK - 2]), f64::from(sound[TICK - 1])];
    }
    heard
}

fn check(seconds: i64, ppm: i64) {
    let heard = hear(seconds, ppm, |_| 0);
    let counts = heard.counts;
    assert_eq!((counts.concealed, counts.late, counts.skipped, counts.broken), (0, 0, 0, 0), "{counts:?}");
    assert!(heard.longest < ms(45), "{} ms", heard.longest / ms(1));
    // Cut off anywhere, the tone would leave 0.012 and more.
    assert!(heard.roughness < 4e-4, "a click of {}", heard.roughness);
    // Each takes away or adds 3 to 10 ms. The beginning is not counted.
    let (drifted, stretched) = ((seconds * ppm.abs() / 1_000) as u64, counts.stretched);
    assert!((drifted / 10..drifted / 3 + 10).contains(&stretched), "{stretched} for {drifted} ms");
}

#[test]
fn wrong_clocks_are_followed() {
    for ppm in [-200, 0, 200] {
        check(300, ppm);
    }
}

fn check_uneven(seconds: i64, ppm: i64) {
    // Up to 40 ms late, in an order that hardly repeats itself.
    let heard = hear(seconds, ppm, |number| number * 7_919 % ms(40));
    assert!(heard.longest < ms(85), "{} ms", heard.longest / ms(1));
    assert!(heard.counts.concealed < seconds.cast_unsigned() * 480, "more than one in a hundred: {:?}", heard.counts);
    assert_eq!((heard.counts.skipped, heard.counts.restarts), (0, 0), "{:?}", heard.counts);
}

#[test]
fn wrong_clocks_are_followed_over_an_uneven_network() {
    check_uneven(300, -200);
    check_uneven(300, 200);
}

/// `cargo test --release -p kennel-mixer --lib -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn wrong_clocks_are_followed_for_half_a_day() {
    for ppm in [-200, 200] {
        check(12 * 3_600, ppm);
        check_uneven(12 * 3_600, ppm);
    }
}
