//! The devices that hold a cookie.

use std::collections::HashMap;

use super::links::hash;
use super::random::{self, Random};
use crate::config::Secret;

/// Characters of a cookie's value: 43 of 62 are 256 bits.
pub const COOKIE_CHARACTERS: usize = 43;
/// A device that was not seen for 30 days must use its link again, in ms.
pub const IDLE_MS: u64 = 30 * 24 * 3600 * 1000;
/// Sessions in all, and of one link; the one longest unseen makes room, so that no link can fill the memory.
pub const MAX_SESSIONS: usize = 10_000;
/// See [`MAX_SESSIONS`].
pub const MAX_SESSIONS_OF_LINK: usize = 200;
/// `seen` is written down at most this often, in ms, so that a busy page does not write to the disk all day.
const SEEN_STEP_MS: u64 = 10 * 60 * 1000;

/// One device that came in by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// 16 hexadecimal digits; not secret.
    pub id: String,
    /// The id of its link.
    pub link: String,
    /// What the device calls itself, shortened.
    pub device: String,
    /// When it began, ms since 1970 UTC.
    pub created: u64,
    /// When it was last seen, to ten minutes, ms since 1970 UTC.
    pub seen: u64,
}

/// All sessions, by the SHA-256 of their cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    pub(super) by_hash: HashMap<[u8; 32], Session>,
    changed: bool,
}

impl Sessions {
    /// Begins a session and returns the cookie's value.
    pub fn begin(&mut self, link: &str, device: &str, now: u64, random: Random<'_>) -> Secret {
        self.make_room(link);
        let cookie = Secret::new(random::letters(COOKIE_CHARACTERS, random));
        let session = Session {
            id: random::hex(16, random),
            link: link.to_owned(),
            device: device.chars().filter(|c| !c.is_control()).take(80).collect(),
            created: now,
            seen: now,
        };
        self.by_hash.insert(hash(cookie.reveal()), session);
        self.changed = true;
        cookie
    }

    /// The session of a cookie, which counts as seen now.
    ///
    /// Looking a hash up takes a time that depends on the hash, never on how much of the cookie was right.
    pub fn find(&mut self, cookie: &str, now: u64) -> Option<&Session> {
        let session = self.by_hash.get_mut(&hash(cookie))?;
        if now > session.seen + IDLE_MS {
            return None;
        }
        if now > session.seen + SEEN_STEP_MS {
            session.seen = now;
            self.changed = true;
        }
        Some(session)
    }

    /// The link of the session with this id, if there is one.
    pub fn link_of(&self, id: &str) -> Option<&str> {
        self.by_hash.values().find(|session| session.id == id).map(|session| session.link.as_str())
    }

    /// Ends the session with this id. False when there is none.
    pub fn end(&mut self, id: &str) -> bool {
        self.keep(|session| session.id != id) > 0
    }

    /// Forgets sessions that idled too long or whose link is gone, and returns how many.
    pub fn sweep(&mut self, now: u64, link_lives: impl Fn(&str) -> bool) -> usize {
        self.keep(|session| now <= session.seen + IDLE_MS && link_lives(&session.link))
    }

    /// All of them, the one seen last first.
    pub fn list(&self) -> Vec<&Session> {
        let mut all: Vec<_> = self.by_hash.values().collect();
        all.sort_by(|a, b| b.seen.cmp(&a.seen).then(a.id.cmp(&b.id)));
        all
    }

    /// Whether there is something to write down; asking says that it will be.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// They are not written down after all.
    pub fn set_changed(&mut self) {
        self.changed = true;
    }

    fn keep(&mut self, stays: impl Fn(&Session) -> bool) -> usize {
        let before = self.by_hash.len();
        self.by_hash.retain(|_, session| stays(session));
        let gone = before - self.by_hash.len();
        self.changed |= gone > 0;
        gone
    }

    fn make_room(&mut self, link: &str) {
        let of_link = self.by_hash.values().filter(|s| s.link == link).count();
        if of_link >= MAX_SESSIONS_OF_LINK {
            self.drop_oldest(|session| session.link == link);
        } else if self.by_hash.len() >= MAX_SESSIONS {
            self.drop_oldest(|_| true);
        }
    }

    fn drop_oldest(&mut self, among: impl Fn(&Session) -> bool) {
        let among = self.by_hash.iter().filter(|(_, session)| among(session));
        let oldest = among.min_by_key(|(_, session)| session.seen).map(|(hash, _)| *hash);
        if let Some(hash) = oldest {
            self.by_hash.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::random::from_system;

    const DAY: u64 = 24 * 3600 * 1000;

    #[test]
    fn a_session_lives_while_it_is_seen() {
        let mut sessions = Sessions::default();
        let cookie = sessions.begin("link", "Phone", 0, &from_system);
        assert_eq!(cookie.reveal().len(), COOKIE_CHARACTERS);
        for day in [29, 58, 87] {
            assert!(sessions.find(cookie.reveal(), day * DAY).is_some(), "day {day}");
        }
        assert!(sessions.find(cookie.reveal(), 118 * DAY).is_none());
    }

    #[test]
    fn a_wrong_cookie_finds_nothing() {
        let mut sessions = Sessions::default();
        sessions.begin("link", "Phone", 0, &from_system);
        assert_eq!(sessions.find("", 0), None);
        assert_eq!(sessions.find(&"x".repeat(COOKIE_CHARACTERS), 0), None);
    }

    #[test]
    fn one_ends_and_the_others_stay() {
        let mut sessions = Sessions::default();
        let a = sessions.begin("link", "a", 0, &from_system);
        let b = sessions.begin("link", "b", 0, &from_system);
        let id = sessions.find(a.reveal(), 0).expect("a").id.clone();
        assert_eq!(sessions.link_of(&id), Some("link"));
        assert!(sessions.end(&id));
        assert_eq!(sessions.link_of(&id), None);
        assert!(!sessions.end(&id));
        assert!(sessions.find(a.reveal(), 0).is_none());
        assert!(sessions.find(b.reveal(), 0).is_some());
    }

    #[test]
    fn sweeping_takes_the_idle_and_those_without_a_link() {
        let mut sessions = Sessions::default();
        sessions.begin("gone", "a", 0, &from_system);
        sessions.begin("link", "b", 0, &from_system);
        let kept = sessions.begin("link", "c", 20 * DAY, &from_system);
        assert_eq!(sessions.sweep(31 * DAY, |link| link == "link"), 2);
        assert!(sessions.find(kept.reveal(), 31 * DAY).is_some());
    }

    #[test]
    fn writing_is_asked_for_only_when_needed() {
        let mut sessions = Sessions::default();
        let cookie = sessions.begin("link", "a", 0, &from_system);
        assert!(sessions.take_changed());
        sessions.find(cookie.reveal(), 1000);
        assert!(!sessions.take_changed());
        sessions.find(cookie.reveal(), SEEN_STEP_MS + 1);
        assert!(sessions.take_changed());
    }

    #[test]
    fn one_link_cannot_have_more_than_its_share() {
        let mut sessions = Sessions::default();
        let first = sessions.begin("link", "a", 0, &from_system);
        let other = sessions.begin("other", "a", 0, &from_system);
        for n in 1..=MAX_SESSIONS_OF_LINK as u64 {
            sessions.begin("link", "a", n, &from_system);
        }
        assert!(sessions.find(first.reveal(), 0).is_none());
        assert!(sessions.find(other.reveal(), 0).is_some());
    }
}
