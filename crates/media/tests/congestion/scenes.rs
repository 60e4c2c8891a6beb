//! What the estimate does over links of all sorts.

use crate::link::{MS, SECOND, Weather};
use crate::scene::{Load, Other, Sample, Scene};

const THREE: &[u64] = &[150_000, 500_000, 2_000_000];

fn show(name: &str, scene: &Scene, from: u64) {
    if std::env::var("SHOW").is_ok_and(|wanted| name.contains(&wanted)) {
        println!("-- {name}: probes {:?}", scene.probes.iter().map(|(at, rate)| (at / MS, rate / 1_000)).collect::<Vec<_>>());
        for sample in scene.log.iter().step_by(std::env::var("EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(5)) {
            let Sample { at, estimate, told, sent, waits, probes } = sample;
            println!(
                "{:6} ms estimate {:5} told {:5} sent {:5} probes {:4} waits {waits:4}",
                at / MS, estimate / 1_000, told / 1_000, sent / 1_000, probes / 1_000
            );
        }
    }
    let part = scene.since(from);
    let mut waits: Vec<u64> = part.iter().map(|sample| sample.waits).collect();
    waits.sort();
    let mean = |of: fn(&Sample) -> u64| part.iter().map(of).sum::<u64>() / part.len() as u64 / 1_000;
    let low = |of: fn(&Sample) -> u64| part.iter().map(of).min().unwrap() / 1_000;
    let high = |of: fn(&Sample) -> u64| part.iter().map(of).max().unwrap() / 1_000;
    println!(
        "{name:40} est {:5} [{:5}..{:5}] told [{:5}..{:5}] sent {:5} probes {:3} ({}) waits p50 {:3} p95 {:3} max {:3} loss {:.2} rtt {:?}",
        mean(|s| s.estimate), low(|s| s.estimate), high(|s| s.estimate), low(|s| s.told), high(|s| s.told), mean(|s| s.sent), mean(|s| s.probes),
        scene.probes.len(), waits[waits.len() / 2], waits[waits.len() * 95 / 100], waits[waits.len() - 1], scene.congestion.loss(), scene.congestion.rtt().unwrap_or_default().as_millis()
    );
}

#[test]
fn look() {
    for seed in 1..=3 {
        let wide = Weather::wide;
        let run = |name: &str, first: u64, load: Load, weather: Weather, change: &dyn Fn(&mut Scene)| {
            let mut scene = Scene::new(first, load, weather, seed);
            change(&mut scene);
            scene.run(30 * SECOND);
            show(&format!("{name} #{seed}"), &scene, 5 * SECOND);
        };
        let f = Load::Follow(6_000_000);
        let nothing: &dyn Fn(&mut Scene) = &|_| ();
        run("2.5M follow", 300_000, f, wide(2_500_000), nothing);
        run("2.5M 100ms", 300_000, f, Weather { delay: 100 * MS, ..wide(2_500_000) }, nothing);
        run("300k follow", 300_000, f, wide(300_000), nothing);
        run("300k from 5M", 5_000_000, f, wide(300_000), nothing);
        run("1M from 5M", 5_000_000, f, wide(1_000_000), nothing);
        run("jitter 20 ordered", 300_000, f, Weather { jitter: 20 * MS, ..wide(2_500_000) }, nothing);
        run("jitter 20 overtakes", 300_000, f, Weather { jitter: 20 * MS, overtakes: true, twice: 50, ..wide(2_500_000) }, nothing);
        run("jitter 60 ordered", 300_000, f, Weather { jitter: 60 * MS, ..wide(2_500_000) }, nothing);
        run("loss 2%", 300_000, f, Weather { loss: 20, ..wide(2_500_000) }, nothing);
        run("loss 5%", 300_000, f, Weather { loss: 50, ..wide(2_500_000) }, nothing);
        run("loss 10%", 300_000, f, Weather { loss: 100, ..wide(2_500_000) }, nothing);
        run("loss 30%", 300_000, f, Weather { loss: 300, ..wide(2_500_000) }, nothing);
        run("short queue 20ms", 300_000, f, Weather { queue: 20 * MS, ..wide(2_500_000) }, nothing);
        run("no queue 5ms", 300_000, f, Weather { queue: 5 * MS, ..wide(2_500_000) }, nothing);
        run("deep queue 2s", 5_000_000, f, Weather { queue: 2 * SECOND, ..wide(1_000_000) }, nothing);
        run("slow reports", 300_000, f, wide(2_500_000), &|s| s.interval = 250 * MS);
        run("half of the reports lost", 300_000, f, wide(2_500_000), &|s| s.back.weather.loss = 500);
        run("even 1M other", 300_000, f, wide(2_500_000), &|s| s.other = Other::Even(1_000_000));
        run("greedy other", 300_000, f, wide(4_000_000), &|s| s.other = Other::Greedy { window: 10.0, flying: 0, cut: 0 });
        run("greedy other 100ms queue", 300_000, f, Weather { queue: 100 * MS, ..wide(4_000_000) }, &|s| s.other = Other::Greedy { window: 10.0, flying: 0, cut: 0 });
        run("layers 10M", 300_000, Load::Layers(THREE), wide(10_000_000), nothing);
        run("layers 10M from 5M", 5_000_000, Load::Layers(THREE), wide(10_000_000), nothing);
        run("layers 1M", 300_000, Load::Layers(THREE), wide(1_000_000), nothing);
        run("layers 1M from 5M", 5_000_000, Load::Layers(THREE), wide(1_000_000), nothing);
        run("layers 10M loss 5%", 300_000, Load::Layers(THREE), Weather { loss: 50, ..wide(10_000_000) }, nothing);
        run("layers 10M loss 30%", 300_000, Load::Layers(THREE), Weather { loss: 300, ..wide(10_000_000) }, nothing);
        run("layers 10M jitter 60", 300_000, Load::Layers(THREE), Weather { jitter: 60 * MS, ..wide(10_000_000) }, nothing);
        run("layers 10M jitter 60 loss 5%", 300_000, Load::Layers(THREE), Weather { jitter: 60 * MS, loss: 50, ..wide(10_000_000) }, nothing);
        run("fixed 2M over 1M", 5_000_000, Load::Fixed(2_000_000), wide(1_000_000), nothing);
        for (name, server, receiver) in [("server sleeps", true, false), ("receiver sleeps", false, true), ("both sleep", true, true)] {
            for load in [Load::Layers(THREE), Load::Follow(6_000_000)] {
                let mut dice = crate::link::Dice::new(seed);
                let mut scene = Scene::new(300_000, load, wide(10_000_000), seed);
                while scene.now < 30 * SECOND {
                    scene.run((dice.roll(300) + 1) * MS);
                    let pause = (50 + dice.roll(150)) * MS;
                    if server { scene.server_sleeps = scene.now + pause; }
                    if receiver { scene.receiver_sleeps = scene.now + pause; }
                    scene.run(pause);
                }
                show(&format!("{name} {}#{seed}", if matches!(load, Load::Follow(_)) { "follow" } else { "layers" }), &scene, 5 * SECOND);
            }
        }
        for (name, jump) in [("clock +200ms", 200), ("clock -200ms", -200), ("clock +1h", 3_600_000), ("clock -1h", -3_600_000), ("longer way +150ms", 0)] {
            let mut scene = Scene::new(300_000, Load::Layers(THREE), wide(10_000_000), seed);
            scene.run(15 * SECOND);
            scene.receiver.clock += jump * 1_000;
            if jump == 0 { scene.link.weather.delay += 150 * MS; }
            scene.run(30 * SECOND);
            show(&format!("{name} #{seed}"), &scene, 15 * SECOND);
        }
        for (name, load) in [("steps follow", Load::Follow(6_000_000)), ("steps layers", Load::Layers(THREE))] {
            let mut scene = Scene::new(300_000, load, wide(5_000_000), seed);
            scene.run(20 * SECOND);
            show(&format!("{name} 5M #{seed}"), &scene, 5 * SECOND);
            for (mbit, rate) in [("2.5M", 2_500_000), ("1.25M", 1_250_000), ("300k", 300_000), ("6M", 6_000_000)] {
                scene.link.weather.bits_per_s = rate;
                let at = scene.now;
                scene.run(20 * SECOND);
                show(&format!("{name} -> {mbit} #{seed}"), &scene, at);
            }
        }
    }
}
