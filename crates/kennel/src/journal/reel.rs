//! Recordings in progress as the history has them: what each step of one adds to it.

use std::collections::HashMap;
use std::time::Duration;

use media::record::{Form, MixFile};
use room::{Kind, Outcome, ParticipantId, RecordedCodec, Recording, RecordingId, RoomId, RoomKind, TrackId, WhyStopped};
use store::{Callback, EventRow, RecordedFile, RecordedKind, RecordingRow, RecordingStatus, Write};
use twilio::rest::{self, whole_seconds};
use twilio::webhook::{self, Event, Failure, File, Scene, Stream};

/// Recordings that did not end, by their ids.
#[derive(Debug, Default)]
pub(super) struct Reel(HashMap<RecordingId, Running>);

/// What is said again with each event of a recording.
#[derive(Debug)]
struct Running {
    row: RecordingRow,
    room_kind: RoomKind,
    told: bool,
}

/// The room of a recording, as events tell of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: RoomKind,
    /// Whose.
    pub account: &'a str,
    /// Who is told of it.
    pub callback: Option<&'a Callback>,
    /// What its pictures will most likely be written in.
    pub codec: &'a str,
    /// What the file of its mix is.
    pub mix: MixFile,
}

/// How a recording ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub status: RecordingStatus,
    pub file: RecordedFile,
    pub why: &'static str,
    /// The step that failed, as the vendor calls it.
    pub failed: &'static str,
}

impl Reel {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn into_ids(self) -> impl Iterator<Item = u128> {
        self.0.into_keys().map(|id| id.0)
    }

    /// Takes up a recording from before a restart.
    pub fn restore(&mut self, row: RecordingRow, room_kind: RoomKind) {
        // Whether it was told that it began is not written down. A codec is known from then on.
        let told = row.file.offset_ms > 0;
        self.0.insert(RecordingId(row.id), Running { row, room_kind, told });
    }

    /// Nothing is known of one from before a restart.
    pub fn leave(&mut self, id: RecordingId) {
        self.0.remove(&id);
    }

    /// A recording was asked for.
    pub fn begin(&mut self, at_ms: u64, place: Place<'_>, recording: &Recording, writes: &mut Vec<Write>) {
        let row = row(at_ms, place, recording);
        writes.push(Write::RecordingBegan(Box::new(row.clone())));
        self.0.insert(recording.id, Running { row, room_kind: place.kind, told: false });
    }

    /// Its first media came.
    pub fn flow(&mut self, at_ms: u64, room: InRoom, id: RecordingId, what: (RecordedCodec, Duration), writes: &mut Vec<Write>) {
        let (Some(running), (codec, offset)) = (self.0.get_mut(&id), what) else { return };
        running.row.file = RecordedFile { codec: word(codec).to_owned(), offset_ms: ms(offset), ..RecordedFile::default() };
        running.told = true;
        let RecordedFile { codec, offset_ms, .. } = running.row.file.clone();
        writes.push(Write::RecordingFlows { recording: id.0, at_ms, codec, offset_ms });
        writes.extend(running.event(at_ms, room, Event::RecordingStarted));
    }

    /// It ended.
    pub fn end(&mut self, at_ms: u64, room: InRoom, id: RecordingId, end: End, writes: &mut Vec<Write>) {
        let Some(mut running) = self.0.remove(&id) else { return };
        let End { status, file, why, failed } = end;
        let codec = if file.codec.is_empty() { running.row.file.codec.clone() } else { file.codec.clone() };
        running.row.file = RecordedFile { codec, ..file };
        let (file, why) = (running.row.file.clone(), why.to_owned());
        let made = File { duration_s: whole_seconds(file.duration_ms), bytes: file.bytes };
        writes.push(Write::RecordingEnded { recording: id.0, status, at_ms, file, why: why.clone() });
        if status == RecordingStatus::Completed {
            if !running.told {
                writes.extend(running.event(at_ms, room, Event::RecordingStarted));
            }
            writes.extend(running.event(at_ms, room, |of| Event::RecordingCompleted(of, made)));
        } else {
            let failure = Failure { operation: failed, message: &why };
            writes.extend(running.event(at_ms, room, |of| Event::RecordingFailed(of, failure)));
        }
    }
}

/// Whether the room of a recording is still in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InRoom {
    Running,
    Over,
}

impl Running {
    /// Mixes are none of this vendor's: nobody is told of them.
    fn event<'a>(&'a self, at_ms: u64, room: InRoom, event: impl FnOnce(webhook::Recording<'a>) -> Event<'a>) -> Option<Write> {
        let row = &self.row;
        let status = if room == InRoom::Running { rest::RoomStatus::InProgress } else { rest::RoomStatus::Completed };
        let (account, name, kind) = (row.account.as_str(), row.room_name.as_str(), self.room_kind);
        let scene = Scene { account, room: RoomId(row.room), name, kind, status, at_ms };
        let kind = if row.kind == RecordedKind::Audio { Kind::Audio } else { Kind::Video };
        let event = event(webhook::Recording {
            id: row.id,
            participant: ParticipantId(row.participant?),
            identity: row.identity.as_deref().unwrap_or_default(),
            track: Stream { id: TrackId(row.track?), kind, name: &row.name },
            container: &row.container,
            codec: &row.file.codec,
            offset_ms: row.file.offset_ms,
        });
        Some(Write::Event(Box::new(EventRow {
            room: row.room,
            account: row.account.clone(),
            participant: row.participant,
            name: event.name().to_owned(),
            at_ms,
            sequence: 0,
            parameters: event.parameters(&scene),
            callback: row.callback.clone(),
            outcome: String::new(),
        })))
    }
}

impl End {
    /// What the media server says became of it. A file that ended for want of space is kept as far as it came.
    pub fn of(outcome: &Outcome) -> Self {
        let file = RecordedFile {
            codec: outcome.codec.map(word).unwrap_or_default().to_owned(),
            offset_ms: ms(outcome.offset),
            duration_ms: ms(outcome.duration),
            bytes: outcome.bytes,
        };
        let empty = outcome.codec.is_none() || outcome.duration.is_zero();
        let (status, why) = match outcome.why {
            WhyStopped::Disk => (RecordingStatus::Failed, "disk"),
            WhyStopped::Overloaded if empty => (RecordingStatus::Failed, "overloaded"),
            WhyStopped::NoMedia => (RecordingStatus::Failed, "no media"),
            WhyStopped::Stopped | WhyStopped::Long | WhyStopped::CutOff if empty => (RecordingStatus::Failed, "no media"),
            WhyStopped::Overloaded => (RecordingStatus::Completed, "overloaded"),
            WhyStopped::Stopped => (RecordingStatus::Completed, "stopped"),
            WhyStopped::Long => (RecordingStatus::Completed, "long"),
            WhyStopped::CutOff => (RecordingStatus::Completed, "cut off"),
        };
        let failed = if empty { "RecordingStart" } else { "RecordingComplete" };
        End { status, file, why, failed }
    }

    /// Its file is not there.
    pub fn lost() -> Self {
        let file = RecordedFile::default();
        End { status: RecordingStatus::Failed, file, why: "lost", failed: "RecordingComplete" }
    }
}

fn row(at_ms: u64, place: Place<'_>, recording: &Recording) -> RecordingRow {
    let (kind, container, codec) = match recording.source.as_ref().map(|(_, track)| track.kind) {
        Some(Kind::Audio) => (RecordedKind::Audio, "mka", "opus"),
        Some(_) => (RecordedKind::Video, "mkv", place.codec),
        None => (RecordedKind::Mix, Form::Mix(place.mix).ending(), if place.mix == MixFile::Mp4 { "h264" } else { "vp8" }),
    };
    let source = recording.source.as_ref();
    RecordingRow {
        id: recording.id.0,
        account: place.account.to_owned(),
        room: place.room.0,
        room_name: place.name.to_owned(),
        participant: source.map(|(who, _)| who.id.0),
        identity: source.map(|(who, _)| who.identity.to_string()),
        track: source.map(|(_, track)| track.id.0),
        kind,
        name: source.map(|(_, track)| track.name.to_string()).unwrap_or_default(),
        container: container.to_owned(),
        status: RecordingStatus::Processing,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
        file: RecordedFile { codec: codec.to_owned(), ..RecordedFile::default() },
        why: String::new(),
        callback: place.callback.cloned(),
    }
}

fn word(codec: RecordedCodec) -> &'static str {
    match codec {
        RecordedCodec::Opus => "opus",
        RecordedCodec::Vp8 => "vp8",
        RecordedCodec::Vp9 => "vp9",
        RecordedCodec::H264 => "h264",
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
