//! A file that was cut off, or whose writer ended suddenly, made one that is finished. Only files of [`Growing`](super::Growing) are
//! known; whatever else is in one ends it.

use std::time::Duration;

use super::boxes::{HEAD_BYTES, Inside, inside};
use super::growing::{DURATION_BYTES, KEY_FLAGS, PLACE_BYTES, cut_off, end_of, finished, since_1970};
use super::table::Table;
use super::{MAGIC_BYTES, is_begun};
use crate::limit::{HEAD_BYTES_MAX, TRACKS_MAX};
use crate::{Codec, Repaired, Shape, Track, opus};

/// Reads a file from its beginning and finds out what to do with it.
#[derive(Debug, Default)]
pub struct Repair {
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    read: usize,
    /// Where in the file the unread part of the buffer begins.
    at: u64,
    /// Bytes that follow and are data of the fragment that was told of last; none: that is not there yet.
    data: Option<u64>,
    over: bool,
    tables: Vec<Table>,
    /// Where the place for the duration is; none: what comes first was not there yet.
    duration_at: Option<u64>,
    began: Option<Duration>,
    /// A fragment whose data is not there yet.
    fragment: Vec<Run>,
    /// The end of the last fragment that is whole.
    whole: Option<u64>,
}

/// Blocks of one track, one after the other.
#[derive(Debug)]
struct Run {
    track: usize,
    /// When the first begins, in ticks.
    begins: u64,
    /// Where in the file they stand.
    at: u64,
    blocks: Vec<Sample>,
}

/// A block as a fragment tells of it.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// In ticks.
    lasts: u32,
    bytes: u32,
    keyframe: bool,
}

impl Repair {
    /// Takes the bytes that follow those that it had.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.over {
            return;
        }
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
        while !self.over && self.skipped() {
            match self.step() {
                Some(true) => {}
                Some(false) => return,
                None => (self.over, self.buffer, self.read) = (true, Vec::new(), 0),
            }
        }
    }

    /// All of the file was there; none: nothing in it can be played.
    #[must_use]
    pub fn finish(self) -> Option<Repaired> {
        let (bytes, duration_at) = (self.whole?, self.duration_at?);
        let outputs = finished(&self.tables, self.began.unwrap_or_default(), bytes);
        let appended = outputs.iter().map(|output| match output {
            crate::Output::Append(bytes) => bytes.len() as u64,
            crate::Output::Patch { .. } => 0,
        });
        Some(Repaired {
            bytes,
            bytes_after: bytes.saturating_add(appended.sum()),
            patches: cut_off(end_of(&self.tables), duration_at),
            outputs,
            duration: end_of(&self.tables),
            began: self.began,
            tracks: self.tables.iter().map(|table| table.track().clone()).collect(),
        })
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.read..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        (self.read, self.at) = (self.read + bytes, self.at.saturating_add(bytes as u64));
    }

    /// Whether no data follows, or all of it was there: then its fragment counts.
    fn skipped(&mut self) -> bool {
        let Some(left) = self.data else { return true };
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(self.rest().len());
        self.advance(now);
        self.data = Some(left - now as u64).filter(|left| *left > 0);
        if self.data.is_some() {
            return false;
        }
        self.whole = Some(self.at);
        for run in std::mem::take(&mut self.fragment) {
            self.tables.get_mut(run.track).into_iter().for_each(|table| run.note(table));
        }
        true
    }

    /// Reads one box. False: there is not enough of it yet. None: it makes no sense.
    fn step(&mut self) -> Option<bool> {
        if self.at == 0 {
            return self.begin();
        }
        let Some((&size, rest)) = self.rest().split_first_chunk::<4>() else { return Some(false) };
        let Some(&name) = rest.first_chunk::<4>() else { return Some(false) };
        let size = usize::try_from(u32::from_be_bytes(size)).ok()?;
        if name == *b"mdat" {
            return self.read_data(size);
        }
        if !(HEAD_BYTES..=HEAD_BYTES_MAX).contains(&size) {
            return None;
        }
        let Some(whole) = self.rest().get(..size) else { return Some(false) };
        let whole = whole.to_vec();
        let bytes = whole.get(HEAD_BYTES..)?;
        match &name {
            b"moov" if self.duration_at.is_none() => self.read_movie(bytes)?,
            b"prft" if self.began.is_none() => self.began = since_1970(u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)),
            b"moof" if self.duration_at.is_some() => self.read_fragment(bytes, size)?,
            _ => return None,
        }
        self.advance(size);
        Some(true)
    }

    /// What stands there first, and the place behind that, which has something in it if the file was finished.
    fn begin(&mut self) -> Option<bool> {
        let Some(first) = self.rest().get(..MAGIC_BYTES + PLACE_BYTES) else { return Some(false) };
        let name = first.get(MAGIC_BYTES + 4..MAGIC_BYTES + 8)?;
        if !is_begun(first) || ![b"free", b"mdat"].iter().any(|known| name == &known[..]) {
            return None;
        }
        self.advance(MAGIC_BYTES + PLACE_BYTES);
        Some(true)
    }

    /// The data of the fragment that was told of before it.
    fn read_data(&mut self, size: usize) -> Option<bool> {
        let (from, to) = (self.at + HEAD_BYTES as u64, self.at.checked_add(size as u64)?);
        let within = |run: &Run| run.at >= from && run.at.checked_add(run.bytes()).is_some_and(|end| end <= to);
        if size < HEAD_BYTES || self.fragment.is_empty() || !self.fragment.iter().all(within) {
            return None;
        }
        self.advance(HEAD_BYTES);
        self.data = Some((size - HEAD_BYTES) as u64);
        Some(true)
    }

    fn read_movie(&mut self, bytes: &[u8]) -> Option<()> {
        let parts = || inside(bytes);
        let extends = parts().find(|part| part.name == *b"mvex")?;
        let place = inside(extends.data).next()?;
        if place.data.len() + HEAD_BYTES != DURATION_BYTES {
            return None;
        }
        let tracks: Option<Vec<Track>> = parts().filter(|part| part.name == *b"trak").map(|part| read_track(part.data)).collect();
        self.tables = tracks.filter(|tracks| tracks.len() <= TRACKS_MAX)?.into_iter().map(Table::new).collect();
        self.duration_at = Some(self.at + (2 * HEAD_BYTES + extends.at) as u64);
        Some(())
    }

    fn read_fragment(&mut self, bytes: &[u8], size: usize) -> Option<()> {
        if !self.fragment.is_empty() {
            return None;
        }
        let at = self.at;
        let runs = inside(bytes).filter(|part| part.name == *b"traf").map(|part| Run::read(part.data, at));
        let runs: Vec<Run> = runs.collect::<Option<_>>()?;
        let known = |run: &Run| run.track < self.tables.len() && run.at >= at.saturating_add(size as u64);
        self.fragment = Some(runs).filter(|runs| !runs.is_empty() && runs.iter().all(known))?;
        Some(())
    }
}

impl Run {
    fn read(bytes: &[u8], fragment_at: u64) -> Option<Run> {
        let part = |name: &[u8; 4]| inside(bytes).find(|part| part.name == *name).map(|part| part.data);
        let track = u32::from_be_bytes(*part(b"tfhd")?.get(4..)?.first_chunk()?);
        let begins = u64::from_be_bytes(*part(b"tfdt")?.get(4..)?.first_chunk()?);
        let told = part(b"trun")?.get(8..)?;
        let (offset, blocks) = told.split_first_chunk()?;
        let blocks = blocks.chunks_exact(12).filter_map(|block| {
            let number = |at: usize| block.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            Some(Sample { lasts: number(0)?, bytes: number(4)?, keyframe: number(8)? == KEY_FLAGS })
        });
        let at = fragment_at.checked_add(u32::from_be_bytes(*offset).into())?;
        let track = usize::try_from(track.checked_sub(1)?).ok()?;
        // Beyond that no time is one.
        let begins = Some(begins).filter(|begins| *begins <= u64::MAX / 4)?;
        Some(Run { track, begins, at, blocks: blocks.collect() }).filter(|run| !run.blocks.is_empty())
    }

    fn bytes(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.bytes)).sum()
    }

    fn note(&self, table: &mut Table) {
        table.chunk(self.at, u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        let mut at = self.begins;
        for block in &self.blocks {
            table.add(at, block.lasts, block.keyframe, block.bytes);
            at += u64::from(block.lasts);
        }
    }
}

/// A track as [`Table`] describes it.
fn read_track(bytes: &[u8]) -> Option<Track> {
    let part = |bytes, name: &[u8; 4]| inside(bytes).find(|part: &Inside<'_>| part.name == *name).map(|part| part.data);
    let mut told = bytes;
    for name in [b"mdia", b"minf", b"stbl", b"stsd"] {
        told = part(told, name)?;
    }
    // A version, how many there are, and the one that there is.
    let entry = inside(told.get(8..)?).next()?;
    let number = |at: usize| entry.data.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    match &entry.name {
        b"Opus" => {
            let channels = u8::try_from(number(16)?).ok()?;
            Some(Track { codec: Codec::Opus, shape: Shape::Sound { channels }, private: opus::head(channels) })
        }
        b"avc1" => {
            let rotation = read_rotation(part(bytes, b"tkhd")?)?;
            let private = part(entry.data.get(78..)?, b"avcC")?.to_vec();
            let shape = Shape::Picture { width: number(24)?, height: number(26)?, rotation };
            Some(Track { codec: Codec::H264, shape, private })
        }
        _ => None,
    }
}

/// By how much a track is turned: of its matrix the first two numbers tell (section 6.2.2).
fn read_rotation(header: &[u8]) -> Option<u16> {
    let matrix = header.get(52..)?;
    let number = |at: usize| matrix.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes).signum());
    Some(match (number(0)?, number(4)?) {
        (0, 1) => 90,
        (-1, 0) => 180,
        (0, -1) => 270,
        _ => 0,
    })
}
