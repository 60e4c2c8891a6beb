//! Mixes: what goes to the mixer of a room, and what comes from it to those who receive it.
//!
//! A mixed picture is a track of two layers that nobody publishes: who receives it at what size, and when key frames are made, is
//! decided as for any other track.

use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Canvas, Ear, Kind, News, ParticipantId, Priority, RoomId, Scene, Track, TrackId, View};
use str0m::format::Codec as Format;
use str0m::media::Pt;

use super::clients::guarded;
use super::route::{forwarder, note_wish, touch};
use super::{Client, Engine, Hall};
use crate::allocate::{Choice, Layer, Total};
use crate::codec::{Codec, Descriptor};
use crate::forward::{Forwarder, Incoming};
use crate::limit::LAYERS_MAX;
use crate::mix::{FromMixer, Pace, Piece, Rendition, ToMixer, Wanted, pieces};
use crate::peer::Passed;
use crate::send::Extras;
use crate::switchboard::{PeerKey, Receiver, Source, TrackKey};
use crate::tap::Tap;

/// The mix of one room, from the moment when somebody is to receive it.
pub(super) struct Stage {
    /// The moment from which RTP timestamps are counted.
    base: Instant,
    scene: Option<Arc<Scene>>,
    /// Packets made so far, of each rendition.
    packets: [u64; 2],
    /// Pictures made so far, of each rendition.
    pictures: [u16; 2],
    /// What its mixer called the last of them.
    numbers: [Option<u64>; 2],
    /// Packets of sound made so far, for each who hears it.
    sounds: u64,
    /// What its mixer was told of those who receive it.
    wanted: Option<Wanted>,
    /// Of the main rendition.
    pace: Pace,
}

/// The tracks of a room's mix: sound, then pictures. Nobody else's have these numbers: a room's own has as many random bits as theirs.
pub(super) fn tracks(room: RoomId) -> [TrackId; 2] {
    [TrackId(!room.0.rotate_left(64)), TrackId(!room.0)]
}

/// Who hears what is recorded. Nobody has this number, for the same reason.
pub(super) fn listener(room: RoomId) -> ParticipantId {
    ParticipantId(!room.0)
}

impl Engine {
    /// The next thing to tell the mixer of a room.
    pub fn poll_mixer(&mut self) -> Option<ToMixer> {
        self.to_mixers.pop_front()
    }

    /// What the mixer of a room made or wants. To be followed by a [`flush`](Engine::flush).
    pub fn handle_mixer(&mut self, now: Instant, from: FromMixer) {
        match from {
            FromMixer::Sound { room, shown, packets } => self.pass_sound(now, room, shown, packets),
            FromMixer::Picture { room, rendition, number, shown, frame } => {
                if self.recorded(room) == Some(rendition) {
                    self.record_picture(room, number, shown, &frame);
                }
                if rendition != Rendition::File {
                    self.pass_picture(now, room, rendition, number, shown, &frame);
                }
            }
            FromMixer::Talking(room, who, talks) => {
                if let Some(end) = self.key_of(room, who).and_then(|key| self.client(key)).map(Client::end) {
                    self.report(end, News::Talking(talks));
                }
            }
            FromMixer::Keyframe(room, track) => self.wish_for_mixer(room, track),
        }
    }

    /// Somebody is to receive the mix of this room.
    pub(super) fn open_stage(&mut self, now: Instant, room: RoomId) {
        let hall = self.halls.entry(room).or_default();
        if hall.stage.is_some() {
            return;
        }
        let (packets, pictures, numbers) = ([0; 2], [0; 2], [None; 2]);
        let pace = Pace::new(now, Rendition::Main.bitrates(Canvas::default()));
        hall.stage = Some(Box::new(Stage { base: now, scene: None, packets, pictures, numbers, sounds: 0, wanted: None, pace }));
        let [sound, picture] = tracks(room);
        self.board.add(made(room, sound, Kind::Audio, Codec::Opus));
        let mut pictures = made(room, picture, Kind::Video, Codec::Vp8);
        pictures.made = Some(rendered(&Scene::default()));
        self.board.add(pictures);
    }

    /// Nobody may be there any more for whom there is a mix.
    pub(super) fn close_stage(&mut self, room: RoomId) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let watched = !hall.takes.is_empty() || hall.members.values().any(|member| member.view == View::Mix);
        let Some(stage) = hall.stage.take_if(|stage| !watched && (stage.scene.is_none() || hall.members.is_empty())) else {
            return;
        };
        for track in tracks(room) {
            self.board.remove(track);
        }
        if stage.scene.is_some() {
            self.to_mixers.push_back(ToMixer::Scene(room, None));
        }
    }

    /// What the mix looks and sounds like from now on.
    pub(super) fn set_scene(&mut self, now: Instant, room: RoomId, scene: Option<Arc<Scene>>) {
        if !self.halls.contains_key(&room) {
            return;
        }
        self.open_stage(now, room);
        let Some(stage) = self.halls.get_mut(&room).and_then(|hall| hall.stage.as_mut()) else { return };
        stage.scene.clone_from(&scene);
        stage.wanted = stage.wanted.take().filter(|_| scene.is_some());
        if let Some(scene) = &scene {
            stage.pace.set_bounds(now, Rendition::Main.bitrates(scene.canvas));
        }
        let [_, picture] = tracks(room);
        if let Some((source, scene)) = self.board.by_id_mut(picture).zip(scene.as_deref()) {
            source.made = Some(rendered(scene));
        }
        self.tell_scene(room);
        self.set_taps(now, room);
        self.close_stage(room);
    }

    /// Tells the mixer how the mix looks and sounds. A recording hears what somebody hears who says nothing.
    pub(super) fn tell_scene(&mut self, room: RoomId) {
        let Some(hall) = self.halls.get(&room) else { return };
        let Some(mut scene) = hall.stage.as_ref().map(|stage| stage.scene.clone()) else { return };
        if let Some(scene) = scene.as_mut().filter(|_| !hall.takes.is_empty()) {
            let ear = Ear { who: listener(room), hears: true, sees: true, volume: 0, without: Vec::new() };
            Arc::make_mut(scene).ears.push(ear);
        }
        self.to_mixers.push_back(ToMixer::Scene(room, scene));
    }

    /// Makes the mixer receive what is in the scene, and nothing else.
    pub(super) fn set_taps(&mut self, now: Instant, room: RoomId) {
        let Some(hall) = self.halls.get(&room) else { return };
        // Rooms that are on one worker have nobody to tell, and there are many of them.
        self.parts_due |= hall.parts.is_some();
        let Some(stage) = hall.stage.as_deref() else { return };
        let scene = stage.scene.clone();
        for track in self.tracks_of(room) {
            let size = scene.as_deref().and_then(|scene| size_of(scene, track));
            let Some(key) = self.board.key(track) else { continue };
            let Some(source) = self.board.get_mut(key) else { continue };
            match (&mut source.tap, size) {
                (Some(tap), Some(size)) => tap.resize(size),
                (None, Some(size)) => {
                    source.tap = Some(Tap::new(source.kind, size));
                    source.aim_tap(now);
                    if source.kind == Kind::Video {
                        source.wish_first_keyframe(now, source.tap.map_or(0, |tap| tap.layer()));
                        note_wish(&mut self.wishing, key);
                    }
                }
                (tap, None) => *tap = None,
            }
        }
    }

    /// Looks again which layers the mixers should receive, and which renditions of theirs somebody receives.
    pub(super) fn watch_mixes(&mut self, now: Instant) {
        for (key, source) in self.board.iter_mut().filter(|(_, source)| source.tap.is_some() || source.take.is_some()) {
            source.aim_tap(now);
            let several = source.layer_count() > 1;
            let taps = [source.tap, source.take.map(|(_, tap)| tap)];
            for layer in taps.into_iter().flatten().filter(|_| several).filter_map(|tap| tap.awaits()) {
                source.wish_keyframe(layer);
                note_wish(&mut self.wishing, key);
            }
        }
        let mixed = |hall: &Hall| hall.stage.as_deref().is_some_and(|stage| stage.scene.is_some());
        let rooms: Vec<RoomId> = self.halls.iter().filter(|(_, hall)| mixed(hall)).map(|(room, _)| *room).collect();
        rooms.into_iter().for_each(|room| self.watch_mix(now, room));
    }

    /// Tells the mixer of a room what those who receive the mix can do with, if that changed.
    fn watch_mix(&mut self, now: Instant, room: RoomId) {
        let Some(source) = self.board.by_id(tracks(room)[1]) else { return };
        let receive = |rendition: Rendition| source.receivers.iter().filter(move |one| one.target == Some(rendition.layer()));
        let small = receive(Rendition::Small).next().is_some();
        let recorded = self.recorded(room);
        let main = receive(Rendition::Main).next().is_some() || !small || recorded == Some(Rendition::Main);
        let least = receive(Rendition::Main).filter_map(|one| self.client(one.peer)?.share.room()).min();
        let losses = self.losses(room);
        let Some(stage) = self.halls.get_mut(&room).and_then(|hall| hall.stage.as_deref_mut()) else { return };
        stage.pace.follow(now, least);
        let file = recorded == Some(Rendition::File);
        let wanted = Wanted { main: main.then_some(stage.pace.rate()), small, file, losses };
        if stage.wanted.as_ref() != Some(&wanted) {
            stage.wanted = Some(wanted.clone());
            self.to_mixers.push_back(ToMixer::Wanted(room, wanted));
        }
    }

    /// Whose sound gets lost on the way.
    fn losses(&self, room: RoomId) -> Vec<(ParticipantId, u8)> {
        let members = self.halls.get(&room).into_iter().flat_map(|hall| &hall.members);
        let viewers = members.filter(|(_, member)| member.view == View::Mix);
        let loss = |key| self.client(key).map_or(0, |client| client.watch.sound_loss_percent());
        let losses = viewers.filter_map(|(who, member)| Some((*who, loss(member.key?))));
        losses.filter(|(_, percent)| *percent > 0).collect()
    }

    /// What a viewer's pictures take and would take. The main rendition counts with the least that it may be in what is to be chosen,
    /// and with what it is once it was chosen.
    pub(super) fn paced(&self, now: Instant, room: RoomId, choice: Option<&Choice>, total: Total) -> Total {
        let main = choice.is_some_and(|choice| choice.layer == Some(Rendition::Main.layer()));
        let stage = self.halls.get(&room).and_then(|hall| hall.stage.as_deref());
        let Some(pace) = stage.map(|stage| &stage.pace).filter(|_| main) else { return total };
        let (used, wanted) = (total.used - pace.least().min(total.used) + pace.rate(), pace.most());
        let probe = if pace.rate() < pace.most() { pace.probe(now) } else { pace.most() };
        Total { used, wanted, probe: total.probe - total.wanted.min(total.probe) + probe }
    }

    /// Somebody can be sent something from now on: it gets a picture at once.
    pub(super) fn begin_mix(&mut self, now: Instant, key: PeerKey) {
        let Some(client) = self.client(key).filter(|client| client.view == View::Mix) else { return };
        let Some(track) = self.board.key(tracks(client.peer.room)[1]) else { return };
        let Some(source) = self.board.get_mut(track) else { return };
        let Some(receiver) = source.receivers.iter().find(|receiver| receiver.peer == key) else { return };
        let layer = receiver.target.unwrap_or(Rendition::Main.layer());
        source.wish_first_keyframe(now, layer);
        note_wish(&mut self.wishing, track);
        self.ask_keyframes(now);
    }

    /// A key frame of a mix is asked of the mixer.
    pub(super) fn ask_mixer(&mut self, now: Instant, track: TrackKey) {
        let Some(source) = self.board.get_mut(track) else { return };
        let room = source.room;
        let stage = self.halls.get(&room).and_then(|hall| hall.stage.as_deref());
        let mixed = stage.is_some_and(|stage| stage.scene.is_some());
        // A mix begins with a key frame anyway.
        for ssrc in source.take_keyframe_wishes(now).filter(|_| mixed) {
            let small = *ssrc == u32::from(Rendition::Small.layer());
            let rendition = if small { Rendition::Small } else { Rendition::Main };
            self.to_mixers.push_back(ToMixer::Keyframe(room, rendition));
        }
    }

    fn wish_for_mixer(&mut self, room: RoomId, track: TrackId) {
        let Some(key) = self.board.key(track) else { return };
        let Some(source) = self.board.get_mut(key).filter(|source| source.room == room) else { return };
        if let Some(tap) = source.tap {
            source.wish_keyframe(tap.layer());
            note_wish(&mut self.wishing, key);
        }
    }

    fn pass_sound(&mut self, now: Instant, room: RoomId, shown: Instant, packets: Vec<(ParticipantId, Arc<[u8]>)>) {
        let Some(hall) = self.halls.get_mut(&room) else { return };
        let Some(stage) = hall.stage.as_deref_mut() else { return };
        let Some(track) = self.board.key(tracks(room)[0]) else { return };
        let (seq, time) = (stage.sounds, stage.time(shown, Codec::Opus));
        stage.sounds += 1;
        self.record_sound(room, shown, &packets);
        let Some(hall) = self.halls.get(&room) else { return };
        let keys: Vec<_> = packets.into_iter().filter_map(|(who, payload)| Some((hall.key(who)?, payload))).collect();
        let descriptor = Descriptor::parse(Codec::Opus, &[0]);
        for (key, payload) in keys {
            let packet = Incoming { seq, time, ..incoming(shown, &descriptor) };
            self.pass_made(now, track, &Piece { payload, last: false }, &packet, Some(key));
        }
    }

    fn pass_picture(&mut self, now: Instant, room: RoomId, rendition: Rendition, number: u64, shown: Instant, frame: &[u8]) {
        let layer = rendition.layer();
        let Some(stage) = self.halls.get_mut(&room).and_then(|hall| hall.stage.as_deref_mut()) else { return };
        let time = stage.time(shown, Codec::Vp8);
        let Some(picture) = stage.pictures.get_mut(usize::from(layer)) else { return };
        *picture = picture.wrapping_add(1) & 0x7fff;
        let cut = pieces(frame, *picture);
        let before = stage.numbers.get_mut(usize::from(layer)).and_then(|last| last.replace(number));
        let mut decodable = before.is_none_or(|before| number == before.wrapping_add(1));
        let Some(track) = self.board.key(tracks(room)[1]) else { return };
        for piece in cut {
            let descriptor = Descriptor::parse(Codec::Vp8, &piece.payload);
            let seq = self.next_packet(room, layer);
            let stream = u32::from(layer);
            let packet = Incoming { layer, stream, seq, time, ends_frame: piece.last, ..incoming(shown, &descriptor) };
            decodable |= descriptor.keyframe;
            self.pass_made(now, track, &piece, &packet, None);
        }
        // No viewer can see that one is missing: these are numbered as they are sent.
        if let Some(source) = self.board.get_mut(track).filter(|_| !decodable) {
            source.wish_keyframe(layer);
            note_wish(&mut self.wishing, track);
        }
        self.wish_for_waiting(track);
    }

    fn next_packet(&mut self, room: RoomId, layer: u8) -> u64 {
        let stage = self.halls.get_mut(&room).and_then(|hall| hall.stage.as_deref_mut());
        let Some(number) = stage.and_then(|stage| stage.packets.get_mut(usize::from(layer))) else { return 0 };
        *number += 1;
        *number
    }

    /// One packet of our own making, to everyone who receives its track or to one of them.
    fn pass_made(&mut self, now: Instant, track: TrackKey, piece: &Piece, packet: &Incoming<'_>, only: Option<PeerKey>) {
        let Some(source) = self.board.get_mut(track) else { return };
        let Some(codec) = source.codec else { return };
        let video = source.kind == Kind::Video;
        for receiver in source.receivers.iter_mut().filter(|receiver| only.is_none_or(|only| receiver.peer == only)) {
            let slot = self.slots.get_mut(receiver.peer.index as usize).filter(|slot| slot.uses == receiver.peer.uses);
            let Some(client) = slot.and_then(|slot| slot.client.as_deref_mut()) else { continue };
            // What is sent before there is a way is lost, and pictures begin with a key frame.
            if !client.peer.is_connected() {
                continue;
            }
            let target = receiver.target;
            let forwarder = receiver.forwarder.get_or_insert_with(|| {
                let mut fresh = forwarder(codec, &mut self.random);
                fresh.set_target(target);
                fresh
            });
            let Some(rewritten) = forwarder.rewrite(packet) else { continue };
            let Some(own) = own_type(receiver, client, codec) else {
                self.counts.packets_undecodable += 1;
                continue;
            };
            let times = (now, packet.arrival.min(now));
            let keyframe = packet.descriptor.keyframe && packet.descriptor.starts_frame;
            let passed = Passed { video, keyframe, extras: Extras::default() };
            let to = (receiver.ssrc, own);
            let write = || client.peer.write_made(times, to, piece, &rewritten, passed);
            if guarded(&mut self.broken, receiver.peer, write, || ()) {
                self.counts.packets_out += 1;
                touch(&mut self.slots, &mut self.touched, receiver.peer);
            }
        }
    }

    /// Those who could not go on with that picture.
    fn wish_for_waiting(&mut self, track: TrackKey) {
        let Some(source) = self.board.get_mut(track) else { return };
        let connected = |receiver: &&Receiver| {
            let slot = self.slots.get(receiver.peer.index as usize).filter(|slot| slot.uses == receiver.peer.uses);
            slot.and_then(|slot| slot.client.as_deref()).is_some_and(|client| client.peer.is_connected())
        };
        let waits = source.receivers.iter().filter(connected);
        let waits = waits.filter_map(|receiver| receiver.forwarder.as_ref().and_then(Forwarder::awaits_keyframe));
        let mut wished = [false; LAYERS_MAX];
        waits.for_each(|layer| wished.iter_mut().skip(usize::from(layer)).take(1).for_each(|wish| *wish = true));
        for (layer, _) in (0_u8..).zip(wished).filter(|(_, wished)| *wished) {
            source.wish_keyframe(layer);
            note_wish(&mut self.wishing, track);
        }
    }
}

impl Stage {
    /// The RTP timestamp of a moment.
    fn time(&self, shown: Instant, codec: Codec) -> u32 {
        let since = shown.saturating_duration_since(self.base);
        (since.as_nanos() * u128::from(codec.clock_hz()) / Duration::from_secs(1).as_nanos()) as u32
    }
}

impl Hall {
    /// Whether somebody may be sent the pictures of the mix.
    pub(super) fn shows_mix_to(&self, who: ParticipantId) -> bool {
        let scene = self.stage.as_deref().and_then(|stage| stage.scene.as_deref());
        scene.is_none_or(|scene| scene.ears.iter().all(|ear| ear.who != who || ear.sees))
    }

    /// The tracks of its mix, if it has one.
    pub(super) fn stage_tracks(&self, room: RoomId) -> impl Iterator<Item = TrackId> {
        tracks(room).into_iter().filter(|_| self.stage.is_some())
    }
}

impl Source {
    /// Looks anew which layers the mixer and the recorder should receive.
    pub(super) fn aim_tap(&mut self, now: Instant) {
        let (layers, count) = (self.layers_now(now), usize::from(self.layer_count()));
        let taps = self.tap.iter_mut().chain(self.take.as_mut().map(|(_, tap)| tap));
        taps.zip(std::iter::repeat(layers.get(..count).unwrap_or_default())).for_each(|(tap, layers)| tap.choose(layers));
    }
}

/// A source that nobody publishes.
fn made(room: RoomId, id: TrackId, kind: Kind, codec: Codec) -> Source {
    let label: Arc<str> = "mix".into();
    let track = Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard };
    let mut source = Source::new(room, ParticipantId(0), &track);
    source.codec = Some(codec);
    for (number, layer) in (0_u32..2).zip(&mut source.layers) {
        layer.carry(number.into());
    }
    source
}

/// The renditions of a mixed picture as layers, each with the least bits that it may have.
fn rendered(scene: &Scene) -> [Layer; LAYERS_MAX] {
    let layer = |rendition: Rendition| {
        let (width, height) = rendition.size(scene.canvas);
        Layer { bitrate: *rendition.bitrates(scene.canvas).start(), width, height, active: true }
    };
    [layer(Rendition::Small), layer(Rendition::Main), Layer::default()]
}

/// At what size a scene has a track; none: not at all. Sound has no size.
fn size_of(scene: &Scene, track: TrackId) -> Option<(u16, u16)> {
    let seen = scene.cells.iter().find(|cell| cell.track == Some(track)).map(|cell| (cell.area.width, cell.area.height));
    seen.or_else(|| scene.voices.iter().any(|voice| voice.track == track).then_some((0, 0)))
}

fn incoming(shown: Instant, descriptor: &Descriptor) -> Incoming<'_> {
    Incoming {
        layer: 0,
        stream: 0,
        seq: 0,
        time: 0,
        arrival: shown,
        report: None,
        ends_frame: false,
        replayable: false,
        descriptor,
    }
}

/// The receiver's payload type.
fn own_type(receiver: &mut Receiver, client: &Client, codec: Codec) -> Option<Pt> {
    let format = if codec == Codec::Opus { Format::Opus } else { Format::Vp8 };
    let find = || (Pt::from(0), client.peer.payload_type_at(receiver.ssrc, format));
    receiver.pt.get_or_insert_with(find).1
}
