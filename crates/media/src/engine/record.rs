//! Recordings: what goes to the recorder, and what it wants.

use std::sync::Arc;
use std::time::Instant;

use room::{Kind, MixTake, ParticipantId, RecordingId, RoomId, Take};

use super::route::note_wish;
use super::{Engine, mix};
use crate::mix::{Rendition, ToMixer};
use crate::record::{FromRecorder, MixFile, Subject, ToRecorder};
use crate::switchboard::TrackKey;
use crate::tap::Tap;

/// Width and height at which a recording shows its pictures: the largest that there are.
const LARGEST: (u16, u16) = (u16::MAX, u16::MAX);

impl Engine {
    /// The next thing to tell the recorder.
    pub fn poll_recorder(&mut self) -> Option<ToRecorder> {
        self.to_recorder.pop_front()
    }

    /// What the recorder wants. To be followed by a [`flush`](Engine::flush).
    pub fn handle_recorder(&mut self, now: Instant, from: FromRecorder) {
        let FromRecorder::Keyframe(room, track) = from;
        let [_, mixed] = mix::tracks(room);
        let Some(key) = self.board.key(track.unwrap_or(mixed)) else { return };
        let Some(source) = self.board.get_mut(key).filter(|source| source.room == room) else { return };
        match (track, source.take) {
            (Some(_), Some((_, tap))) => source.wish_keyframe(tap.layer()),
            (None, _) if self.settings.mix == MixFile::Mp4 => {
                return self.to_mixers.push_back(ToMixer::Keyframe(room, Rendition::File));
            }
            (None, _) => source.wish_keyframe(Rendition::Main.layer()),
            _ => return,
        }
        note_wish(&mut self.wishing, key);
        self.ask_keyframes(now);
    }

    /// These are the recordings of a participant's tracks from now on.
    pub(super) fn record(&mut self, now: Instant, room: RoomId, who: ParticipantId, takes: &[Take]) {
        let member = self.halls.get(&room).and_then(|hall| hall.members.get(&who));
        let tracks: Vec<_> = member.into_iter().flat_map(|member| &member.tracks).map(|track| track.id).collect();
        for track in &tracks {
            let wanted = takes.iter().find(|take| take.track == *track).map(|take| take.recording);
            if let Some(key) = self.board.key(*track) {
                self.set_take(now, key, wanted);
            }
        }
        for take in takes.iter().filter(|take| !tracks.contains(&take.track)) {
            self.refuse_take(room, take.recording, Subject::Track { who, track: take.track, kind: Kind::Video });
        }
    }

    /// These are the recordings of the room's mix from now on.
    pub(super) fn record_mix(&mut self, now: Instant, room: RoomId, takes: Vec<MixTake>) {
        let subject = Subject::Mix(self.settings.mix);
        let Some(hall) = self.halls.get_mut(&room) else {
            return takes.iter().for_each(|take| self.refuse_take(room, take.recording, subject));
        };
        let before = std::mem::replace(&mut hall.takes, takes.clone());
        for take in &takes {
            let old = before.iter().find(|old| old.recording == take.recording);
            if old.is_none() {
                let begin = ToRecorder::Begin { room, recording: take.recording, subject };
                self.to_recorder.push_back(begin);
            }
            if old.is_some_and(|old| old.paused) != take.paused {
                self.to_recorder.push_back(ToRecorder::Pause(take.recording, take.paused));
            }
        }
        for old in before.iter().filter(|old| !takes.iter().any(|take| take.recording == old.recording)) {
            self.end_take(old.recording);
        }
        if takes.is_empty() != before.is_empty() {
            self.tell_scene(room);
            self.watch_mixes(now);
        }
    }

    /// Nothing more of a recording comes.
    pub(super) fn end_take(&mut self, recording: RecordingId) {
        self.to_recorder.push_back(ToRecorder::End(recording));
    }

    /// A packet of the mix's sound, to its recordings.
    pub(super) fn record_sound(&mut self, room: RoomId, shown: Instant, packets: &[(ParticipantId, Arc<[u8]>)]) {
        let Some(hall) = self.halls.get(&room) else { return };
        let heard = packets.iter().find(|(who, _)| *who == mix::listener(room)).map(|(_, packet)| packet);
        for (take, packet) in running(&hall.takes).zip(heard.into_iter().cycle()) {
            let packet = Arc::clone(packet);
            self.to_recorder.push_back(ToRecorder::Sound { recording: take.recording, shown, packet });
        }
    }

    /// A picture of the mix, to its recordings.
    pub(super) fn record_picture(&mut self, room: RoomId, number: u64, shown: Instant, frame: &[u8]) {
        let Some(hall) = self.halls.get(&room) else { return };
        if hall.takes.is_empty() {
            return;
        }
        let frame: Arc<[u8]> = frame.into();
        for take in running(&hall.takes) {
            let frame = Arc::clone(&frame);
            self.to_recorder.push_back(ToRecorder::Picture { recording: take.recording, number, shown, frame });
        }
    }

    /// Which rendition of a room's mix is recorded now; none: it is not.
    pub(super) fn recorded(&self, room: RoomId) -> Option<Rendition> {
        let hall = self.halls.get(&room).filter(|hall| running(&hall.takes).next().is_some())?;
        let file = self.settings.mix;
        hall.stage.is_some().then_some(if file == MixFile::Mp4 { Rendition::File } else { Rendition::Main })
    }

    /// Of what is not there. What is asked for is told the end of, whatever it is.
    fn refuse_take(&mut self, room: RoomId, recording: RecordingId, subject: Subject) {
        self.to_recorder.push_back(ToRecorder::Begin { room, recording, subject });
        self.end_take(recording);
    }

    fn set_take(&mut self, now: Instant, key: TrackKey, wanted: Option<RecordingId>) {
        let Some(source) = self.board.get_mut(key) else { return };
        if source.take.map(|(recording, _)| recording) == wanted {
            return;
        }
        let old = source.take.take();
        source.take = wanted.filter(|_| source.kind != Kind::Data).map(|recording| (recording, Tap::new(source.kind, LARGEST)));
        source.aim_tap(now);
        if let Some((_, tap)) = source.take.filter(|_| source.kind == Kind::Video) {
            source.wish_first_keyframe(now, tap.layer());
            note_wish(&mut self.wishing, key);
        }
        let subject = Subject::Track { who: source.publisher, track: source.id, kind: source.kind };
        let (room, data) = (source.room, source.kind == Kind::Data);
        self.to_recorder.extend(old.map(|(recording, _)| ToRecorder::End(recording)));
        if let Some(recording) = wanted {
            self.to_recorder.push_back(ToRecorder::Begin { room, recording, subject });
            if data {
                self.end_take(recording);
            }
        }
    }
}

/// Those that are not paused.
fn running(takes: &[MixTake]) -> impl Iterator<Item = &MixTake> {
    takes.iter().filter(|take| !take.paused)
}
