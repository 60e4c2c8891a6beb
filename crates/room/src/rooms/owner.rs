//! What the owner of the rooms may ask for.

use std::sync::Arc;

use super::Rooms;
use super::enter::check_name;
use super::view::view;
use crate::limit::{DEFINITIONS_MAX, KINDS_MAX};
use crate::room::{Plan, Window};
use crate::stage::check_meta;
use crate::{
    Answer, Create, Definition, Moment, Origin, ParticipantId, Refusal, RoomId, RoomKind, RoomOptions, RoomRef, Rule,
    StageSettings, Topology, WhyLeft,
};

impl Rooms {
    pub(super) fn create(&mut self, now: Moment, create: Create) -> Result<Answer, Refusal> {
        self.check_create(&create)?;
        let Create { room, kind, options, mut terms, memo } = create;
        let kind = self.possible(kind);
        terms.seats_max = terms.seats_max.min(kind.participants_max());
        let (window, stage) = (Window::default(), StageSettings::default());
        let id = self.start(now, &room, Plan { kind, options, terms, by_owner: true, memo, window, stage })?;
        self.wake(id);
        Ok(Answer::Room(Box::new(view(&self.rooms[&id]))))
    }

    fn check_create(&self, create: &Create) -> Result<(), Refusal> {
        check_name(&create.room)?;
        self.check_kind(create.kind, &create.options)?;
        if !(1..=create.kind.participants_max()).contains(&create.terms.seats_max) {
            Err(Refusal::SeatsInvalid)
        } else if create.room.name().is_some_and(|name| self.names.contains_key(name)) {
            Err(Refusal::RoomExists)
        } else {
            Ok(())
        }
    }

    pub(super) fn set_rule(&mut self, now: Moment, participant: ParticipantId, rule: Rule) -> Result<(), Refusal> {
        let id = self.room_of(participant).ok_or(Refusal::ParticipantNotFound)?;
        let (room, mut means) = self.room(now, id)?;
        room.set_rule(participant, rule, &mut means)?;
        self.settle(now, id);
        Ok(())
    }

    pub(super) fn set_record_rules(&mut self, now: Moment, room: RoomId, rules: Rule) -> Result<(), Refusal> {
        let (place, mut means) = self.room(now, room)?;
        place.set_record_rules(rules, &mut means)?;
        self.settle(now, room);
        Ok(())
    }

    pub(super) fn record(&mut self, now: Moment, room: RoomId, on: bool) -> Result<(), Refusal> {
        let (place, mut means) = self.room(now, room)?;
        place.set_recorded(on, &mut means)?;
        self.settle(now, room);
        Ok(())
    }

    /// Remembers how a room is made when the first one joins.
    pub(super) fn define(&mut self, name: Arc<str>, definition: Definition) -> Result<(), Refusal> {
        check_name(&RoomRef::Name(Arc::clone(&name)))?;
        self.check_definition(&definition)?;
        if self.definitions.len() >= DEFINITIONS_MAX && !self.definitions.contains_key(&name) {
            return Err(Refusal::TooManyRooms);
        }
        self.definitions.insert(name, definition);
        Ok(())
    }

    /// Whether a room can be made so.
    pub(super) fn check_definition(&self, definition: &Definition) -> Result<(), Refusal> {
        self.check_kind(definition.kind, &definition.options)?;
        check_meta(&definition.stage.meta)?;
        let seats = 1..=definition.kind.participants_max();
        if seats.contains(&definition.terms.seats_max) { Ok(()) } else { Err(Refusal::SeatsInvalid) }
    }

    pub(super) fn set_kind(&mut self, name: &Arc<str>, kind: RoomKind, options: RoomOptions) -> Result<(), Refusal> {
        check_name(&RoomRef::Name(Arc::clone(name)))?;
        self.check_kind(kind, &options)?;
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(name) {
            return Err(Refusal::TooManyRooms);
        }
        self.kinds.insert(Arc::clone(name), (kind, options.clone()));
        let kind = self.possible(kind);
        let is_defined = self.definitions.contains_key(name);
        let running = self.names.get(name).and_then(|id| self.rooms.get_mut(id));
        if let Some(room) = running.filter(|room| !room.by_owner && !is_defined && room.fits(kind, &options)) {
            // What is recorded of those inside is for nobody to change by the way.
            let record = std::mem::take(&mut room.options).record;
            (room.kind, room.options) = (kind, RoomOptions { record, ..options });
            room.terms.seats_max = kind.participants_max();
        }
        Ok(())
    }

    fn check_kind(&self, kind: RoomKind, options: &RoomOptions) -> Result<(), Refusal> {
        self.check_served(kind)?;
        let unserved = options.audio_only && kind.topology() == Topology::Mesh;
        if unserved { Err(Refusal::AudioOnlyNotServed) } else { Ok(()) }
    }

    pub(super) fn withdraw(&mut self, now: Moment, origin: &Origin) {
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
}
