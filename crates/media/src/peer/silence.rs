//! Whether a client that lost its way and found one again still has something to say.
//!
//! A Firefox whose path has failed restarts ICE, receives, and answers checks and messages; of media, and of reports on what it receives,
//! it never sends a packet again, though it counts them as sent (seen with Firefox ESR 153). Only another transport helps.

use std::time::Instant;

use crate::limit::SPEECHLESS_TIME;

/// What was heard of one client's media.
#[derive(Default)]
pub(super) struct Silence {
    /// It has sent something before.
    spoke: bool,
    /// It looks for a way.
    looks: bool,
    /// Since when it has one, and has sent nothing.
    since: Option<Instant>,
}

impl Silence {
    /// `heard`: the client has signed a packet of media, or a report.
    pub fn note_heard(&mut self, heard: bool) {
        if heard {
            *self = Silence { spoke: true, ..Silence::default() };
        }
    }

    /// It lost its way, or restarts ICE.
    pub fn begin(&mut self) {
        (self.looks, self.since) = (self.spoke, None);
    }

    /// It has answered a check.
    pub fn note_answer(&mut self, now: Instant) {
        if std::mem::take(&mut self.looks) {
            self.since = Some(now);
        }
    }

    /// Whether it could have sent something for longer than anybody waits before the next report.
    pub fn is_long(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) >= SPEECHLESS_TIME)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_counts_from_the_first_answer_after_a_way_was_looked_for() {
        let now = Instant::now();
        let late = now + SPEECHLESS_TIME;
        let mut one = Silence::default();
        one.begin();
        one.note_answer(now);
        assert!(!one.is_long(late), "it never spoke");
        one.note_heard(true);
        one.note_answer(now);
        assert!(!one.is_long(late), "it looked for none");
        one.begin();
        assert!(!one.is_long(late), "it has none");
        one.note_answer(now);
        one.note_answer(now + Duration::from_secs(1));
        one.note_heard(false);
        assert!(one.is_long(late) && !one.is_long(late - Duration::from_millis(1)));
        one.note_heard(true);
        assert!(!one.is_long(late));
    }
}
