//! Reads a sealed file from anywhere.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::chunk::{self, Chunk};
use crate::head::{self, Head};
use crate::key::{FileKey, Keys};
use crate::place::{Place, fill};
use crate::survey::Survey;
use crate::{CHUNK, Problem};

/// A sealed file that is read.
pub struct Reader<P> {
    place: P,
    key: FileKey,
    bytes: u64,
    /// None: the file is finished and all of it is there.
    survey: Option<Survey>,
    /// What was read last.
    last: Mutex<Chunk>,
}

impl<P: Place> Reader<P> {
    /// Opens it as it is now. If it is not finished, or was cut off, it has what is whole.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn open(place: P, keys: &Keys) -> Result<Self, Problem> {
        let (head, key) = read_head(&place, keys)?;
        let whole = match head.bytes {
            Some(bytes) if chunk::size_of(bytes) <= place.size()? => Some(bytes),
            _ => None,
        };
        let survey = if whole.is_none() { Some(Survey::of(&place, &key)?) } else { None };
        let bytes = whole.or(survey.as_ref().map(|survey| survey.bytes)).unwrap_or_default();
        // No chunk has this number: a file of so many cannot be.
        let last = Mutex::new(Chunk { number: u32::MAX, ..Chunk::default() });
        Ok(Reader { place, key, bytes, survey, last })
    }

    /// How many bytes are sealed in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it was finished and nothing is missing at its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.survey.is_none()
    }

    /// Reads what is at that place, of what is sealed. Less than what is wanted comes only at the end and before a chunk that is damaged.
    ///
    /// # Errors
    /// [`Problem::Chunk`], if the first byte that is wanted is in it, and [`Problem::Io`].
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Problem> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(at + filled as u64, rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(_) if filled > 0 => break,
                Err(problem) => return Err(problem),
            }
        }
        Ok(filled)
    }

    /// What one chunk has of it.
    fn read_some(&self, at: u64, into: &mut [u8]) -> Result<usize, Problem> {
        if at >= self.bytes {
            return Ok(0);
        }
        let number = u32::try_from(at / CHUNK as u64).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.number != number {
            *last = self.chunk(number)?;
        }
        let from = usize::try_from(at % CHUNK as u64).unwrap_or_default();
        let rest = last.bytes.get(from..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn chunk(&self, number: u32) -> Result<Chunk, Problem> {
        let found = match &self.survey {
            None => chunk::read(&self.place, number, &self.key)?,
            Some(survey) => newest(&self.place, survey, number, &self.key)?,
        };
        let wanted = (self.bytes - u64::from(number) * CHUNK as u64).min(CHUNK as u64);
        let wanted = usize::try_from(wanted).unwrap_or(CHUNK);
        let mut found = found.filter(|found| found.number == number).ok_or(Problem::Chunk(number))?;
        // The end of a file that is still written may have grown since it was looked at.
        if self.survey.is_some() {
            found.bytes.truncate(wanted);
        }
        if found.bytes.len() == wanted { Ok(found) } else { Err(Problem::Chunk(number)) }
    }
}

/// The head of a file and its key.
pub fn read_head(place: &impl Place, keys: &Keys) -> Result<(Head, FileKey), Problem> {
    let mut bytes = [0; head::BYTES];
    let read = fill(place, 0, &mut bytes)?;
    Head::read(bytes.get(..read).unwrap_or_default(), keys)
}

/// The newest of a chunk of an unfinished file: where it belongs, or in the last two places.
pub fn newest(place: &impl Place, survey: &Survey, number: u32, key: &FileKey) -> Result<Option<Chunk>, Problem> {
    let known = survey.find(number).map(|(_, chunk)| chunk);
    let there = chunk::read(place, number, key)?.filter(|chunk| chunk.number == number);
    Ok(match (there, known) {
        (Some(there), Some(known)) if there.turn < known.turn => Some(known.clone()),
        (Some(there), _) => Some(there),
        (None, known) => known.cloned(),
    })
}
