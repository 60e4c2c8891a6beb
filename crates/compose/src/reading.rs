//! A recording, block by block.

use std::fmt;
use std::io::{ErrorKind, Read};

use container::matroska::{Event, Reader};
use container::{Block, Track};

use crate::limit::READ_BYTES;
use crate::order::{Failure, Kind, Open, Source};

/// What is left of a file.
pub struct Reading {
    kind: Kind,
    file: State,
    reader: Reader,
    /// Of the first track of the kind that is wanted, with its place among the tracks.
    track: Option<(usize, Track)>,
    next: Option<Block>,
    damaged: bool,
}

enum State {
    Unopened(Open),
    Open(Box<dyn Source>),
    /// It was read to its end, or nothing more is wanted.
    Closed,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("kind", &self.kind).field("track", &self.track).finish_non_exhaustive()
    }
}

impl Reading {
    pub fn new(kind: Kind, file: Open) -> Reading {
        Reading { kind, file: State::Unopened(file), reader: Reader::default(), track: None, next: None, damaged: false }
    }

    /// The track that is read, once something of it was.
    pub fn track(&self) -> Option<&Track> {
        self.track.as_ref().map(|(_, track)| track)
    }

    /// Whether it ends where it should not, is not there, or has nothing of what was wanted.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The next block; none: there is none any more. The first time that it is asked the file is opened.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn peek(&mut self) -> Result<Option<&Block>, Failure> {
        while self.next.is_none() {
            match self.reader.poll() {
                Some(event) => self.take_event(event),
                None if self.fill()? => {}
                None => break,
            }
        }
        Ok(self.next.as_ref())
    }

    /// Takes it.
    ///
    /// # Errors
    /// As [`Reading::peek`].
    pub fn next(&mut self) -> Result<Option<Block>, Failure> {
        self.peek()?;
        Ok(self.next.take())
    }

    /// Whether there is no block any more.
    pub fn is_over(&self) -> bool {
        matches!(self.file, State::Closed) && self.next.is_none()
    }

    /// Nothing more is wanted of it.
    pub fn close(&mut self) {
        (self.file, self.next, self.reader) = (State::Closed, None, Reader::default());
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
    fn fill(&mut self) -> Result<bool, Failure> {
        let Some(file) = self.open()? else { return Ok(false) };
        let mut bytes = Vec::new();
        let read = file.by_ref().take(READ_BYTES).read_to_end(&mut bytes);
        self.reader.push(&bytes);
        let more = matches!(read, Ok(1..)) && !self.reader.is_over();
        if !more {
            self.damaged = read.is_err() || self.reader.is_over() || self.reader.is_amid() || self.track.is_none();
            self.file = State::Closed;
        }
        Ok(more)
    }

    /// The file; none: nothing more is read of it.
    fn open(&mut self) -> Result<Option<&mut Box<dyn Source>>, Failure> {
        self.file = match std::mem::replace(&mut self.file, State::Closed) {
            State::Unopened(open) => match open() {
                Ok(file) => State::Open(file),
                Err(problem) if problem.kind() == ErrorKind::NotFound => {
                    self.damaged = true;
                    State::Closed
                }
                Err(problem) => return Err(Failure::Open(problem)),
            },
            opened => opened,
        };
        Ok(match &mut self.file {
            State::Open(file) => Some(file),
            _ => None,
        })
    }
}
