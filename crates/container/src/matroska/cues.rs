//! Places to which one can jump in files of anybody's making.

use std::time::Duration;

use super::ebml::{self, Element, Found};
use super::id;
use crate::limit::CUES_MAX;

/// A place to which one can jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// What of the track is there.
    pub time: Duration,
    /// Of which track: its place among the tracks.
    pub track: usize,
    /// Where in the file the cluster begins that it is in.
    pub at: u64,
}

/// Where in the file the element with the cues begins, by the first bytes of the file; none: they do not say it.
#[must_use]
pub fn cues_at(first: &[u8]) -> Option<u64> {
    let (mut at, mut data_at) = (0_usize, None);
    loop {
        let rest = first.get(at..)?;
        let Found::Head(head) = ebml::head(rest) else { return None };
        match (head.id, data_at) {
            (id::SEGMENT, None) => {
                at += head.bytes();
                data_at = Some(at as u64);
            }
            (id::SEEK_HEAD, Some(data_at)) => {
                let seeks = ebml::elements(rest, 0).next()?;
                let position = ebml::elements(seeks.data, 0).find_map(|seek| position_of_cues(&seek))?;
                return position.checked_add(data_at);
            }
            // What is found by walking needs no place.
            (id::CLUSTER, _) => return None,
            _ => at = at.checked_add(head.bytes())?.checked_add(usize::try_from(head.size?).ok()?)?,
        }
    }
}

/// How many bytes the element with the cues has that begins with these; none: it is none.
#[must_use]
pub fn cues_bytes(first: &[u8]) -> Option<u64> {
    let Found::Head(head) = ebml::head(first) else { return None };
    (head.id == id::CUES).then_some(head.size?.saturating_add(head.bytes() as u64))
}

/// What is in that element: places in order of their times. `numbers` are those of the tracks.
pub(super) fn read(element: &[u8], data_at: u64, scale: u64, numbers: &[u64]) -> Vec<Cue> {
    let cues = ebml::elements(element, 0).next().filter(|cues| cues.id == id::CUES);
    let data = cues.map_or(&[][..], |cues| cues.data);
    let points = ebml::elements(data, 0).filter(|point| point.id == id::CUE_POINT);
    let mut cues: Vec<Cue> = points.take(CUES_MAX).filter_map(|point| read_point(&point, data_at, scale, numbers)).collect();
    cues.sort_by_key(|cue| cue.time);
    cues
}

fn read_point(point: &Element<'_>, data_at: u64, scale: u64, numbers: &[u64]) -> Option<Cue> {
    let number = |of: &Element<'_>, id| ebml::elements(of.data, 0).find(|part| part.id == id).map(|part| part.uint());
    let places = ebml::elements(point.data, 0).find(|part| part.id == id::CUE_TRACK_POSITIONS)?;
    let track = number(&places, id::CUE_TRACK)?;
    Some(Cue {
        time: Duration::from_nanos(number(point, id::CUE_TIME)?.saturating_mul(scale)),
        track: numbers.iter().position(|own| *own == track)?,
        at: number(&places, id::CUE_CLUSTER_POSITION)?.checked_add(data_at)?,
    })
}

fn position_of_cues(seek: &Element<'_>) -> Option<u64> {
    let part = |id| ebml::elements(seek.data, 0).find(|part| part.id == id).map(|part| part.uint());
    (seek.id == id::SEEK && part(id::SEEK_ID)? == u64::from(id::CUES)).then(|| part(id::SEEK_POSITION))?
}
