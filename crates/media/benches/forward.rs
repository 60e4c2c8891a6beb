//! What it costs to pass a packet on: time of the processor and memory taken in the engine, cryptography included, sockets not. Clients
//! are real transports over an emulated network; their own cost is left out.
//!
//! `cargo bench -p kennel-media` measures all, `cargo bench -p kennel-media -- "1 to"` what has these words in its name;
//! `KENNEL_BENCH_ROUNDS` (3) and `KENNEL_BENCH_SECONDS` (5, of media) say how much.

#![allow(missing_docs, clippy::unwrap_used, dead_code, reason = "shares the tests' model of a client")]

#[path = "../tests/sfu/client.rs"]
mod client;
#[path = "../tests/sfu/ground.rs"]
mod ground;
#[path = "../tests/sfu/meter.rs"]
mod meter;
#[path = "../tests/sfu/mixer.rs"]
mod mixer;
#[path = "../tests/sfu/picture.rs"]
mod picture;
#[path = "../tests/sfu/world.rs"]
mod world;

use std::time::Duration;

use meter::Meter;
use room::Kind;
use world::World;

/// Name, clients that send sound and pictures, clients that only receive.
const SCENES: [(&str, usize, usize); 6] = [
    ("1 to 1", 1, 1),
    ("1 to 10", 1, 10),
    ("1 to 50", 1, 50),
    ("1 to 100", 1, 100),
    ("8 to each other", 8, 0),
    ("50 to each other", 50, 0),
];

/// Longer nobody should wait.
const SETTLE_SECONDS_MAX: usize = 30;

/// What one round gave.
struct Round {
    /// Packets passed on in each second.
    packets: f64,
    /// Processor time of the engine for each, in µs.
    us: f64,
    /// Allocations for each.
    allocations: f64,
    /// Processor time of the engine for each second of media, in seconds.
    load: f64,
    /// Processor time for each join, in ms.
    join: f64,
    /// Memory of the engine for each client, in kB.
    kb: f64,
    /// Packets of sound that did not come, in a thousand.
    lost: f64,
}

fn main() {
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    println!(
        "{:>17} {:>10} {:>22} {:>7} {:>7} {:>9} {:>9} {:>7}",
        "", "packets/s", "us a packet", "allocs", "load", "ms a join", "kB each", "lost ‰"
    );
    let exact = SCENES.iter().any(|(name, _, _)| *name == filter);
    let wanted = |name: &str| if exact { name == filter } else { name.contains(&filter) };
    for (name, publishers, viewers) in SCENES.into_iter().filter(|(name, _, _)| wanted(name)) {
        let rounds: Vec<Round> =
            (0..setting("KENNEL_BENCH_ROUNDS", 3)).map(|seed| measure(seed + 1, publishers, viewers)).collect();
        let median = |of: fn(&Round) -> f64| spread(&rounds, of).1;
        let (packets, allocations, load) = (median(|r| r.packets), median(|r| r.allocations), median(|r| r.load));
        let (join, kb, lost) = (median(|r| r.join), median(|r| r.kb), median(|r| r.lost));
        let (least, us, most) = spread(&rounds, |round| round.us);
        let us = format!("{us:.2} [{least:.2}..{most:.2}]");
        println!("{name:>17} {packets:>10.0} {us:>22} {allocations:>7.2} {load:>7.3} {join:>9.2} {kb:>9.0} {lost:>7.1}");
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The least, the median and the most.
fn spread(rounds: &[Round], of: impl Fn(&Round) -> f64) -> (f64, f64, f64) {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}

fn measure(seed: u64, publishers: usize, viewers: usize) -> Round {
    let mut world = World::new(seed);
    world.quiet = true;
    let clients = (publishers + viewers) as f64;
    for index in 0..publishers + viewers {
        let sends = index < publishers;
        world.join(sends, sends, false);
        world.run(Duration::from_millis(20));
    }
    settle(&mut world, publishers);
    let join = world.cost.time.as_secs_f64() * 1e3 / clients;
    world.quiet = false;
    world.run(Duration::from_secs(5));
    let (before, passed, heard) = (world.cost, world.engine.counts().packets_out, heard(&world));
    let seconds = setting("KENNEL_BENCH_SECONDS", 5);
    world.run(Duration::from_secs(seconds));
    let spent: Meter = world.cost.since(&before);
    let packets = (world.engine.counts().packets_out - passed) as f64;
    let expected = (publishers * (publishers + viewers - 1)) as f64 * 50.0 * seconds as f64;
    Round {
        packets: packets / seconds as f64,
        us: spent.time.as_secs_f64() * 1e6 / packets,
        allocations: spent.allocations as f64 / packets,
        load: spent.time.as_secs_f64() / seconds as f64,
        join,
        kb: world.cost.live as f64 / clients / 1_000.0,
        lost: (1.0 - (self::heard(&world) - heard) / expected) * 1_000.0,
    }
}

/// Until everybody has agreed with the server on where each track comes.
fn settle(world: &mut World, publishers: usize) {
    for _ in 0..SETTLE_SECONDS_MAX {
        world.run(Duration::from_secs(1));
        let placed: usize = world.placed.values().map(Vec::len).sum();
        if placed == 2 * publishers * (world.clients.len() - 1) {
            return world.run(Duration::from_secs(1));
        }
    }
    println!("not everything is placed after {SETTLE_SECONDS_MAX} s");
}

/// Packets of sound that came to all clients together.
fn heard(world: &World) -> f64 {
    let one = |viewer: usize| -> u64 {
        let others = world.clients.iter().enumerate().filter(|(index, _)| *index != viewer);
        let tracks = others.flat_map(|(_, other)| other.tracks.iter().filter(|track| track.kind == Kind::Audio));
        tracks.map(|track| world.heard(viewer, track.id)).sum()
    };
    (0..world.clients.len()).map(one).sum::<u64>() as f64
}
