//! What is measured: who is in which room, who sends what, and in which order they come.

use std::time::Duration;

use clap::ValueEnum;

use crate::field::Joiner;
use crate::source::Picture;

/// Seats of a group room.
const ROOM_SEATS: usize = 50;

/// Who speaks at a time in a gallery; the others send what Opus sends of silence.
const GALLERY_SPEAKERS: usize = 3;

/// More senders than this in a room come slowly.
const CROWD: usize = 10;

/// How slowly.
const CROWD_JOINS_PER_S: u32 = 4;

/// The kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A few publishers with camera and microphone, the rest only receive. More than a room holds: the same in several rooms.
    Fan,
    /// Everyone sends camera and microphone to everyone.
    All,
    /// Everyone to everyone as in a gallery: small pictures, three who speak.
    Gallery,
    /// One publisher a room, and viewers who join at a rate.
    Storm,
    /// So many rooms as there are publishers, one in each, with so many subscribers each.
    Rooms,
}

/// A load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What kind.
    pub kind: Kind,
    /// Who sends, in each room.
    pub publishers: usize,
    /// Who only receives, in all rooms together.
    pub subscribers: usize,
    /// How long is measured.
    pub seconds: u64,
    /// Joins a second.
    pub joins_per_s: u32,
    /// Whether everybody's tracks are recorded.
    pub recorded: bool,
}

impl Scenario {
    /// A short name for tables.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Fan => format!("{} to {}", self.publishers, self.subscribers),
            Kind::All => format!("{} to each other", self.publishers),
            Kind::Gallery => format!("gallery of {}", self.publishers),
            Kind::Storm => format!("storm of {} at {}/s", self.subscribers, self.joins_per_s),
            Kind::Rooms => {
                let recorded = if self.recorded { ", recorded" } else { "" };
                format!("{} rooms of 1 to {}{recorded}", self.publishers, self.subscribers)
            }
        }
    }

    /// How many rooms it takes.
    pub fn rooms(&self) -> usize {
        if self.kind == Kind::Rooms {
            return self.publishers;
        }
        let seats = ROOM_SEATS.saturating_sub(self.publishers).max(1);
        self.subscribers.div_ceil(seats).max(1)
    }

    /// Everyone who sends, in the order in which they join.
    pub fn senders(&self) -> Vec<Joiner> {
        let picture = if self.kind == Kind::Gallery { Picture::TILE } else { Picture::CAMERA };
        let speaks = |n: usize| self.kind != Kind::Gallery || n < GALLERY_SPEAKERS;
        let each = if self.kind == Kind::Rooms { 1 } else { self.publishers };
        let sender = |n: usize| Joiner { room: n / each.max(1), picture: Some(picture), sound: Some(speaks(n)) };
        (0..each * self.rooms()).map(sender).collect()
    }

    /// Everyone who only receives, spread over the rooms.
    pub fn viewers(&self) -> Vec<Joiner> {
        let rooms = self.rooms();
        let all = if self.kind == Kind::Rooms { self.subscribers * rooms } else { self.subscribers };
        (0..all).map(|n| Joiner { room: n % rooms, picture: None, sound: None }).collect()
    }

    /// Time from one join to the next.
    pub fn join_interval(&self) -> Duration {
        // Everybody negotiates with everybody who comes: what one thread does for all clients here is the work of as many machines.
        let most = if self.publishers > CROWD && self.kind != Kind::Rooms { CROWD_JOINS_PER_S } else { self.joins_per_s };
        Duration::from_secs(1) / self.joins_per_s.min(most).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(kind: Kind, publishers: usize, subscribers: usize) -> Scenario {
        Scenario { kind, publishers, subscribers, seconds: 10, joins_per_s: 20, recorded: false }
    }

    #[test]
    fn no_room_is_larger_than_rooms_are() {
        for (publishers, subscribers, rooms) in [(1, 10, 1), (1, 49, 1), (1, 50, 2), (1, 100, 3), (8, 0, 1), (50, 0, 1)] {
            let scenario = scenario(Kind::Fan, publishers, subscribers);
            assert_eq!(scenario.rooms(), rooms);
            let all: Vec<_> = scenario.senders().into_iter().chain(scenario.viewers()).collect();
            assert_eq!(all.len(), publishers * rooms + subscribers);
            for room in 0..rooms {
                let seats = all.iter().filter(|one| one.room == room).count();
                assert!(seats <= ROOM_SEATS, "{seats} in one room");
                assert_eq!(all.iter().filter(|one| one.room == room && one.picture.is_some()).count(), publishers);
            }
        }
    }

    #[test]
    fn rooms_have_a_publisher_each() {
        let scenario = scenario(Kind::Rooms, 25, 2);
        let (senders, viewers) = (scenario.senders(), scenario.viewers());
        assert_eq!((scenario.rooms(), senders.len(), viewers.len()), (25, 25, 50));
        for room in 0..25 {
            let count = |all: &[Joiner]| all.iter().filter(|one| one.room == room).count();
            assert_eq!((count(&senders), count(&viewers)), (1, 2));
        }
    }

    #[test]
    fn few_speak_in_a_gallery() {
        let senders = scenario(Kind::Gallery, 50, 0).senders();
        assert_eq!(senders.iter().filter(|one| one.sound == Some(true)).count(), GALLERY_SPEAKERS);
        assert!(senders.iter().all(|one| one.picture == Some(Picture::TILE)));
    }
}
