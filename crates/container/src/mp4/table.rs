//! What a player must know of one track: what is in it, when, how large and where.

use std::time::Duration;

use super::boxes::{put, put_full, put_u16, put_u32, put_u64, put_zeros};
use crate::limit::{PICTURE_TIME, PICTURE_TIME_MAX};
use crate::{Codec, Shape, Track, opus};

/// Ticks of a second of the whole file.
pub const TICKS: u32 = 1_000;

/// From the beginning of 1904, from which MP4 counts, to that of 1970, in seconds.
const EPOCH_1904: u64 = 2_082_844_800;

/// Ticks of a second of pictures.
const PICTURE_TICKS: u32 = 90_000;

/// Ticks of a second of sound: its samples.
const SOUND_TICKS: u32 = 48_000;

/// One track's blocks.
#[derive(Clone, Debug)]
pub struct Table {
    track: Track,
    sizes: Vec<u32>,
    /// Runs of blocks that last as long: how many, and how many ticks each. The last block is in none yet.
    steps: Vec<(u32, u32)>,
    /// Places of key frames among pictures, from 1.
    keys: Vec<u32>,
    /// Where chunks begin, and how many blocks each has.
    chunks: Vec<(u64, u32)>,
    /// When the first block begins and the last one, in ticks.
    first: Option<u64>,
    last: u64,
    /// How long the last one lasts.
    tail: u64,
}

impl Table {
    pub fn new(track: Track) -> Table {
        let (sizes, steps, keys, chunks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Table { track, sizes, steps, keys, chunks, first: None, last: 0, tail: 0 }
    }

    pub fn is_sound(&self) -> bool {
        self.track.codec.is_sound()
    }

    /// Takes note of the next block. Gives the tick at which it begins.
    pub fn note(&mut self, time: Duration, keyframe: bool, bytes: &[u8]) -> u64 {
        let at = self.ticks(time).max(self.last);
        self.close(at);
        let lasts = self.lasts(bytes);
        self.open(at, lasts, keyframe, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        at
    }

    /// Takes note of one as a fragment tells of it: where it begins and how long it lasts, in ticks, and its size.
    pub fn add(&mut self, at: u64, lasts: u32, keyframe: bool, bytes: u32) {
        let at = at.max(self.last);
        self.close(at);
        self.open(at, lasts.into(), keyframe, bytes);
    }

    /// The blocks that follow, so many, stand there.
    pub fn chunk(&mut self, at: u64, blocks: u32) {
        self.chunks.push((at, blocks));
    }

    /// How many ticks the last block lasts, as far as can be told.
    pub fn tail(&self) -> u64 {
        self.tail
    }

    /// When its last block ends.
    pub fn end(&self) -> Duration {
        Duration::from_nanos((self.last + self.tail).saturating_mul(1_000_000) / u64::from(self.rate() / 1_000))
    }

    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Describes it, as the number-th of the file.
    pub fn put(&self, out: &mut Vec<u8>, number: u32, began: Duration) {
        put(out, b"trak", |out| {
            self.put_header(out, number, began);
            self.put_edits(out);
            put(out, b"mdia", |out| self.put_media(out, began));
        });
    }

    fn rate(&self) -> u32 {
        if self.is_sound() { SOUND_TICKS } else { PICTURE_TICKS }
    }

    fn ticks(&self, time: Duration) -> u64 {
        let ticks = (time.as_nanos() * u128::from(self.rate()) + 500_000_000) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX / 2)
    }

    /// How long the block lasts that is the last one, as far as can be told.
    fn lasts(&self, bytes: &[u8]) -> u64 {
        if self.is_sound() {
            return self.ticks(opus::duration(bytes).unwrap_or_default());
        }
        let before = self.steps.last().map_or(self.ticks(PICTURE_TIME), |(_, ticks)| u64::from(*ticks));
        before.min(self.ticks(PICTURE_TIME_MAX))
    }

    /// The last block lasts until there.
    fn close(&mut self, at: u64) {
        if self.first.is_some() {
            self.tail = at - self.last;
            step(&mut self.steps, self.tail);
        }
    }

    /// This is the last block now.
    fn open(&mut self, at: u64, lasts: u64, keyframe: bool, bytes: u32) {
        self.first.get_or_insert(at);
        (self.last, self.tail) = (at, lasts);
        self.sizes.push(bytes);
        // Of sound every block is one, and no list says so.
        if keyframe && !self.is_sound() {
            self.keys.push(count(self.sizes.len()));
        }
    }

    /// Section 8.3.2.
    fn put_header(&self, out: &mut Vec<u8>, number: u32, began: Duration) {
        put_full(out, b"tkhd", 1, 3, |out| {
            put_dates(out, began);
            put_u32(out, number);
            put_u32(out, 0);
            put_u64(out, millis(self.end()));
            put_zeros(out, 12);
            put_u16(out, if self.is_sound() { 0x100 } else { 0 });
            put_u16(out, 0);
            let (width, height, rotation) = match self.track.shape {
                Shape::Picture { width, height, rotation } => (width, height, rotation),
                Shape::Sound { .. } => (0, 0, 0),
            };
            put_matrix(out, rotation);
            put_u32(out, u32::from(width) << 16);
            put_u32(out, u32::from(height) << 16);
        });
    }

    /// When it begins, and what is decoded of it and not heard (section 8.6.6).
    fn put_edits(&self, out: &mut Vec<u8>) {
        let begins = self.first.unwrap_or(0);
        let skipped = if self.is_sound() { u64::from(opus::PRE_SKIP) } else { 0 };
        let length = (self.last + self.tail).saturating_sub(begins + skipped);
        let in_file = |ticks: u64| ticks.saturating_mul(u64::from(TICKS)) / u64::from(self.rate());
        put(out, b"edts", |out| {
            put_full(out, b"elst", 1, 0, |out| {
                put_u32(out, if begins > 0 { 2 } else { 1 });
                if begins > 0 {
                    put_u64(out, in_file(begins));
                    put_u64(out, u64::MAX);
                    put_u32(out, 0x1_0000);
                }
                put_u64(out, in_file(length));
                put_u64(out, skipped);
                put_u32(out, 0x1_0000);
            });
        });
    }

    fn put_media(&self, out: &mut Vec<u8>, began: Duration) {
        put_full(out, b"mdhd", 1, 0, |out| {
            put_dates(out, began);
            put_u32(out, self.rate());
            put_u64(out, (self.last + self.tail).saturating_sub(self.first.unwrap_or(0)));
            // "und", in five bits a letter.
            put_u16(out, 0x55c4);
            put_u16(out, 0);
        });
        let sound = self.is_sound();
        put_full(out, b"hdlr", 0, 0, |out| {
            put_u32(out, 0);
            out.extend(if sound { b"soun" } else { b"vide" });
            put_zeros(out, 12);
            out.extend(b"Kennel\0");
        });
        put(out, b"minf", |out| {
            match sound {
                true => put_full(out, b"smhd", 0, 0, |out| put_zeros(out, 4)),
                false => put_full(out, b"vmhd", 0, 1, |out| put_zeros(out, 8)),
            }
            put(out, b"dinf", |out| {
                put_full(out, b"dref", 0, 0, |out| {
                    put_u32(out, 1);
                    put_full(out, b"url ", 0, 1, |_| {});
                });
            });
            put(out, b"stbl", |out| self.put_blocks(out));
        });
    }

    fn put_blocks(&self, out: &mut Vec<u8>) {
        put_full(out, b"stsd", 0, 0, |out| {
            put_u32(out, 1);
            put_entry(out, &self.track);
        });
        let mut steps = self.steps.clone();
        if self.first.is_some() {
            step(&mut steps, self.tail);
        }
        put_full(out, b"stts", 0, 0, |out| put_pairs(out, steps.into_iter()));
        // Of a file in fragments each fragment says which are key frames.
        if !self.is_sound() && self.first.is_some() {
            put_full(out, b"stss", 0, 0, |out| put_list(out, &self.keys));
        }
        put_full(out, b"stsc", 0, 0, |out| self.put_chunk_sizes(out));
        put_full(out, b"stsz", 0, 0, |out| {
            put_u32(out, 0);
            put_list(out, &self.sizes);
        });
        put_full(out, b"co64", 0, 0, |out| {
            put_u32(out, count(self.chunks.len()));
            self.chunks.iter().for_each(|(at, _)| put_u64(out, *at));
        });
        if self.is_sound() && self.first.is_some() {
            self.put_pre_roll(out);
        }
    }

    /// From which chunk on each has how many blocks (section 8.7.4).
    fn put_chunk_sizes(&self, out: &mut Vec<u8>) {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (number, (_, blocks)) in (1..).zip(&self.chunks) {
            if runs.last().is_none_or(|(_, same)| same != blocks) {
                runs.push((number, *blocks));
            }
        }
        put_u32(out, count(runs.len()));
        for (first, blocks) in runs {
            put_u32(out, first);
            put_u32(out, blocks);
            put_u32(out, 1);
        }
    }

    /// What is decoded before sound is right again after a jump (sections 8.9.2 and 10.1).
    fn put_pre_roll(&self, out: &mut Vec<u8>) {
        let packets = opus::PRE_ROLL.as_millis() / 20;
        put_full(out, b"sgpd", 1, 0, |out| {
            out.extend(b"roll");
            put_u32(out, 2);
            put_u32(out, 1);
            put_u16(out, (-(packets as i16)).cast_unsigned());
        });
        put_full(out, b"sbgp", 0, 0, |out| {
            out.extend(b"roll");
            put_pairs(out, [(count(self.sizes.len()), 1)].into_iter());
        });
    }
}

/// One more block that lasts so many ticks.
fn step(steps: &mut Vec<(u32, u32)>, ticks: u64) {
    let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
    match steps.last_mut() {
        Some((count, same)) if *same == ticks => *count += 1,
        _ => steps.push((1, ticks)),
    }
}

/// When something was made, and when it was changed: both then.
pub fn put_dates(out: &mut Vec<u8>, began: Duration) {
    put_u64(out, began.as_secs() + EPOCH_1904);
    put_u64(out, began.as_secs() + EPOCH_1904);
}

/// Turned by so many degrees clockwise (section 6.2.2).
pub fn put_matrix(out: &mut Vec<u8>, rotation: u16) {
    let (cos, sin): (i32, i32) = match rotation {
        90 => (0, 1),
        180 => (-1, 0),
        270 => (0, -1),
        _ => (1, 0),
    };
    for number in [cos * 0x1_0000, sin * 0x1_0000, 0, -sin * 0x1_0000, cos * 0x1_0000, 0, 0, 0, 0x4000_0000] {
        put_u32(out, number.cast_unsigned());
    }
}

/// To the nearest.
pub fn millis(time: Duration) -> u64 {
    u64::try_from((time.as_micros() + 500) / 1_000).unwrap_or(u64::MAX)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn put_list(out: &mut Vec<u8>, numbers: &[u32]) {
    put_u32(out, count(numbers.len()));
    numbers.iter().for_each(|number| put_u32(out, *number));
}

fn put_pairs(out: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (u32, u32)>) {
    put_u32(out, count(pairs.len()));
    pairs.flat_map(|(one, other)| [one, other]).for_each(|number| put_u32(out, number));
}

/// What is needed to decode it (section 12.1.3 and 12.2.3).
fn put_entry(out: &mut Vec<u8>, track: &Track) {
    let name = if track.codec == Codec::H264 { b"avc1" } else { b"Opus" };
    put(out, name, |out| {
        put_zeros(out, 6);
        put_u16(out, 1);
        match track.shape {
            Shape::Picture { width, height, .. } => {
                put_picture(out, width, height);
                put(out, b"avcC", |out| out.extend(&track.private));
            }
            Shape::Sound { channels } => put_sound(out, channels),
        }
    });
}

fn put_picture(out: &mut Vec<u8>, width: u16, height: u16) {
    put_zeros(out, 16);
    put_u16(out, width);
    put_u16(out, height);
    // 72 dots an inch, as everybody says.
    put_u32(out, 72 << 16);
    put_u32(out, 72 << 16);
    put_u32(out, 0);
    put_u16(out, 1);
    put_zeros(out, 32);
    put_u16(out, 24);
    put_u16(out, 0xffff);
}

fn put_sound(out: &mut Vec<u8>, channels: u8) {
    put_zeros(out, 8);
    put_u16(out, channels.into());
    put_u16(out, 16);
    put_u32(out, 0);
    put_u32(out, SOUND_TICKS << 16);
    put(out, b"dOps", |out| {
        out.extend([0, channels]);
        put_u16(out, opus::PRE_SKIP);
        put_u32(out, SOUND_TICKS);
        put_zeros(out, 3);
    });
}
