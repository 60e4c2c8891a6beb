//! What a packet that is passed on costs.

use std::time::Duration;

use crate::world::World;

/// Nothing of the way of a packet takes memory. What does is each packet that comes in, what receivers report, and what is counted once
/// a second: so much for each packet out that one more for each would show.
#[test]
fn to_pass_a_packet_on_takes_no_memory() {
    const LEAST: f64 = 0.25;
    let mut world = World::new(71);
    world.join(true, true, false);
    for _ in 0..30 {
        world.join(false, false, false);
    }
    world.run(Duration::from_secs(6));
    let (before, passed) = (world.cost, world.engine.counts().packets_out);
    world.run(Duration::from_secs(3));
    let packets = world.engine.counts().packets_out - passed;
    let taken = world.cost.since(&before).allocations as f64 / packets as f64;
    println!("{taken:.3} for each of {packets}");
    assert!(packets > 10_000 && taken < LEAST, "{taken} for each of {packets}");
}
