//! Parts of the media server by themselves: whose a datagram is, descriptions, numbers of packets, and an engine between its datagrams in
//! and its datagrams out.
//!
//! `cargo bench -p kennel-media --bench parts` measures all, `… -- demux` what has this word in its name.

#![allow(missing_docs, clippy::unwrap_used, dead_code, reason = "shares the tests' models")]

#[path = "../tests/sfu/client.rs"]
mod client;
#[path = "../tests/sfu/ground.rs"]
mod ground;
#[path = "../tests/sfu/meter.rs"]
mod meter;
#[path = "../tests/sfu/mixer.rs"]
mod mixer;
#[path = "../tests/sfu/picture.rs"]
mod picture;
#[path = "../tests/congestion/receiver.rs"]
mod receiver;
mod rows;
#[path = "../tests/forward/source.rs"]
mod source;
#[path = "../tests/support/stun.rs"]
mod stun;
#[path = "../tests/sfu/world.rs"]
mod world;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::codec::{Codec, Descriptor};
use media::congestion::{Congestion, Purpose};
use media::demux::{Demux, Verdict};
use media::forward::Forwarder;
use media::net::{Datagram, Protocol};
use media::sdp;
use room::Act as Order;
use rows::{Act, Row};
use source::{Packet, Vp8};
use world::World;

const ROWS: &[Row] = &[
    Row { name: "demux: media of 1,000 clients", times: 5, make: demux_media },
    Row { name: "demux: checks by name of 1,000 clients", times: 5, make: demux_checks },
    Row { name: "codec: look at 1,000 packets of VP8", times: 5, make: look },
    Row { name: "forward: 1 packet to 1,000, numbers only", times: 20, make: rewrite },
    Row { name: "congestion: 20 packets and a report on them", times: 100, make: report },
    Row { name: "sdp: read an offer of 50 sections", times: 20, make: read_offer },
    Row { name: "sdp: answer an offer of 20 sections", times: 5, make: answer_offer },
    Row { name: "engine: 100 ms of sound and pictures to 5", times: 20, make: pass },
];

fn main() {
    rows::run(ROWS);
}

const SERVER: &str = "203.0.113.1:8444";
const CLIENTS: u32 = 1_000;

fn address(client: u32) -> SocketAddr {
    let [_, _, high, low] = client.to_be_bytes();
    SocketAddr::from(([198, 51, high, low], 5_000))
}

fn demux() -> Demux<u32> {
    let mut demux = Demux::new(Instant::now());
    for client in 0..CLIENTS {
        demux.expect(&format!("ours{client}"), client);
        demux.approve(Protocol::Udp, address(client), client);
    }
    demux
}

fn demux_media() -> Act {
    let (mut demux, now, destination) = (demux(), Instant::now(), SERVER.parse().unwrap());
    Box::new(move |meter| {
        meter.counted(|| {
            for client in 0..CLIENTS {
                let bytes: &[u8] = black_box(&[0x80, 96, 0, 1]);
                let datagram = Datagram { protocol: Protocol::Udp, source: address(client), destination, bytes };
                assert!(matches!(demux.peer_of(now, &datagram), Verdict::Peer(found) if found == client));
            }
        });
    })
}

/// From addresses that nobody has approved, as when somebody's network changes.
fn demux_checks() -> Act {
    let (mut demux, mut now, destination) = (demux(), Instant::now(), SERVER.parse().unwrap());
    let checks: Vec<Vec<u8>> = (0..CLIENTS).map(|client| stun::check(&format!("ours{client}:theirs"))).collect();
    Box::new(move |meter| {
        now += Duration::from_secs(60);
        meter.counted(|| {
            for (client, bytes) in (0..).zip(&checks) {
                let source = address(CLIENTS + client);
                let datagram = Datagram { protocol: Protocol::Udp, source, destination, bytes };
                assert!(matches!(demux.peer_of(now, &datagram), Verdict::Ask(found) if found == client));
            }
        });
    })
}

fn frame(n: u64) -> Vec<u8> {
    Vp8 { key: n == 0, starts: true, picture: Some((n as u16, 15)), tl0: Some(n as u8), temporal: Some(0), sync: false }.bytes()
}

fn look() -> Act {
    let frames: Vec<Vec<u8>> = (0..1_000).map(frame).collect();
    Box::new(move |meter| {
        let starts = meter.counted(|| {
            let descriptors = frames.iter().map(|frame| Descriptor::parse(Codec::Vp8, black_box(frame)));
            descriptors.filter(|descriptor| descriptor.starts_frame).count()
        });
        assert_eq!(starts, frames.len());
    })
}

fn rewrite() -> Act {
    let forwarder = || {
        let mut forwarder = Forwarder::new(Codec::Vp8, 100, 7);
        forwarder.set_target(Some(0));
        forwarder
    };
    let mut forwarders: Vec<Forwarder> = (0..1_000).map(|_| forwarder()).collect();
    let (mut n, start) = (0, Instant::now());
    Box::new(move |meter| {
        let packet = Packet::new(Codec::Vp8, 0, 1_000 + n, (n * 3_000) as u32, &frame(n));
        let arrived = packet.at(start + Duration::from_millis(n * 33));
        let passed = meter.counted(|| forwarders.iter_mut().filter_map(|one| one.rewrite(black_box(&arrived))).count());
        assert_eq!(passed, forwarders.len());
        n += 1;
    })
}

/// Twenty reports a second of what four cameras send.
fn report() -> Act {
    const PACKETS: u64 = 20;
    let (start, mut round) = (Instant::now(), 0);
    let mut congestion = Congestion::new(start, 3_000_000);
    congestion.set_wanted(start, 100_000, 6_000_000);
    Box::new(move |meter| {
        let began = start + Duration::from_millis(round * 50);
        let arrivals: Vec<Option<i64>> = (0..PACKETS).map(|n| Some((round * 200 + n * 10 + 9_000) as i64)).collect();
        let told = receiver::encode(round * PACKETS, round as u8, &arrivals);
        let asked = meter.counted(|| {
            for n in 0..PACKETS {
                congestion.sent(began + Duration::from_micros(n / 2 * 5_000), round * PACKETS + n, 1_000, Purpose::Media);
            }
            let now = began + Duration::from_millis(60);
            congestion.handle_feedback(now, black_box(&told)).unwrap();
            congestion.handle_timeout(now);
            congestion.poll_timeout()
        });
        assert!(asked.is_some());
        round += 1;
    })
}

/// What a browser offers that receives 50 tracks.
fn offer() -> String {
    let mut text = String::from("v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    (0..50).for_each(|mid| text += &format!(" {mid}"));
    text += "\r\na=msid-semantic: WMS\r\n";
    for mid in 0..50 {
        let kind = if mid % 2 == 0 { "audio" } else { "video" };
        text += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
        );
        text += "a=ice-pwd:0123456789abcdefghijklmn\r\na=fingerprint:sha-256 ";
        text += &"AB:".repeat(31);
        text += &format!("AB\r\na=setup:actpass\r\na=mid:{mid}\r\na=sendrecv\r\na=msid:stream track-{mid}\r\na=rtcp-mux\r\n");
        text += "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
        text += &format!("a=ssrc-group:FID {} {}\r\na=ssrc:{} cname:x\r\n", mid * 2 + 1, mid * 2 + 2, mid * 2 + 1);
    }
    text
}

fn read_offer() -> Act {
    let text = offer();
    Box::new(move |meter| {
        let sections = meter.counted(|| {
            sdp::check(black_box(&text)).unwrap();
            sdp::View::parse(&text).sections.len()
        });
        assert_eq!(sections, 50);
    })
}

/// Ten who send, of whom one offers again and again.
fn answer_offer() -> Act {
    let mut world = World::new(5);
    world.quiet = true;
    for _ in 0..10 {
        world.join(true, true, false);
    }
    world.run(Duration::from_secs(4));
    assert!(world.placed.values().all(|placed| placed.len() == 18));
    Box::new(move |meter| {
        let offer = world.clients[0].restart_ice();
        let (who, link) = (world.clients[0].who, world.clients[0].link.clone());
        let order = room::Order::new(world::ROOM, who, Order::Signal(link, offer));
        let heard = world.reports.len();
        let now = world.now;
        let engine = &mut world.engine;
        meter.counted(|| {
            engine.handle_order(now, order);
            engine.flush(now);
        });
        // So many descriptions of one client are looked at in a second.
        world.run(Duration::from_millis(300));
        let answered = |report: &room::Report| matches!(report, room::Report::Of { who: hearer, news: room::News::Signal(_), .. } if *hearer == who);
        assert!(world.reports[heard..].iter().any(answered));
    })
}

/// One who sends and five who receive. What is decrypted and encrypted is part of it.
fn pass() -> Act {
    let mut world = World::new(6);
    world.join(true, true, false);
    for _ in 0..5 {
        world.join(false, false, false);
    }
    world.run(Duration::from_secs(4));
    Box::new(move |meter| {
        let steps = world.record(Duration::from_millis(100));
        world.make_room(1 << 20);
        let passed = meter.counted(|| world.replay(&steps));
        world.land();
        world.run(Duration::from_millis(100));
        assert!(passed >= 5 * 12, "{passed}");
    })
}
