//! Datagrams from many addresses among claims, approvals, checks and ends of peers. The input is a script: each step is a byte for what happens, a
//! byte for the address, a byte for a length, and so many bytes.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use media::demux::{Demux, Stun, Transaction, Verdict};
use media::net::{Datagram, Protocol};

type Address = (Protocol, SocketAddr);

/// What was claimed, approved, expected and asked, without the limits: the demultiplexer may know less, never more.
#[derive(Default)]
struct Model {
    approved: HashMap<Address, u8>,
    claimed: HashMap<Address, HashSet<u8>>,
    expected: HashMap<Vec<u8>, HashSet<u8>>,
    asked: HashMap<Transaction, u8>,
}

pub fn run(data: &[u8]) {
    let mut now = Instant::now();
    let (mut demux, mut model) = (Demux::new(now), Model::default());
    let mut rest = data;
    while let [what, from, length, more @ ..] = rest {
        let (bytes, after) = more.split_at(usize::from(*length).min(more.len()));
        rest = after;
        now += Duration::from_micros(u64::from(*what) * 7);
        step(now, &mut demux, &mut model, *what, *from, bytes);
    }
}

fn step(now: Instant, demux: &mut Demux<u8>, model: &mut Model, what: u8, from: u8, bytes: &[u8]) {
    let (address, peer) = (address(from), from % 5);
    match what % 16 {
        0 | 8 => {
            let name = String::from_utf8_lossy(bytes).into_owned();
            demux.expect(&name, peer);
            model.expected.entry(name.into_bytes()).or_default().insert(peer);
        }
        1 | 9 => {
            demux.approve(address.0, address.1, peer);
            model.approved.insert(address, peer);
        }
        2 | 10 => {
            demux.forget_address(address.0, address.1);
            model.approved.remove(&address);
            model.claimed.remove(&address);
        }
        3 | 11 => {
            demux.forget(peer);
            model.approved.retain(|_, owner| *owner != peer);
            model.asked.retain(|_, owner| *owner != peer);
            model.claimed.values_mut().for_each(|owners| owners.retain(|owner| *owner != peer));
            model.expected.values_mut().for_each(|owners| owners.retain(|owner| *owner != peer));
        }
        12 => {
            demux.claim(address.0, address.1, peer);
            model.claimed.entry(address).or_default().insert(peer);
        }
        13 => {
            let mut check = Transaction::default();
            check.iter_mut().zip(bytes).for_each(|(own, byte)| *own = *byte);
            demux.await_answer(check, peer);
            model.asked.insert(check, peer);
        }
        _ => judge(demux, now, model, address, bytes),
    }
}

fn judge(demux: &mut Demux<u8>, now: Instant, model: &Model, address: Address, bytes: &[u8]) {
    let destination = SocketAddr::from(([203, 0, 113, 1], 8444));
    let datagram = Datagram { protocol: address.0, source: address.1, destination, bytes };
    match demux.peer_of(now, &datagram) {
        Verdict::Peer(peer) => {
            let claimed = model.claimed.get(&address).is_some_and(|owners| owners.contains(&peer));
            assert!(claimed || model.approved.get(&address) == Some(&peer));
        }
        Verdict::Ask(peer) => {
            let stun = Stun::parse(bytes).expect("a check or an answer");
            if stun.is_answer() {
                return assert_eq!(model.asked.get(stun.transaction), Some(&peer));
            }
            let ufrag = stun.local_ufrag().expect("a name");
            assert!(model.expected.get(ufrag).is_some_and(|owners| owners.contains(&peer)));
        }
        Verdict::Answer(answer) => {
            assert!(address.0 == Protocol::Udp && answer.len() <= 3 * bytes.len() && answer.len() <= 44);
            assert!(Stun::parse(&answer).is_some_and(|stun| bytes.get(8..20) == Some(&stun.transaction[..])));
        }
        Verdict::Drop(_) => {}
    }
}

fn address(from: u8) -> Address {
    let ip: IpAddr =
        if from & 1 == 0 { [198, 51, 100, from].into() } else { [0x2001, 0xdb8, u16::from(from), 0, 0, 0, 0, 1].into() };
    (if from & 2 == 0 { Protocol::Udp } else { Protocol::Tcp }, SocketAddr::new(ip, 5000))
}
