//! Which worker has which clients of which room.
//!
//! A room has a home, the worker of its first client. Where it grows larger than one worker should carry, who comes next is served by
//! another: the room has wings then (see [`crate::pipe`]). Who is there stays, because to move is a new transport.

use std::collections::{HashMap, VecDeque};

use room::{Act, LinkId, Open, Order, ParticipantId, RoomId, Track, View};

use crate::limit::{ROOM_SPREAD_DEFAULT, SPREAD_LEAST};
use crate::pipe::{Notice, Part};

/// Who is where.
#[derive(Debug)]
pub struct Placement {
    rooms: HashMap<RoomId, Place>,
    /// Peers of each worker.
    peers: Vec<usize>,
    /// Which workers have as much to do as they can.
    busy: Vec<bool>,
    /// Clients of one room on one worker, from which on the next ones go to another.
    spread: usize,
    notices: VecDeque<(usize, Notice)>,
    /// Parts that there were.
    serial: u64,
}

/// What was lost with a worker.
#[derive(Debug, Default, PartialEq)]
pub struct Lost {
    /// Rooms that had their home there: nobody in them has a peer any more.
    pub rooms: Vec<RoomId>,
    /// Rooms of which it had a wing.
    pub parts: Vec<RoomId>,
    /// Those of other rooms who had their peers there, with their links.
    pub dead: Vec<(RoomId, ParticipantId, LinkId)>,
}

#[derive(Debug)]
struct Place {
    /// The first is the home, which stays, with somebody or without. On each worker there is one at most.
    parts: Vec<Held>,
    who: HashMap<ParticipantId, Guest>,
}

#[derive(Debug)]
struct Held {
    part: Part,
    guests: usize,
}

#[derive(Debug)]
struct Guest {
    worker: usize,
    link: LinkId,
    /// What it publishes, for wings that come later.
    tracks: Option<Vec<Track>>,
}

impl Placement {
    /// Of so many workers, with no rooms.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Placement {
            rooms: HashMap::new(),
            peers: vec![0; workers],
            busy: vec![false; workers],
            spread: ROOM_SPREAD_DEFAULT,
            notices: VecDeque::new(),
            serial: 0,
        }
    }

    /// From so many clients of one room on one worker on the next ones go to another; at least 1.
    #[must_use]
    pub fn spread_from(self, clients: usize) -> Self {
        Placement { spread: clients.max(1), ..self }
    }

    /// A worker has as much to do as it can, or not any more.
    pub fn set_busy(&mut self, worker: usize, busy: bool) {
        self.busy.iter_mut().skip(worker).take(1).for_each(|own| *own = busy);
    }

    /// The worker that an order is for; none: it is for a participant who has no peer. What workers have to know before that comes with
    /// [`poll_notice`](Placement::poll_notice).
    pub fn place(&mut self, order: &Order) -> Option<usize> {
        let (room, who) = (order.room, order.who);
        match &order.act {
            Act::Open(open) => self.open(room, who, open),
            Act::Close => self.close(room, who),
            Act::Publish(tracks) => self.publish(room, who, tracks),
            // Of the room as a whole.
            Act::Scene(_) | Act::RecordMix(_) => {
                self.rooms.get(&room).filter(|place| place.who.contains_key(&who)).map(|place| place.home().worker)
            }
            _ => self.rooms.get(&room)?.who.get(&who).map(|guest| guest.worker),
        }
    }

    /// What a worker is to know before the order that was placed last.
    pub fn poll_notice(&mut self) -> Option<(usize, Notice)> {
        self.notices.pop_front()
    }

    /// Forgets all that a worker had. The other workers learn of it by notices.
    pub fn lose(&mut self, worker: usize) -> Lost {
        self.peers.iter_mut().skip(worker).take(1).for_each(|peers| *peers = 0);
        let had = |place: &Place| place.parts.iter().any(|held| held.part.worker == worker);
        let mut rooms: Vec<RoomId> = self.rooms.iter().filter(|(_, place)| had(place)).map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        let mut lost = Lost::default();
        for room in rooms {
            let Some(place) = self.rooms.get_mut(&room) else { continue };
            if place.home().worker == worker {
                lost.rooms.push(room);
                self.end(room, Some(worker));
                continue;
            }
            lost.parts.push(room);
            let here = place.who.extract_if(|_, guest| guest.worker == worker);
            let mut dead: Vec<_> = here.map(|(who, guest)| (room, who, guest.link)).collect();
            dead.sort_unstable_by_key(|(_, who, _)| *who);
            dead.iter().for_each(|(_, who, _)| self.tell_others(room, worker, &Notice::Left(room, *who)));
            lost.dead.extend(dead);
            self.end_part(room, worker, false);
        }
        lost
    }

    fn open(&mut self, room: RoomId, who: ParticipantId, open: &Open) -> Option<usize> {
        let (idlest, _) = self.peers.iter().enumerate().min_by_key(|(_, peers)| **peers)?;
        let serial = &mut self.serial;
        let place = self.rooms.entry(room).or_insert_with(|| {
            *serial += 1;
            Place { parts: vec![Held { part: Part { worker: idlest, serial: *serial }, guests: 0 }], who: HashMap::new() }
        });
        let home = place.home().worker;
        // Mixes are made at home.
        let mixed = open.view == View::Mix;
        if let Some(guest) = place.who.get_mut(&who) {
            guest.link = open.link.clone();
            if !mixed || guest.worker == home {
                return Some(guest.worker);
            }
            let former = guest.worker;
            self.notices.push_back((former, Notice::Moved(room, who)));
            self.leave(room, who);
        }
        let worker = if mixed { home } else { self.choose(room)? };
        self.enter(room, who, worker, open.link.clone());
        Some(worker)
    }

    /// Where somebody who comes is served. What a new part spares must be more than what its pipes take: nobody leaves home for a worker
    /// that is busy as well, and a part that is there is filled before another is made.
    fn choose(&self, room: RoomId) -> Option<usize> {
        let place = self.rooms.get(&room)?;
        let Held { part: home, guests } = place.parts.first()?;
        let busy = |worker: usize| self.busy.get(worker).is_some_and(|busy| *busy);
        if *guests < self.spread && !(*guests >= SPREAD_LEAST && busy(home.worker)) {
            return Some(home.worker);
        }
        let cost = |(worker, peers): (usize, &usize)| {
            let here = place.parts.iter().find(|held| held.part.worker == worker).map(|held| held.guests);
            let (busy, filling) = (busy(worker), here.is_some_and(|guests| guests < self.spread));
            // Home is a part, so a busy worker without one is never the best.
            (busy && here.is_none(), busy, !filling, here.unwrap_or_default(), *peers)
        };
        self.peers.iter().enumerate().min_by_key(|it| cost(*it)).map(|(worker, _)| worker)
    }

    fn enter(&mut self, room: RoomId, who: ParticipantId, worker: usize, link: LinkId) {
        self.add_part(room, worker);
        let Some(place) = self.rooms.get_mut(&room) else { return };
        place.held(worker).for_each(|held| held.guests += 1);
        place.who.insert(who, Guest { worker, link, tracks: None });
        self.peers.iter_mut().skip(worker).take(1).for_each(|peers| *peers += 1);
    }

    /// Makes a wing of the room on this worker, if it has no part there. Those that are there know of it before it does.
    fn add_part(&mut self, room: RoomId, worker: usize) {
        let Some(place) = self.rooms.get_mut(&room) else { return };
        if place.parts.iter().any(|held| held.part.worker == worker) {
            return;
        }
        self.serial += 1;
        let (own, home) = (Part { worker, serial: self.serial }, place.home());
        let others = || place.parts.iter().map(|held| held.part);
        self.notices.extend(others().map(|other| (other.worker, Notice::Meet { room, own: other, home, other: own })));
        self.notices.extend(others().map(|other| (worker, Notice::Meet { room, own, home, other })));
        let mut known: Vec<_> = place.who.iter().filter_map(|(who, guest)| Some((*who, guest, guest.tracks.clone()?))).collect();
        known.sort_unstable_by_key(|(who, ..)| *who);
        for (who, guest, tracks) in known {
            let part = place.parts.iter().find(|held| held.part.worker == guest.worker).map_or(home, |held| held.part);
            self.notices.push_back((worker, Notice::Published { room, who, part, tracks }));
        }
        place.parts.push(Held { part: own, guests: 0 });
    }

    fn publish(&mut self, room: RoomId, who: ParticipantId, tracks: &[Track]) -> Option<usize> {
        let place = self.rooms.get_mut(&room)?;
        let guest = place.who.get_mut(&who)?;
        guest.tracks = Some(tracks.to_vec());
        let worker = guest.worker;
        if place.parts.len() > 1 {
            let part = place.parts.iter().find(|held| held.part.worker == worker)?.part;
            self.tell_others(room, worker, &Notice::Published { room, who, part, tracks: tracks.to_vec() });
        }
        Some(worker)
    }

    fn close(&mut self, room: RoomId, who: ParticipantId) -> Option<usize> {
        let worker = self.leave(room, who)?;
        if self.rooms.get(&room).is_some_and(|place| place.who.is_empty()) {
            self.rooms.remove(&room);
        }
        Some(worker)
    }

    /// Forgets a client, and its part of the room if nobody is left there.
    fn leave(&mut self, room: RoomId, who: ParticipantId) -> Option<usize> {
        let place = self.rooms.get_mut(&room)?;
        let Guest { worker, .. } = place.who.remove(&who)?;
        place.held(worker).for_each(|held| held.guests -= 1);
        let over = place.guests(worker) == 0 && place.home().worker != worker;
        self.peers.iter_mut().skip(worker).take(1).for_each(|peers| *peers -= 1);
        self.tell_others(room, worker, &Notice::Left(room, who));
        if over {
            self.end_part(room, worker, true);
        }
        Some(worker)
    }

    /// A wing is over.
    fn end_part(&mut self, room: RoomId, worker: usize, tell_it: bool) {
        let Some(place) = self.rooms.get_mut(&room) else { return };
        let Some(index) = place.parts.iter().position(|held| held.part.worker == worker) else { return };
        let Held { part, .. } = place.parts.remove(index);
        let empty = place.who.is_empty();
        self.notices.extend(tell_it.then_some((worker, Notice::Over(room))));
        self.tell_others(room, worker, &Notice::Gone(room, part));
        if empty {
            // Home is the last part, with nobody in it.
            self.end(room, None);
        }
    }

    /// A room is over. Those of its parts that are not on a lost worker are told.
    fn end(&mut self, room: RoomId, lost: Option<usize>) {
        let Some(place) = self.rooms.remove(&room) else { return };
        for Held { part, guests } in place.parts.iter().filter(|held| Some(held.part.worker) != lost) {
            self.peers.iter_mut().skip(part.worker).take(1).for_each(|peers| *peers -= guests);
            self.notices.push_back((part.worker, Notice::Over(room)));
        }
    }

    fn tell_others(&mut self, room: RoomId, worker: usize, notice: &Notice) {
        let others = self.rooms.get(&room).into_iter().flat_map(|place| &place.parts).map(|held| held.part.worker);
        self.notices.extend(others.filter(|other| *other != worker).map(|other| (other, notice.clone())));
    }
}

impl Place {
    fn home(&self) -> Part {
        self.parts.first().map_or(Part { worker: 0, serial: 0 }, |held| held.part)
    }

    fn held(&mut self, worker: usize) -> impl Iterator<Item = &mut Held> {
        self.parts.iter_mut().filter(move |held| held.part.worker == worker)
    }

    fn guests(&self, worker: usize) -> usize {
        self.parts.iter().find(|held| held.part.worker == worker).map_or(0, |held| held.guests)
    }
}
