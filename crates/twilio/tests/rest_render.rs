//! The text of answers: every key is always there, and dates, SIDs and addresses have the form that the libraries parse.

use room::{Kind, ParticipantId, RoomId, RoomKind, RoomOptions, TrackId, VideoCodec};
use serde_json::{Value, json};
use twilio::rest::rules::everything;
use twilio::rest::{
    Anchor, Code, Composition, CompositionId, Ends, Hook, HookId, Host, ListOf, MediaStatus, Memo, Method, Nothing, PageAsk,
    Participant, ParticipantStatus, Recording, RecordingId, RecordingRules, Refusal, Room, RoomRecording, RoomStatus, Settings,
    SettingsOf, SubscribeRules, SubscribedTrack, Track, View, Wish, render, render_anonymized, render_list, render_redirect,
    rules,
};

const HOST: Host<'static> = Host { url: "https://h.example:8443", account: "AC1" };
const ROOM: RoomId = RoomId(0xaa);
const WHO: ParticipantId = ParticipantId(0xbb);
/// 2020-08-20T01:42:05.839Z.
const THEN_MS: u64 = 1_597_887_725_839;

#[track_caller]
fn check(view: &impl View, expected: Value) {
    check_text(&render(&HOST, view), expected);
}

#[track_caller]
fn check_text(text: &str, expected: Value) {
    let found: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(found, expected, "{found:#}");
}

fn room() -> Room {
    Room {
        id: ROOM,
        name: "Dog Cam".into(),
        status: RoomStatus::InProgress,
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        created_ms: THEN_MS,
        updated_ms: THEN_MS + 1_000,
        ended_ms: None,
        seats_max: 50,
        session_max_s: 14_400,
        empty_timeout_s: 300,
        unused_timeout_s: 0,
        tracks_max: Some(170),
        memo: Memo { media_region: Some("us1".into()), ..Memo::default() },
    }
}

fn participant() -> Participant {
    Participant {
        id: WHO,
        room: ROOM,
        identity: "Kitchen".into(),
        status: ParticipantStatus::Connected,
        created_ms: THEN_MS,
        updated_ms: THEN_MS,
        ended_ms: None,
    }
}

fn track() -> Track {
    Track {
        id: TrackId(0xcc),
        publisher: WHO,
        room: ROOM,
        name: "cam".into(),
        kind: Kind::Video,
        enabled: true,
        created_ms: THEN_MS,
        updated_ms: THEN_MS,
    }
}

fn room_json() -> Value {
    let url = "https://h.example:8443/v1/Rooms/RM000000000000000000000000000000aa";
    json!({
        "sid": "RM000000000000000000000000000000aa", "status": "in-progress", "date_created": "2020-08-20T01:42:05Z",
        "date_updated": "2020-08-20T01:42:06Z", "account_sid": "AC1", "enable_turn": true, "unique_name": "Dog Cam",
        "status_callback": null, "status_callback_method": "POST", "end_time": null, "duration": null, "type": "group",
        "max_participants": 50, "max_participant_duration": 14400, "max_concurrent_published_tracks": 170,
        "record_participants_on_connect": false, "video_codecs": ["VP8", "H264"], "media_region": "us1", "audio_only": false,
        "large_room": false, "empty_room_timeout": 5, "unused_room_timeout": 0, "url": url,
        "links": {
            "participants": format!("{url}/Participants"), "recordings": format!("{url}/Recordings"),
            "transcriptions": format!("{url}/Transcriptions"), "recording_rules": format!("{url}/RecordingRules"),
        },
    })
}

fn participant_json() -> Value {
    let url =
        "https://h.example:8443/v1/Rooms/RM000000000000000000000000000000aa/Participants/PA000000000000000000000000000000bb";
    json!({
        "sid": "PA000000000000000000000000000000bb", "room_sid": "RM000000000000000000000000000000aa", "account_sid": "AC1",
        "status": "connected", "identity": "Kitchen", "date_created": "2020-08-20T01:42:05Z", "date_updated": "2020-08-20T01:42:05Z",
        "start_time": "2020-08-20T01:42:05Z", "end_time": null, "duration": null, "url": url,
        "links": {
            "published_tracks": format!("{url}/PublishedTracks"), "subscribed_tracks": format!("{url}/SubscribedTracks"),
            "subscribe_rules": format!("{url}/SubscribeRules"), "anonymize": format!("{url}/Anonymize"),
        },
    })
}

fn with(mut value: Value, changes: Value) -> Value {
    let changes = changes.as_object().expect("an object").clone();
    value.as_object_mut().expect("an object").extend(changes);
    value
}

#[test]
fn a_room() {
    check(&room(), room_json());
    let memo = Memo {
        status_callback: Some("http://h/x".into()),
        status_callback_method: Method::Get,
        record_participants_on_connect: true,
        large_room: true,
        ..Memo::default()
    };
    let options = RoomOptions { audio_only: false, codecs: vec![VideoCodec::H264], ..RoomOptions::default() };
    let go = Room { kind: RoomKind::Go, options, tracks_max: None, memo, ..room() };
    let ended = Room { status: RoomStatus::Completed, ended_ms: Some(THEN_MS + 61_999), ..go };
    let changes = json!({
        "type": "go", "video_codecs": ["H264"], "max_concurrent_published_tracks": 0, "media_region": null,
        "status_callback": "http://h/x", "status_callback_method": "GET", "record_participants_on_connect": true, "large_room": true,
        "status": "completed", "end_time": "2020-08-20T01:43:07Z", "duration": 61,
    });
    check(&ended, with(room_json(), changes));
    let sound = Room { options: RoomOptions { audio_only: true, codecs: vec![], ..RoomOptions::default() }, ..room() };
    check(&sound, with(room_json(), json!({ "audio_only": true, "video_codecs": [] })));
}

#[test]
fn a_participant() {
    check(&participant(), participant_json());
    let left = Participant {
        identity: "PA000000000000000000000000000000bb".into(),
        status: ParticipantStatus::Disconnected,
        ended_ms: Some(THEN_MS + 500),
        ..participant()
    };
    let changes = json!({
        "identity": "PA000000000000000000000000000000bb", "status": "disconnected", "end_time": "2020-08-20T01:42:06Z", "duration": 0,
    });
    let expected = with(participant_json(), changes);
    check(&left, expected.clone());
    let url = format!("{}/Anonymize", expected["url"].as_str().expect("an address"));
    let mut expected = with(expected, json!({ "url": url }));
    expected.as_object_mut().expect("an object").remove("links");
    check_text(&render_anonymized(&HOST, &left), expected);
}

#[test]
fn tracks() {
    let base = "https://h.example:8443/v1/Rooms/RM000000000000000000000000000000aa/Participants";
    let published = json!({
        "sid": "MT000000000000000000000000000000cc", "participant_sid": "PA000000000000000000000000000000bb",
        "room_sid": "RM000000000000000000000000000000aa", "name": "cam", "kind": "video", "enabled": true,
        "date_created": "2020-08-20T01:42:05Z", "date_updated": "2020-08-20T01:42:05Z",
        "url": format!("{base}/PA000000000000000000000000000000bb/PublishedTracks/MT000000000000000000000000000000cc"),
    });
    check(&track(), published.clone());
    let changes = json!({
        "participant_sid": "PA000000000000000000000000000000dd", "publisher_sid": "PA000000000000000000000000000000bb",
        "url": format!("{base}/PA000000000000000000000000000000dd/SubscribedTracks/MT000000000000000000000000000000cc"),
    });
    check(&SubscribedTrack { subscriber: ParticipantId(0xdd), track: track() }, with(published, changes));
}

#[test]
fn both_kinds_of_rules() {
    let text = r#"[{"type":"include","all":true},{"type":"exclude","publisher":"Ann","kind":"video"}]"#;
    let lines = rules::subscribe(text).expect("rules");
    let subscribe =
        SubscribeRules { room: ROOM, participant: WHO, rules: lines.clone(), created_ms: None, updated_ms: Some(THEN_MS) };
    check(
        &subscribe,
        json!({
            "participant_sid": "PA000000000000000000000000000000bb", "room_sid": "RM000000000000000000000000000000aa",
            "rules": [
                { "type": "include", "all": true, "publisher": null, "track": null, "kind": null, "priority": null },
                { "type": "exclude", "all": null, "publisher": "Ann", "track": null, "kind": "video", "priority": null },
            ],
            "date_created": null, "date_updated": "2020-08-20T01:42:05Z",
        }),
    );
    assert_eq!(rules::subscribe(&rules::spell(&lines)), Ok(lines.clone()));
    let recording = RecordingRules { room: ROOM, rules: lines.clone(), created_ms: Some(THEN_MS), updated_ms: Some(THEN_MS) };
    check(
        &recording,
        json!({
            "room_sid": "RM000000000000000000000000000000aa",
            "rules": [{ "type": "include", "all": true }, { "type": "exclude", "publisher": "Ann", "kind": "video" }],
            "date_created": "2020-08-20T01:42:05Z", "date_updated": "2020-08-20T01:42:05Z",
        }),
    );
    assert_eq!(rules::recording(&rules::spell_recording(&lines)), Ok(lines));
    assert_eq!(rules::spell_recording(&[everything(false)]), r#"[{"type":"exclude","all":true}]"#);
}

fn recording() -> Recording {
    Recording {
        id: RecordingId(0xdd),
        room: ROOM,
        participant: WHO,
        track: TrackId(0xcc),
        name: "cam".into(),
        kind: Kind::Video,
        container: "mkv".into(),
        codec: "vp8".into(),
        status: MediaStatus::Completed,
        created_ms: THEN_MS,
        offset_ms: 7,
        duration_ms: Some(61_900),
        bytes: Some(1 << 40),
        callback: Some(("http://h.example/".into(), Method::Get)),
    }
}

#[test]
fn recordings() {
    let url = "https://h.example:8443/v1/Recordings/RT000000000000000000000000000000dd";
    let expected = json!({
        "account_sid": "AC1", "sid": "RT000000000000000000000000000000dd", "source_sid": "MT000000000000000000000000000000cc",
        "status": "completed", "date_created": "2020-08-20T01:42:05Z", "type": "video", "track_name": "cam",
        "container_format": "mkv", "codec": "vp8", "offset": 7, "duration": 61, "size": 1_u64 << 40,
        "grouping_sids": {
            "room_sid": "RM000000000000000000000000000000aa", "participant_sid": "PA000000000000000000000000000000bb",
        },
        "media_external_location": null, "status_callback": "http://h.example/", "status_callback_method": "GET",
        "url": url, "links": { "media": format!("{url}/Media") },
    });
    check(&recording(), expected.clone());
    let short = Recording { duration_ms: Some(1), callback: None, ..recording() };
    let changes = json!({ "duration": 1, "status_callback": null, "status_callback_method": "POST" });
    check(&short, with(expected.clone(), changes));
    let made = Recording { status: MediaStatus::Processing, duration_ms: None, bytes: None, ..recording() };
    check(&made, with(expected.clone(), json!({ "status": "processing", "duration": null, "size": null })));

    let url = "https://h.example:8443/v1/Rooms/RM000000000000000000000000000000aa/Recordings/RT000000000000000000000000000000dd";
    let room = "RM000000000000000000000000000000aa";
    let changes = json!({ "room_sid": room, "url": url, "links": { "media": format!("{url}/Media") } });
    let mut of_room = with(expected, changes);
    let fields = of_room.as_object_mut().expect("an object");
    fields.remove("status_callback");
    fields.remove("status_callback_method");
    check(&RoomRecording(recording()), of_room);
    assert_eq!(render_redirect("https://h/?a"), r#"{"redirect_to":"https://h/?a"}"#);
}

#[test]
fn compositions_and_their_hooks() {
    let wish = Wish {
        audio_sources: vec!["*".into()],
        video_layout: [("a".to_owned(), json!({ "video_sources": ["*"] }))].into_iter().collect(),
        callback: Some(("http://h.example/".into(), Method::Get)),
        ..Wish::default()
    };
    let composition = Composition {
        id: CompositionId(0xdd),
        room: ROOM,
        status: MediaStatus::Completed,
        wish: wish.clone(),
        created_ms: THEN_MS,
        completed_ms: Some(THEN_MS),
        deleted_ms: None,
        duration_ms: 2_000,
        bytes: 1_000,
    };
    let url = "https://h.example:8443/v1/Compositions/CJ000000000000000000000000000000dd";
    let asked = json!({
        "account_sid": "AC1", "audio_sources": ["*"], "audio_sources_excluded": [], "video_layout": { "a": { "video_sources": ["*"] } },
        "resolution": "640x480", "trim": true, "format": "webm", "date_created": "2020-08-20T01:42:05Z",
        "status_callback": "http://h.example/", "status_callback_method": "GET",
    });
    let expected = with(
        asked.clone(),
        json!({
            "sid": "CJ000000000000000000000000000000dd", "room_sid": "RM000000000000000000000000000000aa", "status": "completed",
            "date_completed": "2020-08-20T01:42:05Z", "date_deleted": null, "bitrate": 4, "size": 1_000, "duration": 2,
            "media_external_location": null, "url": url, "links": { "media": format!("{url}/Media") },
        }),
    );
    check(&composition, expected.clone());
    let waits = Composition {
        status: MediaStatus::Enqueued,
        wish: Wish { video_layout: serde_json::Map::new(), callback: None, ..wish.clone() },
        completed_ms: None,
        duration_ms: 0,
        bytes: 0,
        ..composition
    };
    let changes = json!({
        "status": "enqueued", "date_completed": null, "bitrate": 0, "size": 0, "duration": 0, "video_layout": {},
        "status_callback": null, "status_callback_method": "POST",
    });
    check(&waits, with(expected, changes));

    let (id, name) = (HookId(0xee), "all".to_owned());
    let hook = Hook { id, name, enabled: true, wish, created_ms: THEN_MS, updated_ms: None };
    let changes = json!({
        "sid": "HK000000000000000000000000000000ee", "friendly_name": "all", "enabled": true, "date_updated": null,
        "url": "https://h.example:8443/v1/CompositionHooks/HK000000000000000000000000000000ee",
    });
    check(&hook, with(asked, changes));
}

#[test]
fn settings() {
    let expected = json!({
        "account_sid": "AC1", "friendly_name": "mine", "aws_credentials_sid": null, "aws_s3_url": null, "aws_storage_enabled": false,
        "encryption_key_sid": null, "encryption_enabled": false, "url": "https://h.example:8443/v1/RecordingSettings/Default",
    });
    check(&Settings { of: SettingsOf::Recordings, friendly_name: Some("mine".into()) }, expected.clone());
    let changes = json!({ "friendly_name": null, "url": "https://h.example:8443/v1/CompositionSettings/Default" });
    check(&Settings { of: SettingsOf::Compositions, friendly_name: None }, with(expected, changes));
}

#[test]
fn a_page_knows_its_neighbours() {
    let filters = vec![("UniqueName".to_owned(), "Dog Cam".to_owned())];
    let page = PageAsk { size: 2, number: 1, anchor: Anchor::After(7), filters };
    let ends = Ends { before: Some(6), after: Some(-1) };
    let base = "https://h.example:8443/v1/Rooms?UniqueName=Dog%20Cam&PageSize=2&Page=";
    check_text(
        &render_list(&HOST, ListOf::Rooms, &page, &[room(), room()], ends),
        json!({
            "rooms": [room_json(), room_json()],
            "meta": {
                "page": 1, "page_size": 2, "key": "rooms", "first_page_url": format!("{base}0"),
                "url": format!("{base}1&PageToken=PTA0000000000000007"), "previous_page_url": format!("{base}0&PageToken=PTB0000000000000006"),
                "next_page_url": format!("{base}2&PageToken=PTAffffffffffffffff"),
            },
        }),
    );
}

#[test]
fn empty_lists_have_their_keys() {
    let lists = [
        (ListOf::Rooms, "rooms", "Rooms"),
        (ListOf::Participants(ROOM), "participants", "Rooms/RM000000000000000000000000000000aa/Participants"),
        (ListOf::Recordings(None), "recordings", "Recordings"),
        (ListOf::Recordings(Some(ROOM)), "recordings", "Rooms/RM000000000000000000000000000000aa/Recordings"),
        (ListOf::Transcriptions(ROOM), "transcriptions", "Rooms/RM000000000000000000000000000000aa/Transcriptions"),
        (ListOf::Compositions, "compositions", "Compositions"),
        (ListOf::Hooks, "composition_hooks", "CompositionHooks"),
    ];
    let page = PageAsk { size: 50, number: 0, anchor: Anchor::First, filters: vec![] };
    for (list, key, path) in lists {
        let url = format!("https://h.example:8443/v1/{path}?PageSize=50&Page=0");
        check_text(
            &render_list::<Nothing>(&HOST, list, &page, &[], Ends::default()),
            json!({
                key: [],
                "meta": {
                    "page": 0, "page_size": 50, "key": key, "first_page_url": url, "url": url, "previous_page_url": null,
                    "next_page_url": null,
                },
            }),
        );
    }
    let tracks = [ListOf::Published(ROOM, WHO), ListOf::Subscribed(ROOM, WHO)].map(ListOf::key);
    assert_eq!(tracks, ["published_tracks", "subscribed_tracks"]);
}

#[test]
fn refusals() {
    check_text(
        &Refusal::room(Code::RoomExists).body(),
        json!({
            "code": 53113, "message": "Room exists", "more_info": "https://www.twilio.com/docs/errors/53113", "status": 400,
        }),
    );
    check_text(
        &Refusal::not_found("/v1/Rooms/Dog%20Cam").body(),
        json!({
            "code": 20404, "message": "The requested resource /Rooms/Dog%20Cam was not found",
            "more_info": "https://www.twilio.com/docs/errors/20404", "status": 404,
        }),
    );
    let fixed = [
        (Refusal::unauthenticated(), 401, 20003),
        (Refusal::too_many_requests(), 429, 20429),
        (Refusal::internal(), 500, 20500),
        (Refusal::unavailable(), 503, 20503),
    ];
    for (refusal, status, code) in fixed {
        assert_eq!((refusal.status, refusal.code), (status, code));
    }
}
