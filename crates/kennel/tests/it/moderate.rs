//! What moderators do beyond what the vendor's SDK can: end a room, withdraw the link of somebody in it.

use axum::http::StatusCode;
use serde_json::json;

use crate::stage::{Answer, Stage, check_refusal, post};

const MEMBER: &str = "00000000-0000-0000-0000-0000000000a1";

/// Somebody is in both of these rooms.
fn stage() -> Stage {
    let stage = Stage::new();
    for room in ["Den", "Dog Cam"] {
        stage.rooms.present.lock().expect("sound").insert(room.to_owned(), vec!["Bo".to_owned()]);
    }
    stage
}

async fn end(stage: &Stage, room: &str, key: &str) -> Answer {
    stage.ask(post(&format!("/kennel/v1/rooms/{room}"), json!(null)).method("DELETE").bearer(key)).await
}

async fn block(stage: &Stage, member: &str, key: &str) -> Answer {
    stage.ask(post("/kennel/v1/rooms/Den/block", json!({ "member": member })).bearer(key)).await
}

fn came_by(stage: &Stage, origin: &str) {
    stage.rooms.origins.lock().expect("sound").insert(0xa1, origin.to_owned());
}

#[tokio::test]
async fn a_room_is_ended_by_who_looks_after_it() {
    let stage = stage();
    let (_, guest) = stage.link(json!({"label":"g","rights":["guest"],"room":"Den"})).await;
    let (_, other) = stage.link(json!({"label":"o","rights":["moderator"],"room":"Attic"})).await;
    let (_, moderator) = stage.link(json!({"label":"m","rights":["moderator"],"room":"Den"})).await;
    let (_, roaming) = stage.link(json!({"label":"r","rights":["moderator"]})).await;
    check_refusal(&end(&stage, "Den", &guest).await, StatusCode::FORBIDDEN, "right_missing");
    check_refusal(&end(&stage, "Den", &other).await, StatusCode::FORBIDDEN, "room_not_allowed");
    check_refusal(&end(&stage, "Dog%20Cam", &roaming).await, StatusCode::FORBIDDEN, "right_missing");
    assert_eq!(end(&stage, "Den", &moderator).await.status, 204);
    check_refusal(&end(&stage, "Den", &moderator).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(end(&stage, "Dog%20Cam", &stage.owner_key()).await.status, 204);
}

#[tokio::test]
async fn a_guests_link_is_withdrawn_with_the_guest() {
    let stage = stage();
    let (guest, guest_key) = stage.link(json!({"label":"g","rights":["guest"],"room":"Den"})).await;
    let (_, moderator) = stage.link(json!({"label":"m","rights":["moderator"],"room":"Den"})).await;
    check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::NOT_FOUND, "not_found");
    check_refusal(&block(&stage, "Bo", &moderator).await, StatusCode::NOT_FOUND, "not_found");
    came_by(&stage, &format!("{guest}.2b"));
    check_refusal(&block(&stage, MEMBER, &guest_key).await, StatusCode::FORBIDDEN, "right_missing");
    assert_eq!(block(&stage, MEMBER, &moderator).await.status, 204);
    assert_eq!(*stage.rooms.withdrawn.lock().expect("sound"), [guest]);
    let answer = stage.ask(post("/kennel/v1/session", json!({ "key": guest_key }))).await;
    check_refusal(&answer, StatusCode::UNAUTHORIZED, "key_unknown");
    check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::CONFLICT, "no_link");
}

#[tokio::test]
async fn a_moderator_takes_nothing_away_that_is_not_for_guests_of_the_room() {
    let stage = stage();
    let (own, moderator) = stage.link(json!({"label":"m","rights":["moderator"],"room":"Den"})).await;
    let (colleague, _) = stage.link(json!({"label":"c","rights":["moderator"],"room":"Den"})).await;
    let (roaming, _) = stage.link(json!({"label":"r","rights":["guest"]})).await;
    let owner = stage.app.store.keyring().links()[0].id.clone();
    came_by(&stage, &own);
    check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::CONFLICT, "own_link");
    came_by(&stage, &owner);
    check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::CONFLICT, "owner_link");
    for link in [&colleague, &roaming] {
        came_by(&stage, link);
        check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::FORBIDDEN, "link_not_yours");
    }
    assert_eq!(block(&stage, MEMBER, &stage.owner_key()).await.status, 204);
    came_by(&stage, "AKey");
    check_refusal(&block(&stage, MEMBER, &moderator).await, StatusCode::CONFLICT, "no_link");
}

#[tokio::test]
async fn a_page_hears_why_it_would_not_be_let_in() {
    let stage = stage();
    for (room, closed) in [("Den", json!(null)), ("Locked", json!("locked")), ("Full", json!("full")), ("Empty", json!(null))] {
        if room != "Empty" {
            stage.rooms.present.lock().expect("sound").insert(room.to_owned(), vec!["Bo".to_owned()]);
        }
        let ask = post("/kennel/v1/room_token", json!({ "room": room, "user": "Ann" }));
        let answer = stage.ask(ask.bearer(&stage.owner_key())).await;
        assert_eq!(answer.json()["closed"], closed, "{room}");
    }
}
