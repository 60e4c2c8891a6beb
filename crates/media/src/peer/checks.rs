//! Which answers to our checks the library may have.
//!
//! It takes an answer as often as it comes, and notes each new address in them that we are said to have, for ever: who answers every check
//! a thousand times, each time with another address, would take a worker's time from everybody.

use std::collections::VecDeque;
use std::net::SocketAddr;

use str0m::ice::{StunMessage, TransId};

use super::whereabouts::Place;
use crate::demux::{Stun, Transaction};
use crate::limit::{CHECKS_OPEN_MAX, MAPPED_ADDRESSES_EVER_MAX, MAPPED_ADDRESSES_MAX};

/// The checks that we sent and that are not answered.
#[derive(Default)]
pub(super) struct Checks {
    /// Oldest first.
    open: VecDeque<(TransId, Place)>,
    /// Addresses that we have as answers said, and did not know of. The library keeps each of them.
    mapped: Vec<SocketAddr>,
    /// How many of them there were when ICE was restarted last.
    before: usize,
}

impl Checks {
    /// This is sent to there. If it is a check, what its answer will be known by.
    pub fn note_sent(&mut self, message: &[u8], place: Place) -> Option<Transaction> {
        let check = StunMessage::parse(message).ok().filter(StunMessage::is_binding_request)?;
        if self.open.len() >= CHECKS_OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back((check.trans_id(), place));
        Stun::parse(message).map(|check| *check.transaction)
    }

    /// ICE is restarted: in another network we may have other addresses.
    pub fn restart(&mut self) {
        self.before = self.mapped.len();
    }

    /// An answer that the client has signed came from there. False: it is to be dropped. An answer counts once, and from where the check
    /// was sent to (RFC 8445, section 7.2.5.2.1). `is_ours`: whether we know that we have this address; of others there may be so many.
    pub fn take_answer(&mut self, answer: &StunMessage<'_>, place: Place, is_ours: impl FnOnce(SocketAddr) -> bool) -> bool {
        let asked = self.open.iter().position(|(id, to)| *id == answer.trans_id() && *to == place);
        let Some(asked) = asked else { return false };
        self.open.remove(asked);
        answer.mapped_address().is_none_or(|address| is_ours(address) || self.knows(address))
    }

    fn knows(&mut self, mapped: SocketAddr) -> bool {
        let known = self.mapped.contains(&mapped);
        let most = MAPPED_ADDRESSES_EVER_MAX.min(self.before + MAPPED_ADDRESSES_MAX);
        if !known && self.mapped.len() < most {
            self.mapped.push(mapped);
            return true;
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use str0m::net::Protocol;

    use super::*;

    /// The port of an address that we know of.
    const OURS: u16 = 500;

    fn place(n: u8) -> Place {
        (Protocol::Udp, SocketAddr::from(([10, 0, 0, n], 4_000)))
    }

    /// Sends a check to there; its transaction.
    fn send(checks: &mut Checks, to: u8) -> TransId {
        let crypto = str0m::crypto::from_feature_flags();
        let sha1 = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        let (id, mut bytes) = (TransId::new(), [0; 300]);
        let length = StunMessage::binding_request("a:b", id, false, 1, 1, false).to_bytes(Some(b"key"), &mut bytes, sha1);
        checks.note_sent(&bytes[..length.unwrap()], place(to));
        id
    }

    /// Answers it from there, saying that we are at this port.
    fn answer(checks: &mut Checks, id: TransId, from: u8, port: u16) -> bool {
        let ours = |address: SocketAddr| address.port() == OURS;
        checks.take_answer(&StunMessage::binding_reply(id, SocketAddr::from(([10, 0, 0, 200], port))), place(from), ours)
    }

    #[test]
    fn an_answer_counts_once_and_from_where_it_was_asked_for() {
        let mut checks = Checks::default();
        let (one, two) = (send(&mut checks, 1), send(&mut checks, 2));
        assert!(!answer(&mut checks, one, 2, 7), "from elsewhere");
        assert!(answer(&mut checks, one, 1, 7) && !answer(&mut checks, one, 1, 7) && !answer(&mut checks, one, 1, 8));
        assert!(checks.take_answer(&StunMessage::binding_role_conflict_reply(two), place(2), |_| true));
        assert!(!checks.take_answer(&StunMessage::binding_role_conflict_reply(two), place(2), |_| true));
        assert!(!answer(&mut checks, TransId::new(), 1, 7), "never asked");
    }

    #[test]
    fn we_have_so_many_addresses() {
        let mut checks = Checks::default();
        let taken = (0..100).filter(|port| {
            let id = send(&mut checks, 1);
            answer(&mut checks, id, 1, *port)
        });
        assert_eq!(taken.count(), MAPPED_ADDRESSES_MAX);
        let id = send(&mut checks, 1);
        assert!(answer(&mut checks, id, 1, 3), "one of those");
        let id = send(&mut checks, 1);
        assert!(answer(&mut checks, id, 1, OURS), "known before");
    }

    #[test]
    fn after_an_ice_restart_we_may_have_others_but_not_without_end() {
        let mut checks = Checks::default();
        let says = |checks: &mut Checks, port: u16| {
            let id = send(checks, 1);
            answer(checks, id, 1, port)
        };
        for restart in 0..100 {
            let (first, room) = (1_000 + restart * 20, MAPPED_ADDRESSES_EVER_MAX - usize::from(restart) * MAPPED_ADDRESSES_MAX);
            let taken = (first..first + 20).filter(|port| says(&mut checks, *port)).count();
            assert_eq!(taken, room.min(MAPPED_ADDRESSES_MAX));
            assert!(says(&mut checks, 1_000) && says(&mut checks, OURS), "known before");
            checks.restart();
            if room <= MAPPED_ADDRESSES_MAX {
                return assert!(!says(&mut checks, 9_000));
            }
        }
    }

    #[test]
    fn so_many_checks_wait_for_an_answer() {
        let mut checks = Checks::default();
        let first = send(&mut checks, 1);
        let all: Vec<TransId> = (0..CHECKS_OPEN_MAX).map(|_| send(&mut checks, 1)).collect();
        assert!(!answer(&mut checks, first, 1, 7));
        assert!(all.into_iter().all(|id| answer(&mut checks, id, 1, 7)) && checks.open.is_empty());
    }
}
