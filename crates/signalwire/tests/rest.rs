//! What requests ask for, what is refused and how, and the shape of answers.

use serde_json::{Value, json};
use signalwire::rest::{
    self, Ask, Ends, Member, Recording, RecordingState, Refusal, Request, RoomRecord, Session, SessionStatus, parse,
};

/// Larger than any number of JSON.
const ID: u128 = 0xffff_ffff_0000_4000_8000_0000_0000_0007;

fn ask(method: &str, path: &str, query: &str, body: &str) -> Result<Ask, Refusal> {
    parse(&Request { method, path, query, body: body.as_bytes() })
}

fn made(body: &Value) -> RoomRecord {
    match ask("POST", "/api/video/rooms", "", &body.to_string()) {
        Ok(Ask::CreateRoom(draft)) => draft.make(ID, 1_000),
        other => panic!("{other:?}"),
    }
}

/// The status, and the attribute of every fault.
fn refused(method: &str, path: &str, query: &str, body: &str) -> (u16, Vec<String>) {
    let refusal = ask(method, path, query, body).expect_err("refused");
    let text: Value = serde_json::from_str(&refusal.body()).expect("json");
    let faults = text["errors"].as_array().cloned().unwrap_or_default();
    (refusal.status(), faults.iter().map(|fault| fault["attribute"].as_str().unwrap_or_default().to_owned()).collect())
}

#[test]
fn a_room_has_what_was_said_and_defaults_for_the_rest() {
    let room = made(&json!({ "name": "Main_Office" }));
    let shown = rest::render_room(&room, None);
    let expected = json!({
        "id": "ffffffff-0000-4000-8000-000000000007", "name": "Main_Office", "display_name": "Main_Office", "description": "",
        "max_members": 20, "quality": "720p", "fps": 20, "join_from": null, "join_until": null, "remove_at": null,
        "remove_after_seconds_elapsed": null, "layout": "grid-responsive", "record_on_start": false, "enable_room_previews": false,
        "tone_on_entry_and_exit": true, "room_join_video_off": false, "user_join_video_off": false, "prioritize_handraise": false,
        "sync_audio_video": null, "meta": {}, "created_at": "1970-01-01T00:00:01Z", "updated_at": "1970-01-01T00:00:01Z",
    });
    assert_eq!(shown, expected);
    let said = json!({
        "name": "b", "display_name": "B é", "max_participants": "9", "quality": "1080p", "layout": "highlight-1-responsive",
        "join_from": "2030-01-01", "remove_after_seconds_elapsed": 60, "meta": { "a": [1] }, "delete_on_end": false,
    });
    let room = made(&said);
    assert_eq!((room.max_members, room.display_name.as_str(), room.remove_after_s), (9, "B é", Some(60)));
    let shown = rest::render_room(&room, None);
    assert_eq!((&shown["meta"], &shown["join_from"]), (&json!({ "a": [1] }), &json!("2030-01-01T00:00:00Z")));
    assert_eq!(RoomRecord::read(&room.text()), Some(room));
}

#[test]
fn an_update_changes_what_it_names() {
    let room = made(&json!({ "name": "den", "join_from": "2030-01-01", "description": "old" }));
    let body = r#"{"join_from":null,"name":"other","description":"new"}"#;
    let Ok(Ask::UpdateRoom(key, draft)) = ask("PUT", "/api/video/rooms/den", "", body) else { panic!("an update") };
    let room = draft.change(room, 9_000).expect("a room");
    assert_eq!((key.text.as_str(), room.name.as_str(), room.description.as_str()), ("den", "den", "new"));
    assert_eq!((room.join_from_ms, room.created_ms, room.updated_ms), (None, 1_000, 9_000));
}

#[test]
fn what_a_room_is_called_can_be_taken_away() {
    let check = |body: &Value, display_name: &str, description: &str| {
        let room = made(&json!({ "name": "den", "display_name": "Den", "description": "old" }));
        let Ok(Ask::UpdateRoom(_, draft)) = ask("PUT", "/api/video/rooms/den", "", &body.to_string()) else { panic!("{body}") };
        let room = draft.change(room, 9_000).expect("a room");
        assert_eq!((room.display_name.as_str(), room.description.as_str()), (display_name, description), "{body}");
    };
    check(&json!({ "display_name": "", "description": "" }), "den", "");
    check(&json!({ "display_name": null, "description": null }), "Den", "old");
    check(&json!({}), "Den", "old");
    assert_eq!(made(&json!({ "name": "den", "display_name": "" })).display_name, "den");
}

#[test]
fn an_update_leaves_a_room_a_time_to_come_in() {
    let check = |body: &Value, faulty: Option<&str>| {
        let room = made(&json!({ "name": "den", "join_from": "2030-01-02", "join_until": "2030-02-01" }));
        let Ok(Ask::UpdateRoom(_, draft)) = ask("PUT", "/api/video/rooms/den", "", &body.to_string()) else { panic!("{body}") };
        let refusal = draft.change(room, 9_000).err().map(|refusal| refusal.body());
        let faults = refusal.map(|text| serde_json::from_str::<Value>(&text).expect("json")["errors"].clone());
        assert_eq!(faults.as_ref().map(|faults| &faults[0]["attribute"]), faulty.map(|name| json!(name)).as_ref(), "{body}");
    };
    check(&json!({ "join_until": "2030-01-01" }), Some("join_until"));
    check(&json!({ "join_from": "2030-02-02" }), Some("join_from"));
    check(&json!({ "join_until": "2030-01-02" }), Some("join_until"));
    check(&json!({ "join_until": "2030-01-03" }), None);
    check(&json!({ "join_from": "2030-02-02", "join_until": null }), None);
    check(&json!({ "join_from": "2031-01-01", "join_until": "2031-01-02" }), None);
    check(&json!({ "description": "other" }), None);
}

#[test]
fn slashes_count_once() {
    for path in ["/api/video//room_tokens", "//api//video/room_tokens/", "/api/video/room_tokens"] {
        let Ok(Ask::CreateToken(token)) = ask("POST", path, "", r#"{"room_name":"den"}"#) else { panic!("{path}") };
        assert_eq!((token.room_name.as_str(), token.auto_create_room, token.permissions.clone()), ("den", true, None));
    }
}

#[test]
fn a_token_keeps_its_permissions_in_order() {
    let body = r#"{"room_name":"den","user_name":"ann","permissions":["room.self.video_mute","room.member.remove"],"join_as":"audience"}"#;
    let Ok(Ask::CreateToken(token)) = ask("POST", "/api/video/room_tokens", "", body) else { panic!("a token") };
    assert_eq!(token.permissions, Some(vec!["room.self.video_mute".to_owned(), "room.member.remove".to_owned()]));
    assert!(token.audience);
}

#[test]
fn every_fault_is_named() {
    let check = |method: &str, path: &str, query: &str, body: &str, status: u16, attributes: &[&str]| {
        let attributes: Vec<String> = attributes.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(refused(method, path, query, body), (status, attributes), "{method} {path} {query} {body}");
    };
    let rooms = "/api/video/rooms";
    check("POST", rooms, "", "{}", 422, &["name"]);
    check("POST", rooms, "", "", 422, &["name"]);
    check("POST", rooms, "", "[]", 400, &[]);
    check("POST", rooms, "", "{", 400, &[]);
    check("POST", rooms, "", r#"{"name":"a b"}"#, 422, &["name"]);
    check("POST", rooms, "", r#"{"name":5,"max_members":0,"quality":"4k"}"#, 422, &["name", "max_members", "quality"]);
    check("POST", rooms, "", r#"{"name":"a","join_from":"soon","layout":"2x9","fps":25}"#, 422, &["fps", "join_from", "layout"]);
    check("POST", rooms, "", r#"{"name":"a","join_from":"2030-01-02","join_until":"2030-01-01"}"#, 422, &["join_until"]);
    check("POST", rooms, "", &json!({ "name": "a".repeat(101) }).to_string(), 422, &["name"]);
    check("POST", rooms, "", &json!({ "name": "a", "meta": { "a": "b".repeat(2_000) } }).to_string(), 422, &["meta"]);
    check("POST", rooms, "", &" ".repeat(70_000), 413, &[]);
    check("POST", "/api/video/room_tokens", "", r#"{"permissions":["room.everything"]}"#, 422, &["room_name", "permissions"]);
    for name in ["a\\nb", " ", "\\u202ex"] {
        let body = format!(r#"{{"room_name":"den","user_name":"{name}"}}"#);
        check("POST", "/api/video/room_tokens", "", &body, 422, &["user_name"]);
    }
    check("GET", rooms, "include_active_session=perhaps", "", 422, &["include_active_session"]);
    check("GET", rooms, "page_number=1", "", 422, &["page_token"]);
    check("GET", rooms, "page_size=0", "", 422, &["page_size"]);
    check("GET", "/api/video/room_sessions", "status=odd", "", 422, &["status"]);
    check("GET", "/api/video/room_sessions/nothing", "", "", 404, &[]);
    check("GET", "/api/video/nothing", "", "", 404, &[]);
    check("GET", "/api/voice/rooms", "", "", 404, &[]);
    let token = |field: &str, value: Value| {
        let body = json!({ "room_name": "den", field: value }).to_string();
        check("POST", "/api/video/room_tokens", "", &body, 422, &[field]);
    };
    token("permissions", json!("room.lock"));
    token("permissions", json!(["room.lock", 7]));
    token("permissions", json!(vec!["room.lock"; 129]));
    token("permissions", json!([format!("room.stream.{}", "x".repeat(60))]));
    token("join_from", json!(u64::MAX / 1000));
    check("PUT", rooms, "", "{}", 405, &[]);
    check("POST", "/api/video/rooms/den/streams", "", "{}", 501, &[]);
    check("GET", "/api/video/conferences", "", "", 501, &[]);
}

#[test]
fn flags_are_read_as_programs_write_them() {
    for (text, expected) in [("true", true), ("True", true), ("1", true), ("FALSE", false), ("0", false), ("", false)] {
        let asked = ask("GET", "/api/video/rooms", &format!("include_active_session={text}"), "");
        let Ok(Ask::ListRooms(filter, _)) = asked else { panic!("{text}") };
        assert_eq!(filter.active_session, expected, "{text}");
    }
}

#[test]
fn a_session_is_shown_with_the_settings_of_its_room() {
    let room = made(&json!({ "name": "den", "layout": "2x2" }));
    let memo = room.definition(|_| room::Moment::START).memo;
    let record = RoomRecord::of_memo(&memo.0).expect("a record");
    assert_eq!(record, room);
    let mut session = Session {
        id: 9,
        record: Some(record),
        name: "den".into(),
        seats_max: 20,
        began_ms: 5_000,
        ended_ms: None,
        updated_ms: 5_000,
        stage: Some((true, room::LayoutName::Grid3x3)),
    };
    let shown = rest::render_session(&session);
    assert_eq!((&shown["status"], &shown["layout"], &shown["locked"]), (&json!("in-progress"), &json!("3x3"), &json!(true)));
    assert_eq!((&shown["room_id"], &shown["end_time"]), (&json!("ffffffff-0000-4000-8000-000000000007"), &Value::Null));
    assert_eq!(rest::render_room(&room, Some(&session))["active_session"]["id"], shown["id"]);
    (session.ended_ms, session.stage) = (Some(65_000), None);
    let shown = rest::render_session(&session);
    assert_eq!((&shown["status"], &shown["duration"], &shown["layout"]), (&json!("completed"), &json!(60), &json!("2x2")));
}

#[test]
fn pages_know_their_neighbours() {
    let Ok(Ask::ListSessions(filter, page)) =
        ask("GET", "/api/video/room_sessions", "status=completed&room_name=a%20b&page_size=2", "")
    else {
        panic!("a list")
    };
    assert_eq!((filter.status, filter.room_name.as_deref(), page.size), (Some(SessionStatus::Completed), Some("a b"), 2));
    let member = Member { id: 1, session: 2, name: "ann".into(), came_ms: 0, left_ms: Some(2_500) };
    let url = "https://cam.lan/api/video/room_sessions";
    let list = rest::render_list(url, &page, Ends { after: Some(5) }, vec![rest::render_member(&member)]);
    assert_eq!(list["data"][0]["duration"], 2);
    let next = list["links"]["next"].as_str().expect("a next page").strip_prefix(url).expect("its url");
    let Ok(Ask::ListSessions(again, page)) = ask("GET", "/api/video/room_sessions", next.trim_start_matches('?'), "") else {
        panic!("a list")
    };
    assert_eq!((again, page.after, page.number), (filter, Some(5), 1));
    assert!(rest::render_list(url, &page, Ends::default(), Vec::new())["links"].get("next").is_none());
}

#[test]
fn any_bytes_are_answered() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let words = [
        "/",
        "api",
        "video",
        "rooms",
        "room_tokens",
        "%",
        "%ff",
        "{",
        "}",
        "\"name\"",
        ":",
        "null",
        "1",
        "room_sessions",
        "é",
        ",",
    ];
    for _ in 0..20_000 {
        let mut text = |count: u64| {
            (0..random() % count).map(|_| words[usize::try_from(random()).unwrap() % words.len()]).collect::<String>()
        };
        let (path, query, body) = (format!("/api/video/{}", text(6)), text(4), text(8));
        for method in ["GET", "POST", "PUT", "DELETE", "BREW"] {
            if let Err(refusal) = ask(method, &path, &query, &body) {
                assert!(serde_json::from_str::<Value>(&refusal.body()).is_ok());
            }
        }
    }
}

#[test]
fn recordings_are_listed_found_and_deleted() {
    let id = "ffffffff-0000-4000-8000-000000000007";
    let (list, one) = ("/api/video/room_recordings", format!("/api/video/room_recordings/{id}"));
    let Ok(Ask::ListRecordings(None, 900, _)) = ask("GET", list, "", "") else { panic!("a list") };
    let of_session = format!("/api/video/room_sessions/{id}/recordings");
    let Ok(Ask::ListRecordings(Some(ID), 60, page)) = ask("GET", &of_session, "media_ttl=60&page_size=2", "") else { panic!() };
    let shown = rest::render_list("https://h/x", &page, Ends { after: Some(1) }, vec![]);
    assert!(shown["links"]["next"].as_str().is_some_and(|next| next.contains("media_ttl=60")), "{shown}");
    assert_eq!(ask("GET", &one, "", ""), Ok(Ask::FindRecording(ID, 900)));
    assert_eq!(ask("DELETE", &one, "", "").map(|ask| (ask.success(), ask.changes())), Ok((204, true)));
    assert!(matches!(ask("GET", &format!("{one}/events"), "", ""), Ok(Ask::ListRecordingEvents(ID, _))));
    assert_eq!(ask("POST", &one, "", ""), Err(Refusal::Method("GET, DELETE")));
    for wrong in ["0", "86401", "soon"] {
        assert_eq!(refused("GET", list, &format!("media_ttl={wrong}"), ""), (422, vec!["media_ttl".into()]), "{wrong}");
    }
}

#[test]
fn a_recording_is_shown_with_its_file_when_it_has_one() {
    let made = Recording {
        id: ID,
        session: 8,
        state: RecordingState::Completed,
        began_ms: 1_000,
        ended_ms: Some(62_000),
        updated_ms: 62_000,
        duration_ms: 60_500,
        bytes: 1 << 40,
        container: "webm".into(),
        uri: Some("https://h/f".into()),
    };
    let expected = json!({
        "id": "ffffffff-0000-4000-8000-000000000007", "room_session_id": "00000000-0000-0000-0000-000000000008",
        "status": "completed", "started_at": "1970-01-01T00:00:01Z", "finished_at": "1970-01-01T00:01:02Z", "duration": 60,
        "size_in_bytes": 1_u64 << 40, "format": "video/webm", "cost_in_dollars": 0.0, "uri": "https://h/f",
        "created_at": "1970-01-01T00:00:01Z", "updated_at": "1970-01-01T00:01:02Z",
    });
    assert_eq!(rest::render_recording(&made), expected);
    let running = Recording { state: RecordingState::Paused, ended_ms: None, uri: None, ..made };
    let shown = rest::render_recording(&running);
    assert_eq!((&shown["status"], &shown["duration"], &shown["uri"]), (&json!("paused"), &Value::Null, &Value::Null));
}
