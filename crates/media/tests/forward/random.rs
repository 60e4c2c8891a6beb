//! Random publishers, networks and wishes, judged by the subscriber's model.

use crate::network::{Dice, Habits, Publisher, Weather, frames};
use crate::source::{Packet, ms, patched};
use crate::subscriber::{Got, Run};
use media::codec::Codec;
use media::forward::{Forwarder, Recent};
use media::limit::REPLAY_PACKETS_MAX;
use std::collections::BTreeMap;
use std::time::Instant;

/// Runs of every kind.
const SEEDS: u64 = 24;
const FRAME_MS: u64 = 33;
const RUN_MS: u64 = 40_000;
/// At the end the network is fine and the wish stays.
const CALM_MS: u64 = 4_000;
/// What arrivals can be wrong by, and what a switch may make up for.
const TIME_ERROR_MS: i64 = 700;

struct Viewer {
    forwarder: Forwarder,
    start: Instant,
    /// By stream.
    recent: BTreeMap<u32, Recent<usize>>,
    got: Vec<Got>,
    offs_ms: Vec<u64>,
    now_ms: u64,
}

impl Viewer {
    fn new(dice: &mut Dice) -> Self {
        let forwarder = Forwarder::new(Codec::Vp8, dice.roll(0x1_0000) as u16, 0u32.wrapping_sub(dice.roll(1 << 21) as u32));
        Viewer { forwarder, start: Instant::now(), recent: BTreeMap::new(), got: vec![], offs_ms: vec![], now_ms: 0 }
    }

    fn wish(&mut self, layer: Option<u8>) {
        if layer.is_none() {
            self.offs_ms.push(self.now_ms);
        }
        self.forwarder.set_target(layer);
    }

    fn take(&mut self, publisher: &Publisher, at_ms: u64, index: usize) {
        let packet = &publisher.made[index].packet;
        let recent = self.recent.entry(packet.stream).or_insert_with(|| Recent::new(REPLAY_PACKETS_MAX));
        let replayable = recent.hear(packet.seq);
        let replay = self.forward(publisher, at_ms, index, replayable);
        let again: Vec<usize> = self.recent[&packet.stream].after(packet.seq, replay).copied().collect();
        for index in again {
            self.forward(publisher, at_ms, index, false);
        }
        self.forward_held(publisher, at_ms, index);
        let wanted = self.forwarder.held().filter(|(layer, _)| *layer == packet.layer).map(|(_, first)| first);
        let recent = self.recent.get_mut(&packet.stream).expect("heard");
        recent.want(wanted);
        recent.keep(packet.seq, index);
    }

    /// What waited for the end of a frame, and then the newest packet again.
    fn forward_held(&mut self, publisher: &Publisher, at_ms: u64, newest: usize) {
        let Some((layer, first)) = self.forwarder.poll_held() else { return };
        let packet = |index: usize| &publisher.made[index].packet;
        let begins = |index: &&usize| packet(**index).layer == layer && packet(**index).seq == first;
        let kept = || self.recent.values().flat_map(|recent| recent.since(first)).map(|(_, index)| index);
        let stream = kept().filter(begins).max().map(|index| packet(*index).stream);
        let again: Vec<usize> = kept().filter(|index| Some(packet(**index).stream) == stream).copied().collect();
        for index in again.into_iter().chain([newest]) {
            self.forward(publisher, at_ms, index, false);
        }
    }

    fn forward(&mut self, publisher: &Publisher, at_ms: u64, index: usize, replayable: bool) -> u64 {
        let packet = Packet { replayable, ..publisher.made[index].packet.clone() };
        let Some(sent) = self.forwarder.rewrite(&packet.at(self.start + ms(at_ms))) else { return 0 };
        let payload = patched(&packet.payload, sent.vp8.expect("counters"));
        self.got.push(Got::read(index, self.offs_ms.len() as u64, at_ms, (sent.seq, sent.time), &payload));
        sent.replay
    }
}

/// How often something happens, once in so many frames.
#[derive(Clone, Copy, Debug)]
struct Mood {
    /// Another layer is wished for.
    wish: u64,
    /// A key frame is asked for while one is waited for.
    patience: u64,
}

const STEADY: Mood = Mood { wish: 40, patience: 10 };
/// Switches follow each other within a frame or two.
const FICKLE: Mood = Mood { wish: 2, patience: 1 };

/// One run; how many packets were sent on.
fn run(seed: u64, weather: Weather, habits: Habits, thinned: bool, mood: Mood) -> usize {
    println!("{weather:?} {habits:?} thinned {thinned} {mood:?}, seed {seed}: run again with KENNEL_TEST_SEED={seed}");
    let dice = &mut Dice::new(seed);
    let mut publisher = Publisher::new(dice, habits);
    let mut viewer = Viewer::new(dice);
    viewer.wish(Some(dice.roll(3) as u8));
    while viewer.now_ms < RUN_MS {
        let calm = viewer.now_ms + CALM_MS > RUN_MS;
        if !calm && dice.roll(mood.wish) == 0 {
            let wish = dice.roll(4) as u8;
            viewer.wish((wish < 3).then_some(wish));
        }
        if calm && viewer.forwarder.current().is_none() {
            viewer.wish(Some(1));
        }
        if thinned && dice.roll(30) == 0 {
            viewer.forwarder.set_temporal(Some(dice.roll(3) as u8));
        }
        if let Some(layer) = viewer.forwarder.awaits_keyframe().filter(|_| dice.roll(mood.patience) == 0) {
            publisher.ask(layer);
        }
        publisher.calm |= calm;
        publisher.capture(dice, if calm { Weather { loss: 0, ..weather } } else { weather }, viewer.now_ms);
        viewer.now_ms += FRAME_MS;
        while let Some((at_ms, index)) = publisher.arrive(viewer.now_ms) {
            viewer.take(&publisher, at_ms, index);
        }
    }
    assert_eq!(viewer.forwarder.awaits_keyframe(), None);
    let count = viewer.got.len();
    Run {
        made: &publisher.made,
        frames: &frames(&publisher.made),
        picture_bits: habits.picture_bits,
        thinned,
        clean: weather.loss == 0 && weather.jitter == 0,
        offs_ms: &viewer.offs_ms,
        time_error_ms: TIME_ERROR_MS,
    }
    .judge(viewer.got);
    count
}

fn check(weather: Weather, thinned: bool) {
    check_in(STEADY, weather, thinned);
}

fn check_in(mood: Mood, weather: Weather, thinned: bool) {
    let wished = std::env::var("KENNEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = wished.map_or(1..=SEEDS, |seed| seed..=seed);
    for seed in seeds {
        let habits = Habits { picture_bits: if seed % 2 == 0 { 15 } else { 7 }, reports: seed % 3 > 0, restarts: seed % 5 > 1 };
        assert!(run(seed, weather, habits, thinned, mood) > 50, "hardly anything was sent on");
    }
}

#[test]
fn a_perfect_network() {
    check(Weather::default(), false);
}

#[test]
fn a_perfect_network_with_fewer_frames() {
    check(Weather::default(), true);
}

#[test]
fn a_usual_network() {
    check(Weather { loss: 3, repair: 90, twice: 1, jitter: 12 }, false);
}

#[test]
fn a_usual_network_with_fewer_frames() {
    check(Weather { loss: 3, repair: 90, twice: 1, jitter: 12 }, true);
}

#[test]
fn a_terrible_network() {
    check(Weather { loss: 30, repair: 70, twice: 10, jitter: 40 }, false);
}

#[test]
fn a_terrible_network_with_fewer_frames() {
    check(Weather { loss: 30, repair: 70, twice: 10, jitter: 40 }, true);
}

#[test]
fn switch_upon_switch_in_a_perfect_network() {
    check_in(FICKLE, Weather::default(), false);
}

#[test]
fn switch_upon_switch_in_a_perfect_network_with_fewer_frames() {
    check_in(FICKLE, Weather::default(), true);
}

#[test]
fn switch_upon_switch_in_a_usual_network() {
    check_in(FICKLE, Weather { loss: 3, repair: 90, twice: 1, jitter: 12 }, false);
}

#[test]
fn switch_upon_switch_in_a_terrible_network() {
    check_in(FICKLE, Weather { loss: 30, repair: 70, twice: 10, jitter: 40 }, false);
}
