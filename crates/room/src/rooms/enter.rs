//! How clients come in and come back, and what is made for them.

use std::sync::Arc;

use super::Rooms;
use super::view::view;
use crate::limit::{IDENTITY_CHARS_MAX, ROOM_NAME_CHARS_MAX, WIRE_NAME_BYTES_MAX};
use crate::rights::{may_enter, permit_another_screen, permit_child, permit_role};
use crate::room::{Plan, Room, Window};
use crate::stage::check_meta;
use crate::{
    Answer, ConnId, Definition, Fact, Join, Moment, Output, ParticipantId, Refusal, Resume, Role, RoomId, RoomKind, RoomOptions,
    RoomRef, Sealed, SeatKey, StageSettings, Terms, Topology, View, WhyLeft,
};

impl Rooms {
    pub(super) fn join(&mut self, now: Moment, conn: ConnId, join: Join) -> Result<Answer, Refusal> {
        self.check_join(conn, &join)?;
        let found = self.find(&join.room);
        if let Some(room_id) = found {
            self.check_seats(now, room_id, &join)?;
        }
        let room_id = match found {
            Some(room_id) => room_id,
            None => self.begin(now, &join)?,
        };
        for older in self.rooms[&room_id].displaced(&join) {
            self.leave_only(now, room_id, older, WhyLeft::Displaced);
        }
        let (room, mut means) = self.room(now, room_id)?;
        let (me, joined) = room.join(conn, join, &mut means);
        self.conns.insert(conn, (room_id, me));
        self.seats.insert(joined.seat, (room_id, me));
        self.people.insert(me, room_id);
        self.settle(now, room_id);
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
        } else if join.part.seat.is_some_and(|seat| self.seats.contains_key(&seat)) {
            Err(Refusal::Malformed)
        } else {
            permit_role(join.rights, join.part.role)?;
            check_meta(&join.part.meta)?;
            check_name(&join.room)
        }
    }

    /// Whether this room takes somebody in, counting the seats of those whom a newcomer puts out as free.
    fn check_seats(&self, now: Moment, room: RoomId, join: &Join) -> Result<(), Refusal> {
        let room = &self.rooms[&room];
        let older = room.displaced(join).len();
        let is_child = matches!(join.part.role, Role::Screen | Role::Device);
        if is_child {
            room.check_parent(join)?;
        }
        if !is_child && !room.window.is_open(now) {
            Err(Refusal::NotNow)
        } else if !is_child && room.stage.view.locked {
            Err(Refusal::RoomLocked)
        } else if room.participants.len() - older >= room.terms.seats_max {
            Err(Refusal::RoomFull)
        } else if join.part.view == View::Mix && !room.can_mix() {
            Err(Refusal::KindNotServed)
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
        self.put_out_unserved(now, room_id);
        self.settle(now, room_id);
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
    fn begin(&mut self, now: Moment, join: &Join) -> Result<RoomId, Refusal> {
        if matches!(join.part.role, Role::Screen | Role::Device) {
            return Err(Refusal::ParticipantNotFound);
        }
        let plan = self.plan(join)?;
        if !plan.window.is_open(now) {
            return Err(Refusal::NotNow);
        } else if join.part.view == View::Mix && !is_mixable(plan.kind) {
            return Err(Refusal::KindNotServed);
        }
        self.start(now, &join.room, plan)
    }

    /// What room the first who joins makes: the one that its owner defined, or that its key is good for, or one as it is made for anybody.
    fn plan(&self, join: &Join) -> Result<Plan, Refusal> {
        let defined = join.room.name().and_then(|name| self.definitions.get(name));
        let made = || join.part.makes.as_deref();
        if let RoomRef::Id(id, _) = &join.room {
            return Err(if self.ended.knows(*id) { Refusal::RoomEnded } else { Refusal::RoomNotFound });
        } else if let Some(definition) = defined.or_else(made) {
            self.check_definition(definition)?;
            return Ok(Plan::defined(definition.clone(), self.possible(definition.kind)));
        }
        let chosen = join.room.name().and_then(|name| self.kinds.get(name)).cloned();
        if join.part.view == View::Mix || (!self.limits.adhoc && chosen.is_none()) {
            return Err(Refusal::RoomNotMade);
        }
        let (kind, options) = chosen.unwrap_or((self.limits.kind, RoomOptions::default()));
        let kind = self.possible(kind);
        self.check_served(kind)?;
        let terms = Terms::adhoc(kind, &self.limits);
        let (window, stage, memo) = (Window::default(), StageSettings::default(), Sealed::default());
        Ok(Plan { kind, options, terms, by_owner: false, memo, window, stage })
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

/// Whether somebody in a room of this kind can receive a mix, at once or after it has moved.
fn is_mixable(kind: RoomKind) -> bool {
    kind == RoomKind::Auto || kind.topology() == Topology::Server
}

impl Plan {
    /// A room as its owner defined it. It begins with the first who joins, and ends as if that one had made it.
    fn defined(definition: Definition, kind: RoomKind) -> Self {
        let Definition { options, mut terms, stage, opens, closes, ends, memo, .. } = definition;
        terms.seats_max = terms.seats_max.min(kind.participants_max());
        let window = Window { opens, closes, ends };
        Plan { kind, options, terms, by_owner: false, memo, window, stage: stage.possible() }
    }
}

impl Room {
    /// Whether this is somebody who may have a screen or a device.
    fn check_parent(&self, join: &Join) -> Result<(), Refusal> {
        let parent = join.part.parent.and_then(|who| self.by_id(who)).ok_or(Refusal::ParticipantNotFound)?;
        permit_child(parent.snapshot.member.role)?;
        let members = self.participants.iter().map(|one| &one.snapshot.member);
        let screens = members.filter(|one| one.role == Role::Screen && one.parent == join.part.parent).count();
        if join.part.role == Role::Screen { permit_another_screen(join.rights, screens) } else { Ok(()) }
    }

    fn can_mix(&self) -> bool {
        self.topology == Topology::Server || is_mixable(self.kind)
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
