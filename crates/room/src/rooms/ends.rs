//! How participants go and rooms end.

use super::Rooms;
use crate::participant::Participant;
use crate::room::Room;
use crate::{Event, Fact, Moment, Output, ParticipantId, RecordNews, Report, RoomId, WhyEnded, WhyLeft};

impl Rooms {
    /// Does what it is time for in a room, and notes when to look again.
    pub(super) fn look(&mut self, now: Moment, id: RoomId) {
        if let Some(why) = self.rooms.get(&id).and_then(|room| room.over(now)) {
            self.end(now, id, why);
            return;
        }
        for (participant, why) in self.rooms.get(&id).map(|room| room.overdue(now)).unwrap_or_default() {
            self.leave(now, id, participant, why);
        }
        if let Ok((room, mut means)) = self.room(now, id) {
            room.take_due_lists(&mut means);
        }
        self.settle(now, id);
    }

    /// Takes a participant out, and ends the room if that leaves it empty and it does not stay so.
    pub(super) fn leave(&mut self, now: Moment, id: RoomId, participant: ParticipantId, why: WhyLeft) {
        let ends = self.rooms.get(&id).and_then(|room| room.by_id(participant)).is_some_and(|one| one.ends_room);
        self.leave_only(now, id, participant, why);
        let over = self.rooms.get(&id).and_then(|room| room.over(now));
        if let Some(why) = over.or(ends.then_some(WhyEnded::Completed)) {
            self.end(now, id, why);
        }
    }

    /// Takes a participant out of a room that goes on, and what belongs to it.
    pub(super) fn leave_only(&mut self, now: Moment, id: RoomId, participant: ParticipantId, why: WhyLeft) {
        self.leave_children(now, id, participant, why);
        self.leave_alone(now, id, participant, why);
        if why != WhyLeft::RoomEnded {
            self.settle(now, id);
        }
    }

    /// Takes out what belongs to a participant. Nobody else tells it that its person is gone.
    pub(super) fn leave_children(&mut self, now: Moment, id: RoomId, parent: ParticipantId, why: WhyLeft) {
        let all = self.rooms.get(&id).map(|room| room.own(parent)).unwrap_or_default();
        for child in all.into_iter().filter(|one| *one != parent) {
            if let (Ok((room, mut means)), WhyLeft::Left) = (self.room(now, id), why) {
                room.tell(child, Event::Out(why), &mut means);
            }
            self.leave_alone(now, id, child, why);
        }
    }

    fn leave_alone(&mut self, now: Moment, id: RoomId, participant: ParticipantId, why: WhyLeft) {
        let Ok((room, mut means)) = self.room(now, id) else { return };
        let Some((conn, seat)) = room.by_id(participant).map(|p| (p.conn, p.seat)) else { return };
        room.leave(participant, why, &mut means);
        self.seats.remove(&seat);
        self.people.remove(&participant);
        if let Some(conn) = conn {
            self.conns.remove(&conn);
        }
        self.wake(id);
    }

    /// Ends a room for everyone in it. Its name is free then.
    pub(super) fn end(&mut self, now: Moment, id: RoomId, why: WhyEnded) {
        for participant in self.rooms.get(&id).map(Room::ids).unwrap_or_default() {
            self.leave_only(now, id, participant, WhyLeft::RoomEnded);
        }
        if let Some(mut room) = self.rooms.remove(&id) {
            for recording in std::mem::take(&mut room.trials).into_values() {
                self.out.push_back(Output::Note(Fact::RecordingBegan { room: id, recording }));
            }
            self.names.remove(&room.name);
            if let Some(due) = room.wakes {
                self.timers.remove(&(due, id));
            }
            self.note_end(id, why);
        }
    }

    pub(super) fn note_end(&mut self, room: RoomId, why: WhyEnded) {
        self.ended.add(room);
        self.out.push_back(Output::Note(Fact::RoomEnded { room, why }));
    }

    /// A recording that is tried again after one that failed is in the history from its first media on: while the disk has no room,
    /// nothing is told of each trial.
    pub(super) fn note_trial(&mut self, report: &Report) {
        let Report::Recorded { room, recording, news } = report else { return };
        let written = match news {
            RecordNews::Began { .. } => true,
            RecordNews::Ended(outcome) => outcome.codec.is_some(),
            RecordNews::Silent(_) => return,
        };
        let trial = self.rooms.get_mut(room).and_then(|room| room.trials.remove(recording));
        if let Some(recording) = trial.filter(|_| written) {
            self.out.push_back(Output::Note(Fact::RecordingBegan { room: *room, recording }));
        }
    }

    /// What the history should know of a recording. Its room may be over.
    pub(super) fn note_recorded(&mut self, report: &Report) {
        let Report::Recorded { room, recording, news } = report else { return };
        let (room, recording) = (*room, *recording);
        match news {
            RecordNews::Began { codec, offset } => {
                let (codec, offset) = (*codec, *offset);
                self.out.push_back(Output::Note(Fact::RecordingFlows { room, recording, codec, offset }));
            }
            RecordNews::Ended(outcome) => {
                self.out.push_back(Output::Note(Fact::RecordingEnded { room, recording, outcome: *outcome }));
            }
            RecordNews::Silent(_) => {}
        }
    }

    /// Notes when to look at a room again.
    pub(super) fn wake(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let due = room.due();
        if room.wakes != due {
            let before = std::mem::replace(&mut room.wakes, due);
            if let Some(before) = before {
                self.timers.remove(&(before, id));
            }
            self.timers.extend(due.map(|due| (due, id)));
        }
    }
}

impl Room {
    /// Why the room is over by now, if it is.
    pub fn over(&self, now: Moment) -> Option<WhyEnded> {
        let past = |due: &Moment| *due <= now;
        let unused = if self.empty_since.is_some() { WhyEnded::Empty } else { WhyEnded::Unused };
        let expired = self.expires().filter(past).map(|_| WhyEnded::Expired);
        expired.or_else(|| self.empty_due().filter(past).map(|_| unused))
    }

    /// Whose time in this room is over, and why.
    pub fn overdue(&self, now: Moment) -> Vec<(ParticipantId, WhyLeft)> {
        let past = |due: Option<Moment>| due.is_some_and(|due| due <= now);
        let why = |p: &Participant| {
            if past(self.expiry(p)) {
                Some(WhyLeft::Expired)
            } else if past(p.deadline) {
                Some(WhyLeft::TimedOut)
            } else {
                // Whoever is away will have a link when it is back, or not come back.
                past(p.link_deadline.filter(|_| p.conn.is_some())).then_some(WhyLeft::Unreachable)
            }
        };
        let mut all: Vec<_> = self.participants.iter().filter_map(|p| Some((p.id(), why(p)?))).collect();
        all.sort_by_key(|(_, why)| *why != WhyLeft::Expired);
        all
    }

    /// When time alone changes something here.
    pub fn due(&self) -> Option<Moment> {
        let link = |p: &Participant| p.link_deadline.filter(|_| p.conn.is_some());
        let seats = self
            .participants
            .iter()
            .flat_map(|p| p.deadline.into_iter().chain(self.expiry(p)).chain(link(p)).chain(p.lists.due()));
        let stage = self.stage.due().filter(|_| self.is_mixed());
        seats
            .chain(self.awaited)
            .chain(self.retake_due())
            .chain(self.move_due())
            .chain(self.empty_due())
            .chain(self.expires())
            .chain(stage)
            .min()
    }

    /// When a participant has to go.
    fn expiry(&self, one: &Participant) -> Option<Moment> {
        one.expires.into_iter().chain(self.terms.expires(one.came)).min()
    }

    fn expires(&self) -> Option<Moment> {
        self.terms.room_max.map(|time| self.began + time).into_iter().chain(self.window.ends).min()
    }

    /// When an empty room ends.
    fn empty_due(&self) -> Option<Moment> {
        let due = match self.empty_since {
            Some(since) => since + self.terms.empty_timeout,
            None => self.began + self.terms.unused_timeout,
        };
        // One that was made on purpose has a time of its own.
        let awaited = self.awaited.filter(|_| !self.by_owner);
        self.participants.is_empty().then_some(awaited.map_or(due, |until| due.max(until)))
    }
}
