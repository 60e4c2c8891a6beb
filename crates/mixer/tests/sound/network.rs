//! What the network does to packets, and clocks to time.

use mixer::input::InputId;
use mixer::sound::Ear;

use super::world::{World, chance, level, loudness, roughness};

const HZ: [f64; 2] = [441.0, 1_000.0];

/// Two voices, of which the first has the same trouble all the time.
fn world(trouble: impl FnOnce(&mut super::world::Sender)) -> World {
    let mut world = World::of_tones(&HZ, 0.2);
    trouble(&mut world.senders[0]);
    world
}

/// The share of ticks that are quieter than this.
fn holes(heard: &[f32], decibels: f64) -> f64 {
    let ticks = heard.chunks_exact(960);
    let count = ticks.len() as f64;
    ticks.filter(|tick| loudness(tick).0 < decibels).count() as f64 / count
}

/// What a tone leaves behind that had no trouble.
fn usual() -> f64 {
    let mut world = world(|_| {});
    world.run(1.0);
    roughness(&world.hear(1, 5.0), HZ[0])
}

#[test]
fn lost_packets_are_concealed() {
    let mut lucky = chance(1);
    let mut world = world(|sender| sender.way = Box::new(move |_| (lucky() > 0.1).then_some(30.0)));
    world.run(1.0);
    let heard = world.hear(1, 10.0);
    assert!((level(&heard, HZ[0]) + 14.0).abs() < 1.5, "{} dB", level(&heard, HZ[0]));
    // Where one is lost soon after another, libopus replaces it by something quieter.
    assert!(holes(&heard, -20.0) < 0.02, "{} are holes", holes(&heard, -20.0));
    let counts = world.mixer.counts();
    assert!(counts.recovered > 30 && counts.late == 0, "{counts:?}");
    assert!(world.delay_ms(0) < 45.0, "{} ms", world.delay_ms(0));
}

#[test]
fn the_packet_after_a_lost_one_brings_it_again() {
    // Packets wait long enough that the one after the lost one is there.
    let mut lucky = chance(7);
    let mut world = world(|sender| {
        sender.expect_loss(20);
        sender.way = Box::new(move |n| (n % 7 != 0).then(|| 10.0 + 50.0 * lucky()));
    });
    world.run(15.0);
    let before = world.mixer.counts();
    world.run(14.0);
    let counts = world.mixer.counts();
    let recovered = counts.recovered - before.recovered;
    assert!((80..=100).contains(&recovered), "{recovered} of 100");
}

#[test]
fn order_does_not_matter() {
    let mut lucky = chance(2);
    let mut world = world(|sender| sender.way = Box::new(move |_| Some(10.0 + 60.0 * lucky())));
    world.run(15.0);
    let before = world.mixer.counts();
    let heard = world.hear(1, 30.0);
    let counts = world.mixer.counts();
    assert!((level(&heard, HZ[0]) + 14.0).abs() < 1.5);
    assert!(counts.late - before.late < 60, "{} of 1500 came too late", counts.late - before.late);
    assert!((55.0..110.0).contains(&world.delay_ms(0)), "{} ms", world.delay_ms(0));
    assert!(holes(&heard, -20.0) < 0.02, "{} are holes", holes(&heard, -20.0));
}

#[test]
fn copies_are_left_out() {
    let mut world = world(|sender| sender.copies = 3);
    world.run(1.0);
    let heard = world.hear(1, 3.0);
    assert!((level(&heard, HZ[0]) + 14.0).abs() < 1.5);
    let counts = world.mixer.counts();
    assert_eq!(counts.duplicate * 2, counts.received, "three of the one, one of the other");
    assert!(roughness(&heard, HZ[0]) < 1.5 * usual());
}

#[test]
fn delay_follows_the_network() {
    let mut lucky = chance(3);
    let mut world = world(|sender| {
        sender.way = Box::new(move |n| Some(if (1_000..2_000).contains(&n) { 10.0 + 120.0 * lucky() } else { 10.0 }));
    });
    let mut check = |seconds: f64, expected: std::ops::Range<f64>| {
        world.run(seconds);
        let delay = world.delay_ms(0);
        assert!(expected.contains(&delay), "{delay} ms after {} s", world.now);
    };
    check(1.0, 19.0..61.0);
    check(18.0, 19.0..41.0);
    check(20.0, 100.0..165.0);
    check(20.0, 19.0..41.0);
}

#[test]
fn wrong_clocks_are_followed() {
    for ppm in [-1_000.0, 1_000.0] {
        drift(ppm, 60.0);
    }
}

fn drift(ppm: f64, seconds: f64) {
    let mut world = world(|sender| sender.ppm = ppm);
    // Nothing else, so that it does not take longer than it must.
    world.senders.pop();
    world.join();
    world.mixer.set_ears(&[Ear::of(InputId(1))]);
    world.run(5.0);
    let before = world.mixer.counts();
    let mut left = seconds;
    while left > 0.0 {
        // Cut off anywhere, the tone would leave 0.012 and more.
        let rough = roughness(&world.hear(1, 10.0), HZ[0]);
        assert!(rough < 4e-4, "a click at {} s: {rough}", world.now);
        assert!((10.0..50.0).contains(&world.delay_ms(0)), "{} ms at {} s", world.delay_ms(0), world.now);
        left -= 10.0;
    }
    let counts = world.mixer.counts();
    assert_eq!((counts.concealed, counts.late, counts.skipped), (before.concealed, 0, 0), "{counts:?}");
    // Each takes away or adds 3 to 15 ms.
    let (drifted, stretched) = (seconds * ppm.abs() * 1e-3, (counts.stretched - before.stretched) as f64);
    assert!((drifted / 15.0 - 3.0..drifted / 3.0 + 3.0).contains(&stretched), "{stretched} for {drifted} ms");
}

#[test]
fn pauses_of_the_sender_are_silence() {
    // From the 100th packet on it sends one of twenty, and from the 300th on all again.
    let quiet = |n: u64| (100..300).contains(&n);
    let mut world = world(|sender| {
        let mut tone = super::world::tone(HZ[0], 0.2);
        sender.sound = Box::new(move |n| if quiet(n / 960) { 0.0 } else { tone(n) });
        sender.spoil = Box::new(move |n, bytes| {
            if quiet(n) {
                bytes.truncate(1)
            }
        });
        sender.way = Box::new(move |n| (!quiet(n) || n % 20 == 0).then_some(20.0));
    });
    world.run(1.9);
    let delay = world.delay_ms(0);
    world.run(0.5);
    let pause = world.hear(1, 3.4);
    assert!(level(&pause, HZ[0]) < -60.0, "{} dB", level(&pause, HZ[0]));
    assert!((level(&pause, HZ[1]) < -60.0), "one's own");
    world.run(0.5);
    assert!((level(&world.hear(1, 1.0), HZ[0]) + 14.0).abs() < 1.5);
    assert!((world.delay_ms(0) - delay).abs() < 20.0, "{delay} ms, then {} ms", world.delay_ms(0));
}

#[test]
fn an_outage_leaves_no_delay() {
    for (outage, expected) in [(60, 80.0), (300, 80.0), (1_500, 80.0), (10_000, 80.0)] {
        // Packets of some time come all at once at its end.
        let until = 100 + outage / 20;
        let mut world = world(|sender| {
            sender.way = Box::new(move |n| Some(10.0 + if (100..until).contains(&n) { (until - n) as f64 * 20.0 } else { 0.0 }));
        });
        world.run(2.0 + outage as f64 / 1e3 + 12.0);
        assert!(world.delay_ms(0) < expected, "{} ms after {outage} ms", world.delay_ms(0));
        let heard = world.hear(1, 1.0);
        assert!((level(&heard, HZ[0]) + 14.0).abs() < 1.5, "after {outage} ms");
    }
}

#[test]
fn packets_may_be_of_any_length() {
    for samples in [120, 240, 480, 1_920, 2_880] {
        let mut world = world(|sender| sender.samples = samples);
        world.run(2.0);
        let before = world.mixer.counts();
        let heard = world.hear(1, 2.0);
        assert!((level(&heard, HZ[0]) + 14.0).abs() < 1.5, "{samples}: {} dB", level(&heard, HZ[0]));
        // Very short ones are not as good by themselves.
        assert!(roughness(&heard, HZ[0]) < 4.0 * usual(), "{samples} clicks");
        assert_eq!(world.mixer.counts().concealed, before.concealed, "{samples}");
        assert!(world.delay_ms(0) < 61.0, "{samples}: {} ms", world.delay_ms(0));
    }
}
