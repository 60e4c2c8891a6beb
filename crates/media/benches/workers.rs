//! What two workers carry on two cores, beside what one does: engines, each with rooms of its own, are given the same recorded packets
//! one after the other by one thread, and at the same time by two. Sockets are left out, clients stand still meanwhile.
//!
//! And what one large room takes of two workers, beside what it takes of one: there all is done by one thread, in virtual time, and the
//! processor time of each engine is counted.
//!
//! `cargo bench -p kennel-media --bench workers`, on a machine with two cores and nothing else to do; `KENNEL_BENCH_ROUNDS` (10) and
//! `KENNEL_BENCH_RECEIVERS` (100, in each room) say how much of it, `KENNEL_BENCH_PEOPLE` (20) how many are in the large room; 0 leaves
//! that out.

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

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use world::World;

/// Rooms of each of two workers. One alone is done in 2 ms, of which waking up and a cold cache are too large a share.
const ROOMS: u64 = 4;

/// Of media, given at once.
const BURST: Duration = Duration::from_millis(200);

/// Between two bursts clients catch up.
const CALM: Duration = Duration::from_millis(800);

/// Bytes that one packet takes at most, with what is added to it.
const PACKET_BYTES: usize = 1_300;

/// Packets of one burst to one receiver, at most.
const BURST_PACKETS: usize = 60;

fn main() {
    let (rounds, receivers) = (setting("KENNEL_BENCH_ROUNDS", 10), setting("KENNEL_BENCH_RECEIVERS", 100));
    let barrier = Barrier::new(2);
    let (one, two) = thread::scope(|scope| {
        let other = scope.spawn(|| second(&barrier, rounds, receivers));
        let (one, mut two) = first(&barrier, rounds, receivers);
        for (ours, theirs) in two.iter_mut().zip(other.join().unwrap()) {
            // Neither waits for the other, where there is more to do.
            ours.per_s += theirs.per_s;
            ours.packets += theirs.packets;
        }
        (one, two)
    });
    println!("{:>24} {:>26}", "1 to N, N = ", receivers);
    let (one, two) = (print("one worker, eight rooms", &one), print("two workers, four each", &two));
    println!("two carry {:.2} times what one does (aim: 1.8)", two / one);
    let people = setting("KENNEL_BENCH_PEOPLE", 20);
    if people > 1 {
        large_room(people);
    }
}

/// So many who all see and hear each other, on one worker and on two: processor seconds for each second of media.
fn large_room(people: usize) {
    println!("{:>24} {:>26}", "everybody to everybody", people);
    let [one, home, wing] = [people, 1].map(|spread| shares(people, spread)).concat()[..] else { return };
    println!("{:>24} {one:>10.3} s", "one worker");
    println!("{:>24} {home:>10.3} s and {wing:.3} s", "two workers");
    println!("two carry {:.2} times what one does", one / home.max(wing));
}

/// What each worker takes for a second of media, if from so many people on the next ones go to another.
fn shares(people: usize, spread: usize) -> Vec<f64> {
    let seconds = 4;
    let mut world = World::spread(11, 2, spread);
    for _ in 0..people {
        world.join(true, true, false);
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(5));
    let (all, costs) = (world.cost, world.ground().costs.clone());
    world.run(Duration::from_secs(seconds));
    let all = world.cost.since(&all);
    let costs: Vec<_> = world.ground().costs.iter().zip(&costs).map(|(after, before)| after.since(before).time).collect();
    let home = all.time + costs[0];
    [home, costs[1]].iter().take(if spread < people { 2 } else { 1 }).map(|time| time.as_secs_f64() / seconds as f64).collect()
}

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Packets passed on, and so many a second.
#[derive(Clone, Copy)]
struct Burst {
    packets: usize,
    per_s: f64,
}

/// The worker that carries all rooms by turns with carrying half of them beside the other worker.
fn first(barrier: &Barrier, rounds: usize, receivers: usize) -> (Vec<Burst>, Vec<Burst>) {
    let mut rooms: Vec<World> = (0..2 * ROOMS).map(|at| room(1 + at, receivers)).collect();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        barrier.wait();
        let recorded = record(&mut rooms, receivers);
        barrier.wait();
        // The other worker sleeps.
        alone.push(burst(&mut rooms, &recorded));
        barrier.wait();
        rooms.iter_mut().for_each(catch_up);
        let half = &mut rooms[..ROOMS as usize];
        let recorded = record(half, receivers);
        barrier.wait();
        both_awake();
        beside.push(burst(half, &recorded));
        barrier.wait();
        half.iter_mut().for_each(catch_up);
    }
    (alone, beside)
}

/// The worker that has work only beside the other one.
fn second(barrier: &Barrier, rounds: usize, receivers: usize) -> Vec<Burst> {
    let mut rooms: Vec<World> = (0..ROOMS).map(|at| room(1 + 2 * ROOMS + at, receivers)).collect();
    let mut beside = Vec::new();
    for _ in 0..rounds {
        barrier.wait();
        barrier.wait();
        barrier.wait();
        let recorded = record(&mut rooms, receivers);
        barrier.wait();
        both_awake();
        beside.push(burst(&mut rooms, &recorded));
        barrier.wait();
        rooms.iter_mut().for_each(catch_up);
    }
    beside
}

/// Waits without sleep until both threads have come: who is woken begins a tenth of a burst late.
fn both_awake() {
    static ARRIVED: AtomicUsize = AtomicUsize::new(0);
    let round = ARRIVED.fetch_add(1, Ordering::AcqRel) / 2;
    while ARRIVED.load(Ordering::Acquire) < 2 * (round + 1) {
        std::hint::spin_loop();
    }
}

/// One who sends, so many who receive, everything placed.
fn room(seed: u64, receivers: usize) -> World {
    let mut world = World::new(seed);
    world.quiet = true;
    world.join(true, true, false);
    for _ in 0..receivers {
        world.join(false, false, false);
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(2));
    assert_eq!(world.placed.values().map(Vec::len).sum::<usize>(), 2 * receivers, "not everything is placed");
    world.quiet = false;
    world.run(Duration::from_secs(4));
    world
}

type Recorded = Vec<Vec<(std::net::SocketAddr, Vec<u8>)>>;

fn record(rooms: &mut [World], receivers: usize) -> Vec<Recorded> {
    let record = |room: &mut World| {
        room.make_room(receivers * BURST_PACKETS * PACKET_BYTES);
        room.record(BURST)
    };
    rooms.iter_mut().map(record).collect()
}

fn burst(rooms: &mut [World], recorded: &[Recorded]) -> Burst {
    let began = Instant::now();
    let packets: usize = rooms.iter_mut().zip(recorded).map(|(room, steps)| room.replay(steps)).sum();
    Burst { packets, per_s: packets as f64 / began.elapsed().as_secs_f64() }
}

/// What was sent arrives, late.
fn catch_up(room: &mut World) {
    room.land();
    room.run(CALM);
}

/// Median, least and most; the median.
fn print(what: &str, bursts: &[Burst]) -> f64 {
    let mut rates: Vec<f64> = bursts.iter().map(|burst| burst.per_s).collect();
    rates.sort_by(f64::total_cmp);
    let (least, median, most) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
    let packets: usize = bursts.iter().map(|burst| burst.packets).sum();
    println!("{what:>24} {median:>10.0} packets/s [{least:.0}..{most:.0}], {packets} packets in all");
    median
}
