//! The owner's links.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Stage, check_refusal, get, post};

#[tokio::test]
async fn made_listed_used_and_withdrawn() {
    let stage = Stage::new();
    let owner = stage.owner_key();
    let body = json!({"label":"Grandma","rights":["watch"],"room":"Den","ends_in_s":604_800});
    let made = stage.ask(post("/kennel/v1/keys", body).bearer(&owner)).await;
    assert_eq!(made.status, 201);
    let (id, key) = (made.json()["id"].clone(), made.json()["key"].as_str().expect("a key").to_owned());
    assert_eq!(made.json()["path"], format!("/dogcam#k={key}"));
    let cookie = stage.sign_in(&key).await;
    let session = stage.ask(get("/kennel/v1/session").cookie(&cookie)).await.json();
    assert_eq!((&session["rights"], &session["room"]), (&json!(["watch"]), &json!("Den")));

    let list = stage.ask(get("/kennel/v1/keys").bearer(&owner)).await;
    assert!(!list.text.contains(&key));
    let row = list.json()["keys"].as_array().expect("rows").iter().find(|row| row["id"] == id).expect("it").clone();
    assert_eq!(
        (&row["label"], &row["rights"], &row["room"], &row["sessions"]),
        (&json!("Grandma"), &json!(["watch"]), &json!("Den"), &json!(1))
    );
    assert!(row["created"].is_u64() && row["last_used"].is_u64());
    assert_eq!(row["ends"].as_u64(), row["created"].as_u64().map(|at| at + 604_800_000));

    let path = format!("/kennel/v1/keys/{}", id.as_str().expect("an id"));
    let withdraw = post(&path, json!(null)).method("DELETE").bearer(&owner);
    assert_eq!(stage.ask(withdraw.clone()).await.status, 204);
    check_refusal(&stage.ask(withdraw).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&cookie)).await.status, 401);
    check_refusal(&stage.ask(get("/kennel/v1/session").bearer(&key)).await, StatusCode::UNAUTHORIZED, "key_unknown");
    let withdrawn = stage.rooms.withdrawn.lock().expect("sound").clone();
    assert_eq!(withdrawn, [id.as_str().expect("an id")], "the rooms hear of it");
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let stage = Stage::new();
    for (body, code) in [
        (json!({"label":"","rights":["watch"]}), "name_invalid"),
        (json!({"label":"x","rights":["watch"],"room":"a\u{0}b"}), "name_invalid"),
        (json!({"label":"x","rights":[]}), "rights_invalid"),
        (json!({"label":"x","rights":["fly"]}), "malformed"),
        (json!({"label":"x","rights":["watch"],"ends_in_s":0}), "end_invalid"),
        (json!({"label":"x","rights":["watch"],"ends_in_s":u64::MAX}), "end_invalid"),
        (json!({"label":"x","rights":["watch"],"ends_in_s":-1}), "malformed"),
        (Value::Null, "malformed"),
    ] {
        let answer = stage.ask(post("/kennel/v1/keys", body).bearer(&stage.owner_key())).await;
        check_refusal(&answer, StatusCode::BAD_REQUEST, code);
    }
}

#[tokio::test]
async fn only_the_owner_may() {
    let stage = Stage::new();
    let (_, key) = stage.link(json!({"label":"x","rights":["camera","watch"]})).await;
    for ask in [
        get("/kennel/v1/keys"),
        post("/kennel/v1/keys", json!({"label":"x","rights":["owner"]})),
        post("/kennel/v1/keys/x", json!(null)).method("DELETE"),
        get("/kennel/v1/sessions"),
        post("/kennel/v1/sessions/x", json!(null)).method("DELETE"),
        get("/kennel/v1/rooms"),
        post("/kennel/v1/rooms/Den", json!({"type":"go"})).method("PUT"),
        post("/kennel/v1/rooms/Den", json!(null)).method("DELETE"),
        post("/kennel/v1/rooms/Den/block", json!({"member":"x"})),
        get("/metrics"),
    ] {
        check_refusal(&stage.ask(ask.clone().bearer(&key)).await, StatusCode::FORBIDDEN, "right_missing");
        check_refusal(&stage.ask(ask).await, StatusCode::UNAUTHORIZED, "no_session");
    }
}

#[tokio::test]
async fn the_owners_own_link_is_not_withdrawn_by_mistake() {
    let stage = Stage::new();
    let owner = stage.owner_key();
    let list = stage.ask(get("/kennel/v1/keys").bearer(&owner)).await.json();
    let path = format!("/kennel/v1/keys/{}", list["keys"][0]["id"].as_str().expect("an id"));
    let answer = stage.ask(post(&path, json!(null)).method("DELETE").bearer(&owner)).await;
    check_refusal(&answer, StatusCode::CONFLICT, "owner_link");
    assert_eq!(stage.ask(get("/kennel/v1/keys").bearer(&owner)).await.status, 200);
}
