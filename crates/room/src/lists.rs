//! How fast the track lists of a participant are taken. Each change of tracks makes the media server negotiate with everybody in the
//! room, so what goes on for long has a pace: what an app does at once is taken at once.

use crate::limit::{LIST_EVERY, LISTS_AT_ONCE, TRACKS_LISTED_MAX};
use crate::{Moment, TrackDraft};

/// How many lists may still be taken, [`LISTS_AT_ONCE`] and one more each [`LIST_EVERY`], and the newest of those that came too soon.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// When all of them are there again.
    full: Moment,
    waiting: Option<(u64, Vec<TrackDraft>)>,
}

impl Lists {
    /// Whether this list is to be taken now. If not, it waits, unless a newer one does.
    pub fn offer(&mut self, now: Moment, revision: u64, drafts: &[TrackDraft]) -> bool {
        if self.waiting.as_ref().is_some_and(|(newest, _)| *newest >= revision) {
            return false;
        }
        let fits = self.spend(now);
        let kept = drafts.get(..TRACKS_LISTED_MAX).unwrap_or(drafts);
        self.waiting = (!fits).then(|| (revision, kept.to_vec()));
        fits
    }

    /// When the list that waits is to be taken.
    pub fn due(&self) -> Option<Moment> {
        self.waiting.as_ref().map(|_| self.full - LIST_EVERY * (LISTS_AT_ONCE - 1))
    }

    /// The list that waited, and its revision, if its time has come.
    pub fn take_due(&mut self, now: Moment) -> Option<(u64, Vec<TrackDraft>)> {
        let waited = self.due().is_some_and(|due| due <= now) && self.spend(now);
        if waited { self.waiting.take() } else { None }
    }

    fn spend(&mut self, now: Moment) -> bool {
        let full = self.full.max(now) + LIST_EVERY;
        let fits = full.since(now) <= LIST_EVERY * LISTS_AT_ONCE;
        if fits {
            self.full = full;
        }
        fits
    }
}
