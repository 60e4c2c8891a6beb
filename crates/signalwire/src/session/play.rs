//! Files that are played into the mix, as the client is told of them.

use std::time::Duration;

use room::{Moment, Permission, Playback};
use serde_json::json;

use super::{Session, value};

impl Session {
    /// What became of files that are played, for who may do something with them.
    pub(super) fn tell_playbacks(&mut self, now: Moment, before: &[Playback]) {
        for one in self.playbacks() {
            match before.iter().find(|known| known.id == one.id) {
                None => self.tell_playback(now, "video.playback.started", &one),
                Some(known) if known.is_over() => {}
                Some(_) if one.is_over() => self.tell_playback(now, "video.playback.ended", &one),
                Some(known) if known.revision != one.revision => self.tell_playback(now, "video.playback.updated", &one),
                Some(_) => {}
            }
        }
    }

    /// The same for a client that came back and may have missed anything, but not for longer than its seat is kept.
    pub(super) fn tell_playbacks_again(&mut self, now: Moment, seat_kept: Duration) {
        for one in self.playbacks() {
            match one.ended {
                None => self.tell_playback(now, "video.playback.updated", &one),
                Some(ended) if now.since(ended) <= seat_kept => self.tell_playback(now, "video.playback.ended", &one),
                Some(_) => {}
            }
        }
    }

    /// Those that it may know of.
    fn playbacks(&self) -> Vec<Playback> {
        let may = |inside: &&super::Inside| inside.permissions.has(Permission::Playback);
        self.inside.as_ref().filter(may).map(|inside| inside.stage.playbacks.clone()).unwrap_or_default()
    }

    fn tell_playback(&mut self, now: Moment, event: &str, of: &Playback) {
        let told = value(&self.clock_at(now).playback(of));
        self.tell(event, json!({ "playback": told }));
    }
}
