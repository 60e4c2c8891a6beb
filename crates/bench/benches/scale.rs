//! What happens in rooms, measured against how many there are: rooms and the sessions of everybody in them, both vendors', in virtual
//! time. Clients, sockets, tokens and media are left out.
//!
//! `cargo bench -p kennel-bench --bench scale` measures towns of up to 10,000 rooms with 100,000 people, and rooms of up to 50 people;
//! `-- 1000` towns of up to so many rooms.

#![allow(missing_docs, dead_code, reason = "shares the tests' model of a town")]

#[path = "../tests/scale/guest.rs"]
mod guest;
#[path = "../../media/tests/sfu/meter.rs"]
mod meter;
#[path = "../tests/scale/scene.rs"]
mod scene;
#[path = "../tests/scale/town.rs"]
mod town;

use guest::Door;
use scene::Cost;

/// In each room of a town.
const PEOPLE: usize = 10;

/// Events of each kind, besides the first joins: as many as there are people, up to this.
const EVENTS_MAX: usize = 20_000;

const TOWNS: [usize; 4] = [10, 100, 1_000, 10_000];

/// People in one room; a group room holds 50.
const ROOMS: [usize; 4] = [5, 10, 25, 50];

/// Times that somebody comes, mutes and leaves in one room.
const TIMES: usize = 200;

fn main() {
    let most = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(usize::MAX);
    println!("Rooms of {PEOPLE}, half of them by each vendor's signaling. Processor time in µs:\n");
    println!(
        "| rooms | people | joins of all | mute | sign of life | leave | join of a newcomer | kB a person |\n|{}",
        "---|".repeat(8)
    );
    for rooms in TOWNS.into_iter().filter(|rooms| *rooms <= most) {
        let (town, costs) = scene::town([Door::Twilio, Door::SignalWire], rooms, PEOPLE, EVENTS_MAX.min(rooms * PEOPLE));
        let each: Vec<String> = costs.iter().map(|cost| format!("{:.1}", us(cost))).collect();
        let people = rooms * PEOPLE;
        assert_eq!(town.count(), (rooms, people));
        println!("| {rooms} | {people} | {} | {:.1} |", each.join(" | "), town.cost.live as f64 / people as f64 / 1_000.0);
    }
    println!("\nOne room. Processor time in µs, and what was told because of one event:\n");
    println!("| door | people | what | µs | texts | kB | µs a kB |\n|{}", "---|".repeat(7));
    for door in [Door::Twilio, Door::SignalWire] {
        for people in ROOMS {
            for cost in scene::room(door, people, TIMES).1 {
                let (texts, kb) = (cost.each(cost.told.texts as f64), cost.each(cost.told.bytes as f64) / 1_000.0);
                // A sign of life is told to nobody.
                let a_kb = if kb < 1.0 { String::new() } else { format!("{:.1}", us(&cost) / kb) };
                println!("| {door:?} | {people} | {:?} | {:.1} | {texts:.0} | {kb:.1} | {a_kb} |", cost.what, us(&cost));
            }
        }
    }
}

fn us(cost: &Cost) -> f64 {
    cost.each(cost.spent.time.as_secs_f64() * 1e6)
}
