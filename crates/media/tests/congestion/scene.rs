//! A sender with our congestion control, a link, somebody else on it, and a receiver.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::congestion::{Congestion, Probe, Purpose};

use crate::link::{Dice, Link, MS, SECOND, Weather};
use crate::receiver::Receiver;

/// What wants to be sent, in bits per second.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// As much as is allowed, up to this.
    Follow(u64),
    /// These layers: the largest that fits; a larger one when there has been room for a while.
    Layers(&'static [u64]),
    /// This, whatever is allowed.
    Fixed(u64),
}

/// Somebody else who fills the link.
#[derive(Clone, Copy, Debug)]
pub enum Other {
    None,
    /// Bits per second.
    Even(u64),
    /// As much as goes, halved when something is lost.
    Greedy {
        window: f64,
        flying: u64,
        cut: u64,
    },
}

#[derive(Clone)]
enum What {
    Ours(u64),
    Theirs,
}

/// One moment, ten times a second.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "some are only looked at")]
pub struct Sample {
    pub at: u64,
    pub estimate: u64,
    /// As it is told.
    pub told: u64,
    /// Bits per second since the last one.
    pub sent: u64,
    /// Milliseconds in the queue, and as it is seen.
    pub waits: u64,
    pub seen: u64,
    /// Of it, bits per second sent for probes alone.
    pub probes: u64,
}

pub struct Scene {
    pub now: u64,
    origin: Instant,
    pub congestion: Congestion,
    pub link: Link<(u64, u8)>,
    kinds: Vec<What>,
    pub back: Link<Vec<u8>>,
    pub receiver: Receiver,
    pub load: Load,
    pub other: Other,
    /// Between reports.
    pub interval: u64,
    /// While this, neither sends or reads anything.
    pub server_sleeps: u64,
    pub receiver_sleeps: u64,
    /// What the server does takes up to so long before what it sends leaves, and whether congestion control hears of it.
    pub long_turns: Option<(u64, bool)>,
    /// The turn that goes on: when it began and ends, and what leaves then.
    turn: Option<(u64, u64)>,
    leaving: Vec<(usize, u64)>,
    dice: Dice,
    acks: Link<u64>,
    number: u64,
    told: u64,
    layer: (usize, u64),
    line: VecDeque<(u64, usize)>,
    probe: Option<(Probe, u64, usize)>,
    frame_at: u64,
    report_at: u64,
    sums: (u64, u64),
    pub log: Vec<Sample>,
    pub probes: Vec<(u64, u64)>,
    owed: f64,
}

const STEP: u64 = MS;
const PACKET: usize = 1_100;

impl Scene {
    pub fn new(first: u64, load: Load, weather: Weather, seed: u64) -> Self {
        let origin = Instant::now();
        let mut scene = Scene {
            now: 0,
            origin,
            congestion: Congestion::new(origin, first),
            link: Link::new(weather, seed),
            kinds: Vec::new(),
            back: Link::new(weather.back(), seed + 1_000),
            receiver: Receiver::new(77_000_000_000),
            load,
            other: Other::None,
            interval: 50 * MS,
            server_sleeps: 0,
            receiver_sleeps: 0,
            long_turns: None,
            turn: None,
            leaving: Vec::new(),
            dice: Dice::new(seed + 9),
            acks: Link::new(weather.back(), 5),
            number: 65_000,
            told: first,
            layer: (0, 0),
            line: VecDeque::new(),
            probe: None,
            frame_at: 0,
            report_at: 0,
            sums: (0, 0),
            log: Vec::new(),
            probes: Vec::new(),
            owed: 0.0,
        };
        scene.want();
        scene
    }

    pub fn instant(&self) -> Instant {
        self.origin + Duration::from_micros(self.now)
    }

    /// Tells what is desired: what the largest load needs, as the allocator counts.
    pub fn want(&mut self) {
        let desired = match self.load {
            Load::Follow(most) | Load::Fixed(most) => most,
            Load::Layers(layers) => layers.last().copied().unwrap_or(0) * 5 / 4,
        };
        self.congestion.set_wanted(self.instant(), 100_000, desired);
    }

    pub fn run(&mut self, time: u64) {
        let until = self.now + time;
        while self.now < until {
            self.step();
        }
    }

    /// The moments since then.
    pub fn since(&self, at: u64) -> &[Sample] {
        let from = self.log.partition_point(|sample| sample.at < at);
        &self.log[from..]
    }

    fn step(&mut self) {
        self.now += STEP;
        self.compete();
        while let Some((at, (index, _))) = self.link.arrive(self.now) {
            match self.kinds[index as usize] {
                What::Ours(number) => self.receiver.take(at.max(self.receiver_sleeps), number),
                What::Theirs => {
                    self.acks.send(self.now, 40, index);
                }
            }
        }
        if self.now >= self.report_at && self.now >= self.receiver_sleeps {
            self.report_at = self.now + self.interval;
            for report in self.receiver.report() {
                self.back.send(self.now, report.len(), report);
            }
        }
        self.make();
        self.end_turn();
        if self.now >= self.server_sleeps && self.turn.is_none() {
            self.serve();
            self.begin_turn();
        }
        if self.now.is_multiple_of(100 * MS) {
            let (sent, probes) = std::mem::take(&mut self.sums);
            let waits = self.link.waits(self.now) / MS;
            let estimate = self.congestion.estimate();
            self.log.push(Sample {
                at: self.now,
                estimate,
                told: self.told,
                sent: sent * 80,
                waits,
                seen: self.congestion.queue().as_millis() as u64,
                probes: probes * 80,
            });
        }
    }

    /// The server's turn.
    fn serve(&mut self) {
        let now = self.instant();
        while let Some((_, report)) = self.back.arrive(self.now) {
            self.congestion.handle_feedback(now, &report).expect("a report");
        }
        if self.congestion.poll_timeout().is_some_and(|at| at <= now) {
            self.congestion.handle_timeout(now);
        }
        if let Some(told) = self.congestion.poll_estimate() {
            self.told = told;
        }
        while let Some((_, bytes)) = self.line.front().copied().filter(|(at, _)| *at <= self.now) {
            self.line.pop_front();
            self.send(bytes, Purpose::Media);
        }
        if let Some(probe) = self.congestion.poll_probe(now) {
            self.probes.push((self.now, probe.bitrate));
            self.probe = Some((probe, self.now, 0));
        }
        if let Some((probe, since, mut sent)) = self.probe.take() {
            let size = (probe.bytes / probe.packets).clamp(60, PACKET);
            while sent <= probe.bytes_after(self.now - since) && self.congestion.probe_left().is_some() {
                self.send(size, Purpose::Probe(probe.id));
                sent += size;
                self.sums.1 += size as u64;
            }
            self.probe = self.congestion.probe_left().map(|_| (probe, since, sent));
        }
        assert!(self.congestion.poll_timeout().is_none_or(|at| at > now), "it would never sleep");
    }

    fn send(&mut self, bytes: usize, purpose: Purpose) {
        self.congestion.sent(self.instant(), self.number, bytes, purpose);
        self.kinds.push(What::Ours(self.number));
        self.leaving.push((bytes, self.kinds.len() as u64 - 1));
        self.number += 1;
        self.sums.0 += bytes as u64;
    }

    fn begin_turn(&mut self) {
        let most = self.long_turns.filter(|_| !self.leaving.is_empty()).map_or(0, |(most, _)| most);
        let takes = self.dice.roll(most.max(1)) / STEP * STEP;
        self.turn = Some((self.now, self.now + takes));
        self.end_turn();
    }

    fn end_turn(&mut self) {
        let Some((began, _)) = self.turn.take_if(|(_, ends)| *ends <= self.now) else { return };
        if self.long_turns.is_some_and(|(_, told)| told) {
            let began = self.origin + Duration::from_micros(began);
            self.congestion.leave(began, self.instant());
        }
        for (bytes, index) in std::mem::take(&mut self.leaving) {
            self.link.send(self.now, bytes, (index, 0));
        }
    }

    /// Thirty pictures a second; the packets of one come in the course of some milliseconds.
    fn make(&mut self) {
        if self.now < self.frame_at {
            return;
        }
        self.frame_at = self.now + 33_333;
        let bitrate = self.bitrate();
        self.owed += bitrate as f64 / 30.0 / 8.0;
        let mut bytes = self.owed.max(0.0) as usize;
        self.owed -= bytes as f64;
        let mut at = self.now;
        while bytes > 0 {
            let part = bytes.min(PACKET);
            self.line.push_back((at, part));
            bytes -= part;
            at = (at + MS).min(self.now + 15 * MS);
        }
    }

    fn bitrate(&mut self) -> u64 {
        match self.load {
            Load::Fixed(bitrate) => bitrate,
            Load::Follow(most) => self.told.min(most),
            Load::Layers(layers) => {
                let (mut layer, mut since) = self.layer;
                while layer > 0 && layers[layer] > self.told {
                    layer -= 1;
                    since = self.now;
                }
                let next = layers.get(layer + 1).is_some_and(|next| *next * 10 <= self.told * 8);
                if !next {
                    since = self.now;
                } else if self.now - since >= 3 * SECOND {
                    // As far as it goes at once, as the allocator does.
                    layer = layers.iter().rposition(|next| *next * 10 <= self.told * 8).unwrap_or(layer);
                    since = self.now;
                }
                self.layer = (layer, since);
                layers[layer]
            }
        }
    }

    fn compete(&mut self) {
        match self.other {
            Other::None => {}
            Other::Even(bitrate) => {
                self.sums_even(bitrate);
            }
            Other::Greedy { mut window, mut flying, mut cut } => {
                while self.acks.arrive(self.now).is_some() {
                    flying = flying.saturating_sub(1);
                    window += 1.0 / window;
                }
                while (flying as f64) < window {
                    self.kinds.push(What::Theirs);
                    if self.link.send(self.now, 1_400, (self.kinds.len() as u64 - 1, 1)) {
                        flying += 1;
                    } else {
                        if self.now - cut > 300 * MS {
                            (window, cut) = ((window / 2.0).max(2.0), self.now);
                        }
                        break;
                    }
                }
                self.other = Other::Greedy { window, flying, cut };
            }
        }
    }

    fn sums_even(&mut self, bitrate: u64) {
        let each = 1_400 * 8 * SECOND / bitrate;
        if self.now % each < STEP {
            self.kinds.push(What::Theirs);
            self.link.send(self.now, 1_400, (self.kinds.len() as u64 - 1, 1));
        }
    }
}
