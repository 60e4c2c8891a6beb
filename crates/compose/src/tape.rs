//! The sound of one recording.

use std::collections::VecDeque;
use std::time::Duration;

use container::opus::{PRE_SKIP, is_silence};
use mixer::codec::CodecError;
use mixer::codec::opus::{CONCEALED_SAMPLES_STEP, Channels, OpusDecoder, PACKET_SAMPLES_MAX};
use mixer::sound::TICK;

use crate::limit::BLOCKS_AT_ONCE_MAX;
use crate::order::Failure;
use crate::reading::Reading;

/// One sample of the left and one of the right.
pub type Sample = [f32; 2];

/// What is missing for so long was lost: 10 to 60 ms, made up from what is around it. What is missing longer was silent.
const LOST_MIN: i64 = 480;
const LOST_MAX: i64 = 2_880;

/// So far from where it should be, sound is drawn there: 1 ms, more than files round away.
const DRIFT_MIN: i64 = 48;

/// Of so many samples one is left out or added by then: 5 ms each second, as fast as recordings follow a clock that goes wrong.
const STRETCH: i64 = 192;

/// A decoder that begins in the middle sounds right after this many samples: 80 ms (RFC 7845, 4.6).
const PRE_ROLL: i64 = 3_840;

/// Sound comes within this many samples: 5 ms.
const FADE_IN: usize = 240;

/// Sound in the order of its time.
#[derive(Debug)]
pub struct Tape {
    /// When its time is zero.
    offset: Duration,
    reading: Reading,
    /// Only while there is something to be decoded.
    voice: Option<Voice>,
    /// What was decoded and not taken yet.
    ready: VecDeque<Sample>,
    /// Where that begins, in samples since the offset.
    from: i64,
    /// Whether it sounds at its end, so that what follows is to go on there.
    sounds: bool,
    damaged: bool,
}

/// A decoder, and room for what it says.
#[derive(Debug)]
struct Voice {
    decoder: OpusDecoder,
    scratch: Vec<Sample>,
}

impl Tape {
    /// Sound that begins at that time.
    pub fn new(offset: Duration, reading: Reading) -> Tape {
        Tape { offset, reading, voice: None, ready: VecDeque::new(), from: 0, sounds: false, damaged: false }
    }

    /// Whether something of it could not be heard.
    pub fn is_damaged(&self) -> bool {
        self.damaged || self.reading.is_damaged()
    }

    /// Adds what is heard in the tick that begins at that time. Ticks come in the order of time.
    ///
    /// # Errors
    /// [`Failure::Open`], and [`Failure::Codec`] if there is no memory for a decoder.
    pub fn add(&mut self, clock: Duration, tick: &mut [Sample; TICK]) -> Result<(), Failure> {
        let start = samples(clock) - samples(self.offset);
        let stop = start + TICK as i64;
        // The file stays closed until something of it can be heard.
        if stop <= -i64::from(PRE_SKIP) {
            return Ok(());
        }
        for _ in 0..BLOCKS_AT_ONCE_MAX {
            if self.sounds && self.end() >= stop {
                break;
            }
            match self.peek()? {
                Some(at) if self.is_filled()? && at - LOST_MAX < self.end().max(stop) => drop(self.reading.next()?),
                Some(at) if self.sounds && at - self.end() <= LOST_MAX => self.go_on(at)?,
                _ if self.sounds => self.fade_out(),
                Some(at) if at < stop => self.begin(at)?,
                _ => break,
            }
        }
        if self.reading.is_over() && !self.sounds {
            self.voice = None;
        }
        let before = usize::try_from(start - self.from).unwrap_or(0).min(self.ready.len());
        self.ready.drain(..before);
        self.from = self.from.max(start);
        let later = usize::try_from(self.from - start).unwrap_or(0);
        let now = self.ready.len().min(TICK.saturating_sub(later));
        for (sum, sample) in tick.iter_mut().skip(later).zip(self.ready.drain(..now)) {
            *sum = [sum[0] + sample[0], sum[1] + sample[1]];
        }
        self.from += now as i64;
        Ok(())
    }

    /// Leaves out what is before the film begins; false: there is more to be left out.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn catch_up(&mut self, clock: Duration) -> Result<bool, Failure> {
        let start = samples(clock) - samples(self.offset) - PRE_ROLL;
        if start <= -i64::from(PRE_SKIP) {
            return Ok(true);
        }
        for _ in 0..BLOCKS_AT_ONCE_MAX {
            if self.peek()?.is_none_or(|at| at >= start) {
                return Ok(true);
            }
            self.reading.next()?;
        }
        Ok(false)
    }

    fn end(&self) -> i64 {
        self.from + self.ready.len() as i64
    }

    /// Where the next packet belongs, in samples since the offset.
    fn peek(&mut self) -> Result<Option<i64>, Failure> {
        Ok(self.reading.peek()?.map(|block| samples(block.time) - i64::from(PRE_SKIP)))
    }

    /// Whether the next packet is silence that was written for players, where none came: what is missing is made up here.
    fn is_filled(&mut self) -> Result<bool, Failure> {
        Ok(self.reading.peek()?.is_some_and(|block| is_silence(&block.bytes)))
    }

    /// Takes the next packet, which belongs there, after silence.
    fn begin(&mut self, at: i64) -> Result<(), Failure> {
        let Some(count) = self.decode()? else { return Ok(()) };
        if self.ready.is_empty() {
            self.from = at;
        }
        let silence = usize::try_from(at - self.end()).unwrap_or(0);
        self.ready.extend(std::iter::repeat_n([0.0; 2], silence));
        let decoded = self.voice.iter().flat_map(|voice| voice.scratch.iter().take(count));
        for (n, [left, right]) in decoded.enumerate() {
            let gain = (n as f32 / FADE_IN as f32).min(1.0);
            self.ready.push_back([left * gain, right * gain]);
        }
        self.sounds = true;
        Ok(())
    }

    /// Takes the next packet, which belongs there, about where the last one ends.
    fn go_on(&mut self, at: i64) -> Result<(), Failure> {
        let gap = at - self.end();
        if gap >= LOST_MIN {
            self.make_up(gap)?;
        }
        let gap = at - self.end();
        let Some(count) = self.decode()? else { return Ok(()) };
        // What was heard already by its time is not heard again.
        if gap >= -LOST_MAX {
            let stretch = if gap.abs() < DRIFT_MIN { 0 } else { gap.clamp(-(count as i64) / STRETCH, count as i64 / STRETCH) };
            self.append(count, count.saturating_add_signed(stretch as isize));
        }
        Ok(())
    }

    /// What the next packet sounds like. Returns how many samples.
    fn decode(&mut self) -> Result<Option<usize>, Failure> {
        let Some(block) = self.reading.next()? else { return Ok(None) };
        let voice = match &mut self.voice {
            Some(voice) => voice,
            none => none.insert(Voice::new()?),
        };
        let count = voice.decoder.decode(&block.bytes, voice.scratch.as_flattened_mut());
        self.damaged |= count.is_err();
        Ok(count.ok())
    }

    /// Puts what was decoded at the end, as so many samples.
    fn append(&mut self, count: usize, wanted: usize) {
        let Some(voice) = &self.voice else { return };
        let at = |n: usize| voice.scratch.get(n.min(count.saturating_sub(1))).copied().unwrap_or_default();
        let all = (0..wanted).map(|n| {
            let (whole, part) = (n * count / wanted, (n * count % wanted) as f32 / wanted as f32);
            let (one, next) = (at(whole), at(whole + 1));
            [one[0] + (next[0] - one[0]) * part, one[1] + (next[1] - one[1]) * part]
        });
        self.ready.extend(all);
    }

    /// Fills the gap before the next packet, which may tell what was in the last one that is missing.
    fn make_up(&mut self, gap: i64) -> Result<(), Failure> {
        let count = usize::try_from(gap).unwrap_or(0) / CONCEALED_SAMPLES_STEP * CONCEALED_SAMPLES_STEP;
        let (lost, last) = (count.saturating_sub(TICK), count.min(TICK));
        self.conceal(lost);
        let told = match (self.reading.peek()?, &mut self.voice) {
            (Some(block), Some(voice)) => voice.recover(&block.bytes, last),
            _ => None,
        };
        match told {
            Some(count) => self.append(count, count),
            None => self.conceal(last),
        }
        Ok(())
    }

    fn conceal(&mut self, count: usize) {
        let count = self.voice.as_mut().and_then(|voice| voice.conceal(count)).unwrap_or(0);
        self.append(count, count);
    }

    fn fade_out(&mut self) {
        let before = self.ready.len();
        self.conceal(TICK);
        for (n, [left, right]) in self.ready.iter_mut().skip(before).enumerate() {
            let gain = 1.0 - n as f32 / TICK as f32;
            (*left, *right) = (*left * gain, *right * gain);
        }
        self.sounds = false;
    }
}

impl Voice {
    fn new() -> Result<Voice, CodecError> {
        Ok(Voice { decoder: OpusDecoder::new(Channels::Stereo)?, scratch: vec![[0.0; 2]; PACKET_SAMPLES_MAX] })
    }

    /// Decodes what the packet tells of the last so many samples before it.
    fn recover(&mut self, packet: &[u8], count: usize) -> Option<usize> {
        self.decoder.recover(packet, self.scratch.get_mut(..count)?.as_flattened_mut()).ok()
    }

    /// Makes so many up.
    fn conceal(&mut self, count: usize) -> Option<usize> {
        let room = self.scratch.get_mut(..count).filter(|room| !room.is_empty())?;
        self.decoder.conceal(room.as_flattened_mut()).ok()
    }
}

/// Samples of 48 kHz, to the nearest.
fn samples(time: Duration) -> i64 {
    i64::try_from((time.as_nanos() * 6 + 62_500) / 125_000).unwrap_or(i64::MAX / 4)
}
