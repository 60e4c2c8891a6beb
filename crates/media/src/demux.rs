//! Which peer a datagram is for.
//!
//! Anybody can send us anything, so a peer gets a datagram that is no check only from an address that it has approved: one that answered a
//! check of the peer's, or, until somebody's is answered there, one that sent it a check with the right password. Checks find their peer
//! by the name in them, and answers by what they answer: a check can be sent in the name of any address, and would keep the answers from
//! there from whoever is there.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::limit::{ADDRESSES_PER_PEER_MAX, CHECKS_OPEN_MAX, STUN_NETWORKS_MAX, STUN_PER_S, UFRAGS_PER_PEER_MAX, UNKNOWN_PER_S};
use crate::net::{Datagram, DatagramSend, Protocol};

/// Marks a STUN message (RFC 8489, section 5).
const MAGIC: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
/// Bytes before the attributes.
const HEADER_BYTES: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_FAILURE: u16 = 0x0111;
const USERNAME: u16 = 0x0006;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;

/// What ties an answer to its check.
pub type Transaction = [u8; 12];

/// What kind of datagram this is, by its first bytes (RFC 7983, RFC 5761).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A STUN message, or something that looks like one.
    Stun,
    /// DTLS.
    Dtls,
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
    /// Nothing that we speak.
    Other,
}

impl Class {
    /// Of a datagram.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0..=3, _, ..] => Class::Stun,
            [20..=63, ..] => Class::Dtls,
            // Payload types 64 to 95, with the marker bit, are where RTCP has its packet types.
            [128..=191, second, ..] if (64..96).contains(&(second & 0x7f)) => Class::Rtcp,
            [128..=191, _, ..] => Class::Rtp,
            _ => Class::Other,
        }
    }
}

/// A STUN message, as far as we look into it (RFC 8489, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stun<'a> {
    /// Class and method.
    pub kind: u16,
    /// What ties an answer to its request.
    pub transaction: &'a Transaction,
    /// The name in it, for a check `ours:theirs`.
    pub username: Option<&'a [u8]>,
    /// It ends with a checksum. The sum itself is for the ICE agent to check, with the password.
    pub has_fingerprint: bool,
}

impl<'a> Stun<'a> {
    /// Reads a message; none: it is not one, or not whole.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut attributes) = bytes.split_at_checked(HEADER_BYTES)?;
        let kind = u16_at(header, 0)?;
        let length = usize::from(u16_at(header, 2)?);
        if kind >= 0x4000 || length != attributes.len() || length % 4 != 0 || header.get(4..8)? != MAGIC {
            return None;
        }
        let mut stun = Stun { kind, transaction: header.get(8..)?.try_into().ok()?, username: None, has_fingerprint: false };
        while !attributes.is_empty() {
            // Nothing may follow the checksum.
            let (attribute, rest) = if stun.has_fingerprint { None } else { split(attributes) }?;
            stun.take(attribute);
            attributes = rest;
        }
        Some(stun)
    }

    /// Whether it asks for an answer.
    #[must_use]
    pub fn is_binding_request(&self) -> bool {
        self.kind == BINDING_REQUEST
    }

    /// Whether it answers a request.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self.kind, BINDING_SUCCESS | BINDING_FAILURE)
    }

    /// The part of the name that we chose; none: there is no name, or it is no name for a check.
    #[must_use]
    pub fn local_ufrag(&self) -> Option<&'a [u8]> {
        let mut parts = self.username?.splitn(2, |byte| *byte == b':');
        let (ours, _theirs) = (parts.next()?, parts.next()?);
        (!ours.is_empty()).then_some(ours)
    }

    /// The first of an attribute counts (RFC 8489, section 14).
    fn take(&mut self, (kind, value): (u16, &'a [u8])) {
        match kind {
            USERNAME if self.username.is_none() => self.username = Some(value),
            FINGERPRINT => self.has_fingerprint = value.len() == 4,
            _ => {}
        }
    }
}

/// The first attribute with its value, and what follows it and its padding.
#[expect(clippy::type_complexity, reason = "a pair of an attribute and the rest")]
fn split(attributes: &[u8]) -> Option<((u16, &[u8]), &[u8])> {
    let (kind, length) = (u16_at(attributes, 0)?, usize::from(u16_at(attributes, 2)?));
    let (value, _) = attributes.get(4..)?.split_at_checked(length)?;
    Some(((kind, value), attributes.get(4 + length.next_multiple_of(4)..)?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Whether this is a check that names somebody: the only thing that a stranger's TCP connection may carry.
#[must_use]
pub fn is_named_request(bytes: &[u8]) -> bool {
    Stun::parse(bytes).is_some_and(|stun| stun.is_binding_request() && stun.has_fingerprint && stun.local_ufrag().is_some())
}

/// The answer to a plain binding request: from where it came (RFC 8489, section 14.2). 32 or 44 bytes.
#[must_use]
pub fn binding_answer(transaction: &Transaction, source: SocketAddr) -> DatagramSend {
    let (family, mut address) = match source.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    address.iter_mut().zip(MAGIC.iter().chain(transaction)).for_each(|(byte, mask)| *byte ^= mask);
    let length = 4 + address.len() as u16;
    let mut answer = Vec::with_capacity(HEADER_BYTES + 4 + usize::from(length));
    answer.extend(BINDING_SUCCESS.to_be_bytes());
    answer.extend((4 + length).to_be_bytes());
    answer.extend(MAGIC);
    answer.extend(transaction);
    answer.extend(XOR_MAPPED_ADDRESS.to_be_bytes());
    answer.extend(length.to_be_bytes());
    answer.extend([0, family]);
    answer.extend((source.port() ^ 0x2112).to_be_bytes());
    answer.extend(address);
    answer.into()
}

/// What to do with a datagram.
#[derive(Debug)]
pub enum Verdict<K> {
    /// It is for this peer, from an address that it approved.
    Peer(K),
    /// It is a check that names this peer, or answers one of its checks, from an address that is not its own. If the peer accepts a check,
    /// [`Demux::claim`] the address for it; if it accepts an answer, [`Demux::approve`] it.
    Ask(K),
    /// It is a plain STUN request. Send this back.
    Answer(DatagramSend),
    /// It is for nobody.
    Drop(Dropped),
}

/// Why a datagram is for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Too many come from unknown addresses that name nobody whom we know.
    Flood,
    /// It names nobody whom we know, or no peer approved its source.
    Unknown,
    /// It is nothing that we speak, or broken.
    Malformed,
    /// A plain STUN request above the rate, or over TCP.
    Silent,
}

/// Peers by the addresses that they approved, by their names in checks, and by the checks that they sent.
#[derive(Debug)]
pub struct Demux<K> {
    addresses: HashMap<(Protocol, SocketAddr), Owner<K>>,
    ufrags: HashMap<Box<[u8]>, K>,
    checks: HashMap<Transaction, K>,
    peers: HashMap<K, Names>,
    unknown: Bucket,
    plain: Plain,
}

/// Whose an address is.
#[derive(Debug)]
struct Owner<K> {
    peer: K,
    /// It answered a check there: nobody else's word takes it away.
    answered: bool,
}

/// How one peer is found, oldest first.
#[derive(Debug, Default)]
struct Names {
    addresses: VecDeque<(Protocol, SocketAddr)>,
    ufrags: VecDeque<Box<[u8]>>,
    checks: VecDeque<Transaction>,
}

impl<K: Copy + Eq + Hash> Demux<K> {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Demux {
            addresses: HashMap::new(),
            ufrags: HashMap::new(),
            checks: HashMap::new(),
            peers: HashMap::new(),
            unknown: Bucket::full(now, UNKNOWN_PER_S),
            plain: Plain { networks: HashMap::new(), swept: now },
        }
    }

    /// Checks with this user name fragment are for this peer, besides those that it has already.
    pub fn expect(&mut self, ufrag: &str, peer: K) {
        let ufrag: Box<[u8]> = ufrag.as_bytes().into();
        if self.ufrags.get(&ufrag) == Some(&peer) {
            return;
        }
        if let Some(other) = self.ufrags.insert(ufrag.clone(), peer) {
            self.peers.entry(other).or_default().ufrags.retain(|known| *known != ufrag);
        }
        let known = &mut self.peers.entry(peer).or_default().ufrags;
        known.push_back(ufrag);
        if known.len() > UFRAGS_PER_PEER_MAX
            && let Some(oldest) = known.pop_front()
        {
            self.ufrags.remove(&oldest);
        }
    }

    /// The peer sends this check: its answer is for this peer, from wherever it comes.
    pub fn await_answer(&mut self, check: Transaction, peer: K) {
        self.checks.insert(check, peer);
        let sent = &mut self.peers.entry(peer).or_default().checks;
        sent.push_back(check);
        if sent.len() > CHECKS_OPEN_MAX
            && let Some(oldest) = sent.pop_front()
        {
            self.checks.remove(&oldest);
        }
    }

    /// Addresses, names and checks that are known.
    #[must_use]
    pub fn size(&self) -> usize {
        self.addresses.len() + self.ufrags.len() + self.checks.len() + self.peers.len()
    }

    /// The peer whose address this is.
    #[must_use]
    pub fn owner(&self, protocol: Protocol, source: SocketAddr) -> Option<K> {
        self.addresses.get(&(protocol, source)).map(|owner| owner.peer)
    }

    /// For whom a datagram is.
    pub fn peer_of(&mut self, now: Instant, datagram: &Datagram<'_>) -> Verdict<K> {
        let known = self.owner(datagram.protocol, datagram.source);
        let class = Class::of(datagram.bytes);
        let stun = (class == Class::Stun).then(|| Stun::parse(datagram.bytes)).flatten();
        // Who names a peer, or answers it, knows something random, and does not share the rate with those who know nothing.
        if let Some(peer) = stun.as_ref().and_then(|stun| self.named(stun).or_else(|| self.take_answered(stun))) {
            // An address may pass from one peer to another of the same client, so the name counts.
            return if known == Some(peer) { Verdict::Peer(peer) } else { Verdict::Ask(peer) };
        }
        if known.is_none() && !self.unknown.take(now, UNKNOWN_PER_S) {
            return Verdict::Drop(Dropped::Flood);
        }
        match class {
            Class::Stun => self.peer_of_stun(now, datagram, stun, known),
            Class::Other => Verdict::Drop(Dropped::Malformed),
            Class::Dtls | Class::Rtp | Class::Rtcp => known.map_or(Verdict::Drop(Dropped::Unknown), Verdict::Peer),
        }
    }

    /// The peer accepted a check from this address: what comes from there is for it, unless some peer's check was answered there. Whoever
    /// writes the address on a check could take it otherwise.
    pub fn claim(&mut self, protocol: Protocol, source: SocketAddr, peer: K) {
        let address = (protocol, source);
        if self.addresses.get(&address).is_none_or(|owner| !owner.answered) {
            self.give(address, Owner { peer, answered: false });
        }
    }

    /// A check of the peer's was answered from this address: all that comes from there is for it.
    pub fn approve(&mut self, protocol: Protocol, source: SocketAddr, peer: K) {
        self.give((protocol, source), Owner { peer, answered: true });
    }

    fn give(&mut self, address: (Protocol, SocketAddr), owner: Owner<K>) {
        let peer = owner.peer;
        match self.addresses.insert(address, owner) {
            Some(before) if before.peer == peer => return,
            Some(before) => self.peers.entry(before.peer).or_default().addresses.retain(|known| *known != address),
            None => {}
        }
        let known = &mut self.peers.entry(peer).or_default().addresses;
        known.push_back(address);
        if known.len() > ADDRESSES_PER_PEER_MAX
            && let Some(oldest) = known.pop_front()
        {
            self.addresses.remove(&oldest);
        }
    }

    /// An address is not to be trusted any more, for instance because its TCP connection ended.
    pub fn forget_address(&mut self, protocol: Protocol, source: SocketAddr) {
        let address = (protocol, source);
        let names = self.addresses.remove(&address).and_then(|owner| self.peers.get_mut(&owner.peer));
        if let Some(names) = names {
            names.addresses.retain(|known| *known != address);
        }
    }

    /// The peer is gone.
    pub fn forget(&mut self, peer: K) {
        let Some(names) = self.peers.remove(&peer) else { return };
        for address in &names.addresses {
            self.addresses.remove(address);
        }
        for ufrag in &names.ufrags {
            self.ufrags.remove(ufrag);
        }
        for check in &names.checks {
            self.checks.remove(check);
        }
    }

    /// The peer that a check names.
    fn named(&self, stun: &Stun<'_>) -> Option<K> {
        let ufrag = stun.local_ufrag().filter(|_| stun.is_binding_request() && stun.has_fingerprint)?;
        self.ufrags.get(ufrag).copied()
    }

    /// The peer whose check this answers. An answer counts once.
    fn take_answered(&mut self, stun: &Stun<'_>) -> Option<K> {
        let peer = stun.is_answer().then(|| self.checks.remove(stun.transaction)).flatten()?;
        self.peers.entry(peer).or_default().checks.retain(|check| check != stun.transaction);
        Some(peer)
    }

    /// A message that names nobody whom we know.
    fn peer_of_stun(&mut self, now: Instant, datagram: &Datagram<'_>, stun: Option<Stun<'_>>, known: Option<K>) -> Verdict<K> {
        let Some(stun) = stun else { return Verdict::Drop(Dropped::Malformed) };
        if !stun.is_binding_request() {
            return known.map_or(Verdict::Drop(Dropped::Unknown), Verdict::Peer);
        }
        if stun.username.is_none() {
            return self.answer(now, datagram, &stun);
        }
        Verdict::Drop(Dropped::Unknown)
    }

    fn answer(&mut self, now: Instant, datagram: &Datagram<'_>, stun: &Stun<'_>) -> Verdict<K> {
        if datagram.protocol != Protocol::Udp || !self.plain.take(now, datagram.source.ip()) {
            return Verdict::Drop(Dropped::Silent);
        }
        Verdict::Answer(binding_answer(stun.transaction, datagram.source))
    }
}

/// Allows so much a second, and as much at once.
#[derive(Debug)]
struct Bucket {
    /// Billionths, so that no time is too short to count.
    left: u64,
    filled: Instant,
}

/// One, in billionths; and a second, in nanoseconds.
const ONE: u64 = 1_000_000_000;

impl Bucket {
    fn full(now: Instant, per_s: u32) -> Self {
        Bucket { left: u64::from(per_s) * ONE, filled: now }
    }

    fn take(&mut self, now: Instant, per_s: u32) -> bool {
        let passed = now.saturating_duration_since(self.filled).min(Duration::from_secs(1));
        let rate = u64::from(per_s);
        self.left = (self.left + passed.as_nanos() as u64 * rate).min(rate * ONE);
        self.filled = self.filled.max(now);
        let enough = self.left >= ONE;
        self.left -= if enough { ONE } else { 0 };
        enough
    }
}

/// Plain STUN requests by network.
#[derive(Debug)]
struct Plain {
    networks: HashMap<u64, Bucket>,
    swept: Instant,
}

impl Plain {
    fn take(&mut self, now: Instant, source: IpAddr) -> bool {
        let network = network(source);
        if self.networks.len() >= STUN_NETWORKS_MAX && !self.networks.contains_key(&network) && !self.sweep(now) {
            return false;
        }
        self.networks.entry(network).or_insert_with(|| Bucket::full(now, STUN_PER_S)).take(now, STUN_PER_S)
    }

    /// Makes room, at most once a second: a bucket that nothing took from for a second is full, as a new one would be.
    fn sweep(&mut self, now: Instant) -> bool {
        const SECOND: Duration = Duration::from_secs(1);
        if now.saturating_duration_since(self.swept) >= SECOND {
            self.swept = now;
            self.networks.retain(|_, bucket| now.saturating_duration_since(bucket.filled) < SECOND);
        }
        self.networks.len() < STUN_NETWORKS_MAX
    }
}

/// An IPv4 /24 or IPv6 /48, told apart by the top bit.
fn network(ip: IpAddr) -> u64 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u64::from(u32::from(ip) >> 8),
        IpAddr::V6(ip) => (u128::from(ip) >> 80) as u64 | 1 << 63,
    }
}
