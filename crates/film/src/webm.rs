//! One track of a WebM or Matroska file, read from its beginning. A file has one reader for each track, so that neither waits for the other.

use std::collections::VecDeque;
use std::time::Duration;

use container::matroska::{Event, Reader};
use container::{Block, Shape};

use crate::limit::{BLOCKS_SEARCHED_MAX, HELD_BYTES_MAX, HELD_EACH_BYTES, READ_BYTES, SAMPLE_BYTES_MAX};
use crate::sample::{Codec, Sample, Track};
use crate::{Bytes, Problem};

/// How such a file begins (RFC 8794, section 11.2.1).
pub const MAGIC: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// The tracks that can be decoded, with their places among all.
pub fn tracks(bytes: &dyn Bytes) -> Result<Vec<(usize, Track)>, Problem> {
    let mut reading = Reading::default();
    let found = loop {
        match reading.next(bytes)? {
            Some(Event::Tracks(tracks)) => break tracks,
            Some(Event::Block(_)) => {}
            None => return Err(Problem::Damaged),
        }
    };
    let known = found.into_iter().enumerate().map(|(place, track)| (place, read_track(track)));
    Ok(known.collect())
}

fn read_track(track: container::Track) -> Track {
    let codec = match track.codec {
        container::Codec::Opus => Codec::Opus,
        container::Codec::Vp8 => Codec::Vp8,
        container::Codec::Vp9 => Codec::Vp9,
        container::Codec::H264 => Codec::H264,
    };
    let rotation = match track.shape {
        Shape::Picture { rotation, .. } => rotation,
        Shape::Sound { .. } => 0,
    };
    Track { codec, private: track.private, rotation }
}

/// The samples of one track.
#[derive(Debug)]
pub struct Samples {
    /// Its place among the tracks.
    place: usize,
    reading: Reading,
    /// What was read already in search of a place.
    held: VecDeque<Sample>,
    /// The time of the last block that was read.
    reached: Duration,
}

impl Samples {
    pub fn new(place: usize) -> Samples {
        Samples { place, reading: Reading::default(), held: VecDeque::new(), reached: Duration::ZERO }
    }

    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Sample>, Problem> {
        if let Some(sample) = self.held.pop_front() {
            return Ok(Some(sample));
        }
        Ok(self.block(bytes)?.map(|block| Sample { time: block.time, bytes: block.bytes }))
    }

    pub fn seek(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<(), Problem> {
        // The key frame that is needed may be behind.
        if to <= self.reached || !self.search(bytes, to)? {
            *self = Samples::new(self.place);
            self.search(bytes, to)?;
        }
        Ok(())
    }

    /// Reads on to this time, and holds what is to be decoded before it. Whether a decoder can start with that.
    fn search(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<bool, Problem> {
        self.held.clear();
        let (mut size, mut keyed) = (0, true);
        for _ in 0..BLOCKS_SEARCHED_MAX {
            let Some(block) = self.block(bytes)? else { break };
            let past = block.time >= to;
            if self.held.is_empty() || (block.keyframe && !past) {
                self.held.clear();
                (size, keyed) = (0, block.keyframe);
            }
            size += block.bytes.len() + HELD_EACH_BYTES;
            self.held.push_back(Sample { time: block.time, bytes: block.bytes });
            if past || size > HELD_BYTES_MAX {
                break;
            }
        }
        Ok(keyed)
    }

    /// The next block of the track.
    fn block(&mut self, bytes: &dyn Bytes) -> Result<Option<Block>, Problem> {
        for _ in 0..BLOCKS_SEARCHED_MAX {
            match self.reading.next(bytes)? {
                Some(Event::Block(block)) if block.track == self.place => {
                    self.reached = block.time;
                    return Ok(Some(block).filter(|block| block.bytes.len() <= SAMPLE_BYTES_MAX));
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(None)
    }
}

/// A file that is read from its beginning.
#[derive(Debug, Default)]
struct Reading {
    reader: Reader,
    at: u64,
    over: bool,
}

impl Reading {
    fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Event>, Problem> {
        loop {
            if let Some(event) = self.reader.poll() {
                return Ok(Some(event));
            }
            if self.over || self.reader.is_over() {
                return Ok(None);
            }
            let mut piece = vec![0; READ_BYTES];
            let read = bytes.read_at(self.at, &mut piece)?;
            piece.truncate(read);
            self.at = self.at.saturating_add(read as u64);
            self.over = read == 0;
            self.reader.push(&piece);
        }
    }
}
