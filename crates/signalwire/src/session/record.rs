//! Recordings of the mix, as the client is told of them.

use std::time::Duration;

use room::{MixRecording, MixState, Moment, Permission};
use serde_json::json;

use super::{Session, value};
use crate::state::Clock;

impl Session {
    /// What became of recordings, for who may do something with them.
    pub(super) fn tell_recordings(&mut self, now: Moment, before: &[MixRecording]) {
        for one in self.recordings() {
            let known = before.iter().find(|known| known.id == one.id).map(|known| known.state);
            match (known, one.state) {
                (None, MixState::Recording) => self.tell_recording(now, "video.recording.started", &one),
                (Some(before), MixState::Completed) if before != one.state => {
                    self.tell_recording(now, "video.recording.ended", &one);
                }
                (Some(before), _) if before != one.state => self.tell_recording(now, "video.recording.updated", &one),
                _ => {}
            }
        }
    }

    /// The same for a client that came back and may have missed anything, but not for longer than its seat is kept.
    pub(super) fn tell_recordings_again(&mut self, now: Moment, seat_kept: Duration) {
        for one in self.recordings() {
            match one.ended {
                None => self.tell_recording(now, "video.recording.updated", &one),
                Some(ended) if now.since(ended) <= seat_kept => self.tell_recording(now, "video.recording.ended", &one),
                Some(_) => {}
            }
        }
    }

    /// The room is recorded, or not any more.
    pub(super) fn tell_recorded(&mut self, now: Moment, on: bool) {
        self.inside.iter_mut().for_each(|inside| inside.recorded = on);
        if self.is_told() {
            self.tell_room(now, vec!["recording"]);
        }
    }

    pub(super) fn clock_at(&self, now: Moment) -> Clock {
        Clock { now, unix_ms: self.desk.unix_ms() }
    }

    /// The recordings that it may know of.
    fn recordings(&self) -> Vec<MixRecording> {
        let may = |inside: &&super::Inside| inside.permissions.has(Permission::Recording);
        self.inside.as_ref().filter(may).map(|inside| inside.stage.recordings.clone()).unwrap_or_default()
    }

    fn tell_recording(&mut self, now: Moment, event: &str, of: &MixRecording) {
        let told = value(&self.clock_at(now).recording(of));
        self.tell(event, json!({ "recording": told }));
    }
}
