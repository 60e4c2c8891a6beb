//! Towns of many rooms, and rooms of many people, in which the same things happen.

use room::ConnId;

use crate::guest::Door;
use crate::meter::Meter;
use crate::town::{Told, Town};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Join,
    Mute,
    Live,
    Leave,
}

/// What so many of one kind cost, and what was told because of them.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub what: What,
    pub events: u64,
    pub spent: Meter,
    pub told: Told,
}

impl Cost {
    /// Memory that was asked for: each time is a step, and so are each 64 bytes of it, which is what a processor takes at once. The same
    /// in every run.
    pub fn steps(&self) -> f64 {
        self.spent.allocations as f64 + self.spent.bytes as f64 / 64.0
    }

    pub fn each(&self, sum: f64) -> f64 {
        sum / self.events as f64
    }
}

/// So many rooms are filled, one person in each before the second comes into any. Then so many of each kind happen all over the town.
pub fn town(doors: [Door; 2], rooms: usize, people: usize, events: usize) -> (Town, Vec<Cost>) {
    let mut town = Town::new();
    let mut inside = Vec::new();
    let mut costs = vec![count(&mut town, What::Join, rooms * people, |town, n| {
        let (room, door) = (n % rooms, doors[n % rooms % 2]);
        inside.push((room, door, town.join(door, &format!("room {room}"), &format!("person {n}"))));
    })];
    // All over the town, by turns by both doors, and by turns those who came early and late.
    let at = |n: usize| n / 2 % people * rooms + n * 7_919 % rooms;
    costs.push(count(&mut town, What::Mute, events, |town, n| town.mute(inside[at(n)].2)));
    costs.push(count(&mut town, What::Live, events, |town, n| town.live(inside[at(n)].2)));
    let (mut left, mut came) = (Cost::none(What::Leave, &town), Cost::none(What::Join, &town));
    for n in 0..events {
        let (room, door, conn) = &mut inside[at(n)];
        left.add(&mut town, |town| town.leave(*conn));
        came.add(&mut town, |town| *conn = town.join(*door, &format!("room {room}"), &format!("newcomer {n}")));
    }
    costs.extend([left, came]);
    (town, costs)
}

/// One room of so many people: what one more costs who comes, mutes and leaves, so many times.
pub fn room(door: Door, people: usize, times: usize) -> (Town, Vec<Cost>) {
    let mut town = Town::new();
    town.enlarge(door, "room");
    let join = |town: &mut Town, n: usize| town.join(door, "room", &format!("person {n}"));
    let inside: Vec<ConnId> = (0..people - 1).map(|n| join(&mut town, n)).collect();
    let mut costs = [What::Join, What::Mute, What::Live, What::Leave].map(|what| Cost::none(what, &town));
    for n in 0..times {
        let mut newcomer = ConnId(0);
        costs[0].add(&mut town, |town| newcomer = join(town, people + n));
        costs[1].add(&mut town, |town| town.mute(inside[n % inside.len()]));
        costs[2].add(&mut town, |town| town.live(inside[n % inside.len()]));
        costs[3].add(&mut town, |town| town.leave(newcomer));
    }
    (town, costs.to_vec())
}

fn count(town: &mut Town, what: What, events: usize, mut act: impl FnMut(&mut Town, usize)) -> Cost {
    let mut cost = Cost::none(what, town);
    for n in 0..events {
        cost.add(town, |town| act(town, n));
    }
    cost
}

impl Cost {
    fn none(what: What, town: &Town) -> Self {
        Cost { what, events: 0, spent: town.cost.since(&town.cost), told: town.told.since(&town.told) }
    }

    fn add(&mut self, town: &mut Town, act: impl FnOnce(&mut Town)) {
        let (spent, told) = (town.cost, town.told);
        act(town);
        self.events += 1;
        self.spent = self.spent.and(&town.cost.since(&spent));
        self.told = self.told.and(&town.told.since(&told));
    }
}
