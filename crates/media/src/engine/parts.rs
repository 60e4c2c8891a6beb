//! Rooms of which this engine has a part: what the pool says of the others.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use room::{Kind, OwnQuality, ParticipantId, RoomId, Track, TrackId};

use super::{Engine, Hall, Member};
use crate::pipe::{Inlet, Notice, Outlet, Part, Word};
use crate::switchboard::{PeerKey, Source};

/// A room that has other parts.
pub(super) struct Parts {
    pub own: Part,
    pub home: Part,
    pub others: Vec<Part>,
    /// Who speaks, as home says. Home itself knows better.
    pub speaker: Option<ParticipantId>,
    /// What somebody here is to receive.
    pub subscribed: HashSet<TrackId>,
    /// That may be something else now.
    pub moved: bool,
    /// When the others were last told all that is so, and how connections are.
    pub told: Option<Instant>,
    pub told_quality: Option<Instant>,
}

/// Somebody in another part.
pub(super) struct Far {
    pub part: Part,
    /// How its connection is, once that is known.
    pub shown: Option<Arc<OwnQuality>>,
}

impl Parts {
    pub fn is_home(&self) -> bool {
        self.own == self.home
    }
}

impl Hall {
    /// Whether it is judged here who speaks.
    pub(super) fn judges(&self) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.is_home())
    }

    /// The dominant speaker.
    pub(super) fn speaker(&self) -> Option<ParticipantId> {
        match &self.parts {
            Some(parts) if !parts.is_home() => parts.speaker,
            _ => self.speakers.speaker(),
        }
    }

    /// Whether nobody has a reason to keep it.
    pub(super) fn is_over(&self) -> bool {
        self.parts.is_none() && self.members.values().all(|member| member.far.is_some())
    }

    /// Those who are served here.
    pub(super) fn near(&self) -> impl Iterator<Item = (ParticipantId, &Member)> {
        self.members.iter().filter(|(_, member)| member.far.is_none()).map(|(who, member)| (*who, member))
    }
}

impl Engine {
    /// Takes what the pool says of rooms that are on several workers. What it causes comes with the next [`flush`](Engine::flush).
    pub fn handle_notice(&mut self, now: Instant, notice: Notice) {
        match notice {
            Notice::Meet { room, own, home, other } => self.meet(room, own, home, other),
            Notice::Published { room, who, part, tracks } => self.publish_far(now, room, who, part, tracks),
            Notice::Left(room, who) => self.leave_far(now, room, who),
            Notice::Gone(room, part) => self.part_from(now, room, part),
            Notice::Moved(room, who) => self.close(now, room, who),
            Notice::Over(room) => self.end_part(now, room),
        }
    }

    fn meet(&mut self, room: RoomId, own: Part, home: Part, other: Part) {
        let hall = self.halls.entry(room).or_default();
        let parts = hall.parts.get_or_insert_with(|| {
            let (subscribed, others) = (HashSet::new(), Vec::new());
            Box::new(Parts { own, home, others, speaker: None, subscribed, moved: true, told: None, told_quality: None })
        });
        (parts.own, parts.home, parts.told) = (own, home, None);
        if !parts.others.contains(&other) {
            parts.others.push(other);
        }
        if !self.spread.contains(&room) {
            self.spread.push(room);
        }
        self.fit_outlets(room);
        self.say_word(room, other, Word::Hello);
        self.parts_due = true;
    }

    /// Makes every track of a room that is published here reach the other parts, as far as they want it.
    pub(super) fn fit_outlets(&mut self, room: RoomId) {
        let Some(hall) = self.halls.get(&room) else { return };
        let (own, home, others) = match &hall.parts {
            Some(parts) => (parts.own, parts.home, parts.others.clone()),
            None => (Part { worker: 0, serial: 0 }, Part { worker: 0, serial: 0 }, Vec::new()),
        };
        for track in hall.near().flat_map(|(_, member)| &member.tracks) {
            let Some(source) = self.board.by_id_mut(track.id) else { continue };
            source.outlets.retain(|outlet| others.contains(&outlet.part));
            for other in &others {
                if !source.outlets.iter().any(|outlet| outlet.part == *other) {
                    // Who speaks is judged at home.
                    let always = source.kind == Kind::Audio && *other == home;
                    source.outlets.push(Outlet::new(own, *other, always));
                }
            }
        }
    }

    fn publish_far(&mut self, now: Instant, room: RoomId, who: ParticipantId, part: Part, tracks: Vec<Track>) {
        let Some(hall) = self.halls.get_mut(&room).filter(|hall| hall.parts.is_some()) else { return };
        let member = hall.members.entry(who).or_default();
        if member.key.is_some() {
            return;
        }
        member.far = member.far.take().filter(|far| far.part == part).or(Some(Far { part, shown: None }));
        let before = std::mem::replace(&mut member.tracks, tracks.clone());
        let silent = !tracks.iter().any(|track| track.kind == Kind::Audio && track.enabled);
        if silent {
            hall.speakers.remove(who);
        }
        for gone in before.iter().filter(|old| !tracks.iter().any(|new| new.id == old.id)) {
            self.unpublish(gone.id);
        }
        for track in &tracks {
            match self.board.by_id_mut(track.id) {
                Some(source) => {
                    (source.priority, source.enabled) = (track.priority, track.enabled);
                    if source.inlet.as_ref().is_none_or(|inlet| inlet.part != part) {
                        source.inlet = Some(Box::new(Inlet::new(part)));
                    }
                }
                None => {
                    let mut source = Source::new(room, who, track);
                    source.inlet = Some(Box::new(Inlet::new(part)));
                    self.board.add(source);
                }
            }
        }
        self.set_taps(now, room);
        if !before.iter().map(|old| old.id).eq(tracks.iter().map(|new| new.id)) {
            self.want_all(room);
        }
        self.parts_due = true;
    }

    fn leave_far(&mut self, now: Instant, room: RoomId, who: ParticipantId) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        if hall.members.get(&who).is_none_or(|member| member.far.is_none()) {
            return;
        }
        let gone = hall.members.remove(&who).unwrap_or_default();
        hall.speakers.remove(who);
        hall.spoke.remove(&who);
        for track in gone.tracks {
            self.unpublish(track.id);
        }
        self.set_taps(now, room);
        self.want_all(room);
    }

    fn part_from(&mut self, now: Instant, room: RoomId, part: Part) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let there = |member: &Member| member.far.as_ref().is_some_and(|far| far.part == part);
        let left: Vec<ParticipantId> = hall.members.iter().filter(|(_, member)| there(member)).map(|(who, _)| *who).collect();
        if let Some(parts) = &mut hall.parts {
            parts.others.retain(|other| *other != part);
        }
        if hall.parts.take_if(|parts| parts.others.is_empty()).is_some() {
            self.spread.retain(|spread| *spread != room);
        }
        left.into_iter().for_each(|who| self.leave_far(now, room, who));
        self.fit_outlets(room);
    }

    /// Nobody is served here any more.
    fn end_part(&mut self, now: Instant, room: RoomId) {
        let Some(hall) = self.halls.get(&room) else { return };
        let keys: Vec<PeerKey> = hall.members.values().filter_map(|member| member.key).collect();
        keys.into_iter().for_each(|key| self.drop_client(now, key));
        self.record_mix(now, room, Vec::new());
        let Some(hall) = self.halls.get_mut(&room) else { return };
        hall.parts = None;
        self.spread.retain(|spread| *spread != room);
        let members = std::mem::take(&mut hall.members);
        for track in members.into_values().flat_map(|member| member.tracks) {
            self.unpublish(track.id);
        }
        self.close_stage(room);
        self.halls.remove(&room);
    }
}
