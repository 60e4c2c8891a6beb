//! What is measured: who is in which room, who sends what, and in which order they come.

use std::time::Duration;

use clap::ValueEnum;

use crate::drill::Drill;
use crate::field::{Joiner, Pictures};
use crate::signal::Door;
use crate::source::Picture;

/// Seats of a group room.
const ROOM_SEATS: usize = 50;

/// Seats of a room that a token of SignalWire's makes.
const MIXED_SEATS: usize = 20;

/// Who speaks at a time where many are; the others send what Opus sends of silence.
const SPEAKERS: usize = 3;

/// More senders than this in a room come slowly.
const CROWD: usize = 10;

/// How slowly.
const CROWD_JOINS_PER_S: u32 = 4;

/// The kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A few publish, the rest only receive; in several rooms if need be.
    Fan,
    /// Everyone sends camera and microphone to everyone.
    All,
    /// Many rooms, everyone to everyone in each.
    Many,
    /// Everyone to everyone: small pictures, three who speak.
    Gallery,
    /// Everyone to everyone without pictures, three who speak.
    Sound,
    /// One publisher a room, and viewers who join at a rate.
    Storm,
    /// As many rooms as publishers, one in each, and its viewers.
    Rooms,
    /// Three layers; viewers want another one every two seconds.
    Layers,
    /// As a fan; all ask for a key frame at once, every second.
    Keys,
}

/// What mixes that are recorded become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MixFile {
    /// VP8 and Opus, as the viewers are sent them.
    #[default]
    Webm,
    /// H264 and Opus: pictures are encoded once more for it.
    Mp4,
}

impl MixFile {
    /// What the server's configuration calls it.
    pub fn name(self) -> &'static str {
        match self {
            MixFile::Webm => "webm",
            MixFile::Mp4 => "mp4",
        }
    }
}

/// A load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What kind.
    pub kind: Kind,
    /// How many rooms, of many.
    pub rooms: usize,
    /// Who sends, in each room.
    pub publishers: usize,
    /// Who only receives, in all rooms together.
    pub subscribers: usize,
    /// Whether everybody gets the mix of the room.
    pub is_mixed: bool,
    /// How long is measured.
    pub seconds: u64,
    /// From when everybody hears everything until it is measured.
    pub warm_up: Duration,
    /// Joins a second.
    pub joins_per_s: u32,
    /// Whether everybody's tracks are recorded, or, where everybody gets the mix, that.
    pub recorded: bool,
    /// What becomes of mixes then.
    pub mix_file: MixFile,
    /// Of a hundred datagrams of media so many get lost, to each client and from it.
    pub loss_percent: u8,
    /// Which ones.
    pub seed: u64,
}

impl Scenario {
    /// A load of this kind, with what is usual of all else.
    pub fn new(kind: Kind, publishers: usize, subscribers: usize) -> Self {
        Scenario {
            kind,
            rooms: 1,
            publishers,
            subscribers,
            is_mixed: false,
            seconds: 8,
            warm_up: Duration::from_secs(3),
            joins_per_s: 20,
            recorded: false,
            mix_file: MixFile::Webm,
            loss_percent: 0,
            seed: 1,
        }
    }

    /// A short name for tables.
    pub fn name(&self) -> String {
        let Scenario { publishers, subscribers, joins_per_s, .. } = self;
        let many = |word: &str| if *publishers == 1 { String::new() } else { format!("{word} {publishers}") };
        let mut name = match self.kind {
            Kind::Fan => format!("{publishers} to {subscribers}"),
            Kind::All => format!("{publishers} to each other"),
            Kind::Many => format!("{} rooms of {publishers}", self.rooms),
            Kind::Gallery => format!("gallery of {publishers}"),
            Kind::Sound => format!("sound of {publishers}"),
            Kind::Storm => format!("storm of {subscribers}{} at {joins_per_s}/s", many(" on")),
            Kind::Rooms => format!("{publishers} rooms of 1 to {subscribers}"),
            Kind::Layers => format!("{publishers} in 3 layers to {subscribers}"),
            Kind::Keys => format!("key frames{} for {subscribers}", many(" of")),
        };
        if self.is_together() && *subscribers > 0 {
            name += &format!(", {subscribers} watch");
        }
        if self.is_mixed {
            name += ", mixed";
        }
        if self.recorded {
            name += ", recorded";
        }
        if self.recorded && self.is_mixed {
            name += &format!(" as {}", self.mix_file.name());
        }
        if self.loss_percent > 0 {
            name += &format!(", {} % lost", self.loss_percent);
        }
        name
    }

    /// Whether a server can be measured with it that is spoken to so; why not.
    pub fn refusal(&self, door: Door) -> Option<&'static str> {
        let layers = matches!(self.kind, Kind::Layers);
        match door {
            Door::Kennel if self.seats() > ROOM_SEATS => Some("more than the 50 that a room holds would be in one"),
            Door::Signalwire if self.seats() > MIXED_SEATS => {
                Some("more than the 20 that a room made by a token holds would be in one")
            }
            Door::Signalwire if self.kind == Kind::Gallery => Some("it sends what `all` sends, whose cameras can be decoded"),
            Door::Janus if self.is_mixed => Some("no peer: its VideoRoom mixes nothing"),
            Door::Janus if self.recorded => Some("no peer: it is not told to record"),
            // Seen with Janus 1.1.2 and str0m 0.25: pictures of some viewers do not come back.
            Door::Janus if self.loss_percent > 0 => Some("no peer: with it and our transport pictures stop for good"),
            Door::Signalwire if layers => Some("everybody gets the same picture"),
            _ => None,
        }
    }

    /// Why it makes no sense as it was asked for, if it does not.
    pub fn senseless(&self) -> Option<String> {
        let name = self.kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let together = self.is_together();
        if self.publishers == 0 {
            return Some(format!("{name}: somebody has to send: --publishers 1 or more"));
        }
        if self.rooms != 1 && self.kind != Kind::Many {
            return Some(format!("{name}: --rooms is of `many` only"));
        }
        if self.rooms == 0 {
            return Some(format!("{name}: --rooms 1 or more"));
        }
        let alone = if together { self.publishers + self.subscribers < 2 } else { self.subscribers == 0 && !self.recorded };
        match (alone, together) {
            (true, true) => Some(format!("{name}: nobody hears anybody: --publishers 2 or more")),
            (true, false) => Some(format!("{name}: nobody receives: --subscribers 1 or more")),
            _ => None,
        }
    }

    /// Whether those who send hear each other.
    fn is_together(&self) -> bool {
        matches!(self.kind, Kind::All | Kind::Many | Kind::Gallery | Kind::Sound)
    }

    /// How many are in the fullest room, by either signaling.
    fn seats(&self) -> usize {
        let viewers = match self.kind {
            Kind::Rooms => return 1 + self.subscribers,
            Kind::Many => self.subscribers.div_ceil(self.rooms.max(1)),
            // More rooms are made for them, of which each has one at least.
            _ => self.subscribers.min(1),
        };
        self.publishers + viewers
    }

    /// How many rooms it takes.
    pub fn rooms(&self) -> usize {
        match self.kind {
            Kind::Rooms => self.publishers,
            Kind::Many => self.rooms,
            _ => {
                let seats = if self.is_mixed { MIXED_SEATS } else { ROOM_SEATS };
                self.subscribers.div_ceil(seats.saturating_sub(self.publishers).max(1)).max(1)
            }
        }
    }

    /// How many receive what one sends.
    pub fn receivers(&self) -> usize {
        match self.kind {
            _ if self.is_together() => self.publishers.saturating_sub(1),
            _ => self.subscribers,
        }
    }

    /// Everyone who sends, in the order in which they join.
    pub fn senders(&self) -> Vec<Joiner> {
        let picture = match self.kind {
            Kind::Gallery => Some(Pictures::One(Picture::TILE)),
            Kind::Layers => Some(Pictures::Layers),
            Kind::Sound => None,
            _ => Some(Pictures::One(Picture::CAMERA)),
        };
        let few = matches!(self.kind, Kind::Gallery | Kind::Sound);
        let speaks = |n: usize| !few || n < SPEAKERS;
        let each = if self.kind == Kind::Rooms { 1 } else { self.publishers };
        let sender = |n: usize| Joiner { room: n / each.max(1), picture, sound: Some(speaks(n)) };
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
        Duration::from_secs(1) / self.joins_per_s.min(self.joins_per_s_max()).max(1)
    }

    /// Joins a second, at most.
    pub fn joins_per_s_max(&self) -> u32 {
        let crowd = self.publishers > CROWD && self.kind != Kind::Rooms && !self.is_mixed;
        if crowd { CROWD_JOINS_PER_S } else { u32::MAX }
    }

    /// What clients do while they are measured.
    pub fn drill(&self) -> Option<Drill> {
        match self.kind {
            Kind::Layers => Some(Drill::Layers),
            Kind::Keys => Some(Drill::Keys),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(all: &[Joiner], room: usize) -> usize {
        all.iter().filter(|one| one.room == room).count()
    }

    #[test]
    fn no_room_is_larger_than_rooms_are() {
        for (publishers, subscribers, rooms) in [(1, 10, 1), (1, 49, 1), (1, 50, 2), (1, 100, 3), (8, 0, 1), (50, 0, 1)] {
            let scenario = Scenario::new(Kind::Fan, publishers, subscribers);
            assert_eq!(scenario.rooms(), rooms);
            let all: Vec<_> = scenario.senders().into_iter().chain(scenario.viewers()).collect();
            assert_eq!(all.len(), publishers * rooms + subscribers);
            for room in 0..rooms {
                assert!(count(&all, room) <= ROOM_SEATS, "{} in one room", count(&all, room));
                assert_eq!(all.iter().filter(|one| one.room == room && one.picture.is_some()).count(), publishers);
            }
        }
        let mixed = Scenario { is_mixed: true, ..Scenario::new(Kind::Fan, 1, 20) };
        assert_eq!((mixed.rooms(), mixed.name()), (2, "1 to 20, mixed".into()));
        let taped = Scenario { recorded: true, mix_file: MixFile::Mp4, ..mixed };
        assert_eq!((taped.name(), taped.refusal(Door::Signalwire)), ("1 to 20, mixed, recorded as mp4".into(), None));
    }

    #[test]
    fn rooms_have_a_publisher_each() {
        let scenario = Scenario::new(Kind::Rooms, 25, 2);
        let (senders, viewers) = (scenario.senders(), scenario.viewers());
        assert_eq!((scenario.rooms(), senders.len(), viewers.len()), (25, 25, 50));
        (0..25).for_each(|room| assert_eq!((count(&senders, room), count(&viewers, room)), (1, 2)));
    }

    #[test]
    fn many_rooms_are_equally_full() {
        let scenario = Scenario { rooms: 12, ..Scenario::new(Kind::Many, 4, 0) };
        let senders = scenario.senders();
        assert_eq!((senders.len(), scenario.viewers().len(), scenario.receivers()), (48, 0, 3));
        (0..12).for_each(|room| assert_eq!(count(&senders, room), 4));
    }

    #[test]
    fn few_speak_where_many_are() {
        for (kind, picture) in [(Kind::Gallery, Some(Pictures::One(Picture::TILE))), (Kind::Sound, None)] {
            let senders = Scenario::new(kind, 50, 0).senders();
            assert_eq!(senders.iter().filter(|one| one.sound == Some(true)).count(), SPEAKERS);
            assert!(senders.iter().all(|one| one.picture == picture && one.sound.is_some()));
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_with_what_would() {
        let check = |scenario: Scenario, expected: Option<&str>| {
            let why = scenario.senseless();
            let fits = expected.map_or(why.is_none(), |words| why.as_ref().is_some_and(|why| why.contains(words)));
            assert!(fits, "{why:?} in place of {expected:?}");
        };
        let new = Scenario::new;
        check(new(Kind::Fan, 1, 10), None);
        check(new(Kind::Fan, 1, 0), Some("--subscribers 1"));
        check(new(Kind::Storm, 0, 10), Some("--publishers 1"));
        check(new(Kind::All, 1, 0), Some("--publishers 2"));
        check(new(Kind::All, 2, 0), None);
        check(Scenario { rooms: 3, ..new(Kind::All, 2, 0) }, Some("`many`"));
        check(Scenario { rooms: 3, ..new(Kind::Many, 2, 0) }, None);
        check(Scenario { rooms: 0, ..new(Kind::Many, 2, 0) }, Some("--rooms 1"));
        check(Scenario { recorded: true, ..new(Kind::Rooms, 2, 0) }, None);
    }

    #[test]
    fn what_a_server_cannot_do_is_not_asked_of_it() {
        let plain = Scenario::new(Kind::Fan, 1, 10);
        assert_eq!([Door::Kennel, Door::Signalwire, Door::Janus].map(|door| plain.refusal(door)), [None; 3]);
        let mixed = Scenario { is_mixed: true, ..plain.clone() };
        assert!(mixed.refusal(Door::Janus).is_some());
        assert!(Scenario { loss_percent: 5, ..plain.clone() }.refusal(Door::Janus).is_some());
        assert!(Scenario { recorded: true, ..plain }.refusal(Door::Janus).is_some());
        assert!(Scenario::new(Kind::Layers, 1, 3).refusal(Door::Signalwire).is_some());
        assert!(Scenario::new(Kind::Gallery, 3, 0).refusal(Door::Signalwire).is_some());
    }

    #[test]
    fn more_than_a_room_holds_is_refused_before_a_server_does() {
        let of = |scenario: Scenario| [Door::Kennel, Door::Signalwire].map(|door| scenario.refusal(door).is_some());
        for (scenario, refused) in [
            (Scenario::new(Kind::All, 20, 0), [false, false]),
            (Scenario::new(Kind::All, 21, 0), [false, true]),
            (Scenario::new(Kind::All, 50, 0), [false, true]),
            (Scenario::new(Kind::All, 50, 1), [true, true]),
            (Scenario::new(Kind::All, 51, 0), [true, true]),
            (Scenario::new(Kind::Fan, 1, 1_000), [false, false]),
            (Scenario::new(Kind::Rooms, 100, 49), [false, true]),
            (Scenario::new(Kind::Rooms, 100, 50), [true, true]),
            (Scenario { rooms: 2, ..Scenario::new(Kind::Many, 10, 20) }, [false, false]),
            (Scenario { rooms: 2, ..Scenario::new(Kind::Many, 10, 21) }, [false, true]),
        ] {
            assert_eq!(of(scenario.clone()), refused, "{scenario:?}");
        }
    }

    #[test]
    fn unlike_loads_have_unlike_names() {
        let names = |scenarios: &[(Kind, usize, usize)]| -> Vec<String> {
            scenarios
                .iter()
                .map(|(kind, publishers, subscribers)| Scenario::new(*kind, *publishers, *subscribers).name())
                .collect()
        };
        assert_eq!(names(&[(Kind::Keys, 1, 3), (Kind::Keys, 2, 3)]), ["key frames for 3", "key frames of 2 for 3"]);
        assert_eq!(names(&[(Kind::Storm, 1, 3), (Kind::Storm, 2, 3)]), ["storm of 3 at 20/s", "storm of 3 on 2 at 20/s"]);
        assert_eq!(names(&[(Kind::All, 3, 0), (Kind::All, 3, 4)]), ["3 to each other", "3 to each other, 4 watch"]);
    }
}
