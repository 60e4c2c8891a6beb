//! What is asked for, what it is made of, and what comes of it.

use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use mixer::codec::CodecError;

use crate::layout::{Span, VideoLayout};
use crate::limit::FILM_MAX;
use crate::sources::{SourceNames, Sources};

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Width and height of the picture in pixels. Odd ones are made even by one less.
    pub canvas: (u16, u16),
    /// As what.
    pub format: Format,
    /// Whose pictures are where. Without regions there are no pictures.
    pub layout: VideoLayout,
    /// Whose sound is heard. None: there is no sound.
    pub audio: Sources,
    /// Whether times are left out in which nothing was recorded of what is asked for. That before the first recording always is.
    pub trim: bool,
    /// Which time of the recordings, on the clock that all share; none: all of it.
    pub part: Option<Span>,
}

/// What kind of file is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// VP8 and Opus (WebM, a part of RFC 9559).
    #[default]
    WebM,
    /// H.264 and Opus (ISO/IEC 14496-12).
    Mp4,
}

/// A recording.
pub struct Input {
    /// What it can be named by.
    pub names: SourceNames,
    /// What is looked for in the file.
    pub kind: Kind,
    /// When it begins, on a clock that all recordings share.
    pub offset: Duration,
    /// How long it is.
    pub duration: Duration,
    /// Opens the file. Not called before its time comes, for there may be more recordings than a program may have files.
    pub file: Open,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Input { names, kind, offset, duration, .. } = self;
        let mut input = f.debug_struct("Input");
        input
            .field("names", names)
            .field("kind", kind)
            .field("offset", offset)
            .field("duration", duration)
            .finish_non_exhaustive()
    }
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// Opens a file: Matroska, from its beginning. It is dropped when nothing more of it is needed. One that is not there
/// ([`io::ErrorKind::NotFound`]) is damaged; any other failure ends the making, for it may be all right later.
pub type Open = Box<dyn FnOnce() -> io::Result<Box<dyn Source>> + Send>;

/// A file to be read.
pub trait Source: Read + Send {}

impl<T: Read + Send> Source for T {}

/// A file to be written, which is empty at first.
pub trait Sink: Write + Seek + Send {}

impl<T: Write + Seek + Send> Sink for T {}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How long the film is that was made so far.
    pub done: Duration,
    /// How long it will be.
    pub total: Duration,
    /// Whether all is written.
    pub finished: bool,
}

impl Progress {
    /// How much of it is made, of a hundred.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let percent = self.done.as_millis() * 100 / self.total.as_millis().max(1);
        u32::try_from(percent).unwrap_or(100).min(100)
    }
}

/// Why nothing can be made.
#[derive(Debug)]
pub enum Failure {
    /// No recording is among those that are asked for, or none has anything in it.
    Nothing,
    /// Pictures cannot be encoded.
    Codec(CodecError),
    /// It would be longer than [`FILM_MAX`].
    TooLong,
    /// A recording is there and cannot be opened.
    Open(io::Error),
    /// The file cannot be written.
    Write(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Nothing => write!(f, "there is no recording to compose"),
            Failure::Codec(error) => write!(f, "encoding failed: {error}"),
            Failure::TooLong => write!(f, "it would be longer than {} hours", FILM_MAX.as_secs() / 3_600),
            Failure::Open(error) => write!(f, "a recording could not be opened: {error}"),
            Failure::Write(error) => write!(f, "the file could not be written: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Failure::Codec(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}
