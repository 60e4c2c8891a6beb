//! Clients with their transports: who is where, and what came of a negotiation.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, News, ParticipantId, RoomId, Sealed, Signal, Step, TrackId, View};
use str0m::channel::{ChannelData, ChannelId};
use str0m::media::Mid;

use super::route::forwarder;
use super::watch::Watch;
use super::{Client, Engine, Patience, Slot};
use crate::crash;
use crate::data::Use;
use crate::limit::{DATA_REOPEN_PAUSE, EARLY_BYTES_MAX, EARLY_MAX, EARLY_TIME_MAX, LOST_TIMEOUT};
use crate::negotiate::Say;
use crate::peer::{Outbox, Path, Peer, PeerNews, Taken};
use crate::record::ToRecorder;
use crate::switchboard::{PeerKey, Receiver};

/// Beyond this a time is not waited for.
const FAR: Duration = Duration::from_secs(3_600);

/// A description of ours as the rooms pass it on.
pub(super) fn signal(said: Say) -> Signal {
    let step = if said.offer { Step::Offer } else { Step::Answer };
    Signal { step, revision: said.revision, sealed: Sealed(said.text) }
}

/// Sends something to one client. If that panics, nothing is sent, and the client is [buried](Engine::bury) with the next flush.
/// `what`: notes what was being sent.
pub(super) fn guarded(broken: &mut Vec<PeerKey>, key: PeerKey, send: impl FnOnce() -> bool, what: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(send)).unwrap_or_else(|panic| {
        what();
        crash::caught(&*panic);
        if !broken.contains(&key) {
            broken.push(key);
        }
        false
    })
}

impl Engine {
    pub(super) fn client(&self, key: PeerKey) -> Option<&Client> {
        self.slots.get(key.index as usize).filter(|slot| slot.uses == key.uses)?.client.as_deref()
    }

    pub(super) fn client_mut(&mut self, key: PeerKey) -> Option<&mut Client> {
        self.slots.get_mut(key.index as usize).filter(|slot| slot.uses == key.uses)?.client.as_deref_mut()
    }

    pub(super) fn key_of(&self, room: RoomId, who: ParticipantId) -> Option<PeerKey> {
        self.halls.get(&room)?.key(who)
    }

    pub(super) fn add_client(&mut self, client: Client) -> PeerKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let mut key = PeerKey { index, uses: 0 };
        if let Some(slot) = self.slots.get_mut(index as usize) {
            key.uses = slot.uses;
            self.demux.expect(&client.ufrag, key);
            slot.client = Some(Box::new(client));
        }
        key
    }

    /// Ends a client's transport. Its tracks stay known; they only come from nowhere now.
    pub(super) fn drop_client(&mut self, now: Instant, key: PeerKey) {
        self.on(now, key, |peer, out| peer.close(now, out));
        self.forget_client(key);
    }

    fn forget_client(&mut self, key: PeerKey) {
        let Some(slot) = self.slots.get_mut(key.index as usize).filter(|slot| slot.uses == key.uses) else { return };
        let Some(client) = slot.client.take() else { return };
        slot.uses = slot.uses.wrapping_add(1);
        self.free.push(key.index);
        self.demux.forget(key);
        for track in self.tracks_of(client.peer.room) {
            let Some(source) = self.board.by_id_mut(track) else { continue };
            source.receivers.retain(|receiver| receiver.peer != key);
            source.readers.retain(|reader| *reader != key);
            if source.peer == Some(key) {
                source.peer = None;
                self.to_recorder.extend(source.take.take().map(|(recording, _)| ToRecorder::End(recording)));
            }
        }
        let member = self.halls.get_mut(&client.peer.room).and_then(|hall| hall.members.get_mut(&client.peer.who));
        if let Some(member) = member.filter(|member| member.key == Some(key)) {
            member.key = None;
        }
    }

    /// Lets a client's transport do something and takes what it has to say. A panic in it costs this client its link, nobody else.
    pub(super) fn on<T>(&mut self, now: Instant, key: PeerKey, act: impl FnOnce(&mut Peer, &mut Outbox) -> T) -> Option<T> {
        let client = self.slots.get_mut(key.index as usize).filter(|slot| slot.uses == key.uses)?.client.as_deref_mut()?;
        let outbox = &mut self.outbox;
        let outcome = catch_unwind(AssertUnwindSafe(|| act(&mut client.peer, outbox)));
        let due = client.peer.due();
        if client.peer.is_waiting() && !std::mem::replace(&mut client.touched, true) {
            self.touched.push(key);
        }
        outbox.checks.drain(..).for_each(|check| self.demux.await_answer(check, key));
        self.arrived.extend(outbox.packets.drain(..).map(|packet| (key, packet.into())));
        self.news.extend(outbox.news.drain(..).map(|news| (key, news)));
        self.counts.repairs_refused += std::mem::take(&mut outbox.repairs_refused);
        self.counts.packets_out += std::mem::take(&mut outbox.packets_early);
        // A transport that is over names a time that never comes.
        if due < now + FAR && client.queued.is_none_or(|queued| due < queued) {
            client.queued = Some(due);
            self.timers.push(Reverse((due, key)));
        }
        match outcome {
            Ok(value) if client.peer.is_alive() || client.first_offer.is_some() => Some(value),
            Ok(value) => {
                self.news.push_back((key, PeerNews::Closed));
                Some(value)
            }
            Err(panic) => {
                crash::caught(&*panic);
                self.counts.panics += 1;
                tracing::error!("a client's transport panicked; the client is asked for a new one and everybody else goes on");
                self.dead(key);
                None
            }
        }
    }

    /// What was sent may call for something: a probe, or another look at a time when nobody has answered.
    pub(super) fn look_after_sent(&mut self, now: Instant) {
        for key in &self.touched {
            let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.uses == key.uses);
            let Some(client) = slot.and_then(|slot| slot.client.as_deref_mut()) else { continue };
            client.peer.look(now, &mut self.outbox);
            self.news.extend(self.outbox.news.drain(..).map(|news| (*key, news)));
            let due = client.peer.due();
            if due < now + FAR && client.queued.is_none_or(|queued| due < queued) {
                client.queued = Some(due);
                self.timers.push(Reverse((due, *key)));
            }
        }
    }

    /// Clients whose sender panicked lose their links.
    pub(super) fn bury(&mut self) {
        for key in std::mem::take(&mut self.broken) {
            self.counts.panics += 1;
            tracing::error!("sending to a client panicked; the client is asked for a new transport and everybody else goes on");
            self.dead(key);
        }
    }

    /// A check of the client's came along this path, or the answer to one of ours.
    pub(super) fn note_address(&mut self, key: PeerKey, path: Path, answered: bool) {
        let (protocol, source, _) = path;
        if !answered {
            self.demux.claim(protocol, source, key);
        } else if !self.is_held_by_another(key, path) {
            self.demux.approve(protocol, source, key);
        }
    }

    /// Whether another client's media comes from this address.
    fn is_held_by_another(&self, key: PeerKey, path: Path) -> bool {
        let owner = self.demux.owner(path.0, path.1).filter(|owner| *owner != key);
        owner.and_then(|owner| self.client(owner)).is_some_and(|client| client.peer.holds(path))
    }

    /// Keeps a handshake that overtook the answer to our check: without, the client would wait a second before it tries again.
    pub(super) fn keep_early(&mut self, now: Instant, key: PeerKey, path: Path, bytes: &[u8]) {
        self.counts.strangers += 1;
        let Some(client) = self.client_mut(key).filter(|client| !client.peer.is_connected()) else { return };
        if client.early.len() < EARLY_MAX && bytes.len() <= EARLY_BYTES_MAX {
            client.early.push((now, path, bytes.into()));
        }
    }

    /// Looks at such handshakes again: each is heard only if its address is the client's by now.
    pub(super) fn retry_early(&mut self, now: Instant, key: PeerKey) {
        let Some(client) = self.client_mut(key).filter(|client| !client.early.is_empty()) else { return };
        for (since, path, bytes) in std::mem::take(&mut client.early) {
            let taken = self.on(now, key, |peer, out| peer.handle_datagram(now, path, &bytes, out));
            let Some(client) = self.client_mut(key) else { return };
            if taken == Some(Taken::NotOurs) && now.saturating_duration_since(since) < EARLY_TIME_MAX {
                client.early.push((since, path, bytes));
            }
        }
    }

    /// The link is of no use any more; the rooms ask the client for another.
    pub(super) fn dead(&mut self, key: PeerKey) {
        let Some(client) = self.client(key) else { return };
        let end = client.end();
        self.forget_client(key);
        self.report(end, News::Dead);
    }

    pub(super) fn mark_dirty(&mut self, key: PeerKey) {
        let Some(client) = self.client_mut(key) else { return };
        let first = client.first_offer.is_some();
        if !std::mem::replace(&mut client.dirty, true) {
            // Who waits for a first answer comes first; of these, who came first.
            let waits = |other: &&PeerKey| self.client(**other).is_some_and(|client| client.first_offer.is_some());
            let place = if first { self.dirty.iter().take_while(waits).count() } else { self.dirty.len() };
            self.dirty.insert(place, key);
        }
    }

    /// Takes what clients said and makes our own offers, for everyone with something to negotiate.
    pub(super) fn negotiate(&mut self, now: Instant, left: &mut Patience) {
        while !left.is_over() {
            let Some(key) = self.dirty.pop_front() else { return };
            let Some(client) = self.client_mut(key) else { continue };
            client.dirty = false;
            let first = client.first_offer.take();
            let said: Vec<_> = first.into_iter().chain(client.said.drain(..)).collect();
            for signal in &said {
                self.handle_signal(now, key, signal);
            }
            self.open_data_lines(now, key);
            let said = self.on(now, key, |peer, out| peer.make_offer(now, out)).flatten();
            if let Some(client) = self.client_mut(key).filter(|client| said.is_some() && !client.away) {
                client.offered_at = Some(now);
            }
            self.settle(key, said);
            left.spend(self.client(key).map_or(0, |client| client.peer.sections()));
        }
    }

    /// After a step of the negotiation: who receives what from where, the names for the rooms, and then what we say.
    pub(super) fn settle(&mut self, key: PeerKey, said: Option<Say>) {
        let Some(client) = self.client_mut(key) else { return };
        if client.peer.unanswered().is_none() {
            client.offered_at = None;
        }
        let end = client.end();
        let ufrag = client.peer.ufrag();
        if client.ufrag != ufrag {
            // The client restarted ICE: other addresses may be its own now.
            client.ufrag.clone_from(&ufrag);
            client.addresses.clear();
            self.demux.expect(&ufrag, key);
        }
        self.bind(end.0, end.1);
        self.connect_receivers(key);
        self.report_placed(key);
        if let Some(said) = said {
            self.report(end, News::Signal(signal(said)));
            // What was wanted meanwhile.
            self.mark_dirty(key);
        }
    }

    fn report_placed(&mut self, key: PeerKey) {
        let Some(client) = self.client_mut(key).filter(|client| client.view == View::Tracks) else { return };
        let media = client.peer.placements().map(|placement| (placement.track, Arc::clone(&placement.label)));
        let data = client.peer.data_downs().map(|(track, label)| (track, Arc::clone(label)));
        let placed: Vec<_> = media.chain(data).collect();
        if placed == client.placed {
            return;
        }
        client.placed.clone_from(&placed);
        let end = client.end();
        self.report(end, News::Placed(placed));
    }

    /// Every track of a room. A worker has many rooms, and what happens in one does not concern the others.
    pub(super) fn tracks_of(&self, room: RoomId) -> Vec<TrackId> {
        let Some(hall) = self.halls.get(&room) else { return Vec::new() };
        let published = hall.members.values().flat_map(|member| member.tracks.iter().map(|track| track.id));
        published.chain(hall.stage_tracks(room)).collect()
    }

    /// Makes the board agree with where the client's tracks are placed.
    fn connect_receivers(&mut self, key: PeerKey) {
        let Some(client) = self.client(key) else { return };
        let ready: Vec<_> = client.peer.placements().filter(|placement| placement.ready).map(|p| (p.track, p.ssrc)).collect();
        let mut fresh = false;
        for track in self.tracks_of(client.peer.room) {
            let Some(source) = self.board.by_id_mut(track).filter(|source| source.kind != Kind::Data) else { continue };
            let here = ready.iter().find(|(track, _)| *track == source.id).map(|(_, ssrc)| *ssrc);
            source.receivers.retain(|receiver| receiver.peer != key || Some(receiver.ssrc) == here);
            let Some(ssrc) = here.filter(|_| !source.receivers.iter().any(|receiver| receiver.peer == key)) else { continue };
            let forwarder = source.codec.map(|codec| forwarder(codec, &mut self.random));
            source.receivers.push(Receiver::new(key, ssrc, source.kind, forwarder));
            fresh = true;
        }
        if let Some(client) = self.client_mut(key).filter(|_| fresh) {
            client.share.due = true;
            self.share_due = true;
        }
    }

    /// Opens and closes the channels on which the client receives messages, as far as their publishers' are open.
    fn open_data_lines(&mut self, now: Instant, key: PeerKey) {
        let Some(client) = self.client(key) else { return };
        let (room, who) = (client.peer.room, client.peer.who);
        let Some(member) = self.halls.get(&room).and_then(|hall| hall.members.get(&who)) else { return };
        let wanted: Vec<TrackId> = member.subscribed.clone();
        let have: Vec<TrackId> = client.peer.data_downs().map(|(track, _)| track).collect();
        let over = |track: &TrackId| !wanted.contains(track) || self.board.by_id(*track).is_none();
        let gone: Vec<TrackId> = have.iter().copied().filter(over).collect();
        for track in gone {
            self.close_data_line(now, key, track);
        }
        for track in wanted.into_iter().filter(|track| !have.contains(track)) {
            self.open_data_line(now, key, track);
        }
    }

    fn open_data_line(&mut self, now: Instant, key: PeerKey, track: TrackId) {
        let overrun = |client: &Client| client.overrun.iter().any(|(own, until)| *own == track && *until > now);
        if self.client(key).is_some_and(overrun) {
            return;
        }
        let Some(source) = self.board.by_id(track).filter(|source| source.kind == Kind::Data) else { return };
        let far = source.inlet.as_ref().and_then(|inlet| inlet.manner);
        let Some(manner) = far.or_else(|| self.manner_of(track)) else { return };
        let label = format!("{:032x}-{:x}", track.0, self.random() >> 16);
        self.on(now, key, |peer, out| peer.open_line(now, &label, Use::Down(track), manner, out));
        if let Some(source) = self.board.by_id_mut(track) {
            source.readers.push(key);
        }
    }

    /// A reader fell too far behind on a reliable track: it is closed for this reader, who gets it anew after a while.
    pub(super) fn overrun_data_line(&mut self, now: Instant, key: PeerKey, track: TrackId) {
        self.close_data_line(now, key, track);
        if let Some(client) = self.client_mut(key) {
            client.overrun.push((track, now + DATA_REOPEN_PAUSE));
        }
        self.mark_dirty(key);
    }

    /// Those whose pause is over.
    pub(super) fn reopen_data_lines(&mut self, now: Instant) {
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { return };
            let key = PeerKey { index: u32::try_from(index).unwrap_or(u32::MAX), uses: slot.uses };
            let Some(client) = slot.client.as_deref_mut().filter(|client| !client.overrun.is_empty()) else { continue };
            let before = client.overrun.len();
            client.overrun.retain(|(_, until)| *until > now);
            if client.overrun.len() < before {
                self.mark_dirty(key);
            }
        }
    }

    pub(super) fn close_data_line(&mut self, now: Instant, key: PeerKey, track: TrackId) {
        self.on(now, key, |peer, out| peer.close_line(now, &Use::Down(track), out));
        if let Some(source) = self.board.by_id_mut(track) {
            source.readers.retain(|reader| *reader != key);
        }
    }

    /// Clients reach us at these addresses from now on.
    pub(super) fn set_addresses(&mut self, now: Instant, addresses: &[SocketAddr]) {
        self.settings.set_addresses(addresses);
        let candidates = self.settings.candidates.clone();
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get(index) else { return };
            let key = PeerKey { index: u32::try_from(index).unwrap_or(u32::MAX), uses: slot.uses };
            self.on(now, key, |peer, out| peer.set_addresses(now, &candidates, out));
        }
    }

    /// What happened on a client's transport.
    pub(super) fn handle_news(&mut self, now: Instant, key: PeerKey, news: PeerNews) {
        match news {
            PeerNews::Connected => self.handle_connected(now, key),
            PeerNews::Lost => self.note_lost(now, key),
            PeerNews::Found => self.note_found(key),
            PeerNews::Keyframe(mid) => self.handle_keyframe_request(now, key, mid),
            PeerNews::ChannelOpen(id, label) => self.handle_channel_open(now, key, id, &label),
            PeerNews::ChannelData(data) => self.handle_channel_data(now, key, data),
            PeerNews::ChannelClose(id) => self.handle_channel_close(now, key, id),
            PeerNews::Estimate(estimate) => {
                if let Some(client) = self.client_mut(key) {
                    client.estimate = Some(estimate);
                }
            }
            PeerNews::Stats(stats) => {
                let late = self.late;
                self.watch_of(key, |watch, _| watch.handle_peer(&stats, late));
            }
            PeerNews::In(stats) => self.watch_of(key, |watch, kind| watch.handle_in(kind(stats.mid), &stats)),
            PeerNews::Out(stats) => self.watch_of(key, |watch, kind| watch.handle_out(kind(stats.mid), &stats)),
            PeerNews::Closed => self.dead(key),
        }
    }

    fn watch_of(&mut self, key: PeerKey, take: impl FnOnce(&mut Watch, &dyn Fn(Mid) -> Kind)) {
        if let Some(Client { watch, peer, .. }) = self.client_mut(key) {
            take(watch, &|mid| peer.kind_of(mid));
        }
    }

    fn handle_connected(&mut self, now: Instant, key: PeerKey) {
        self.set_connect_by(key, None);
        if let Some(client) = self.client(key) {
            let end = client.end();
            self.report(end, News::Connected);
        }
        self.begin_mix(now, key);
    }

    fn set_connect_by(&mut self, key: PeerKey, by: Option<Instant>) {
        if let Some(client) = self.client_mut(key) {
            client.connect_by = by;
        }
    }

    /// The way is gone. Who was never connected, or has lost it before, gets no more time.
    fn note_lost(&mut self, now: Instant, key: PeerKey) {
        if let Some(client) = self.client_mut(key) {
            client.connect_by.get_or_insert(now + LOST_TIMEOUT);
        }
    }

    /// There is a way again. Before the first handshake that is not enough.
    fn note_found(&mut self, key: PeerKey) {
        if let Some(client) = self.client_mut(key).filter(|client| client.peer.is_connected()) {
            client.connect_by = None;
        }
    }

    fn handle_channel_open(&mut self, now: Instant, key: PeerKey, id: ChannelId, label: &str) {
        let Some(Some(purpose)) = self.on(now, key, |peer, out| peer.line_opened(now, id, label, out)) else { return };
        match purpose {
            Use::Up(label) => self.remind_readers(key, &label),
            Use::Words(channel) => {
                if let Some(end) = self.client(key).map(Client::end) {
                    self.report(end, News::Opened(channel));
                }
            }
            Use::Down(_) | Use::Nothing => {}
        }
    }

    /// A channel of a publisher's has opened: those who want its track can have it now.
    fn remind_readers(&mut self, publisher: PeerKey, label: &str) {
        let Some((track, _)) = self.data_source(publisher, label) else { return };
        let Some(room) = self.client(publisher).map(|client| client.peer.room) else { return };
        self.tell_all_of(room);
        self.remind_readers_of(room, track);
    }

    /// The messages of a track come, or will: those who want it can have it now.
    pub(super) fn remind_readers_of(&mut self, room: RoomId, track: TrackId) {
        let members = self.halls.get(&room).into_iter().flat_map(|hall| hall.members.values());
        let wanting = members.filter(|member| member.subscribed.contains(&track)).filter_map(|member| member.key);
        let keys: Vec<PeerKey> = wanting.collect();
        keys.into_iter().for_each(|key| self.mark_dirty(key));
    }

    fn handle_channel_data(&mut self, now: Instant, key: PeerKey, data: ChannelData) {
        let ChannelData { id, binary, data } = data;
        let Some(client) = self.client_mut(key) else { return };
        match client.peer.use_of(id) {
            Some(Use::Words(channel)) => {
                let channel = *channel;
                let text = String::from_utf8(data).ok().filter(|text| !binary && client.data.text(now, text.len()));
                let end = client.end();
                match text {
                    Some(text) => self.report(end, News::Said(channel, Sealed(text.into()))),
                    None => self.counts.messages_dropped += 1,
                }
            }
            Some(Use::Up(label)) => {
                let label = Arc::clone(label);
                self.handle_message(now, key, &label, binary, &data);
            }
            Some(Use::Down(_) | Use::Nothing) | None => {}
        }
    }

    fn handle_channel_close(&mut self, now: Instant, key: PeerKey, id: ChannelId) {
        let Some(client) = self.client_mut(key) else { return };
        match client.peer.line_closed(id) {
            Some(Use::Up(label)) => self.close_readers(now, key, &label),
            Some(Use::Down(track)) => self.overrun_data_line(now, key, track),
            Some(Use::Words(_) | Use::Nothing) | None => {}
        }
    }

    /// The publisher's channel is gone, and with it those of the receivers.
    pub(super) fn close_readers(&mut self, now: Instant, publisher: PeerKey, label: &str) {
        let Some((track, readers)) = self.data_source(publisher, label) else { return };
        for reader in readers {
            self.close_data_line(now, reader, track);
            self.mark_dirty(reader);
        }
        if let Some(room) = self.client(publisher).map(|client| client.peer.room) {
            self.tell_all_of(room);
        }
    }

    /// The data track that this client publishes under this label, and who receives it.
    pub(super) fn data_source(&self, publisher: PeerKey, label: &str) -> Option<(TrackId, Vec<PeerKey>)> {
        let client = self.client(publisher)?;
        let member = self.halls.get(&client.peer.room)?.members.get(&client.peer.who)?;
        let track = member.tracks.iter().find(|track| track.kind == Kind::Data && &*track.label == label)?;
        let source = self.board.by_id(track.id)?;
        Some((track.id, source.readers.clone()))
    }

    /// Clients whose time is up.
    pub(super) fn expire(&mut self, now: Instant) {
        let over = |client: &Client| {
            let lost = client.connect_by.into_iter().chain(client.check_by).any(|by| by <= now);
            let mute = client.offered_at.is_some_and(|at| now.saturating_duration_since(at) > crate::limit::ANSWER_TIMEOUT);
            lost || mute || client.peer.is_speechless(now)
        };
        let flooding = |client: &Client| client.unknown > crate::limit::UNKNOWN_PACKETS_MAX || client.intake.is_flooding(now);
        let each = || {
            (0_u32..)
                .zip(&self.slots)
                .filter_map(|(index, slot)| Some((PeerKey { index, uses: slot.uses }, slot.client.as_deref()?)))
        };
        let dead: Vec<PeerKey> = each().filter(|(_, client)| over(client)).map(|(key, _)| key).collect();
        let refused: Vec<PeerKey> = each().filter(|(_, client)| flooding(client)).map(|(key, _)| key).collect();
        dead.into_iter().for_each(|key| self.dead(key));
        refused.into_iter().for_each(|key| self.refuse(now, key, room::MediaRefusal::Flood));
    }
}
