//! The loads that are measured together.

use clap::ValueEnum;

use crate::scenario::{Kind, Scenario};
use crate::signal::Door;

/// Which loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Set {
    /// One of each kind, short: under five minutes.
    Short,
    /// Everything in every size: half an hour, beside a peer one.
    Full,
}

impl Set {
    /// How often everything is measured, and for how many seconds, unless told otherwise.
    pub fn usual(self) -> (u32, u64) {
        match self {
            Set::Short => (2, 4),
            Set::Full => (5, 8),
        }
    }

    /// Its loads, in this order.
    pub fn loads(self) -> Vec<Scenario> {
        let new = Scenario::new;
        let lossy = |percent| Scenario { loss_percent: percent, ..new(Kind::Fan, 1, 10) };
        let many = |rooms| Scenario { rooms, ..new(Kind::Many, 4, 0) };
        let mixed = |count| Scenario { is_mixed: true, ..new(Kind::All, count, 0) };
        let fans = [10, 49, 100].map(|count| new(Kind::Fan, 1, count));
        let short = [
            new(Kind::All, 8, 0),
            many(8),
            new(Kind::Storm, 1, 49),
            new(Kind::Layers, 1, 24),
            new(Kind::Keys, 1, 49),
            lossy(5),
            new(Kind::Sound, 50, 0),
            mixed(4),
        ];
        let full = [
            new(Kind::All, 2, 0),
            new(Kind::All, 4, 0),
            new(Kind::All, 8, 0),
            new(Kind::All, 16, 0),
            many(12),
            new(Kind::Gallery, 50, 0),
            new(Kind::Sound, 50, 0),
            new(Kind::Storm, 1, 49),
            new(Kind::Layers, 1, 24),
            new(Kind::Keys, 1, 49),
            lossy(2),
            lossy(5),
            lossy(10),
            Scenario { recorded: true, ..new(Kind::Rooms, 12, 1) },
            mixed(4),
            mixed(9),
            mixed(16),
        ];
        let rest = if self == Set::Short { &short[..] } else { &full[..] };
        fans.iter().chain(rest).cloned().collect()
    }
}

/// How the servers that are measured are spoken to under this load: mixed rooms are entered by SignalWire's signaling, and what a peer
/// cannot do is measured without it.
pub fn doors(load: &Scenario, chosen: &[Door]) -> Vec<Door> {
    let door = |door: &Door| if load.is_mixed && *door == Door::Kennel { Door::Signalwire } else { *door };
    let mut doors: Vec<Door> = Vec::new();
    for one in chosen.iter().map(door).filter(|door| load.refusal(*door).is_none()) {
        if !doors.contains(&one) {
            doors.push(one);
        }
    }
    doors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_load_of_a_set_is_there_once_and_can_be_measured() {
        for set in [Set::Short, Set::Full] {
            let mut names: Vec<String> = set.loads().iter().map(Scenario::name).collect();
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "{names:?}");
            assert!(set.loads().iter().all(|load| !doors(load, &[Door::Kennel]).is_empty() && load.senseless().is_none()));
        }
    }

    #[test]
    fn a_peer_is_measured_where_it_can_be() {
        let both = [Door::Kennel, Door::Janus];
        assert_eq!(doors(&Scenario::new(Kind::Fan, 1, 10), &both), both);
        assert_eq!(doors(&Scenario::new(Kind::Fan, 1, 10), &[Door::Kennel, Door::Janus, Door::Kennel]), both);
        let mixed = Scenario { is_mixed: true, ..Scenario::new(Kind::All, 4, 0) };
        assert_eq!(doors(&mixed, &both), [Door::Signalwire]);
        let recorded = Scenario { recorded: true, ..Scenario::new(Kind::Rooms, 4, 1) };
        assert_eq!(doors(&recorded, &both), [Door::Kennel]);
    }
}
