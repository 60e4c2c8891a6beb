//! Files of anybody's making, decoded: pictures and sound with their times, and from anywhere in the file. Bytes are given by whoever has
//! them, and may be waited for; no clock, no thread, no socket. What is in a file is believed as far as [`limit`] goes.
//!
//! WebM and Matroska with VP8, VP9 or H.264, and Opus; MP4 with H.264, VP8 or VP9, and AAC (low complexity, one or two channels) or Opus.
//! A track of any other kind is left out.

mod film;
pub mod limit;
mod mp4;
mod picture;
mod sample;
mod sound;
mod webm;

use std::fmt;
use std::io;

pub use film::Film;
pub use picture::Shown;

/// Samples a second of the sound that is given: of one channel.
pub const RATE_HZ: u32 = 48_000;

/// A file, or as much of it as there is.
pub trait Bytes: Send + Sync {
    /// Reads some of what stands there; waits for it if it is not there yet. Nothing: the file has ended before.
    ///
    /// # Errors
    /// It cannot be had.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Whether all before this place is there, so that nobody waits who reads it.
    fn is_there(&self, end: u64) -> bool {
        let _ = end;
        true
    }
}

/// A file that is in memory as a whole.
impl Bytes for Vec<u8> {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(rest);
        }
        Ok(count)
    }
}

/// Why a file is not played, or no further.
#[derive(Debug)]
pub enum Problem {
    /// Its bytes cannot be had.
    Read(io::Error),
    /// It is neither of the containers.
    Unknown,
    /// It is an MP4 in fragments.
    Fragments,
    /// It has no track that can be decoded.
    NoTrack,
    /// It makes no sense.
    Damaged,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Read(problem) => write!(f, "cannot be read: {problem}"),
            Problem::Unknown => f.write_str("neither WebM nor MP4"),
            Problem::Fragments => f.write_str("an MP4 in fragments"),
            Problem::NoTrack => f.write_str("no track of a kind that can be decoded"),
            Problem::Damaged => f.write_str("damaged"),
        }
    }
}

impl std::error::Error for Problem {}

impl From<io::Error> for Problem {
    fn from(problem: io::Error) -> Self {
        Problem::Read(problem)
    }
}

/// Fills all of this from there. False: the file ends before.
fn read_exactly(bytes: &dyn Bytes, at: u64, into: &mut [u8]) -> io::Result<bool> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match bytes.read_at(at.saturating_add(done as u64), rest)? {
            0 => return Ok(false),
            read => done += read,
        }
    }
    Ok(true)
}
