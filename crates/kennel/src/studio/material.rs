//! What compositions are made of: the recordings of a room's tracks, and their files, which are opened only when they are read.

use std::io::ErrorKind;
use std::time::Duration;

use compose::sources::SourceNames;
use compose::{Input, Kind, Open};
use room::{ParticipantId, TrackId};
use store::{Page, Problem, RecordedKind, RecordingFilter, RecordingRow, RecordingStatus, Store};
use twilio::rest::{RecordingId, recording_sid};
use twilio::sid;

use super::limit::{BEGAN_BEFORE_MAX, ROWS_AT_ONCE};
use super::wish::Part;
use crate::shelf::blob::BlobReader;
use crate::shelf::files::Files;

/// The recordings of a room.
#[derive(Debug, Default)]
pub struct Material {
    /// Those that ended and hold something, the newest first.
    pub made: Vec<RecordingRow>,
    /// Whether some did not end yet.
    pub running: bool,
    /// Whether there are some of which nothing is left.
    pub gone: bool,
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

/// Looks up what there is of a room, or of a part of what was recorded in it.
///
/// # Errors
/// The database's.
pub async fn of(store: &dyn Store, account: &str, filter: RecordingFilter, part: &Part) -> Result<Material, Problem> {
    let mut material = Material::default();
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = store.recordings(account, filter.clone(), page).await?;
        for row in found.rows.into_iter().filter(|row| part.takes(row)) {
            match row.status {
                RecordingStatus::Processing => material.running = true,
                _ if row.file.duration_ms == 0 || row.file.bytes == 0 => material.gone = true,
                _ => material.made.push(row),
            }
        }
        let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(material) };
        page = Page::After { place, size: ROWS_AT_ONCE };
    }
}

/// Those of these recordings that have files. Reads the folder.
#[must_use]
pub fn inputs(rows: &[RecordingRow], files: &Files) -> Vec<Input> {
    rows.iter().filter(|row| files.has(row.id)).filter_map(|row| input(row, files)).collect()
}

fn input(row: &RecordingRow, files: &Files) -> Option<Input> {
    let kind = match row.kind {
        RecordedKind::Audio => Kind::Audio,
        RecordedKind::Video => Kind::Video,
        RecordedKind::Mix => return None,
    };
    let names = SourceNames {
        recording: recording_sid(RecordingId(row.id)),
        track: sid::track(TrackId(row.track?)),
        participant: sid::participant(ParticipantId(row.participant?)),
        name: row.name.clone(),
    };
    let (offset, duration) = (Duration::from_millis(row.file.offset_ms), Duration::from_millis(row.file.duration_ms));
    Some(Input { names, kind, offset, duration, file: opens(files.clone(), row.id) })
}

fn opens(files: Files, id: u128) -> Open {
    Box::new(move || {
        let opened = files.open(id)?.ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(BlobReader::new(opened.blob)))
    })
}
