//! Compositions in the own API. Nobody makes them here.

use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{ParticipantRow, ParticipantStatus, RecordedKind, RecordingRow, Write};

use crate::recordings::{mix, room};
use crate::stage::{Answer, Stage, ask, check_refusal, get, post};

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
        let recorded = RecordingRow { participant, track, kind, ..mix(11, &account, "Den", 2_000) };
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

    async fn made(&self) -> String {
        let answer = self.make(&self.owner, json!({ "room": den() })).await;
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
    let (first, second) = (films.made().await, films.made().await);
    let listed = films.stage.ask(get("/kennel/v1/compositions?room=Den").bearer(&films.owner)).await.json();
    let ids: Vec<&str> = listed["compositions"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!((ids, &listed["next"]), (vec![second.as_str(), first.as_str()], &Value::Null));
    let path = format!("/kennel/v1/compositions/{first}");
    let mut one = films.stage.ask(get(&path).bearer(&films.owner)).await.json();
    let created = one.as_object_mut().expect("an object").remove("created");
    assert!(created.is_some_and(|at| at.as_u64() > Some(1_000)));
    let expected = json!({
        "id": first, "room": "Den", "room_sid": den(), "status": "enqueued", "percent": 0, "why": null, "container": "webm",
        "ended": null, "duration": null, "bytes": null,
    });
    assert_eq!(one, expected);
    for way in [get(&format!("{path}/media")), post(&format!("{path}/link"), json!({}))] {
        check_refusal(&films.stage.ask(way.bearer(&films.owner)).await, StatusCode::CONFLICT, "no_file");
    }
    assert_eq!(films.stage.ask(ask("DELETE", &path).bearer(&films.owner)).await.status, 204);
    check_refusal(&films.stage.ask(get(&path).bearer(&films.owner)).await, StatusCode::NOT_FOUND, "not_found");
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
        (json!({}), ""),
    ] {
        let answer = films.make(&films.owner, body.clone()).await;
        check_refusal(&answer, StatusCode::BAD_REQUEST, "malformed");
        assert!(answer.text.contains(place), "{body}: {}", answer.text);
    }
    for room in ["Den".to_owned(), format!("RM{:032x}", 2)] {
        check_refusal(&films.make(&films.owner, json!({ "room": room })).await, StatusCode::NOT_FOUND, "not_found");
    }
}

#[tokio::test]
async fn compositions_are_for_those_who_may_have_recordings() {
    let films = Films::start().await;
    let id = films.made().await;
    let (_, barn) = films.stage.link(json!({ "label": "a", "rights": ["record"], "room": "Barn" })).await;
    let (_, guest) = films.stage.link(json!({ "label": "b", "rights": ["moderator", "watch"] })).await;
    let (_, den) = films.stage.link(json!({ "label": "c", "rights": ["record"], "room": "Den" })).await;
    check_refusal(&films.make(&guest, json!({ "room": self::den() })).await, StatusCode::FORBIDDEN, "right_missing");
    check_refusal(&films.make(&barn, json!({ "room": self::den() })).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(films.make(&den, json!({ "room": self::den() })).await.status, 201);
    for method in ["GET", "DELETE"] {
        let strange = films.stage.ask(ask(method, &format!("/kennel/v1/compositions/{id}")).bearer(&barn)).await;
        check_refusal(&strange, StatusCode::NOT_FOUND, "not_found");
    }
    let other = films.stage.ask(get("/kennel/v1/compositions?room=Den").bearer(&barn)).await;
    check_refusal(&other, StatusCode::FORBIDDEN, "room_not_allowed");
    let own = films.stage.ask(get("/kennel/v1/compositions").bearer(&barn)).await.json();
    assert_eq!(own["compositions"], json!([]));
}
