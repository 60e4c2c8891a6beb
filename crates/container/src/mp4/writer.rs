//! A file that is whole at its end.

use std::collections::VecDeque;
use std::time::Duration;

use super::boxes::{self, HEAD_BYTES, put, put_u32};
use super::movie;
use super::table::Table;
use crate::limit::{BLOCK_BYTES_MAX, CLUSTER_BYTES_MAX, CLUSTER_TIME_MAX, ROOM_MAX};
use crate::{Block, Codec, Output, Track, h264};

/// Bytes at the beginning for each block, and for each second of a track, of what players must know.
const BLOCK_ROOM: u64 = 6;
const SECOND_ROOM: u64 = 24;

/// The same for a track, and for the whole.
const FIXED_ROOM: u64 = 2_048;

/// Writes a file from its beginning to its end.
#[derive(Debug)]
pub struct Writer {
    began: Duration,
    tables: Vec<Table>,
    /// Of each track, what waits until there is enough of it.
    waiting: Vec<Vec<Block>>,
    waiting_bytes: usize,
    waiting_since: Option<Duration>,
    /// The place for what players must know: where it begins and its bytes.
    room: (u64, u64),
    /// Where the data begins with its head.
    data_at: u64,
    /// How long the file is, with all that is to be appended.
    bytes: u64,
    out: VecDeque<Output>,
}

impl Writer {
    /// A file that begins at that moment, since 1970, and will have about so many blocks and be about so long. Is there more, what
    /// players must know stands at its end. None: there is a track of a codec other than H.264 and Opus.
    #[must_use]
    pub fn new(tracks: &[Track], began: Duration, blocks: u64, time: Duration) -> Option<Self> {
        if tracks.iter().any(|track| !matches!(track.codec, Codec::H264 | Codec::Opus)) {
            return None;
        }
        let private: usize = tracks.iter().map(|track| track.private.len()).sum();
        let fixed = FIXED_ROOM * (tracks.len() as u64 + 1) + private as u64;
        let seconds = SECOND_ROOM.saturating_mul(tracks.len() as u64).saturating_mul(time.as_secs());
        let room = BLOCK_ROOM.saturating_mul(blocks).saturating_add(seconds).saturating_add(fixed).min(ROOM_MAX);
        let mut head = Vec::new();
        put(&mut head, b"ftyp", |out| {
            out.extend(b"isom");
            put_u32(out, 0x200);
            out.extend(b"isomiso2avc1mp41");
        });
        let room = (head.len() as u64, room);
        head.extend(boxes::free(usize::try_from(room.1).unwrap_or(HEAD_BYTES)));
        let data_at = head.len() as u64;
        head.extend(boxes::large_head(b"mdat", 0));
        Some(Writer {
            began,
            tables: tracks.iter().cloned().map(Table::new).collect(),
            waiting: vec![Vec::new(); tracks.len()],
            waiting_bytes: 0,
            waiting_since: None,
            room,
            data_at,
            bytes: head.len() as u64,
            out: VecDeque::from([Output::Append(head)]),
        })
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
        let since = *self.waiting_since.get_or_insert(block.time);
        if block.time.abs_diff(since) >= CLUSTER_TIME_MAX || self.waiting_bytes + block.bytes.len() > CLUSTER_BYTES_MAX {
            self.end_chunks();
            self.waiting_since = Some(block.time);
        }
        self.waiting_bytes += block.bytes.len();
        if let Some(waiting) = self.waiting.get_mut(block.track) {
            waiting.push(block);
        }
    }

    /// Ends the file.
    pub fn finish(&mut self) {
        self.end_chunks();
        let told = movie::put(&self.tables, self.began, |_| {});
        let (at, room) = self.room;
        let (length, head) = (told.len() as u64, HEAD_BYTES as u64);
        let size = boxes::large_head(b"mdat", self.bytes - self.data_at - 16);
        self.out.push_back(Output::Patch { at: self.data_at, bytes: size });
        if length != room && length + head > room {
            self.bytes += length;
            return self.out.push_back(Output::Append(told));
        }
        let left = u32::try_from(room - length).unwrap_or(0);
        let mut bytes = told;
        if left > 0 {
            put_u32(&mut bytes, left);
            bytes.extend(b"free");
        }
        self.out.push_back(Output::Patch { at, bytes });
    }

    /// What is to be done with the file.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// How long the file is when everything is done that [`poll`](Self::poll) gave or gives.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What waits of each track is written, one after the other.
    fn end_chunks(&mut self) {
        self.waiting_bytes = 0;
        for (table, waiting) in self.tables.iter_mut().zip(&mut self.waiting) {
            let blocks = std::mem::take(waiting);
            if blocks.is_empty() {
                continue;
            }
            table.chunk(self.bytes, u32::try_from(blocks.len()).unwrap_or(u32::MAX));
            let mut data = Vec::new();
            for block in blocks {
                table.note(block.time, block.keyframe, &block.bytes);
                data.extend(block.bytes);
            }
            self.bytes += data.len() as u64;
            self.out.push_back(Output::Append(data));
        }
    }
}
