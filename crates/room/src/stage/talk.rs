//! Who talks, and who of them gets the large place: not everybody who coughs.

use std::collections::BTreeMap;

use crate::limit::{HIGHLIGHT_AFTER, HIGHLIGHT_HOLD};
use crate::{Moment, ParticipantId};

/// Who talks in a room.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// Since when each of those who talk does.
    talking: BTreeMap<ParticipantId, Moment>,
    /// Who has the large place, and since when.
    speaker: Option<(ParticipantId, Moment)>,
}

impl Talk {
    /// Who has the large place.
    pub fn speaker(&self) -> Option<ParticipantId> {
        self.speaker.map(|(who, _)| who)
    }

    /// Somebody began or ceased to talk.
    pub fn note(&mut self, now: Moment, who: ParticipantId, talking: bool) {
        if talking {
            self.talking.entry(who).or_insert(now);
        } else {
            self.talking.remove(&who);
        }
    }

    /// Somebody is gone.
    pub fn forget(&mut self, who: ParticipantId) {
        self.talking.remove(&who);
        self.speaker = self.speaker.filter(|(speaker, _)| *speaker != who);
    }

    /// Gives the large place to whoever it is time for.
    pub fn follow(&mut self, now: Moment) {
        if let Some((who, due)) = self.next().filter(|(_, due)| *due <= now) {
            self.speaker = Some((who, due.max(now)));
        }
    }

    /// When it is time for the next one.
    pub fn due(&self) -> Option<Moment> {
        self.next().map(|(_, due)| due)
    }

    /// Who gets the large place next, and when: whoever talks longest, if the speaker is silent and had the place for a while.
    fn next(&self) -> Option<(ParticipantId, Moment)> {
        if self.speaker().is_some_and(|speaker| self.talking.contains_key(&speaker)) {
            return None;
        }
        let (&who, &since) = self.talking.iter().min_by_key(|(_, since)| **since)?;
        let free = self.speaker.map_or(Moment::START, |(_, since)| since + HIGHLIGHT_HOLD);
        Some((who, free.max(since + HIGHLIGHT_AFTER)))
    }
}
