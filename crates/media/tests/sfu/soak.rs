//! Many joins and leaves.

use std::time::Duration;

use crate::world::World;

/// Joins and leaves by turns, three in the room at a time, each long enough to be connected.
fn churn(world: &mut World, times: usize) {
    for n in 0..times {
        world.join(true, n % 2 == 0, n % 3 == 0);
        world.run(Duration::from_millis(250));
        if world.clients.len() > 2 {
            world.leave(0);
        }
    }
}

fn empty(world: &mut World) {
    while !world.clients.is_empty() {
        world.leave(0);
    }
    world.run(Duration::from_secs(1));
    assert_eq!(world.engine.sizes(), (0, 0, 0));
    assert_eq!(world.engine.traces(), (0, 0, 0));
    assert_eq!(world.engine.poll_timeout(), None);
}

#[test]
fn joins_and_leaves_leave_nothing() {
    let mut world = World::new(71);
    churn(&mut world, 20);
    assert!(world.engine.counts().packets_out > 500, "{:?}", world.engine.counts());
    empty(&mut world);
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
#[ignore = "takes a minute; prints memory"]
fn two_thousand_joins_end_with_the_memory_they_began_with() {
    let mut world = World::new(72);
    churn(&mut world, 300);
    empty(&mut world);
    let before = resident();
    for _ in 0..4 {
        churn(&mut world, 425);
        empty(&mut world);
        println!("{} kB, {} kB at first", resident() / 1_024, before / 1_024);
    }
    assert!(resident() < before + 4 * 1_024 * 1_024);
}
