//! Recordings of mixes.

use signalwire::rest::{self, Ends, Page, Recording, RecordingState, Refusal};
use store::{RecordedKind, RecordingFilter, RecordingRow, RecordingStatus};

use super::sessions::{next, part};
use super::{Answered, History, Place, Spaces, nothing, unavailable};
use crate::shelf::NotDeleted;

impl Spaces {
    pub(super) async fn list_recordings(&self, session: Option<u128>, ttl_s: u32, page: &Page, place: Place<'_>) -> Answered {
        if let Some(id) = session {
            self.session(id).await?;
        }
        let Some(history) = &self.history else { return Ok(Some(nothing(page, place))) };
        let filter = RecordingFilter { kind: Some(RecordedKind::Mix), room: session, ..RecordingFilter::default() };
        let found = history.shelf.list(filter, part(page)).await.map_err(unavailable)?;
        let mut rows = Vec::with_capacity(found.rows.len());
        for row in &found.rows {
            rows.push(rest::render_recording(&self.shown(history, row, ttl_s, place).await));
        }
        Ok(Some(rest::render_list(&place.url(), page, Ends { after: next(&found) }, rows)))
    }

    pub(super) async fn find_recording(&self, id: u128, ttl_s: u32, place: Place<'_>) -> Answered {
        let (history, row) = self.recording(id).await?;
        Ok(Some(rest::render_recording(&self.shown(history, &row, ttl_s, place).await)))
    }

    pub(super) async fn delete_recording(&self, id: u128) -> Answered {
        let (history, row) = self.recording(id).await?;
        match history.shelf.delete(&row).await {
            Ok(()) => Ok(None),
            Err(NotDeleted::Running) => Err(Refusal::invalid("id", "is of a recording in progress; stop it first")),
            Err(NotDeleted::History(problem)) => Err(unavailable(problem)),
            Err(NotDeleted::File(problem)) => {
                tracing::error!(%problem, "the file of a recording cannot be deleted");
                Err(Refusal::Internal)
            }
        }
    }

    /// A recording of a mix that is not deleted.
    pub(super) async fn recording(&self, id: u128) -> Result<(&History, RecordingRow), Refusal> {
        let history = self.history.as_ref().ok_or(Refusal::NotFound)?;
        if !history.journal.is_failing() {
            history.journal.flush().await.map_err(unavailable)?;
        }
        let row = history.shelf.find(id).await.map_err(unavailable)?;
        let row = row.filter(|row| row.kind == RecordedKind::Mix && row.status != RecordingStatus::Deleted);
        Ok((history, row.ok_or(Refusal::NotFound)?))
    }

    async fn shown(&self, history: &History, row: &RecordingRow, ttl_s: u32, place: Place<'_>) -> Recording {
        Recording {
            id: row.id,
            session: row.room,
            state: match row.status {
                RecordingStatus::Processing if self.is_paused(row).await => RecordingState::Paused,
                RecordingStatus::Processing => RecordingState::Recording,
                RecordingStatus::Completed | RecordingStatus::Deleted => RecordingState::Completed,
                RecordingStatus::Failed => RecordingState::Failed,
            },
            began_ms: row.created_ms,
            ended_ms: row.ended_ms,
            updated_ms: row.updated_ms,
            duration_ms: row.file.duration_ms,
            bytes: row.file.bytes,
            container: row.container.clone(),
            uri: history.shelf.address(row, ttl_s).map(|address| format!("{}{address}", place.origin)),
        }
    }

    /// What only the rooms know.
    async fn is_paused(&self, row: &RecordingRow) -> bool {
        let view = self.hub.room(&row.room_name).await;
        let recordings = view.map(|view| view.stage.recordings.clone()).unwrap_or_default();
        recordings.iter().any(|one| one.id.0 == row.id && one.state == room::MixState::Paused)
    }
}
