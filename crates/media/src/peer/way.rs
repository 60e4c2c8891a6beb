//! What a transport makes of where its client is.

use std::time::Instant;

use str0m::ice::StunMessage;
use str0m::net::Transmit;
use str0m::stats::CandidatePairStats;

use super::whereabouts::Change;
use super::{Outbox, Path, Peer, PeerNews, Taken};
use crate::demux::Class;

impl Peer {
    /// A check that the client has signed, or an answer. [`Taken::Broken`]: the library is not to have it.
    pub(super) fn note_check(&mut self, now: Instant, (proto, source, _): Path, bytes: &[u8], out: &mut Outbox) -> Taken {
        let Ok(check) = StunMessage::parse(bytes) else { return Taken::Broken };
        if check.is_binding_request() {
            self.whereabouts.note_check(now, (proto, source), check.use_candidate());
            return Taken::Yes;
        }
        if !self.checks.take_answer(&check, (proto, source), |address| self.reach.has(address)) {
            return Taken::Broken;
        }
        if !check.is_successful_binding_response() {
            return Taken::Yes;
        }
        self.silence.note_answer(now);
        let change = self.whereabouts.note_answer(now, (proto, source));
        self.tell_change(change, out);
        Taken::Answered
    }

    /// Something came along this path. `proven`: only the client can have made it.
    pub(super) fn note_proof(&mut self, now: Instant, path: Path, proven: bool, out: &mut Outbox) {
        if proven {
            let change = self.whereabouts.prove(now, path);
            self.sender.set_way(now, self.whereabouts.way());
            self.tell_change(change, out);
        }
    }

    /// What was not sent while there was no way leaves a hole that no repair fills.
    pub(super) fn tell_change(&mut self, change: Option<Change>, out: &mut Outbox) {
        out.news.extend(change.map(|change| if change == Change::Lost { PeerNews::Lost } else { PeerNews::Found }));
        if change == Some(Change::Lost) {
            self.silence.begin();
        }
        if change == Some(Change::Found) {
            self.sender.pictures().for_each(|mid| out.news.push(PeerNews::Keyframe(mid)));
        }
    }

    /// All that the library sends, but for checks, goes to where the client is; nowhere while it may be gone.
    pub(super) fn direct(&mut self, now: Instant, transmit: Transmit, out: &mut Outbox) -> Option<Transmit> {
        if Class::of(&transmit.contents) == Class::Stun {
            out.checks.extend(self.checks.note_sent(&transmit.contents, (transmit.proto, transmit.destination)));
            return Some(transmit);
        }
        let (proto, source, destination) = self.note_library(now, (transmit.proto, transmit.source, transmit.destination), out);
        (!self.whereabouts.is_lost()).then_some(Transmit { proto, source, destination, ..transmit })
    }

    /// The library sends to there; where the client is.
    fn note_library(&mut self, now: Instant, path: Path, out: &mut Outbox) -> Path {
        let change = self.whereabouts.note_library(now, path);
        self.tell_change(change, out);
        let way = self.whereabouts.way();
        self.sender.set_way(now, way);
        way.unwrap_or(path)
    }

    /// The library's pair is the client's, or nothing is known of the client's.
    pub(super) fn note_pair(&mut self, now: Instant, pair: &mut CandidatePairStats, out: &mut Outbox) {
        let said = (pair.protocol, pair.local.addr, pair.remote.addr);
        let way = self.note_library(now, said, out);
        (pair.protocol, pair.local.addr, pair.remote.addr) = way;
        pair.current_round_trip_time = pair.current_round_trip_time.filter(|_| way == said);
    }
}
