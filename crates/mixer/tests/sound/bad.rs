//! What no honest sender does. Nobody else may notice.

use mixer::input::InputId;
use mixer::sound::limit::{EARS_MAX, VOICES_MAX};
use mixer::sound::{Ear, OpusPacket, SoundCounts, Voice};

use super::world::{Sender, World, chance, level};

const HZ: [f64; 3] = [441.0, 1_000.0, 1_700.0];

/// Whether the third hears the second, no quieter than by this, while the first does that, and the first once it is over.
fn check(what: &str, until: u64, least_db: f64, harm: impl FnOnce(&mut Sender)) -> SoundCounts {
    let mut world = World::of_tones(&HZ, 0.1);
    harm(&mut world.senders[0]);
    world.run(0.5);
    let heard = world.hear(2, 3.0);
    assert!((least_db..1.5).contains(&(level(&heard, HZ[1]) + 20.0)), "{what}: the other at {} dB", level(&heard, HZ[1]));
    assert!(world.delay_ms(1) < 45.0, "{what}: the other by {} ms", world.delay_ms(1));
    if until < u64::MAX {
        world.run(until as f64 / 50.0 + 5.0 - world.now);
        let heard = world.hear(2, 1.0);
        assert!((level(&heard, HZ[0]) + 20.0).abs() < 1.5, "{what}: {} dB when it is over", level(&heard, HZ[0]));
        assert!(world.delay_ms(0) < 60.0, "{what}: {} ms when it is over", world.delay_ms(0));
    }
    world.mixer.counts()
}

#[test]
fn damaged_packets_are_concealed() {
    let mut bits = chance(5);
    // Noise is loud, and taken back together with all else.
    let counts = check("noise", 200, -4.0, |sender| {
        sender.spoil = Box::new(move |n, bytes| {
            if n < 200 {
                bytes.iter_mut().skip(1).for_each(|byte| *byte = (bits() * 256.0) as u8);
            }
        });
    });
    assert!(counts.broken > 0, "louder than anything that was ever encoded: {counts:?}");
    let counts = check("lies", 200, -1.5, |sender| {
        // Two frames of the same size in an odd number of bytes.
        sender.spoil = Box::new(|n, bytes| {
            if n < 200 && n % 2 == 0 {
                *bytes = vec![bytes[0] & 0xfc | 1, 7]
            }
        });
    });
    assert_eq!(counts.broken, 100);
    let counts = check("huge", u64::MAX, -1.5, |sender| sender.spoil = Box::new(|_, bytes| bytes.resize(5_000, 0)));
    assert_eq!(counts.broken, counts.received / 3);
}

#[test]
fn long_packets_are_cut_short() {
    // Six frames of 20 ms in every packet, though the next comes after 20 ms.
    check("long", 200, -1.5, |sender| {
        sender.spoil = Box::new(|n, bytes| {
            if n < 200 {
                let frame = bytes[1..].to_vec();
                *bytes = [&[bytes[0] & 0xfc | 3, 6], frame.repeat(6).as_slice()].concat();
                bytes.truncate(2 + frame.len() * 6);
            }
        });
    });
}

#[test]
fn numbers_and_times_may_jump() {
    let counts = check("number", 100, -1.5, |sender| sender.sequence = 0);
    assert_eq!(counts.restarts, 0);
    for by in [1_u32 << 31, 96_000 * 5, u32::MAX - 96_000 * 5] {
        let mut world = World::of_tones(&HZ, 0.1);
        world.run(1.0);
        world.senders[0].timestamp = world.senders[0].timestamp.wrapping_add(by);
        world.run(1.0);
        assert!((level(&world.hear(2, 1.0), HZ[0]) + 20.0).abs() < 1.5, "after a jump by {by}");
        assert_eq!(world.mixer.counts().restarts, 1);
        world.senders[0].sequence = world.senders[0].sequence.wrapping_add(20_000);
        world.run(1.0);
        assert!((level(&world.hear(2, 1.0), HZ[0]) + 20.0).abs() < 1.5, "after another count");
        assert_eq!(world.mixer.counts().restarts, 2);
    }
}

#[test]
fn chaos_harms_nobody_else() {
    let mut world = World::of_tones(&HZ, 0.1);
    let mut any = chance(6);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        for _ in 0..500 {
            let payload: Vec<u8> = (0..(any() * 40.0) as usize).map(|_| (any() * 256.0) as u8).collect();
            let packet = OpusPacket {
                sequence: (any() * 65_536.0) as u16,
                timestamp: (any() * f64::from(u32::MAX)) as u32,
                payload: &payload,
            };
            // Some come from one that is heard, the others from nobody.
            world.mixer.push(start, InputId((any() * 8.0) as u64 * 7), packet);
        }
        world.run(0.02);
    }
    let heard = world.hear(2, 1.0);
    assert!((level(&heard, HZ[1]) + 20.0).abs() < 1.5);
    let counts = world.mixer.counts();
    assert!(counts.unknown > 40_000 && counts.restarts > 0 && counts.broken > 0, "{counts:?}");
    world.run(5.0);
    assert!((level(&world.hear(2, 1.0), HZ[0]) + 20.0).abs() < 1.5, "and it is heard when it is over");
}

#[test]
fn there_are_no_more_than_fit() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.mixer.set_voices(&(0..VOICES_MAX as u64 + 2).map(|n| Voice::of(InputId(n))).collect::<Vec<_>>());
    assert_eq!(world.mixer.counts().refused, 2);
    world.mixer.set_ears(&(1_000..1_003 + EARS_MAX as u64).map(|n| Ear::of(InputId(n))).collect::<Vec<_>>());
    assert_eq!(world.mixer.counts().refused, 5);
    world.run(0.1);
    assert_eq!(world.mixer.encoders(), 1);
}
