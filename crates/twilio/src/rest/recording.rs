//! What is shown of a recording.

use super::ask::{MediaStatus, RecordingId};
use super::date::write as date;
use super::memo::Method;
use super::render::Host;
use super::view::View;
use crate::{sid, track_kind_name};
use room::{Kind, ParticipantId, RoomId, TrackId};
use serde::Serialize;
use std::collections::BTreeMap;

/// A recording of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Which.
    pub id: RecordingId,
    /// Of which room.
    pub room: RoomId,
    /// Of whose track.
    pub participant: ParticipantId,
    /// Of which track.
    pub track: TrackId,
    /// What the app calls the track.
    pub name: String,
    /// Sound or pictures.
    pub kind: Kind,
    /// `mka` or `mkv`.
    pub container: String,
    /// In lower case.
    pub codec: String,
    /// How it is.
    pub status: MediaStatus,
    /// When it began, in ms since 1970 UTC.
    pub created_ms: u64,
    /// From a moment that all recordings share to its first sample, in ms.
    pub offset_ms: u64,
    /// Its length in ms; none while it is made.
    pub duration_ms: Option<u64>,
    /// Its size in bytes; none while it is made.
    pub bytes: Option<u64>,
    /// Who is told of it, and how.
    pub callback: Option<(String, Method)>,
}

/// The same as an item of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecording(pub Recording);

/// The name of a recording: `RT…`
#[must_use]
pub fn recording_sid(id: RecordingId) -> String {
    format!("RT{:032x}", id.0)
}

impl MediaStatus {
    /// The vendor's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MediaStatus::Enqueued => "enqueued",
            MediaStatus::Processing => "processing",
            MediaStatus::Completed => "completed",
            MediaStatus::Deleted => "deleted",
            MediaStatus::Failed => "failed",
        }
    }
}

/// A length in whole seconds, as this API counts: what is there at all lasts one.
#[must_use]
pub fn whole_seconds(ms: u64) -> u64 {
    (ms / 1000).max(u64::from(ms > 0))
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct RecordingFields<'a> {
    account_sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_sid: Option<String>,
    sid: String,
    source_sid: String,
    status: &'static str,
    date_created: String,
    r#type: &'static str,
    track_name: &'a str,
    container_format: &'a str,
    codec: &'a str,
    offset: u64,
    duration: Option<u64>,
    size: Option<u64>,
    grouping_sids: BTreeMap<&'static str, String>,
    media_external_location: Option<&'static str>,
    #[serde(flatten)]
    callback: Option<CallbackFields<'a>>,
    url: String,
    links: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct CallbackFields<'a> {
    status_callback: Option<&'a str>,
    status_callback_method: &'static str,
}

impl View for Recording {
    type Fields<'a> = RecordingFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> RecordingFields<'a> {
        let sid = recording_sid(self.id);
        let callback = self.callback.as_ref();
        RecordingFields {
            callback: Some(CallbackFields {
                status_callback: callback.map(|(url, _)| url.as_str()),
                status_callback_method: callback.map_or(Method::default(), |(_, method)| *method).name(),
            }),
            ..self.at(host, None, host.at(&format!("Recordings/{sid}")))
        }
    }
}

impl View for RoomRecording {
    type Fields<'a> = RecordingFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> RecordingFields<'a> {
        let room = sid::room(self.0.room);
        let url = host.at(&format!("Rooms/{room}/Recordings/{}", recording_sid(self.0.id)));
        self.0.at(host, Some(room), url)
    }
}

impl Recording {
    fn at<'a>(&'a self, host: &'a Host<'_>, room_sid: Option<String>, url: String) -> RecordingFields<'a> {
        RecordingFields {
            account_sid: host.account,
            room_sid,
            sid: recording_sid(self.id),
            source_sid: sid::track(self.track),
            status: self.status.name(),
            date_created: date(self.created_ms),
            r#type: track_kind_name(self.kind),
            track_name: &self.name,
            container_format: &self.container,
            codec: &self.codec,
            offset: self.offset_ms,
            duration: self.duration_ms.map(whole_seconds),
            size: self.bytes,
            grouping_sids: BTreeMap::from([
                ("room_sid", sid::room(self.room)),
                ("participant_sid", sid::participant(self.participant)),
            ]),
            media_external_location: None,
            callback: None,
            links: BTreeMap::from([("media", format!("{url}/Media"))]),
            url,
        }
    }
}

/// The body of an answer that leads to a file: the libraries do not follow redirects, and read it.
#[must_use]
pub fn render_redirect(url: &str) -> String {
    super::render::text(&BTreeMap::from([("redirect_to", url)]))
}
