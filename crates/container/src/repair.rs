//! Files that were cut off, or whose writer ended suddenly, made ones that are finished.

use std::time::Duration;

use crate::{Output, Track, matroska, mp4};

/// What to do with a file so that all that is whole in it can be played and jumped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// First, cut it off behind so many bytes.
    pub bytes: u64,
    /// Then, do these.
    pub outputs: Vec<Output>,
    /// These instead where nothing can be appended: without places to jump to, the file stays as long as it was cut off.
    pub patches: Vec<Output>,
    /// How many bytes it has after the outputs.
    pub bytes_after: u64,
    /// How long it is.
    pub duration: Duration,
    /// The moment, since 1970, at which it begins.
    pub began: Option<Duration>,
    /// What it has.
    pub tracks: Vec<Track>,
}

/// Reads a file of either kind from its beginning and finds out what to do with it.
#[derive(Debug, Default)]
pub struct Repair(Kind);

#[derive(Debug)]
enum Kind {
    /// Too little of it was seen.
    Unknown(Vec<u8>),
    Matroska(Box<matroska::Repair>),
    Mp4(Box<mp4::Repair>),
}

impl Default for Kind {
    fn default() -> Self {
        Kind::Unknown(Vec::new())
    }
}

impl Repair {
    /// Takes the bytes that follow those that it had.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Kind::Matroska(repair) => repair.push(bytes),
            Kind::Mp4(repair) => repair.push(bytes),
            Kind::Unknown(first) => {
                first.extend_from_slice(bytes);
                if first.len() >= mp4::MAGIC_BYTES {
                    self.0 = Kind::of(first);
                }
            }
        }
    }

    /// All of the file was there; none: nothing in it can be played.
    #[must_use]
    pub fn finish(self) -> Option<Repaired> {
        match self.0 {
            Kind::Unknown(_) => None,
            Kind::Matroska(repair) => repair.finish(),
            Kind::Mp4(repair) => repair.finish(),
        }
    }
}

impl Kind {
    /// What a file is that begins like this.
    fn of(first: &[u8]) -> Self {
        if mp4::is_begun(first) {
            let mut repair = mp4::Repair::default();
            repair.push(first);
            return Kind::Mp4(Box::new(repair));
        }
        let mut repair = matroska::Repair::default();
        repair.push(first);
        Kind::Matroska(Box::new(repair))
    }
}
