//! One track of a WebM or Matroska file, read from its beginning. A file has one reader for each track, so that neither waits for the other.

use std::collections::VecDeque;
use std::time::Duration;

use container::matroska::{Cue, Event, Reader, cues_at, cues_bytes};
use container::{Block, Shape};

use crate::limit::{
    BLOCKS_SEARCHED_MAX, CUE_MARGIN, CUES_BYTES_MAX, HEAD_BYTES, HELD_BYTES_MAX, HELD_EACH_BYTES, NEAR, READ_BYTES,
    SAMPLE_BYTES_MAX,
};
use crate::sample::{Codec, Sample, Track};
use crate::{Bytes, Problem, read_exactly};

/// How such a file begins (RFC 8794, section 11.2.1).
pub const MAGIC: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// The tracks that can be decoded, with their places among all.
pub fn tracks(bytes: &dyn Bytes) -> Result<Vec<(usize, Track)>, Problem> {
    let (_, found) = Reading::begin(bytes)?.ok_or(Problem::Damaged)?;
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
    /// The places to which one can jump; none: it was not looked for them yet, or they have not come yet.
    cues: Option<Vec<Cue>>,
}

impl Samples {
    pub fn new(place: usize) -> Samples {
        Samples { place, reading: Reading::default(), held: VecDeque::new(), reached: Duration::ZERO, cues: None }
    }

    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Sample>, Problem> {
        if let Some(sample) = self.held.pop_front() {
            return Ok(Some(sample));
        }
        Ok(self.block(bytes)?.map(|block| Sample { time: block.time, bytes: block.bytes }))
    }

    pub fn seek(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<(), Problem> {
        let near = to > self.reached && to - self.reached <= NEAR;
        // The key frame that is needed may be behind what was read, as far as that is known.
        if near && self.search(bytes, to)? || self.jump(bytes, to)? {
            return Ok(());
        }
        if near || to <= self.reached || !self.search(bytes, to)? {
            *self = Samples { cues: self.cues.take(), ..Samples::new(self.place) };
            self.search(bytes, to)?;
        }
        Ok(())
    }

    /// Goes to this time by the places that the file names. Whether that led to where it should.
    fn jump(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<bool, Problem> {
        let Some((mut reading, _)) = Reading::begin(bytes)? else { return Ok(false) };
        if self.cues.is_none() {
            self.cues = reading.cues(bytes)?;
        }
        let Some(at) = self.cue(to) else { return Ok(false) };
        reading.go_to(at);
        // Nobody knows where this is until a block has come; another jump may break this one off before.
        (self.reading, self.reached) = (reading, Duration::MAX);
        let found = self.search(bytes, to)? && self.held.front().is_some_and(|first| first.time <= to);
        if !found {
            // The file says what is not so.
            self.reached = Duration::MAX;
        }
        Ok(found)
    }

    /// The last place that is well before this time: one of this track, if it has any.
    fn cue(&self, to: Duration) -> Option<u64> {
        let cues = self.cues.as_deref()?;
        let own = cues.iter().any(|cue| cue.track == self.place);
        let fits = |cue: &&Cue| cue.time + CUE_MARGIN <= to && (cue.track == self.place || !own);
        cues.iter().rev().find(fits).map(|cue| cue.at)
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
    /// One that has read so far as its tracks are told; none: they are not.
    fn begin(bytes: &dyn Bytes) -> Result<Option<(Reading, Vec<container::Track>)>, Problem> {
        let mut reading = Reading::default();
        loop {
            match reading.next(bytes)? {
                Some(Event::Tracks(tracks)) => return Ok(Some((reading, tracks))),
                Some(Event::Block(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The places to which one can jump, possibly none; none: they may come yet.
    fn cues(&self, bytes: &dyn Bytes) -> Result<Option<Vec<Cue>>, Problem> {
        let mut first = vec![0; HEAD_BYTES];
        if !bytes.is_there(HEAD_BYTES as u64) || !read_exactly(bytes, 0, &mut first)? {
            return Ok(None);
        }
        let Some(at) = cues_at(&first) else { return Ok(Some(Vec::new())) };
        let mut head = [0; 12];
        if !bytes.is_there(at.saturating_add(head.len() as u64)) {
            return Ok(None);
        }
        let told = if read_exactly(bytes, at, &mut head)? { cues_bytes(&head) } else { None };
        let Some(size) = told.filter(|size| *size <= CUES_BYTES_MAX) else { return Ok(Some(Vec::new())) };
        if !bytes.is_there(at.saturating_add(size)) {
            return Ok(None);
        }
        let mut element = vec![0; usize::try_from(size).unwrap_or(0)];
        let whole = read_exactly(bytes, at, &mut element)?;
        Ok(Some(if whole { self.reader.cues(&element) } else { Vec::new() }))
    }

    fn go_to(&mut self, at: u64) {
        self.reader.go_to(at);
        (self.at, self.over) = (at, false);
    }

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
