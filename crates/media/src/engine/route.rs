//! Packets and messages from their publisher to everyone who receives them. The hot path: it allocates nothing of its own.

use std::sync::Arc;
use std::time::Instant;

use room::{Kind, TrackId};
use str0m::format::PayloadParams;
use str0m::media::Mid;
use str0m::rtp::Ssrc;

use super::clients::guarded;
use super::{Client, Counts, Engine, Slot};
use crate::arrival::Arrival;
use crate::codec::{Codec, Descriptor};
use crate::crash;
use crate::empty;
use crate::forward::{Forwarder, Incoming, Recent};
use crate::limit::{PAYLOAD_BYTES_MAX, REPLAY_PACKETS_MAX, SOURCES_MAX};
use crate::mix::ToMixer;
use crate::peer::Passed;
use crate::pipe::{Outlet, Part, Word};
use crate::record::ToRecorder;
use crate::switchboard::{PeerKey, Receiver, Source, TrackKey};
use crate::tap;

impl Engine {
    /// Passes on every packet that waits.
    pub(super) fn forward(&mut self, now: Instant) {
        let mut arrived = std::mem::take(&mut self.arrived);
        for (key, packet) in arrived.drain(..) {
            self.counts.packets_in += 1;
            if let Some(client) = self.client_mut(key) {
                client.intake.note_heard(now);
            }
            if packet.payload.len() > PAYLOAD_BYTES_MAX {
                self.counts.flooded += 1;
                continue;
            }
            self.route(now, key, packet);
        }
        // Sending may bring news but no packets, so the buffer goes back as it was.
        arrived.append(&mut self.arrived);
        self.arrived = arrived;
        self.bury();
    }

    fn route(&mut self, now: Instant, from: PeerKey, mut packet: Arrival) {
        let Some((track, layer)) = self.track_of(from, packet.ssrc) else {
            self.counts.packets_unknown += 1;
            return;
        };
        let epoch = self.settings.epoch.0;
        let Some(client) = self.client_mut(from) else { return };
        let Some(params) = client.peer.params(packet.payload_type) else { return };
        packet.shown = client.made.moment(epoch, &packet, params.spec().clock_rate.get());
        let Some(source) = self.board.get_mut(track) else { return };
        let codec = codec_of(&params);
        if codec.is_audio() != (source.kind == Kind::Audio) || !source.may_pass(now, packet.payload.len()) {
            self.counts.flooded += 1;
            return;
        }
        if source.silenced {
            source.codec = Some(codec);
            return;
        }
        self.pass_on(now, track, layer, &params, packet);
    }

    /// One packet of a layer, to everyone who receives it here and to the other parts of its room.
    pub(super) fn pass_on(&mut self, now: Instant, track: TrackKey, layer: u8, params: &PayloadParams, packet: Arrival) {
        let Some(source) = self.board.get_mut(track) else { return };
        let codec = codec_of(params);
        let _passing_on = crash::passing_on(&packet, codec.is_audio());
        source.codec = Some(codec);
        let descriptor = Descriptor::parse(codec, &packet.payload);
        let heard = source.layers.get_mut(usize::from(layer));
        let woken = heard.is_some_and(|layer| layer.note(packet.at, packet.payload.len(), &descriptor));
        if woken && source.kind == Kind::Video {
            source.receivers.iter().for_each(|receiver| mark_share(&mut self.slots, receiver.peer));
            self.share_due = true;
        }
        let layers = source.layer_count();
        if source.tap.as_mut().is_some_and(|tap| tap.takes(layer, layers, &descriptor)) {
            self.to_mixers.push_back(ToMixer::Packet(source.room, source.id, tap::Packet::of(codec, &packet)));
        }
        if let Some((recording, tap)) = source.take.as_mut()
            && tap.takes(layer, layers, &descriptor)
        {
            self.to_recorder.push_back(ToRecorder::Packet(*recording, tap::Packet::of(codec, &packet)));
        }
        // Who is muted and sends all the same does not speak.
        if source.kind == Kind::Audio && source.enabled {
            note_level(&mut self.halls, source.room, source.publisher, now, &packet);
        }
        for outlet in &mut source.outlets {
            if outlet.takes(layer, &descriptor) {
                self.counts.piped += 1;
                self.loads.push_back((outlet.part.worker, outlet.load(source.id, (layer, layers), *params, &packet)));
            }
        }
        let mut recent = take_recent(source, layer);
        let replayable = recent.as_mut().is_some_and(|recent| recent.hear(packet.seq));
        let arrived = Incoming { replayable, ..incoming(layer, &packet, &descriptor) };
        let video = source.kind == Kind::Video;
        let Engine { slots, counts, touched, broken, .. } = self;
        let mut way = Way { slots, counts, touched, broken, now, codec, video, params };
        let mut wanted = None;
        for receiver in &mut source.receivers {
            if receiver.forwarder.is_none() {
                let mut fresh = forwarder(codec, &mut self.random);
                fresh.set_target(receiver.target);
                receiver.forwarder = Some(fresh);
            }
            let replay = way.pass(receiver, &packet, &arrived);
            // What came before the first packet of its key frame was of no use then.
            for old in recent.iter().flat_map(|recent| recent.after(packet.seq, replay.unwrap_or(0))) {
                way.pass_again(receiver, layer, old);
            }
            let held = receiver.forwarder.as_mut().and_then(Forwarder::poll_held);
            if let Some((at, first)) = held {
                let other = source.layers.get(usize::from(at)).and_then(|layer| layer.recent.as_ref());
                let kept = if at == layer { recent.as_ref() } else { other };
                kept.iter().flat_map(|kept| kept.since(first)).for_each(|(_, old)| way.pass_again(receiver, at, old));
                way.pass(receiver, &packet, &arrived);
            }
            let waits = receiver.forwarder.as_ref().and_then(Forwarder::held).filter(|(at, _)| *at == layer);
            wanted = waits.map(|(_, first)| first).into_iter().chain(wanted).min();
        }
        let waits = |receiver: &Receiver| receiver.forwarder.as_ref().and_then(Forwarder::awaits_keyframe);
        if descriptor.starts_frame && source.kind == Kind::Video {
            for index in 0..source.receivers.len() {
                if let Some(layer) = source.receivers.get(index).and_then(waits) {
                    source.wish_keyframe(layer);
                    note_wish(&mut self.wishing, track);
                }
            }
        }
        if let (Some(mut recent), Some(layer)) = (recent, source.layers.get_mut(usize::from(layer))) {
            recent.want(wanted);
            recent.keep(packet.seq, packet);
            layer.recent = Some(recent);
        }
    }

    /// The track and layer that a source of this client carries.
    fn track_of(&mut self, from: PeerKey, ssrc: Ssrc) -> Option<(TrackKey, u8)> {
        let client = self.client(from)?;
        if let Some((_, track, layer)) = client.sources.iter().find(|(own, _, _)| *own == *ssrc) {
            return track.map(|track| (track, *layer));
        }
        self.learn_source(from, ssrc)
    }

    /// A source that no description announced: standard simulcast names layers in the packets themselves.
    fn learn_source(&mut self, from: PeerKey, ssrc: Ssrc) -> Option<(TrackKey, u8)> {
        let client = self.client_mut(from)?;
        if client.sources.len() >= SOURCES_MAX {
            client.unknown = client.unknown.saturating_add(1);
            return None;
        }
        let found = client.peer.place_of(ssrc).and_then(|(mid, rid)| named_layer(client, mid, rid.as_deref()));
        let (room, who) = (client.peer.room, client.peer.who);
        let track = found.as_ref().and_then(|(label, layer)| {
            let member = self.halls.get(&room)?.members.get(&who)?;
            let track = member.tracks.iter().find(|track| track.label == *label)?;
            Some((self.board.key(track.id)?, *layer))
        });
        if let Some(layer) = track.and_then(|(track, n)| self.board.get_mut(track)?.layers.get_mut(usize::from(n))) {
            layer.carry(ssrc);
        }
        let client = self.client_mut(from)?;
        client.sources.push((*ssrc, track.map(|(track, _)| track), track.map_or(0, |(_, layer)| layer)));
        track
    }

    /// A client has signed a packet of one source too many.
    pub(super) fn note_excess(&mut self, from: PeerKey) {
        self.counts.packets_unknown += 1;
        if let Some(client) = self.client_mut(from) {
            client.unknown = client.unknown.saturating_add(1);
        }
    }

    /// A receiver cannot decode what it has.
    pub(super) fn handle_keyframe_request(&mut self, now: Instant, key: PeerKey, mid: Mid) {
        let Some(client) = self.client(key) else { return };
        let Some(track) = client.peer.placements().find(|placement| placement.mid == mid).map(|placement| placement.track) else {
            return;
        };
        let Some(track) = self.board.key(track) else { return };
        let Some(source) = self.board.get_mut(track) else { return };
        let Some(receiver) = source.receivers.iter_mut().find(|receiver| receiver.peer == key) else { return };
        let layer = receiver.forwarder.as_ref().and_then(|forwarder| forwarder.current().or(forwarder.awaits_keyframe()));
        if let Some(layer) = layer.filter(|_| receiver.hears_keyframe_request(now)) {
            source.wish_keyframe(layer);
            note_wish(&mut self.wishing, track);
        }
    }

    /// Asks publishers for the key frames that are wished for.
    pub(super) fn ask_keyframes(&mut self, now: Instant) {
        if self.wishing.is_empty() {
            return;
        }
        let mut asks: Vec<(PeerKey, Ssrc)> = Vec::new();
        let mut made: Vec<TrackKey> = Vec::new();
        let mut far = Vec::new();
        self.wishing.sort_unstable();
        self.wishing.dedup();
        self.wishing.retain(|track| {
            let Some(source) = self.board.get_mut(*track).filter(|source| source.kind == Kind::Video) else { return false };
            if source.made.is_some() {
                made.push(*track);
            } else if let Some(part) = source.inlet.as_ref().map(|inlet| inlet.part) {
                let (room, track) = (source.room, source.id);
                let word = |(layer, first)| (room, part, Word::Keyframe { track, layer, first });
                far.extend(source.take_far_wishes(now).map(word));
            } else if let Some(peer) = source.peer {
                asks.extend(source.take_keyframe_wishes(now).map(|ssrc| (peer, ssrc)));
            }
            source.wishes()
        });
        made.into_iter().for_each(|track| self.ask_mixer(now, track));
        far.into_iter().for_each(|(room, part, word)| self.say_word(room, part, word));
        for (peer, ssrc) in asks {
            self.counts.keyframes_asked += 1;
            self.on(now, peer, |peer, out| peer.ask_keyframe(now, ssrc, out));
        }
    }

    /// A message on a data track, to everyone who receives it.
    pub(super) fn handle_message(&mut self, now: Instant, from: PeerKey, label: &Arc<str>, binary: bool, data: &[u8]) {
        let given = if data.is_empty() { empty::stand_in() } else { Some(data) };
        let Some(data) = given else {
            self.counts.messages_dropped += 1;
            return;
        };
        let Some((track, readers)) = self.data_source(from, label) else { return };
        let Some(client) = self.client_mut(from) else { return };
        client.data.message(now);
        self.pipe_message(track, binary, data);
        self.deliver(now, track, readers, binary, data);
    }

    /// The same to the other parts of its room.
    fn pipe_message(&mut self, track: TrackId, binary: bool, data: &[u8]) {
        let Some(source) = self.board.by_id(track) else { return };
        let wants = |outlet: &&Outlet| outlet.is_wanted() && !outlet.overrun;
        let parts: Vec<Part> = source.outlets.iter().filter(wants).map(|outlet| outlet.part).collect();
        let (room, data) = (source.room, if parts.is_empty() { None } else { Some(Arc::<[u8]>::from(data)) });
        for (part, data) in parts.into_iter().zip(data.into_iter().cycle()) {
            self.say_word(room, part, Word::Message { track, binary, data: Arc::clone(&data) });
        }
    }

    /// A message to those who receive it here.
    pub(super) fn deliver(&mut self, now: Instant, track: TrackId, readers: Vec<PeerKey>, binary: bool, data: &[u8]) {
        for reader in readers {
            let whole = self.on(now, reader, |peer, out| peer.pass(now, track, binary, data, out));
            if whole == Some(false) {
                self.counts.messages_dropped += 1;
                self.overrun_data_line(now, reader, track);
            }
        }
    }
}

/// A packet as a forwarder takes it.
fn incoming<'a>(layer: u8, packet: &Arrival, descriptor: &'a Descriptor) -> Incoming<'a> {
    Incoming {
        layer,
        stream: *packet.ssrc,
        seq: packet.seq,
        time: packet.time,
        arrival: packet.at,
        report: packet.report,
        ends_frame: packet.marker,
        replayable: false,
        descriptor,
    }
}

/// What is kept of a layer of pictures, to be put back.
fn take_recent(source: &mut Source, layer: u8) -> Option<Recent<Arrival>> {
    let layer = source.layers.get_mut(usize::from(layer)).filter(|_| source.kind == Kind::Video)?;
    Some(layer.recent.take().unwrap_or_else(|| Recent::new(REPLAY_PACKETS_MAX)))
}

/// How packets of one stream reach receivers.
struct Way<'a> {
    slots: &'a mut [Slot],
    counts: &'a mut Counts,
    /// Clients for whom packets wait.
    touched: &'a mut Vec<PeerKey>,
    /// Clients whose sender panicked.
    broken: &'a mut Vec<PeerKey>,
    now: Instant,
    codec: Codec,
    video: bool,
    params: &'a PayloadParams,
}

impl Way<'_> {
    /// One packet to one receiver; if it was passed on, how many that follow it and came before should be given again.
    fn pass(&mut self, receiver: &mut Receiver, packet: &Arrival, incoming: &Incoming<'_>) -> Option<u64> {
        let rewritten = receiver.forwarder.as_mut()?.rewrite(incoming)?;
        let slot = self.slots.get_mut(receiver.peer.index as usize).filter(|slot| slot.uses == receiver.peer.uses);
        let client = slot.and_then(|slot| slot.client.as_deref_mut())?;
        let own = match receiver.pt {
            Some((theirs, own)) if theirs == self.params.pt() => own,
            _ => receiver.pt.insert((self.params.pt(), client.peer.payload_type(*self.params))).1,
        };
        let Some(own) = own else {
            self.counts.packets_undecodable += 1;
            return None;
        };
        let keyframe = incoming.descriptor.keyframe && incoming.descriptor.starts_frame;
        let passed = Passed { video: self.video, keyframe, extras: packet.extras };
        let (now, to, audio) = (self.now, (receiver.ssrc, own), !self.video);
        let write = || client.peer.write(now, to, packet, &rewritten, passed);
        let left = guarded(self.broken, receiver.peer, write, || crash::passing_on(packet, audio).tell());
        self.counts.packets_out += u64::from(left);
        if left && !std::mem::replace(&mut client.touched, true) {
            self.touched.push(receiver.peer);
        }
        Some(rewritten.replay)
    }

    /// One that came before.
    fn pass_again(&mut self, receiver: &mut Receiver, layer: u8, old: &Arrival) {
        let descriptor = Descriptor::parse(self.codec, &old.payload);
        self.pass(receiver, old, &incoming(layer, old, &descriptor));
    }
}

pub(super) fn touch(slots: &mut [Slot], touched: &mut Vec<PeerKey>, key: PeerKey) {
    let Some(client) = slots.get_mut(key.index as usize).and_then(|slot| slot.client.as_mut()) else { return };
    if !std::mem::replace(&mut client.touched, true) {
        touched.push(key);
    }
}

fn note_level(
    halls: &mut std::collections::HashMap<room::RoomId, super::Hall>,
    room: room::RoomId,
    who: room::ParticipantId,
    now: Instant,
    packet: &Arrival,
) {
    let Some((level, voice)) = packet.level else { return };
    let Some(hall) = halls.get_mut(&room).filter(|hall| hall.judges()) else { return };
    hall.speakers.handle_level(now, who, level, voice);
}

/// The label of the track in this section and the number of the layer with this name.
fn named_layer(client: &Client, mid: Mid, rid: Option<&str>) -> Option<(Arc<str>, u8)> {
    let (_, up) = client.peer.ups().find(|(own, _)| *own == mid)?;
    let index = match rid {
        Some(rid) => up.rids.iter().position(|own| own == rid)?,
        // A client that announces no sources at all sends one.
        None if up.layers.is_empty() && up.rids.is_empty() => 0,
        None => return None,
    };
    Some((Arc::clone(&up.label), u8::try_from(index).ok()?))
}

fn codec_of(params: &PayloadParams) -> Codec {
    match params.spec().codec {
        str0m::format::Codec::Opus => Codec::Opus,
        str0m::format::Codec::Vp8 => Codec::Vp8,
        str0m::format::Codec::Vp9 => Codec::Vp9,
        str0m::format::Codec::H264 => Codec::H264,
        _ => Codec::OtherAudio,
    }
}

/// A forwarder with random starts.
pub(super) fn forwarder(codec: Codec, random: &mut u64) -> Forwarder {
    let start = mix(random);
    let (seq, time) = ((start & 0x7fff) as u16, (start >> 32) as u32);
    Forwarder::new(codec, seq, time)
}

/// Frames of one track come one after the other.
pub(super) fn note_wish(wishing: &mut Vec<TrackKey>, track: TrackKey) {
    if wishing.last() != Some(&track) {
        wishing.push(track);
    }
}

fn mark_share(slots: &mut [Slot], key: PeerKey) {
    if let Some(client) = slots.get_mut(key.index as usize).and_then(|slot| slot.client.as_mut()) {
        client.share.due = true;
    }
}

fn mix(random: &mut u64) -> u64 {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *random ^ (*random >> 29)
}
