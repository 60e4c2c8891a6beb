use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::limit::Limits;
use crate::rights::permit;
use crate::room::{Means, Room};
use crate::{
    Answer, Caller, Command, ConnId, Definition, Ids, Moment, Output, ParticipantId, Refusal, Report, RoomId, RoomKind,
    RoomOptions, SeatKey, WhyEnded, WhyLeft,
};

mod ended;
mod ends;
mod enter;
mod members;
mod owner;
mod saving;
mod view;

use ended::Ended;
pub use enter::is_speakable;
pub use view::RoomView;

/// All rooms in progress.
pub struct Rooms {
    limits: Limits,
    /// Whether there is a media server for rooms that need one.
    media: bool,
    kinds: BTreeMap<Arc<str>, (RoomKind, RoomOptions)>,
    definitions: BTreeMap<Arc<str>, Definition>,
    rooms: BTreeMap<RoomId, Room>,
    names: BTreeMap<Arc<str>, RoomId>,
    ended: Ended,
    /// Where each client sits.
    conns: BTreeMap<ConnId, (RoomId, ParticipantId)>,
    /// Where each seat is.
    seats: BTreeMap<SeatKey, (RoomId, ParticipantId)>,
    /// Where each participant is.
    people: BTreeMap<ParticipantId, RoomId>,
    /// When to look at each room, if time alone changes something there: one entry for a room, [`Room::wakes`].
    timers: BTreeSet<(Moment, RoomId)>,
    ids: Box<dyn Ids>,
    out: VecDeque<Output>,
}

impl Rooms {
    /// No rooms yet. `media` tells whether rooms of [`Topology::Server`](crate::Topology::Server) can be served.
    #[must_use]
    pub fn new(limits: Limits, media: bool, ids: Box<dyn Ids>) -> Self {
        Rooms {
            limits,
            media,
            kinds: BTreeMap::new(),
            definitions: BTreeMap::new(),
            rooms: BTreeMap::new(),
            names: BTreeMap::new(),
            ended: Ended::default(),
            conns: BTreeMap::new(),
            seats: BTreeMap::new(),
            people: BTreeMap::new(),
            timers: BTreeSet::new(),
            ids,
            out: VecDeque::new(),
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
            Report::Of { room, .. }
            | Report::Speaker { room, .. }
            | Report::Recorded { room, .. }
            | Report::Played { room, .. }
            | Report::Lost(room)
            | Report::PartLost(room) => *room,
        };
        self.note_trial(&report);
        self.note_recorded(&report);
        let Ok((room, mut means)) = self.room(now, id) else { return };
        match report {
            Report::Of { who, link, news, .. } => room.handle_news(who, link, news, &mut means),
            Report::Speaker { who, .. } => room.handle_speaker(who, &mut means),
            Report::Recorded { recording, news, .. } => room.handle_record_news(recording, &news, &mut means),
            Report::Played { playback, news, .. } => room.handle_play_news(playback, news, now),
            Report::Lost(_) => room.handle_lost(&mut means),
            Report::PartLost(_) => room.handle_part_lost(now),
        }
        self.put_out_unserved(now, id);
        self.settle(now, id);
    }

    /// Does what it is time for: gives up seats, puts out who was long enough inside, ends rooms.
    pub fn handle_timeout(&mut self, now: Moment) {
        let due: Vec<RoomId> = self.timers.iter().take_while(|&&(due, _)| due <= now).map(|&(_, room)| room).collect();
        for room in due {
            self.look(now, room);
        }
    }

    /// The program did not run for a while: its machine slept, or it stood still. Nobody loses a seat for what was due meanwhile: who was
    /// away has the whole session timeout again, and the transports of those who are inside are checked.
    pub fn handle_gap(&mut self, now: Moment) {
        let all: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in all {
            if let Ok((room, mut means)) = self.room(now, id) {
                room.forgive_gap(&mut means);
            }
            self.settle(now, id);
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

    fn handle_inside(&mut self, now: Moment, conn: ConnId, command: Command) -> Result<Answer, Refusal> {
        let &(room, me) = self.conns.get(&conn).ok_or(Refusal::NotJoined)?;
        let answer = self.handle_member(now, conn, room, me, command);
        self.settle(now, room);
        answer
    }

    fn handle_member(
        &mut self,
        now: Moment,
        conn: ConnId,
        room_id: RoomId,
        me: ParticipantId,
        command: Command,
    ) -> Result<Answer, Refusal> {
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
            Command::Member(target, act) => self.act(now, (room_id, me), target, &act)?,
            Command::Stage(act) => return room.act_stage(me, act, &mut means),
            Command::Ask(question) => return room.ask(me, question),
            Command::Open { link, offer } => room.reopen(me, link, offer, &mut means)?,
            Command::Lose => {
                room.lose(me, &mut means);
                self.conns.remove(&conn);
            }
            _ => self.leave(now, room_id, me, WhyLeft::Left),
        }
        Ok(Answer::Done)
    }

    fn handle_owner(&mut self, now: Moment, command: Command) -> Result<Answer, Refusal> {
        match command {
            Command::Create(create) => return self.create(now, *create),
            Command::EndRoom(room) if self.rooms.contains_key(&room) => self.end(now, room, WhyEnded::Completed),
            Command::EndRoom(_) => return Err(Refusal::RoomNotFound),
            Command::Remove(participant) => {
                let room = self.room_of(participant).ok_or(Refusal::ParticipantNotFound)?;
                self.leave(now, room, participant, WhyLeft::Removed);
            }
            Command::SetRule { participant, rule } => self.set_rule(now, participant, rule)?,
            Command::SetRecordRules { room, rules } => self.set_record_rules(now, room, rules)?,
            Command::Record { room, on } => self.record(now, room, on)?,
            Command::Withdraw(origin) => self.withdraw(now, &origin),
            Command::SetKind { name, kind, options } => self.set_kind(&name, kind, options)?,
            Command::Define(name, definition) => self.define(name, *definition)?,
            Command::Undefine(name) => drop(self.definitions.remove(&name)),
            _ => return Err(Refusal::NotPermitted),
        }
        Ok(Answer::Done)
    }

    /// Lets a room end its mesh if it is time, tell what changed of its mix, and notes when to look again.
    fn settle(&mut self, now: Moment, id: RoomId) {
        let Ok((room, mut means)) = self.room(now, id) else { return };
        room.watch_move(&mut means);
        room.settle(&mut means);
        self.wake(id);
    }

    fn put_out_unserved(&mut self, now: Moment, room: RoomId) {
        let unserved = self.rooms.get_mut(&room).map(|room| std::mem::take(&mut room.unserved)).unwrap_or_default();
        for (participant, why) in unserved {
            self.leave(now, room, participant, why);
        }
    }

    fn room(&mut self, now: Moment, id: RoomId) -> Result<(&mut Room, Means<'_>), Refusal> {
        let room = self.rooms.get_mut(&id).ok_or(Refusal::RoomNotFound)?;
        let means = Means { now, ids: &mut *self.ids, out: &mut self.out, session_timeout: self.limits.session_timeout };
        Ok((room, means))
    }
}
