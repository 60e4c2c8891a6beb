//! A recording, block by block.

use std::fmt;
use std::io::Read;

use container::matroska::{Event, Reader};
use container::{Block, Track};

use crate::limit::READ_BYTES;
use crate::order::{Kind, Source};

/// What is left of a file.
pub struct Reading {
    kind: Kind,
    /// None: it was read to its end.
    file: Option<Box<dyn Source>>,
    reader: Reader,
    /// Of the first track of the kind that is wanted, with its place among the tracks.
    track: Option<(usize, Track)>,
    next: Option<Block>,
    damaged: bool,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("kind", &self.kind).field("track", &self.track).finish_non_exhaustive()
    }
}

impl Reading {
    pub fn new(kind: Kind, file: Box<dyn Source>) -> Reading {
        Reading { kind, file: Some(file), reader: Reader::default(), track: None, next: None, damaged: false }
    }

    /// The track that is read, once something of it was.
    pub fn track(&self) -> Option<&Track> {
        self.track.as_ref().map(|(_, track)| track)
    }

    /// Whether it ends where it should not, or has nothing of what was wanted.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The next block; none: there is none any more.
    pub fn peek(&mut self) -> Option<&Block> {
        while self.next.is_none() {
            match self.reader.poll() {
                Some(event) => self.take_event(event),
                None if self.fill() => {}
                None => break,
            }
        }
        self.next.as_ref()
    }

    /// Takes it.
    pub fn next(&mut self) -> Option<Block> {
        self.peek()?;
        self.next.take()
    }

    /// Nothing more is wanted of it.
    pub fn close(&mut self) {
        (self.file, self.next, self.reader) = (None, None, Reader::default());
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Tracks(tracks) => {
                let sound = self.kind == Kind::Audio;
                let found = tracks.into_iter().enumerate().find(|(_, track)| track.codec.is_sound() == sound);
                self.track = self.track.take().or(found);
            }
            Event::Block(block) => {
                let wanted = self.track.as_ref().is_some_and(|(place, _)| *place == block.track);
                self.next = wanted.then_some(block);
            }
        }
    }

    /// Reads on. Whether there was more.
    fn fill(&mut self) -> bool {
        let Some(file) = &mut self.file else { return false };
        let mut bytes = Vec::new();
        let read = file.by_ref().take(READ_BYTES).read_to_end(&mut bytes);
        self.reader.push(&bytes);
        let more = matches!(read, Ok(1..)) && !self.reader.is_over();
        if !more {
            self.damaged = read.is_err() || self.reader.is_over() || self.track.is_none();
            self.file = None;
        }
        more
    }
}
