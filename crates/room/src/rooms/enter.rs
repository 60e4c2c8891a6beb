//! How clients come in and come back, and what is made for them.

use std::sync::Arc;

use super::Rooms;
use super::view::view;
use crate::limit::{IDENTITY_CHARS_MAX, ROOM_NAME_CHARS_MAX, WIRE_NAME_BYTES_MAX};
use crate::rights::may_enter;
use crate::room::{Plan, Room};
use crate::{
    Answer, ConnId, Fact, Join, Moment, Output, ParticipantId, Refusal, Resume, RoomId, RoomKind, RoomOptions, RoomRef, Sealed,
    SeatKey, Terms, Topology, WhyLeft,
};

impl Rooms {
    pub(super) fn join(&mut self, now: Moment, conn: ConnId, join: Join) -> Result<Answer, Refusal> {
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
        self.people.insert(me, room_id);
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
        if room.participants.len() - older >= room.terms.seats_max {
            Err(Refusal::RoomFull)
        } else if join.offer.as_ref().is_some_and(|(link, _)| room.knows_link(link)) {
            Err(Refusal::Malformed)
        } else {
            Ok(())
        }
    }

    pub(super) fn resume(&mut self, now: Moment, conn: ConnId, resume: Resume) -> Result<Answer, Refusal> {
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
        self.wake(room_id);
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

    /// Begins the room that the first who joins makes.
    fn begin(&mut self, now: Moment, room: &RoomRef) -> Result<RoomId, Refusal> {
        let chosen = room.name().and_then(|name| self.kinds.get(name)).cloned();
        if matches!(room, RoomRef::Id(..)) {
            return Err(Refusal::RoomNotFound);
        } else if !self.limits.adhoc && chosen.is_none() {
            return Err(Refusal::RoomNotMade);
        }
        let (kind, options) = chosen.unwrap_or((self.limits.kind, RoomOptions::default()));
        let kind = self.possible(kind);
        self.check_served(kind)?;
        let terms = Terms::adhoc(kind, &self.limits);
        self.start(now, room, Plan { kind, options, terms, by_owner: false, memo: Sealed::default() })
    }

    /// Begins a room. Whether its name is free was asked before.
    pub(super) fn start(&mut self, now: Moment, room: &RoomRef, plan: Plan) -> Result<RoomId, Refusal> {
        if self.rooms.len() >= self.limits.rooms_max {
            return Err(Refusal::TooManyRooms);
        }
        let id = RoomId(self.ids.fresh());
        let name: Arc<str> = match room {
            RoomRef::Id(_, name) | RoomRef::Name(name) => Arc::clone(name),
            RoomRef::Unnamed(spell) => spell(id).into(),
        };
        let room = Room::new(id, Arc::clone(&name), plan, now);
        self.out.push_back(Output::Note(Fact::RoomBegan { room: Box::new(view(&room)) }));
        self.names.insert(name, id);
        self.rooms.insert(id, room);
        Ok(id)
    }

    /// Without a media server there is nowhere to move to.
    pub(super) fn possible(&self, kind: RoomKind) -> RoomKind {
        if kind == RoomKind::Auto && !self.media { RoomKind::PeerToPeer } else { kind }
    }

    pub(super) fn check_served(&self, kind: RoomKind) -> Result<(), Refusal> {
        let served = self.media || kind.topology() == Topology::Mesh;
        if served { Ok(()) } else { Err(Refusal::KindNotServed) }
    }
}

/// Whether a room may be called so.
pub(super) fn check_name(room: &RoomRef) -> Result<(), Refusal> {
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
