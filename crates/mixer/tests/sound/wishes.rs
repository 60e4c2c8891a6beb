//! What people want: muted, deaf, louder, and to be told who talks.

use mixer::input::InputId;
use mixer::sound::{Ear, Voice};

use super::world::{Sender, World, chance, level, roughness, tone};

const HZ: [f64; 3] = [441.0, 1_000.0, 1_700.0];

fn voices(change: impl Fn(&mut [Voice])) -> Vec<Voice> {
    let mut voices: Vec<Voice> = (0..3).map(|n| Voice::of(InputId(n))).collect();
    change(&mut voices);
    voices
}

fn ears(change: impl Fn(&mut [Ear])) -> Vec<Ear> {
    let mut ears: Vec<Ear> = (0..3).map(|n| Ear::of(InputId(n))).collect();
    change(&mut ears);
    ears
}

#[test]
fn who_is_muted_is_not_heard() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.run(1.0);
    world.mixer.set_voices(&voices(|voices| voices[0].muted = true));
    world.run(0.1);
    world.heard.clear();
    world.run(1.0);
    let heard = |ear: u64, n: usize| level(&world.heard[&InputId(ear)], HZ[n]) + 20.0;
    assert!(heard(1, 0) < -40.0 && heard(2, 0) < -40.0);
    assert!(heard(0, 1).abs() < 1.5 && heard(0, 2).abs() < 1.5 && heard(1, 2).abs() < 1.5, "the others are heard");
    world.mixer.set_voices(&voices(|_| {}));
    world.run(0.1);
    assert!((level(&world.hear(1, 1.0), HZ[0]) + 20.0).abs() < 1.5, "and it again");
    assert!(world.delay_ms(0) < 45.0);
}

/// How easily somebody counts as talking is no way to silence them.
#[test]
fn who_is_not_sensitive_at_all_never_talks_and_is_heard() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.run(1.0);
    assert!(world.talked.iter().any(|(_, who, on)| (who.0, *on) == (0, true)));
    world.mixer.set_voices(&voices(|voices| voices[0].sensitivity = 0));
    world.run(0.1);
    assert_eq!(world.talked.last().map(|(_, who, on)| (who.0, *on)), Some((0, false)));
    world.talked.clear();
    let heard = world.hear(1, 1.0);
    assert!((level(&heard, HZ[0]) + 20.0).abs() < 1.5, "{} dB", level(&heard, HZ[0]));
    assert!(world.talked.iter().all(|(_, who, _)| who.0 != 0));
}

#[test]
fn who_is_deaf_hears_nothing() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.run(1.0);
    world.mixer.set_ears(&ears(|ears| ears[0].hears = false));
    world.run(0.1);
    world.heard.clear();
    world.run(1.0);
    assert!(world.heard[&InputId(0)].iter().all(|sample| sample.abs() < 1e-3));
    assert!((level(&world.heard[&InputId(1)], HZ[0]) + 20.0).abs() < 1.5);
    world.mixer.set_ears(&ears(|_| {}));
    world.run(0.1);
    assert!((level(&world.hear(0, 1.0), HZ[1]) + 20.0).abs() < 1.5);
}

#[test]
fn loudness_is_as_wanted() {
    let check = |voice_db: f32, ear_db: f32, expected: f64| {
        let mut world = World::of_tones(&HZ, 0.03);
        world.mixer.set_voices(&voices(|voices| voices[0].gain_db = voice_db));
        world.mixer.set_ears(&ears(|ears| ears[1].gain_db = ear_db));
        world.run(1.0);
        let level = level(&world.hear(1, 1.0), HZ[0]) + 30.46;
        assert!((level - expected).abs() < 1.0, "{voice_db} and {ear_db}: {level} dB");
    };
    check(0.0, 0.0, 0.0);
    check(12.0, 0.0, 12.0);
    check(-12.0, 0.0, -12.0);
    check(0.0, 12.0, 12.0);
    check(6.0, -12.0, -6.0);
    check(f32::NAN, 0.0, 0.0);
}

#[test]
fn a_screen_of_ones_own_is_not_heard() {
    let mut world = World::of_tones(&HZ, 0.1);
    world.mixer.set_ears(&ears(|ears| ears[0].own.push(InputId(1))));
    world.run(1.0);
    let heard = world.hear(0, 1.0);
    assert!(level(&heard, HZ[0]) < -60.0 && level(&heard, HZ[1]) < -60.0 && level(&heard, HZ[2]) > -21.5);
}

#[test]
fn changes_do_not_click() {
    // One voice sounds, so that what is left of it without its tone tells of clicks.
    let mut world = World::of_tones(&HZ[..1], 0.1);
    world.senders.push(Sender::new(1, |_| 0.0));
    world.senders.push(Sender::new(2, |_| 0.0));
    world.mixer.set_voices(&voices(|_| {}));
    world.mixer.set_ears(&ears(|_| {}));
    world.run(1.0);
    let mut check = |what: &str, change: &dyn Fn(&mut World, bool)| {
        for again in [true, false, true, false] {
            change(&mut world, again);
            // Cut off anywhere, the tone would leave 0.006 and more.
            let rough = roughness(&world.hear(1, 0.5), HZ[0]);
            assert!(rough < 3e-4, "{what}: {rough}");
        }
    };
    check("voice", &|world, on| {
        world.mixer.set_voices(&voices(|voices| voices[0].gain_db = if on { -12.0 } else { 0.0 }));
    });
    check("ear", &|world, on| world.mixer.set_ears(&ears(|ears| ears[1].gain_db = if on { -12.0 } else { 0.0 })));
    check("mute", &|world, on| world.mixer.set_voices(&voices(|voices| voices[0].muted = on)));
    check("one's own mute", &|world, on| world.mixer.set_voices(&voices(|voices| voices[1].muted = on)));
    check("deaf", &|world, on| world.mixer.set_ears(&ears(|ears| ears[1].hears = !on)));
}

#[test]
fn many_at_full_loudness_are_kept_within_bounds() {
    let hz: Vec<f64> = (0..16).map(|n| 300.0 + 171.0 * f64::from(n)).collect();
    let mut world = World::of_tones(&hz, 1.0);
    world.run(2.0);
    let heard = world.hear(0, 2.0);
    let peak = heard.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.6..1.05).contains(&peak), "{peak}");
    let levels: Vec<f64> = hz[1..].iter().map(|hz| level(&heard, *hz)).collect();
    let mean = levels.iter().sum::<f64>() / 15.0;
    assert!(levels.iter().all(|level| (level - mean).abs() < 1.5), "{levels:?}");
    assert!(level(&heard, hz[0]) < mean - 15.0, "one's own at {} of {mean} dB", level(&heard, hz[0]));
}

#[test]
fn who_talks_is_told() {
    let mut world = World::of_tones(&HZ, 0.0);
    let mut spoken = tone(300.0, 0.1);
    world.senders[0].sound = Box::new(move |n| if (48_000..96_000).contains(&n) { spoken(n) } else { 0.0 });
    let mut noise = chance(4);
    world.senders[1].sound = Box::new(move |_| (noise() - 0.5) as f32 * 0.01);
    world.run(5.0);
    let times: Vec<f64> = world.talked.iter().map(|(at, _, _)| *at).collect();
    assert_eq!(world.talked.iter().map(|(_, who, on)| (who.0, *on)).collect::<Vec<_>>(), [(0, true), (0, false)]);
    assert!((1.0..1.2).contains(&times[0]) && (3.0..3.3).contains(&times[1]), "{times:?}");
    world.mixer.set_voices(&voices(|voices| voices[1].sensitivity = 90));
    world.run(0.5);
    assert_eq!(world.talked.last().map(|(_, who, on)| (who.0, *on)), Some((1, true)));
    world.mixer.set_voices(&voices(|voices| (voices[1].sensitivity, voices[1].muted) = (90, true)));
    world.run(0.1);
    assert_eq!(world.talked.last().map(|(_, who, on)| (who.0, *on)), Some((1, false)));
}
