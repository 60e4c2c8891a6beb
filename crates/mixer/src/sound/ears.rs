//! Who hears what. Ears that hear the same share one mix and one encoder.

use super::SoundSettings;
use super::limit::EARS_MAX;
use super::limiter::Limiter;
use super::voice::{Voiced, factor, ramp};
use crate::codec::CodecError;
use crate::codec::opus::{OpusEncoder, PACKET_BYTES_MAX};
use crate::input::InputId;

/// One that hears the mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Ear {
    /// Who.
    pub ear: InputId,
    /// Whether it hears anything. If not, it gets silence.
    pub hears: bool,
    /// Its own voices, which it does not hear.
    pub own: Vec<InputId>,
    /// How much louder than they are it hears the others, in decibels: -50 to 50.
    pub gain_db: f32,
    /// How many of a hundred packets do not reach it. From 6 on what may be lost is repeated, at three times the processor time.
    pub loss_percent: u8,
}

impl Ear {
    /// One that hears all but this voice, as loud as it is, over a path that loses nothing.
    #[must_use]
    pub fn of(ear: InputId) -> Ear {
        Ear { ear, hears: true, own: vec![ear], gain_db: 0.0, loss_percent: 0 }
    }
}

/// What a group of ears hears.
#[derive(Clone, Debug, PartialEq)]
struct Heard {
    hears: bool,
    /// The own voices that can be heard now, in order.
    own: Vec<InputId>,
    gain: f32,
}

impl Heard {
    fn by(ear: &Ear, voices: &[Voiced]) -> Heard {
        if !ear.hears {
            return Heard { hears: false, own: Vec::new(), gain: 0.0 };
        }
        let mut own: Vec<InputId> = ear.own.iter().copied().filter(|own| is_open(voices, *own)).collect();
        own.sort_unstable();
        own.dedup();
        Heard { hears: true, own, gain: factor(ear.gain_db.round()) }
    }
}

/// Whether this voice is in the mix, so that its owner needs one without it.
fn is_open(voices: &[Voiced], input: InputId) -> bool {
    voices.iter().any(|voice| voice.input() == input && voice.is_open())
}

/// All ears.
#[derive(Debug)]
pub struct Ears {
    settings: SoundSettings,
    list: Vec<Ear>,
    /// Each ear, and its group.
    placed: Vec<(InputId, usize)>,
    groups: Vec<Group>,
    changed: bool,
    /// The last tick's sum.
    before: Vec<f32>,
    mix: Vec<f32>,
    /// The ear whose packet is polled next.
    next: usize,
}

impl Ears {
    /// None yet.
    pub fn new(settings: SoundSettings) -> Ears {
        let (list, placed, groups) = (Vec::new(), Vec::new(), Vec::new());
        Ears { settings, list, placed, groups, changed: false, before: Vec::new(), mix: Vec::new(), next: 0 }
    }

    /// These are all the ears there are. Returns how many are too many.
    pub fn set(&mut self, ears: &[Ear]) -> usize {
        self.list.clear();
        self.list.extend(ears.iter().take(EARS_MAX).cloned());
        self.changed = true;
        ears.len() - self.list.len()
    }

    /// Voices have come, left, been muted or heard again, so that other ears hear the same.
    pub fn regroup(&mut self) {
        self.changed = true;
    }

    /// Makes everyone's packet of what all voices give together. Returns how many could not be made.
    pub fn encode(&mut self, voices: &[Voiced], sum: &[f32]) -> u64 {
        if std::mem::take(&mut self.changed) {
            self.assign(voices);
        }
        let mut failed = 0;
        for group in &mut self.groups {
            group.mix(voices, sum, &mut self.mix);
            failed += u64::from(!group.encode(&mut self.mix, self.settings.channels.count()));
        }
        self.before.clear();
        self.before.extend_from_slice(sum);
        self.next = 0;
        failed
    }

    /// The next ear's packet.
    pub fn poll(&mut self) -> Option<(InputId, &[u8])> {
        while let Some((ear, group)) = self.placed.get(self.next) {
            self.next += 1;
            let packet = self.groups.get(*group).map(|group| &group.packet);
            if let Some(packet) = packet.filter(|packet| !packet.is_empty()) {
                return Some((*ear, packet));
            }
        }
        None
    }

    /// How many encoders there are.
    pub fn encoders(&self) -> usize {
        self.groups.len()
    }

    fn assign(&mut self, voices: &[Voiced]) {
        let mut wanted: Vec<Wanted> = Vec::new();
        let before = std::mem::take(&mut self.placed);
        for ear in &self.list {
            let heard = Heard::by(ear, voices);
            let at = wanted.iter().position(|wanted| wanted.heard == heard).unwrap_or_else(|| {
                let was = before.iter().find(|(was, _)| *was == ear.ear).map(|(_, group)| *group);
                wanted.push(Wanted { heard, was, loss_percent: 0 });
                wanted.len() - 1
            });
            if let Some(wanted) = wanted.get_mut(at) {
                wanted.loss_percent = wanted.loss_percent.max(ear.loss_percent.min(100));
            }
            self.placed.push((ear.ear, at));
        }
        self.gather(&wanted);
    }

    /// Makes the groups, of those that there are where it can be: who goes on with one hears no break.
    fn gather(&mut self, wanted: &[Wanted]) {
        let mut old: Vec<Option<Group>> = std::mem::take(&mut self.groups).into_iter().map(Some).collect();
        let mut found: Vec<Option<Group>> = Vec::new();
        for wanted in wanted {
            let same = old.iter_mut().find(|group| group.as_ref().is_some_and(|group| group.heard == wanted.heard));
            found.push(same.and_then(Option::take));
        }
        for (wanted, found) in wanted.iter().zip(found) {
            let was = wanted.was.and_then(|was| old.get_mut(was));
            let group = found.or_else(|| was.and_then(Option::take)).map_or_else(|| self.begin(wanted), Ok);
            // Without memory for an encoder nothing can be done for these ears, nor for any that come after them.
            let Ok(mut group) = group else { return };
            group.heard = wanted.heard.clone();
            group.set_loss(wanted.loss_percent);
            self.groups.push(group);
        }
    }

    /// A new group, whose encoder has heard the last tick already: a decoder that comes from another one hears no break.
    fn begin(&mut self, wanted: &Wanted) -> Result<Group, CodecError> {
        let SoundSettings { channels, bitrate, complexity } = self.settings;
        let mut group = Group {
            heard: wanted.heard.clone(),
            gain: wanted.heard.gain,
            loss_percent: 0,
            limiter: Limiter::default(),
            encoder: OpusEncoder::new(channels, bitrate, complexity)?,
            packet: Vec::new(),
        };
        if !self.before.is_empty() {
            self.mix.clear();
            self.mix.extend(self.before.iter().map(|sample| sample * group.gain));
            group.encode(&mut self.mix, channels.count());
        }
        Ok(group)
    }
}

/// A group that there shall be.
#[derive(Debug)]
struct Wanted {
    heard: Heard,
    /// The group that its first ear was in.
    was: Option<usize>,
    loss_percent: u8,
}

#[derive(Debug)]
struct Group {
    heard: Heard,
    /// What it was at the end of the last tick.
    gain: f32,
    loss_percent: u8,
    limiter: Limiter,
    encoder: OpusEncoder,
    packet: Vec<u8>,
}

impl Group {
    /// What this group hears of the sum.
    fn mix(&mut self, voices: &[Voiced], sum: &[f32], mix: &mut Vec<f32>) {
        mix.clear();
        mix.extend_from_slice(sum);
        for own in voices.iter().filter(|voice| self.heard.own.contains(&voice.input())) {
            own.take_from(mix);
        }
        let from = std::mem::replace(&mut self.gain, self.heard.gain);
        ramp(mix, from, self.heard.gain);
    }

    fn encode(&mut self, mix: &mut [f32], channels: usize) -> bool {
        self.limiter.run(mix, channels);
        self.packet.resize(PACKET_BYTES_MAX, 0);
        let size = self.encoder.encode(mix, &mut self.packet);
        self.packet.truncate(size.unwrap_or(0));
        size.is_ok()
    }

    fn set_loss(&mut self, percent: u8) {
        if self.loss_percent != percent && self.encoder.set_loss(percent).is_ok() {
            self.loss_percent = percent;
        }
    }
}
