//! Who may hold a connection: caps, and fairness between addresses. A value; the accept loop acts on it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};

/// How many connections may be open.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// In all, authenticated ones included. Below the process's limit of descriptors, so that files still open.
    pub all: usize,
    /// From one IPv4 address or IPv6 /64: what one household or one host is.
    pub per_peer: usize,
    /// Not yet authenticated from one peer: a whole house reconnects from one address.
    pub strangers_per_peer: usize,
    /// Not yet authenticated, in all.
    pub strangers: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { all: 4096, per_peer: 256, strangers_per_peer: 128, strangers: 512 }
    }
}

/// An IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        })
    }
}

/// The answer to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may stay, under this number.
    In(u64),
    /// It may stay, and the stranger `victim` of the greediest peer must be closed.
    Instead {
        /// The newcomer's number.
        id: u64,
        /// Who makes room. Already off the books.
        victim: u64,
    },
    /// No room.
    Full,
}

/// All open connections.
#[derive(Debug)]
pub struct Gate {
    caps: Caps,
    next: u64,
    /// By number, so the oldest comes first.
    open: BTreeMap<u64, Seat>,
    peers: HashMap<Peer, Count>,
    strangers: usize,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    /// `None` for a trusted proxy: it stands for many.
    peer: Option<Peer>,
    stranger: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: usize,
    strangers: usize,
}

impl Gate {
    /// A gate nobody has passed.
    pub fn new(caps: Caps) -> Self {
        Self { caps, next: 0, open: BTreeMap::new(), peers: HashMap::new(), strangers: 0 }
    }

    /// Asks for a place. `peer` is `None` for a trusted proxy, to which only the cap on all applies.
    pub fn admit(&mut self, peer: Option<Peer>) -> Admission {
        if self.open.len() >= self.caps.all {
            return Admission::Full;
        }
        let Some(peer) = peer else { return Admission::In(self.seat(None)) };
        let count = self.peers.get(&peer).copied().unwrap_or_default();
        if count.all >= self.caps.per_peer || count.strangers >= self.caps.strangers_per_peer {
            return Admission::Full;
        }
        if self.strangers < self.caps.strangers {
            return Admission::In(self.seat(Some(peer)));
        }
        match self.victim(count.strangers + 1) {
            Some(victim) => {
                self.leave(victim);
                Admission::Instead { id: self.seat(Some(peer)), victim }
            }
            None => Admission::Full,
        }
    }

    /// The connection showed a credential.
    pub fn authenticate(&mut self, id: u64) {
        let Some(seat) = self.open.get_mut(&id) else { return };
        if std::mem::take(&mut seat.stranger) {
            self.strangers -= 1;
            if let Some(count) = seat.peer.and_then(|peer| self.peers.get_mut(&peer)) {
                count.strangers -= 1;
            }
        }
    }

    /// The connection is over. Saying it twice does no harm.
    pub fn leave(&mut self, id: u64) {
        self.authenticate(id);
        let Some(seat) = self.open.remove(&id) else { return };
        let Some(peer) = seat.peer else { return };
        if let Some(count) = self.peers.get_mut(&peer) {
            count.all -= 1;
            if count.all == 0 {
                self.peers.remove(&peer);
            }
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn seat(&mut self, peer: Option<Peer>) -> u64 {
        let id = self.next;
        self.next += 1;
        self.open.insert(id, Seat { peer, stranger: peer.is_some() });
        if let Some(peer) = peer {
            let count = self.peers.entry(peer).or_default();
            count.all += 1;
            count.strangers += 1;
            self.strangers += 1;
        }
        id
    }

    /// The oldest stranger of the peer that has most of them, if that is more than `fair`.
    fn victim(&self, fair: usize) -> Option<u64> {
        let (greediest, count) = self.peers.iter().max_by_key(|(_, count)| count.strangers)?;
        if count.strangers <= fair {
            return None;
        }
        let mut seats = self.open.iter();
        let oldest = seats.find(|(_, seat)| seat.stranger && seat.peer == Some(*greediest));
        oldest.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> Option<Peer> {
        Some(Peer::from(IpAddr::from([192, 0, 2, n])))
    }

    fn gate(all: usize, per_peer: usize, strangers_per_peer: usize, strangers: usize) -> Gate {
        Gate::new(Caps { all, per_peer, strangers_per_peer, strangers })
    }

    fn enter(gate: &mut Gate, n: u8) -> u64 {
        match gate.admit(peer(n)) {
            Admission::In(id) => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_peer_is_an_ipv4_address_or_a_64() {
        let check = |a: &str, b: &str, same| {
            let peer = |text: &str| Peer::from(text.parse::<IpAddr>().expect("an address"));
            assert_eq!(peer(a) == peer(b), same, "{a} {b}");
        };
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8::1", "2001:db8::ffff:0:0:2", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }

    #[test]
    fn the_cap_on_all_counts_everybody() {
        let mut gate = gate(2, 9, 9, 9);
        let first = enter(&mut gate, 1);
        gate.authenticate(first);
        assert!(matches!(gate.admit(None), Admission::In(_)));
        assert_eq!(gate.admit(peer(3)), Admission::Full);
        gate.leave(first);
        enter(&mut gate, 3);
    }

    #[test]
    fn one_peer_has_its_share() {
        let mut gate = gate(99, 3, 2, 99);
        let first = enter(&mut gate, 1);
        enter(&mut gate, 1);
        assert_eq!(gate.admit(peer(1)), Admission::Full, "two strangers");
        gate.authenticate(first);
        enter(&mut gate, 1);
        assert_eq!(gate.admit(peer(1)), Admission::Full, "three in all");
        enter(&mut gate, 2);
    }

    #[test]
    fn when_strangers_fill_the_house_the_greediest_makes_room() {
        let mut gate = gate(99, 99, 99, 4);
        let first = enter(&mut gate, 1);
        for _ in 0..3 {
            enter(&mut gate, 1);
        }
        assert_eq!(gate.admit(peer(1)), Admission::Full);
        assert_eq!(gate.admit(peer(2)), Admission::Instead { id: 4, victim: first });
        gate.leave(first);
        assert_eq!(gate.open(), 4, "the victim was off the books already");
        assert!(matches!(gate.admit(peer(2)), Admission::Instead { .. }));
        assert_eq!(gate.admit(peer(2)), Admission::Full, "two and two is fair");
    }

    #[test]
    fn the_authenticated_are_never_victims() {
        let mut gate = gate(99, 99, 99, 2);
        let known = enter(&mut gate, 1);
        gate.authenticate(known);
        let old = enter(&mut gate, 1);
        enter(&mut gate, 1);
        assert_eq!(gate.admit(peer(2)), Admission::Instead { id: 3, victim: old });
    }

    #[test]
    fn nothing_is_left_when_all_have_gone() {
        let mut gate = gate(99, 99, 99, 5);
        for round in 0..100_u64 {
            let n = u8::try_from(round % 7).expect("small");
            gate.admit(peer(n));
            gate.authenticate(round / 2);
            gate.leave(round * 3 / 4);
        }
        for id in 0..200 {
            gate.leave(id);
        }
        assert_eq!((gate.open(), gate.strangers, gate.peers.len()), (0, 0, 0));
    }
}
