//! The rooms that an owner made through SignalWire's REST API: all of them in memory, each written down under a key of its own.

use std::collections::BTreeMap;

use signalwire::rest::{Key, RoomFilter, RoomRecord, limit::ROOMS_MAX};
use signalwire::uuid;

/// Before the id of a room in the key that it is written down under.
pub const KEY_PREFIX: &str = "signalwire.room.";

/// Rooms by their names.
#[derive(Debug, Default)]
pub struct Records {
    by_name: BTreeMap<String, RoomRecord>,
}

/// Why a room cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is one of that name.
    Exists,
    /// [`ROOMS_MAX`].
    TooMany,
}

impl Records {
    /// Those that were written down. What cannot be read is passed over, and said in the log.
    #[must_use]
    pub fn read(written: Vec<(String, String)>) -> Self {
        let mut records = Records::default();
        for (key, text) in written {
            match RoomRecord::read(&text) {
                Some(room) => records.put(room),
                None => tracing::error!(key, "a room that was made by REST cannot be read, and is left out"),
            }
        }
        records
    }

    /// The key that a room is written down under.
    #[must_use]
    pub fn key(room: &RoomRecord) -> String {
        format!("{KEY_PREFIX}{}", uuid::spell(room.id))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &RoomRecord> {
        self.by_name.values()
    }

    /// The room of this id or name.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<&RoomRecord> {
        let by_id = key.id.and_then(|id| self.by_id(id));
        by_id.or_else(|| self.by_name.get(&key.text))
    }

    /// The room of this id.
    #[must_use]
    pub fn by_id(&self, id: u128) -> Option<&RoomRecord> {
        self.by_name.values().find(|room| room.id == id)
    }

    /// Whether a room of this name can be made.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn admit(&self, name: &str) -> Result<(), Denied> {
        if self.by_name.contains_key(name) {
            Err(Denied::Exists)
        } else if self.by_name.len() >= ROOMS_MAX {
            Err(Denied::TooMany)
        } else {
            Ok(())
        }
    }

    /// Keeps a room, instead of the one of its name if there is one.
    pub fn put(&mut self, room: RoomRecord) {
        self.by_name.insert(room.name.clone(), room);
    }

    /// Forgets the room of this name.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// A moment for a new room that no other was made at, so that it has a place of its own in lists. `now_ms` if it is free.
    #[must_use]
    pub fn moment(&self, now_ms: u64) -> u64 {
        self.by_name.values().map(|room| room.created_ms.saturating_add(1)).max().unwrap_or(0).max(now_ms)
    }

    /// So many of them that the filter lets through, the newest first, from those made before `after` on; and the place of the last one
    /// if there are more.
    #[must_use]
    pub fn page(&self, filter: &RoomFilter, size: usize, after: Option<i64>) -> (Vec<RoomRecord>, Option<i64>) {
        let place = |room: &RoomRecord| i64::try_from(room.created_ms).unwrap_or(i64::MAX);
        let mut found: Vec<&RoomRecord> = self.by_name.values().filter(|room| passes(filter, room)).collect();
        found.retain(|room| after.is_none_or(|after| place(room) < after));
        found.sort_by_key(|room| std::cmp::Reverse(place(room)));
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().map(|room| place(room)).filter(|_| more);
        (found.into_iter().cloned().collect(), last)
    }
}

fn passes(filter: &RoomFilter, room: &RoomRecord) -> bool {
    let starts = filter.starts_after_ms.is_none_or(|after| room.join_from_ms.is_some_and(|from| from >= after));
    let ends = filter.ends_before_ms.is_none_or(|before| room.join_until_ms.is_some_and(|until| until < before));
    starts && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(id: u128, name: &str, created_ms: u64) -> RoomRecord {
        RoomRecord { id, name: name.into(), created_ms, ..RoomRecord::default() }
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest() {
        let mut records = Records::default();
        (1..=5).for_each(|n| records.put(room(n, &format!("r{n}"), u64::try_from(n).unwrap() * 10)));
        let (first, after) = records.page(&RoomFilter::default(), 2, None);
        assert_eq!((first.iter().map(|room| room.id).collect::<Vec<_>>(), after), (vec![5, 4], Some(40)));
        records.remove("r4");
        let (second, after) = records.page(&RoomFilter::default(), 3, after);
        assert_eq!((second.iter().map(|room| room.id).collect::<Vec<_>>(), after), (vec![3, 2, 1], None));
    }

    #[test]
    fn what_was_written_down_is_there_again() {
        let kept = room(0xabc, "den", 5);
        let records = Records::read(vec![(Records::key(&kept), kept.text()), ("signalwire.room.x".into(), "{".into())]);
        let key = |id, text: &str| Key { id, text: text.into() };
        assert_eq!(records.find(&key(Some(0xabc), "")), Some(&kept));
        assert_eq!(records.find(&key(None, "den")), Some(&kept));
        assert_eq!(records.find(&key(Some(1), "barn")), None);
        assert_eq!((records.admit("den"), records.admit("barn")), (Err(Denied::Exists), Ok(())));
        assert_eq!((records.moment(3), records.moment(9)), (6, 9));
    }
}
