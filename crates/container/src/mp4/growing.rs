//! A file that grows.
//!
//! While it grows it is one in fragments (section 8.8): tables without blocks, then the blocks, a second at a time, each time with what
//! must be known of them. At its end the tables with all blocks are appended, and the place at its beginning becomes the head of a box of
//! data that goes up to them. So whoever reads a finished file sees an ordinary one, and nothing of it was written twice.

use std::collections::VecDeque;
use std::time::Duration;

use super::boxes::{self, HEAD_BYTES, put, put_full, put_u32, put_u64};
use super::table::{Table, millis};
use super::{MAGIC, MAGIC_BYTES, movie};
use crate::ends::Ends;
use crate::limit::{BLOCK_BYTES_MAX, CLUSTER_BYTES_MAX, CLUSTER_TIME_MAX, GROWING_TIME_MAX};
use crate::{Block, Codec, Output, Track, h264};

/// Bytes of the place for the head of the data, which comes first.
pub const PLACE_BYTES: usize = 16;

/// Bytes of the place for the duration, of a file that ends with fragments.
pub const DURATION_BYTES: usize = 20;

/// What a player should think of a block with which a decoder can start, and of any other (section 8.8.3.1).
pub const KEY_FLAGS: u32 = 0x0200_0000;
const OTHER_FLAGS: u32 = 0x0101_0000;

/// From the beginning of 1900, from which NTP counts, to that of 1970, in seconds.
const EPOCH_1900: u64 = 2_208_988_800;

/// Writes a file that can be played up to its last fragment wherever it ends, and is finished at its end.
#[derive(Debug)]
pub struct Growing {
    began: Duration,
    tables: Vec<Table>,
    waiting: Vec<Block>,
    waiting_bytes: usize,
    fragments: u32,
    ends: Ends,
    /// When the file ends, where not all of it could be written.
    cut: Option<Duration>,
    /// Where the place for the duration is.
    duration_at: u64,
    /// How long the file is, with all that is to be appended.
    bytes: u64,
    out: VecDeque<Output>,
}

impl Growing {
    /// A file that begins at that moment, since 1970. None: there is a track of a codec other than H.264 and Opus.
    #[must_use]
    pub fn new(tracks: &[Track], began: Duration) -> Option<Self> {
        if tracks.iter().any(|track| !matches!(track.codec, Codec::H264 | Codec::Opus)) {
            return None;
        }
        let tables: Vec<Table> = tracks.iter().cloned().map(Table::new).collect();
        let mut head = MAGIC.to_vec();
        head.extend(boxes::free(PLACE_BYTES));
        let told = movie::put(&tables, began, |out| put_extends(out, tracks.len()));
        // The place is the first thing in what comes last.
        let after = told.len() - extends_bytes(tracks.len()) + HEAD_BYTES;
        let duration_at = (head.len() + after) as u64;
        head.extend(told);
        put_began(&mut head, began);
        let (bytes, out) = (head.len() as u64, VecDeque::from([Output::Append(head)]));
        let (waiting, ends) = (Vec::new(), Ends::default());
        Some(Growing { began, tables, waiting, waiting_bytes: 0, fragments: 0, ends, cut: None, duration_at, bytes, out })
    }

    /// Takes a block. Those of several tracks come in about the order of their times. One that is too large is left out.
    pub fn push(&mut self, mut block: Block) {
        let Some(table) = self.tables.get(block.track) else { return };
        if table.track().codec == Codec::H264 {
            block.bytes = h264::without_sets(&table.track().private, &block.bytes);
        }
        if block.bytes.len() > BLOCK_BYTES_MAX || block.bytes.is_empty() {
            return;
        }
        let begins = block.keyframe && !table.is_sound();
        if begins || self.is_full(&block) {
            self.end_fragment();
        }
        self.waiting_bytes += block.bytes.len();
        self.waiting.push(block);
    }

    /// Ends the file: as an ordinary one, or, where nothing can be appended, as one in fragments.
    pub fn finish(&mut self, as_ordinary: bool) {
        self.end_fragment();
        let outputs =
            if as_ordinary { finished(&self.tables, self.began, self.bytes) } else { cut_off(self.duration(), self.duration_at) };
        for output in outputs {
            if let Output::Append(bytes) = &output {
                self.bytes += bytes.len() as u64;
            }
            self.out.push_back(output);
        }
    }

    /// Forgets what was to be done, for a file that has only so many bytes; then it can only be finished, in fragments.
    pub fn cut(&mut self, bytes: u64) {
        self.out.clear();
        self.waiting.clear();
        (self.waiting_bytes, self.bytes) = (0, bytes);
        self.cut = Some(self.ends.at(bytes));
    }

    /// What is to be done with the file.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When the last block ends that is in a fragment that has ended, since the beginning of the file.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.cut.unwrap_or_else(|| end_of(&self.tables))
    }

    /// Whether it is so long that it should be finished, and another begun.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.duration() >= GROWING_TIME_MAX
    }

    /// How long the file is when everything is done that [`poll`](Self::poll) gave or gives.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a block belongs into the next fragment.
    fn is_full(&self, block: &Block) -> bool {
        let Some(first) = self.waiting.first() else { return false };
        self.waiting_bytes + block.bytes.len() > CLUSTER_BYTES_MAX || block.time.abs_diff(first.time) >= CLUSTER_TIME_MAX
    }

    fn end_fragment(&mut self) {
        let mut blocks = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if blocks.is_empty() {
            return;
        }
        blocks.sort_by_key(|block| (block.track, block.time));
        self.fragments = self.fragments.wrapping_add(1);
        let runs = blocks.chunk_by(|one, other| one.track == other.track);
        let mut told = Vec::new();
        // Where in that each run says where its data begins, and where it does.
        let (mut places, mut data) = (Vec::new(), Vec::<u8>::new());
        put(&mut told, b"moof", |out| {
            put_full(out, b"mfhd", 0, 0, |out| put_u32(out, self.fragments));
            for run in runs {
                let Some((track, table)) = track_of(&mut self.tables, run) else { continue };
                let at = data.len();
                let place = put_run(out, track, table, run);
                run.iter().for_each(|block| data.extend(&block.bytes));
                places.push((place, at, track, run.len()));
            }
        });
        let before = told.len() + HEAD_BYTES;
        for (place, at, track, blocks) in places {
            // A fragment is far smaller than what has room there.
            let offset = u32::try_from(before + at).unwrap_or(u32::MAX);
            told.get_mut(place..place + 4).into_iter().for_each(|place| place.copy_from_slice(&offset.to_be_bytes()));
            let chunk_at = self.bytes + u64::from(offset);
            let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
            self.tables.get_mut(track).into_iter().for_each(|table| table.chunk(chunk_at, blocks));
        }
        put(&mut told, b"mdat", |out| out.extend(data));
        self.bytes += told.len() as u64;
        self.ends.note(self.bytes, end_of(&self.tables));
        self.out.push_back(Output::Append(told));
    }
}

/// What makes a file of so many bytes an ordinary one.
pub fn finished(tables: &[Table], began: Duration, bytes: u64) -> Vec<Output> {
    let inside = bytes.saturating_sub((MAGIC_BYTES + PLACE_BYTES) as u64);
    let head = boxes::large_head(b"mdat", inside);
    vec![Output::Append(movie::put(tables, began, |_| {})), Output::Patch { at: MAGIC_BYTES as u64, bytes: head }]
}

/// When the last block ends.
pub fn end_of(tables: &[Table]) -> Duration {
    tables.iter().map(Table::end).max().unwrap_or_default()
}

/// What makes a file that stays in fragments one that says when it ends.
pub fn cut_off(end: Duration, duration_at: u64) -> Vec<Output> {
    let mut duration = Vec::with_capacity(DURATION_BYTES);
    put_full(&mut duration, b"mehd", 1, 0, |out| put_u64(out, millis(end)));
    // The place may have been used already.
    let place = Output::Patch { at: MAGIC_BYTES as u64, bytes: boxes::free(PLACE_BYTES) };
    vec![place, Output::Patch { at: duration_at, bytes: duration }]
}

/// The moment, since 1970, that the seconds since 1900 and their fraction stand for.
pub fn since_1970(ntp: u64) -> Option<Duration> {
    let ns = ((ntp & 0xffff_ffff) * 1_000_000_000 + (1 << 31)) >> 32;
    (ntp >> 32).checked_sub(EPOCH_1900).map(|seconds| Duration::from_secs(seconds) + Duration::from_nanos(ns))
}

/// That fragments follow (section 8.8.1), with a place for the duration of all.
fn put_extends(out: &mut Vec<u8>, tracks: usize) {
    put(out, b"mvex", |out| {
        out.extend(boxes::free(DURATION_BYTES));
        for track in 0..tracks {
            put_full(out, b"trex", 0, 0, |out| {
                // All but the first of these is said again by each fragment.
                [number(track), 1, 0, 0, 0].into_iter().for_each(|number| put_u32(out, number));
            });
        }
    });
}

fn extends_bytes(tracks: usize) -> usize {
    let mut out = Vec::new();
    put_extends(&mut out, tracks);
    out.len()
}

/// When it began, more exactly than the tables can say it (section 8.16.5).
fn put_began(out: &mut Vec<u8>, began: Duration) {
    let fraction = (u64::from(began.subsec_nanos()) << 32) / 1_000_000_000;
    put_full(out, b"prft", 1, 24, |out| {
        put_u32(out, 1);
        put_u64(out, (began.as_secs() + EPOCH_1900) << 32 | fraction);
        put_u64(out, 0);
    });
}

fn track_of<'a>(tables: &'a mut [Table], run: &[Block]) -> Option<(usize, &'a mut Table)> {
    let track = run.first()?.track;
    tables.get_mut(track).map(|table| (track, table))
}

/// Blocks of one track, one after the other (sections 8.8.6 to 8.8.8 and 8.8.12). Gives the place where it is to be said where they are.
fn put_run(out: &mut Vec<u8>, track: usize, table: &mut Table, run: &[Block]) -> usize {
    let starts: Vec<u64> = run.iter().map(|block| table.note(block.time, block.keyframe, &block.bytes)).collect();
    let begins = starts.first().copied().unwrap_or(0);
    let end = starts.last().map_or(0, |last| last + table.tail());
    let ends = starts.iter().skip(1).copied().chain([end]);
    let mut place = 0;
    put(out, b"traf", |out| {
        // Places count from where the fragment begins.
        put_full(out, b"tfhd", 0, 0x2_0000, |out| put_u32(out, number(track)));
        put_full(out, b"tfdt", 1, 0, |out| put_u64(out, begins));
        put_full(out, b"trun", 0, 0x701, |out| {
            put_u32(out, u32::try_from(run.len()).unwrap_or(u32::MAX));
            place = out.len();
            put_u32(out, 0);
            for ((block, start), end) in run.iter().zip(&starts).zip(ends) {
                put_u32(out, u32::try_from(end - start).unwrap_or(u32::MAX));
                put_u32(out, u32::try_from(block.bytes.len()).unwrap_or(u32::MAX));
                put_u32(out, if block.keyframe { KEY_FLAGS } else { OTHER_FLAGS });
            }
        });
    });
    place
}

/// Tracks are counted from 1.
fn number(track: usize) -> u32 {
    u32::try_from(track + 1).unwrap_or(u32::MAX)
}
