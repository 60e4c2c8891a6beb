//! What there is of a file whose writer did not finish it.

use crate::chunk::{self, Chunk};
use crate::key::FileKey;
use crate::place::Place;
use crate::{CHUNK, Problem};

/// What there is of it.
pub struct Survey {
    /// How many bytes are sealed in it in all.
    pub bytes: u64,
    /// The newest of what is in the last two places, of each number, with where it is.
    newest: Vec<(u32, Chunk)>,
}

impl Survey {
    /// Looks at the last two places: what is before them is where it belongs.
    pub fn of(place: &impl Place, key: &FileKey) -> Result<Self, Problem> {
        let places = u32::try_from(chunk::places(place.size()?)).map_err(|_| Problem::Head)?;
        let before = places.saturating_sub(2);
        let mut survey = Survey { bytes: u64::from(before) * CHUNK as u64, newest: Vec::new() };
        for at in before..places {
            if let Some(found) = chunk::read(place, at, key)? {
                survey.note(at, found);
            }
        }
        for (_, found) in &survey.newest {
            let end = u64::from(found.number) * CHUNK as u64 + found.bytes.len() as u64;
            survey.bytes = survey.bytes.max(end);
        }
        Ok(survey)
    }

    /// What was found of this number, and where.
    pub fn find(&self, number: u32) -> Option<&(u32, Chunk)> {
        self.newest.iter().find(|(_, found)| found.number == number)
    }

    /// Those found of a lower number than that.
    pub fn before(&self, number: u32) -> impl Iterator<Item = &Chunk> {
        self.newest.iter().map(|(_, found)| found).filter(move |found| found.number < number)
    }

    fn note(&mut self, at: u32, found: Chunk) {
        match self.newest.iter_mut().find(|(_, known)| known.number == found.number) {
            Some(known) if known.1.turn < found.turn => *known = (at, found),
            Some(_) => {}
            None => self.newest.push((at, found)),
        }
    }
}
