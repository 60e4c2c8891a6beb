//! Where a client is, and so where its packets go.
//!
//! The library sends to the best of the pairs that the client has nominated, for as long as that may work. But a client whose router gave
//! it another address knows nothing of it: it nominates nothing anew (the later checks of Firefox never nominate), or the library stays
//! with a pair that is as good as the new one and dead, for up to half a minute. So a client is followed to where packets come from that
//! only it can have made; nothing that the library knows is taken from it for that, and any place may be the client's again.
//!
//! Nobody is sent anything for long who does not show that it is still there (RFC 7675): to the library a request is enough, which may say
//! that it comes from anywhere.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::IceConnectionState;
use str0m::net::Protocol;

use super::Path;
use crate::limit::CONSENT_TIME;

/// A client that was not heard where it was for so long, and is heard elsewhere, has moved.
const HOME_SILENCE: Duration = Duration::from_millis(500);

/// How many places that it left, and places that it nominated since it moved, are kept in mind. Of more, the oldest are forgotten.
const PLACES_MAX: usize = 8;

/// Who was not looked at for so long could not be heard.
pub(super) const REST: Duration = Duration::from_secs(5);

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

/// Why nobody is sent anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// The library knows of no pair that may work.
    NoPair,
    /// The way has not proved itself for [`CONSENT_TIME`].
    NoProof,
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
    /// When somebody at the end of the way last showed that the client is there.
    proven: Option<Instant>,
    /// When that was last looked at.
    looked: Option<Instant>,
    /// It may be gone: it is sent nothing.
    lost: Option<Lost>,
}

impl Whereabouts {
    /// Where its packets go: by what protocol, from which address of ours, to which of its. None: it is nowhere yet.
    pub fn way(&self) -> Option<Path> {
        self.way
    }

    /// Whether it may be gone.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
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

    /// It answered a check of ours from there.
    pub fn note_answer(&mut self, now: Instant, place: Place) -> Option<Change> {
        self.trust(now, place)
    }

    /// The library sends to there. Its word counts when it changes. Once the client was followed elsewhere it counts only for what the
    /// client has nominated since: else the library falls back on one of the places before.
    pub fn note_library(&mut self, now: Instant, path: Path) -> Option<Change> {
        if self.said.replace(path) == Some(path) {
            return None;
        }
        let place = place_of(path);
        if self.followed && self.way.map(place_of) != Some(place) && !self.named.contains(&place) {
            return None;
        }
        self.way = Some(path);
        self.followed = false;
        self.named.clear();
        self.left.retain(|left| *left != place);
        // It answered a check there.
        self.proven = Some(now);
        self.lost.take_if(|lost| *lost == Lost::NoProof).map(|_| Change::Found)
    }

    /// A packet that only the client can have made came along this path of its. Who was lost is there at once.
    pub fn prove(&mut self, now: Instant, (protocol, source, destination): Path) -> Option<Change> {
        let place = (protocol, source);
        let (home, heard) = self.home.get_or_insert((place, now));
        let silent = *home != place && now.saturating_duration_since(*heard) >= HOME_SILENCE;
        if *home == place {
            *heard = now;
        }
        if silent || self.lost.is_some() {
            self.follow(now, (protocol, destination, source));
        }
        self.trust(now, place)
    }

    /// What the library says of its pairs.
    pub fn note_state(&mut self, state: IceConnectionState) -> Option<Change> {
        match state {
            IceConnectionState::Disconnected => self.lost.replace(Lost::NoPair).is_none().then_some(Change::Lost),
            // A path that may come is none yet.
            IceConnectionState::Connected | IceConnectionState::Completed => {
                self.lost.take_if(|lost| *lost == Lost::NoPair).map(|_| Change::Found)
            }
            _ => None,
        }
    }

    /// Looks whether the client still shows that it is there. To be called again and again.
    pub fn look(&mut self, now: Instant) -> Option<Change> {
        let rested = self.looked.replace(now).is_some_and(|before| now.saturating_duration_since(before) > REST);
        let proven = self.proven.as_mut()?;
        if rested {
            *proven = now;
        }
        let gone = self.lost.is_none() && now.saturating_duration_since(*proven) >= CONSENT_TIME;
        gone.then(|| {
            self.lost = Some(Lost::NoProof);
            Change::Lost
        })
    }

    /// Somebody there is the client.
    fn trust(&mut self, now: Instant, place: Place) -> Option<Change> {
        if self.way.map(place_of) != Some(place) {
            return None;
        }
        self.proven = Some(now);
        self.lost.take().map(|_| Change::Found)
    }

    /// Its packets come from the end of this way.
    fn follow(&mut self, now: Instant, way: Path) {
        let place = place_of(way);
        let former = self.home.replace((place, now)).map(|(home, _)| home);
        for left in former.into_iter().chain(self.way.map(place_of)).filter(|left| *left != place) {
            keep(&mut self.left, left);
        }
        self.left.retain(|left| *left != place);
        self.named.clear();
        if self.way.is_some_and(|before| place_of(before) != place) {
            self.way = Some(way);
            self.followed = self.said.map(place_of) != Some(place);
        }
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
        one.look(now);
        one.note_handshake(now, place(A));
        one.note_library(now, way(A));
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
            one.note_library(now, way(A));
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
        one.note_library(now, way(C));
        assert_eq!(one.way(), Some(way(B)), "nominated before");
        one.note_check(now, place(A), false);
        one.note_library(now, way(A));
        assert_eq!(one.way(), Some(way(B)), "not nominated");
        one.note_check(now, place(C), true);
        one.note_library(now, way(C));
        assert_eq!(one.way(), Some(way(C)));
        one.note_library(now, way(A));
        assert_eq!(one.way(), Some(way(A)), "by the library's word again");
    }

    #[test]
    fn a_library_that_comes_after_has_the_word_again() {
        let (mut one, mut now) = at_a();
        hear(&mut one, &mut now, B, 600);
        one.note_library(now, way(B));
        assert_eq!(one.way(), Some(way(B)));
        one.note_library(now, way(C));
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
        one.note_library(now, way(A));
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
    /// Looks each second, for so long; what changed, and after how many.
    fn look(one: &mut Whereabouts, now: &mut Instant, seconds: u32) -> Option<(Change, u32)> {
        (1..=seconds).find_map(|second| {
            *now += Duration::from_secs(1);
            Some((one.look(*now)?, second))
        })
    }

    #[test]
    fn who_shows_nothing_is_lost_and_found_by_the_first_thing_that_it_shows() {
        let proofs: [fn(&mut Whereabouts, Instant) -> Option<Change>; 3] = [
            |one, now| one.note_answer(now, place(A)),
            |one, now| one.prove(now, (Protocol::Udp, address(A), address(200))),
            |one, now| one.note_library(now, way(B)),
        ];
        for proof in proofs {
            let (mut one, mut now) = at_a();
            assert_eq!(look(&mut one, &mut now, 60), Some((Change::Lost, 30)));
            one.note_check(now, place(A), true);
            assert_eq!((one.note_state(IceConnectionState::Completed), look(&mut one, &mut now, 60)), (None, None));
            assert_eq!(one.note_answer(now, place(C)), None);
            assert!(one.is_lost());
            assert_eq!((proof(&mut one, now), one.is_lost()), (Some(Change::Found), false));
            assert_eq!(look(&mut one, &mut now, 29), None);
            assert_eq!(look(&mut one, &mut now, 1), Some((Change::Lost, 1)));
        }
    }

    #[test]
    fn who_shows_something_now_and_then_is_there() {
        let (mut one, mut now) = at_a();
        for _ in 0..20 {
            assert_eq!(look(&mut one, &mut now, 29), None);
            assert_eq!(one.note_answer(now, place(A)), None);
            assert_eq!(look(&mut one, &mut now, 29), None);
            assert_eq!(one.prove(now, (Protocol::Udp, address(A), address(200))), None);
        }
    }

    #[test]
    fn who_was_lost_is_followed_at_once() {
        let (mut one, mut now) = at_a();
        assert_eq!(one.note_state(IceConnectionState::Disconnected), Some(Change::Lost));
        hear(&mut one, &mut now, B, 20);
        assert_eq!((one.way(), one.is_lost()), (Some(way(B)), false));
        assert_eq!(one.note_state(IceConnectionState::Connected), None);
    }

    #[test]
    fn while_we_stood_still_nobody_could_show_anything() {
        let (mut one, mut now) = at_a();
        for _ in 0..10 {
            assert_eq!(look(&mut one, &mut now, 20), None);
            now += Duration::from_secs(300);
        }
        assert_eq!(look(&mut one, &mut now, 60), Some((Change::Lost, 31)));
    }
}
