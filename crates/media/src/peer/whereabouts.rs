//! Where a client is, and so where its packets go.
//!
//! The library sends to the best of the pairs that the client has nominated, for as long as that may work. But a client whose router gave
//! it another address knows nothing of it: it nominates nothing anew (the later checks of Firefox never nominate), or the library stays
//! with a pair that is as good as the new one and dead, for up to half a minute. So a client is followed to where packets come from that
//! only it can have made; nothing that the library knows is taken from it for that, and any place may be the client's again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::IceConnectionState;
use str0m::net::Protocol;

use super::Path;

/// A client that was not heard where it was for so long, and is heard elsewhere, has moved.
const HOME_SILENCE: Duration = Duration::from_millis(500);

/// How many places that it left, and places that it nominated since it moved, are kept in mind. Of more, the oldest are forgotten.
const PLACES_MAX: usize = 8;

/// By what protocol, and the client's address.
pub(super) type Place = (Protocol, SocketAddr);

/// What became of the way to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// There is none any more: the client is sent nothing.
    Lost,
    /// There is one again.
    Found,
}

/// Where one client is.
#[derive(Default)]
pub(super) struct Whereabouts {
    /// Where it sends from, and when it was last heard there.
    home: Option<(Place, Instant)>,
    /// Where its packets go.
    way: Option<Path>,
    /// Where the library sends what it sends.
    said: Option<Path>,
    /// The client was followed to where it is now, and not by the library's word.
    followed: bool,
    /// What it has nominated since, oldest first.
    named: Vec<Place>,
    /// Places that it left, oldest first: they may be somebody else's by now.
    left: Vec<Place>,
    /// It may be gone: it is sent nothing.
    lost: bool,
}

impl Whereabouts {
    /// Where its packets go: by what protocol, from which address of ours, to which of its. None: it is nowhere yet.
    pub fn way(&self) -> Option<Path> {
        self.way
    }

    /// Whether it may be gone.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether it has left this place and was not heard there since.
    pub fn has_left(&self, place: Place) -> bool {
        self.left.contains(&place)
    }

    /// Its handshake comes from there.
    pub fn note_handshake(&mut self, now: Instant, place: Place) {
        self.home.get_or_insert((place, now));
    }

    /// A check that it has signed came from there. `nominates`: it wants to be sent everything there.
    pub fn note_check(&mut self, now: Instant, place: Place, nominates: bool) {
        self.left.retain(|left| *left != place);
        if let Some((_, heard)) = self.home.as_mut().filter(|(home, _)| *home == place) {
            *heard = now;
        }
        if nominates && self.followed {
            keep(&mut self.named, place);
        }
    }

    /// The library sends to there. Its word counts when it changes. Once the client was followed elsewhere it counts only for what the
    /// client has nominated since: else the library falls back on one of the places before.
    pub fn note_library(&mut self, path: Path) {
        if self.said.replace(path) == Some(path) {
            return;
        }
        let place = place_of(path);
        if !self.followed || self.way.map(place_of) == Some(place) || self.named.contains(&place) {
            self.way = Some(path);
            self.followed = false;
            self.named.clear();
            self.left.retain(|left| *left != place);
        }
    }

    /// A packet that only the client can have made came along this path of its. True: its packets go another way now.
    pub fn prove(&mut self, now: Instant, (protocol, source, destination): Path) -> bool {
        let place = (protocol, source);
        match &mut self.home {
            Some((home, heard)) if *home == place => *heard = now,
            Some((_, heard)) if now.saturating_duration_since(*heard) < HOME_SILENCE => {}
            Some((home, heard)) => {
                let former = std::mem::replace(home, place);
                *heard = now;
                return self.follow(former, (protocol, destination, source));
            }
            None => self.home = Some((place, now)),
        }
        false
    }

    /// What the library says of its pairs.
    pub fn note_state(&mut self, state: IceConnectionState) -> Option<Change> {
        match state {
            IceConnectionState::Disconnected if !self.lost => {
                self.lost = true;
                Some(Change::Lost)
            }
            // A path that may come is none yet.
            IceConnectionState::Connected | IceConnectionState::Completed if self.lost => {
                self.lost = false;
                Some(Change::Found)
            }
            _ => None,
        }
    }

    /// From that place to this one.
    fn follow(&mut self, former: Place, way: Path) -> bool {
        let place = place_of(way);
        keep(&mut self.left, former);
        if let Some(before) = self.way.map(place_of) {
            keep(&mut self.left, before);
        }
        self.left.retain(|left| *left != place);
        self.named.clear();
        let moved = self.way.is_some_and(|before| place_of(before) != place);
        if moved {
            self.way = Some(way);
            self.followed = self.said.map(place_of) != Some(place);
        }
        moved
    }
}

/// Where a path of ours ends.
fn place_of((protocol, _, destination): Path) -> Place {
    (protocol, destination)
}

fn keep(places: &mut Vec<Place>, place: Place) {
    places.retain(|own| *own != place);
    if places.len() >= PLACES_MAX {
        places.remove(0);
    }
    places.push(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u8 = 1;
    const B: u8 = 2;
    const C: u8 = 3;

    fn address(n: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, n], 4_000))
    }

    fn place(n: u8) -> Place {
        (Protocol::Udp, address(n))
    }

    /// From us to there.
    fn way(n: u8) -> Path {
        (Protocol::Udp, address(200), address(n))
    }

    /// A client at A, and the time, which its packets are told by [`hear`].
    fn at_a() -> (Whereabouts, Instant) {
        let (mut one, now) = (Whereabouts::default(), Instant::now());
        one.note_handshake(now, place(A));
        one.note_library(way(A));
        (one, now)
    }

    /// A packet from there each 20 ms, for so long.
    fn hear(one: &mut Whereabouts, now: &mut Instant, from: u8, ms: u64) {
        for _ in 0..ms / 20 {
            *now += Duration::from_millis(20);
            one.prove(*now, (Protocol::Udp, address(from), address(200)));
        }
    }

    #[test]
    fn a_client_is_followed_once_it_is_silent_where_it_was() {
        let (mut one, mut now) = at_a();
        hear(&mut one, &mut now, A, 1_000);
        hear(&mut one, &mut now, B, 480);
        assert_eq!(one.way(), Some(way(A)));
        hear(&mut one, &mut now, B, 40);
        assert_eq!((one.way(), one.has_left(place(A)), one.has_left(place(B))), (Some(way(B)), true, false));
    }

    #[test]
    fn what_the_library_said_already_is_no_news() {
        let (mut one, mut now) = at_a();
        hear(&mut one, &mut now, B, 600);
        for _ in 0..50 {
            one.note_library(way(A));
            hear(&mut one, &mut now, B, 1_000);
            assert_eq!(one.way(), Some(way(B)));
        }
    }

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let (mut one, mut now) = at_a();
        for turn in 0..20 {
            let (here, there) = if turn % 2 == 0 { (B, A) } else { (A, B) };
            hear(&mut one, &mut now, here, 700);
            assert_eq!((one.way(), one.has_left(place(there))), (Some(way(here)), true));
        }
    }

    #[test]
    fn after_it_was_followed_the_library_counts_for_what_is_nominated_anew() {
        let (mut one, mut now) = at_a();
        one.note_check(now, place(C), true);
        hear(&mut one, &mut now, B, 600);
        one.note_library(way(C));
        assert_eq!(one.way(), Some(way(B)), "nominated before");
        one.note_check(now, place(A), false);
        one.note_library(way(A));
        assert_eq!(one.way(), Some(way(B)), "not nominated");
        one.note_check(now, place(C), true);
        one.note_library(way(C));
        assert_eq!(one.way(), Some(way(C)));
        one.note_library(way(A));
        assert_eq!(one.way(), Some(way(A)), "by the library's word again");
    }

    #[test]
    fn a_library_that_comes_after_has_the_word_again() {
        let (mut one, mut now) = at_a();
        hear(&mut one, &mut now, B, 600);
        one.note_library(way(B));
        assert_eq!(one.way(), Some(way(B)));
        one.note_library(way(C));
        assert_eq!(one.way(), Some(way(C)));
    }

    #[test]
    fn a_check_keeps_a_client_at_home_and_brings_it_back_from_where_it_left() {
        let (mut one, mut now) = at_a();
        for _ in 0..20 {
            one.note_check(now, place(A), false);
            hear(&mut one, &mut now, B, 400);
        }
        assert_eq!(one.way(), Some(way(A)));
        hear(&mut one, &mut now, B, 600);
        assert!(one.has_left(place(A)));
        one.note_check(now, place(A), false);
        assert!(!one.has_left(place(A)) && one.way() == Some(way(B)));
    }

    #[test]
    fn so_many_places_are_kept_in_mind() {
        let (mut one, mut now) = at_a();
        (0..40).for_each(|n| hear(&mut one, &mut now, n, 600));
        assert_eq!((one.left.len(), one.has_left(place(38)), one.has_left(place(A))), (PLACES_MAX, true, false));
        (0..40).for_each(|n| one.note_check(now, place(n), true));
        assert_eq!(one.named.len(), PLACES_MAX);
    }

    #[test]
    fn nobody_is_anywhere_before_the_library_says_so() {
        let (mut one, mut now) = (Whereabouts::default(), Instant::now());
        hear(&mut one, &mut now, A, 2_000);
        hear(&mut one, &mut now, B, 2_000);
        assert_eq!(one.way(), None);
        one.note_library(way(A));
        assert_eq!(one.way(), Some(way(A)));
    }

    #[test]
    fn a_path_that_may_come_is_none_yet() {
        use IceConnectionState::{Checking, Completed, Connected, Disconnected};
        let mut one = Whereabouts::default();
        let mut said = |state| (one.note_state(state), one.is_lost());
        assert_eq!([Checking, Connected, Completed, Checking].map(&mut said), [(None, false); 4]);
        assert_eq!([Disconnected, Disconnected].map(&mut said), [(Some(Change::Lost), true), (None, true)]);
        assert_eq!([Checking, Connected].map(&mut said), [(None, true), (Some(Change::Found), false)]);
    }
}
