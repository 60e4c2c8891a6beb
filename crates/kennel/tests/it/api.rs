//! The rest of Kennel's own API, and the token endpoints of the original apps.

use axum::http::StatusCode;
use kennel::config::{Ice, RoomType};
use kennel::desk::Desk;
use serde_json::{Value, json};
use twilio::token::{Grant, verify};

use crate::stage::{Answer, Ask, Stage, ask, check_refusal, get, post};

fn grant(stage: &Stage, token: &str) -> Grant {
    verify(token, &*stage.app.store, kennel::clock::unix_ms()).expect("a good token")
}

fn token(part: &str, name: &str, device: &str) -> Value {
    json!({"as":part,"name":name,"room":"Den","device":device,"take_over":false})
}

async fn ask_token(stage: &Stage, key: &str, body: Value) -> Answer {
    stage.ask(post("/kennel/v1/token", body).bearer(key)).await
}

#[tokio::test]
async fn the_server_tells_of_itself() {
    let stage = Stage::new();
    let answer = stage.ask(get("/kennel/v1/server")).await.json();
    assert_eq!((&answer["name"], &answer["open"], &answer["secure"]), (&json!("Kennel"), &json!(false), &json!(true)));
    assert_eq!(answer["secure_url"], "https://192.168.1.20:8443");
    assert_eq!(answer["certificate"], json!({"url":"/kennel/ca.crt","sha256":"AB:CD"}));
    let lan = stage.ask(get("/kennel/v1/server").plain("kennel.local:8080")).await.json();
    assert_eq!((&lan["secure"], &lan["secure_url"]), (&json!(false), &json!("https://kennel.local:8443")));
    let local = stage.ask(get("/kennel/v1/server").plain("localhost:8080")).await.json();
    assert_eq!(local["secure"], true);
}

#[tokio::test]
async fn a_camera_gets_a_token_that_the_door_takes() {
    let stage = Stage::new();
    let (id, key) = stage.link(json!({"label":"x","rights":["camera"]})).await;
    let answer = ask_token(&stage, &key, token("camera", "Kitchen", "a")).await.json();
    assert_eq!((&answer["identity"], &answer["room"]), (&json!("Kitchen"), &json!("Den")));
    let grant = grant(&stage, answer["token"].as_str().expect("a token"));
    assert_eq!(
        (grant.identity.as_str(), grant.room.as_deref(), grant.link_key.as_deref()),
        ("Kitchen", Some("Den"), Some(id.as_str()))
    );
    assert_eq!(answer["expires"].as_u64(), Some(grant.expires_unix_s * 1000));
    assert!(answer["time"].as_u64() < answer["expires"].as_u64());
}

#[tokio::test]
async fn a_devices_token_ends_with_its_session() {
    let stage = Stage::new();
    let (id, key) = stage.link(json!({"label":"x","rights":["camera"]})).await;
    let cookie = stage.sign_in(&key).await;
    let answer = stage.ask(post("/kennel/v1/token", token("camera", "Kitchen", "a")).cookie(&cookie)).await.json();
    let token = answer["token"].as_str().expect("a token");
    let origin = grant(&stage, token).link_key.expect("an origin");
    assert!(origin.starts_with(&format!("{id}.")), "{origin}");
    let ice = Ice { stun: Vec::new(), turn: Vec::new(), turn_secret: None, turn_ttl: std::time::Duration::from_secs(1) };
    let desk = Desk::new(stage.app.store.clone(), ice);
    assert!(twilio::Desk::verify(&desk, token).is_ok());
    stage.ask(post("/kennel/v1/session", json!(null)).method("DELETE").cookie(&cookie)).await;
    assert!(twilio::Desk::verify(&desk, token).is_err());
    assert_eq!(*stage.rooms.withdrawn.lock().expect("sound"), [origin]);
}

#[tokio::test]
async fn a_token_never_outlives_its_link() {
    let stage = Stage::new();
    let (_, key) = stage.link(json!({"label":"x","rights":["camera"],"ends_in_s":100})).await;
    let answer = ask_token(&stage, &key, token("camera", "Kitchen", "a")).await.json();
    let grant = grant(&stage, answer["token"].as_str().expect("a token"));
    let left = grant.expires_unix_s - kennel::clock::unix_ms() / 1000;
    assert!((1..=100).contains(&left), "{left}");
}

#[tokio::test]
async fn rights_rooms_and_names_are_checked() {
    let stage = Stage::new();
    let (_, camera) = stage.link(json!({"label":"x","rights":["camera"]})).await;
    let (_, watch) = stage.link(json!({"label":"x","rights":["watch"],"room":"Barn"})).await;
    let refusal = async |key: &str, body, status, code| check_refusal(&ask_token(&stage, key, body).await, status, code);
    refusal(&camera, token("watch", "L", "a"), StatusCode::FORBIDDEN, "right_missing").await;
    refusal(&watch, token("camera", "L", "a"), StatusCode::FORBIDDEN, "right_missing").await;
    refusal(&watch, token("watch", "L", "a"), StatusCode::FORBIDDEN, "room_not_allowed").await;
    for name in ["", " ", "a\u{7}", &"x".repeat(129)] {
        refusal(&camera, token("camera", name, "a"), StatusCode::BAD_REQUEST, "name_invalid").await;
    }
    refusal(&camera, token("camera", "L", ""), StatusCode::BAD_REQUEST, "malformed").await;
    refusal(&camera, json!({"as":"owner","name":"x"}), StatusCode::BAD_REQUEST, "malformed").await;
    let own = ask_token(&stage, &watch, json!({"as":"watch","name":"L","device":"a"})).await.json();
    assert_eq!(own["room"], "Barn", "without a room the link's own");
}

#[tokio::test]
async fn a_cameras_name_is_taken_or_taken_over() {
    let stage = Stage::new();
    let key = stage.owner_key();
    stage.rooms.present.lock().expect("sound").insert("Den".to_owned(), vec!["Kitchen".to_owned(), "Laptop".to_owned()]);
    let taken = ask_token(&stage, &key, token("camera", "Kitchen", "b")).await;
    check_refusal(&taken, StatusCode::CONFLICT, "name_taken");
    let mut over = token("camera", "Kitchen", "b");
    over["take_over"] = true.into();
    assert_eq!(ask_token(&stage, &key, over).await.json()["identity"], "Kitchen");
    assert_eq!(ask_token(&stage, &key, token("camera", "Kitchen", "b")).await.status, 200, "now it is its own");
    assert_eq!(ask_token(&stage, &key, token("camera", "Kitchen", "c")).await.status, 409);
    assert_eq!(ask_token(&stage, &key, token("watch", "Laptop", "c")).await.json()["identity"], "Laptop 2");
}

#[tokio::test]
async fn the_original_apps_login() {
    let stage = Stage::new();
    let (id, key) = stage.link(json!({"label":"x","rights":["watch"]})).await;
    let login = |body: Value| post("/login", body).bearer(&key);
    let answer = stage.ask(login(json!({"camera_name":"Kitchen"})).header("content-type", "text/plain")).await;
    let grant = grant(&stage, answer.json()["token"].as_str().expect("a token"));
    assert_eq!((grant.identity.as_str(), grant.room.as_deref(), grant.link_key), ("Kitchen", Some("Dog Cam"), Some(id)));
    for body in [json!({}), json!({"camera_name":""}), json!({"camera_name":null}), json!("Kitchen")] {
        assert_eq!(stage.ask(login(body)).await.status, 401);
    }
    let nobody = stage.ask(post("/login", json!({"camera_name":"Kitchen"}))).await;
    check_refusal(&nobody, StatusCode::UNAUTHORIZED, "no_session");
}

#[tokio::test]
async fn the_original_apps_bare_token() {
    let stage = Stage::new();
    let (_, key) = stage.link(json!({"label":"x","rights":["watch"],"room":"Big Den"})).await;
    let bare = |query: &str| get(&format!("/api/token{query}")).bearer(&key);
    let answer = stage.ask(bare("?identity=J%C3%BCrgen&room=Big+Den")).await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    let grant = grant(&stage, &answer.text);
    assert_eq!((grant.identity.as_str(), grant.room.as_deref()), ("Jürgen", Some("Big Den")));
    assert_eq!(stage.ask(bare("?room=Big%20Den")).await.status, 400);
    assert_eq!(stage.ask(bare("?identity=&room=Big%20Den")).await.status, 400);
    check_refusal(&stage.ask(bare("?identity=a&room=Other")).await, StatusCode::FORBIDDEN, "room_not_allowed");
    assert_eq!(stage.ask(get("/api/token?identity=a")).await.status, 401);
}

#[tokio::test]
async fn codes_are_pictures() {
    let stage = Stage::new();
    let qr = |text: &str| post("/kennel/v1/qr", json!({ "text": text })).bearer(&stage.owner_key());
    let answer = stage.ask(qr("http://192.168.1.20:8080/#k=abc")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/svg+xml"));
    assert!(answer.text.contains("<svg") && !answer.text.contains("192.168"));
    assert_eq!(stage.ask(qr(&"x".repeat(512))).await.status, 200);
    check_refusal(&stage.ask(qr(&"x".repeat(513))).await, StatusCode::BAD_REQUEST, "malformed");
    check_refusal(&stage.ask(qr("")).await, StatusCode::BAD_REQUEST, "malformed");
    assert_eq!(stage.ask(post("/kennel/v1/qr", json!({"text":"x"}))).await.status, 401);
}

#[tokio::test]
async fn rooms_are_listed_and_set() {
    let stage = Stage::new();
    let key = stage.owner_key();
    stage.rooms.present.lock().expect("sound").insert("Den".to_owned(), vec!["Kitchen".to_owned()]);
    let list = stage.ask(get("/kennel/v1/rooms").bearer(&key)).await.json();
    let sid = format!("RM{}", "0".repeat(32));
    let row = json!({
        "name": "Den", "sid": sid, "type": "peer-to-peer", "participants": 1, "limit": 10, "recording": false, "created": 1,
    });
    assert_eq!(list, json!({ "rooms": [row] }));
    let put = |name: &str, body: Value| -> Ask { post(&format!("/kennel/v1/rooms/{name}"), body).method("PUT").bearer(&key) };
    assert_eq!(stage.ask(put("Big%20Den", json!({"type":"go"}))).await.status, 200);
    assert_eq!(stage.rooms.types.lock().expect("sound").get("Big Den"), Some(&RoomType::Go));
    check_refusal(&stage.ask(put("Small", json!({"type":"group-small"}))).await, StatusCode::CONFLICT, "type_not_served");
    check_refusal(&stage.ask(put("One%20More", json!({"type":"go"}))).await, StatusCode::CONFLICT, "too_many_types");
    assert_eq!(stage.ask(put("Wide", json!({"type":"group"}))).await.status, 200);
    check_refusal(&stage.ask(put("Den", json!({"type":"mesh"}))).await, StatusCode::BAD_REQUEST, "malformed");
    check_refusal(&stage.ask(put("%00", json!({"type":"go"}))).await, StatusCode::BAD_REQUEST, "name_invalid");
    check_refusal(&stage.ask(put("%ff", json!({"type":"go"}))).await, StatusCode::BAD_REQUEST, "name_invalid");
}

#[tokio::test]
async fn unknown_calls_and_wrong_methods() {
    let stage = Stage::new();
    check_refusal(&stage.ask(get("/kennel/v1/nothing")).await, StatusCode::NOT_FOUND, "not_found");
    assert_eq!(stage.ask(ask("GET", "/login")).await.status, 405);
    let not_a_socket = stage.ask(get("/kennel/v1/live").bearer(&stage.owner_key())).await;
    check_refusal(&not_a_socket, StatusCode::BAD_REQUEST, "malformed");
}

#[tokio::test]
async fn figures_are_for_this_computer_and_the_owner() {
    let stage = Stage::new();
    stage.app.metrics.rooms.set(1);
    let local = stage.ask(get("/metrics").plain("localhost:8080").from("127.0.0.1")).await;
    assert_eq!((local.status, local.header("content-type").split(';').next()), (200, Some("application/openmetrics-text")));
    assert!(local.text.contains("kennel_rooms 1\n"), "{}", local.text);
    let proxied = get("/metrics").plain("localhost:8080").from("127.0.0.1").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(stage.ask(proxied).await.status, 401, "an unknown proxy here speaks for strangers");
    assert_eq!(stage.ask(get("/metrics")).await.status, 401);
    assert_eq!(stage.ask(get("/metrics").bearer(&stage.owner_key())).await.status, 200);
    let counted = stage.ask(get("/metrics").bearer(&stage.owner_key())).await.text;
    assert!(counted.contains("kennel_requests_total{route=\"/metrics\",status=\"401\"} 2"), "{counted}");
}
