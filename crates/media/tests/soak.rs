//! Many joins and leaves end with the memory they began with. Alone in its process, because it counts all that the process takes.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shares the other tests' model of a client, in which a failure is a failed test"
)]

#[path = "sfu/client.rs"]
mod client;
#[path = "sfu/ground.rs"]
mod ground;
#[path = "sfu/meter.rs"]
mod meter;
#[path = "sfu/mixer.rs"]
mod mixer;
#[path = "sfu/picture.rs"]
mod picture;
#[path = "sfu/world.rs"]
mod world;

use std::time::Duration;

use world::World;

/// What buffers that only grow may take more, once they have seen the usual.
const SLACK_BYTES: i64 = 64 * 1_024;

/// Joins and leaves by turns, three in the room at a time, each long enough to be connected and to get pictures.
fn churn(world: &mut World, times: usize) {
    for n in 0..times {
        world.join(true, n % 2 == 0, n % 3 == 0);
        world.run(Duration::from_millis(250));
        if world.clients.len() > 2 {
            world.leave(0);
        }
    }
}

/// Everybody leaves. Bytes that are still taken then.
fn empty(world: &mut World) -> i64 {
    while !world.clients.is_empty() {
        world.leave(0);
    }
    world.run(Duration::from_secs(1));
    world.forget();
    assert_eq!(world.engine.sizes(), (0, 0, 0));
    assert_eq!(world.engine.traces(), (0, 0, 0));
    assert_eq!(world.engine.poll_timeout(), None);
    meter::live_bytes()
}

/// Rounds of joins and leaves after one that is not counted.
fn check(rounds: usize, joins: usize) {
    let mut world = World::new(72);
    churn(&mut world, joins);
    let before = empty(&mut world);
    for round in 1..=rounds {
        churn(&mut world, joins);
        let taken = empty(&mut world) - before;
        println!("{} joins: {taken} bytes more than at first", round * joins);
        assert!(taken < SLACK_BYTES, "{taken} bytes more after {} joins", round * joins);
    }
    let counts = world.engine.counts();
    assert!(counts.packets_out as usize > 20 * rounds * joins, "{counts:?}");
}

#[test]
fn joins_and_leaves_end_with_the_memory_they_began_with() {
    check(2, 25);
}

/// `cargo test --release -p kennel-media --test soak -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; the same with fewer joins is above"]
fn two_thousand_joins_end_with_the_memory_they_began_with() {
    check(5, 400);
}
