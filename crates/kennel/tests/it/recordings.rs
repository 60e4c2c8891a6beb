//! Recordings in the own API, and their files by signed addresses.

use std::path::PathBuf;

use axum::http::StatusCode;
use serde_json::json;
use store::{RecordedFile, RecordedKind, RecordingRow, RecordingStatus, RoomRow, RoomStatus, Write};

use crate::stage::{NEIGHBOUR, Stage, ask, check_refusal, get, post};

const ROOM: u128 = 1;

pub fn room(account: &str) -> RoomRow {
    RoomRow {
        id: ROOM,
        account: account.to_owned(),
        name: "Den".into(),
        kind: "group".into(),
        status: RoomStatus::InProgress,
        created_ms: 1_000,
        updated_ms: 1_000,
        ended_ms: None,
        by_owner: true,
        seats_max: 50,
        empty_timeout_s: 300,
        unused_timeout_s: 300,
        session_max_s: 14_400,
        tracks_max: None,
        audio_only: false,
        codecs: Vec::new(),
        callback: None,
        memo: String::new(),
    }
}

pub fn mix(id: u128, account: &str, room_name: &str, at_ms: u64) -> RecordingRow {
    RecordingRow {
        id,
        account: account.to_owned(),
        room: ROOM,
        room_name: room_name.into(),
        participant: None,
        identity: None,
        track: None,
        kind: RecordedKind::Mix,
        name: String::new(),
        container: "webm".into(),
        status: RecordingStatus::Completed,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: Some(at_ms + 1),
        file: RecordedFile { codec: "vp8".into(), offset_ms: 7, duration_ms: 2_500, bytes: 10 },
        why: "stopped".into(),
        callback: None,
    }
}

fn sid(id: u128) -> String {
    format!("RT{id:032x}")
}

struct Shelf {
    stage: Stage,
    owner: String,
}

impl Shelf {
    /// Recordings 1 and 2 of the room Den, 3 of the room Barn, and 4 that is being made; the first three have files.
    async fn filled() -> Self {
        let stage = Stage::with_shelf();
        let account = stage.app.store.credentials().twilio_account_sid;
        let rows = [mix(1, &account, "Den", 1_000), mix(2, &account, "Den", 2_000), mix(3, &account, "Barn", 3_000)];
        let made = RecordingRow { status: RecordingStatus::Processing, ended_ms: None, ..mix(4, &account, "Den", 4_000) };
        let rows = rows.into_iter().chain([made]).map(|row| Write::RecordingBegan(Box::new(row)));
        let writes = std::iter::once(Write::RoomBegan(Box::new(room(&account)))).chain(rows).collect();
        stage.history.as_ref().expect("one").write(writes).await.expect("written");
        let shelf = Shelf { owner: stage.owner_key(), stage };
        for id in [1, 2, 3] {
            std::fs::write(shelf.file(id), "0123456789").expect("written");
        }
        shelf
    }

    fn file(&self, id: u128) -> PathBuf {
        self.stage.folder.path().join(format!("recordings/{id:032x}.webm"))
    }

    async fn listed(&self, key: &str, query: &str) -> Vec<String> {
        let answer = self.stage.ask(get(&format!("/kennel/v1/recordings{query}")).bearer(key)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let rows = answer.json()["recordings"].as_array().expect("a list").clone();
        rows.iter().map(|row| row["id"].as_str().expect("an id").trim_start_matches(['R', 'T', '0']).to_owned()).collect()
    }

    async fn address(&self, id: u128) -> String {
        let answer = self.stage.ask(get(&format!("/kennel/v1/recordings/{}/media", sid(id))).bearer(&self.owner)).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        answer.header("location").to_owned()
    }
}

#[tokio::test]
async fn recordings_are_for_those_whose_link_says_so() {
    let shelf = Shelf::filled().await;
    let (_, den) = shelf.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Den" })).await;
    let (_, guest) = shelf.stage.link(json!({ "label": "b", "rights": ["moderator", "watch"] })).await;
    assert_eq!(shelf.listed(&shelf.owner, "").await, ["4", "3", "2", "1"]);
    assert_eq!(shelf.listed(&shelf.owner, "?room=Barn").await, ["3"]);
    assert_eq!(shelf.listed(&shelf.owner, "?from=2000&before=4000").await, ["3", "2"]);
    assert_eq!(shelf.listed(&den, "").await, ["4", "2", "1"]);
    let other = shelf.stage.ask(get("/kennel/v1/recordings?room=Barn").bearer(&den)).await;
    check_refusal(&other, StatusCode::FORBIDDEN, "room_not_allowed");
    for method in ["GET", "DELETE"] {
        let strange = shelf.stage.ask(ask(method, &format!("/kennel/v1/recordings/{}", sid(3))).bearer(&den)).await;
        check_refusal(&strange, StatusCode::NOT_FOUND, "not_found");
    }
    for path in ["/kennel/v1/recordings".to_owned(), format!("/kennel/v1/recordings/{}/media", sid(1))] {
        check_refusal(&shelf.stage.ask(get(&path).bearer(&guest)).await, StatusCode::FORBIDDEN, "right_missing");
    }
    let one = shelf.stage.ask(get(&format!("/kennel/v1/recordings/{}", sid(1))).bearer(&den)).await.json();
    let expected = json!({
        "id": sid(1), "room": "Den", "room_sid": format!("RM{ROOM:032x}"), "participant": null, "track": "", "kind": "mix",
        "status": "completed", "left": false, "why": "stopped", "container": "webm", "codec": "vp8", "created": 1_000, "ended": 1_001,
        "offset": 7, "duration": 2_500, "bytes": 10, "playable": true,
    });
    assert_eq!(one, expected);
}

#[tokio::test]
async fn a_file_is_given_whole_or_in_parts_to_who_has_its_address() {
    let shelf = Shelf::filled().await;
    let address = shelf.address(1).await;
    let whole = shelf.stage.ask(get(&address)).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "0123456789"));
    assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), ("bytes", "10"));
    assert_eq!((whole.header("content-type"), whole.header("access-control-allow-origin")), ("video/webm", "*"));
    assert_eq!(whole.header("content-disposition"), "inline; filename=\"Den 1970-01-01 00.00.01.webm\"");
    assert_eq!(whole.header("cache-control"), "private, no-cache");
    let tag = whole.header("etag").to_owned();
    let check = async |headers: &[(&str, &str)], status: u16, text: &str, range: &str| {
        let asked = headers.iter().fold(get(&address), |ask, (name, value)| ask.header(name, value));
        let part = shelf.stage.ask(asked).await;
        assert_eq!((part.status, part.text.as_str(), part.header("content-range")), (status, text, range), "{headers:?}");
    };
    check(&[("range", "bytes=2-4")], 206, "234", "bytes 2-4/10").await;
    check(&[("range", "bytes=-3")], 206, "789", "bytes 7-9/10").await;
    check(&[("range", "bytes=8-")], 206, "89", "bytes 8-9/10").await;
    check(&[("range", "bytes=10-")], 416, "", "bytes */10").await;
    check(&[("range", "bytes=2-4"), ("if-range", &tag)], 206, "234", "bytes 2-4/10").await;
    check(&[("range", "bytes=2-4"), ("if-range", "\"other\"")], 200, "0123456789", "").await;
    check(&[("if-none-match", &tag)], 304, "", "").await;
    let head = shelf.stage.ask(get(&address).method("HEAD")).await;
    assert_eq!((head.status, head.text.as_str(), head.header("content-length")), (200, "", "10"));
}

#[tokio::test]
async fn who_has_an_address_is_no_stranger() {
    let shelf = Shelf::filled().await;
    let address = shelf.address(1).await;
    let come = || shelf.stage.doorman.admit(NEIGHBOUR.parse().expect("an address"), true).map(|(connection, _)| connection);
    let check = async |address: &str, expected: bool| {
        let (known, _strangers): (_, Vec<_>) = (come().expect("room"), std::iter::from_fn(come).collect());
        shelf.stage.ask_by(known.clone(), get(address)).await;
        assert_eq!(come().is_some(), expected, "{address}");
    };
    check(&address, true).await;
    check(&address.replace("signature=", "signature=A"), false).await;
}

#[tokio::test]
async fn an_address_that_was_not_given_opens_nothing() {
    let shelf = Shelf::filled().await;
    let address = shelf.address(1).await;
    let (other, later) = (address.replacen('1', "2", 1), address.replace("ends=", "ends=9"));
    let bare = address.split('?').next().expect("a path").to_owned();
    for path in [other, later, bare, address.replace("signature=", "signature=A")] {
        let answer = shelf.stage.ask(get(&path)).await;
        check_refusal(&answer, StatusCode::FORBIDDEN, "address_invalid");
    }
    let told =
        shelf.stage.ask(post(&format!("/kennel/v1/recordings/{}/link", sid(1)), json!({ "seconds": 60 })).bearer(&shelf.owner));
    let told = told.await.json();
    let url = told["url"].as_str().expect("a URL").to_owned();
    let path = url.strip_prefix("https://192.168.1.20:8443").expect("this origin");
    assert_eq!(shelf.stage.ask(get(path)).await.status, 200);
    for seconds in [0, 86_401] {
        let body = json!({ "seconds": seconds });
        let refused = shelf.stage.ask(post(&format!("/kennel/v1/recordings/{}/link", sid(1)), body).bearer(&shelf.owner)).await;
        check_refusal(&refused, StatusCode::BAD_REQUEST, "malformed");
    }
    let made = shelf.stage.ask(get(&format!("/kennel/v1/recordings/{}/media", sid(4))).bearer(&shelf.owner)).await;
    check_refusal(&made, StatusCode::CONFLICT, "no_file");
}

#[tokio::test]
async fn what_is_deleted_is_gone_at_once() {
    let shelf = Shelf::filled().await;
    let address = shelf.address(2).await;
    let delete =
        async |id| shelf.stage.ask(ask("DELETE", &format!("/kennel/v1/recordings/{}", sid(id))).bearer(&shelf.owner)).await;
    assert_eq!(delete(2).await.status, 204);
    assert!(!shelf.file(2).exists());
    check_refusal(&shelf.stage.ask(get(&address)).await, StatusCode::NOT_FOUND, "not_found");
    check_refusal(&delete(2).await, StatusCode::NOT_FOUND, "not_found");
    check_refusal(&delete(4).await, StatusCode::CONFLICT, "recording_running");
    assert_eq!(shelf.listed(&shelf.owner, "").await, ["4", "3", "1"]);
}

#[tokio::test]
async fn a_room_is_recorded_by_who_may() {
    let shelf = Shelf::filled().await;
    let (_, den) = shelf.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Den" })).await;
    for room in ["Den", "Direct"] {
        shelf.stage.rooms.present.lock().expect("sound").insert(room.to_owned(), vec!["Ann".to_owned()]);
    }
    let record = async |room: &str, body, key: &str| {
        shelf.stage.ask(post(&format!("/kennel/v1/rooms/{room}/record"), body).bearer(key)).await
    };
    let on = record("Den", json!({ "on": true }), &den).await;
    assert_eq!((on.status, on.json()), (200, json!({ "room": "Den", "recording": true })));
    let rules = shelf.stage.history.as_ref().expect("one").recording_rules(ROOM).await.expect("read").expect("set");
    assert_eq!(rules.text, r#"[{"type":"include","all":true}]"#);
    check_refusal(&record("Barn", json!({ "on": true }), &den).await, StatusCode::FORBIDDEN, "room_not_allowed");
    check_refusal(&record("Den", json!({}), &den).await, StatusCode::BAD_REQUEST, "malformed");
    let owner = &shelf.owner;
    check_refusal(&record("Direct", json!({ "on": true }), owner).await, StatusCode::CONFLICT, "not_recordable");
    check_refusal(&record("Nowhere", json!({ "on": false }), owner).await, StatusCode::NOT_FOUND, "not_found");
    check_refusal(&record("Nowhere", json!({ "on": true }), owner).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(shelf.stage.rooms.recorded.lock().expect("sound").len(), 2);
}

#[tokio::test]
async fn who_may_record_a_room_sees_whether_it_waits_for_space() {
    let shelf = Shelf::filled().await;
    let (_, den) = shelf.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Den" })).await;
    let (_, watcher) = shelf.stage.link(json!({ "label": "w", "rights": ["watch"] })).await;
    for room in ["Den", "Waiting", "Idle"] {
        shelf.stage.rooms.present.lock().expect("sound").insert(room.to_owned(), vec!["Ann".to_owned()]);
    }
    let look = async |room: &str, key: &str| shelf.stage.ask(get(&format!("/kennel/v1/rooms/{room}/record")).bearer(key)).await;
    let says = |room: &str, on, waits| json!({ "room": room, "on": on, "recording": false, "waiting": waits });
    assert_eq!(look("Den", &den).await.json(), says("Den", false, false));
    assert_eq!(look("Waiting", &shelf.owner).await.json(), says("Waiting", true, true));
    assert_eq!(look("Idle", &shelf.owner).await.json(), says("Idle", true, false));
    check_refusal(&look("Waiting", &den).await, StatusCode::FORBIDDEN, "room_not_allowed");
    check_refusal(&look("Den", &watcher).await, StatusCode::FORBIDDEN, "right_missing");
    check_refusal(&look("Nowhere", &shelf.owner).await, StatusCode::NOT_FOUND, "not_found");
}
