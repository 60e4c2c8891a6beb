use room::{Kind, ParticipantId, RoomId, TrackId};
use store::{RecordedKind, RecordingFilter, RecordingRow, RecordingStatus};
use twilio::rest::{self, Grouping, Key, ListOf, MediaStatus, PageAsk, Recording, RecordingId, Refusal, RoomRecording};

use super::lists::part;
use super::{Answered, Call, rows, unavailable};
use crate::shelf::NotDeleted;

impl Call<'_> {
    pub async fn find_recording(&self, room: Option<&Key<RoomId>>, id: RecordingId) -> Answered {
        let row = self.recording(room, id).await?;
        let shown = shown(&row).ok_or_else(|| self.not_found())?;
        Ok(match room {
            None => rest::render(self.host, &shown),
            Some(_) => rest::render(self.host, &RoomRecording(shown)),
        })
    }

    pub async fn list_recordings(&self, room: Option<&Key<RoomId>>, filter: rest::RecordingFilter, page: &PageAsk) -> Answered {
        let room = match room {
            Some(key) => Some(RoomId(self.room(key).await?.id)),
            None => None,
        };
        let list = ListOf::Recordings(room);
        let Some(filter) = narrowed(room, filter) else {
            return Ok(rest::render_list(self.host, list, page, &[] as &[rest::Nothing], rest::Ends::default()));
        };
        let found = self.desk.shelf.list(filter, part(page)).await.map_err(unavailable)?;
        // What is listed is of tracks only, so all of it can be shown.
        let rows = store::PageOf {
            rows: found.rows.iter().filter_map(shown).collect(),
            first: found.first,
            last: found.last,
            more_before: found.more_before,
            more_after: found.more_after,
        };
        Ok(match room {
            None => self.list(list, page, rows, |row| row),
            Some(_) => self.list(list, page, rows, RoomRecording),
        })
    }

    pub async fn delete_recording(&self, room: Option<&Key<RoomId>>, id: RecordingId) -> Answered {
        let row = self.recording(room, id).await?;
        match self.desk.shelf.delete(&row).await {
            Ok(()) => Ok(String::new()),
            Err(NotDeleted::Running) => Err(Refusal::running()),
            Err(NotDeleted::History(problem)) => Err(unavailable(problem)),
            Err(NotDeleted::File(problem)) => {
                tracing::error!(%problem, "the file of a recording cannot be deleted");
                Err(Refusal::internal())
            }
        }
    }

    /// Where the file of a recording is for so many seconds.
    pub async fn recording_media(&self, room: Option<&Key<RoomId>>, id: RecordingId, ttl_s: u32) -> Result<String, Refusal> {
        let row = self.recording(room, id).await?;
        let address = self.desk.shelf.address(&row, ttl_s).ok_or_else(|| self.not_found())?;
        Ok(format!("{}{address}", self.host.url))
    }

    /// A recording of a track, of this room if one is named. Of one that was deleted it is still known what it was.
    async fn recording(&self, room: Option<&Key<RoomId>>, id: RecordingId) -> Result<RecordingRow, Refusal> {
        let room = match room {
            Some(key) => Some(self.room(key).await?.id),
            None => None,
        };
        let row = self.desk.shelf.find(id.0).await.map_err(unavailable)?;
        let row = row.filter(|row| row.kind != RecordedKind::Mix && room.is_none_or(|room| row.room == room));
        row.ok_or_else(|| self.not_found())
    }
}

/// The same in the words of the history; none, if nothing can fit.
fn narrowed(room: Option<RoomId>, filter: rest::RecordingFilter) -> Option<RecordingFilter> {
    let (mut rooms, mut participants): (Vec<u128>, Vec<u128>) = (room.iter().map(|room| room.0).collect(), Vec::new());
    for group in filter.groups {
        match group {
            Grouping::Room(room) => rooms.push(room.0),
            Grouping::Participant(participant) => participants.push(participant.0),
        }
    }
    for ids in [&mut rooms, &mut participants] {
        ids.sort_unstable();
        ids.dedup();
    }
    let kind = match filter.kind {
        Some(Kind::Audio) => Some(RecordedKind::Audio),
        Some(Kind::Video) => Some(RecordedKind::Video),
        Some(Kind::Data) => return None,
        None => None,
    };
    let status = match filter.status {
        Some(MediaStatus::Enqueued) => return None,
        Some(MediaStatus::Processing) => Some(RecordingStatus::Processing),
        Some(MediaStatus::Completed) => Some(RecordingStatus::Completed),
        Some(MediaStatus::Failed) => Some(RecordingStatus::Failed),
        Some(MediaStatus::Deleted) => Some(RecordingStatus::Deleted),
        None => None,
    };
    (rooms.len() <= 1 && participants.len() <= 1).then(|| RecordingFilter {
        status,
        kind,
        tracks_only: true,
        track: filter.source.map(|track| track.0),
        participant: participants.first().copied(),
        room: rooms.first().copied(),
        room_name: None,
        created_from_ms: filter.created_from_ms,
        created_before_ms: filter.created_before_ms,
    })
}

/// A recording as the door shows it; none, if it is of a mix.
fn shown(row: &RecordingRow) -> Option<Recording> {
    let made = row.status != RecordingStatus::Processing;
    Some(Recording {
        id: RecordingId(row.id),
        room: RoomId(row.room),
        participant: ParticipantId(row.participant?),
        track: TrackId(row.track?),
        name: row.name.clone(),
        kind: if row.kind == RecordedKind::Audio { Kind::Audio } else { Kind::Video },
        container: row.container.clone(),
        codec: row.file.codec.clone(),
        status: match row.status {
            RecordingStatus::Processing => MediaStatus::Processing,
            RecordingStatus::Completed => MediaStatus::Completed,
            RecordingStatus::Failed => MediaStatus::Failed,
            RecordingStatus::Deleted => MediaStatus::Deleted,
        },
        created_ms: row.created_ms,
        offset_ms: row.file.offset_ms,
        duration_ms: made.then_some(row.file.duration_ms),
        bytes: made.then_some(row.file.bytes),
        callback: row.callback.as_ref().map(|callback| (callback.url.clone(), rows::method(callback.method))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_must_all_fit() {
        let check = |room: Option<u128>, groups: &[Grouping], expected: Option<(Option<u128>, Option<u128>)>| {
            let filter = rest::RecordingFilter { groups: groups.to_vec(), ..rest::RecordingFilter::default() };
            let found = narrowed(room.map(RoomId), filter);
            assert_eq!(found.map(|found| (found.room, found.participant)), expected, "{room:?} {groups:?}");
        };
        let (room, who) = (|id| Grouping::Room(RoomId(id)), |id| Grouping::Participant(ParticipantId(id)));
        check(None, &[], Some((None, None)));
        check(None, &[room(1), who(2)], Some((Some(1), Some(2))));
        check(None, &[room(1), room(1)], Some((Some(1), None)));
        check(None, &[room(1), room(2)], None);
        check(Some(1), &[room(2)], None);
        check(Some(1), &[], Some((Some(1), None)));
        let data = rest::RecordingFilter { kind: Some(Kind::Data), ..rest::RecordingFilter::default() };
        assert_eq!(narrowed(None, data), None);
    }
}
