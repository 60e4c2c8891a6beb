//! How much one client may send.
//!
//! Anybody can write a client's address on an envelope. So only what the client has signed is taken from what it may send: who forges
//! packets in its name cannot keep it from being heard. What is not the client's takes time all the same, so of that there may be much, but
//! not any amount, and little once it goes on: it is the worker's time, and others' as well.

use std::time::{Duration, Instant};

use crate::data::Allowance;
use crate::demux::Class;
use crate::limit::{
    BYTES_IN_PER_S, FEEDBACK_BYTES_MAX, FEEDBACK_TIME, FLOOD_TIME_MAX, FORGED_BYTES_PER_S, FORGED_PER_S, PACKETS_IN_PER_S,
};

/// A flood that pauses so long is over.
const FLOOD_PAUSE: Duration = Duration::from_secs(2);

/// What is left of it.
pub(super) struct Intake {
    packets: Allowance,
    bytes: Allowance,
    /// Datagrams that are not the client's, and their bytes.
    forged: Allowance,
    forged_bytes: Allowance,
    /// What is left of them where that goes on.
    forged_long: Allowance,
    /// Bytes of RTCP since then.
    feedback: (Instant, usize),
    /// Packets of media in the second that began then, and in the one before.
    heard: (Option<Instant>, u32, u32),
    /// The first and the last refusal of a flood that goes on.
    flood: Option<Span>,
    /// The same of what is not the client's.
    forgery: Option<Span>,
}

/// The first and the last moment of something that goes on.
type Span = (Instant, Instant);

impl Intake {
    /// All is there.
    pub fn new(now: Instant) -> Self {
        Intake {
            packets: Allowance::new(now, PACKETS_IN_PER_S),
            bytes: Allowance::new(now, BYTES_IN_PER_S),
            forged: Allowance::new(now, FORGED_PER_S),
            forged_bytes: Allowance::new(now, FORGED_BYTES_PER_S),
            forged_long: Allowance::new(now, PACKETS_IN_PER_S),
            feedback: (now, 0),
            heard: (None, 0, 0),
            flood: None,
            forgery: None,
        }
    }

    /// Whether a datagram in the client's name is looked at. Takes nothing yet: nobody knows whose it is.
    pub fn may(&mut self, now: Instant, class: Class, bytes: usize) -> bool {
        let may = self.packets.has(now, 1) && self.bytes.has(now, bytes);
        if !may {
            note(&mut self.flood, now);
        }
        may && self.may_be_forged(now, bytes) && (class != Class::Rtcp || self.reported(now) + bytes <= FEEDBACK_BYTES_MAX)
    }

    /// It was the client's.
    pub fn note_own(&mut self, now: Instant, class: Class, bytes: usize) {
        self.packets.take(now, 1);
        self.bytes.take(now, bytes);
        if class == Class::Rtcp {
            self.feedback.1 = self.reported(now) + bytes;
        }
    }

    /// Nothing shows that it was.
    pub fn note_forged(&mut self, now: Instant, bytes: usize) {
        self.forged.take(now, 1);
        self.forged_bytes.take(now, bytes);
        self.forged_long.take(now, 1);
    }

    /// A packet of media of the client's.
    pub fn note_heard(&mut self, now: Instant) {
        let (since, count, before) = &mut self.heard;
        if since.is_none_or(|since| now.saturating_duration_since(since) >= Duration::from_secs(1)) {
            (*since, *before, *count) = (Some(now), *count, 0);
        }
        *count += 1;
    }

    /// Whether the client sends too much and has done so for long.
    pub fn is_flooding(&self, now: Instant) -> bool {
        // About as much as it may. What is not media may be said again by others, as it came.
        let loud = self.heard.1.max(self.heard.2) >= PACKETS_IN_PER_S / 4 * 3;
        loud && goes_on(self.flood, now)
    }

    /// Whether there is room for it if it is not the client's.
    fn may_be_forged(&mut self, now: Instant, bytes: usize) -> bool {
        let few = !goes_on(self.forgery, now) || self.forged_long.has(now, 1);
        let may = few && self.forged.has(now, 1) && self.forged_bytes.has(now, bytes);
        if !may {
            note(&mut self.forgery, now);
        }
        may
    }

    /// Bytes of RTCP in the time that runs.
    fn reported(&mut self, now: Instant) -> usize {
        if now.saturating_duration_since(self.feedback.0) >= FEEDBACK_TIME {
            self.feedback = (now, 0);
        }
        self.feedback.1
    }
}

/// It happens now.
fn note(span: &mut Option<Span>, now: Instant) {
    let (first, last) = span.get_or_insert((now, now));
    if now.saturating_duration_since(*last) > FLOOD_PAUSE {
        *first = now;
    }
    *last = now;
}

/// Whether it has happened for long, and still does.
fn goes_on(span: Option<Span>, now: Instant) -> bool {
    span.is_some_and(|(first, last)| {
        last.saturating_duration_since(first) > FLOOD_TIME_MAX && now.saturating_duration_since(last) < Duration::from_secs(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEEDBACK: usize = 400;

    #[test]
    fn what_is_forged_takes_nothing_from_the_client() {
        let now = Instant::now();
        let mut intake = Intake::new(now);
        for _ in 0..FORGED_PER_S - 1 {
            assert!(intake.may(now, Class::Rtcp, FEEDBACK));
            intake.note_forged(now, FEEDBACK);
        }
        for _ in 0..FEEDBACK_BYTES_MAX / FEEDBACK {
            assert!(intake.may(now, Class::Rtcp, FEEDBACK));
            intake.note_own(now, Class::Rtcp, FEEDBACK);
        }
        assert!(!intake.may(now, Class::Rtcp, FEEDBACK) && intake.may(now, Class::Rtp, 1_200));
        assert!(intake.may(now + FEEDBACK_TIME, Class::Rtcp, FEEDBACK));
    }

    #[test]
    fn of_what_is_forged_so_much_is_looked_at() {
        let now = Instant::now();
        let mut intake = Intake::new(now);
        let looked = (0..2 * FORGED_PER_S).take_while(|_| {
            let may = intake.may(now, Class::Rtp, 100);
            intake.note_forged(now, 100);
            may
        });
        assert_eq!(looked.count(), FORGED_PER_S as usize);
        assert!(!intake.is_flooding(now) && intake.flood.is_none(), "it is not the client who does it");
    }

    #[test]
    fn of_large_ones_fewer_are_looked_at_and_of_those_that_go_on_as_many_as_a_client_may_send() {
        let began = Instant::now();
        let mut intake = Intake::new(began);
        let mut looked = |from: u64, seconds: u64, bytes: usize| {
            let forged = (from * 1_000..(from + seconds) * 1_000).flat_map(|ms| [ms; 30]);
            let forged = forged.filter(|ms| {
                let now = began + Duration::from_millis(*ms);
                let may = intake.may(now, Class::Rtp, bytes);
                if may {
                    intake.note_forged(now, bytes);
                }
                may
            });
            forged.count() as u64
        };
        let (large, many, few) = (FORGED_BYTES_PER_S as u64 / 1_250, u64::from(FORGED_PER_S), u64::from(PACKETS_IN_PER_S));
        assert!((9 * large..=10 * large).contains(&looked(0, 9, 1_250)));
        // After ten seconds.
        looked(9, 3, 100);
        assert!(looked(12, 10, 100).abs_diff(10 * few) <= few);
        // Over, and another one later.
        assert!(looked(30, 5, 100).abs_diff(6 * many) <= many);
    }

    #[test]
    fn a_client_has_its_own_limits() {
        let (began, mut heard) = (Instant::now(), 0);
        let mut intake = Intake::new(began);
        for ms in 0..12_000 {
            let now = began + Duration::from_millis(ms);
            for _ in 0..10 {
                if intake.may(now, Class::Rtp, 200) {
                    intake.note_own(now, Class::Rtp, 200);
                    intake.note_heard(now);
                    heard += 1;
                }
            }
        }
        assert!((48_000..=52_100).contains(&heard), "{heard}");
        assert!(intake.is_flooding(began + Duration::from_secs(12)));
    }
}
