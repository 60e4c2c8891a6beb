//! Whether a client that lost its way and found one again still has something to say.
//!
//! A Firefox whose path has failed restarts ICE, receives, and answers checks and messages; of media, and of reports on what it receives,
//! it never sends a packet again, though it counts them as sent (seen with Firefox ESR 153). Only another transport helps.

use std::sync::Arc;
use std::time::Instant;

use super::Peer;
use super::whereabouts::REST;
use crate::limit::SPEECHLESS_TIME;

/// What was heard of one client's media.
#[derive(Default)]
pub(super) struct Silence {
    /// It has sent something before.
    spoke: bool,
    /// It looks for a way.
    looks: bool,
    /// Since when it has one, should say something, and has sent nothing.
    since: Option<Instant>,
    /// When that was last looked at.
    looked: Option<Instant>,
    /// Its tracks of which nobody needs anything, by their labels.
    unneeded: Vec<Arc<str>>,
}

impl Silence {
    /// `heard`: the client has signed a packet of media, or a report.
    pub fn note_heard(&mut self, heard: bool) {
        if heard {
            (self.spoke, self.looks, self.since) = (true, false, None);
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

    /// Looks whether it should say something now. Time in which it need not, or in which we stood still, does not count. To be called again
    /// and again.
    pub fn look(&mut self, now: Instant, should: bool) {
        let rested = self.looked.replace(now).is_some_and(|before| now.saturating_duration_since(before) > REST);
        if rested || !should {
            self.since = self.since.map(|_| now);
        }
    }

    /// Whether it could have sent something for longer than anybody waits before the next report.
    pub fn is_long(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) >= SPEECHLESS_TIME)
    }

    fn needs(&self, label: &str) -> bool {
        !self.unneeded.iter().any(|own| **own == *label)
    }
}

impl Peer {
    /// Whether it found a way again and has said nothing of or by media since, though it should.
    pub fn is_speechless(&self, now: Instant) -> bool {
        self.is_connected() && self.silence.is_long(now) && self.should_speak(now)
    }

    /// Whether its client sends a track of which somebody needs something, or is sent media of which it has to report.
    pub(super) fn should_speak(&self, now: Instant) -> bool {
        self.talk.ups().any(|(_, up)| self.silence.needs(&up.label)) || self.sender.is_sending(now)
    }

    /// Whether anybody needs any layer of this track of the client's. It was told so, and sends none that nobody needs.
    pub fn note_need(&mut self, label: &Arc<str>, needed: bool) {
        let talk = &self.talk;
        self.silence.unneeded.retain(|own| own != label && talk.ups().any(|(_, up)| up.label == *own));
        if !needed {
            self.silence.unneeded.push(Arc::clone(label));
        }
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

    /// Looks each second, for so long; whether that was too long.
    fn look(one: &mut Silence, now: &mut Instant, seconds: u32, should: bool) -> bool {
        (0..seconds).any(|_| {
            *now += Duration::from_secs(1);
            one.look(*now, should);
            one.is_long(*now)
        })
    }

    #[test]
    fn time_in_which_it_need_not_say_anything_or_could_not_be_heard_does_not_count() {
        let mut now = Instant::now();
        let mut one = Silence::default();
        one.note_heard(true);
        one.begin();
        assert!(!look(&mut one, &mut now, 60, true), "it has no way");
        one.note_answer(now);
        assert!(!look(&mut one, &mut now, 60, false) && !look(&mut one, &mut now, 8, true) && look(&mut one, &mut now, 1, true));
        assert!(!look(&mut one, &mut now, 1, false) && !look(&mut one, &mut now, 8, true), "it begins anew");
        now += Duration::from_secs(18);
        one.look(now, true);
        assert!(
            !one.is_long(now) && !one.is_long(now + Duration::from_secs(8)) && one.is_long(now + Duration::from_secs(9)),
            "we stood still"
        );
    }
}
