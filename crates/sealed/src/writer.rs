//! Writes a sealed file: at its end, and anew in what was written before.

use std::collections::BTreeMap;
use std::io;

use crate::chunk::{self, Chunk};
use crate::head::Head;
use crate::key::{FileKey, Key, Keys};
use crate::place::Paper;
use crate::reader::{newest, read_head};
use crate::survey::Survey;
use crate::{CHUNK, Problem, Random};

/// Full chunks that were changed and wait to be written. With one more all are written.
const CHANGED_MAX: usize = 4;

/// A sealed file that is written. What it is given is in the file after [`Writer::flush`], but for what is changed in full chunks: that
/// is after [`Writer::keep`].
pub struct Writer<P> {
    place: P,
    head: Head,
    key: FileKey,
    random: Random,
    /// The last chunk, as far as it came.
    tail: Chunk,
    /// In which place it is; none: it was not written yet.
    tail_at: Option<u32>,
    /// How many bytes are sealed there.
    tail_kept: usize,
    /// Whether something is in it that was not written.
    unwritten: bool,
    /// Full chunks that were changed.
    changed: BTreeMap<u32, Chunk>,
}

impl<P: Paper> Writer<P> {
    /// Begins a file in a place that has nothing in it.
    ///
    /// # Errors
    /// Those of the place.
    pub fn create(place: P, key: &Key, random: Random) -> io::Result<Self> {
        let mut salt = [0; 16];
        random(&mut salt);
        let (head, key) = (Head::new(key, salt), key.of_file(&salt));
        let (tail, changed) = (Chunk::default(), BTreeMap::new());
        let mut writer = Writer { place, head, key, random, tail, tail_at: None, tail_kept: 0, unwritten: false, changed };
        writer.write_head(None)?;
        Ok(writer)
    }

    /// Goes on with a file, finished or not, with what is whole in it.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn resume(place: P, keys: &Keys, random: Random) -> Result<Self, Problem> {
        let (head, key) = read_head(&place, keys)?;
        let whole = match head.bytes {
            Some(bytes) if chunk::size_of(bytes) <= place.size()? => Some(bytes),
            _ => None,
        };
        let (tail, changed) = (Chunk::default(), BTreeMap::new());
        let mut writer = Writer { place, head, key, random, tail, tail_at: None, tail_kept: 0, unwritten: false, changed };
        match whole {
            Some(bytes) => writer.take_finished(bytes)?,
            None => writer.take_unfinished()?,
        }
        Ok(writer)
    }

    /// How many bytes are sealed in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        start_of(self.tail.number) + self.tail.bytes.len() as u64
    }

    /// Writes all of this at that place, which may be the end but not beyond.
    ///
    /// # Errors
    /// Those of the place, and [`Problem`]'s.
    pub fn write_at(&mut self, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
        if at > self.bytes() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        while !bytes.is_empty() {
            if self.tail.bytes.len() == CHUNK {
                self.write_full()?;
            }
            let number = number_of(at)?;
            let from = usize::try_from(at - start_of(number)).unwrap_or(CHUNK);
            let (piece, rest) = bytes.split_at(bytes.len().min(CHUNK - from));
            if number == self.tail.number {
                self.unwritten = true;
                put(&mut self.tail.bytes, from, piece);
            } else {
                put(&mut self.change(number)?.bytes, from, piece);
            }
            at += piece.len() as u64;
            bytes = rest;
        }
        if self.tail.bytes.len() == CHUNK { self.write_full() } else { Ok(()) }
    }

    /// Takes away what is behind so many bytes. That can be done on a full disk, too.
    ///
    /// # Errors
    /// Those of the place, and [`Problem`]'s.
    pub fn cut(&mut self, bytes: u64) -> io::Result<()> {
        if bytes >= self.bytes() {
            return Ok(());
        }
        let number = number_of(bytes)?;
        let rest = usize::try_from(bytes - start_of(number)).unwrap_or(CHUNK);
        if number != self.tail.number {
            self.tail = match rest {
                0 => Chunk { number, ..Chunk::default() },
                _ => std::mem::take(self.change(number)?),
            };
            (self.tail_at, self.tail_kept) = (Some(number).filter(|_| rest > 0), self.tail.bytes.len());
            self.changed.split_off(&number);
        }
        self.tail.bytes.truncate(rest);
        self.unwritten = rest > 0;
        if rest == 0 {
            (self.tail_at, self.tail_kept) = (None, 0);
            return self.place.cut(chunk::place_of(number));
        }
        // First, so that what is written next is in one of the last two places.
        self.place.cut(chunk::place_of(number.saturating_add(2)))?;
        self.flush()
    }

    /// Writes what waits at the end.
    ///
    /// # Errors
    /// Those of the place.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.unwritten || self.tail.bytes.is_empty() {
            return Ok(());
        }
        match (self.write_tail(self.free()), self.tail_at) {
            // A full disk has no free place. Where no more is to be written than is there already it can be changed: better now than never.
            (Err(problem), Some(at)) if is_full(&problem) && self.tail.bytes.len() <= self.tail_kept => self.write_tail(at),
            (done, _) => done,
        }
    }

    /// Writes all that waits, and makes sure that it stays.
    ///
    /// # Errors
    /// Those of the place.
    pub fn keep(&mut self) -> io::Result<()> {
        self.flush()?;
        self.write_changed()?;
        self.place.keep()
    }

    /// Finishes the file: from then on nothing can be missing at its end unnoticed. It can be gone on with all the same.
    ///
    /// # Errors
    /// Those of the place.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.write_changed()?;
        if self.tail_at.is_some_and(|at| at != self.tail.number) {
            self.bring_home()?;
        }
        let bytes = self.bytes();
        let size = chunk::size_of(bytes);
        if self.place.size()? > size {
            // Else what is cut off could be the only one of the last chunk that is on the disk.
            self.place.keep()?;
        }
        self.place.cut(size)?;
        // Else the head could be on the disk before what it says is there.
        self.place.keep()?;
        self.write_head(Some(bytes))?;
        self.place.keep()
    }

    /// Writes the last chunk, which is in the place behind, where it belongs.
    fn bring_home(&mut self) -> io::Result<()> {
        let own = self.tail.number;
        match self.write_tail(own) {
            // The only bytes that a full disk has for it are those that it takes now.
            Err(problem) if is_full(&problem) => {
                self.place.cut(chunk::place_of(own.saturating_add(1)))?;
                self.write_tail(own)
            }
            done => done,
        }
    }

    fn take_finished(&mut self, bytes: u64) -> Result<(), Problem> {
        let number = number_of(bytes)?;
        self.tail.number = number;
        if bytes > start_of(number) {
            let there = chunk::read(&self.place, number, &self.key)?.filter(|there| there.number == number);
            self.tail = there.ok_or(Problem::Chunk(number))?;
            (self.tail_at, self.tail_kept) = (Some(number), self.tail.bytes.len());
        }
        self.write_head(None)?;
        Ok(())
    }

    fn take_unfinished(&mut self) -> Result<(), Problem> {
        let survey = Survey::of(&self.place, &self.key)?;
        let number = number_of(survey.bytes)?;
        self.tail.number = number;
        if let Some((at, tail)) = survey.find(number) {
            (self.tail, self.tail_at, self.tail_kept) = (tail.clone(), Some(*at), tail.bytes.len());
        }
        for known in survey.before(number) {
            let newest = newest(&self.place, &survey, known.number, &self.key)?;
            // It was being written where it belongs when the writer ended.
            if newest.as_ref() == Some(known) {
                let sealed = chunk::seal(known, &self.key, self.random);
                self.place.write_at(chunk::place_of(known.number), &sealed)?;
                // Before what it was saved in is written over.
                self.place.keep()?;
            }
        }
        if self.head.bytes.is_some() {
            self.write_head(None)?;
        }
        Ok(())
    }

    /// A full chunk, to be changed.
    fn change(&mut self, number: u32) -> io::Result<&mut Chunk> {
        if !self.changed.contains_key(&number) {
            if self.changed.len() >= CHANGED_MAX {
                self.write_changed()?;
            }
            let there = chunk::read(&self.place, number, &self.key)?;
            let there = there.filter(|there| there.number == number).ok_or(Problem::Chunk(number))?;
            self.changed.insert(number, there);
        }
        self.changed.get_mut(&number).ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Each is in the free place before it is written where it belongs, so that it is never in neither.
    fn write_changed(&mut self) -> io::Result<()> {
        while let Some((number, mut chunk)) = self.changed.pop_first() {
            chunk.turn = chunk.turn.wrapping_add(1);
            let sealed = chunk::seal(&chunk, &self.key, self.random);
            let spared = self.place.write_at(chunk::place_of(self.free()), &sealed);
            // A full disk has no free place: better now than never.
            let done = match spared {
                Err(problem) if !is_full(&problem) => Err(problem),
                _ => self.place.keep().and_then(|()| self.place.write_at(chunk::place_of(number), &sealed)),
            };
            let done = done.and_then(|()| self.place.keep());
            if let Err(problem) = done {
                self.changed.insert(number, chunk);
                return Err(problem);
            }
        }
        Ok(())
    }

    /// The last chunk is full: it is written where it belongs, and the next one begins.
    fn write_full(&mut self) -> io::Result<()> {
        if self.tail_at == Some(self.tail.number) {
            // What is there is all that there is of it.
            self.write_tail(self.free())?;
        }
        self.write_tail(self.tail.number)?;
        let number = self.tail.number.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        (self.tail, self.tail_at, self.tail_kept) = (Chunk { number, ..Chunk::default() }, None, 0);
        Ok(())
    }

    fn write_tail(&mut self, at: u32) -> io::Result<()> {
        self.tail.turn = self.tail.turn.wrapping_add(1);
        let sealed = chunk::seal(&self.tail, &self.key, self.random);
        // Until it is written what counts is in the other place.
        self.tail_at = Some(if at == self.tail.number { at.saturating_add(1) } else { self.tail.number });
        self.place.write_at(chunk::place_of(at), &sealed)?;
        (self.tail_at, self.tail_kept, self.unwritten) = (Some(at), self.tail.bytes.len(), false);
        Ok(())
    }

    /// The one of the last two places that the last chunk is not in.
    fn free(&self) -> u32 {
        let own = self.tail.number;
        if self.tail_at == Some(own) { own.saturating_add(1) } else { own }
    }

    fn write_head(&mut self, bytes: Option<u64>) -> io::Result<()> {
        self.head.bytes = bytes;
        self.place.write_at(0, &self.head.write(&self.key))
    }
}

/// Whether there was no room for it, on the disk or of what we may have of it.
fn is_full(problem: &io::Error) -> bool {
    matches!(problem.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Where what is sealed in the chunk of this number begins.
fn start_of(number: u32) -> u64 {
    u64::from(number) * CHUNK as u64
}

/// In the chunk of which number this place is.
fn number_of(at: u64) -> io::Result<u32> {
    u32::try_from(at / CHUNK as u64).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// Puts a piece at that place, which is not behind the end.
fn put(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let within = bytes.len().saturating_sub(at).min(piece.len());
    let (over, more) = piece.split_at(within);
    if let Some(there) = bytes.get_mut(at..at + within) {
        there.copy_from_slice(over);
    }
    bytes.extend(more);
}
