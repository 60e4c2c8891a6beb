//! What each ear hears, judged by the level of a tone of each voice's own.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod bad;
mod network;
mod wishes;
mod world;

use mixer::codec::opus::Channels;
use mixer::input::InputId;
use mixer::sound::{Chime, Ear, Voice};
use world::{Sender, World, level, loudness, tone};

const HZ: [f64; 4] = [400.0, 710.0, 1_130.0, 1_900.0];

#[test]
fn everyone_hears_all_the_others() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.run(1.0);
    world.heard.clear();
    world.run(2.0);
    for (ear, samples) in &world.heard {
        for (n, hz) in HZ.iter().enumerate() {
            let level = level(samples, *hz) + 20.0;
            if ear.0 == n as u64 {
                assert!(level < -40.0, "{ear:?} hears itself at {level} dB");
            } else {
                assert!(level.abs() < 1.5, "{ear:?} hears {n} at {level} dB");
            }
        }
    }
}

#[test]
fn nobody_is_silence_and_goes_on() {
    let mut world = World::new(Channels::Mono);
    world.mixer.set_ears(&[Ear::of(InputId(1)), Ear::of(InputId(2))]);
    let heard = world.hear(1, 1.0);
    assert_eq!(heard.len(), 48_000);
    assert!(loudness(&heard).1 < -80.0);
    assert_eq!(world.mixer.encoders(), 1, "both hear the same");
}

#[test]
fn two_channels_stay_apart() {
    let mut world = World::new(Channels::Stereo);
    world.senders.push(Sender::new(1, tone(500.0, 0.1)));
    world.join();
    world.mixer.set_ears(&[Ear::of(InputId(1)), Ear::of(InputId(2))]);
    world.run(1.0);
    let heard = world.hear(2, 1.0);
    for side in 0..2 {
        let samples: Vec<f32> = heard.iter().copied().skip(side).step_by(2).collect();
        assert!((level(&samples, 500.0) + 20.0).abs() < 1.5);
    }
}

#[test]
fn who_comes_late_hears_and_is_heard() {
    let mut world = World::of_tones(&HZ[..2], 0.1);
    world.run(1.0);
    let mut late = Sender::new(2, tone(HZ[2], 0.1));
    late.due = world.now;
    world.senders.push(late);
    world.join();
    world.run(0.5);
    world.heard.clear();
    world.run(1.0);
    assert!((level(&world.heard[&InputId(0)], HZ[2]) + 20.0).abs() < 1.5);
    assert!((level(&world.heard[&InputId(2)], HZ[0]) + 20.0).abs() < 1.5);
    world.senders.pop();
    world.mixer.set_voices(&[Voice::of(InputId(0)), Voice::of(InputId(1))]);
    world.run(0.1);
    assert!(level(&world.hear(0, 1.0), HZ[2]) < -60.0, "who has left is not heard");
}

#[test]
fn ears_that_hear_the_same_share_an_encoder() {
    let mut world = World::of_tones(&HZ, 0.1);
    let check = |world: &mut World, change: &dyn Fn(&mut Vec<Voice>, &mut Vec<Ear>), expected: usize| {
        let mut voices: Vec<Voice> = (0..4).map(|n| Voice::of(InputId(n))).collect();
        let mut ears: Vec<Ear> = (0..14).map(|n| Ear::of(InputId(n))).collect();
        change(&mut voices, &mut ears);
        world.mixer.set_voices(&voices);
        world.mixer.set_ears(&ears);
        world.run(0.1);
        assert_eq!(world.mixer.encoders(), expected);
    };
    // Four who speak, and one for the ten who do not.
    check(&mut world, &|_, _| {}, 5);
    check(&mut world, &|_, ears| ears.iter_mut().for_each(|ear| ear.hears = false), 1);
    check(&mut world, &|_, ears| ears[4].gain_db = -6.0, 6);
    check(&mut world, &|_, ears| ears[0].own.push(InputId(4)), 5);
    check(&mut world, &|voices, _| voices[0].muted = true, 4);
    check(&mut world, &|voices, _| voices.clear(), 1);
}

#[test]
fn everyone_hears_a_chime() {
    for (chime, hz, length) in [(Chime::Enter, &[500.0, 600.0, 700.0][..], 0.2), (Chime::Exit, &[100.0, 200.0, 300.0], 0.5)] {
        let mut world = World::of_tones(&[1_900.0, 2_300.0], 0.1);
        world.run(0.5);
        world.mixer.chime(chime);
        let heard = world.hear(1, length + 0.02);
        for hz in hz {
            assert!((-30.0..-18.0).contains(&level(&heard, *hz)), "{chime:?}: {} dB at {hz} Hz", level(&heard, *hz));
        }
        assert!(level(&world.hear(1, 0.5), hz[0]) < -60.0, "it is over");
    }
}
