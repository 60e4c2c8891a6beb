//! Which peer a datagram is for, and what becomes of everything else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::demux::{Class, Demux, Stun, Verdict, binding_answer, is_named_request};
use media::limit::{ADDRESSES_PER_PEER_MAX, CHECKS_OPEN_MAX, STUN_NETWORKS_MAX, STUN_PER_S, UFRAGS_PER_PEER_MAX, UNKNOWN_PER_S};
use media::net::{Datagram, Protocol};

#[path = "support/stun.rs"]
mod stun;

use stun::{CHECK, REPLY, REPLY_V6, check, plain_request};

const DTLS: &[u8] = &[22, 254, 253, 0];
const RTP: &[u8] = &[0x80, 96, 0, 1];

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A demultiplexer and its time.
struct Bench {
    demux: Demux<u32>,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Bench { demux: Demux::new(now), now }
    }

    fn take(&mut self, protocol: Protocol, source: &str, bytes: &[u8]) -> String {
        let datagram = Datagram { protocol, source: address(source), destination: address("203.0.113.1:8444"), bytes };
        match self.demux.peer_of(self.now, &datagram) {
            Verdict::Peer(peer) => format!("for {peer}"),
            Verdict::Ask(peer) => format!("ask {peer}"),
            Verdict::Answer(bytes) => format!("answer of {}", bytes.len()),
            Verdict::Drop(why) => format!("{why:?}"),
        }
    }

    #[track_caller]
    fn check(&mut self, source: &str, bytes: &[u8], expected: &str) {
        assert_eq!(self.take(Protocol::Udp, source, bytes), expected);
    }

    fn approve(&mut self, source: &str, peer: u32) {
        self.demux.approve(Protocol::Udp, address(source), peer);
    }
}

#[test]
fn kinds_are_told_by_the_first_bytes() {
    fn check(bytes: &[u8], expected: Class) {
        assert_eq!(Class::of(bytes), expected, "{bytes:?}");
    }
    check(&[], Class::Other);
    check(&[0], Class::Other);
    check(&[0, 1], Class::Stun);
    check(&[3, 0], Class::Stun);
    check(&[4, 0], Class::Other);
    check(&[19, 0], Class::Other);
    check(&[20], Class::Dtls);
    check(&[63], Class::Dtls);
    check(&[64, 0], Class::Other);
    check(&[127, 200], Class::Other);
    check(&[128], Class::Other);
    check(&[128, 96], Class::Rtp);
    check(&[128, 0x80 | 63], Class::Rtp);
    check(&[128, 192], Class::Rtcp);
    check(&[191, 223], Class::Rtcp);
    check(&[191, 224], Class::Rtp);
    check(&[192, 0], Class::Other);
}

#[test]
fn messages_are_read_as_far_as_needed() {
    let stun = Stun::parse(CHECK).expect("a message");
    assert_eq!((stun.username, stun.local_ufrag()), (Some(&b"evtj:h6vY"[..]), Some(&b"evtj"[..])));
    assert!(stun.is_binding_request() && stun.has_fingerprint && is_named_request(CHECK));
    let stun = Stun::parse(REPLY).expect("a message");
    assert!(!stun.is_binding_request() && stun.username.is_none() && stun.has_fingerprint && !is_named_request(REPLY));
    assert!(!Stun::parse(&plain_request()).expect("a message").has_fingerprint);
}

#[test]
fn only_names_of_two_parts_are_names_in_checks() {
    let ufrag = |name: &str| Stun::parse(&check(name)).expect("a message").local_ufrag().map(<[u8]>::to_vec);
    assert_eq!(ufrag("a:b"), Some(b"a".to_vec()));
    assert_eq!(ufrag("a:b:c"), Some(b"a".to_vec()));
    assert_eq!(ufrag("a:"), Some(b"a".to_vec()));
    assert_eq!(ufrag(":b"), None);
    assert_eq!(ufrag("ab"), None);
    assert_eq!(ufrag(""), None);
}

#[test]
fn what_is_cut_or_changed_never_passes_for_a_message_of_an_approved_address() {
    for message in [CHECK, REPLY, REPLY_V6, &check("ours:theirs"), &plain_request()] {
        for length in 0..message.len() {
            assert_eq!(Stun::parse(&message[..length]), None, "{length} bytes");
        }
        let mut bench = Bench::new();
        bench.demux.expect("evtj", 1);
        for bit in 0..message.len() * 8 {
            let mut bytes = message.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bench.now += Duration::from_secs(1);
            let verdict = bench.take(Protocol::Udp, "198.51.100.1:5000", &bytes);
            assert!(!verdict.starts_with("for"), "bit {bit}: {verdict}");
        }
    }
}

#[test]
fn nothing_follows_the_checksum() {
    let mut bytes = check("a:b");
    bytes.extend([0, 6, 0, 0]);
    bytes[3] += 4;
    assert_eq!(Stun::parse(&bytes), None);
}

#[test]
fn an_answer_says_whence_the_question_came() {
    let transaction = CHECK[8..20].try_into().expect("twelve bytes");
    // The addresses of RFC 5769, sections 2.2 and 2.3, and how they are written there.
    let v4 = binding_answer(&transaction, address("192.0.2.1:32853"));
    assert_eq!(v4[20..], REPLY[36..48]);
    let v6 = binding_answer(&transaction, address("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    assert_eq!(v6[20..], REPLY_V6[36..60]);
    assert_eq!((v4.len(), v6.len()), (32, 44));
    for answer in [v4, v6] {
        let stun = Stun::parse(&answer).expect("a message");
        assert_eq!((stun.kind, stun.transaction), (0x0101, &transaction));
    }
}

#[test]
fn a_peer_gets_only_what_comes_from_where_it_approved() {
    let mut bench = Bench::new();
    let (near, far) = ("198.51.100.1:5000", "198.51.100.2:5000");
    bench.check(near, CHECK, "Unknown");
    bench.demux.expect("evtj", 1);
    bench.check(near, CHECK, "ask 1");
    bench.check(near, DTLS, "Unknown");
    bench.approve(near, 1);
    for bytes in [CHECK, REPLY, DTLS, RTP] {
        bench.check(near, bytes, "for 1");
    }
    bench.check(far, CHECK, "ask 1");
    for bytes in [REPLY, DTLS, RTP] {
        bench.check(far, bytes, "Unknown");
    }
    assert_eq!(bench.take(Protocol::Tcp, near, DTLS), "Unknown");
    bench.check(near, b"GET /", "Malformed");
    bench.check(near, &CHECK[..40], "Malformed");
    // A check for somebody else is not for the owner of the address.
    bench.check(near, &check("other:x"), "Unknown");
    bench.demux.expect("other", 2);
    bench.check(near, &check("other:x"), "ask 2");
    bench.approve(near, 2);
    bench.check(near, DTLS, "for 2");
    bench.demux.forget(1);
    bench.check(near, DTLS, "for 2");
    bench.check(near, CHECK, "Unknown");
}

/// Anybody can write any address on a check of its own.
#[test]
fn what_was_answered_is_taken_by_no_check() {
    let mut bench = Bench::new();
    let place = "198.51.100.1:5000";
    let (udp, at) = (Protocol::Udp, address(place));
    // Who claimed it last has it until somebody's check is answered there.
    for peer in [1, 2, 1] {
        bench.demux.claim(udp, at, peer);
        bench.check(place, DTLS, &format!("for {peer}"));
    }
    bench.approve(place, 2);
    [1, 2, 1].into_iter().for_each(|peer| bench.demux.claim(udp, at, peer));
    bench.check(place, DTLS, "for 2");
    bench.approve(place, 1);
    bench.demux.claim(udp, at, 2);
    bench.check(place, DTLS, "for 1");
    // Whoever had it is no more in the way of it than anybody else.
    bench.demux.forget(2);
    bench.check(place, DTLS, "for 1");
    bench.demux.forget(1);
    bench.demux.claim(udp, at, 3);
    bench.check(place, DTLS, "for 3");
    bench.demux.forget(3);
    assert_eq!(bench.demux.size(), 0);
}

#[test]
fn an_answer_is_for_whoever_asked_and_counts_once() {
    let mut bench = Bench::new();
    let (place, asked) = ("198.51.100.1:5000", REPLY[8..20].try_into().expect("twelve bytes"));
    bench.demux.claim(Protocol::Udp, address(place), 2);
    bench.demux.await_answer(asked, 1);
    // A request with the same number is none.
    bench.demux.expect("evtj", 3);
    bench.check(place, CHECK, "ask 3");
    bench.check(place, REPLY, "ask 1");
    bench.check(place, REPLY, "for 2");
    bench.check("198.51.100.2:5000", REPLY, "Unknown");
    // From where it is known it is for the same, and from where nobody is too, however many strangers there are.
    bench.demux.await_answer(asked, 2);
    bench.check(place, REPLY, "for 2");
    bench.demux.await_answer(asked, 1);
    (0..UNKNOWN_PER_S).for_each(|_| drop(bench.take(Protocol::Udp, "192.0.2.1:1", DTLS)));
    bench.check("192.0.2.1:1", DTLS, "Flood");
    bench.check("198.51.100.2:5000", REPLY, "ask 1");
    // So many are waited for, and none of those who are gone.
    bench.demux.await_answer(asked, 1);
    let others = (0..CHECKS_OPEN_MAX).map(|n| (n as u128).to_be_bytes()[4..].try_into().expect("twelve bytes"));
    others.for_each(|check| bench.demux.await_answer(check, 1));
    bench.check(place, REPLY, "for 2");
    [1, 2, 3].into_iter().for_each(|peer| bench.demux.forget(peer));
    assert_eq!(bench.demux.size(), 0);
}

#[test]
fn a_check_without_checksum_is_for_nobody() {
    let mut bench = Bench::new();
    bench.demux.expect("evtj", 1);
    let mut bytes = CHECK[..CHECK.len() - 8].to_vec();
    bytes[3] -= 8;
    assert!(Stun::parse(&bytes).is_some());
    bench.check("198.51.100.1:5000", &bytes, "Unknown");
}

#[test]
fn what_is_forgotten_has_to_be_approved_anew() {
    let mut bench = Bench::new();
    let (one, two) = ("198.51.100.1:5000", "198.51.100.1:5001");
    bench.demux.expect("evtj", 1);
    [one, two].into_iter().for_each(|source| bench.approve(source, 1));
    bench.demux.forget_address(Protocol::Udp, address(one));
    bench.check(one, DTLS, "Unknown");
    bench.check(two, DTLS, "for 1");
    bench.demux.forget(1);
    bench.check(two, DTLS, "Unknown");
    bench.check(two, CHECK, "Unknown");
    // Nothing was left behind to be forgotten.
    bench.demux.forget(1);
    bench.demux.forget_address(Protocol::Udp, address(two));
}

#[test]
fn a_peer_has_so_many_addresses_and_names() {
    let mut bench = Bench::new();
    let source = |n: usize| format!("198.51.100.1:{}", 5000 + n);
    (0..=ADDRESSES_PER_PEER_MAX).for_each(|n| bench.approve(&source(n), 1));
    // Approved again: not a new one.
    bench.approve(&source(5), 1);
    bench.check(&source(0), DTLS, "Unknown");
    (1..=ADDRESSES_PER_PEER_MAX).for_each(|n| bench.check(&source(n), DTLS, "for 1"));
    (0..=UFRAGS_PER_PEER_MAX).for_each(|n| bench.demux.expect(&format!("name{n}"), 1));
    bench.check("192.0.2.1:1", &check("name0:x"), "Unknown");
    (1..=UFRAGS_PER_PEER_MAX).for_each(|n| bench.check("192.0.2.1:1", &check(&format!("name{n}:x")), "ask 1"));
    // A name passes to whoever had it last, and its first owner's end does not take it along.
    bench.demux.expect("name1", 2);
    bench.demux.forget(1);
    bench.check("192.0.2.1:1", &check("name1:x"), "ask 2");
    bench.check("192.0.2.1:1", &check("name2:x"), "Unknown");
}

#[test]
fn strangers_are_heard_so_often_and_peers_always() {
    let mut bench = Bench::new();
    bench.approve("198.51.100.1:5000", 1);
    (0..UNKNOWN_PER_S).for_each(|_| bench.check("192.0.2.1:1", DTLS, "Unknown"));
    bench.check("192.0.2.9:1", DTLS, "Flood");
    bench.check("192.0.2.9:1", &check("nobody:x"), "Flood");
    // Who joins, or comes from elsewhere, is heard all the same.
    bench.demux.expect("name", 1);
    (0..3).for_each(|_| bench.check("192.0.2.9:1", &check("name:x"), "ask 1"));
    (0..3 * UNKNOWN_PER_S).for_each(|_| bench.check("198.51.100.1:5000", DTLS, "for 1"));
    bench.now += Duration::from_millis(1);
    (0..UNKNOWN_PER_S / 1_000).for_each(|_| bench.check("192.0.2.1:1", DTLS, "Unknown"));
    bench.check("192.0.2.1:1", DTLS, "Flood");
    // However short the steps, time adds up.
    let heard = (0..1_000_000).filter(|_| {
        bench.now += Duration::from_nanos(1_001);
        bench.take(Protocol::Udp, "192.0.2.1:1", DTLS) == "Unknown"
    });
    assert_eq!(heard.count() as u32, UNKNOWN_PER_S + UNKNOWN_PER_S / 1_000);
}

#[test]
fn plain_requests_are_answered_so_often_for_each_network() {
    let mut bench = Bench::new();
    let request = plain_request();
    for n in 0..STUN_PER_S {
        bench.check(&format!("198.51.100.{n}:1"), &request, "answer of 32");
        bench.check(&format!("[2001:db8:7:{n:x}::1]:1"), &request, "answer of 44");
    }
    bench.check("198.51.100.200:1", &request, "Silent");
    bench.check("[2001:db8:7:ffff::1]:1", &request, "Silent");
    bench.check("198.51.101.1:1", &request, "answer of 32");
    bench.check("[2001:db8:8::1]:1", &request, "answer of 44");
    bench.now += Duration::from_secs(1) / STUN_PER_S;
    bench.check("198.51.100.200:1", &request, "answer of 32");
    bench.check("198.51.100.200:1", &request, "Silent");
    // A peer's own address is no exception, and a connection never gets one.
    bench.approve("198.51.100.200:1", 1);
    bench.check("198.51.100.200:1", &request, "Silent");
    assert_eq!(bench.take(Protocol::Tcp, "198.51.109.1:1", &request), "Silent");
}

#[test]
fn many_networks_are_served_if_not_at_once() {
    let mut bench = Bench::new();
    let source = |n: usize| format!("10.{}.{}.1:1", n / 256, n % 256);
    for n in 0..STUN_NETWORKS_MAX * 3 {
        bench.now += Duration::from_secs(1) / (UNKNOWN_PER_S - 1);
        bench.check(&source(n), &plain_request(), "answer of 32");
    }
    // Approved addresses are beyond the limit for strangers, so they could fill the table.
    let mut bench = Bench::new();
    for n in 0..=STUN_NETWORKS_MAX {
        bench.approve(&source(n), n as u32);
    }
    (0..STUN_NETWORKS_MAX).for_each(|n| bench.check(&source(n), &plain_request(), "answer of 32"));
    bench.check(&source(STUN_NETWORKS_MAX), &plain_request(), "Silent");
    bench.check(&source(0), &plain_request(), "answer of 32");
    bench.now += Duration::from_secs(1);
    bench.check(&source(STUN_NETWORKS_MAX), &plain_request(), "answer of 32");
}
