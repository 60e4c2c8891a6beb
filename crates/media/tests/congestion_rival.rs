//! The library's own estimator over the same emulated links as ours, to compare: `cargo test -p kennel-media --test congestion_rival --
//! --ignored --nocapture`, beside `--test congestion -- --ignored --nocapture figures`.

#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "shared with the tests of our own")]
#[path = "congestion/link.rs"]
mod link;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use link::{Link, MS, SECOND, Weather};
use str0m::bwe::{Bitrate, BweKind};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

const PACKET: usize = 1_060;

struct Rival {
    now: u64,
    origin: Instant,
    ends: [Rtc; 2],
    due: [Instant; 2],
    links: [Link<Vec<u8>>; 2],
    mid: Mid,
    told: u64,
    seq: u64,
    frame_at: u64,
    line: VecDeque<(u64, usize)>,
    layer: (usize, u64),
    sent: u64,
    log: Vec<(u64, u64, u64, u64)>,
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + end as u8], 5_000))
}

impl Rival {
    fn new(first: u64, seed: u64) -> Self {
        let origin = Instant::now();
        let config = || Rtc::builder().set_rtp_mode(true).clear_codecs().enable_vp8(true);
        let mut ends = [config().enable_bwe(Some(Bitrate::bps(first))).build(origin), config().build(origin)];
        for (end, rtc) in ends.iter_mut().enumerate() {
            rtc.add_local_candidate(Candidate::host(address(end), Protocol::Udp).unwrap());
        }
        let mut api = ends[0].sdp_api();
        let mid = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        let answer = ends[1].sdp_api().accept_offer(offer).unwrap();
        ends[0].sdp_api().accept_answer(pending, answer).unwrap();
        let weather = Weather::wide(100_000_000);
        Rival {
            now: 0,
            origin,
            ends,
            due: [origin; 2],
            links: [Link::new(weather, seed), Link::new(weather, seed + 1_000)],
            mid,
            told: first,
            seq: 65_000,
            frame_at: 0,
            line: VecDeque::new(),
            layer: (0, 0),
            sent: 0,
            log: Vec::new(),
        }
    }

    fn step(&mut self, layers: Option<&[u64]>, most: u64) {
        self.now += MS;
        let now = self.origin + Duration::from_micros(self.now);
        for end in 0..2 {
            while let Some((_, bytes)) = self.links[1 - end].arrive(self.now) {
                let receive = Receive::new(Protocol::Udp, address(1 - end), address(end), &bytes).unwrap();
                let _ = self.ends[end].handle_input(Input::Receive(now, receive));
                self.drain(end);
            }
        }
        if layers.is_some() || most > 0 {
            self.make(layers, most, now);
        }
        for end in 0..2 {
            for _ in 0..50 {
                if self.due[end] > now {
                    break;
                }
                let _ = self.ends[end].handle_input(Input::Timeout(now));
                self.drain(end);
            }
        }
        if self.now.is_multiple_of(100 * MS) {
            let sent = std::mem::take(&mut self.sent);
            self.log.push((self.now, self.told, sent * 80, self.links[0].waits(self.now) / MS));
        }
    }

    fn drain(&mut self, end: usize) {
        loop {
            match self.ends[end].poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.due[end] = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    self.sent += if end == 0 { transmit.contents.len() as u64 } else { 0 };
                    self.links[end].send(self.now, transmit.contents.len(), transmit.contents.to_vec());
                }
                Output::Event(Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. })) => self.told = estimate.as_u64(),
                Output::Event(_) => {}
            }
        }
    }

    fn make(&mut self, layers: Option<&[u64]>, most: u64, now: Instant) {
        if self.now >= self.frame_at {
            self.frame_at = self.now + 33_333;
            let bitrate = layers.map_or(self.told.min(most), |layers| self.choose(layers));
            let (mut bytes, mut at) = ((bitrate / 240) as usize, self.now);
            while bytes > 0 {
                let part = bytes.min(PACKET);
                self.line.push_back((at, part));
                bytes -= part;
                at = (at + MS).min(self.now + 15 * MS);
            }
        }
        while self.line.front().is_some_and(|(at, _)| *at <= self.now) {
            let (_, bytes) = self.line.pop_front().unwrap();
            let pt = self.ends[0].codec_config().params()[0].pt();
            let time = (self.now * 9 / 100) as u32;
            let mut api = self.ends[0].direct_api();
            let stream = api.stream_tx_by_mid(self.mid, None).unwrap();
            let write = RtpWrite::new(pt, self.seq.into(), time, now, vec![0_u8; bytes.max(40)]);
            stream.write_rtp(write.ext_vals(ExtensionValues::default()));
            self.seq += 1;
            let _ = self.ends[0].handle_input(Input::Timeout(now));
            self.drain(0);
        }
    }

    fn choose(&mut self, layers: &[u64]) -> u64 {
        let (mut layer, mut since) = self.layer;
        while layer > 0 && layers[layer] > self.told {
            (layer, since) = (layer - 1, self.now);
        }
        let fits = |next: &u64| *next * 10 <= self.told * 8;
        if !layers.get(layer + 1).is_some_and(fits) {
            since = self.now;
        } else if self.now - since >= 3 * SECOND {
            (layer, since) = (layers.iter().rposition(fits).unwrap_or(layer), self.now);
        }
        self.layer = (layer, since);
        layers[layer]
    }
}

const THREE: &[u64] = &[150_000, 500_000, 2_000_000];

#[test]
#[ignore = "figures"]
fn figures() {
    let wide = Weather::wide;
    let mean = |rows: &[(u64, u64, u64, u64)], of: fn(&(u64, u64, u64, u64)) -> u64| {
        rows.iter().map(of).sum::<u64>() / rows.len() as u64
    };
    let row = |name: &str, rows: &[(u64, u64, u64, u64)]| {
        let mut waits: Vec<u64> = rows.iter().map(|row| row.3).collect();
        waits.sort();
        let told = rows.iter().map(|row| row.1 / 1_000);
        println!(
            "{name:30} told {:5} [{:5}..{:5}] sent {:5} waits p50 {:3} p95 {:3} max {:3}",
            mean(rows, |row| row.1) / 1_000,
            told.clone().min().unwrap(),
            told.max().unwrap(),
            mean(rows, |row| row.2) / 1_000,
            waits[waits.len() / 2],
            waits[waits.len() * 95 / 100],
            waits.last().unwrap()
        );
    };
    let run = |name: &str, first: u64, layers: Option<&[u64]>, steps: &[(Weather, u64)]| {
        let mut rival = Rival::new(first, 1);
        while !rival.ends[0].is_connected() || rival.now < 2 * SECOND {
            rival.step(None, 0);
        }
        let began = rival.now;
        let (most, desired) = layers.map_or((6_000_000, 6_000_000), |layers| (0, layers[layers.len() - 1] * 5 / 4));
        rival.ends[0].bwe().set_bitrate(Bitrate::bps(100_000), Bitrate::bps(desired));
        rival.drain(0);
        rival.log.clear();
        for (weather, seconds) in steps {
            rival.links[0].weather = *weather;
            rival.links[1].weather = weather.back();
            let from = rival.now;
            for _ in 0..seconds * 1_000 {
                rival.step(layers, most);
            }
            let skip = if from == began { 5 * SECOND } else { 0 };
            let rows: Vec<_> = rival.log.iter().copied().filter(|row| row.0 >= from + skip).collect();
            row(name, &rows);
            if std::env::var("SHOW").is_ok_and(|wanted| name.contains(&wanted)) {
                rival.log.iter().filter(|row| row.0 >= from).step_by(5).for_each(|row| println!("{row:?}"));
            }
        }
        let found = rival.log.iter().find(|row| row.1 >= 2_200_000).map(|row| (row.0 - began) / MS);
        println!("{:30} 2.2 Mbit/s told after {found:?} ms", "");
    };
    run("10M follow", 300_000, None, &[(wide(10_000_000), 30)]);
    run("2.5M follow", 300_000, None, &[(wide(2_500_000), 30)]);
    run("2.5M 100ms", 300_000, None, &[(Weather { delay: 100 * MS, ..wide(2_500_000) }, 30)]);
    run("300k from 5M", 5_000_000, None, &[(wide(300_000), 30)]);
    run("1M from 5M", 5_000_000, None, &[(wide(1_000_000), 30)]);
    run("jitter 20", 300_000, None, &[(Weather { jitter: 20 * MS, ..wide(2_500_000) }, 30)]);
    run("jitter 60", 300_000, None, &[(Weather { jitter: 60 * MS, ..wide(2_500_000) }, 30)]);
    for loss in [20, 50, 100, 300] {
        run(&format!("loss {loss} per thousand"), 300_000, None, &[(Weather { loss, ..wide(2_500_000) }, 30)]);
    }
    run("short queue 20ms", 300_000, None, &[(Weather { queue: 20 * MS, ..wide(2_500_000) }, 30)]);
    run("deep queue 2s", 5_000_000, None, &[(Weather { queue: 2 * SECOND, ..wide(1_000_000) }, 30)]);
    let steps = [(wide(5_000_000), 20), (wide(2_500_000), 20), (wide(1_250_000), 20), (wide(300_000), 20), (wide(6_000_000), 20)];
    run("steps follow", 300_000, None, &steps);
    run("steps layers", 300_000, Some(THREE), &steps);
    run("layers 10M", 300_000, Some(THREE), &[(wide(10_000_000), 30)]);
    run("layers 1M", 300_000, Some(THREE), &[(wide(1_000_000), 30)]);
    run("layers 10M loss 5%", 300_000, Some(THREE), &[(Weather { loss: 50, ..wide(10_000_000) }, 30)]);
    run("layers 10M loss 30%", 300_000, Some(THREE), &[(Weather { loss: 300, ..wide(10_000_000) }, 30)]);
    run("layers 10M jitter 60", 300_000, Some(THREE), &[(Weather { jitter: 60 * MS, ..wide(10_000_000) }, 30)]);
}
