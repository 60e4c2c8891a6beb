//! The rooms over a restart of the program.

use std::sync::Arc;

use super::Rooms;
use crate::room::{Means, Room};
use crate::saved::SavedRoom;
use crate::{Moment, RoomId, WhyEnded, WhyLeft};

impl Rooms {
    /// All rooms as they can be written down, at any moment.
    #[must_use]
    pub fn save(&self, now: Moment) -> Vec<SavedRoom> {
        let saved = self.rooms.values().map(|room| room.save(now));
        saved.filter(SavedRoom::goes_on).collect()
    }

    /// Takes up rooms that were written down before the program was started anew. Their participants count as reconnecting,
    /// and lose their seats after the session timeout as usual; whatever else time brings comes as if the program had run. What does not
    /// fit any more ends: [`WhyEnded::NotRestored`].
    pub fn restore(&mut self, now: Moment, saved: Vec<SavedRoom>) {
        for room in saved.into_iter().filter(SavedRoom::goes_on) {
            if !self.rooms.contains_key(&room.id) {
                self.restore_room(now, room);
            }
        }
    }

    /// Takes up which rooms ended before the program was started anew, the oldest first.
    pub fn restore_ended(&mut self, rooms: impl IntoIterator<Item = RoomId>) {
        rooms.into_iter().for_each(|room| self.ended.add(room));
    }

    fn restore_room(&mut self, now: Moment, mut saved: SavedRoom) {
        let fits = self.fits(&saved);
        saved.kind = self.possible(saved.kind);
        saved.terms.seats_max = saved.terms.seats_max.min(saved.kind.participants_max());
        let deadline = now + self.limits.session_timeout;
        let mut means = Means { now, ids: &mut *self.ids, out: &mut self.out, session_timeout: self.limits.session_timeout };
        let mut room = Room::restore(saved, deadline, &mut means);
        let id = room.id;
        if !fits {
            room.ids().into_iter().for_each(|one| room.leave(one, WhyLeft::RoomEnded, &mut means));
            self.note_end(id, WhyEnded::NotRestored);
            return;
        }
        self.seats.extend(room.participants.iter().map(|p| (p.seat, (id, p.id()))));
        self.people.extend(room.participants.iter().map(|p| (p.id(), id)));
        self.names.insert(Arc::clone(&room.name), id);
        self.rooms.insert(id, room);
        self.wake(id);
    }

    fn fits(&self, room: &SavedRoom) -> bool {
        let unserved = self.check_served(room.kind).is_err() || (room.served && !self.media);
        let taken = self.names.contains_key(&room.name) || self.rooms.len() >= self.limits.rooms_max;
        !unserved && !taken
    }
}
