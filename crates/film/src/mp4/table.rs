//! Where each sample of a track is, and when (`stbl`).

use std::time::Duration;

use super::boxes::{Numbers, boxes, find, find_in};
use super::entry;
use crate::limit::SAMPLES_MAX;
use crate::sample::Track;

/// Where a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: u64,
    pub size: u32,
    pub time: Duration,
    /// A decoder can start here.
    pub key: bool,
}

/// A track of an index, whose samples were not looked at yet.
pub struct Found<'a> {
    pub track: Track,
    stbl: &'a [u8],
    scale: u32,
    shift: i128,
}

/// The tracks of an index that can be decoded.
pub fn tracks(index: &[u8]) -> impl Iterator<Item = Found<'_>> {
    let scale = find(index, b"mvhd").and_then(read_scale);
    boxes(index).filter(|one| one.name == *b"trak").filter_map(move |one| read_track(one.data, scale))
}

fn read_track(trak: &[u8], movie_scale: Option<u32>) -> Option<Found<'_>> {
    let mdia = find(trak, b"mdia")?;
    let scale = find(mdia, b"mdhd").and_then(read_scale)?;
    let stbl = find_in(mdia, &[b"minf", b"stbl"])?;
    let track = entry::read(find(stbl, b"stsd")?)?;
    let rotation = find(trak, b"tkhd").and_then(read_rotation).unwrap_or_default();
    let shift = find_in(trak, &[b"edts", b"elst"]).and_then(|elst| read_shift(elst, scale, movie_scale?)).unwrap_or_default();
    Some(Found { track: Track { rotation, ..track }, stbl, scale, shift })
}

impl Found<'_> {
    /// Where its samples are, in the order in which they are decoded; none if nothing says so.
    pub fn places(&self) -> Option<Vec<Place>> {
        places(self.stbl, self.scale, self.shift)
    }
}

/// Units a second (`mvhd` and `mdhd` have them at the same place).
fn read_scale(data: &[u8]) -> Option<u32> {
    let (version, mut numbers) = Numbers::of_full(data)?;
    numbers.by_version(version)?;
    numbers.by_version(version)?;
    numbers.u32().filter(|scale| *scale > 0)
}

/// Of the matrix only the first two numbers are looked at: pictures are turned, not bent.
fn read_rotation(tkhd: &[u8]) -> Option<u16> {
    let (version, mut numbers) = Numbers::of_full(tkhd)?;
    numbers.skip(if version == 1 { 32 } else { 20 } + 16)?;
    let (a, b) = (numbers.u32()?.cast_signed(), numbers.u32()?.cast_signed());
    Some(match (a.signum(), b.signum()) {
        (0, 1) => 90,
        (-1, 0) => 180,
        (0, -1) => 270,
        _ => 0,
    })
}

/// By how many nanoseconds samples are seen later than their times say: what is left out at the beginning, or waited for.
fn read_shift(elst: &[u8], scale: u32, movie_scale: u32) -> Option<i128> {
    let (version, mut numbers) = Numbers::of_full(elst)?;
    let (count, mut waits) = (numbers.u32()?, 0);
    for _ in 0..count.min(2) {
        let duration = numbers.by_version(version)?;
        let from = if version == 1 { numbers.u64()?.cast_signed() } else { numbers.u32()?.cast_signed().into() };
        numbers.skip(4)?;
        if from >= 0 {
            return Some(waits - nanos(from.into(), scale));
        }
        waits = nanos(duration.into(), movie_scale);
    }
    Some(waits)
}

fn nanos(units: i128, scale: u32) -> i128 {
    units.saturating_mul(1_000_000_000) / i128::from(scale.max(1))
}

fn places(stbl: &[u8], scale: u32, shift: i128) -> Option<Vec<Place>> {
    let mut sizes = Sizes::read(find(stbl, b"stsz")?)?;
    let mut times = Runs::read(find(stbl, b"stts")?)?;
    let mut delays = find(stbl, b"ctts").and_then(Runs::read);
    let mut keys = find(stbl, b"stss").and_then(Numbers::of_full).map(|(_, mut keys)| {
        keys.u32();
        (keys.u32(), keys)
    });
    let mut places = Vec::new();
    let mut decoded: u64 = 0;
    for (number, (at, first)) in (1_u32..).zip(offsets(stbl, sizes.count)?).take(SAMPLES_MAX.min(sizes.count as usize)) {
        let Some(size) = sizes.next() else { break };
        let before = places.last().filter(|_| !first).map(|place: &Place| place.at.saturating_add(place.size.into()));
        let Some(duration) = times.next() else { break };
        let delay = delays.as_mut().and_then(Runs::next).unwrap_or_default().cast_signed();
        let shown = nanos(i128::from(decoded) + i128::from(delay), scale) + shift;
        decoded = decoded.saturating_add(duration.into());
        let key = keys.as_mut().is_none_or(|(next, rest)| {
            let is = *next == Some(number);
            if is {
                *next = rest.u32();
            }
            is
        });
        let time = Duration::from_nanos(u64::try_from(shown.max(0)).unwrap_or(u64::MAX));
        places.push(Place { at: before.unwrap_or(at), size, time, key });
    }
    Some(places)
}

/// For each sample where its chunk begins, and whether it is the first in it.
fn offsets(stbl: &[u8], samples: u32) -> Option<impl Iterator<Item = (u64, bool)>> {
    let (wide, chunks) = match find(stbl, b"stco") {
        Some(chunks) => (false, chunks),
        None => (true, find(stbl, b"co64")?),
    };
    let (_, mut chunks) = Numbers::of_full(chunks)?;
    let count = chunks.u32()?;
    let (_, mut spans) = Numbers::of_full(find(stbl, b"stsc")?)?;
    spans.u32()?;
    let mut span = read_span(&mut spans);
    let mut next = read_span(&mut spans);
    let each = (1..=count).map_while(move |chunk| {
        if next.is_some_and(|(first, _)| first <= chunk) {
            (span, next) = (next, read_span(&mut spans));
        }
        let at = if wide { chunks.u64()? } else { chunks.u32()?.into() };
        // None of these is a chunk of nothing that could go on for ever.
        Some((at, span?.1.min(samples)))
    });
    Some(each.flat_map(|(at, count)| (0..count).map(move |number| (at, number == 0))))
}

/// From which chunk on, and how many samples each has.
fn read_span(numbers: &mut Numbers<'_>) -> Option<(u32, u32)> {
    let (first, count) = (numbers.u32()?, numbers.u32()?);
    numbers.u32()?;
    Some((first, count))
}

/// How large samples are.
struct Sizes<'a> {
    count: u32,
    /// All alike.
    same: Option<u32>,
    each: Numbers<'a>,
}

impl<'a> Sizes<'a> {
    fn read(stsz: &'a [u8]) -> Option<Self> {
        let (_, mut each) = Numbers::of_full(stsz)?;
        let same = Some(each.u32()?).filter(|size| *size > 0);
        Some(Sizes { count: each.u32()?, same, each })
    }

    fn next(&mut self) -> Option<u32> {
        self.same.or_else(|| self.each.u32())
    }
}

/// Numbers that stand for so many samples each (`stts`, `ctts`).
struct Runs<'a> {
    rest: Numbers<'a>,
    left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (_, mut rest) = Numbers::of_full(data)?;
        rest.u32()?;
        Some(Runs { rest, left: 0, value: 0 })
    }

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            (self.left, self.value) = (self.rest.u32()?, self.rest.u32()?);
        }
        self.left -= 1;
        Some(self.value)
    }
}
