//! What the estimate does over links of all sorts.

use crate::link::{Dice, MS, SECOND, Weather};
use crate::scene::{Load, Other, Sample, Scene};

const THREE: &[u64] = &[150_000, 500_000, 2_000_000];
const FOLLOW: Load = Load::Follow(6_000_000);
const LAYERS: Load = Load::Layers(THREE);

fn wide(bits_per_s: u64) -> Weather {
    Weather::wide(bits_per_s)
}

/// Thirty seconds over a link, from 300 kbit/s on.
fn run(load: Load, weather: Weather, seed: u64) -> Scene {
    let mut scene = Scene::new(300_000, load, weather, seed);
    scene.run(30 * SECOND);
    scene
}

fn mean(samples: &[Sample], of: fn(&Sample) -> u64) -> u64 {
    samples.iter().map(of).sum::<u64>() / samples.len() as u64
}

/// The value of which so many percent are no more.
fn percent(samples: &[Sample], percent: usize, of: fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values[(values.len() - 1) * percent / 100]
}

/// How long until then, in milliseconds.
fn after(scene: &Scene, from: u64, is: impl Fn(&Sample) -> bool) -> Option<u64> {
    scene.since(from).iter().find(|sample| is(sample)).map(|sample| (sample.at - from) / MS)
}

/// Tenths of a second.
fn count(samples: &[Sample], is: impl Fn(&Sample) -> bool) -> usize {
    samples.iter().filter(|sample| is(sample)).count()
}

#[track_caller]
fn check(name: &str, holds: bool, scene: &Scene) {
    if !holds {
        show(name, scene, 0);
        panic!("{name}");
    }
}

fn show(name: &str, scene: &Scene, from: u64) {
    if std::env::var("SHOW").is_ok_and(|wanted| name.contains(&wanted)) {
        println!("-- {name}: probes {:?}", scene.probes.iter().map(|(at, rate)| (at / MS, rate / 1_000)).collect::<Vec<_>>());
        scene.log.iter().for_each(|sample| println!("{sample:?}"));
    }
    let part = scene.since(from);
    let kilo = |of: fn(&Sample) -> u64, at: usize| percent(part, at, of) / 1_000;
    println!(
        "{name:32} told {:5} [{:5}..{:5}] sent {:5} probes {:2} waits p50 {:3} p95 {:3} max {:3} ms",
        mean(part, |sample| sample.told) / 1_000,
        kilo(|sample| sample.told, 0),
        kilo(|sample| sample.told, 100),
        mean(part, |sample| sample.sent) / 1_000,
        scene.probes.iter().filter(|(at, _)| *at >= from).count(),
        percent(part, 50, |sample| sample.waits),
        percent(part, 95, |sample| sample.waits),
        percent(part, 100, |sample| sample.waits),
    );
}

#[test]
fn what_is_wanted_is_found_within_a_second() {
    for (delay, most) in [(25, 1_000), (100, 2_000)] {
        let scene = run(Load::Follow(2_500_000), Weather { delay: delay * MS, ..wide(10_000_000) }, 1);
        let found = after(&scene, 0, |sample| sample.told >= 2_300_000);
        check(&format!("found after {found:?} ms"), found.is_some_and(|found| found <= most), &scene);
    }
}

#[test]
fn on_an_even_link_the_estimate_is_steady_and_nothing_waits() {
    for bits_per_s in [300_000, 1_000_000, 2_500_000, 5_000_000] {
        let scene = run(FOLLOW, wide(bits_per_s), 1);
        let part = scene.since(5 * SECOND);
        let told = mean(part, |sample| sample.told);
        // Pictures of so few packets tell little of what waits.
        let apart = if bits_per_s > 300_000 { told / 10 } else { told / 5 };
        let near = count(part, |sample| sample.told.abs_diff(told) <= apart) * 100 / part.len();
        check(&format!("{near} % within {apart} of {told}"), near >= 85, &scene);
        check(&format!("{told} of {bits_per_s}"), (bits_per_s * 8 / 10..=bits_per_s).contains(&told), &scene);
        let (usual, most) = (percent(part, 50, |sample| sample.waits), percent(part, 95, |sample| sample.waits));
        check(&format!("{usual} ms of queue, {most}"), usual <= 30 && most <= 100, &scene);
    }
}

#[test]
fn when_there_is_less_room_less_is_sent_within_a_second() {
    for (before, now) in [(5_000_000, 2_500_000), (2_500_000, 1_250_000), (2_500_000, 300_000)] {
        let mut scene = Scene::new(300_000, FOLLOW, wide(before), 1);
        scene.run(20 * SECOND);
        let from = scene.now;
        scene.link.weather.bits_per_s = now;
        scene.run(20 * SECOND);
        let less = after(&scene, from, |sample| sample.told <= now);
        check(&format!("less after {less:?} ms"), less.is_some_and(|less| less <= 1_000), &scene);
        let long = count(scene.since(from), |sample| sample.waits > 250) * 100;
        check(&format!("{long} ms of a long queue"), long <= 2_500, &scene);
        let settled = scene.since(from + 5 * SECOND);
        check("no queue stays", percent(settled, 95, |sample| sample.waits) <= 120, &scene);
        check("the room is used", mean(settled, |sample| sample.told) >= now * 3 / 4, &scene);
    }
}

#[test]
fn too_high_a_first_estimate_does_no_harm_for_long() {
    for (bits_per_s, queue) in [(300_000, 400), (1_000_000, 400), (1_000_000, 2_000)] {
        let mut scene = Scene::new(5_000_000, FOLLOW, Weather { queue: queue * MS, ..wide(bits_per_s) }, 1);
        scene.run(20 * SECOND);
        let long = count(&scene.log, |sample| sample.waits > 250) * 100;
        check(&format!("{long} ms of a long queue"), long as u64 <= 2 * queue + 2_000, &scene);
    }
}

#[test]
fn chance_loses_packets_not_pictures() {
    for (loss, least) in [(20, 2_000_000), (50, 1_900_000), (100, 1_700_000), (300, 1_000_000)] {
        let scenes: Vec<Scene> = (1..=8).map(|seed| run(FOLLOW, Weather { loss, ..wide(2_500_000) }, seed)).collect();
        let told: Vec<u64> = scenes.iter().map(|scene| mean(scene.since(5 * SECOND), |sample| sample.told)).collect();
        println!("{loss} per thousand: {told:?}");
        let all = told.iter().sum::<u64>() / told.len() as u64;
        check(&format!("{all} at {loss} per thousand"), all >= least, &scenes[0]);
        check("each", told.iter().all(|told| *told >= least / 2), &scenes[0]);
        let share = f64::from(scenes[0].congestion.loss()) * 1_000.0;
        check(&format!("{share} lost"), (share - loss as f64).abs() <= 70.0, &scenes[0]);
    }
}

#[test]
fn over_a_bad_line_a_layer_stays() {
    for (loss, jitter, least) in [(50, 0, 2_400_000), (300, 0, 1_000_000), (0, 60, 1_500_000), (50, 60, 1_200_000)] {
        let weather = Weather { loss, jitter: jitter * MS, ..wide(10_000_000) };
        let told: Vec<u64> =
            (1..=8).map(|seed| mean(run(LAYERS, weather, seed).since(5 * SECOND), |sample| sample.told)).collect();
        println!("{loss} per thousand, {jitter} ms: {told:?}");
        assert!(told.iter().sum::<u64>() / told.len() as u64 >= least, "{told:?}");
    }
}

#[test]
fn what_is_lost_for_lack_of_room_is_room() {
    // A queue so short that nothing is to be seen of it but what it drops.
    let scene = run(FOLLOW, Weather { queue: 20 * MS, ..wide(2_500_000) }, 1);
    let told = mean(scene.since(5 * SECOND), |sample| sample.told);
    check(&format!("{told}"), (1_500_000..=2_600_000).contains(&told), &scene);
    // And who sends more all the same is not told that it fits.
    let scene = run(Load::Fixed(2_000_000), wide(1_000_000), 1);
    let told = percent(scene.since(5 * SECOND), 100, |sample| sample.told);
    check(&format!("{told}"), told <= 1_100_000, &scene);
}

#[test]
fn from_one_low_layer_to_three() {
    let scene = run(LAYERS, wide(10_000_000), 1);
    check("no estimate", scene.log[0].sent > 0, &scene);
    let told = after(&scene, 0, |sample| sample.told >= 2_500_000);
    check(&format!("room for all after {told:?} ms"), told.is_some_and(|told| told <= 2_000), &scene);
    let sent = after(&scene, 0, |sample| sample.sent >= 1_800_000);
    check(&format!("sent after {sent:?} ms"), sent.is_some_and(|sent| sent <= 5_500), &scene);
    let probes = mean(scene.since(5 * SECOND), |sample| sample.probes);
    check("nothing more is looked for", probes == 0, &scene);
    // Where the largest has no room: the middle one, nothing waits, and looking costs next to nothing.
    let scene = run(LAYERS, wide(1_000_000), 1);
    let part = scene.since(5 * SECOND);
    check("the middle one", percent(part, 20, |sample| sample.sent) >= 400_000, &scene);
    check("nothing waits", percent(part, 99, |sample| sample.waits) <= 60, &scene);
    check("looking", mean(part, |sample| sample.probes) <= 20_000, &scene);
}

#[test]
fn room_that_comes_back_is_found_within_five_seconds() {
    for load in [FOLLOW, LAYERS] {
        let mut scene = Scene::new(300_000, load, wide(6_000_000), 1);
        scene.run(10 * SECOND);
        scene.link.weather.bits_per_s = 300_000;
        scene.run(30 * SECOND);
        scene.link.weather.bits_per_s = 6_000_000;
        let from = scene.now;
        scene.run(10 * SECOND);
        let found = after(&scene, from, |sample| sample.told >= 2_500_000);
        check(&format!("found after {found:?} ms"), found.is_some_and(|found| found <= 6_000), &scene);
    }
}

#[test]
fn computers_with_too_much_to_do_are_no_full_link() {
    for (load, least) in [(LAYERS, 2_500_000), (FOLLOW, 4_500_000)] {
        for (server, receiver) in [(true, false), (false, true), (true, true)] {
            let told: Vec<u64> = (1..=8).map(|seed| busy(load, seed, server, receiver)).collect();
            println!("{load:?}, server {server}, receiver {receiver}: {told:?}");
            assert!(told.iter().all(|told| *told >= least / 2), "{told:?}");
            assert!(told.iter().sum::<u64>() / told.len() as u64 >= least, "{told:?}");
        }
    }
}

/// What is told on average while somebody does nothing for 50 to 200 ms after each 0 to 300 ms.
fn busy(load: Load, seed: u64, server: bool, receiver: bool) -> u64 {
    let mut dice = Dice::new(seed);
    let mut scene = Scene::new(300_000, load, wide(10_000_000), seed);
    while scene.now < 40 * SECOND {
        scene.run((dice.roll(300) + 1) * MS);
        let until = scene.now + (50 + dice.roll(150)) * MS;
        scene.server_sleeps = if server { until } else { 0 };
        scene.receiver_sleeps = if receiver { until } else { 0 };
        scene.run(until - scene.now);
    }
    mean(scene.since(10 * SECOND), |sample| sample.told)
}

#[test]
fn jitter_and_packets_that_overtake() {
    for (jitter, overtakes, least) in [(20, false, 1_900_000), (20, true, 1_900_000), (60, false, 1_500_000)] {
        for seed in 1..=5 {
            let scene = run(FOLLOW, Weather { jitter: jitter * MS, overtakes, twice: 50, ..wide(2_500_000) }, seed);
            let part = scene.since(5 * SECOND);
            let told = mean(part, |sample| sample.told);
            check(&format!("{told} with {jitter} ms, {overtakes}"), told >= least, &scene);
            check("nothing waits", percent(part, 90, |sample| sample.waits) <= 150, &scene);
            let most = percent(part, 97, |sample| sample.told);
            println!("{jitter} ms, {overtakes}: {told}, seldom more than {most}");
            check(&format!("{most} with {jitter} ms"), most <= 3_300_000, &scene);
            check("late is not lost", scene.congestion.loss() < 0.03, &scene);
        }
    }
}

#[test]
fn chance_finds_no_room() {
    let most: Vec<u64> = (1..=10)
        .map(|seed| {
            percent(run(FOLLOW, Weather { jitter: 60 * MS, ..wide(2_500_000) }, seed).since(5 * SECOND), 98, |sample| sample.told)
        })
        .collect();
    println!("at most {most:?} of 2.5 Mbit/s");
    assert!(most.iter().sum::<u64>() / most.len() as u64 <= 2_700_000, "{most:?}");
}

#[test]
fn reports_that_are_rare_or_lost() {
    let mut scene = Scene::new(300_000, FOLLOW, wide(2_500_000), 1);
    scene.interval = 250 * MS;
    scene.run(30 * SECOND);
    let told = mean(scene.since(5 * SECOND), |sample| sample.told);
    check(&format!("{told}"), told >= 2_000_000, &scene);
    for (loss, least) in [(100, 1_900_000), (500, 1_750_000)] {
        let told: Vec<u64> = (1..=8)
            .map(|seed| {
                let mut scene = Scene::new(300_000, FOLLOW, wide(2_500_000), seed);
                scene.back.weather = Weather { loss, twice: 100, jitter: 60 * MS, overtakes: true, ..scene.back.weather };
                scene.run(30 * SECOND);
                mean(scene.since(5 * SECOND), |sample| sample.told)
            })
            .collect();
        println!("{loss} per thousand reports: {told:?}");
        assert!(told.iter().sum::<u64>() / told.len() as u64 >= least, "{told:?}");
    }
}

#[test]
fn the_other_clock_may_be_anything() {
    for jump_ms in [3_600_000, -3_600_000, 1_000_000_000, -200] {
        let mut scene = Scene::new(300_000, LAYERS, wide(10_000_000), 1);
        scene.run(15 * SECOND);
        let from = scene.now;
        scene.receiver.clock += jump_ms * 1_000;
        scene.run(15 * SECOND);
        let least = percent(scene.since(from), 0, |sample| sample.told);
        check(&format!("{least} after {jump_ms} ms"), least >= 2_000_000, &scene);
    }
    // Slower by a ten-thousandth, for two minutes.
    let mut scene = Scene::new(300_000, LAYERS, wide(10_000_000), 1);
    for _ in 0..1_200 {
        scene.run(100 * MS);
        scene.receiver.clock += 10;
    }
    let least = percent(scene.since(10 * SECOND), 0, |sample| sample.told);
    check(&format!("{least}"), least >= 2_000_000, &scene);
}

#[test]
fn a_longer_way_is_no_queue_for_long() {
    let mut scene = Scene::new(300_000, LAYERS, wide(10_000_000), 1);
    scene.run(15 * SECOND);
    let from = scene.now;
    scene.link.weather.delay += 150 * MS;
    scene.run(15 * SECOND);
    let back = after(&scene, from + 2 * SECOND, |sample| sample.told >= 2_000_000);
    check(&format!("back after {back:?} ms"), back.is_some_and(|back| back <= 4_000), &scene);
    check("no queue", scene.congestion.queue().as_millis() < 20, &scene);
    let rtt = scene.congestion.rtt().expect("one").as_millis();
    check(&format!("{rtt} ms"), (190..=270).contains(&rtt), &scene);
}

#[test]
fn an_estimate_that_nothing_proves_any_more_falls() {
    // The largest layer lacks a little room, so much less is sent than would pass; then less would.
    let mut scene = Scene::new(300_000, LAYERS, wide(2_200_000), 1);
    scene.run(20 * SECOND);
    let before = scene.log.last().expect("one").told;
    check(&format!("{before}"), (1_700_000..2_500_000).contains(&before), &scene);
    scene.link.weather.bits_per_s = 1_000_000;
    let from = scene.now;
    scene.run(20 * SECOND);
    let less = after(&scene, from, |sample| sample.told <= 1_000_000);
    check(&format!("less after {less:?} ms"), less.is_some_and(|less| less <= 12_000), &scene);
    check("nothing waits", percent(scene.since(from), 95, |sample| sample.waits) <= 60, &scene);
}

#[test]
fn others_on_the_same_link() {
    let mut scene = Scene::new(300_000, FOLLOW, wide(2_500_000), 1);
    scene.other = Other::Even(1_000_000);
    scene.run(30 * SECOND);
    let part = scene.since(5 * SECOND);
    let told = mean(part, |sample| sample.told);
    check(&format!("{told}"), (1_100_000..=1_600_000).contains(&told), &scene);
    check("nothing waits", percent(part, 90, |sample| sample.waits) <= 150, &scene);
    for (queue, least) in [(100, 1_000_000), (400, 500_000)] {
        let mut scene = Scene::new(300_000, FOLLOW, Weather { queue: queue * MS, ..wide(4_000_000) }, 1);
        scene.other = Other::Greedy { window: 10.0, flying: 0, cut: 0 };
        scene.run(60 * SECOND);
        let told = mean(scene.since(10 * SECOND), |sample| sample.told);
        println!("{told} of 4 Mbit/s beside a greedy one, queue of {queue} ms");
        check(&format!("{told} beside a greedy one"), told >= least, &scene);
    }
}

#[test]
fn silence_is_no_consent() {
    let mut scene = Scene::new(300_000, LAYERS, wide(5_000_000), 1);
    scene.run(10 * SECOND);
    let from = scene.now;
    scene.link.weather.loss = 1_000;
    scene.run(5 * SECOND);
    let before = scene.since(from)[5].told;
    let told = scene.log.last().expect("one").told;
    check(&format!("{told} after 5 s of nothing"), before >= 2_000_000 && told <= 700_000, &scene);
    scene.link.weather.loss = 0;
    let from = scene.now;
    scene.run(5 * SECOND);
    let back = after(&scene, from, |sample| sample.told >= 2_000_000);
    check(&format!("back after {back:?} ms"), back.is_some_and(|back| back <= 3_000), &scene);
    // The same where as much is sent as is allowed.
    let mut scene = Scene::new(300_000, FOLLOW, wide(5_000_000), 1);
    scene.run(10 * SECOND);
    scene.link.weather.loss = 1_000;
    scene.run(2 * SECOND);
    scene.link.weather.loss = 0;
    let from = scene.now;
    scene.run(8 * SECOND);
    let back = after(&scene, from, |sample| sample.told >= 4_000_000);
    println!("back after {back:?} ms");
    check(&format!("back after {back:?} ms"), back.is_some_and(|back| back <= 2_500), &scene);
    // Where nothing is sent, nothing need be said.
    let mut scene = Scene::new(300_000, LAYERS, wide(5_000_000), 1);
    scene.run(10 * SECOND);
    let before = scene.congestion.estimate();
    scene.load = Load::Fixed(0);
    scene.run(20 * SECOND);
    check("nothing", scene.congestion.estimate() >= before, &scene);
}

#[test]
fn what_waited_before_a_silence_is_gone_and_what_a_probe_finds_in_it_is_told() {
    let mut scene = Scene::new(300_000, FOLLOW, wide(10_000_000), 1);
    scene.run(10 * SECOND);
    scene.link.weather = wide(500_000);
    scene.load = Load::Fixed(2_000_000);
    scene.run(2 * SECOND);
    let seen = scene.log.last().expect("one").seen;
    scene.load = Load::Fixed(0);
    scene.run(10 * SECOND);
    let still = scene.log.last().expect("one").seen;
    check(&format!("{seen} ms, then {still}"), seen >= 150 && still == 0, &scene);
    scene.link.weather = wide(20_000_000);
    scene.run(10 * SECOND);
    let (told, estimate) = (scene.log.last().expect("one").told, scene.congestion.estimate());
    check(&format!("{told} of {estimate}"), estimate >= 6_000_000 && told * 20 >= estimate * 19, &scene);
}

#[test]
fn another_way_begins_anew() {
    let mut scene = Scene::new(300_000, LAYERS, wide(10_000_000), 1);
    scene.run(10 * SECOND);
    let now = scene.instant();
    scene.congestion.reset(now, 500_000);
    assert_eq!((scene.congestion.estimate(), scene.congestion.rtt(), scene.congestion.loss()), (500_000, None, 0.0));
    scene.link.weather = Weather { delay: 150 * MS, ..wide(1_000_000) };
    let from = scene.now;
    scene.run(20 * SECOND);
    let part = scene.since(from + 5 * SECOND);
    check("the new one", (700_000..=1_000_000).contains(&mean(part, |sample| sample.told)), &scene);
    check("nothing waits", percent(part, 95, |sample| sample.waits) <= 60, &scene);
}

#[test]
fn the_least_is_always_assumed_and_it_is_told_when_it_moved() {
    let mut scene = Scene::new(300_000, Load::Fixed(300_000), wide(50_000), 1);
    scene.run(20 * SECOND);
    assert_eq!(scene.congestion.estimate(), 100_000);
    let mut scene = Scene::new(300_000, FOLLOW, wide(2_500_000), 1);
    scene.run(5 * SECOND);
    let from = scene.now;
    scene.run(60 * SECOND);
    let told: Vec<u64> = scene.since(from).iter().map(|sample| sample.told).collect();
    let moved = told.windows(2).filter(|pair| pair[0] != pair[1]).count();
    check(&format!("told {moved} times a minute"), moved <= 90, &scene);
    assert!(told.windows(2).all(|pair| pair[0] == pair[1] || pair[0].abs_diff(pair[1]) * 21 > pair[0]));
}

#[test]
#[ignore = "figures, to compare with those of the library"]
fn figures() {
    let steady = |name: &str, first: u64, load: Load, weather: Weather| {
        let mut scene = Scene::new(first, load, weather, 1);
        scene.run(30 * SECOND);
        show(name, &scene, 5 * SECOND);
        let found = after(&scene, 0, |sample| sample.told >= 2_200_000);
        println!("{:32} 2.2 Mbit/s told after {found:?} ms", "");
    };
    steady("10M follow", 300_000, FOLLOW, wide(10_000_000));
    steady("2.5M follow", 300_000, FOLLOW, wide(2_500_000));
    steady("2.5M 100ms", 300_000, FOLLOW, Weather { delay: 100 * MS, ..wide(2_500_000) });
    steady("300k from 5M", 5_000_000, FOLLOW, wide(300_000));
    steady("1M from 5M", 5_000_000, FOLLOW, wide(1_000_000));
    for jitter in [20, 60] {
        steady(&format!("jitter {jitter}"), 300_000, FOLLOW, Weather { jitter: jitter * MS, ..wide(2_500_000) });
    }
    for loss in [20, 50, 100, 300] {
        steady(&format!("loss {loss} per thousand"), 300_000, FOLLOW, Weather { loss, ..wide(2_500_000) });
    }
    steady("short queue 20ms", 300_000, FOLLOW, Weather { queue: 20 * MS, ..wide(2_500_000) });
    steady("deep queue 2s", 5_000_000, FOLLOW, Weather { queue: 2 * SECOND, ..wide(1_000_000) });
    for (name, load) in [("steps follow", FOLLOW), ("steps layers", LAYERS)] {
        let mut scene = Scene::new(300_000, load, wide(5_000_000), 1);
        scene.run(20 * SECOND);
        show(name, &scene, 5 * SECOND);
        for bits_per_s in [2_500_000, 1_250_000, 300_000, 6_000_000] {
            scene.link.weather.bits_per_s = bits_per_s;
            let from = scene.now;
            scene.run(20 * SECOND);
            show(name, &scene, from);
        }
    }
    steady("layers 10M", 300_000, LAYERS, wide(10_000_000));
    steady("layers 1M", 300_000, LAYERS, wide(1_000_000));
    steady("layers 10M loss 5%", 300_000, LAYERS, Weather { loss: 50, ..wide(10_000_000) });
    steady("layers 10M loss 30%", 300_000, LAYERS, Weather { loss: 300, ..wide(10_000_000) });
    steady("layers 10M jitter 60", 300_000, LAYERS, Weather { jitter: 60 * MS, ..wide(10_000_000) });
}

/// A server with too much to do is late with what it sends. That is no queue on the way.
#[test]
fn long_turns_are_no_long_way() {
    for seed in 1..=3 {
        let mut scene = Scene::new(5_000_000, LAYERS, wide(10_000_000), seed);
        scene.long_turns = Some((60 * MS, true));
        scene.run(30 * SECOND);
        let part = scene.since(5 * SECOND);
        let (seen, least) = (percent(part, 99, |sample| sample.seen), percent(part, 0, |sample| sample.told));
        check("long turns", seen < 20 && least >= 2_500_000, &scene);
        show("long turns", &scene, 5 * SECOND);
    }
}
