//! What the rooms want.

use std::sync::Arc;
use std::time::Instant;

use room::{Act, Kind, MediaRefusal, News, Open, Order, ParticipantId, RoomId, Signal, Step, Track, TrackId, View, Wish};

use super::{Client, Engine};
use crate::crash;
use crate::data::{Manner, Use};
use crate::limit::CHECK_TIMEOUT;
use crate::peer::Peer;
use crate::switchboard::{PeerKey, Source};

pub(super) fn handle(engine: &mut Engine, now: Instant, order: Order) {
    let Order { room, who, act } = order;
    match act {
        Act::Open(open) => engine.open(now, room, who, *open),
        Act::Signal(link, signal) => {
            let key = engine.key_of(room, who).filter(|key| engine.client(*key).is_some_and(|client| client.peer.link == link));
            if let Some(key) = key {
                engine.hear_signal(now, key, signal);
            }
        }
        Act::Away => engine.note_away(room, who),
        Act::Repeat => engine.repeat(now, room, who),
        Act::Check => engine.check(now, room, who),
        Act::Publish(tracks) => engine.publish(now, room, who, tracks),
        Act::Subscribe(tracks) => engine.subscribe(room, who, tracks),
        Act::Hint(hints) => hints.into_iter().for_each(|hint| engine.hint(room, who, hint.track, hint.wish)),
        Act::Say(channel, text) => {
            if let Some(key) = engine.key_of(room, who) {
                engine.on(now, key, |peer, out| peer.say(now, channel, text.0, out));
            }
        }
        Act::Scene(scene) => engine.set_scene(now, room, scene),
        Act::Record(takes) => engine.record(now, room, who, &takes),
        Act::RecordMix(takes) => engine.record_mix(now, room, takes),
        Act::Close => engine.close(now, room, who),
    }
}

impl Engine {
    fn open(&mut self, now: Instant, room: RoomId, who: ParticipantId, open: Open) {
        if let Some(old) = self.key_of(room, who) {
            self.drop_client(now, old);
        }
        let Open { link, offer, channels, mut profile, codecs, view } = open;
        let peer = Peer::new(now, &self.settings, (room, who, link.clone()), &codecs, view);
        if view == View::Mix {
            // Who gets no picture at all gives up.
            profile.switch_off = room::SwitchOff::Disabled;
            self.open_stage(now, room);
        }
        let mut client = Client::new(now, peer, profile);
        client.view = view;
        client.first_offer = Some(offer);
        client.watch.wanted = super::watch::wants_quality(&channels);
        let key = self.add_client(client);
        for channel in channels {
            let label = channel.label(&link);
            self.on(now, key, |peer, out| peer.open_line(now, &label, Use::Words(channel), Manner::default(), out));
        }
        let member = self.halls.entry(room).or_default().members.entry(who).or_default();
        member.far = None;
        if view == View::Mix || member.view == View::Mix {
            member.subscribed = if view == View::Mix { super::mix::tracks(room).to_vec() } else { Vec::new() };
        }
        (member.key, member.view) = (Some(key), view);
        self.bind(room, who);
        self.want(key);
    }

    /// What the client says on its link. A description takes long to read, so it waits for the client's turn.
    fn hear_signal(&mut self, now: Instant, key: PeerKey, signal: Signal) {
        let Some(client) = self.client_mut(key) else { return };
        if !client.is_asked_for(&signal) && !client.descriptions.take(now, 1) {
            return self.refuse(now, key, MediaRefusal::Flood);
        }
        if matches!(signal.step, Step::Offer | Step::Answer) {
            client.said.push_back(signal);
            self.mark_dirty(key);
        }
    }

    /// What the client said, when its turn has come.
    pub(super) fn handle_signal(&mut self, now: Instant, key: PeerKey, signal: &Signal) {
        let text = &*signal.sealed.0;
        let heard = match signal.step {
            Step::Offer => self.on(now, key, |peer, out| {
                let _reading = crash::reading(&signal.sealed);
                peer.handle_offer(now, signal.revision, text, out)
            }),
            Step::Answer => {
                let taken = self.on(now, key, |peer, out| {
                    let _reading = crash::reading(&signal.sealed);
                    peer.handle_answer(now, signal.revision, text, out)
                });
                taken.map(|taken| taken.map(|_| None))
            }
            Step::Candidates | Step::Close => return,
        };
        match heard {
            Some(Ok(said)) => {
                if signal.step == Step::Offer && said.is_none() {
                    self.counts.offers_lost += 1;
                }
                self.settle(key, said);
                // What was wanted while the client had the word.
                self.mark_dirty(key);
            }
            Some(Err(why)) => self.refuse(now, key, why),
            None => {}
        }
    }

    /// The client cannot be served: its link is given up, and the rooms say so.
    pub(super) fn refuse(&mut self, now: Instant, key: PeerKey, why: MediaRefusal) {
        let Some(client) = self.client(key) else { return };
        let end = client.end();
        tracing::info!(room = ?end.0, who = ?end.1, ?why, "a client is refused");
        self.drop_client(now, key);
        self.report(end, News::Refused(why));
    }

    /// Who cannot hear an offer cannot answer it: the time for that begins when it is there again.
    fn note_away(&mut self, room: RoomId, who: ParticipantId) {
        if let Some(client) = self.key_of(room, who).and_then(|key| self.client_mut(key)) {
            (client.away, client.offered_at) = (true, None);
        }
    }

    fn repeat(&mut self, now: Instant, room: RoomId, who: ParticipantId) {
        let Some(client) = self.key_of(room, who).and_then(|key| self.client_mut(key)) else { return };
        let end = client.end();
        client.away = false;
        if let Some(said) = client.peer.unanswered().cloned() {
            client.offered_at = Some(now);
            self.report(end, News::Signal(super::clients::signal(said)));
        }
    }

    /// Its transport may be gone without a word. One that is being made, or sought, has a time of its own.
    fn check(&mut self, now: Instant, room: RoomId, who: ParticipantId) {
        if let Some(client) = self.key_of(room, who).and_then(|key| self.client_mut(key)) {
            client.check_by = client.peer.is_connected().then_some(now + CHECK_TIMEOUT);
        }
    }

    fn publish(&mut self, now: Instant, room: RoomId, who: ParticipantId, tracks: Vec<Track>) {
        let member = self.halls.entry(room).or_default().members.entry(who).or_default();
        member.far = None;
        let before = std::mem::replace(&mut member.tracks, tracks.clone());
        for gone in before.iter().filter(|old| !tracks.iter().any(|new| new.id == old.id)) {
            self.unpublish(gone.id);
        }
        for track in &tracks {
            match self.board.by_id_mut(track.id) {
                Some(source) => {
                    (source.priority, source.enabled) = (track.priority, track.enabled);
                    source.inlet = None;
                }
                None => drop(self.board.add(Source::new(room, who, track))),
            }
        }
        let silent = !tracks.iter().any(|track| track.kind == Kind::Audio && track.enabled);
        if let Some(hall) = self.halls.get_mut(&room).filter(|_| silent) {
            hall.speakers.remove(who);
        }
        self.bind(room, who);
        self.set_taps(now, room);
        self.fit_outlets(room);
        // Mutes and priorities change nothing that anybody negotiates.
        if !before.iter().map(|old| old.id).eq(tracks.iter().map(|new| new.id)) {
            self.want_all(room);
        }
    }

    pub(super) fn unpublish(&mut self, track: TrackId) {
        if let Some((recording, _)) = self.board.remove(track).and_then(|source| source.take) {
            self.end_take(recording);
        }
    }

    fn subscribe(&mut self, room: RoomId, who: ParticipantId, tracks: Vec<TrackId>) {
        let member = self.halls.entry(room).or_default().members.entry(who).or_default();
        if member.view == View::Mix {
            return;
        }
        member.subscribed = tracks;
        let key = member.key;
        self.note_subscribed(room);
        if let Some(key) = key {
            self.want(key);
        }
    }

    fn hint(&mut self, room: RoomId, who: ParticipantId, track: TrackId, wish: Wish) {
        let Some(key) = self.key_of(room, who) else { return };
        self.note_hint(key, track, wish);
    }

    pub(super) fn close(&mut self, now: Instant, room: RoomId, who: ParticipantId) {
        if let Some(key) = self.key_of(room, who) {
            self.drop_client(now, key);
        }
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let gone = hall.members.remove(&who).unwrap_or_default();
        hall.speakers.remove(who);
        hall.spoke.remove(&who);
        let over = hall.is_over();
        if over {
            self.record_mix(now, room, Vec::new());
        }
        self.close_stage(room);
        if over {
            self.halls.remove(&room);
        }
        for track in gone.tracks {
            self.unpublish(track.id);
        }
        self.note_subscribed(room);
        self.want_all(room);
    }

    /// Everyone in a room: what they receive may have changed.
    pub(super) fn want_all(&mut self, room: RoomId) {
        let keys: Vec<PeerKey> =
            self.halls.get(&room).into_iter().flat_map(|hall| hall.members.values().filter_map(|member| member.key)).collect();
        for key in keys {
            self.want(key);
        }
    }

    /// Tells a client's transport which tracks it should carry.
    fn want(&mut self, key: PeerKey) {
        let Some(client) = self.client(key) else { return };
        let (room, who) = (client.peer.room, client.peer.who);
        let Some(member) = self.halls.get(&room).and_then(|hall| hall.members.get(&who)) else { return };
        let known = |track: &TrackId| Some((*track, self.board.by_id(*track)?.kind));
        let wanted: Vec<(TrackId, Kind)> = member.subscribed.iter().filter_map(known).collect();
        let media = wanted.iter().filter(|(_, kind)| *kind != Kind::Data).map(|(track, kind)| (*track, *kind == Kind::Video));
        let media: Vec<_> = media.collect();
        let subscribed = member.subscribed.clone();
        if let Some(client) = self.client_mut(key) {
            client.share.keep(&subscribed);
            client.peer.want(media.into_iter());
        }
        self.mark_dirty(key);
    }

    /// Connects the sources of a participant's transport with its tracks.
    pub(super) fn bind(&mut self, room: RoomId, who: ParticipantId) {
        let Some(member) = self.halls.get(&room).and_then(|hall| hall.members.get(&who)) else { return };
        let (key, view) = (member.key, member.view);
        let tracks: Vec<(TrackId, Arc<str>, Kind)> =
            member.tracks.iter().map(|track| (track.id, Arc::clone(&track.label), track.kind)).collect();
        for (track, _, _) in &tracks {
            if let Some(source) = self.board.by_id_mut(*track) {
                source.peer = key;
                // Clients that receive a mix go on sending what a moderator has muted.
                source.silenced = view == View::Mix && !source.enabled;
            }
        }
        let Some(key) = key else { return };
        let Some(client) = self.slots.get_mut(key.index as usize).and_then(|slot| slot.client.as_mut()) else { return };
        client.sources.clear();
        for (mid, up) in client.peer.ups() {
            let kind = client.peer.kind_of(mid);
            let Some((track, _, _)) = tracks.iter().find(|(_, label, own)| *label == up.label && *own == kind) else { continue };
            let Some(track) = self.board.key(*track) else { continue };
            if let Some(source) = self.board.get_mut(track) {
                source.keep_layers(up.layers.len().max(up.rids.len()).max(1));
            }
            for (layer, ssrc) in (0_u8..).zip(&up.layers).filter(|_| up.rids.is_empty()) {
                client.sources.push((*ssrc, Some(track), layer));
                if let Some(layer) = self.board.get_mut(track).and_then(|source| source.layers.get_mut(usize::from(layer))) {
                    layer.carry((*ssrc).into());
                }
            }
        }
    }
}
