//! What the parts of a room say to each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, ParticipantId, RoomId, TrackId};

use super::route::note_wish;
use super::{Client, Engine};
use crate::data::Manner;
use crate::limit::{PIPE_QUALITY_GAP, PIPE_TELL_GAP};
use crate::pipe::{Load, Need, Part, Piped, Said, Word};
use crate::switchboard::{PeerKey, Source};

impl Engine {
    /// The next thing to tell another engine, and on which worker that is. Words go before packets.
    pub fn poll_piped(&mut self) -> Option<(usize, Piped)> {
        self.words.pop_front().or_else(|| self.loads.pop_front())
    }

    /// Takes what another engine says. To be followed by a [`flush`](Engine::flush).
    pub fn handle_piped(&mut self, now: Instant, piped: Piped) {
        match piped.0 {
            Said::Packet(load) => self.take_load(now, load),
            Said::Word(room, from, word) => {
                let parts = self.halls.get(&room).and_then(|hall| hall.parts.as_deref());
                if parts.is_some_and(|parts| parts.others.contains(&from)) {
                    self.hear_word(now, room, from, word);
                }
            }
        }
    }

    /// There was no room for this in the pipe to that worker.
    pub fn handle_refused(&mut self, now: Instant, to: usize, piped: Piped) {
        self.counts.pipe_dropped += 1;
        match piped.0 {
            Said::Packet(load) => self.break_off(to, &load),
            Said::Word(room, _, Word::Message { track, .. }) => self.overrun_outlet(now, room, to, track),
            Said::Word(_, _, Word::Overrun(track)) => {
                let source = self.board.by_id_mut(track);
                let outlets = source.into_iter().flat_map(|source| &mut source.outlets);
                outlets.filter(|outlet| outlet.part.worker == to).for_each(|outlet| outlet.overrun = true);
            }
            Said::Word(..) => {}
        }
    }

    pub(super) fn say_word(&mut self, room: RoomId, to: Part, word: Word) {
        let Some(parts) = self.halls.get(&room).and_then(|hall| hall.parts.as_deref()) else { return };
        self.words.push_back((to.worker, Piped::word(room, parts.own, word)));
    }

    /// A packet of a track of another part. What comes from a part that is gone, or of a track that went elsewhere, is of no use.
    fn take_load(&mut self, now: Instant, load: Load) {
        let Load { from, track, layer, layers, params, packet } = load;
        let Some(key) = self.board.key(track) else { return };
        let Some(source) = self.board.get_mut(key) else { return };
        let Some(inlet) = source.inlet.as_mut().filter(|inlet| inlet.part == from) else { return };
        if inlet.layers != layers {
            inlet.layers = layers;
            source.keep_layers(usize::from(layers));
        }
        if let Some(layer) = source.layers.get_mut(usize::from(layer)) {
            layer.carry(packet.ssrc);
        }
        self.pass_on(now, key, layer, &params, packet);
    }

    fn hear_word(&mut self, now: Instant, room: RoomId, from: Part, word: Word) {
        match word {
            Word::Hello => self.tell_all_of(room),
            Word::Needs(needs) => needs.into_iter().for_each(|(track, need)| self.take_need(room, from, track, need)),
            Word::Keyframe { track, layer, first } => {
                let Some(key) = self.board.key(track) else { return };
                let Some(source) = self.board.get_mut(key).filter(|source| source.inlet.is_none()) else { return };
                if first {
                    source.wish_first_keyframe(now, layer);
                } else {
                    source.wish_keyframe(layer);
                }
                note_wish(&mut self.wishing, key);
            }
            Word::Manners(manners) => manners.into_iter().for_each(|(track, manner)| self.take_manner(now, from, track, manner)),
            Word::Message { track, binary, data } => {
                if let Some(readers) = self.readers_of(from, track) {
                    self.deliver(now, track, readers, binary, &data);
                }
            }
            Word::Overrun(track) => {
                let readers = self.readers_of(from, track).unwrap_or_default();
                readers.into_iter().for_each(|reader| self.overrun_data_line(now, reader, track));
            }
            Word::Speaker(who) => self.take_speaker(now, room, who),
            Word::Quality(all) => {
                let Some(hall) = self.halls.get_mut(&room) else { return };
                for (who, shown) in all {
                    let far = hall.members.get_mut(&who).and_then(|member| member.far.as_mut());
                    far.into_iter().filter(|far| far.part == from).for_each(|far| far.shown = Some(Arc::clone(&shown)));
                }
            }
        }
    }

    fn take_need(&mut self, room: RoomId, from: Part, track: TrackId, need: Need) {
        let Some(source) = self.board.by_id_mut(track) else { return };
        let data = source.kind == Kind::Data;
        let Some(outlet) = source.outlets.iter_mut().find(|outlet| outlet.part == from) else { return };
        let fresh = need.wanted && !outlet.need.wanted;
        outlet.need = need;
        if fresh && data {
            self.tell_all_of(room);
        }
    }

    fn take_speaker(&mut self, now: Instant, room: RoomId, who: Option<ParticipantId>) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let Some(parts) = hall.parts.as_mut().filter(|parts| !parts.is_home() && parts.speaker != who) else { return };
        parts.speaker = who;
        if let Some(who) = who {
            hall.spoke.insert(who, now);
        }
    }

    fn readers_of(&self, from: Part, track: TrackId) -> Option<Vec<PeerKey>> {
        let source = self.board.by_id(track)?;
        source.inlet.as_ref().filter(|inlet| inlet.part == from).map(|_| source.readers.clone())
    }

    fn take_manner(&mut self, now: Instant, from: Part, track: TrackId, manner: Option<Manner>) {
        let Some(source) = self.board.by_id_mut(track) else { return };
        let Some(inlet) = source.inlet.as_mut().filter(|inlet| inlet.part == from && inlet.manner != manner) else { return };
        inlet.manner = manner;
        let (room, readers) = (source.room, source.readers.clone());
        // Those who have it in another manner get it anew.
        for reader in readers {
            self.close_data_line(now, reader, track);
        }
        self.remind_readers_of(room, track);
    }

    /// A packet found no room on its way to another part.
    fn break_off(&mut self, to: usize, load: &Load) {
        let Some(key) = self.board.key(load.track) else { return };
        let Some(source) = self.board.get_mut(key).filter(|source| source.kind == Kind::Video) else { return };
        source.outlets.iter_mut().filter(|outlet| outlet.part.worker == to).for_each(|outlet| outlet.break_off(load.layer));
        source.wish_keyframe(load.layer);
        note_wish(&mut self.wishing, key);
    }

    /// A message found no room on its way to another part.
    fn overrun_outlet(&mut self, now: Instant, room: RoomId, to: usize, track: TrackId) {
        self.counts.messages_dropped += 1;
        let reliable = self.manner_of(track).is_some_and(Manner::reliable);
        let Some(source) = self.board.by_id_mut(track).filter(|_| reliable) else { return };
        let Some(outlet) = source.outlets.iter_mut().find(|outlet| outlet.part.worker == to) else { return };
        if !std::mem::replace(&mut outlet.overrun, true) {
            let part = outlet.part;
            self.tell_overrun(now, room, part, track);
        }
    }

    /// Before anything else that was to be said: no message may pass over the hole.
    fn tell_overrun(&mut self, _now: Instant, room: RoomId, part: Part, track: TrackId) {
        let Some(own) = self.halls.get(&room).and_then(|hall| hall.parts.as_ref()).map(|parts| parts.own) else { return };
        let is_message = |piped: &Piped| matches!(&piped.0, Said::Word(_, _, Word::Message { track: of, .. }) if *of == track);
        self.words.retain(|(to, piped)| *to != part.worker || !is_message(piped));
        self.words.push_front((part.worker, Piped::word(room, own, Word::Overrun(track))));
        let outlets = self.board.by_id_mut(track).into_iter().flat_map(|source| &mut source.outlets);
        outlets.filter(|outlet| outlet.part == part).for_each(|outlet| outlet.overrun = false);
    }

    /// How the messages of a track travel that is published here, while its channel is open.
    pub(super) fn manner_of(&self, track: TrackId) -> Option<Manner> {
        let source = self.board.by_id(track).filter(|source| source.kind == Kind::Data)?;
        self.client(source.peer?)?.peer.manner_of_up(&source.label)
    }

    /// The other parts are to be told everything with the next flush.
    pub(super) fn tell_all_of(&mut self, room: RoomId) {
        if let Some(parts) = self.halls.get_mut(&room).and_then(|hall| hall.parts.as_mut()) {
            parts.told = None;
            self.parts_due = true;
        }
    }

    /// Who is to receive what may be something else now.
    pub(super) fn note_subscribed(&mut self, room: RoomId) {
        if let Some(parts) = self.halls.get_mut(&room).and_then(|hall| hall.parts.as_mut()) {
            parts.moved = true;
            self.parts_due = true;
        }
    }

    /// Tells the other parts of rooms what they should know and do not.
    pub(super) fn tell_parts(&mut self, now: Instant) {
        self.parts_due = false;
        for at in 0..self.spread.len() {
            let Some(room) = self.spread.get(at).copied() else { return };
            self.tell_needs(now, room);
        }
    }

    fn tell_needs(&mut self, now: Instant, room: RoomId) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let Some(parts) = hall.parts.as_mut() else { return };
        let due = |told: Option<Instant>, gap: Duration| told.is_none_or(|at| now.saturating_duration_since(at) >= gap);
        let all = due(parts.told, PIPE_TELL_GAP);
        if std::mem::take(&mut parts.moved) {
            let near = hall.members.values().filter(|member| member.far.is_none());
            parts.subscribed = near.flat_map(|member| member.subscribed.iter().copied()).collect();
        }
        let (others, quality) = (parts.others.clone(), due(parts.told_quality, PIPE_QUALITY_GAP));
        if all {
            parts.told = Some(now);
        }
        if quality {
            parts.told_quality = Some(now);
        }
        let mut needs: Vec<Vec<(TrackId, Need)>> = others.iter().map(|_| Vec::new()).collect();
        for (far, member) in hall.members.values().filter_map(|member| Some((member.far.as_ref()?, member))) {
            let Some(list) = others.iter().position(|other| *other == far.part).and_then(|at| needs.get_mut(at)) else {
                continue;
            };
            for track in &member.tracks {
                let Some(source) = self.board.by_id_mut(track.id) else { continue };
                let need = source.need(parts.subscribed.contains(&track.id));
                let Some(inlet) = source.inlet.as_mut() else { continue };
                if inlet.told.replace(need) != Some(need) || all {
                    list.push((track.id, need));
                }
            }
        }
        for (other, needs) in others.iter().zip(needs).filter(|(_, needs)| !needs.is_empty()) {
            self.say_word(room, *other, Word::Needs(needs));
        }
        if all {
            self.tell_state(now, room, &others);
        }
        if quality {
            self.tell_connections(room, &others);
        }
    }

    /// How messages travel, who speaks, and what found no room before.
    fn tell_state(&mut self, now: Instant, room: RoomId, others: &[Part]) {
        let Some(hall) = self.halls.get(&room) else { return };
        let tracks = hall.near().flat_map(|(_, member)| &member.tracks).filter(|track| track.kind == Kind::Data);
        let tracks: Vec<TrackId> = tracks.map(|track| track.id).collect();
        let speaker = hall.judges().then(|| hall.speaker());
        let manners: Vec<_> = tracks.iter().map(|track| (*track, self.manner_of(*track))).collect();
        for other in others {
            if !manners.is_empty() {
                self.say_word(room, *other, Word::Manners(manners.clone()));
            }
            if let Some(speaker) = speaker {
                self.say_word(room, *other, Word::Speaker(speaker));
            }
        }
        for track in tracks {
            let outlets = self.board.by_id(track).into_iter().flat_map(|source| &source.outlets);
            let overrun: Vec<Part> = outlets.filter(|outlet| outlet.overrun).map(|outlet| outlet.part).collect();
            overrun.into_iter().for_each(|part| self.tell_overrun(now, room, part, track));
        }
    }

    fn tell_connections(&mut self, room: RoomId, others: &[Part]) {
        let Some(hall) = self.halls.get(&room) else { return };
        let shown = |client: &Client| client.watch.shown();
        let all = hall.near().filter_map(|(who, member)| Some((who, shown(self.client(member.key?)?)?)));
        let all: Vec<_> = all.collect();
        for other in others.iter().filter(|_| !all.is_empty()) {
            self.say_word(room, *other, Word::Quality(all.clone()));
        }
    }

    /// Home says who speaks.
    pub(super) fn tell_speaker(&mut self, room: RoomId, who: Option<ParticipantId>) {
        let parts = self.halls.get(&room).and_then(|hall| hall.parts.as_deref()).filter(|parts| parts.is_home());
        for other in parts.map(|parts| parts.others.clone()).unwrap_or_default() {
            self.say_word(room, other, Word::Speaker(who));
        }
    }
}

impl Source {
    /// What is needed of it here.
    fn need(&self, subscribed: bool) -> Need {
        let mut need = Need { wanted: subscribed || self.tap.is_some(), ..Need::default() };
        let taps = self.tap.iter().map(|tap| tap.choice());
        self.receivers.iter().map(|receiver| receiver.choice).chain(taps).for_each(|choice| need.note(choice));
        need
    }
}
