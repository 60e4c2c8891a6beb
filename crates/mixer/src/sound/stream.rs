//! One voice's packets made into unbroken sound.
//!
//! Packets wait in a [`Queue`] until their turn, as long as [`Delay`] says. What is heard when is counted in the sender's own time
//! stamps, so that losses, pauses and late packets are told apart by what is missing of them. The wait is shortened and lengthened by
//! [`stretch`]; a sender's clock that is wrong is nothing but a wait that changes all the time.

use super::SoundCounts;
use super::clock::{Samples, TICK, TICK_SAMPLES};
use super::delay::Delay;
use super::limit::{CONCEALED_MAX, EXCESS_MAX, HURRY, LACK_MAX, LEAP, PAYLOAD_BYTES_MAX};
use super::line::Line;
use super::queue::{Numbers, Place, Queue};
use super::stretch::{self, Way};
use crate::codec::CodecError;
use crate::codec::opus::{self, Channels};

/// The share of a packet's lateness that is believed.
const BELIEVED: f32 = 0.25;

/// Ticks between two stretches.
const REST: u32 = 5;

/// How much sound must resemble itself to be stretched.
const ALIKE_MIN: f32 = 0.9;

/// The same in a hurry.
const ALIKE_HURRIED_MIN: f32 = 0.3;

/// What a voice sends.
#[derive(Clone, Copy, Debug)]
pub struct OpusPacket<'a> {
    /// The number in its RTP header.
    pub sequence: u16,
    /// The time stamp in its RTP header: samples at 48 kHz (RFC 7587, section 4.1).
    pub timestamp: u32,
    /// One Opus packet.
    pub payload: &'a [u8],
}

/// One voice.
#[derive(Debug)]
pub struct Stream {
    channels: usize,
    numbers: Numbers,
    /// The last time stamp, counted without end.
    timestamp: Option<Samples>,
    queue: Queue,
    delay: Delay,
    line: Line,
    /// The time stamp that follows what was decoded last. None: nothing goes on, and the next packet waits for its moment.
    expected: Option<Samples>,
    /// Made up since then, in samples.
    concealed: Samples,
    /// What was decoded last has nothing to do with what comes.
    stale: bool,
    /// How late packets are heard now, in samples.
    lateness: f32,
    rest: u32,
}

impl Stream {
    /// A voice that has not said anything.
    pub fn new(channels: Channels) -> Result<Stream, CodecError> {
        Ok(Stream {
            channels: channels.count(),
            numbers: Numbers::default(),
            timestamp: None,
            queue: Queue::default(),
            delay: Delay::default(),
            line: Line::new(channels)?,
            expected: None,
            concealed: 0,
            stale: false,
            lateness: 0.0,
            rest: 0,
        })
    }

    /// Takes a packet that arrives now.
    pub fn push(&mut self, now: Samples, packet: OpusPacket<'_>, counts: &mut SoundCounts) {
        counts.received += 1;
        let samples = opus::packet_samples(packet.payload).filter(|_| packet.payload.len() <= PAYLOAD_BYTES_MAX);
        let Some(samples) = samples.and_then(|samples| Samples::try_from(samples).ok()) else {
            counts.broken += 1;
            return;
        };
        let Some(number) = self.number(packet.sequence, counts) else { return };
        let timestamp = self.extend(packet.timestamp);
        if self.delay.is_jump(now, timestamp) {
            counts.restarts += 1;
            self.begin_anew();
        }
        self.timestamp = Some(timestamp);
        self.delay.note(now, timestamp);
        if self.queue.is_past(number) {
            counts.late += 1;
        } else if !self.queue.insert(number, timestamp, samples, packet.payload) {
            counts.skipped += 1;
        }
    }

    /// The next tick's sound, to be heard from `now` on. Whether there is any.
    pub fn pull(&mut self, now: Samples, sound: &mut [f32], counts: &mut SoundCounts) -> bool {
        self.fill(now, counts);
        self.adapt(now, counts);
        self.fill(now, counts);
        self.line.take(sound);
        sound.iter().any(|sample| *sample != 0.0)
    }

    /// Leaves out what waits: nobody would hear it.
    pub fn idle(&mut self) {
        self.queue.clear();
        self.line.clear();
        self.expected = None;
        self.stale = true;
    }

    /// How long a packet that is not held up on its way waits until it is heard.
    pub fn wait(&self) -> Samples {
        if self.expected.is_some() { self.lateness as Samples } else { self.delay.target() }
    }

    fn number(&mut self, sequence: u16, counts: &mut SoundCounts) -> Option<u64> {
        match self.numbers.place(sequence) {
            Place::At(number) => return Some(number),
            Place::Anew(number) => {
                counts.restarts += 1;
                self.timestamp = None;
                self.begin_anew();
                return Some(number);
            }
            Place::Again => counts.duplicate += 1,
            Place::Doubtful => counts.broken += 1,
        }
        None
    }

    /// The time stamp counted without end: the one that is nearest to the last.
    fn extend(&self, timestamp: u32) -> Samples {
        let last = self.timestamp.unwrap_or(Samples::from(timestamp));
        let low = u32::try_from(last & 0xffff_ffff).unwrap_or(0);
        last + Samples::from(timestamp.wrapping_sub(low).cast_signed())
    }

    fn begin_anew(&mut self) {
        self.queue.clear();
        self.delay.clear();
        self.expected = None;
        self.stale = true;
    }

    /// When a sample that is put into the line now is heard.
    fn end(&self, now: Samples) -> Samples {
        now + Samples::try_from(self.line.len()).unwrap_or(0)
    }

    fn fill(&mut self, now: Samples, counts: &mut SoundCounts) {
        while self.line.len() < TICK {
            match self.expected {
                Some(expected) => self.go_on(now, expected, counts),
                None => self.resume(now, counts),
            }
        }
    }

    /// What follows what was heard last.
    fn go_on(&mut self, now: Samples, expected: Samples, counts: &mut SoundCounts) {
        let missing = self.queue.front().map(|front| front.timestamp - expected - self.concealed);
        match missing {
            Some(missing) if missing <= 0 => self.play(now, counts),
            Some(missing) if missing + self.concealed <= CONCEALED_MAX && self.queue.has_gap() => self.recover(missing, counts),
            _ if self.concealed < CONCEALED_MAX => self.conceal(counts),
            _ => self.expected = None,
        }
    }

    fn play(&mut self, now: Samples, counts: &mut SoundCounts) {
        let Some(packet) = self.queue.take() else { return };
        let late = self.delay.lateness(self.end(now), packet.timestamp) as f32;
        self.lateness += (late - self.lateness) * BELIEVED;
        if usize::try_from(packet.samples).is_ok_and(|samples| self.line.decode(&packet.payload, samples)) {
            self.expected = Some(packet.timestamp + packet.samples);
            self.concealed = 0;
        } else {
            counts.broken += 1;
        }
        self.queue.done(packet);
    }

    /// Packets are missing, but the one after them is there.
    fn recover(&mut self, missing: Samples, counts: &mut SoundCounts) {
        let front = self.queue.front().map_or(&[][..], |front| &front.payload);
        let recovered = usize::try_from(missing).ok().and_then(|missing| self.line.recover(front, missing));
        match recovered {
            Some(samples) => self.concealed += Samples::try_from(samples).unwrap_or(0),
            None => self.expected = None,
        }
        counts.recovered += 1;
    }

    fn conceal(&mut self, counts: &mut SoundCounts) {
        let samples = self.line.conceal(self.concealed);
        counts.concealed += samples as u64;
        self.concealed += Samples::try_from(samples).unwrap_or(0);
    }

    /// Nothing goes on: lets fade out what there was, and waits for the moment at which the next packet should be heard.
    fn resume(&mut self, now: Samples, counts: &mut SoundCounts) {
        if self.line.is_sounding() {
            return self.line.fade_out();
        }
        self.skip_stale(now, counts);
        let room = self.line.room();
        let Some(front) = self.queue.front() else { return self.line.silence(room) };
        let late = self.delay.lateness(self.end(now), front.timestamp);
        let wait = usize::try_from(self.delay.target() - late).unwrap_or(0);
        if wait < room {
            self.expected = Some(front.timestamp);
            self.concealed = 0;
            self.lateness = late.max(self.delay.target()) as f32;
        }
        self.line.silence(wait.min(room));
        if std::mem::take(&mut self.stale) {
            self.line.forget();
        }
    }

    /// After a pause one need not begin with what is long over.
    fn skip_stale(&mut self, now: Samples, counts: &mut SoundCounts) {
        let (end, late) = (self.end(now), self.delay.target() + TICK_SAMPLES);
        let is_stale = |timestamp| self.delay.lateness(end, timestamp) > late;
        while self.queue.len() > 1 && self.queue.front().is_some_and(|front| is_stale(front.timestamp)) {
            counts.skipped += 1;
            self.queue.drop_front();
        }
    }

    /// Brings the wait nearer to what it should be.
    fn adapt(&mut self, now: Samples, counts: &mut SoundCounts) {
        let excess = self.lateness as Samples - self.delay.target();
        if self.expected.is_none() || self.concealed > 0 {
            return;
        }
        if excess > LEAP {
            self.expected = None;
        } else if self.rest > 0 {
            self.rest -= 1;
        } else if excess > EXCESS_MAX {
            let alike_min = if excess > HURRY { ALIKE_HURRIED_MIN } else { ALIKE_MIN };
            self.stretch(now, Way::Shorten, excess, alike_min, counts);
        } else if excess < -LACK_MAX {
            self.stretch(now, Way::Lengthen, EXCESS_MAX, ALIKE_MIN, counts);
        }
    }

    fn stretch(&mut self, now: Samples, way: Way, most: Samples, alike_min: f32, counts: &mut SoundCounts) {
        while self.line.len() < stretch::WANTED && self.goes_on() {
            self.play(now, counts);
        }
        let Some(by) = stretch::stretch(&mut self.line.samples, self.channels, way, most, alike_min) else { return };
        self.lateness += if way == Way::Lengthen { by as f32 } else { -by as f32 };
        self.rest = REST;
        counts.stretched += 1;
    }

    /// Whether the packet that comes next is there.
    fn goes_on(&self) -> bool {
        let front = self.queue.front().zip(self.expected);
        self.concealed == 0 && front.is_some_and(|(front, expected)| front.timestamp <= expected)
    }
}

#[cfg(test)]
mod tests;
