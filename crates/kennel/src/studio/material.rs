//! What compositions are made of: the recordings of a room's tracks, and their files, which are opened only when they are read.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use compose::sources::SourceNames;
use compose::{Input, Kind, Open};
use container::matroska::Reader;
use room::{ParticipantId, TrackId};
use store::{Page, Problem, RecordedFile, RecordedKind, RecordingFilter, RecordingRow, RecordingStatus, Store};
use twilio::rest::{RecordingId, recording_sid};
use twilio::sid;

use super::limit::{BEGAN_BEFORE_MAX, HEAD_BYTES, ROWS_AT_ONCE, WRITTEN_AFTER};
use super::wish::Part;
use crate::clock;
use crate::shelf::blob::{Blob, BlobReader, Local};
use crate::shelf::files::Files;
use crate::shelf::sealed;

/// The recordings of a room.
#[derive(Debug, Default)]
pub struct Material {
    /// Those that hold something, the newest first: of one that goes on what is of a part that is over.
    pub made: Vec<RecordingRow>,
    /// Whether some go on, and may add to it.
    pub running: bool,
    /// Whether there are some of which nothing is left.
    pub gone: bool,
    /// Whether there are some that were cut off and that nobody could read since.
    pub locked: bool,
}

/// Whose recordings they are, and which that have not ended nobody makes.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Where they are written down.
    pub store: &'a dyn Store,
    /// Whose.
    pub account: &'a str,
    /// Whether it was cut off, and could not be read since.
    pub is_left: &'a (dyn Fn(u128) -> bool + Sync),
}

/// Which recordings may be of this part of what was recorded in a room.
#[must_use]
pub fn filter(room: u128, name: &str, part: &Part) -> RecordingFilter {
    let before = u64::try_from(BEGAN_BEFORE_MAX.as_millis()).unwrap_or(u64::MAX);
    RecordingFilter {
        tracks_only: true,
        room: (!part.named).then_some(room),
        room_name: part.named.then(|| name.to_owned()),
        created_from_ms: part.from.map(|from| from.saturating_sub(before)),
        created_before_ms: part.to,
        ..RecordingFilter::default()
    }
}

/// Whether some of these are being made that may still add to this part.
///
/// # Errors
/// The database's.
pub async fn is_running(place: Place<'_>, filter: RecordingFilter, part: &Part) -> Result<bool, Problem> {
    let filter = RecordingFilter { status: Some(RecordingStatus::Processing), ..filter };
    Ok(of(place, filter, part).await?.running)
}

/// Looks up what there is of a room, or of a part of what was recorded in it.
///
/// # Errors
/// The database's.
pub async fn of(place: Place<'_>, filter: RecordingFilter, part: &Part) -> Result<Material, Problem> {
    let (mut material, now_ms) = (Material::default(), clock::unix_ms());
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = place.store.recordings(place.account, filter.clone(), page).await?;
        for row in found.rows.into_iter().filter(|row| part.takes(row)) {
            match row.status {
                RecordingStatus::Processing if (place.is_left)(row.id) => material.locked = true,
                RecordingStatus::Processing => match part.to.filter(|to| is_written(*to, now_ms)) {
                    Some(to) => material.made.extend(so_far(row, to)),
                    None => material.running = true,
                },
                _ if row.file.duration_ms == 0 || row.file.bytes == 0 => material.gone = true,
                _ => material.made.push(row),
            }
        }
        let Some(last) = found.last.filter(|_| found.more_after) else { return Ok(material) };
        page = Page::After { place: last, size: ROWS_AT_ONCE };
    }
}

/// Whether what was recorded before this moment is in the files by now.
fn is_written(to_ms: u64, now_ms: u64) -> bool {
    let after = u64::try_from(WRITTEN_AFTER.as_millis()).unwrap_or(u64::MAX);
    to_ms.saturating_add(after) <= now_ms
}

/// What one that goes on has of a part that ended then; none, if its first media came later or did not come yet.
fn so_far(row: RecordingRow, to_ms: u64) -> Option<RecordingRow> {
    let began = Some(row.file.offset_ms).filter(|began| *began > 0);
    let duration_ms = to_ms.checked_sub(began?).filter(|duration| *duration > 0)?;
    Some(RecordingRow { file: RecordedFile { duration_ms, ..row.file }, ..row })
}

/// Those of these recordings that have files. Reads the folder.
#[must_use]
pub fn inputs(rows: &[RecordingRow], files: &Files) -> Vec<Input> {
    rows.iter().filter(|row| files.has(row.id) || goes_on(row)).filter_map(|row| input(row, files)).collect()
}

fn input(row: &RecordingRow, files: &Files) -> Option<Input> {
    let kind = match row.kind {
        RecordedKind::Audio => Kind::Audio,
        RecordedKind::Video => Kind::Video,
        RecordedKind::Mix => return None,
    };
    let names = names(row)?;
    let (told, duration) = (Duration::from_millis(row.file.offset_ms), Duration::from_millis(row.file.duration_ms));
    // The row has what was known of its beginning at first.
    let offset = Some(row).filter(|row| goes_on(row)).and_then(|row| began(row, files)).unwrap_or(told);
    let duration = (told + duration).saturating_sub(offset);
    Some(Input { names, kind, offset, duration, file: opens(files.clone(), row) })
}

/// What a recording of a track can be named by.
#[must_use]
pub fn names(row: &RecordingRow) -> Option<SourceNames> {
    Some(SourceNames {
        recording: recording_sid(RecordingId(row.id)),
        track: sid::track(TrackId(row.track?)),
        participant: sid::participant(ParticipantId(row.participant?)),
        name: row.name.clone(),
    })
}

fn goes_on(row: &RecordingRow) -> bool {
    row.status == RecordingStatus::Processing
}

/// When a recording that goes on began, as its file says by now.
fn began(row: &RecordingRow, files: &Files) -> Option<Duration> {
    let (mut head, mut reader) = (vec![0; HEAD_BYTES], Reader::default());
    let blob = open(files, row.id, Some(&row.container)).ok()?;
    let read = blob.read_at(0, &mut head).ok()?;
    reader.push(head.get(..read)?);
    while reader.poll().is_some() {}
    reader.began()
}

fn opens(files: Files, row: &RecordingRow) -> Open {
    let (id, growing) = (row.id, goes_on(row).then(|| row.container.clone()));
    Box::new(move || Ok(Box::new(BlobReader::new(open(&files, id, growing.as_deref())?))))
}

/// The file of a recording, or of one that goes on what there is of it by now.
fn open(files: &Files, id: u128, growing: Option<&str>) -> io::Result<Arc<dyn Blob>> {
    let part = growing.map(|ending| Local::open(&files.unfinished(id, ending)));
    match part {
        Some(Ok(file)) => sealed::open(Arc::new(file), files.sealing()),
        // It has ended meanwhile.
        _ => Ok(files.open(id)?.ok_or(ErrorKind::NotFound)?.blob),
    }
}
