//! The mixer of one room, as a value: packets, scenes and time in, sounds and pictures out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixer::codec::CodecError;
use mixer::codec::h264::{H264Encoder, H264Settings};
use mixer::codec::opus::Channels;
use mixer::codec::vp8::Encoded;
use mixer::input::InputId;
use mixer::picture::{self, Cell, Fit, PictureMixer, PictureSettings, Rect, Show, Stream};
use mixer::sound::{Chime, Ear, OpusPacket, SoundMixer, SoundSettings, Voice};
use room::{Canvas, Film, ParticipantId, PlaybackId, RoomId, Scene, TrackId};

use super::films::{Projection, Projector};
use super::sight::Sight;
use super::{FromMixer, Rendition, Wanted};
use crate::codec::Codec;
use crate::limit::{MIX_AHEAD_MAX, MIX_ENCODER_FAILURES_MAX, MIX_SOUND_LATE_MAX, MIX_STILL_MAX};
use crate::tap::Packet;

/// From one packet of sound to the next.
const SOUND: Duration = Duration::from_millis(20);

/// The places of the renditions among the mixer's streams.
const MAIN: usize = 0;
const SMALL: usize = 1;

/// What happened, counted from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures encoded, each rendition by itself.
    pub pictures: u64,
    /// Pictures that could not be encoded.
    pub pictures_failed: u64,
    /// Pictures left out because there was no time for them.
    pub pictures_late: u64,
    /// Ticks of sound left out because they were too late.
    pub sounds_late: u64,
    /// Frames that were decoded.
    pub frames: u64,
    /// Frames that could not be decoded, damaged or without their key frame, or that were too many.
    pub frames_broken: u64,
}

/// Mixes one room.
pub struct RoomMix {
    room: RoomId,
    scene: Arc<Scene>,
    pictures: PictureMixer,
    /// While somebody wants its files.
    files: Option<H264Encoder>,
    sound: SoundMixer,
    tracks: Numbers<TrackId>,
    people: Numbers<ParticipantId>,
    films: Numbers<PlaybackId>,
    projector: Option<Arc<dyn Projector>>,
    projections: BTreeMap<PlaybackId, Projection>,
    sights: BTreeMap<TrackId, Sight>,
    /// The voice of who is seen in a track: they are to be in step.
    voices: BTreeMap<TrackId, InputId>,
    /// The next tick of sound.
    next_sound: Instant,
    /// The moment from which pictures are counted, and the number of the next one.
    pictures_from: Instant,
    next_picture: u64,
    wanted: Wanted,
    /// By rendition, smallest first.
    keys: [bool; 3],
    sent: [Option<Instant>; 3],
    numbers: [u64; 3],
    /// Pictures that could not be encoded since the last one that could.
    failed: [u8; 3],
    out: VecDeque<FromMixer>,
    counts: Counts,
}

/// Our numbers for what the rooms name otherwise. Never used again.
struct Numbers<T> {
    given: BTreeMap<T, InputId>,
    names: BTreeMap<InputId, T>,
    next: u64,
}

impl RoomMix {
    /// A mix that begins now.
    ///
    /// # Errors
    /// There is no encoder for a picture of that size.
    pub fn new(now: Instant, room: RoomId, scene: Arc<Scene>) -> Result<Self, CodecError> {
        let mut mix = RoomMix {
            room,
            pictures: picture_mixer(scene.canvas)?,
            files: None,
            sound: SoundMixer::new(SoundSettings::of(Channels::Mono)),
            tracks: Numbers::from(0),
            people: Numbers::from(1),
            films: Numbers::from(2),
            projector: None,
            projections: BTreeMap::new(),
            sights: BTreeMap::new(),
            voices: BTreeMap::new(),
            next_sound: now,
            pictures_from: now,
            next_picture: 0,
            wanted: Wanted::usual(scene.canvas),
            keys: [false; 3],
            sent: [None; 3],
            numbers: [0; 3],
            failed: [0; 3],
            out: VecDeque::new(),
            counts: Counts::default(),
            scene: Arc::clone(&scene),
        };
        mix.set(&scene);
        Ok(mix)
    }

    /// Who plays its files; until then nobody does.
    #[must_use]
    pub fn with_projector(mut self, projector: Option<Arc<dyn Projector>>) -> Self {
        self.projector = projector;
        self.set_films(&Arc::clone(&self.scene).films);
        self
    }

    /// How far its files are, as they would be begun with.
    pub fn films(&self) -> Vec<Film> {
        let place = |film: &Film| self.projections.get(&film.id).map_or(film.from, Projection::place);
        self.scene.films.iter().map(|film| Film { from: place(film), ..film.clone() }).collect()
    }

    /// How it looks and sounds from now on.
    ///
    /// # Errors
    /// As [`new`](Self::new); then it goes on as before.
    pub fn handle_scene(&mut self, now: Instant, scene: Arc<Scene>) -> Result<(), CodecError> {
        if scene.canvas != self.scene.canvas {
            self.pictures = picture_mixer(scene.canvas)?;
            (self.pictures_from, self.next_picture, self.sent) = (now, 0, [None; 3]);
            self.files = None;
        }
        let before = std::mem::replace(&mut self.scene, Arc::clone(&scene));
        self.set(&scene);
        for (grown, chime) in [(scene.entries != before.entries, Chime::Enter), (scene.exits != before.exits, Chime::Exit)] {
            if grown {
                self.sound.chime(chime);
            }
        }
        Ok(())
    }

    /// A packet of a track in the scene. Others are not looked at.
    pub fn handle_packet(&mut self, track: TrackId, packet: Packet) {
        let Some(input) = self.tracks.get(track) else { return };
        match packet.codec {
            Codec::Opus => {
                let sound = OpusPacket { sequence: packet.seq as u16, timestamp: packet.time, payload: &packet.payload };
                self.sound.push(packet.arrival, input, sound);
            }
            Codec::Vp8 | Codec::Vp9 | Codec::H264 => {
                if let Some(sight) = self.sights.get_mut(&track) {
                    sight.push(packet);
                }
            }
            Codec::OtherAudio => {}
        }
    }

    /// Somebody cannot go on without a key frame.
    pub fn handle_keyframe(&mut self, rendition: Rendition) {
        if let Some(key) = self.keys.get_mut(usize::from(rendition.layer())) {
            *key = true;
        }
    }

    /// What those who receive the mix can do with.
    pub fn handle_wanted(&mut self, wanted: Wanted) {
        let before = std::mem::replace(&mut self.wanted, wanted);
        if (before.main, before.small) != (self.wanted.main, self.wanted.small) {
            self.set_streams();
        }
        if before.file && !self.wanted.file {
            self.files = None;
        }
        if before.losses != self.wanted.losses {
            self.set_ears();
        }
    }

    /// Makes the sound that is due.
    pub fn tick_sound(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.next_sound).as_nanos() / SOUND.as_nanos();
        let beyond = u32::try_from(late).unwrap_or(u32::MAX).saturating_sub(MIX_SOUND_LATE_MAX);
        self.next_sound += SOUND * beyond;
        self.counts.sounds_late += u64::from(beyond);
        while self.next_sound <= now {
            for projection in self.projections.values_mut() {
                projection.tick(&mut self.sound);
            }
            self.sound.tick(self.next_sound);
            let packets = self.packets();
            self.out.push_back(FromMixer::Sound { room: self.room, shown: self.next_sound, packets });
            self.next_sound += SOUND;
        }
        while let Some((input, talks)) = self.sound.poll_talking() {
            let who = self.scene.voices.iter().find(|voice| self.tracks.get(voice.track) == Some(input)).map(|voice| voice.who);
            self.out.extend(who.map(|who| FromMixer::Talking(self.room, who, talks)));
        }
    }

    /// What each ear is to hear now. Those who hear the same share one packet.
    fn packets(&mut self) -> Vec<(ParticipantId, Arc<[u8]>)> {
        let mut packets = Vec::with_capacity(self.scene.ears.len());
        let mut shared: Vec<(*const u8, Arc<[u8]>)> = Vec::new();
        while let Some(packet) = self.sound.poll() {
            let Some(who) = self.people.name(packet.ear) else { continue };
            let place = packet.payload.as_ptr();
            let known = shared.iter().find(|(known, _)| *known == place).map(|(_, payload)| Arc::clone(payload));
            let payload = known.unwrap_or_else(|| {
                let payload: Arc<[u8]> = packet.payload.into();
                shared.push((place, Arc::clone(&payload)));
                payload
            });
            packets.push((who, payload));
        }
        packets
    }

    /// Makes the picture that is due, of what is decoded. What there was no time for is left out.
    pub fn tick_picture(&mut self, now: Instant) {
        if now < self.picture_due() {
            return;
        }
        while self.moment(self.next_picture + 1) <= now {
            self.next_picture += 1;
            self.counts.pictures_late += 1;
        }
        let shown = self.picture_due();
        self.next_picture += 1;
        for projection in self.projections.values_mut() {
            projection.show(&mut self.pictures);
        }
        let changed = self.pictures.mix();
        for rendition in [Rendition::Main, Rendition::Small, Rendition::File] {
            self.encode(shown, rendition, changed);
        }
    }

    /// Decodes all that has come.
    pub fn decode(&mut self, now: Instant) {
        while self.decode_next(now) {}
    }

    /// Decodes one frame, the one that has waited longest. Whether there was any: so its caller can do something else in between.
    pub fn decode_next(&mut self, now: Instant) -> bool {
        let mut next: Option<(Instant, TrackId, InputId)> = None;
        for (track, sight) in &mut self.sights {
            let Some(input) = self.tracks.get(*track) else { continue };
            let heard = self.voices.get(track).map_or(Duration::ZERO, |voice| self.sound.delay(*voice));
            sight.gather(now, input, &mut self.pictures);
            if let Some(came) = sight.due(now, heard.saturating_sub(MIX_AHEAD_MAX))
                && next.is_none_or(|(before, ..)| came < before)
            {
                next = Some((came, *track, input));
            }
            if sight.take_wish(now) {
                self.out.push_back(FromMixer::Keyframe(self.room, *track));
            }
        }
        let sight = next.and_then(|(_, track, input)| self.sights.get_mut(&track).zip(Some(input)));
        sight.map(|(sight, input)| sight.show(input, &mut self.pictures)).is_some()
    }

    /// What it has made, or wants.
    pub fn poll_made(&mut self) -> Option<FromMixer> {
        self.out.pop_front()
    }

    /// When the next sound is due.
    #[must_use]
    pub fn sound_due(&self) -> Instant {
        self.next_sound
    }

    /// When the next picture is due.
    #[must_use]
    pub fn picture_due(&self) -> Instant {
        self.moment(self.next_picture)
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let pictures = self.pictures.counts();
        let broken: u64 = self.sights.values().map(|sight| sight.counts().broken).sum();
        Counts { frames: pictures.decoded, frames_broken: pictures.broken + pictures.unkeyed + broken, ..self.counts }
    }

    fn moment(&self, picture: u64) -> Instant {
        let fps = u64::from(self.scene.canvas.fps.max(1));
        self.pictures_from + Duration::from_nanos(picture.saturating_mul(1_000_000_000) / fps)
    }

    fn set(&mut self, scene: &Scene) {
        let shown: Vec<TrackId> = scene.cells.iter().filter_map(|cell| cell.track).collect();
        self.tracks.keep(|track| shown.contains(track) || scene.voices.iter().any(|voice| voice.track == *track));
        self.people.keep(|who| scene.ears.iter().any(|ear| ear.who == *who) || scene.cells.iter().any(|cell| cell.who == *who));
        self.sights.retain(|track, _| shown.contains(track));
        for track in &shown {
            self.sights.entry(*track).or_default();
        }
        self.films.keep(|film| scene.films.iter().any(|one| one.id == *film));
        self.set_films(&scene.films);
        let mut cells: Vec<Cell> = scene.cells.iter().map(|cell| self.cell(cell)).collect();
        cells.extend(scene.films.iter().filter_map(|film| self.screen(film)));
        let voices: Vec<Voice> = scene.voices.iter().map(|voice| self.voice(voice)).collect();
        self.voices.clear();
        for cell in &scene.cells {
            let voice = scene.voices.iter().find(|voice| voice.who == cell.who).and_then(|voice| self.tracks.get(voice.track));
            self.voices.extend(cell.track.zip(voice));
        }
        self.sound.set_voices(&voices);
        self.set_ears();
        self.pictures.set_cells(&cells);
        self.projections.values_mut().for_each(Projection::give_again);
        self.set_streams();
    }

    fn cell(&mut self, cell: &room::Cell) -> Cell {
        let area = rect(cell.area);
        let (input, show) = match cell.track {
            Some(track) => (self.tracks.number(track), Show::Picture),
            None => (self.people.number(cell.who), Show::Card),
        };
        let fit = if cell.whole { Fit::Letterbox } else { Fit::Crop };
        Cell { input, area, fit, show, name: Arc::clone(&cell.name) }
    }

    /// Where a film is seen.
    fn screen(&mut self, film: &Film) -> Option<Cell> {
        let area = rect(film.area?);
        let input = self.films.number(film.id);
        Some(Cell { input, area, fit: Fit::Letterbox, show: Show::Bare, name: "".into() })
    }

    fn set_films(&mut self, films: &[Film]) {
        self.projections.retain(|id, _| films.iter().any(|film| film.id == *id));
        for film in films {
            if let Some(projection) = self.projections.get_mut(&film.id) {
                projection.set(film);
                continue;
            }
            let reel = self.projector.as_ref().and_then(|projector| projector.project(self.room, film));
            let input = self.films.number(film.id);
            self.projections.extend(reel.map(|reel| (film.id, Projection::new(reel, input, film))));
        }
    }

    fn voice(&mut self, voice: &room::Voice) -> Voice {
        let input = self.tracks.number(voice.track);
        Voice { input, muted: false, gain_db: f32::from(voice.volume), sensitivity: voice.sensitivity }
    }

    fn ear(&mut self, ear: &room::Ear) -> Ear {
        let own = self.scene.voices.iter().filter(|voice| ear.without.contains(&voice.who));
        let own = own.filter_map(|voice| self.tracks.get(voice.track)).collect();
        let (gain_db, loss_percent) = (f32::from(ear.volume), self.wanted.loss_of(ear.who));
        Ear { ear: self.people.number(ear.who), hears: ear.hears, own, gain_db, loss_percent }
    }

    fn set_ears(&mut self) {
        let scene = Arc::clone(&self.scene);
        let ears: Vec<Ear> = scene.ears.iter().map(|ear| self.ear(ear)).collect();
        self.sound.set_ears(&ears);
    }

    fn set_streams(&mut self) {
        let stream = |rendition: Rendition| {
            let (width, height) = rendition.size(self.scene.canvas);
            let most = *rendition.bitrates(self.scene.canvas).end();
            let bitrate = self.wanted.main.filter(|_| rendition == Rendition::Main).unwrap_or(most);
            Stream { width, height, bitrate: u32::try_from(bitrate).unwrap_or(u32::MAX) }
        };
        let streams = [stream(Rendition::Main), stream(Rendition::Small)];
        self.pictures.set_streams(streams.get(..1 + usize::from(self.wanted.small)).unwrap_or(&streams));
    }

    fn encode(&mut self, shown: Instant, rendition: Rendition, changed: bool) {
        let index = usize::from(rendition.layer());
        let (Some(key), Some(sent)) = (self.keys.get_mut(index), self.sent.get_mut(index)) else { return };
        let wanted = match rendition {
            Rendition::Main => self.wanted.main.is_some(),
            Rendition::Small => self.wanted.small,
            Rendition::File => self.wanted.file,
        };
        let still = sent.is_some_and(|at| shown.saturating_duration_since(at) < MIX_STILL_MAX);
        if !wanted || !(changed || *key || !still) {
            return;
        }
        let ms = u64::try_from(shown.saturating_duration_since(self.pictures_from).as_millis()).unwrap_or(u64::MAX);
        let encoded = match rendition {
            Rendition::Main => self.pictures.encode(MAIN, ms, *key),
            Rendition::Small => self.pictures.encode(SMALL, ms, *key),
            Rendition::File => encode_file(&mut self.files, &self.pictures, self.scene.canvas, ms, *key),
        };
        match encoded {
            Ok(encoded) => {
                (*key, *sent) = (false, Some(shown));
                let frame = encoded.bytes.to_vec();
                self.counts.pictures += 1;
                self.failed.get_mut(index).into_iter().for_each(|failed| *failed = 0);
                let number = self.numbers.get_mut(index).map_or(0, next);
                self.out.push_back(FromMixer::Picture { room: self.room, rendition, number, shown, frame });
            }
            Err(problem) => self.fail(rendition, problem),
        }
    }

    /// Whoever sees no picture for two seconds gives up: an encoder that fails again and again is replaced.
    fn fail(&mut self, rendition: Rendition, problem: CodecError) {
        if self.counts.pictures_failed == 0 {
            tracing::error!(%problem, "a mixed picture cannot be encoded");
        }
        self.counts.pictures_failed += 1;
        let Some(failed) = self.failed.get_mut(usize::from(rendition.layer())) else { return };
        *failed += 1;
        if *failed < MIX_ENCODER_FAILURES_MAX {
            return;
        }
        *failed = 0;
        match rendition {
            Rendition::File => self.files = None,
            Rendition::Main => self.pictures.remake_encoder(MAIN),
            Rendition::Small => self.pictures.remake_encoder(SMALL),
        }
        self.set_streams();
    }
}

impl<T: Copy + Ord> Numbers<T> {
    /// Every third one: of three of these nobody has the number of somebody else.
    fn from(next: u64) -> Self {
        Numbers { given: BTreeMap::new(), names: BTreeMap::new(), next }
    }

    fn number(&mut self, name: T) -> InputId {
        *self.given.entry(name).or_insert_with(|| {
            self.next += 3;
            self.names.insert(InputId(self.next), name);
            InputId(self.next)
        })
    }

    fn get(&self, name: T) -> Option<InputId> {
        self.given.get(&name).copied()
    }

    fn name(&self, number: InputId) -> Option<T> {
        self.names.get(&number).copied()
    }

    fn keep(&mut self, keep: impl Fn(&T) -> bool) {
        self.given.retain(|name, _| keep(name));
        self.names.retain(|_, name| keep(name));
    }
}

/// The picture as files have it, by an encoder that is made for the first one.
fn encode_file<'a>(
    encoder: &'a mut Option<H264Encoder>,
    pictures: &PictureMixer,
    canvas: Canvas,
    ms: u64,
    key: bool,
) -> Result<Encoded<'a>, CodecError> {
    let encoder = match encoder {
        Some(encoder) => encoder,
        None => {
            let bitrate = u32::try_from(*Rendition::File.bitrates(canvas).end()).unwrap_or(u32::MAX);
            let Canvas { width, height, fps } = canvas;
            encoder.insert(H264Encoder::new(H264Settings { width, height, fps, bitrate })?)
        }
    };
    encoder.encode(&pictures.canvas().picture(), ms, key)
}

/// Counts one more.
fn next(number: &mut u64) -> u64 {
    *number += 1;
    *number
}

fn rect(area: room::Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}

fn picture_mixer(canvas: Canvas) -> Result<PictureMixer, CodecError> {
    let bitrate = u32::try_from(*Rendition::Main.bitrates(canvas).end()).unwrap_or(u32::MAX);
    let canvas = picture::Canvas { width: canvas.width, height: canvas.height, fps: canvas.fps };
    PictureMixer::new(PictureSettings::new(canvas, bitrate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_hear_the_same_share_one_packet() {
        let (start, canvas) = (Instant::now(), Canvas { width: 64, height: 36, fps: 20 });
        let ear = |number, own: &[u128]| {
            let without = own.iter().map(|who| ParticipantId(*who)).collect();
            room::Ear { who: ParticipantId(number), hears: true, sees: true, volume: 0, without }
        };
        let voice = room::Voice { who: ParticipantId(1), track: TrackId(1), volume: 0, sensitivity: 30 };
        let ears = vec![ear(2, &[]), ear(1, &[1]), ear(3, &[])];
        let scene = Scene { canvas, ears, voices: vec![voice], ..Scene::default() };
        let mut mix = RoomMix::new(start, RoomId(1), Arc::new(scene)).expect("a mix");
        mix.tick_sound(start);
        let Some(FromMixer::Sound { packets, .. }) = mix.poll_made() else { panic!("no sound") };
        assert_eq!(packets.iter().map(|(who, _)| who.0).collect::<Vec<_>>(), [2, 1, 3]);
        assert!(Arc::ptr_eq(&packets[0].1, &packets[2].1) && !Arc::ptr_eq(&packets[0].1, &packets[1].1));
    }

    #[test]
    fn files_have_pictures_of_their_own() {
        let start = Instant::now();
        let scene = Scene { canvas: Canvas { width: 64, height: 36, fps: 20 }, ..Scene::default() };
        let mut mix = RoomMix::new(start, RoomId(1), Arc::new(scene)).expect("a mix");
        let mut decoder = mixer::codec::h264::H264Decoder::new().expect("a decoder");
        let mut turn = 0;
        // What is made for files in a second, if somebody wants a key frame of it in each.
        let mut second = |mix: &mut RoomMix| {
            let (mut frames, mut keys) = (0, 0);
            mix.handle_keyframe(Rendition::File);
            for _ in 0..20 {
                mix.tick_picture(start + Duration::from_millis(50) * turn);
                turn += 1;
            }
            while let Some(FromMixer::Picture { rendition, frame, .. }) = mix.poll_made() {
                if rendition == Rendition::File {
                    assert!(decoder.decode(&frame).expect("a frame") && decoder.picture().expect("one").size() == (64, 36));
                    frames += 1;
                    keys += usize::from(container::h264::is_keyframe(container::h264::units_of_stream(&frame)));
                }
            }
            (frames, keys)
        };
        assert_eq!(second(&mut mix), (0, 0), "nobody wants them");
        mix.handle_wanted(Wanted { file: true, ..Wanted::usual(Canvas::default()) });
        let (frames, keys) = second(&mut mix);
        assert!(frames >= 1 && keys == 1, "{frames} {keys}");
        // Nothing in it moves: what is asked for is made all the same.
        assert_eq!(second(&mut mix).1, 1);
        mix.handle_wanted(Wanted::usual(Canvas::default()));
        assert_eq!(second(&mut mix), (0, 0));
    }

    #[test]
    fn an_encoder_that_fails_is_counted_and_replaced() {
        let start = Instant::now();
        let scene = Scene { canvas: Canvas { width: 64, height: 36, fps: 20 }, ..Scene::default() };
        let mut mix = RoomMix::new(start, RoomId(1), Arc::new(scene)).expect("a mix");
        let outcome = |mix: &mut RoomMix, from: u32| {
            for n in from..from + u32::from(MIX_ENCODER_FAILURES_MAX) {
                mix.handle_keyframe(Rendition::Main);
                mix.tick_picture(start + Duration::from_millis(50) * n);
            }
            (mix.counts().pictures, mix.counts().pictures_failed)
        };
        let whole = u64::from(MIX_ENCODER_FAILURES_MAX);
        assert_eq!(outcome(&mut mix, 0), (whole, 0));
        // As one whose library says no whatever it is given.
        mix.pictures.set_streams(&[]);
        assert_eq!(outcome(&mut mix, 5), (whole, whole));
        assert_eq!(outcome(&mut mix, 10), (2 * whole, whole));
    }
}
