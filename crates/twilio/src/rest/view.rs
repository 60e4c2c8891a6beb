//! What answers show: plain values, filled by whoever knows them. Times are in milliseconds since 1970 UTC.

use super::ask::SettingsOf;
use super::date::write as date;
use super::memo::Memo;
use super::render::Host;
use super::rules::{RuleLine, Short, Spelled};
use crate::{kind_name, sid, track_kind_name};
use room::{Kind, ParticipantId, RoomId, RoomKind, RoomOptions, TrackId, VideoCodec};
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that an answer shows.
pub trait View {
    /// Its fields.
    type Fields<'a>: Serialize
    where
        Self: 'a;

    /// Its fields, seen from there.
    fn fields<'a>(&'a self, host: &'a Host<'_>) -> Self::Fields<'a>;
}

/// How a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomStatus {
    /// It runs.
    InProgress,
    /// It ended.
    Completed,
    /// It ended, and should not have.
    Failed,
}

impl RoomStatus {
    /// The vendor's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RoomStatus::InProgress => "in-progress",
            RoomStatus::Completed => "completed",
            RoomStatus::Failed => "failed",
        }
    }
}

/// How a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantStatus {
    /// In the room.
    Connected,
    /// It lost its connection; its seat is kept.
    Reconnecting,
    /// Not in the room any more.
    Disconnected,
}

impl ParticipantStatus {
    /// The vendor's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ParticipantStatus::Connected => "connected",
            ParticipantStatus::Reconnecting => "reconnecting",
            ParticipantStatus::Disconnected => "disconnected",
        }
    }
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: RoomStatus,
    /// Its kind.
    pub kind: RoomKind,
    /// For sound only; video codecs, none being none said.
    pub options: RoomOptions,
    /// When it began.
    pub created_ms: u64,
    /// When anything here changed last.
    pub updated_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Seats.
    pub seats_max: u32,
    /// Seconds that one participant may stay.
    pub session_max_s: u32,
    /// Seconds that it stays after the last one left.
    pub empty_timeout_s: u32,
    /// Seconds that it waits for the first one.
    pub unused_timeout_s: u32,
    /// Tracks published at a time; none: any number.
    pub tracks_max: Option<u32>,
    /// What else is kept with it.
    pub memo: Memo,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Which.
    pub id: ParticipantId,
    /// Of which room.
    pub room: RoomId,
    /// Its name.
    pub identity: String,
    /// How it is.
    pub status: ParticipantStatus,
    /// When it came.
    pub created_ms: u64,
    /// When anything here changed last.
    pub updated_ms: u64,
    /// When it left.
    pub ended_ms: Option<u64>,
}

/// A published track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Which.
    pub id: TrackId,
    /// Who publishes it.
    pub publisher: ParticipantId,
    /// In which room.
    pub room: RoomId,
    /// What the app calls it.
    pub name: String,
    /// What it carries.
    pub kind: Kind,
    /// False while muted.
    pub enabled: bool,
    /// When it was published.
    pub created_ms: u64,
    /// When anything here changed last.
    pub updated_ms: u64,
}

/// A track that somebody receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedTrack {
    /// Who receives it.
    pub subscriber: ParticipantId,
    /// The track.
    pub track: Track,
}

/// The rules about what a participant receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeRules {
    /// In which room.
    pub room: RoomId,
    /// Whose.
    pub participant: ParticipantId,
    /// The rules.
    pub rules: Vec<RuleLine>,
    /// When rules were set first; none: never.
    pub created_ms: Option<u64>,
    /// When they were set last.
    pub updated_ms: Option<u64>,
}

/// The rules about what of a room is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRules {
    /// Whose.
    pub room: RoomId,
    /// The rules.
    pub rules: Vec<RuleLine>,
    /// When rules were set first; none: never.
    pub created_ms: Option<u64>,
    /// When they were set last.
    pub updated_ms: Option<u64>,
}

/// Where files are kept: with us, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Files of what.
    pub of: SettingsOf,
    /// What it was called last.
    pub friendly_name: Option<String>,
}

/// A row of a list that is always empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {}

/// Addresses by name.
type Links = BTreeMap<&'static str, String>;

fn links(url: &str, names: &[(&'static str, &str)]) -> Links {
    names.iter().map(|(name, end)| (*name, format!("{url}/{end}"))).collect()
}

/// Seconds between two moments, part of one not counted.
fn seconds(from_ms: u64, to_ms: Option<u64>) -> Option<u64> {
    to_ms.map(|to_ms| to_ms.saturating_sub(from_ms) / 1000)
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct RoomFields<'a> {
    account_sid: &'a str,
    sid: String,
    unique_name: &'a str,
    status: &'static str,
    r#type: &'static str,
    date_created: String,
    date_updated: String,
    end_time: Option<String>,
    duration: Option<u64>,
    enable_turn: bool,
    status_callback: Option<&'a str>,
    status_callback_method: &'static str,
    max_participants: u32,
    max_participant_duration: u32,
    max_concurrent_published_tracks: u32,
    record_participants_on_connect: bool,
    video_codecs: Vec<&'static str>,
    media_region: Option<&'a str>,
    audio_only: bool,
    large_room: bool,
    empty_room_timeout: u32,
    unused_room_timeout: u32,
    url: String,
    links: Links,
}

impl View for Room {
    type Fields<'a> = RoomFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> RoomFields<'a> {
        let url = host.at(&format!("Rooms/{}", sid::room(self.id)));
        let names = [("participants", "Participants"), ("recordings", "Recordings"), ("recording_rules", "RecordingRules")];
        let mut links = links(&url, &names);
        links.insert("transcriptions", format!("{url}/Transcriptions"));
        RoomFields {
            account_sid: host.account,
            sid: sid::room(self.id),
            unique_name: &self.name,
            status: self.status.name(),
            r#type: kind_name(self.kind),
            date_created: date(self.created_ms),
            date_updated: date(self.updated_ms),
            end_time: self.ended_ms.map(date),
            duration: seconds(self.created_ms, self.ended_ms),
            enable_turn: true,
            status_callback: self.memo.status_callback.as_deref(),
            status_callback_method: self.memo.status_callback_method.name(),
            max_participants: self.seats_max,
            max_participant_duration: self.session_max_s,
            max_concurrent_published_tracks: self.tracks_max.unwrap_or(0),
            record_participants_on_connect: self.memo.record_participants_on_connect,
            video_codecs: codecs(&self.options),
            media_region: self.memo.media_region.as_deref(),
            audio_only: self.options.audio_only,
            large_room: self.memo.large_room,
            empty_room_timeout: self.empty_timeout_s / 60,
            unused_room_timeout: self.unused_timeout_s / 60,
            url,
            links,
        }
    }
}

/// What a room without a list of its own takes.
const CODECS_DEFAULT: [VideoCodec; 2] = [VideoCodec::Vp8, VideoCodec::H264];

fn codecs(options: &RoomOptions) -> Vec<&'static str> {
    let list = if options.codecs.is_empty() && !options.audio_only { &CODECS_DEFAULT[..] } else { &options.codecs };
    let word = |codec: &VideoCodec| match codec {
        VideoCodec::Vp8 => "VP8",
        VideoCodec::H264 => "H264",
        VideoCodec::Vp9 => "VP9",
    };
    list.iter().map(word).collect()
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct ParticipantFields<'a> {
    sid: String,
    room_sid: String,
    account_sid: &'a str,
    status: &'static str,
    identity: &'a str,
    date_created: String,
    date_updated: String,
    start_time: String,
    end_time: Option<String>,
    duration: Option<u64>,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
}

impl View for Participant {
    type Fields<'a> = ParticipantFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> ParticipantFields<'a> {
        let url = host.participant(self.room, self.id);
        let names = [
            ("published_tracks", "PublishedTracks"),
            ("subscribed_tracks", "SubscribedTracks"),
            ("subscribe_rules", "SubscribeRules"),
            ("anonymize", "Anonymize"),
        ];
        ParticipantFields {
            sid: sid::participant(self.id),
            room_sid: sid::room(self.room),
            account_sid: host.account,
            status: self.status.name(),
            identity: &self.identity,
            date_created: date(self.created_ms),
            date_updated: date(self.updated_ms),
            start_time: date(self.created_ms),
            end_time: self.ended_ms.map(date),
            duration: seconds(self.created_ms, self.ended_ms),
            links: Some(links(&url, &names)),
            url,
        }
    }
}

impl ParticipantFields<'_> {
    /// As the call that forgets an identity answers.
    pub(super) fn anonymized(mut self) -> Self {
        self.url.push_str("/Anonymize");
        self.links = None;
        self
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct TrackFields<'a> {
    sid: String,
    participant_sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher_sid: Option<String>,
    room_sid: String,
    name: &'a str,
    kind: &'static str,
    enabled: bool,
    date_created: String,
    date_updated: String,
    url: String,
}

impl View for Track {
    type Fields<'a> = TrackFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> TrackFields<'a> {
        TrackFields {
            sid: sid::track(self.id),
            participant_sid: sid::participant(self.publisher),
            publisher_sid: None,
            room_sid: sid::room(self.room),
            name: &self.name,
            kind: track_kind_name(self.kind),
            enabled: self.enabled,
            date_created: date(self.created_ms),
            date_updated: date(self.updated_ms),
            url: format!("{}/PublishedTracks/{}", host.participant(self.room, self.publisher), sid::track(self.id)),
        }
    }
}

impl View for SubscribedTrack {
    type Fields<'a> = TrackFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> TrackFields<'a> {
        let place = host.participant(self.track.room, self.subscriber);
        TrackFields {
            participant_sid: sid::participant(self.subscriber),
            publisher_sid: Some(sid::participant(self.track.publisher)),
            url: format!("{place}/SubscribedTracks/{}", sid::track(self.track.id)),
            ..self.track.fields(host)
        }
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct SubscribeRulesFields<'a> {
    participant_sid: String,
    room_sid: String,
    rules: Vec<Spelled<'a>>,
    date_created: Option<String>,
    date_updated: Option<String>,
}

impl View for SubscribeRules {
    type Fields<'a> = SubscribeRulesFields<'a>;

    fn fields<'a>(&'a self, _: &'a Host<'_>) -> SubscribeRulesFields<'a> {
        SubscribeRulesFields {
            participant_sid: sid::participant(self.participant),
            room_sid: sid::room(self.room),
            rules: self.rules.iter().map(Spelled::of).collect(),
            date_created: self.created_ms.map(date),
            date_updated: self.updated_ms.map(date),
        }
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct RecordingRulesFields<'a> {
    room_sid: String,
    rules: Vec<Short<'a>>,
    date_created: Option<String>,
    date_updated: Option<String>,
}

impl View for RecordingRules {
    type Fields<'a> = RecordingRulesFields<'a>;

    fn fields<'a>(&'a self, _: &'a Host<'_>) -> RecordingRulesFields<'a> {
        RecordingRulesFields {
            room_sid: sid::room(self.room),
            rules: self.rules.iter().map(Short::of).collect(),
            date_created: self.created_ms.map(date),
            date_updated: self.updated_ms.map(date),
        }
    }
}

#[doc(hidden)]
#[derive(Serialize)]
pub struct SettingsFields<'a> {
    account_sid: &'a str,
    friendly_name: Option<&'a str>,
    aws_credentials_sid: Option<&'static str>,
    aws_s3_url: Option<&'static str>,
    aws_storage_enabled: bool,
    encryption_key_sid: Option<&'static str>,
    encryption_enabled: bool,
    url: String,
}

impl View for Settings {
    type Fields<'a> = SettingsFields<'a>;

    fn fields<'a>(&'a self, host: &'a Host<'_>) -> SettingsFields<'a> {
        let place = match self.of {
            SettingsOf::Recordings => "RecordingSettings/Default",
            SettingsOf::Compositions => "CompositionSettings/Default",
        };
        SettingsFields {
            account_sid: host.account,
            friendly_name: self.friendly_name.as_deref(),
            aws_credentials_sid: None,
            aws_s3_url: None,
            aws_storage_enabled: false,
            encryption_key_sid: None,
            encryption_enabled: false,
            url: host.at(place),
        }
    }
}

impl View for Nothing {
    type Fields<'a> = ();

    fn fields<'a>(&'a self, _: &'a Host<'_>) {
        match *self {}
    }
}
