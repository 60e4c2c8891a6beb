//! Compositions in the own API. Nobody makes them here.

use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{ParticipantRow, ParticipantStatus, RecordedFile, RecordedKind, RecordingRow, Write};

use crate::recordings::{mix, room};
use crate::stage::{Answer, Stage, ask, check_refusal, get, post, post_text};

struct Films {
    stage: Stage,
    owner: String,
}

impl Films {
    /// The room Den, of which Ann's picture was recorded.
    async fn start() -> Self {
        let stage = Stage::with_shelf();
        let account = stage.app.store.credentials().twilio_account_sid;
        let ann = ParticipantRow {
            id: 21,
            room: 1,
            identity: "ann".into(),
            status: ParticipantStatus::Connected,
            created_ms: 1_000,
            updated_ms: 1_000,
            ended_ms: None,
        };
        let (participant, track, kind) = (Some(21), Some(31), RecordedKind::Video);
        let recorded = mix(11, &account, "Den", 2_000);
        let file = RecordedFile { offset_ms: 2_000, ..recorded.file.clone() };
        let recorded = RecordingRow { participant, identity: Some("ann".into()), track, kind, file, ..recorded };
        let writes = vec![
            Write::RoomBegan(Box::new(room(&account))),
            Write::Joined(Box::new(ann)),
            Write::RecordingBegan(Box::new(recorded)),
        ];
        stage.history.as_ref().expect("one").write(writes).await.expect("written");
        Films { owner: stage.owner_key(), stage }
    }

    async fn make(&self, key: &str, body: Value) -> Answer {
        self.stage.ask(post("/kennel/v1/compositions", body).bearer(key)).await
    }

    async fn made(&self, trim: bool) -> String {
        let answer = self.make(&self.owner, json!({ "room": den(), "trim": trim })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}

fn den() -> String {
    format!("RM{:032x}", 1)
}

#[tokio::test]
async fn a_composition_is_asked_for_listed_and_given_up() {
    let films = Films::start().await;
    let (first, second) = (films.made(true).await, films.made(false).await);
    let listed = films.stage.ask(get("/kennel/v1/compositions?room=Den").bearer(&films.owner)).await.json();
    let ids: Vec<&str> = listed["compositions"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!((ids, &listed["next"]), (vec![second.as_str(), first.as_str()], &Value::Null));
    assert_eq!(listed["compositions"][0]["asked"], json!({ "from": null, "to": null, "who": [] }), "layouts may be long");
    let path = format!("/kennel/v1/compositions/{first}");
    let mut one = films.stage.ask(get(&path).bearer(&films.owner)).await.json();
    let created = one.as_object_mut().expect("an object").remove("created");
    assert!(created.is_some_and(|at| at.as_u64() > Some(1_000)));
    let asked = json!({
        "room": den(), "name": null, "from": null, "to": null, "who": [], "layout": "equal", "large": null,
        "sound": ["*"], "sound_excluded": [], "resolution": "640x480", "format": "webm", "trim": true,
    });
    let expected = json!({
        "id": first, "room": "Den", "room_sid": den(), "status": "enqueued", "percent": 0, "left": null, "waits": null, "why": null,
        "container": "webm", "ended": null, "duration": null, "bytes": null, "asked": asked,
    });
    assert_eq!(one, expected);
    for way in [get(&format!("{path}/media")), post(&format!("{path}/link"), json!({}))] {
        check_refusal(&films.stage.ask(way.bearer(&films.owner)).await, StatusCode::CONFLICT, "no_file");
    }
    assert_eq!(films.stage.ask(ask("DELETE", &path).bearer(&films.owner)).await.status, 204);
    check_refusal(&films.stage.ask(get(&path).bearer(&films.owner)).await, StatusCode::NOT_FOUND, "not_found");
}

#[tokio::test]
async fn a_part_of_what_was_recorded_under_a_name_is_asked_for_and_asked_for_again() {
    let films = Films::start().await;
    let body = json!({
        "name": "Den", "from": 1_500, "to": 2_500, "who": ["ann"], "layout": "large", "large": "ann",
        "resolution": "1280x720", "format": "mp4", "trim": false,
    });
    let first = films.make(&films.owner, body.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let asked = first.json()["asked"].clone();
    for (key, value) in body.as_object().expect("an object") {
        assert_eq!(&asked[key], value, "{key}");
    }
    assert_eq!(first.json()["room_sid"], den());
    let again = films.make(&films.owner, asked.clone()).await;
    assert_eq!((again.status, again.json()), (200, first.json()), "it waits already");
    let turns = films.make(&films.owner, json!({ "room": den(), "layout": "turns" })).await.json();
    assert_eq!(turns["asked"]["layout"], "turns");
    let own = json!({ "a": { "video_sources": ["cam"], "width": 320 } });
    let own = films.make(&films.owner, json!({ "room": den(), "layout": own })).await.json();
    assert_eq!(own["asked"]["layout"]["a"]["width"], 320);
    for (part, expected) in [
        (json!({ "name": "Den", "from": 4_499 }), 201),
        (json!({ "name": "Den", "from": 4_500 }), 404),
        (json!({ "name": "Den", "to": 2_001 }), 201),
        (json!({ "name": "Den", "to": 2_000 }), 404),
        (json!({ "name": "Den", "who": ["bo"] }), 404),
        (json!({ "name": "Barn" }), 404),
    ] {
        let answer = films.make(&films.owner, part.clone()).await;
        assert_eq!(answer.status, expected, "{part}: {}", answer.text);
    }
    let (_, barn) = films.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Barn" })).await;
    check_refusal(&films.make(&barn, json!({ "name": "Den" })).await, StatusCode::FORBIDDEN, "room_not_allowed");
}

#[tokio::test]
async fn what_means_nothing_is_refused_with_its_place() {
    let films = Films::start().await;
    for (body, place) in [
        (json!({ "room": den(), "resolution": "1x1" }), "Resolution"),
        (json!({ "room": den(), "layout": { "a": {} } }), "VideoLayout.a.video_sources"),
        (json!({ "room": den(), "sound": ["a*b"] }), "AudioSources"),
        (json!({ "room": den(), "layout": {}, "sound": [] }), "layout or sound"),
        (json!({ "room": den(), "format": "avi" }), ""),
        (json!({}), "a room or of a name"),
        (json!({ "room": den(), "name": "Den" }), "a room or of a name"),
        (json!({ "name": "Den", "from": 2, "to": 2 }), "later"),
        (json!({ "name": "Den", "layout": "large" }), "large"),
        (json!({ "name": "Den", "large": "ann" }), "large"),
        (json!({ "name": "Den", "layout": "small" }), ""),
        (json!({ "name": "Den", "who": [""] }), "who"),
        (json!({ "name": "Den", "who": vec!["a"; 201] }), "who"),
        (json!({ "name": "Den", "who": ["bo"], "layout": "large", "large": "ann" }), "large"),
    ] {
        let answer = films.make(&films.owner, body.clone()).await;
        check_refusal(&answer, StatusCode::BAD_REQUEST, "malformed");
        assert!(answer.text.contains(place), "{body}: {}", answer.text);
    }
    let twice = format!(r#"{{"room":"{}","layout":{{"a":{{"video_sources":[]}},"a":{{"video_sources":["*"]}}}}}}"#, den());
    let twice = films.stage.ask(post_text("/kennel/v1/compositions", &twice).bearer(&films.owner)).await;
    check_refusal(&twice, StatusCode::BAD_REQUEST, "malformed");
    for room in ["Den".to_owned(), format!("RM{:032x}", 2)] {
        check_refusal(&films.make(&films.owner, json!({ "room": room })).await, StatusCode::NOT_FOUND, "not_found");
    }
}

#[tokio::test]
async fn compositions_are_for_those_who_may_have_recordings() {
    let films = Films::start().await;
    let id = films.made(true).await;
    let (_, barn) = films.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Barn" })).await;
    let (_, guest) = films.stage.link(json!({ "label": "b", "rights": ["moderator", "watch"] })).await;
    let (_, den) = films.stage.link(json!({ "label": "c", "rights": ["record"], "room": "Den" })).await;
    check_refusal(&films.make(&guest, json!({ "room": self::den() })).await, StatusCode::FORBIDDEN, "right_missing");
    check_refusal(&films.make(&barn, json!({ "room": self::den() })).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(films.make(&den, json!({ "room": self::den(), "trim": false })).await.status, 201);
    for method in ["GET", "DELETE"] {
        let strange = films.stage.ask(ask(method, &format!("/kennel/v1/compositions/{id}")).bearer(&barn)).await;
        check_refusal(&strange, StatusCode::NOT_FOUND, "not_found");
    }
    let other = films.stage.ask(get("/kennel/v1/compositions?room=Den").bearer(&barn)).await;
    check_refusal(&other, StatusCode::FORBIDDEN, "room_not_allowed");
    let own = films.stage.ask(get("/kennel/v1/compositions").bearer(&barn)).await.json();
    assert_eq!(own["compositions"], json!([]));
}

#[tokio::test]
async fn of_one_name_only_so_many_wait() {
    let films = Films::start().await;
    for to in 0..20 {
        assert_eq!(films.make(&films.owner, json!({ "name": "Den", "to": 3_000 + to })).await.status, 201, "{to}");
    }
    let refused = films.make(&films.owner, json!({ "name": "Den", "to": 3_020 })).await;
    check_refusal(&refused, StatusCode::CONFLICT, "too_many");
    assert_eq!(films.make(&films.owner, json!({ "name": "Den", "to": 3_000 })).await.status, 200, "that one waits already");
}
