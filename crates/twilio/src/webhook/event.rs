//! What is told of a room: the name of each event and its parameters, in their order.

use crate::rest::{ParticipantStatus, RoomStatus, write_ms};
use crate::{kind_name, sid, track_kind_name};
use room::{Kind, ParticipantId, RoomId, RoomKind, TrackId};

/// Where and when something happened.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The account (`AC…`).
    pub account: &'a str,
    /// The room.
    pub room: RoomId,
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: RoomKind,
    /// How it is then.
    pub status: RoomStatus,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// To whom it happened.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Which.
    pub id: ParticipantId,
    /// Its name.
    pub identity: &'a str,
    /// How it is then.
    pub status: ParticipantStatus,
}

/// To which track.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// Which.
    pub id: TrackId,
    /// What it carries.
    pub kind: Kind,
    /// What the app calls it.
    pub name: &'a str,
}

/// A recording of a track.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// Which (the digits of `RT…`).
    pub id: u128,
    /// Of whose.
    pub participant: ParticipantId,
    /// By what name.
    pub identity: &'a str,
    /// Of which track.
    pub track: Stream<'a>,
    /// `mka` or `mkv`.
    pub container: &'a str,
    /// In lower case.
    pub codec: &'a str,
    /// Milliseconds from a moment that all recordings of a room share.
    pub offset_ms: u64,
}

/// A file that was made.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its length in seconds.
    pub duration_s: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A composition.
#[derive(Clone, Copy, Debug)]
pub struct Composition {
    /// Which (the digits of `CJ…`).
    pub id: u128,
}

/// A hook that makes compositions.
#[derive(Clone, Copy, Debug)]
pub struct CompositionHook<'a> {
    /// Which (the digits of `HK…`).
    pub id: u128,
    /// What it is called.
    pub friendly_name: &'a str,
}

/// What went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The step, as the vendor calls it: `RecordingStart`, `RecordingComplete`, `RecordingUpload` for recordings.
    pub operation: &'a str,
    /// In words.
    pub message: &'a str,
}

/// Something that happened, with all that is told of it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A room began.
    RoomCreated,
    /// A room ended.
    RoomEnded {
        /// How long it was, in seconds.
        duration_s: u64,
    },
    /// A participant came.
    ParticipantConnected(Who<'a>),
    /// A participant left.
    ParticipantDisconnected {
        /// Who.
        who: Who<'a>,
        /// How long it was there, in seconds.
        duration_s: u64,
    },
    /// A track was published.
    TrackAdded(Who<'a>, Stream<'a>),
    /// A track is not published any more.
    TrackRemoved(Who<'a>, Stream<'a>),
    /// A track is not muted any more.
    TrackEnabled(Who<'a>, Stream<'a>),
    /// A track was muted.
    TrackDisabled(Who<'a>, Stream<'a>),
    /// A recording began.
    RecordingStarted(Recording<'a>),
    /// A recording is there.
    RecordingCompleted(Recording<'a>, File),
    /// A recording could not be made.
    RecordingFailed(Recording<'a>, Failure<'a>),
    /// A hook wants a composition.
    CompositionEnqueued(CompositionHook<'a>, Composition),
    /// A hook could not have its composition.
    CompositionHookFailed(CompositionHook<'a>, Failure<'a>),
    /// A composition is being made.
    CompositionStarted(Composition),
    /// About every tenth of it.
    CompositionProgress {
        /// Which.
        composition: Composition,
        /// How much is done, in percent.
        percent: u8,
        /// How long it will take from now, in seconds.
        remaining_s: u64,
    },
    /// A composition is there.
    CompositionAvailable(Composition, File),
    /// A composition could not be made.
    CompositionFailed(Composition, Failure<'a>),
}

impl Event<'_> {
    /// The vendor's name for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::RoomCreated => "room-created",
            Event::RoomEnded { .. } => "room-ended",
            Event::ParticipantConnected(_) => "participant-connected",
            Event::ParticipantDisconnected { .. } => "participant-disconnected",
            Event::TrackAdded(..) => "track-added",
            Event::TrackRemoved(..) => "track-removed",
            Event::TrackEnabled(..) => "track-enabled",
            Event::TrackDisabled(..) => "track-disabled",
            Event::RecordingStarted(_) => "recording-started",
            Event::RecordingCompleted(..) => "recording-completed",
            Event::RecordingFailed(..) => "recording-failed",
            Event::CompositionEnqueued(..) => "composition-enqueued",
            Event::CompositionHookFailed(..) => "composition-hook-failed",
            Event::CompositionStarted(_) => "composition-started",
            Event::CompositionProgress { .. } => "composition-progress",
            Event::CompositionAvailable(..) => "composition-available",
            Event::CompositionFailed(..) => "composition-failed",
        }
    }

    /// What is told, in this order; the event's number in its room is added by whoever sends it ([`call`](super::call)).
    #[must_use]
    pub fn parameters(&self, scene: &Scene<'_>) -> Vec<(String, String)> {
        let mut list = List(Vec::with_capacity(16));
        if self.is_of_room() {
            list.scene(scene);
            list.add("StatusCallbackEvent", self.name());
        } else {
            list.add("AccountSid", scene.account);
            list.add("RoomSid", sid::room(scene.room));
            list.add("StatusCallbackEvent", self.name());
        }
        list.add("Timestamp", write_ms(scene.at_ms));
        list.event(self);
        list.0
    }

    /// Compositions are told to callbacks of their own, with less about the room.
    fn is_of_room(&self) -> bool {
        !self.name().starts_with("composition")
    }
}

struct List(Vec<(String, String)>);

impl List {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    fn number(&mut self, name: &str, value: u64) {
        self.add(name, value.to_string());
    }

    fn scene(&mut self, scene: &Scene<'_>) {
        self.add("AccountSid", scene.account);
        self.add("RoomName", scene.name);
        self.add("RoomSid", sid::room(scene.room));
        self.add("RoomStatus", scene.status.name());
        self.add("RoomType", kind_name(scene.kind));
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::RoomCreated => {}
            Event::RoomEnded { duration_s } => self.number("RoomDuration", *duration_s),
            Event::ParticipantConnected(who) => self.who(who),
            Event::ParticipantDisconnected { who, duration_s } => {
                self.who(who);
                self.number("ParticipantDuration", *duration_s);
            }
            Event::TrackAdded(who, track)
            | Event::TrackRemoved(who, track)
            | Event::TrackEnabled(who, track)
            | Event::TrackDisabled(who, track) => {
                self.who(who);
                self.track(track);
            }
            Event::RecordingStarted(recording) => self.recording(recording),
            Event::RecordingCompleted(recording, file) => {
                self.recording(recording);
                self.file(&format!("/v1/Recordings/RT{:032x}", recording.id), *file);
            }
            Event::RecordingFailed(recording, failure) => {
                self.recording(recording);
                self.add("FailedOperation", failure.operation);
            }
            Event::CompositionHookFailed(hook, failure) => {
                self.hook(hook);
                self.failure(failure);
            }
            Event::CompositionEnqueued(hook, composition) => {
                self.hook(hook);
                self.composition(*composition);
            }
            Event::CompositionStarted(composition) => self.composition(*composition),
            Event::CompositionProgress { composition, percent, remaining_s } => {
                self.composition(*composition);
                self.number("PercentageDone", u64::from(*percent));
                self.number("SecondsRemaining", *remaining_s);
            }
            Event::CompositionAvailable(composition, file) => {
                self.composition(*composition);
                self.file(&format!("/v1/Compositions/CJ{:032x}", composition.id), *file);
            }
            Event::CompositionFailed(composition, failure) => {
                self.composition(*composition);
                self.failure(failure);
            }
        }
    }

    fn who(&mut self, who: &Who<'_>) {
        self.add("ParticipantSid", sid::participant(who.id));
        self.add("ParticipantIdentity", who.identity);
        self.add("ParticipantStatus", who.status.name());
    }

    fn track(&mut self, track: &Stream<'_>) {
        self.add("TrackSid", sid::track(track.id));
        self.add("TrackKind", track_kind_name(track.kind));
        self.add("TrackName", track.name);
    }

    fn recording(&mut self, of: &Recording<'_>) {
        self.add("RecordingSid", format!("RT{:032x}", of.id));
        self.add("ParticipantSid", sid::participant(of.participant));
        self.add("ParticipantIdentity", of.identity);
        self.add("SourceSid", sid::track(of.track.id));
        self.add("RecordingUri", format!("/v1/Recordings/RT{:032x}", of.id));
        self.add("Container", of.container);
        self.add("Codec", of.codec);
        self.add("TrackName", of.track.name);
        self.number("OffsetFromTwilioVideoEpoch", of.offset_ms);
        self.add("Type", track_kind_name(of.track.kind));
    }

    fn hook(&mut self, hook: &CompositionHook<'_>) {
        self.add("HookSid", format!("HK{:032x}", hook.id));
        self.add("HookUri", format!("/v1/CompositionHooks/HK{:032x}", hook.id));
        self.add("HookFriendlyName", hook.friendly_name);
    }

    fn composition(&mut self, composition: Composition) {
        self.add("CompositionSid", format!("CJ{:032x}", composition.id));
        self.add("CompositionUri", format!("/v1/Compositions/CJ{:032x}", composition.id));
    }

    fn file(&mut self, uri: &str, file: File) {
        self.add("MediaUri", format!("{uri}/Media"));
        self.number("Duration", file.duration_s);
        self.number("Size", file.bytes);
        self.add("MediaExternalLocation", "");
    }

    fn failure(&mut self, failure: &Failure<'_>) {
        self.add("FailedOperation", failure.operation);
        self.add("ErrorMessage", failure.message);
    }
}
