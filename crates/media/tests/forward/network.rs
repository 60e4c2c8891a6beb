//! A publisher with three layers, and what a bad network makes of it.

use crate::source::{Packet, Vp8, ms};
use media::codec::Codec;
use media::forward::SenderReport;
use std::collections::{BTreeMap, BTreeSet};

/// A small generator of our own (xorshift64*), so that a seed is all it takes to see a run again.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.roll(100) < chance
    }
}

/// What a network does, in percent of the packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub loss: u64,
    /// Of the lost ones, how many are sent again and come late.
    pub repair: u64,
    pub twice: u64,
    /// Milliseconds.
    pub jitter: u64,
}

/// What a publisher does now and then.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub picture_bits: u8,
    pub reports: bool,
    /// Streams start anew, or jump.
    pub restarts: bool,
}

/// A packet, and what only its publisher knows.
#[derive(Clone, Debug)]
pub struct Made {
    pub packet: Packet,
    /// A layer's stream until it starts anew.
    pub epoch: u64,
    /// Counts in an epoch.
    pub frame: u64,
    pub index: u64,
    pub key: bool,
    pub tl0: u64,
    pub temporal: u8,
    /// Frames of the same epoch.
    pub refs: Vec<u64>,
    pub captured_ms: u64,
    /// When it came to the server, each time.
    pub arrivals: Vec<u64>,
    /// A newer one of the epoch came before it.
    pub late: bool,
}

/// A layer's counters.
struct Layer {
    epoch: u64,
    stream: u32,
    seq: u64,
    time: u32,
    picture: u64,
    tl0: u64,
    frame: u64,
    phase: usize,
    last: [Option<u64>; 3],
    began_ms: u64,
    wants_key: bool,
}

pub struct Publisher {
    layers: [Layer; 3],
    epochs: u64,
    habits: Habits,
    /// No stream starts anew any more.
    pub calm: bool,
    pub made: Vec<Made>,
    /// When, and which of `made`.
    under_way: BTreeSet<(u64, u64, usize)>,
    sent: u64,
    /// By epoch, which of `made`.
    newest: BTreeMap<u64, usize>,
}

const PATTERN: [u8; 4] = [0, 2, 1, 2];

impl Publisher {
    pub fn new(dice: &mut Dice, habits: Habits) -> Self {
        let layers = [0, 1, 2].map(|n| Layer::new(dice, n, n as u32 + 10, 0));
        Publisher {
            layers,
            epochs: 3,
            habits,
            calm: false,
            made: vec![],
            under_way: BTreeSet::new(),
            sent: 0,
            newest: BTreeMap::new(),
        }
    }

    pub fn ask(&mut self, layer: u8) {
        self.layers[usize::from(layer)].wants_key = true;
    }

    /// Every layer sends a frame of this moment.
    pub fn capture(&mut self, dice: &mut Dice, weather: Weather, now_ms: u64) {
        for layer in 0..3 {
            if self.habits.restarts && !self.calm && dice.roll(300) == 0 {
                self.restart(dice, layer, now_ms);
            }
            self.send_frame(dice, weather, now_ms, layer);
        }
    }

    /// The next packet that is there by now.
    pub fn arrive(&mut self, now_ms: u64) -> Option<(u64, usize)> {
        let (at, ..) = *self.under_way.first()?;
        if at > now_ms {
            return None;
        }
        let (at, _, index) = self.under_way.pop_first()?;
        let made = &mut self.made[index];
        let newest = self.newest.entry(made.epoch).or_insert(index);
        made.late |= made.arrivals.is_empty() && *newest > index;
        *newest = index.max(*newest);
        made.arrivals.push(at);
        Some((at, index))
    }

    fn restart(&mut self, dice: &mut Dice, layer: usize, now_ms: u64) {
        let old = &self.layers[layer];
        let stream = old.stream + if dice.percent(50) { 100 } else { 0 };
        let mut new = Layer::new(dice, self.epochs, stream, now_ms);
        if stream == old.stream {
            new.seq = old.seq + 10_000;
        }
        self.layers[layer] = new;
        self.epochs += 1;
    }

    fn send_frame(&mut self, dice: &mut Dice, weather: Weather, now_ms: u64, number: usize) {
        let layer = &mut self.layers[number];
        let key = layer.frame == 0 || layer.wants_key || dice.roll(90) == 0;
        layer.wants_key = false;
        let (temporal, sync, refs) = layer.follow(dice, key);
        let count = if key { 3 + dice.roll(4) } else { 1 + dice.roll(2 + number as u64) };
        for index in 0..count {
            let packet = layer.packet(number as u8, self.habits, now_ms, (key, index == 0, temporal, sync));
            let packet = Packet { ends_frame: index + 1 == count, ..packet };
            let made = Made {
                packet,
                epoch: layer.epoch,
                frame: layer.frame,
                index,
                key,
                tl0: layer.tl0,
                temporal,
                refs: refs.clone(),
                captured_ms: now_ms,
                arrivals: Vec::new(),
                late: false,
            };
            layer.seq += 1;
            // A browser sends the layers' packets by turns.
            self.under_way.extend(ways(dice, weather, now_ms + 20 + index).into_iter().map(|at| {
                self.sent += 1;
                (at, self.sent, self.made.len())
            }));
            self.made.push(made);
        }
        layer.frame += 1;
        layer.picture += 1;
    }
}

impl Layer {
    /// Close to where all the counters wrap.
    fn new(dice: &mut Dice, epoch: u64, stream: u32, now_ms: u64) -> Self {
        Layer {
            epoch,
            stream,
            seq: 65_000 + dice.roll(700),
            time: (dice.roll(1 << 22) as u32).wrapping_sub(1 << 21),
            picture: 0x7f80 + dice.roll(200),
            tl0: dice.roll(256),
            frame: 0,
            phase: 0,
            last: [None; 3],
            began_ms: now_ms,
            wants_key: false,
        }
    }

    /// The next frame's layer, and which frames it needs.
    fn follow(&mut self, dice: &mut Dice, key: bool) -> (u8, bool, Vec<u64>) {
        if key {
            (self.phase, self.last) = (0, [None; 3]);
        }
        let temporal = PATTERN[self.phase % 4];
        self.phase += 1;
        self.tl0 += u64::from(temporal == 0);
        let sync = temporal > 0 && (self.last[usize::from(temporal)].is_none() || dice.percent(20));
        let highest = if sync { 0 } else { usize::from(temporal) };
        let refs = self.last[..=highest].iter().flatten().copied().collect();
        self.last[usize::from(temporal)] = Some(self.frame);
        (temporal, sync, refs)
    }

    fn packet(&self, number: u8, habits: Habits, now_ms: u64, (key, starts, temporal, sync): (bool, bool, u8, bool)) -> Packet {
        let vp8 = Vp8 {
            key,
            starts,
            picture: Some((self.picture as u16, habits.picture_bits)),
            tl0: Some(self.tl0 as u8),
            temporal: Some(temporal),
            sync,
        };
        let time = |ms: u64| self.time.wrapping_add((ms * 90) as u32);
        let reported_ms = now_ms / 1_000 * 1_000;
        let report = SenderReport { clock: ms(77_000_000 + reported_ms), time: time(reported_ms) };
        let known = habits.reports && reported_ms > self.began_ms;
        Packet {
            stream: self.stream,
            report: known.then_some(report),
            ..Packet::new(Codec::Vp8, number, self.seq, time(now_ms), &vp8.bytes())
        }
    }
}

/// When a packet comes: not at all, once, or more often.
fn ways(dice: &mut Dice, weather: Weather, soonest: u64) -> Vec<u64> {
    let at = soonest + dice.roll(weather.jitter + 1);
    let mut ways = Vec::new();
    if !dice.percent(weather.loss) {
        ways.push(at);
    } else if dice.percent(weather.repair) {
        ways.push(at + 50 + dice.roll(100));
    }
    if !ways.is_empty() && dice.percent(weather.twice) {
        ways.push(at + 1 + dice.roll(200));
    }
    ways
}

/// Which packets belong to the frames of an epoch.
pub type Frames = BTreeMap<(u64, u64), Vec<usize>>;

pub fn frames(made: &[Made]) -> Frames {
    let mut frames = Frames::new();
    for (index, made) in made.iter().enumerate() {
        frames.entry((made.epoch, made.frame)).or_default().push(index);
    }
    frames
}
