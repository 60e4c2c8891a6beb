use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::limit::{IDENTITY_CHARS_MAX, KINDS_MAX, Limits, ROOM_NAME_CHARS_MAX, WIRE_NAME_BYTES_MAX};
use crate::rights::{may_enter, permit};
use crate::room::{Means, Room};
use crate::saved::SavedRoom;
use crate::{
    Answer, Caller, Command, ConnId, Fact, Ids, Join, Moment, Origin, Output, ParticipantId, Refusal, Report, Resume, RoomId,
    RoomKind, RoomOptions, RoomRef, SeatKey, Snapshot, Topology, WhyEnded, WhyLeft,
};

/// All rooms in progress.
pub struct Rooms {
    limits: Limits,
    /// Whether there is a media server for rooms that need one.
    media: bool,
    kinds: BTreeMap<Arc<str>, (RoomKind, RoomOptions)>,
    rooms: BTreeMap<RoomId, Room>,
    names: BTreeMap<Arc<str>, RoomId>,
    /// Where each client sits.
    conns: BTreeMap<ConnId, (RoomId, ParticipantId)>,
    /// Where each seat is.
    seats: BTreeMap<SeatKey, (RoomId, ParticipantId)>,
    /// When to look at a room. May hold moments that do not matter any more: looking twice does no harm.
    timers: BTreeSet<(Moment, RoomId)>,
    ids: Box<dyn Ids>,
    out: VecDeque<Output>,
}

/// A room as its owner sees it.
#[derive(Clone, Debug)]
pub struct RoomView {
    /// Which.
    pub id: RoomId,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: RoomKind,
    /// When it began.
    pub began: Moment,
    /// Who is in it, in the order they came.
    pub participants: Vec<Arc<Snapshot>>,
}

impl Rooms {
    /// No rooms yet. `media` tells whether rooms of [`Topology::Server`] can be served.
    #[must_use]
    pub fn new(limits: Limits, media: bool, ids: Box<dyn Ids>) -> Self {
        Rooms {
            limits,
            media,
            kinds: BTreeMap::new(),
            rooms: BTreeMap::new(),
            names: BTreeMap::new(),
            conns: BTreeMap::new(),
            seats: BTreeMap::new(),
            timers: BTreeSet::new(),
            ids,
            out: VecDeque::new(),
        }
    }

    /// All rooms as they can be written down, at any moment.
    #[must_use]
    pub fn save(&self) -> Vec<SavedRoom> {
        self.rooms.values().filter(|room| !room.participants.is_empty()).map(Room::save).collect()
    }

    /// Takes up rooms that were written down before the program was started anew. Their participants count as reconnecting,
    /// and lose their seats after the session timeout as usual. What does not fit any more is left out.
    pub fn restore(&mut self, now: Moment, saved: Vec<SavedRoom>) {
        let deadline = now + self.limits.session_timeout;
        for room in saved.into_iter().take(self.limits.rooms_max) {
            let taken = self.rooms.contains_key(&room.id) || self.names.contains_key(&room.name);
            let unserved = self.check_served(room.kind).is_err() || (room.served && !self.media);
            if taken || room.participants.is_empty() || unserved {
                continue;
            }
            let room = SavedRoom { kind: self.possible(room.kind), ..room };
            let mut means = Means { now, ids: &mut *self.ids, out: &mut self.out, session_timeout: self.limits.session_timeout };
            let room = Room::restore(room, deadline, &mut means);
            self.seats.extend(room.participants.iter().map(|p| (p.seat, (room.id, p.id()))));
            self.timers.insert((deadline, room.id));
            self.names.insert(Arc::clone(&room.name), room.id);
            self.rooms.insert(room.id, room);
        }
    }

    /// Carries a command out or says why not. What it caused comes by [`poll_output`](Rooms::poll_output).
    ///
    /// # Errors
    /// The [`Refusal`], and then nothing has changed.
    pub fn handle(&mut self, now: Moment, caller: Caller, command: Command) -> Result<Answer, Refusal> {
        permit(caller, &command)?;
        match (caller, command) {
            (Caller::Conn(conn), Command::Join(join)) => self.join(now, conn, *join),
            (Caller::Conn(conn), Command::Resume(resume)) => self.resume(now, conn, *resume),
            (Caller::Conn(conn), command) => self.handle_inside(now, conn, command),
            (Caller::Owner, command) => self.handle_owner(now, command),
        }
    }

    /// Takes what the media server tells. Reports of rooms and participants that are gone crossed with their end.
    pub fn handle_report(&mut self, now: Moment, report: Report) {
        let id = match &report {
            Report::Of { room, .. } | Report::Speaker { room, .. } | Report::Lost(room) => *room,
        };
        let Ok((room, mut means)) = self.room(now, id) else { return };
        match report {
            Report::Of { who, link, news, .. } => room.handle_news(who, link, news, &mut means),
            Report::Speaker { who, .. } => room.handle_speaker(who, &mut means),
            Report::Lost(_) => room.handle_lost(&mut means),
        }
        self.watch_move(now, id);
        self.put_out_unserved(now, id);
    }

    /// Gives up the seats whose time is over and ends the rooms that were empty long enough.
    pub fn handle_timeout(&mut self, now: Moment) {
        while self.timers.first().is_some_and(|&(due, _)| due <= now) {
            let Some((_, room)) = self.timers.pop_first() else { return };
            self.watch_move(now, room);
            for participant in self.overdue_seats(now, room) {
                self.leave(now, room, participant, WhyLeft::TimedOut);
            }
            if self.overdue(now, room) {
                self.end(now, room, WhyEnded::Empty);
            }
        }
    }

    /// What was caused, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`handle_timeout`](Rooms::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.timers.first().map(|&(due, _)| due)
    }

    /// Every room in progress, oldest id first.
    pub fn rooms(&self) -> impl Iterator<Item = RoomView> + '_ {
        self.rooms.values().map(view)
    }

    /// The room of this name, if it is in progress.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<RoomView> {
        self.names.get(name).and_then(|id| self.rooms.get(id)).map(view)
    }

    /// Rooms and participants in progress, for gauges.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.rooms.len(), self.seats.len())
    }

    fn handle_inside(&mut self, now: Moment, conn: ConnId, command: Command) -> Result<Answer, Refusal> {
        let &(room_id, me) = self.conns.get(&conn).ok_or(Refusal::NotJoined)?;
        let (room, mut means) = self.room(now, room_id)?;
        match command {
            Command::Publish { revision, tracks } => {
                return Ok(Answer::Published(room.publish(me, revision, &tracks, &mut means)));
            }
            Command::Signal { link, signal } => {
                room.signal(me, &link, signal, &mut means);
                self.put_out_unserved(now, room_id);
            }
            Command::Say { channel, text } => room.say(me, channel, text, &mut means),
            Command::Hint(hints) => room.hint(me, &hints, &mut means),
            Command::Lose => {
                room.lose(me, &mut means);
                self.conns.remove(&conn);
                self.timers.insert((now + self.limits.session_timeout, room_id));
            }
            _ => self.leave(now, room_id, me, WhyLeft::Left),
        }
        Ok(Answer::Done)
    }

    fn handle_owner(&mut self, now: Moment, command: Command) -> Result<Answer, Refusal> {
        match command {
            Command::EndRoom(room) if self.rooms.contains_key(&room) => self.end(now, room, WhyEnded::Completed),
            Command::EndRoom(_) => return Err(Refusal::RoomNotFound),
            Command::Remove(participant) => {
                let room = self.room_of(participant).ok_or(Refusal::ParticipantNotFound)?;
                self.leave(now, room, participant, WhyLeft::Removed);
            }
            Command::Withdraw(origin) => self.withdraw(now, &origin),
            Command::SetKind { name, kind, options } => self.set_kind(&name, kind, options)?,
            _ => return Err(Refusal::NotPermitted),
        }
        Ok(Answer::Done)
    }

    fn join(&mut self, now: Moment, conn: ConnId, join: Join) -> Result<Answer, Refusal> {
        self.check_join(conn, &join)?;
        let found = self.find(&join.room);
        if let Some(room_id) = found {
            self.check_seats(room_id, &join)?;
        }
        let room_id = match found {
            Some(room_id) => room_id,
            None => self.begin(now, &join.room)?,
        };
        if let Some(older) = self.rooms[&room_id].by_identity(&join.identity).map(|p| p.id()) {
            self.leave_only(now, room_id, older, WhyLeft::Displaced);
        }
        let (room, mut means) = self.room(now, room_id)?;
        let (me, joined) = room.join(conn, join, &mut means);
        self.conns.insert(conn, (room_id, me));
        self.seats.insert(joined.seat, (room_id, me));
        self.watch_move(now, room_id);
        Ok(Answer::Joined(Box::new(joined)))
    }

    fn check_join(&self, conn: ConnId, join: &Join) -> Result<(), Refusal> {
        let long = |(link, _): &(crate::LinkId, _)| link.0.is_empty() || link.0.len() > WIRE_NAME_BYTES_MAX;
        if self.conns.contains_key(&conn) {
            Err(Refusal::AlreadyJoined)
        } else if join.identity.chars().count() > IDENTITY_CHARS_MAX {
            Err(Refusal::IdentityTooLong)
        } else if join.identity.trim().is_empty() {
            Err(Refusal::IdentityInvalid)
        } else if !is_speakable(&join.identity) {
            Err(Refusal::IdentityCharacters)
        } else if join.offer.as_ref().is_some_and(long) {
            Err(Refusal::Malformed)
        } else if !may_enter(&join.room, join.allowed.as_ref(), |room| self.find(room)) {
            Err(Refusal::RoomNotAllowed)
        } else {
            check_name(&join.room)
        }
    }

    /// Whether there is a seat in this room, counting that of an older participant of the same name as free.
    fn check_seats(&self, room: RoomId, join: &Join) -> Result<(), Refusal> {
        let room = &self.rooms[&room];
        let older = usize::from(room.by_identity(&join.identity).is_some());
        if room.participants.len() - older >= room.kind.participants_max() {
            Err(Refusal::RoomFull)
        } else if join.offer.as_ref().is_some_and(|(link, _)| room.knows_link(link)) {
            Err(Refusal::Malformed)
        } else {
            Ok(())
        }
    }

    fn resume(&mut self, now: Moment, conn: ConnId, resume: Resume) -> Result<Answer, Refusal> {
        if self.conns.contains_key(&conn) {
            return Err(Refusal::AlreadyJoined);
        }
        let (room_id, me, old) = self.seat(resume.seat, &resume.identity).ok_or(Refusal::SeatNotFound)?;
        if let Some(old) = old {
            self.conns.remove(&old);
            self.out.push_back(Output::Forget(old));
        }
        let (room, mut means) = self.room(now, room_id)?;
        let joined = room.resume(me, conn, resume, &mut means);
        self.conns.insert(conn, (room_id, me));
        self.put_out_unserved(now, room_id);
        Ok(Answer::Joined(Box::new(joined)))
    }

    /// The seat this key proves, and the connection that still sits there.
    fn seat(&self, seat: SeatKey, identity: &str) -> Option<(RoomId, ParticipantId, Option<ConnId>)> {
        let &(room, me) = self.seats.get(&seat)?;
        let place = self.rooms.get(&room)?.by_id(me)?;
        (&*place.snapshot.identity == identity).then_some((room, me, place.conn))
    }

    /// The room in progress that this means.
    fn find(&self, room: &RoomRef) -> Option<RoomId> {
        match room {
            RoomRef::Id(id, _) if self.rooms.contains_key(id) => Some(*id),
            RoomRef::Id(_, name) | RoomRef::Name(name) => self.names.get(name).copied(),
            RoomRef::Unnamed(_) => None,
        }
    }

    fn begin(&mut self, now: Moment, room: &RoomRef) -> Result<RoomId, Refusal> {
        if self.rooms.len() >= self.limits.rooms_max {
            return Err(Refusal::TooManyRooms);
        }
        let id = RoomId(self.ids.fresh());
        let name = match room {
            RoomRef::Id(_, name) | RoomRef::Name(name) => Arc::clone(name),
            RoomRef::Unnamed(spell) => spell(id).into(),
        };
        let (kind, options) = self.kinds.get(&name).cloned().unwrap_or((self.limits.kind, RoomOptions::default()));
        let kind = self.possible(kind);
        self.check_served(kind)?;
        self.out.push_back(Output::Note(Fact::RoomBegan { room: id, name: Arc::clone(&name), kind }));
        self.names.insert(Arc::clone(&name), id);
        self.rooms.insert(id, Room::new(id, name, (kind, options), now));
        Ok(id)
    }

    fn set_kind(&mut self, name: &Arc<str>, kind: RoomKind, options: RoomOptions) -> Result<(), Refusal> {
        check_name(&RoomRef::Name(Arc::clone(name)))?;
        self.check_served(kind)?;
        if options.audio_only && kind.topology() == Topology::Mesh {
            return Err(Refusal::AudioOnlyNotServed);
        }
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(name) {
            return Err(Refusal::TooManyRooms);
        }
        self.kinds.insert(Arc::clone(name), (kind, options.clone()));
        let kind = self.possible(kind);
        let running = self.names.get(name).and_then(|id| self.rooms.get_mut(id));
        if let Some(room) = running.filter(|room| room.fits(kind, &options)) {
            (room.kind, room.options) = (kind, options);
        }
        Ok(())
    }

    /// Without a media server there is nowhere to move to.
    fn possible(&self, kind: RoomKind) -> RoomKind {
        if kind == RoomKind::Auto && !self.media { RoomKind::PeerToPeer } else { kind }
    }

    /// Lets a room end its mesh if it is time, and notes when to look again.
    fn watch_move(&mut self, now: Moment, room: RoomId) {
        let Ok((room, mut means)) = self.room(now, room) else { return };
        room.watch_move(&mut means);
        let due = room.move_due().map(|due| (due, room.id));
        self.timers.extend(due);
    }

    fn check_served(&self, kind: RoomKind) -> Result<(), Refusal> {
        let served = self.media || kind.topology() == Topology::Mesh;
        if served { Ok(()) } else { Err(Refusal::KindNotServed) }
    }

    fn withdraw(&mut self, now: Moment, origin: &Origin) {
        let guests: Vec<_> = self
            .rooms
            .values()
            .flat_map(|room| room.participants.iter().map(|p| (room.id, p)))
            .filter(|(_, p)| p.origin.as_ref() == Some(origin))
            .map(|(room, p)| (room, p.id()))
            .collect();
        for (room, participant) in guests {
            self.leave(now, room, participant, WhyLeft::Withdrawn);
        }
    }

    fn put_out_unserved(&mut self, now: Moment, room: RoomId) {
        let unserved = self.rooms.get_mut(&room).map(|room| std::mem::take(&mut room.unserved)).unwrap_or_default();
        for (participant, why) in unserved {
            self.leave(now, room, participant, why);
        }
    }

    /// Takes a participant out, and ends the room if that leaves it empty and empty rooms do not stay.
    fn leave(&mut self, now: Moment, room: RoomId, participant: ParticipantId, why: WhyLeft) {
        self.leave_only(now, room, participant, why);
        let empty = self.rooms.get(&room).is_some_and(|room| room.participants.is_empty());
        if empty && self.limits.empty_timeout.is_zero() {
            self.end(now, room, WhyEnded::Empty);
        }
    }

    fn leave_only(&mut self, now: Moment, room: RoomId, participant: ParticipantId, why: WhyLeft) {
        let empty_timeout = self.limits.empty_timeout;
        let Ok((room, mut means)) = self.room(now, room) else { return };
        let Some((conn, seat)) = room.by_id(participant).map(|p| (p.conn, p.seat)) else { return };
        room.leave(participant, why, &mut means);
        // Without a timeout the room ends at once, or somebody else comes in at once.
        let empty = room.empty_since.filter(|_| !empty_timeout.is_zero()).map(|since| (since + empty_timeout, room.id));
        self.timers.extend(empty);
        self.seats.remove(&seat);
        if let Some(conn) = conn {
            self.conns.remove(&conn);
        }
    }

    fn end(&mut self, now: Moment, room: RoomId, why: WhyEnded) {
        let inside: Vec<ParticipantId> =
            self.rooms.get(&room).map(|room| room.participants.iter().map(|p| p.id()).collect()).unwrap_or_default();
        for participant in inside {
            self.leave_only(now, room, participant, WhyLeft::RoomEnded);
        }
        if let Some(room) = self.rooms.remove(&room) {
            self.names.remove(&room.name);
            self.out.push_back(Output::Note(Fact::RoomEnded { room: room.id, why }));
        }
    }

    fn overdue_seats(&self, now: Moment, room: RoomId) -> Vec<ParticipantId> {
        let places = self.rooms.get(&room).into_iter().flat_map(|room| &room.participants);
        places.filter(|p| p.deadline.is_some_and(|due| due <= now)).map(|p| p.id()).collect()
    }

    fn overdue(&self, now: Moment, room: RoomId) -> bool {
        let since = self.rooms.get(&room).and_then(|room| room.empty_since);
        since.is_some_and(|since| since + self.limits.empty_timeout <= now)
    }

    fn room_of(&self, participant: ParticipantId) -> Option<RoomId> {
        self.rooms.values().find(|room| room.by_id(participant).is_some()).map(|room| room.id)
    }

    fn room(&mut self, now: Moment, id: RoomId) -> Result<(&mut Room, Means<'_>), Refusal> {
        let room = self.rooms.get_mut(&id).ok_or(Refusal::RoomNotFound)?;
        let means = Means { now, ids: &mut *self.ids, out: &mut self.out, session_timeout: self.limits.session_timeout };
        Ok((room, means))
    }
}

fn view(room: &Room) -> RoomView {
    RoomView {
        id: room.id,
        name: Arc::clone(&room.name),
        kind: room.kind,
        began: room.began,
        participants: room.participants.iter().map(|p| Arc::clone(&p.snapshot)).collect(),
    }
}

fn check_name(room: &RoomRef) -> Result<(), Refusal> {
    let Some(name) = room.name() else { return Ok(()) };
    if name.chars().count() > ROOM_NAME_CHARS_MAX {
        Err(Refusal::RoomNameTooLong)
    } else if name.trim().is_empty() {
        Err(Refusal::RoomNameInvalid)
    } else if !is_speakable(name) {
        Err(Refusal::RoomNameCharacters)
    } else {
        Ok(())
    }
}

/// A name that can be shown: nothing that controls a terminal, and none of the characters that turn the direction of writing
/// around (Unicode Annex 9) and so can make one name look like another.
#[must_use]
pub fn is_speakable(name: &str) -> bool {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !name.chars().any(|c| c.is_control() || turns(c))
}
