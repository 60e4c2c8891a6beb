//! An MP4 (ISO/IEC 14496-12): its index is read as a whole, and its samples from wherever that says they are.

mod boxes;
mod entry;
mod table;

use std::time::Duration;

use crate::limit::{BOXES_MAX, INDEX_BYTES_MAX, SAMPLE_BYTES_MAX, TRACKS_MAX};
use crate::sample::{Sample, Track};
use crate::{Bytes, Problem, read_exactly};

pub use table::Place;

/// The name of the box that such a file begins with stands after its size.
pub const MAGIC: [&[u8; 4]; 6] = [b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"];

/// The tracks that can be decoded, with their samples.
pub fn tracks(bytes: &dyn Bytes) -> Result<Vec<(Track, Samples)>, Problem> {
    let index = index(bytes)?;
    let mut found: Vec<(Track, Samples)> = Vec::new();
    for one in table::tracks(&index) {
        let alike = found.iter().filter(|(track, _)| track.codec.is_sound() == one.track.codec.is_sound()).count();
        if alike < TRACKS_MAX
            && let Some(places) = one.places()
        {
            found.push((one.track, Samples::new(places)));
        }
    }
    let empty = found.iter().all(|(_, samples)| samples.places.is_empty());
    if empty && boxes::find(&index, b"mvex").is_some() {
        return Err(Problem::Fragments);
    }
    Ok(found)
}

/// What is in the box `moov`, which may stand at the end.
fn index(bytes: &dyn Bytes) -> Result<Vec<u8>, Problem> {
    let mut at = 0;
    for _ in 0..BOXES_MAX {
        let Some(head) = head(bytes, at)? else { return Err(Problem::Damaged) };
        if head.name != *b"moov" {
            at = head.end.filter(|end| *end > at).ok_or(Problem::Damaged)?;
            continue;
        }
        let size = head.end.and_then(|end| end.checked_sub(head.data_at)).filter(|size| *size <= INDEX_BYTES_MAX);
        let mut index = vec![0; size.and_then(|size| usize::try_from(size).ok()).ok_or(Problem::Damaged)?];
        return if read_exactly(bytes, head.data_at, &mut index)? { Ok(index) } else { Err(Problem::Damaged) };
    }
    Err(Problem::Unknown)
}

/// The beginning of a box.
struct Head {
    name: [u8; 4],
    data_at: u64,
    /// None: it goes to the end of the file.
    end: Option<u64>,
}

fn head(bytes: &dyn Bytes, at: u64) -> Result<Option<Head>, Problem> {
    let mut first = [0; 8];
    if !read_exactly(bytes, at, &mut first)? {
        return Ok(None);
    }
    let [a, b, c, d, name @ ..] = first;
    let (size, data_at) = match u32::from_be_bytes([a, b, c, d]) {
        0 => return Ok(Some(Head { name, data_at: at.saturating_add(8), end: None })),
        1 => {
            let mut large = [0; 8];
            if !read_exactly(bytes, at.saturating_add(8), &mut large)? {
                return Ok(None);
            }
            (u64::from_be_bytes(large), at.saturating_add(16))
        }
        size => (size.into(), at.saturating_add(8)),
    };
    let end = at.checked_add(size).filter(|end| *end >= data_at).ok_or(Problem::Damaged)?;
    Ok(Some(Head { name, data_at, end: Some(end) }))
}

/// The samples of one track.
#[derive(Debug)]
pub struct Samples {
    places: Vec<Place>,
    next: usize,
}

impl Samples {
    fn new(places: Vec<Place>) -> Samples {
        Samples { places, next: 0 }
    }

    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Sample>, Problem> {
        let Some(place) = self.places.get(self.next) else { return Ok(None) };
        let size = usize::try_from(place.size).unwrap_or(usize::MAX);
        if size > SAMPLE_BYTES_MAX {
            return Ok(None);
        }
        let mut sample = vec![0; size];
        self.next += 1;
        // A file that was cut off ends here.
        let whole = read_exactly(bytes, place.at, &mut sample)?;
        Ok(whole.then_some(Sample { time: place.time, bytes: sample }))
    }

    pub fn seek(&mut self, to: Duration) {
        let before = |place: &Place| place.key && place.time <= to;
        self.next = self.places.iter().rposition(before).unwrap_or(0);
        // Beyond the end nothing is played.
        if self.places.iter().all(|place| place.time < to) {
            self.next = self.places.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_for_each_of_many_tracks_are_not_believed() {
        let film = include_bytes!("../../../fuzz/corpus/film_file/h264-aac");
        let index = index(&film.to_vec()).expect("an index");
        let mut many = Vec::new();
        for _ in 0..300 {
            for one in boxes::boxes(&index).filter(|one| one.name == *b"trak") {
                many.extend((one.data.len() as u32 + 8).to_be_bytes());
                many.extend(one.name);
                many.extend(one.data);
            }
        }
        let head = [&(many.len() as u32 + 8).to_be_bytes()[..], b"moov"].concat();
        let found = tracks(&[head, many].concat()).expect("tracks");
        assert_eq!(found.len(), 2 * TRACKS_MAX);
        assert!(found.iter().all(|(_, samples)| !samples.places.is_empty()));
    }
}
