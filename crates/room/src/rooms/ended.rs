//! Rooms that are over, so that who comes too late is told so.

use std::collections::{BTreeSet, VecDeque};

use crate::RoomId;
use crate::limit::ENDED_KNOWN_MAX;

/// The rooms that ended last.
#[derive(Default)]
pub(super) struct Ended {
    ids: BTreeSet<RoomId>,
    /// The same, in the order in which they ended.
    order: VecDeque<RoomId>,
}

impl Ended {
    pub fn add(&mut self, room: RoomId) {
        if !self.ids.insert(room) {
            return;
        }
        self.order.push_back(room);
        if self.order.len() > ENDED_KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    pub fn knows(&self, room: RoomId) -> bool {
        self.ids.contains(&room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut ended = Ended::default();
        let most = ENDED_KNOWN_MAX as u128;
        for id in [0, 0].into_iter().chain(1..=most) {
            ended.add(RoomId(id));
        }
        assert!(!ended.knows(RoomId(0)) && ended.knows(RoomId(1)) && ended.knows(RoomId(most)));
        assert_eq!(ended.ids.len(), ENDED_KNOWN_MAX);
    }
}
