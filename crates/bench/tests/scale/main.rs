//! What happens in a room costs the same however many others there are, and no more than what must be told of it. Counted in steps, not
//! in time; `cargo bench -p kennel-bench --bench scale` measures times, and far larger towns.

mod guest;
#[path = "../../../media/tests/sfu/meter.rs"]
mod meter;
mod scene;
mod town;

use guest::Door;
use scene::{Cost, What};

/// Growth that is not meant: of the depth of trees, and of numbers that get longer.
const SPARE: f64 = 1.1;

const BOTH: [Door; 2] = [Door::Twilio, Door::SignalWire];

/// Rooms of the smaller town, and of the larger one, with four people in each.
const TOWNS: [usize; 2] = [40, 400];

/// Ten times as many rooms: each event costs what it did.
#[test]
fn other_rooms_cost_nothing() {
    // One in each room of the smaller town, so that rooms are alike in both.
    let events = TOWNS[0];
    let few = scene::town(BOTH, TOWNS[0], 4, events).1;
    let (town, many) = scene::town(BOTH, TOWNS[1], 4, events);
    assert_eq!(town.count(), (TOWNS[1], 4 * TOWNS[1]));
    for (small, large) in few.iter().zip(&many) {
        let (few, many) = (small.each(small.steps()), large.each(large.steps()));
        println!("{:?}: {few:.0} steps, {many:.0} in the larger town", small.what);
        assert!(many < few * SPARE, "{:?}: {many:.0} steps in the larger town, {few:.0} in the smaller one", small.what);
    }
}

/// Steps for each text and each line of it, which is what grows with a room: everybody is told, and lists name everybody.
fn for_each_told(cost: &Cost) -> f64 {
    cost.steps() / (cost.told.texts as f64 + cost.told.bytes as f64 / 64.0)
}

/// Five times as many people in a room: who is told of something costs what it did.
#[test]
fn a_room_costs_what_is_told_in_it() {
    for door in BOTH {
        let (small, large) = (scene::room(door, 9, 8).1, scene::room(door, 45, 8).1);
        // A sign of life is told to nobody.
        for (small, large) in small.iter().zip(&large).filter(|(small, _)| small.what != What::Live) {
            let (few, many) = (for_each_told(small), for_each_told(large));
            println!("{door:?} {:?}: {few:.1} steps for what is told, {many:.1} in the larger room", small.what);
            assert!(many < few * SPARE, "{door:?} {:?}: {many:.1} in a room of 45, {few:.1} in one of 9", small.what);
        }
    }
}
