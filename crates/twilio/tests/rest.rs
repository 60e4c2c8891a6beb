//! What requests ask for, and what is wrong with those that are refused.

use room::{Kind, ParticipantId, RoomId, RoomKind, RoomOptions, Rule, TrackId, VideoCodec};
use twilio::rest::rules::{RuleLine, Whom, everything};
use twilio::rest::{
    Anchor, Ask, CompositionId, Defaults, Format, Grouping, HookFilter, HookId, Key, MediaStatus, Memo, Method, NewComposition,
    NewHook, NewRoom, PageAsk, ParticipantFilter, ParticipantStatus, RecordingFilter, RecordingId, Refusal, Request, RoomFilter,
    RoomStatus, SettingsOf, Wish, limit, parse,
};

const RM: &str = "RM000000000000000000000000000000aa";
const PA: &str = "PA000000000000000000000000000000bb";
const MT: &str = "MT000000000000000000000000000000cc";

fn ask(line: &str, form: &str) -> Result<Ask, Refusal> {
    ask_with(line, form, RoomKind::Group)
}

fn ask_with(line: &str, form: &str, kind: RoomKind) -> Result<Ask, Refusal> {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let content_type = Some("application/x-www-form-urlencoded; charset=utf-8");
    let defaults = Defaults { kind, media_region: "us1".into() };
    parse(&Request { method, path, query, content_type, body: form.as_bytes(), defaults: &defaults })
}

#[track_caller]
fn check(line: &str, form: &str, expected: Ask) {
    assert_eq!(ask(line, form), Ok(expected), "{line} {form}");
}

#[track_caller]
fn refused(line: &str, form: &str, status: u16, code: u32, parameter: &str) {
    let refusal = ask(line, form).expect_err(line);
    let found = (refusal.status, refusal.code, refusal.parameter.as_deref().unwrap_or_default());
    assert_eq!(found, (status, code, parameter), "{line} {form}: {}", refusal.message);
    assert!(refusal.message.contains(parameter), "{}", refusal.message);
}

fn key<Id>(text: &str) -> Key<Id> {
    Key { id: None, text: text.into(), spaced: None }
}

fn room() -> Key<RoomId> {
    Key { id: Some(RoomId(0xaa)), ..key(RM) }
}

fn participant() -> Key<ParticipantId> {
    Key { id: Some(ParticipantId(0xbb)), ..key(PA) }
}

fn page(size: usize) -> PageAsk {
    PageAsk { size, number: 0, anchor: Anchor::First, filters: Vec::new() }
}

fn new_room() -> NewRoom {
    NewRoom {
        name: None,
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        seats_max: 50,
        session_max_s: 14_400,
        empty_timeout_s: 300,
        unused_timeout_s: 300,
        tracks_max: Some(170),
        memo: Memo { media_region: Some("us1".into()), ..Memo::default() },
    }
}

fn mesh_room(kind: RoomKind, seats_max: u32) -> NewRoom {
    NewRoom { kind, seats_max, tracks_max: None, memo: Memo::default(), ..new_room() }
}

#[test]
fn every_path_leads_somewhere() {
    let status = RoomFilter { status: RoomStatus::InProgress, name: None, created_from_ms: None, created_before_ms: None };
    check("GET /v1/Rooms", "", Ask::ListRooms(status, page(50)));
    check("POST /v1/Rooms", "", Ask::CreateRoom(Box::new(new_room())));
    check(&format!("GET /v1/Rooms/{RM}"), "", Ask::FindRoom(room()));
    check(&format!("HEAD /v1/Rooms/{RM}/"), "", Ask::FindRoom(room()));
    check(&format!("POST /v1/Rooms/{RM}"), "Status=completed", Ask::CompleteRoom(room()));
    let of_room = |rest: &str| format!("GET /v1/Rooms/{RM}/{rest}");
    check(&of_room("Participants"), "", Ask::ListParticipants(room(), ParticipantFilter::default(), page(50)));
    check(&of_room(&format!("Participants/{PA}")), "", Ask::FindParticipant(room(), participant()));
    check(&of_room("RecordingRules"), "", Ask::FindRecordingRules(room()));
    check(&of_room("Recordings"), "", Ask::ListRecordings(Some(room()), Box::default(), page(50)));
    check(&of_room("Transcriptions"), "", Ask::ListTranscriptions(room(), page(50)));
    check(&of_room("Transcriptions/x"), "", Ask::FindTranscription(room(), "x".into()));
    let of = |method: &str, rest: &str| format!("{method} /v1/Rooms/{RM}/Participants/{PA}{rest}");
    check(&of("POST", ""), "Status=disconnected", Ask::RemoveParticipant(room(), participant()));
    check(&of("POST", "/Anonymize"), "", Ask::Anonymize(room(), participant()));
    check(&of("GET", "/PublishedTracks"), "", Ask::ListPublished(room(), participant(), page(50)));
    let track = Key { id: Some(TrackId(0xcc)), ..key(MT) };
    check(&of("GET", &format!("/PublishedTracks/{MT}")), "", Ask::FindPublished(room(), participant(), track));
    check(&of("GET", "/PublishedTracks/cam"), "", Ask::FindPublished(room(), participant(), key("cam")));
    check(&of("GET", "/SubscribedTracks"), "", Ask::ListSubscribed(room(), participant(), page(50)));
    check(&of("GET", &format!("/SubscribedTracks/{MT}")), "", Ask::FindSubscribed(room(), participant(), TrackId(0xcc)));
    check(&of("GET", "/SubscribeRules"), "", Ask::FindSubscribeRules(room(), participant()));
    let rule = r#"Rules=[{"type":"include","all":true}]"#;
    check(&of("POST", "/SubscribeRules"), rule, Ask::SetSubscribeRules(room(), participant(), vec![everything(true)]));
    check(&format!("POST /v1/Rooms/{RM}/RecordingRules"), rule, Ask::SetRecordingRules(room(), vec![everything(true)]));
}

#[test]
fn so_do_the_paths_of_media() {
    let recording = RecordingId(0xdd);
    let rt = "RT000000000000000000000000000000dd";
    for (prefix, room) in [(format!("/v1/Rooms/{RM}"), Some(room())), ("/v1".into(), None)] {
        check(&format!("GET {prefix}/Recordings/{rt}"), "", Ask::FindRecording(room.clone(), recording));
        check(&format!("DELETE {prefix}/Recordings/{rt}"), "", Ask::DeleteRecording(room.clone(), recording));
        check(&format!("GET {prefix}/Recordings/{rt}/Media"), "", Ask::RecordingMedia(room.clone(), recording, 900));
        check(&format!("GET {prefix}/Recordings/{rt}/Media?Ttl=60"), "", Ask::RecordingMedia(room, recording, 60));
        refused(&format!("GET {prefix}/Recordings/{rt}/Media?Ttl=0"), "", 400, 20001, "Ttl");
        refused(&format!("GET {prefix}/Recordings/{rt}/Media?Ttl=86401"), "", 400, 20001, "Ttl");
        refused(&format!("GET {prefix}/Recordings/x"), "", 404, 20404, "");
    }
    check("GET /v1/Recordings", "", Ask::ListRecordings(None, Box::default(), page(50)));
    check("GET /v1/Recordings?PageSize=1000", "", Ask::ListRecordings(None, Box::default(), page(100)));
    let filter = RecordingFilter {
        status: Some(MediaStatus::Deleted),
        source: Some(TrackId(0xcc)),
        groups: vec![Grouping::Room(RoomId(0xaa)), Grouping::Participant(ParticipantId(0xbb))],
        kind: Some(Kind::Audio),
        ..RecordingFilter::default()
    };
    let query = format!("Status=deleted&SourceSid={MT}&GroupingSid={RM}&GroupingSid={PA}&MediaType=audio");
    let Ok(Ask::ListRecordings(None, found, page)) = ask(&format!("GET /v1/Recordings?{query}"), "") else { panic!("no list") };
    assert_eq!((*found, page.filters.len()), (filter, 5));
    refused("GET /v1/Recordings?Status=enqueued", "", 400, 20001, "Status");
    refused("GET /v1/Recordings?SourceSid=x", "", 400, 20001, "SourceSid");
    refused(&format!("GET /v1/Recordings?GroupingSid={MT}"), "", 400, 20001, "GroupingSid");
    refused("GET /v1/Recordings?MediaType=x", "", 400, 20001, "MediaType");

    refused("GET /v1/Compositions?RoomSid=x", "", 400, 20001, "RoomSid");
    let hooks = HookFilter { enabled: Some(true), name: Some("d*".into()), ..HookFilter::default() };
    let Ok(Ask::ListHooks(found, _)) = ask("GET /v1/CompositionHooks?Enabled=True&FriendlyName=d*", "") else {
        panic!("no list")
    };
    assert_eq!(found, hooks);
    refused(&format!("POST /v1/Rooms/{RM}/Transcriptions"), "", 400, 20001, "");
}

#[test]
fn compositions_are_asked_for() {
    let cj = "CJ000000000000000000000000000000dd";
    let least = NewComposition { room: RoomId(0xaa), wish: Wish { audio_sources: vec!["*".into()], ..Wish::default() } };
    let line = "POST /v1/Compositions";
    check(line, &format!("RoomSid={RM}&AudioSources=*"), Ask::Compose(Box::new(least.clone())));
    let form = format!(
        "RoomSid={RM}&AudioSources=a&AudioSources=b*&AudioSourcesExcluded=c&Resolution=16x16&Trim=False&Format=mp4\
         &VideoLayout=%7B%22grid%22:%7B%22x_pos%22:1%7D%7D&StatusCallback=http://h/&StatusCallbackMethod=get"
    );
    let all = Wish {
        audio_sources: vec!["a".into(), "b*".into()],
        audio_sources_excluded: vec!["c".into()],
        video_layout: [("grid".to_owned(), serde_json::json!({ "x_pos": 1 }))].into_iter().collect(),
        resolution: "16x16".into(),
        trim: false,
        format: Format::Mp4,
        callback: Some(("http://h/".into(), Method::Get)),
    };
    check(line, &form, Ask::Compose(Box::new(NewComposition { wish: all.clone(), ..least })));
    assert_eq!(Wish::read(&all.text()), Wish { callback: None, ..all }, "kept as text");
    for (form, parameter) in [
        ("", "RoomSid"),
        ("RoomSid=RM1&AudioSources=*", "RoomSid"),
        (&format!("RoomSid={RM}"), "VideoLayout"),
        (&format!("RoomSid={RM}&VideoLayout={{}}"), "VideoLayout"),
        (&format!("RoomSid={RM}&VideoLayout=[]"), "VideoLayout"),
        (&format!(r#"RoomSid={RM}&VideoLayout={{"a":{{}},"a":{{}}}}"#), "VideoLayout"),
        (&format!("RoomSid={RM}&AudioSources=*&AudioSourcesExcluded=%ff"), "AudioSourcesExcluded"),
        (&format!("RoomSid={RM}&AudioSources=%ff"), "AudioSources"),
        (&format!("RoomSid={RM}&AudioSources=*&Format=avi"), "Format"),
        (&format!("RoomSid={RM}&AudioSources=*&Trim=1"), "Trim"),
        (&format!("RoomSid={RM}&AudioSources=*&Resolution=%ff"), "Resolution"),
    ] {
        refused(line, form, 400, 20001, parameter);
    }
    refused(line, &format!("RoomSid={RM}&AudioSources=*&StatusCallback=x"), 400, 53111, "StatusCallback");
    refused(line, &format!("RoomSid={RM}&AudioSources=*&StatusCallbackMethod=PUT"), 400, 53110, "StatusCallbackMethod");
    check(&format!("GET /v1/Compositions/{cj}"), "", Ask::FindComposition(CompositionId(0xdd)));
    check(&format!("GET /v1/Compositions/{cj}/Media"), "", Ask::CompositionMedia(CompositionId(0xdd), 900));
    check(&format!("GET /v1/Compositions/{cj}/Media?Ttl=7"), "", Ask::CompositionMedia(CompositionId(0xdd), 7));
    refused(&format!("GET /v1/Compositions/{cj}/Media?Ttl=x"), "", 400, 20001, "Ttl");
    refused(&format!("POST /v1/Compositions/{cj}"), "", 405, 20004, "");
}

#[test]
fn hooks_say_what_they_ask_for_each_time() {
    let hook = "HK000000000000000000000000000000dd";
    let wish = Wish { audio_sources: vec!["*".into()], ..Wish::default() };
    let new = NewHook { name: "all".into(), enabled: true, wish };
    check("POST /v1/CompositionHooks", "FriendlyName=all&AudioSources=*", Ask::MakeHook(Box::new(new.clone())));
    let changed = Ask::ChangeHook(HookId(0xdd), Box::new(NewHook { enabled: false, wish: Wish::default(), ..new }));
    check(&format!("POST /v1/CompositionHooks/{hook}"), "FriendlyName=all&Enabled=False", changed);
    check(&format!("GET /v1/CompositionHooks/{hook}"), "", Ask::FindHook(HookId(0xdd)));
    for (path, form, parameter) in [
        ("/v1/CompositionHooks", "", "FriendlyName"),
        ("/v1/CompositionHooks", "FriendlyName=x", "VideoLayout"),
        ("/v1/CompositionHooks", "FriendlyName=x&AudioSources=*&Enabled=maybe", "Enabled"),
        ("/v1/CompositionHooks", &format!("FriendlyName={}&AudioSources=*", "x".repeat(101)), "FriendlyName"),
        (&format!("/v1/CompositionHooks/{hook}"), "AudioSources=*", "FriendlyName"),
        (&format!("/v1/CompositionHooks/{hook}"), "FriendlyName=x&Format=avi", "Format"),
    ] {
        refused(&format!("POST {path}"), form, 400, 20001, parameter);
    }
}

#[test]
fn settings_have_a_name_and_nothing_else() {
    for (path, of) in [("RecordingSettings", SettingsOf::Recordings), ("CompositionSettings", SettingsOf::Compositions)] {
        let line = |method: &str| format!("{method} /v1/{path}/Default");
        check(&line("GET"), "", Ask::FindSettings(of));
        check(&line("POST"), "FriendlyName=a&AwsStorageEnabled=False", Ask::NameSettings(of, "a".into()));
        refused(&line("POST"), "", 400, 20001, "FriendlyName");
        refused(&line("POST"), "FriendlyName=a&AwsStorageEnabled=True", 400, 20001, "AwsStorageEnabled");
        refused(&line("POST"), "FriendlyName=a&EncryptionEnabled=true", 400, 20001, "EncryptionEnabled");
    }
}

#[test]
fn changes_have_their_status() {
    let of = |line: &str, form: &str| ask(line, form).map(|ask| (ask.success(), ask.changes())).expect(line);
    let (r, rt) = (format!("/v1/Rooms/{RM}"), "/v1/Recordings/RT000000000000000000000000000000dd");
    let p = format!("{r}/Participants/{PA}");
    let rules = r#"Rules=[{"type":"include","all":true}]"#;
    assert_eq!(of("POST /v1/Rooms", ""), (201, true));
    assert_eq!(of(&format!("POST {r}"), "Status=completed"), (202, true));
    assert_eq!(of(&format!("POST {p}"), "Status=disconnected"), (202, true));
    assert_eq!(of(&format!("POST {p}/Anonymize"), ""), (200, true));
    assert_eq!(of(&format!("POST {p}/SubscribeRules"), rules), (200, true));
    assert_eq!(of(&format!("POST {r}/RecordingRules"), rules), (200, true));
    assert_eq!(of("POST /v1/RecordingSettings/Default", "FriendlyName=x"), (200, true));
    assert_eq!(of(&format!("DELETE {rt}"), ""), (204, true));
    assert_eq!(of("POST /v1/Compositions", &format!("RoomSid={RM}&AudioSources=*")), (201, true));
    assert_eq!(of("POST /v1/CompositionHooks", "FriendlyName=x&AudioSources=*"), (201, true));
    assert_eq!(of("POST /v1/CompositionHooks/HK000000000000000000000000000000dd", "FriendlyName=x"), (200, true));
    assert_eq!(of("DELETE /v1/Compositions/CJ000000000000000000000000000000dd", ""), (204, true));
    assert_eq!(of("DELETE /v1/CompositionHooks/HK000000000000000000000000000000dd", ""), (204, true));
    assert_eq!(of(&format!("GET {rt}/Media"), ""), (302, false));
    for path in ["/v1/Rooms", &r, &p, rt, "/v1/Compositions", "/v1/RecordingSettings/Default"] {
        assert_eq!(of(&format!("GET {path}"), ""), (200, false), "{path}");
    }
}

#[test]
fn the_first_of_several_values_counts() {
    let go = Box::new(mesh_room(RoomKind::Go, 2));
    check("POST /v1/Rooms", "Type=&Type=go&Type=nonsense", Ask::CreateRoom(go));
}

#[test]
fn other_paths_are_not_found() {
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/rooms",
        "/v1/Room",
        "/v2/Rooms",
        "/2010-04-01/Rooms",
        "/v1//Rooms",
        "/v1/Rooms//",
        "/v1/Rooms/x/y",
        "/v1/Rooms/x/Participants/y/z",
        "/v1/RecordingSettings",
        "/v1/RecordingSettings/Other",
        "/v1/Rooms%2Fx",
        "//v1/Rooms",
        "/v1/VideoEvents",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            refused(&format!("{method} {path}"), "", 404, 20404, "");
        }
    }
    refused("GET /v1/Rooms/%ff", "", 404, 20404, "");
    refused(&format!("GET /v1/Rooms/{}", "x".repeat(limit::PATH_BYTES_MAX)), "", 404, 20404, "");
    let refusal = ask("GET /v1/Rooms/Dog%20Cam/x", "").expect_err("no such path");
    assert_eq!(refusal.message, "The requested resource /Rooms/Dog%20Cam/x was not found");
}

#[test]
fn wrong_methods_hear_which_are_right() {
    let methods = |line: &str| {
        let refusal = ask(line, "").expect_err(line);
        (refusal.status, refusal.code, refusal.allow.unwrap_or_default())
    };
    assert_eq!(methods("DELETE /v1/Rooms"), (405, 20004, "GET, HEAD, POST".into()));
    assert_eq!(methods("PUT /v1/Rooms/x"), (405, 20004, "GET, HEAD, POST".into()));
    assert_eq!(methods("GET /v1/Rooms/x/Participants/y/Anonymize"), (405, 20004, "POST".into()));
    assert_eq!(methods("get /v1/Rooms/x/Participants/y/PublishedTracks"), (405, 20004, "GET, HEAD".into()));
    assert_eq!(methods("POST /v1/Recordings/RT000000000000000000000000000000dd"), (405, 20004, "GET, HEAD, DELETE".into()));
}

#[test]
fn names_in_paths_are_unescaped() {
    check("GET /v1/Rooms/Dog%20Cam", "", Ask::FindRoom(key("Dog Cam")));
    check("GET /v1/Rooms/D%C3%B6g%2FCam%3f", "", Ask::FindRoom(key("Dög/Cam?")));
    check("GET /v1/Rooms/100%", "", Ask::FindRoom(key("100%")));
    check("GET /v1/Rooms/a%2Bb", "", Ask::FindRoom(key("a+b")));
    check("GET /v1/Rooms/Dog+Cam", "", Ask::FindRoom(Key { spaced: Some("Dog Cam".into()), ..key("Dog+Cam") }));
    let upper = RM.to_ascii_uppercase();
    check(&format!("GET /v1/Rooms/{upper}"), "", Ask::FindRoom(Key { id: Some(RoomId(0xaa)), ..key(&upper) }));
    check("GET /v1/Rooms/RM00", "", Ask::FindRoom(key("RM00")));
    check(&format!("GET /v1/Rooms/{PA}"), "", Ask::FindRoom(key(PA)));
}

#[test]
fn a_room_is_what_was_asked() {
    let dog_cam = NewRoom { name: Some("Dog Cam".into()), ..mesh_room(RoomKind::Go, 2) };
    check("POST /v1/Rooms", "UniqueName=Dog+Cam&Type=go", Ask::CreateRoom(Box::new(dog_cam)));
    let memo = Memo {
        status_callback: Some("https://h.example/x?a=1".into()),
        status_callback_method: Method::Get,
        media_region: Some("de1".into()),
        record_participants_on_connect: true,
        recording_rules: Some(vec![everything(false)]),
        large_room: true,
        transcribe_participants_on_connect: true,
    };
    // Rules say more than the switch beside them.
    let record = Rule::Listed([everything(false)].into());
    let options = RoomOptions { audio_only: true, codecs: vec![VideoCodec::H264, VideoCodec::Vp8], record };
    let full = NewRoom {
        name: Some("D".into()),
        kind: RoomKind::GroupSmall,
        options,
        seats_max: 3,
        session_max_s: 600,
        empty_timeout_s: 60,
        unused_timeout_s: 3600,
        tracks_max: Some(170),
        memo: memo.clone(),
    };
    let form = "UniqueName=D&Type=group-small&MaxParticipants=3&MaxParticipantDuration=600&EmptyRoomTimeout=1&UnusedRoomTimeout=60\
        &StatusCallback=https%3A%2F%2Fh.example%2Fx%3Fa%3D1&StatusCallbackMethod=GET&MediaRegion=de1&RecordParticipantsOnConnect=True\
        &RecordingRules=%5B%7B%22type%22%3A+%22exclude%22%2C+%22all%22%3A+true%7D%5D&LargeRoom=true&AudioOnly=TRUE&EnableTurn=false\
        &VideoCodecs=H264&VideoCodecs=VP8&VideoCodecs=H264&TranscribeParticipantsOnConnect=true&TranscriptionsConfiguration=%7B%7D&New=1";
    check("POST /v1/Rooms", form, Ask::CreateRoom(Box::new(full)));
    assert_eq!(Memo::read(&memo.text()), memo);
    assert_eq!(Memo::read("{"), Memo::default());
}

#[test]
fn defaults_follow_the_kind() {
    let made = |form: &str, kind| match ask_with("POST /v1/Rooms", form, kind) {
        Ok(Ask::CreateRoom(room)) => *room,
        other => panic!("{other:?}"),
    };
    assert_eq!(made("", RoomKind::Go), mesh_room(RoomKind::Go, 2));
    assert_eq!(made("MediaRegion=de1", RoomKind::PeerToPeer), mesh_room(RoomKind::PeerToPeer, 10));
    assert_eq!(made("", RoomKind::Auto), mesh_room(RoomKind::Auto, 50));
    assert_eq!(made("Type=group", RoomKind::Go), new_room());
    assert_eq!(made("MediaRegion=gll&StatusCallback=&Type=", RoomKind::Group), new_room());
}

#[test]
fn rooms_that_are_recorded_from_the_beginning_are_group_rooms_where_no_other_type_is_asked_for() {
    let made = |form: &str, kind| ask_with("POST /v1/Rooms", form, kind);
    let rules = r#"RecordingRules=[{"type":"include","all":true}]"#;
    for asked in ["RecordParticipantsOnConnect=true", rules, "AudioOnly=true"] {
        let plain = made(&format!("{asked}&Type=group"), RoomKind::Auto);
        assert!(matches!(&plain, Ok(Ask::CreateRoom(room)) if room.kind == RoomKind::Group), "{plain:?}");
        assert_eq!(made(asked, RoomKind::Auto), plain);
        assert_eq!(made(&format!("{asked}&Type=auto"), RoomKind::Auto), plain);
        // Whoever runs the server may have chosen rooms whose media does not pass it.
        assert!(made(asked, RoomKind::PeerToPeer).is_err(), "{asked}");
        assert!(made(&format!("{asked}&Type=go"), RoomKind::Auto).is_err(), "{asked}");
    }
    let auto = Ok(Ask::CreateRoom(Box::new(mesh_room(RoomKind::Auto, 50))));
    assert_eq!(made("RecordParticipantsOnConnect=false&AudioOnly=false&RecordingRules=", RoomKind::Auto), auto);
}

#[test]
fn what_is_wrong_with_a_list_of_rules_is_said_with_its_place() {
    let said = |path: &str, rules: &str| match ask(&format!("POST /v1/Rooms/{RM}/{path}"), &format!("Rules={rules}")) {
        Err(refusal) => refusal.message,
        Ok(asked) => panic!("{rules}: {asked:?}"),
    };
    let (record, receive) = ("RecordingRules", &format!("Participants/{PA}/SubscribeRules"));
    let ends = |said: &str, end: &str| assert!(said.ends_with(end), "{said}");
    let all = r#"{"type":"include","all":true}"#;
    ends(&said(record, r#"[{"type":"include","kind":"data"}]"#), "may have the kinds audio and video (rule 1 of 1)");
    ends(
        &said(record, &format!(r#"[{all},{{"type":"include","kind":"x"}}]"#)),
        "may have the kinds audio and video (rule 2 of 2)",
    );
    ends(&said(receive, r#"[{"type":"include","kind":"x"}]"#), "may have the kinds audio, video and data (rule 1 of 1)");
    let colour = r#"has a rule with the key "colour", which is not known here (rule 2 of 2)"#;
    ends(&said(record, &format!(r#"[{all},{{"type":"include","colour":1}}]"#)), colour);
    ends(
        &said(record, r#"[{"type":"include","priority":"low"}]"#),
        r#"the key "priority", which is not known here (rule 1 of 1)"#,
    );
    let long = "x".repeat(5_000);
    assert!(said(receive, &format!(r#"[{{"type":"include","{long}":1}}]"#)).len() < 200);
    ends(&said(record, "x"), "must be JSON, and is none at line 1, column 1");
    ends(&said(record, r#"[{"type":"include","type":"include"}]"#), "must be JSON in which no object has a key twice");
}

#[test]
fn a_composition_of_nothing_says_what_it_could_be_of() {
    let room = format!("RoomSid={RM}");
    let said = |form: &str| ask("POST /v1/Compositions", &format!("{room}{form}")).expect_err(form);
    for nothing in ["", "&VideoLayout={}"] {
        let refusal = said(nothing);
        assert!(refusal.message.contains("VideoLayout or AudioSources"), "{refusal:?}");
        assert_eq!(refusal.parameter.as_deref(), Some("VideoLayout"));
    }
    assert!(said("&VideoLayout=x").message.ends_with("it must be JSON, and is none at line 1, column 1"));
    assert!(said("&VideoLayout=[]").message.ends_with("it must be a JSON object"));
    assert!(said(r#"&VideoLayout={"a":{},"a":{}}"#).message.ends_with("no object has a key twice"));
}

/// An app that posts JSON gets a default room, as from the vendor.
#[test]
fn bodies_of_other_types_are_not_read() {
    let defaults = Defaults { kind: RoomKind::Group, media_region: "us1".into() };
    let made = |content_type, body: &'static str| {
        let body = body.as_bytes();
        parse(&Request { method: "POST", path: "/v1/Rooms", query: "Type=x", content_type, body, defaults: &defaults })
    };
    let plain = || Ok(Ask::CreateRoom(Box::new(new_room())));
    assert_eq!(made(Some("application/json"), r#"{"UniqueName":"x","Type":"nonsense"}"#), plain());
    assert_eq!(made(Some("application/json"), "Type=nonsense"), plain());
    assert_eq!(made(Some("multipart/form-data; boundary=x"), "Type=nonsense"), plain());
    for content_type in [None, Some("Application/X-WWW-Form-Urlencoded"), Some("application/x-www-form-urlencoded;charset=utf-8")]
    {
        assert_eq!(made(content_type, "Type=nonsense").map_err(|refusal| refusal.code), Err(53108), "{content_type:?}");
    }
}

#[test]
fn each_parameter_of_a_room_has_its_code() {
    let long = format!("UniqueName={}", "é".repeat(129));
    let longest = format!("UniqueName={}", "%C3%A9".repeat(128));
    assert!(ask("POST /v1/Rooms", &longest).is_ok());
    assert!(ask("POST /v1/Rooms", "Type=group&UniqueName=").is_ok(), "it has none");
    let nowhere = format!("StatusCallback=https://h/{}", "x".repeat(1024));
    let rules = |rule: &str| format!("RecordingRules={rule}");
    let cases = [
        ("UniqueName=+", 53100, "UniqueName"),
        (&long, 53101, "UniqueName"),
        ("UniqueName=%ff", 53102, "UniqueName"),
        ("UniqueName=a%00", 53102, "UniqueName"),
        ("UniqueName=a%E2%80%AE", 53102, "UniqueName"),
        ("Type=Group", 53108, "Type"),
        ("Type=large", 53108, "Type"),
        ("MaxParticipants=0", 53107, "MaxParticipants"),
        ("MaxParticipants=51", 53107, "MaxParticipants"),
        ("MaxParticipants=-1", 53107, "MaxParticipants"),
        ("MaxParticipants=1.0", 53107, "MaxParticipants"),
        ("MaxParticipants=99999999999999999999", 53107, "MaxParticipants"),
        ("Type=go&MaxParticipants=3", 53107, "MaxParticipants"),
        ("Type=peer-to-peer&MaxParticipants=11", 53107, "MaxParticipants"),
        ("Type=group-small&MaxParticipants=5", 53107, "MaxParticipants"),
        ("MaxParticipantDuration=599", 53123, "MaxParticipantDuration"),
        ("MaxParticipantDuration=86401", 53123, "MaxParticipantDuration"),
        ("EmptyRoomTimeout=0", 53109, "EmptyRoomTimeout"),
        ("UnusedRoomTimeout=61", 53109, "UnusedRoomTimeout"),
        ("StatusCallback=h.example", 53111, "StatusCallback"),
        (&nowhere, 53111, "StatusCallback"),
        ("StatusCallbackMethod=PUT", 53110, "StatusCallbackMethod"),
        ("RecordParticipantsOnConnect=1", 20001, "RecordParticipantsOnConnect"),
        ("Type=go&RecordParticipantsOnConnect=true", 53114, "RecordParticipantsOnConnect"),
        (&rules("%5B%5D"), 53120, "RecordingRules"),
        (&rules(r#"[{"type":"include","kind":"data"}]"#), 53120, "RecordingRules"),
        (r#"Type=peer-to-peer&RecordingRules=[{"type":"include","all":true}]"#, 53122, "RecordingRules"),
        ("VideoCodecs=VP9", 20001, "VideoCodecs"),
        ("VideoCodecs=VP8&VideoCodecs=x", 20001, "VideoCodecs"),
        ("MediaRegion=xx1", 53115, "MediaRegion"),
        ("AudioOnly=yes", 20001, "AudioOnly"),
        ("Type=go&AudioOnly=true", 53124, "AudioOnly"),
        ("EnableTurn=x", 20001, "EnableTurn"),
        ("LargeRoom=x", 20001, "LargeRoom"),
        ("TranscribeParticipantsOnConnect=%ff", 20001, "TranscribeParticipantsOnConnect"),
    ];
    for (form, code, parameter) in cases {
        refused("POST /v1/Rooms", form, 400, code, parameter);
    }
}

#[test]
fn an_end_is_the_only_change() {
    let (r, p) = (format!("POST /v1/Rooms/{RM}"), format!("POST /v1/Rooms/{RM}/Participants/{PA}"));
    refused(&r, "", 400, 20001, "Status");
    refused(&r, "status=completed", 400, 20001, "Status");
    refused(&r, "Status=in-progress", 400, 53112, "Status");
    refused(&p, "", 400, 20001, "Status");
    refused(&p, "Status=connected", 400, 53209, "Status");
    let refusal = ask(&r, "").expect_err("no status");
    assert_eq!(refusal.message, "Missing required parameter Status in the post body");
}

#[test]
fn filters_are_read_and_kept() {
    let filter = RoomFilter {
        status: RoomStatus::Completed,
        name: Some("Dog Cam".into()),
        created_from_ms: Some(1_577_836_800_000),
        created_before_ms: Some(1_577_923_200_000),
    };
    let filters = [
        ("UniqueName", "Dog Cam"),
        ("Status", "completed"),
        ("DateCreatedAfter", "2020-01-01T00:00:00Z"),
        ("DateCreatedBefore", "2020-01-02"),
    ];
    let filters = filters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let query = "UniqueName=Dog+Cam&Status=completed&DateCreatedAfter=2020-01-01T00%3A00%3A00Z&DateCreatedBefore=2020-01-02&PageSize=7&x=y";
    check(&format!("GET /v1/Rooms?{query}"), "", Ask::ListRooms(filter, PageAsk { filters, ..page(7) }));
    refused("GET /v1/Rooms?Status=connected", "", 400, 20001, "Status");
    refused("GET /v1/Rooms?DateCreatedAfter=yesterday", "", 400, 20001, "DateCreatedAfter");
    refused("GET /v1/Rooms?UniqueName=%ff", "", 400, 20001, "UniqueName");

    let filter =
        ParticipantFilter { status: Some(ParticipantStatus::Reconnecting), identity: Some("A".into()), ..Default::default() };
    let Ok(Ask::ListParticipants(_, found, _)) = ask("GET /v1/Rooms/x/Participants?Status=reconnecting&Identity=A", "") else {
        panic!()
    };
    assert_eq!(found, filter);
    refused("GET /v1/Rooms/x/Participants?Status=completed", "", 400, 20001, "Status");
}

#[test]
fn pages_have_bounds() {
    let found = |query: &str| match ask(&format!("GET /v1/Rooms?{query}"), "") {
        Ok(Ask::ListRooms(_, page)) => (page.size, page.number, page.anchor),
        other => panic!("{other:?}"),
    };
    assert_eq!(found("PageSize=1000"), (1000, 0, Anchor::First));
    assert_eq!(found("PageSize=1001"), (1000, 0, Anchor::First));
    assert_eq!(found("PageSize=99999999999999999999&Page=0"), (1000, 0, Anchor::First));
    assert_eq!(found("Page=3&PageToken=PTA00000000000000ff"), (50, 3, Anchor::After(255)));
    assert_eq!(found("Page=0&PageToken=PTBffffffffffffffff"), (50, 0, Anchor::Before(-1)));
    for size in ["0", "-1", "x", "1.5", "+1", "%20"] {
        refused(&format!("GET /v1/Rooms?PageSize={size}"), "", 400, 20001, "PageSize");
    }
    for token in ["x", "PTA", "PTC00000000000000ff", "PTA+0000000000000ff", "PTA00000000000000ff0", "PTé0000000000000ff"] {
        refused(&format!("GET /v1/Rooms?PageToken={token}"), "", 400, 20001, "PageToken");
    }
    refused("GET /v1/Rooms?Page=1", "", 400, 20001, "Page");
    refused("GET /v1/Rooms?Page=x", "", 400, 20001, "Page");
}

#[test]
fn sizes_are_limited() {
    let pairs = |count: usize| vec!["a=b"; count].join("&");
    assert!(ask("POST /v1/Rooms", &pairs(limit::PARAMETERS_MAX)).is_ok());
    refused("POST /v1/Rooms", &pairs(limit::PARAMETERS_MAX + 1), 400, 20001, "");
    assert!(ask("POST /v1/Rooms", &"x".repeat(limit::BODY_BYTES_MAX)).is_ok());
    refused("POST /v1/Rooms", &"x".repeat(limit::BODY_BYTES_MAX + 1), 413, 20001, "");
    refused(&format!("GET /v1/Rooms?{}", "x".repeat(limit::QUERY_BYTES_MAX + 1)), "", 400, 20001, "");
}

#[test]
fn rules_follow_their_grammar() {
    let line =
        RuleLine { publisher: Some(Whom::Id(ParticipantId(0xbb), PA.into())), kind: Some(Kind::Video), ..everything(false) };
    let path = format!("POST /v1/Rooms/{RM}/Participants/{PA}/SubscribeRules");
    let rules = format!(r#"Rules=[{{"type": "exclude", "publisher": "{PA}", "kind": "video", "all": null}}]"#);
    check(&path, &rules, Ask::SetSubscribeRules(room(), participant(), vec![line]));
    refused(&path, "", 400, 20001, "Rules");
    let one = r#"{"type":"include","all":true}"#;
    let many = |count: usize| format!("[{}]", vec![one; count].join(","));
    assert!(ask(&path, &format!("Rules={}", many(20))).is_ok());
    assert!(ask(&path, r#"Rules=[{"type":"include","all":"true"}]"#).is_ok(), "a text will do");
    let long = format!(r#"[{{"type":"include","track":"{}"}}]"#, "x".repeat(129));
    for rules in [
        "x",
        "{}",
        "[]",
        "[1]",
        "[[]]",
        "[{}]",
        one,
        &many(21),
        &long,
        r#"[{"type":"include"}]"#,
        r#"[{"all":true}]"#,
        r#"[{"type":"Include","all":true}]"#,
        r#"[{"type":"include","all":false}]"#,
        r#"[{"type":"include","all":"yes"}]"#,
        r#"[{"type":"include","all":true,"kind":"audio"}]"#,
        r#"[{"type":"include","kind":"sound"}]"#,
        r#"[{"type":"include","kind":1}]"#,
        r#"[{"type":"include","publisher":""}]"#,
        r#"[{"type":"include","publisher":5}]"#,
        r#"[{"type":"include","priority":"urgent"}]"#,
        r#"[{"type":"include","codec":"vp8"}]"#,
        r#"[{"type":"include","kind":"audio","kind":"audio"}]"#,
        r#"[{"type":"include","type":"exclude","all":true}]"#,
    ] {
        refused(&path, &format!("Rules={rules}"), 400, 53215, "Rules");
        refused(&format!("POST /v1/Rooms/{RM}/RecordingRules"), &format!("Rules={rules}"), 400, 53120, "Rules");
    }
    let priority = r#"Rules=[{"type":"include","priority":"high"}]"#;
    assert!(ask(&path, priority).is_ok());
    refused(&format!("POST /v1/Rooms/{RM}/RecordingRules"), priority, 400, 53120, "Rules");
}
