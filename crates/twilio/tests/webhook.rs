//! What is told of a room: names and parameters of every event.

use room::{Kind, ParticipantId, RoomId, RoomKind, TrackId};
use twilio::rest::{ParticipantStatus, RoomStatus};
use twilio::webhook::{Composition, CompositionHook, Event, Failure, File, Recording, Scene, Stream, Who};

const ROOM: &str =
    "AccountSid=AC1&RoomName=Dog Cam&RoomSid=RM000000000000000000000000000000aa&RoomStatus=in-progress&RoomType=group";
const WHO: &str = "ParticipantSid=PA000000000000000000000000000000bb&ParticipantIdentity=Ann&ParticipantStatus=connected";

const SCENE: Scene<'static> = Scene {
    account: "AC1",
    room: RoomId(0xaa),
    name: "Dog Cam",
    kind: RoomKind::Group,
    status: RoomStatus::InProgress,
    at_ms: 1_597_887_725_839,
};
const ANN: Who<'static> = Who { id: ParticipantId(0xbb), identity: "Ann", status: ParticipantStatus::Connected };
const CAM: Stream<'static> = Stream { id: TrackId(0xcc), kind: Kind::Video, name: "cam" };

fn told(event: &Event<'_>) -> String {
    let parts: Vec<String> = event.parameters(&SCENE).iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("&")
}

#[track_caller]
fn check(event: Event<'_>, name: &str, rest: &str) {
    let expected = format!("{ROOM}&StatusCallbackEvent={name}&Timestamp=2020-08-20T01:42:05.839Z{rest}");
    assert_eq!((event.name(), told(&event)), (name, expected));
}

#[track_caller]
fn check_composition(event: Event<'_>, name: &str, rest: &str) {
    let room = "AccountSid=AC1&RoomSid=RM000000000000000000000000000000aa";
    let expected = format!("{room}&StatusCallbackEvent={name}&Timestamp=2020-08-20T01:42:05.839Z&{rest}");
    assert_eq!((event.name(), told(&event)), (name, expected));
}

#[test]
fn rooms_participants_and_tracks() {
    check(Event::RoomCreated, "room-created", "");
    check(Event::RoomEnded { duration_s: 7 }, "room-ended", "&RoomDuration=7");
    check(Event::ParticipantConnected(ANN), "participant-connected", &format!("&{WHO}"));
    let left = Event::ParticipantDisconnected { who: ANN, duration_s: 5 };
    check(left, "participant-disconnected", &format!("&{WHO}&ParticipantDuration=5"));
    let track = format!("&{WHO}&TrackSid=MT000000000000000000000000000000cc&TrackKind=video&TrackName=cam");
    check(Event::TrackAdded(ANN, CAM), "track-added", &track);
    check(Event::TrackRemoved(ANN, CAM), "track-removed", &track);
    check(Event::TrackEnabled(ANN, CAM), "track-enabled", &track);
    check(Event::TrackDisabled(ANN, CAM), "track-disabled", &track);
}

#[test]
fn recordings() {
    let recording =
        Recording { id: 0xdd, participant: ANN.id, identity: "Ann", track: CAM, container: "mkv", codec: "vp8", offset_ms: 12 };
    let all = "&RecordingSid=RT000000000000000000000000000000dd&ParticipantSid=PA000000000000000000000000000000bb&ParticipantIdentity=Ann\
        &SourceSid=MT000000000000000000000000000000cc&RecordingUri=/v1/Recordings/RT000000000000000000000000000000dd&Container=mkv&Codec=vp8\
        &TrackName=cam&OffsetFromTwilioVideoEpoch=12&Type=video";
    check(Event::RecordingStarted(recording), "recording-started", all);
    let file = "&MediaUri=/v1/Recordings/RT000000000000000000000000000000dd/Media&Duration=3&Size=4&MediaExternalLocation=";
    let made = Event::RecordingCompleted(recording, File { duration_s: 3, bytes: 4 });
    check(made, "recording-completed", &format!("{all}{file}"));
    let failed = Event::RecordingFailed(recording, Failure { operation: "RecordingUpload", message: "" });
    check(failed, "recording-failed", &format!("{all}&FailedOperation=RecordingUpload"));
}

#[test]
fn compositions() {
    let composition = Composition { id: 0xee };
    let one =
        "CompositionSid=CJ000000000000000000000000000000ee&CompositionUri=/v1/Compositions/CJ000000000000000000000000000000ee";
    let hook = CompositionHook { id: 0xff, friendly_name: "all" };
    let of_hook = "HookSid=HK000000000000000000000000000000ff&HookUri=/v1/CompositionHooks/HK000000000000000000000000000000ff\
        &HookFriendlyName=all";
    let failure = Failure { operation: "Encode", message: "disk full" };
    let failed = "FailedOperation=Encode&ErrorMessage=disk full";
    check_composition(Event::CompositionEnqueued(hook, composition), "composition-enqueued", &format!("{of_hook}&{one}"));
    check_composition(Event::CompositionHookFailed(hook, failure), "composition-hook-failed", &format!("{of_hook}&{failed}"));
    check_composition(Event::CompositionStarted(composition), "composition-started", one);
    let progress = Event::CompositionProgress { composition, percent: 10, remaining_s: 9 };
    check_composition(progress, "composition-progress", &format!("{one}&PercentageDone=10&SecondsRemaining=9"));
    let file = "MediaUri=/v1/Compositions/CJ000000000000000000000000000000ee/Media&Duration=3&Size=4&MediaExternalLocation=";
    let made = Event::CompositionAvailable(composition, File { duration_s: 3, bytes: 4 });
    check_composition(made, "composition-available", &format!("{one}&{file}"));
    check_composition(Event::CompositionFailed(composition, failure), "composition-failed", &format!("{one}&{failed}"));
}
